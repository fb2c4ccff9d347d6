//! `./ftl new app|server|driver NAME`: a component that builds, runs and has a passing host test
//! at once, and a system to run it in. It is made from the templates in tools/ftl/templates/.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::systems;

/// What kind of component to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Does something for people.
    App,
    /// Does something for other components.
    Server,
    /// Drives a device.
    Driver,
}

/// A file of a template: where it goes, what is in it, and a word about it.
struct File {
    path: &'static str,
    text: &'static str,
    about: &'static str,
}

const SYSTEM: File = File {
    path: "systems/NAME.yml",
    text: "doc: NAME alone, for trying it out.\nisolation: kernel\ncomponents:\n  NAME:\n",
    about: "a system to run it in: ./ftl run NAME",
};

const README: &str = "# NAME\n\nSUMMARY. What it needs and provides stands in `component.yml`.\n\
                      `./ftl run NAME` runs it alone; `./ftl test NAME` runs its tests.\n";

macro_rules! template {
    ($kind:literal, $folder:literal) => {
        [
            File {
                path: concat!("components/", $folder, "/NAME/component.yml"),
                text: include_str!(concat!("../templates/", $kind, "/component.yml")),
                about: "what it needs and provides",
            },
            File {
                path: concat!("components/", $folder, "/NAME/src/main.rs"),
                text: include_str!(concat!("../templates/", $kind, "/src/main.rs")),
                about: "a loop over events",
            },
            File {
                path: concat!("components/", $folder, "/NAME/src/tests.rs"),
                text: include_str!(concat!("../templates/", $kind, "/src/tests.rs")),
                about: "runs on your machine: ./ftl test NAME",
            },
            File {
                path: concat!("components/", $folder, "/NAME/Cargo.toml"),
                text: include_str!(concat!("../templates/", $kind, "/Cargo.toml")),
                about: "",
            },
            File {
                path: concat!("components/", $folder, "/NAME/README.md"),
                text: README,
                about: "",
            },
            SYSTEM,
        ]
    };
}

const INTERFACE: File = File {
    path: "interfaces/NAME.yml",
    text: include_str!("../templates/server/interface.yml"),
    about: "how others talk to it",
};

/// Makes a component.
pub fn new(root: &Path, kind: Kind, name: &str) -> Result<()> {
    check_name(name)?;
    let (summary, mut files) = match kind {
        Kind::App => ("Greets once a second", Vec::from(template!("app", "apps"))),
        Kind::Server => ("Keeps a sum", Vec::from(template!("server", "servers"))),
        Kind::Driver => (
            "Reads the clock that keeps time while the machine is off",
            Vec::from(template!("driver", "drivers")),
        ),
    };
    if kind == Kind::Server {
        files.insert(1, INTERFACE);
    }
    let fill = |text: &str| {
        text.replace("NAME", name)
            .replace("SUMMARY", summary)
            .replace("CAMEL", &camel(name))
    };
    for file in &files {
        let path = fill(file.path);
        if root.join(&path).exists() {
            bail!("{path} is there already; choose another name, or remove it first");
        }
    }
    for folder in ["apps", "servers", "drivers"] {
        let path = format!("components/{folder}/{name}");
        if root.join(&path).exists() {
            bail!("there is a component `{name}` already, in {path}");
        }
    }
    for file in &files {
        let path = root.join(fill(file.path));
        let folder = path.parent().context("a file lies in a folder")?;
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&path, fill(file.text)))
            .with_context(|| format!("cannot write {}", path.display()))?;
        if !file.about.is_empty() {
            eprintln!("  {:<44}  {}", fill(file.path), fill(file.about));
        }
    }
    systems::refresh(root)?;
    // Where lines break depends on how long the name is.
    let _ = crate::toolchain::output(crate::doctor::host_cargo().current_dir(root).args([
        "fmt",
        "--package",
        name,
    ]));
    eprintln!("to have it in another system, add the line `  {name}:` to its file in systems/");
    Ok(())
}

/// Names become names of packages, modules and files.
fn check_name(name: &str) -> Result<()> {
    const LEN_MAX: usize = 32; // abi::NAME_LEN
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain || !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.len() > LEN_MAX {
        bail!(
            "`{name}` cannot be a component's name: at most {LEN_MAX} lower-case letters, digits and `_`, a letter first"
        );
    }
    Ok(())
}

/// `virtio_net` as the name of a Rust type: `VirtioNet`.
fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or(String::new(), |first| {
                first.to_ascii_uppercase().to_string() + letters.as_str()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for good in ["hello", "virtio_net", "a1"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Hello",
            "1a",
            "_a",
            "a-b",
            "a b",
            "../x",
            &"x".repeat(33),
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        assert_eq!(camel("virtio_net"), "VirtioNet");
    }

    #[test]
    fn templates_make_right_yaml() {
        let root = std::env::temp_dir().join(format!("ftl-new-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for file in [
            "interfaces/boot_archive.yml",
            "interfaces/component.yml",
            "interfaces/launcher.yml",
            "interfaces/stream.yml",
            "interfaces/system.yml",
            "components/servers/init/component.yml",
        ] {
            std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            std::fs::copy(source.join(file), root.join(file)).unwrap();
        }
        let made = [
            (Kind::App, "an_app"),
            (Kind::Server, "a_server"),
            (Kind::Driver, "a_driver"),
        ];
        let results: Vec<_> = made
            .iter()
            .map(|(kind, name)| new(&root, *kind, name))
            .collect();
        let workspace = systems::load(&root);
        let again = new(&root, Kind::Driver, "an_app");
        let _ = std::fs::remove_dir_all(&root);
        for result in results {
            result.unwrap();
        }
        assert_eq!(workspace.unwrap().systems().count(), 3);
        assert!(again.unwrap_err().to_string().contains("already"));
    }
}

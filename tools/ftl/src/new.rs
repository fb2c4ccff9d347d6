//! `./ftl new app|server|driver NAME`: a component that builds, runs and has a passing host test
//! at once, and a system to run it in.
//!
//! The templates are components like any other (`template_…`, and the system `templates`): they are built, linted, tested and
//! booted as they are. A new component is a copy in which the template's name has become another one.

use std::path::Path;

use anyhow::{Context, Result, bail};
use ftl_gen::names::{self, pascal};

use crate::arch::Arch;
use crate::systems;
use crate::workspace;

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

impl Kind {
    /// The component that one of this kind is a copy of. Machines differ in their devices.
    fn template(self, arch: Arch) -> Template {
        match (self, arch) {
            (Kind::App, _) => TEMPLATE_APP,
            (Kind::Server, _) => TEMPLATE_SERVER,
            (Kind::Driver, Arch::Riscv64) => TEMPLATE_DRIVER,
            (Kind::Driver, Arch::Arm64) => TEMPLATE_DRIVER_ARM64,
        }
    }

    /// The folder in components/ where these lie.
    fn folder(self) -> &'static str {
        match self {
            Kind::App => "apps",
            Kind::Server => "servers",
            Kind::Driver => "drivers",
        }
    }
}

/// A component to copy.
struct Template {
    name: &'static str,
    /// Its files: where they go, what is in them, and a word about each.
    files: [File; 4],
    /// What it speaks, if it brings that along.
    interface: Option<&'static str>,
}

/// A file of a component.
struct File {
    path: &'static str,
    text: &'static str,
    about: &'static str,
}

const SYSTEM: &str =
    "doc: NAME alone, for trying it out.\nisolation: kernel\ncomponents:\n  NAME:\n";

const README: &str = "# NAME\n\nSUMMARY. What it needs and provides stands in `component.yml`.\n\
                      `./ftl run NAME` runs it alone; `./ftl test NAME` runs its tests.\n";

macro_rules! template {
    ($folder:literal, $name:literal, $interface:expr) => {
        Template {
            name: $name,
            files: [
                template!(
                    $folder,
                    $name,
                    "component.yml",
                    "what it needs and provides"
                ),
                template!($folder, $name, "src/main.rs", "a loop over events"),
                template!(
                    $folder,
                    $name,
                    "src/tests.rs",
                    "runs on your machine: ./ftl test NAME"
                ),
                template!($folder, $name, "Cargo.toml", ""),
            ],
            interface: $interface,
        }
    };
    ($folder:literal, $name:literal, $path:literal, $about:literal) => {
        File {
            path: $path,
            text: include_str!(concat!(
                "../../../components/",
                $folder,
                "/",
                $name,
                "/",
                $path
            )),
            about: $about,
        }
    };
}

const TEMPLATE_APP: Template = template!("apps", "template_app", None);
const TEMPLATE_SERVER: Template = template!(
    "servers",
    "template_server",
    Some(include_str!("../../../interfaces/template_server.yml"))
);
const TEMPLATE_DRIVER: Template = template!("drivers", "template_driver", None);
const TEMPLATE_DRIVER_ARM64: Template = template!("drivers", "template_driver_arm64", None);

impl Template {
    /// What the new component consists of: paths in the source tree, texts, words about them.
    fn filled(&self, kind: Kind, name: &str) -> Vec<(String, String, String)> {
        let new = |text: &str| {
            text.replace(self.name, name)
                .replace(&pascal(self.name), &pascal(name))
        };
        let made = |text: &str| text.replace("NAME", name);
        let folder = format!("components/{}/{name}", kind.folder());
        let mut filled: Vec<_> = self
            .files
            .iter()
            .map(|file| {
                let path = format!("{folder}/{}", file.path);
                (path, new(file.text), made(file.about))
            })
            .collect();
        if let Some(interface) = self.interface {
            let path = format!("interfaces/{name}.yml");
            filled.insert(1, (path, new(interface), "how others talk to it".into()));
        }
        let readme = made(README).replace("SUMMARY", self.summary());
        filled.push((format!("{folder}/README.md"), readme, String::new()));
        let about = made("a system to run it in: ./ftl run NAME");
        filled.push((format!("systems/{name}.yml"), made(SYSTEM), about));
        filled
    }

    /// The first line of its documentation, without the full stop.
    fn summary(&self) -> &'static str {
        let line = self.files[1].text.lines().next().unwrap_or_default();
        line.trim_start_matches("//! ").trim_end_matches('.')
    }
}

/// Makes a component. One for a device is for one that QEMU's machine `arch` has.
pub fn new(root: &Path, kind: Kind, name: &str, arch: Arch) -> Result<()> {
    check_name(name)?;
    let files = kind.template(arch).filled(kind, name);
    for (path, ..) in &files {
        if root.join(path).exists() {
            bail!("{path} is there already; choose another name, or remove it first");
        }
    }
    if let Some(folder) = taken_by(root, name)? {
        bail!("there is a package `{name}` already, in {folder}; choose another name");
    }
    for (path, text, about) in &files {
        let file = root.join(path);
        let folder = file.parent().context("a file lies in a folder")?;
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&file, text))
            .with_context(|| format!("cannot write {}", file.display()))?;
        if !about.is_empty() {
            say!("  {path:<44}  {about}");
        }
    }
    systems::refresh(root)?;
    // Where lines break depends on how long the name is.
    let _ = crate::toolchain::output(crate::doctor::host_cargo().current_dir(root).args([
        "fmt",
        "--package",
        name,
    ]));
    say!("to have it in another system, add the line `  {name}:` to its file in systems/");
    Ok(())
}

/// Where the package of this name lies, if there is one: two cannot have the same.
fn taken_by(root: &Path, name: &str) -> Result<Option<String>> {
    let packages = workspace::packages(root)?;
    let taken = packages.into_iter().find(|(_, package)| package == name);
    Ok(taken.map(|(folder, _)| folder))
}

/// Names become names of packages, modules and files.
fn check_name(name: &str) -> Result<()> {
    if let Some(wrong) = names::Wrong::of(name) {
        bail!("`{name}` cannot be a component's name: {}", wrong.rule());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

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
            "loop",
            "async",
            "core",
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    /// A source tree with what the generator cannot do without.
    fn scratch() -> PathBuf {
        let root = std::env::temp_dir().join(format!("ftl-new-{}", std::process::id()));
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
        let manifest = "[workspace]\nmembers = [\"api\", \"interfaces\", \"libs/*\", \"components/*/*\"]\n[workspace.lints]\n\
                        [workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\npublish = false\n\
                        [workspace.dependencies]\nftl = { path = \"api\" }\ninterfaces = { path = \"interfaces\" }\n";
        std::fs::write(root.join("Cargo.toml"), manifest).unwrap();
        for (folder, name) in [
            ("api", "ftl"),
            ("interfaces", "interfaces"),
            ("libs/virtio", "virtio"),
            ("components/servers/init", "init"),
        ] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
            let package = format!("[package]\nname = \"{name}\"\n[lib]\npath = \"Cargo.toml\"\n");
            std::fs::write(root.join(folder).join("Cargo.toml"), package).unwrap();
        }
        root
    }

    #[test]
    fn copies_of_the_templates_have_right_yaml() {
        let root = scratch();
        let made = [
            (Kind::App, "an_app", Arch::Riscv64),
            (Kind::Server, "a_server", Arch::Riscv64),
            (Kind::Driver, "a_driver", Arch::Riscv64),
            (Kind::Driver, "another_driver", Arch::Arm64),
        ];
        let results: Vec<_> = made
            .iter()
            .map(|(kind, name, arch)| new(&root, *kind, name, *arch))
            .collect();
        let workspace = systems::load(&root);
        let again = new(&root, Kind::Driver, "an_app", Arch::Riscv64);
        let taken = new(&root, Kind::App, "virtio", Arch::Riscv64);
        let file = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
        let server = file("components/servers/a_server/src/main.rs");
        let driver = file("components/drivers/another_driver/component.yml");
        let readme = file("components/apps/an_app/README.md");
        let _ = std::fs::remove_dir_all(&root);
        for result in results {
            result.unwrap();
        }
        assert_eq!(workspace.unwrap().systems().count(), 4);
        let again = again.unwrap_err().to_string();
        assert!(again.contains("an_app.yml is there already"), "{again}");
        let taken = taken.unwrap_err().to_string();
        assert!(
            taken.contains("`virtio` already, in libs/virtio"),
            "{taken}"
        );
        assert!(
            server.contains("Message::AServer(a_server::ToServer::Add"),
            "{server}"
        );
        assert!(!server.contains("template"), "{server}");
        assert!(driver.contains("arm,pl031"), "{driver}");
        assert!(
            readme.starts_with("# an_app\n\nGreets once a second. "),
            "{readme}"
        );
    }
}

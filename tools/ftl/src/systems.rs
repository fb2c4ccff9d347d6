//! From a system's name to what is built for it: reads the YAML files, writes the generated
//! ones that are out of date, and asks for the plan. The work is `tools/gen`'s.

use std::fmt;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, anyhow};
use ftl_gen::{Overrides, Reports, Workspace};

use crate::arch::Arch;
use crate::build::Request;

/// How all components are to be isolated that support it, whatever the system file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Isolation {
    /// In the kernel's address space, kept apart by safe Rust.
    Kernel,
    /// In an address space of its own.
    User,
}

impl Isolation {
    /// As it stands on the command line and in YAML.
    pub const fn name(self) -> &'static str {
        match self {
            Isolation::Kernel => "kernel",
            Isolation::User => "user",
        }
    }

    /// The isolation with this name.
    pub fn from_name(name: &str) -> Option<Isolation> {
        [Isolation::Kernel, Isolation::User]
            .into_iter()
            .find(|isolation| isolation.name() == name)
    }
}

/// A setting given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    component: String,
    name: String,
    value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Setting, String> {
        let parts = || {
            let (place, value) = text.split_once('=')?;
            let (component, name) = place.split_once('.')?;
            (!component.is_empty() && !name.is_empty()).then(|| Setting {
                component: component.to_owned(),
                name: name.to_owned(),
                value: value.to_owned(),
            })
        };
        parts().ok_or_else(|| "write it as COMPONENT.SETTING=VALUE".into())
    }
}

/// A system, and what is asked for besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Variant<'a> {
    /// The system's name.
    pub system: &'a str,
    /// How all components are isolated that support it.
    pub isolation: Option<Isolation>,
    /// Settings instead of those in the system file.
    pub settings: &'a [Setting],
    /// Whether commands come from outside.
    pub exec: bool,
    /// Whether somebody sits at the console.
    pub console: bool,
    /// Whether there is a second terminal.
    pub terminal: bool,
}

/// Reads all YAML files.
pub fn load(root: &Path) -> Result<Workspace> {
    Workspace::load(root).map_err(show)
}

/// Reads all YAML files, and writes the generated files that are out of date.
pub fn refresh(root: &Path) -> Result<Workspace> {
    let workspace = load(root)?;
    write_generated(root, &workspace)?;
    Ok(workspace)
}

/// The same; answers which files those were.
pub fn refresh_files(root: &Path) -> Result<Vec<PathBuf>> {
    write_generated(root, &load(root)?)
}

fn write_generated(root: &Path, workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let written = workspace.generate().map_err(show)?;
    for path in &written {
        let what = match root.join(path).exists() {
            true => "generated",
            false => "removed",
        };
        say!("{what} {}", path.display());
    }
    Ok(written)
}

/// Takes interfaces that were changed incompatibly as they are now; answers what was written.
pub fn accept(root: &Path, interfaces: &[String]) -> Result<Vec<PathBuf>> {
    let workspace = load(root)?;
    let mut written = Vec::new();
    for name in interfaces {
        let path = workspace.accept(name).map_err(show)?;
        say!("wrote {}", path.display());
        written.push(path);
    }
    Ok(written)
}

/// What to build for a system.
pub fn request(workspace: &Workspace, arch: Arch, variant: &Variant<'_>) -> Result<Request> {
    let Variant {
        system,
        isolation,
        settings,
        exec,
        console,
        terminal,
    } = *variant;
    let overrides = Overrides {
        arch: Some(arch.name()),
        exec,
        console,
        terminal,
        isolation: isolation.map(|isolation| match isolation {
            Isolation::Kernel => ftl_gen::component::Isolation::Kernel,
            Isolation::User => ftl_gen::component::Isolation::User,
        }),
        settings: settings
            .iter()
            .cloned()
            .map(|setting| (setting.component, setting.name, setting.value))
            .collect(),
    };
    let plan = workspace.plan(system, &overrides).map_err(show)?;
    for note in &plan.notes {
        crate::report::note(note);
    }
    // A component's image, package and folder have one name.
    let components = plan
        .components()
        .into_iter()
        .map(|name| (name.clone(), name));
    Ok(Request {
        name: archive_name(variant),
        init: "init".to_owned(),
        components: components.collect(),
        names: plan.names(),
        plan: Some(plan.encode()),
        ..Request::default()
    })
}

/// Archives of one system with other isolations or settings lie side by side.
fn archive_name(variant: &Variant<'_>) -> String {
    let mut name = variant.system.to_owned();
    if let Some(isolation) = variant.isolation {
        name += &format!("-{}", isolation.name());
    }
    if variant.exec {
        name += "-exec";
    }
    if variant.console {
        name += "-console";
    }
    if variant.terminal {
        name += "-terminal";
    }
    for setting in variant.settings {
        name += &format!("-{}.{}={}", setting.component, setting.name, setting.value);
    }
    // Settings hold anything; a file's name does not.
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.=".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(100)
        .collect()
}

/// Packages of the components that may run in the kernel: those whose files say so, and those of
/// components/tests/ that have no such file.
pub fn kernel_packages(root: &Path) -> Result<Vec<String>> {
    let mut packages = packages_without_file(root)?;
    for component in load(root)?.components {
        if component
            .isolation
            .contains(&ftl_gen::component::Isolation::Kernel)
        {
            packages.push(component.name);
        }
    }
    Ok(packages)
}

/// Packages of components/tests/ that are no part of any system: they have no component.yml, and boot in
/// the place of init.
pub fn packages_without_file(root: &Path) -> Result<Vec<String>> {
    let folder = "components/tests";
    let mut packages = crate::workspace::packages_in(root, folder)?;
    packages.retain(|package| {
        let file = root.join(folder).join(package).join("component.yml");
        !file.exists()
    });
    Ok(packages)
}

/// Fails if a generated file is not what its YAML file makes.
pub fn check_generated(root: &Path) -> Result<()> {
    let workspace = load(root)?;
    workspace.check_compatible().map_err(show)?;
    workspace.check_generated().map_err(show)
}

/// Shows what is wrong in YAML files with lines and carets, and gives the error that ends us.
fn show(reports: Reports) -> anyhow::Error {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if !reports.iter().all(|report| report.place.is_none()) {
        say!("{}", reports.render(colours).trim_end());
    }
    anyhow!(YamlErrors(reports))
}

/// What is wrong in YAML files. It has been shown when this error is made.
#[derive(Debug)]
pub struct YamlErrors(pub Reports);

impl fmt::Display for YamlErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What stands in no file is told here and now, in one line.
        if self.0.iter().all(|report| report.place.is_none()) {
            for (i, report) in self.0.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { "\n" })?;
                f.write_str(&report.message)?;
                if let Some(help) = &report.help {
                    write!(f, "; {help}")?;
                }
            }
            return Ok(());
        }
        match self.0.iter().count() {
            1 => f.write_str("the YAML files hold an error; it is shown above"),
            count => write!(
                f,
                "the YAML files hold {count} errors; they are shown above"
            ),
        }
    }
}

impl std::error::Error for YamlErrors {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read() {
        let setting: Setting = "tcpip.address=10.0.2.15/24".parse().unwrap();
        assert_eq!(setting.component, "tcpip");
        assert_eq!(setting.value, "10.0.2.15/24");
        for wrong in ["tcpip", "tcpip=1", ".a=1", "tcpip.=1"] {
            assert!(wrong.parse::<Setting>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn variants_have_archives_of_their_own() {
        let setting: Setting = "a.b=/x y".parse().unwrap();
        let plain = Variant {
            system: "ping",
            ..Variant::default()
        };
        assert_eq!(archive_name(&plain), "ping");
        let other = Variant {
            isolation: Some(Isolation::User),
            settings: &[setting],
            exec: true,
            ..plain
        };
        assert_eq!(archive_name(&other), "ping-user-exec-a.b=_x_y");
    }
}

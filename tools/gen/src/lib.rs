//! From YAML to Rust and to wiring plans.
//!
//! [`Workspace::load`] reads and checks every `interfaces/*.yml`, `components/*/*/component.yml`
//! and `systems/*.yml`. What it holds is right; so [`Workspace::generated`], which makes the Rust,
//! cannot fail for what somebody wrote, and [`Workspace::plan`] only for what a command line adds.
//!
//! Neighbours: `tools/ftl` calls this; `libs/plan` has the plan's layout; the crate `ftl` has what
//! generated code uses.
#![forbid(unsafe_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub mod compatible;
pub mod component;
pub mod interface;
pub mod names;
pub mod report;
mod rust;
mod second_terminal;
pub mod settings;
pub mod system;
pub mod types;
mod yaml;

use compatible::Standing;
use component::{Component, Role};
use interface::Interface;
use report::Source;
pub use report::{Report, Reports};
use system::ARCHITECTURES;
pub use system::Overrides;
use system::System;

/// Everything that the YAML files of a workspace say, checked.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    /// The interfaces, by name.
    pub interfaces: Vec<Interface>,
    /// The components, by name.
    pub components: Vec<Component>,
    /// The systems, by name.
    pub systems: Vec<System>,
}

/// A plan, and what led to it.
#[derive(Clone, Debug)]
pub struct SystemPlan {
    plan: plan::Plan,
    /// What the user should know, such as a component that keeps its isolation.
    pub notes: Vec<String>,
}

impl SystemPlan {
    /// The names of the components whose images the boot archive must have, without init.
    pub fn components(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .plan
            .components
            .iter()
            .chain(&self.plan.commands)
            .map(|component| component.image.clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Components and commands that are not called like their image, and that.
    pub fn names(&self) -> Vec<(String, String)> {
        let all = self.plan.components.iter().chain(&self.plan.commands);
        all.filter(|component| component.name != component.image)
            .map(|component| (component.name.clone(), component.image.clone()))
            .collect()
    }

    /// The plan as it lies in the boot archive under [`plan::FILE_NAME`].
    pub fn encode(&self) -> Vec<u8> {
        self.plan.encode()
    }
    /// The plan itself.
    pub fn plan(&self) -> &plan::Plan {
        &self.plan
    }
}

impl Workspace {
    /// Reads and checks all YAML files below `root`.
    pub fn load(root: &Path) -> Result<Workspace, Reports> {
        let mut reports = Reports::default();
        // What a file says that is no YAML is not known, and others are not to blame for relying on it.
        let mut unread = false;
        let mut interfaces = Vec::new();
        for (name, path) in yaml_files(root, "interfaces", &mut reports) {
            let Some(node) = read(root, &path, &mut reports) else {
                unread = true;
                continue;
            };
            let mut interface = interface::read(&name, &node, &mut reports);
            let base = fs::read_to_string(root.join(base_path(&name)));
            interface.set_base(base.ok().as_deref());
            interfaces.push(interface);
        }
        if unread {
            return Err(reports);
        }
        let mut components: Vec<Component> = Vec::new();
        for (folder, role) in [
            ("drivers", Role::Driver),
            ("servers", Role::Server),
            ("apps", Role::App),
            ("commands", Role::Command),
            ("tests", Role::App),
        ] {
            let folder = Path::new("components").join(folder);
            for name in list(&root.join(&folder), &mut reports) {
                let path = folder.join(&name).join("component.yml");
                if !root.join(&path).is_file() {
                    let other = folder.join(&name).join("component.yaml");
                    if root.join(&other).is_file() {
                        reports.push(misnamed(&other, "it must be `component.yml`"));
                    }
                    continue;
                }
                // `true_` is the command `true`, which is a word of Rust.
                let plain = match role {
                    Role::Command => name.strip_suffix('_').unwrap_or(&name),
                    _ => &name,
                };
                if !names::is_name(plain) {
                    let how = "a name is `snake_case`: a to z, digits, underscores";
                    reports.push(misnamed(&folder.join(&name), how));
                    continue;
                }
                let Some(node) = read(root, &path, &mut reports) else {
                    unread = true;
                    continue;
                };
                let role = if name == "init" { Role::Init } else { role };
                if let Some(other) = components.iter().find(|other| other.name == name) {
                    reports.push(Report::new(
                        &node.head(),
                        format!("there are two components `{name}`"),
                        format!("the other is {}", other.folder.display()),
                    ));
                }
                components.push(component::read(
                    &name,
                    role,
                    folder.join(&name),
                    &node,
                    &interfaces,
                    &mut reports,
                ));
            }
        }
        if unread {
            return Err(reports);
        }
        components.sort_by(|a, b| a.name.cmp(&b.name));
        check_provided(&components, &mut reports);
        let mut systems = Vec::new();
        for (name, path) in yaml_files(root, "systems", &mut reports) {
            if let Some(node) = read(root, &path, &mut reports) {
                systems.push(system::read(&name, &node, &components, &mut reports));
            }
        }
        reports.into_result()?;
        let mut reports = Reports::default();
        for system in &systems {
            // What is wrong on several architectures is told once.
            let slips = ARCHITECTURES.into_iter().find_map(|arch| {
                let overrides = Overrides {
                    arch: Some(arch),
                    ..Overrides::default()
                };
                system::plan(system, &components, &interfaces, &overrides).err()
            });
            if let Some(slips) = slips {
                reports.extend(slips);
            }
        }
        reports.into_result()?;
        Ok(Workspace {
            root: root.into(),
            interfaces,
            components,
            systems,
        })
    }

    /// The names of the systems.
    pub fn systems(&self) -> impl Iterator<Item = &str> {
        self.systems.iter().map(|system| system.name.as_str())
    }

    /// Whether a system has something for whoever sits at its console.
    pub fn has_console(&self, system: &str) -> bool {
        let system = self.systems.iter().find(|other| other.name == system);
        system.is_some_and(|system| system.members.iter().any(|member| member.console))
    }

    /// Whether a system is on a network: something in it drives a network's device.
    pub fn has_network(&self, system: &str) -> bool {
        let system = self.systems.iter().find(|other| other.name == system);
        let drives = |name: &str| {
            let component = self.components.iter().find(|other| other.name == name);
            component.is_some_and(|component| {
                let mut provides = component.provides.iter();
                provides.any(|provide| provide.interface == "net")
            })
        };
        system.is_some_and(|system| {
            system
                .members
                .iter()
                .any(|member| drives(&member.component))
        })
    }

    /// Whether commands can be started in a system.
    pub fn has_commands(&self, system: &str) -> bool {
        let system = self.systems.iter().find(|other| other.name == system);
        system.is_some_and(|system| match &system.commands {
            system::Commands::All(_) => true,
            system::Commands::Some(members) => !members.is_empty(),
        })
    }

    /// All generated files: path from the root, and text.
    pub fn generated(&self) -> Result<Vec<(PathBuf, String)>, Reports> {
        let mut files = Vec::new();
        let mut modules = String::from(
            "// Generated from interfaces/*.yml by `./ftl gen`. Changes belong there; here they would be lost.\n\n\
             //! One module for each interface.\n\n",
        );
        for interface in &self.interfaces {
            if interface.standing == Standing::New {
                files.push((base_path(&interface.name), interface.canonical()));
            }
            let text = rust::interface(interface)?;
            // The crate `ftl` speaks these itself, below the crate `interfaces`.
            if IN_API.contains(&interface.name.as_str()) {
                modules += &format!("pub use ftl::{};\n", interface.name);
                files.push((
                    Path::new("api/src/generated").join(format!("{}.rs", interface.name)),
                    text,
                ));
                continue;
            }
            modules += &format!("#[rustfmt::skip]\npub mod {};\n", interface.name);
            files.push((
                Path::new("interfaces/src/generated").join(format!("{}.rs", interface.name)),
                text,
            ));
        }
        modules += "#[doc(hidden)]\n#[rustfmt::skip]\npub mod decoders;\n";
        let decoders = rust::decoders(&self.interfaces)?;
        files.push(("interfaces/src/generated/decoders.rs".into(), decoders));
        files.push(("interfaces/src/generated/mod.rs".into(), modules));
        for component in &self.components {
            files.push((
                component.folder.join("src/spec.rs"),
                rust::spec(component, &self.interfaces)?,
            ));
        }
        Ok(files)
    }

    /// Writes the generated files that are not up to date; answers which those were.
    pub fn generate(&self) -> Result<Vec<PathBuf>, Reports> {
        let mut written = Vec::new();
        for (path, text) in self.generated()? {
            let full = self.root.join(&path);
            if fs::read_to_string(&full).is_ok_and(|old| old == text) {
                continue;
            }
            self.write(&path, &text)?;
            written.push(path);
        }
        for path in self.stale() {
            fs::remove_file(self.root.join(&path)).map_err(|error| {
                Report::general(format!("cannot remove {}: {error}", path.display()))
            })?;
            written.push(path);
        }
        Ok(written)
    }

    /// Complains about interfaces that changed in ways that components do not understand which
    /// were built before.
    pub fn check_compatible(&self) -> Result<(), Reports> {
        let mut reports = Reports::default();
        for interface in &self.interfaces {
            let Standing::Broken(breaks) = &interface.standing else {
                continue;
            };
            let name = &interface.name;
            let report = Report::general(format!(
                "components built before do not understand interfaces/{name}.yml any more:\n{}",
                breaks.join("\n")
            ));
            reports.push(report.help(format!(
                "what is new goes into a new message, or into an `option(…)` at the end of one; if all \
                 components are built anew with it, say so with `./ftl gen --accept {name}`"
            )));
        }
        reports.into_result()
    }

    /// Takes an interface as it is now for what all its components are built with.
    pub fn accept(&self, name: &str) -> Result<PathBuf, Reports> {
        let found = self.interfaces.iter().find(|one| one.name == name);
        let Some(interface) = found else {
            let names = || self.interfaces.iter().map(|one| one.name.as_str());
            let report = Report::general(format!("there is no interface `{name}`"));
            return Err(match report::nearest(name, names()) {
                Some(near) => report.help(format!("did you mean `{near}`?")),
                None => report.help(format!("there is {}", report::list_names(names()))),
            }
            .into());
        };
        let path = base_path(name);
        self.write(&path, &interface.canonical())?;
        Ok(path)
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Reports> {
        let full = self.root.join(path);
        let folder = full.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&full, text))
            .map_err(|error| {
                Report::general(format!("cannot write {}: {error}", path.display())).into()
            })
    }

    /// Complains about generated files that are not up to date.
    pub fn check_generated(&self) -> Result<(), Reports> {
        let mut reports = Reports::default();
        for (path, text) in self.generated()? {
            match fs::read_to_string(self.root.join(&path)) {
                Ok(old) if old == text => {}
                Ok(_) => reports.push(Report::general(format!(
                    "{} is out of date: run `./ftl gen`",
                    path.display()
                ))),
                Err(_) => reports.push(Report::general(format!(
                    "{} is missing: run `./ftl gen`",
                    path.display()
                ))),
            }
        }
        for path in self.stale() {
            reports.push(Report::general(format!(
                "nothing generates {} any more: run `./ftl gen`",
                path.display()
            )));
        }
        reports.into_result()
    }

    /// Files of interfaces that are gone.
    fn stale(&self) -> Vec<PathBuf> {
        let mut stale = Vec::new();
        for (folder, ending) in [
            ("interfaces/src/generated", ".rs"),
            ("interfaces/base", ".txt"),
        ] {
            for file in list(&self.root.join(folder), &mut Reports::default()) {
                let name = file.strip_suffix(ending).unwrap_or(&file);
                let known = self.interfaces.iter().any(|one| one.name == name);
                if !known && file != "mod.rs" && file != "decoders.rs" {
                    stale.push(Path::new(folder).join(file));
                }
            }
        }
        stale
    }

    /// The plan of a system.
    pub fn plan(&self, system: &str, overrides: &Overrides) -> Result<SystemPlan, Reports> {
        let Some(found) = self
            .systems
            .iter()
            .find(|candidate| candidate.name == system)
        else {
            let report = Report::general(format!("there is no system `{system}`"));
            return Err(match report::nearest(system, self.systems()) {
                Some(near) => report.help(format!("did you mean `{near}`?")),
                None => report.help(format!("there is {}", report::list_names(self.systems()))),
            }
            .into());
        };
        let (plan, notes) = system::plan(found, &self.components, &self.interfaces, overrides)?;
        Ok(SystemPlan { plan, notes })
    }
}

/// Where the text lies that an interface's versions have in common.
fn base_path(name: &str) -> PathBuf {
    Path::new("interfaces/base").join(format!("{name}.txt"))
}
/// Interfaces that the crate `ftl` itself speaks, so that their code lies there.
const IN_API: &[&str] = &["component", "launcher", "stream"];

/// Each interface that something needs must be provided by something.
fn check_provided(components: &[Component], reports: &mut Reports) {
    let provided: Vec<&str> = components
        .iter()
        .flat_map(|component| &component.provides)
        .map(|provide| provide.interface.as_str())
        .collect();
    for component in components {
        for need in &component.needs {
            if system::FROM_INIT.contains(&need.interface.as_str())
                || need.optional
                || provided.contains(&need.interface.as_str())
            {
                continue;
            }
            let message = format!("nothing provides the interface `{}`", need.interface);
            reports.push(yaml::unknown(
                &need.place,
                &message,
                &need.interface,
                provided.iter().copied(),
            ));
        }
    }
}

fn read(root: &Path, path: &Path, reports: &mut Reports) -> Option<yaml::Node> {
    let text = match fs::read_to_string(root.join(path)) {
        Ok(text) => text,
        Err(error) => {
            reports.push(Report::general(format!(
                "cannot read {}: {error}",
                path.display()
            )));
            return None;
        }
    };
    match yaml::parse(&Source {
        path: path.into(),
        text: text.into(),
    }) {
        Ok(node) => Some(node),
        Err(slips) => {
            reports.extend(slips);
            None
        }
    }
}

/// The YAML files of a folder: name without ending, and path from the root.
fn yaml_files(root: &Path, folder: &str, reports: &mut Reports) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for file in list(&root.join(folder), reports) {
        let path = Path::new(folder).join(&file);
        if let Some(name) = file.strip_suffix(".yml") {
            if names::is_name(name) {
                files.push((name.to_string(), path));
            } else {
                reports.push(misnamed(
                    &path,
                    "a name is `snake_case`: a to z, digits, underscores",
                ));
            }
        } else if file.ends_with(".yaml") {
            reports.push(misnamed(&path, "these files end in `.yml`"));
        }
    }
    files
}

fn misnamed(path: &Path, how: &str) -> Report {
    Report::general(format!("{} has the wrong name", path.display())).help(how)
}

/// What is in a folder, sorted; nothing if there is none.
fn list(folder: &Path, reports: &mut Reports) -> Vec<String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            reports.push(Report::general(format!(
                "cannot list {}: {error}",
                folder.display()
            )));
            return Vec::new();
        }
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

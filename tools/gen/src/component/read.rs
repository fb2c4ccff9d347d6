//! Reading a component out of its file.

use std::path::PathBuf;

use plan::DirectoryRights;

use super::devices::read_devices;
use super::limits::{read_limits, read_milliseconds, read_restart};
use super::{Component, Isolation, Limits, Need, Provide, Restart, Role};
use crate::interface::Interface;
use crate::names;
use crate::report::{Report, Reports};
use crate::settings::read_settings;
use crate::yaml::{Fields, Node, Value, unknown};

/// Reads a component out of its file.
pub fn read(
    name: &str,
    role: Role,
    folder: PathBuf,
    root: &Node,
    interfaces: &[Interface],
    reports: &mut Reports,
) -> Component {
    let mut fields = root.fields("a component", reports);
    let doc = fields
        .require("doc")
        .and_then(|node| node.expect_text("a sentence of documentation", reports))
        .unwrap_or_default()
        .trim()
        .to_string();
    same(&mut fields, "name", name, "its folder", reports);
    same(
        &mut fields,
        "kind",
        role.name(),
        "the folder above it",
        reports,
    );

    let isolation = read_isolations(&mut fields, reports);
    let needs = fields
        .get("needs")
        .map(|node| read_needs(node, interfaces, reports))
        .unwrap_or_default();
    let provides = fields
        .get("provides")
        .map(|node| read_provides(node, interfaces, reports))
        .unwrap_or_default();
    let devices = fields
        .get("devices")
        .map(|node| read_devices(node, reports))
        .unwrap_or_default();
    let settings = fields
        .get("settings")
        .map(|node| read_settings(node, reports))
        .unwrap_or_default();
    let mut limits = match role {
        // Many of them may run at once.
        Role::Command => Limits {
            memory: 1 << 20,
            heap: 64 << 10,
            stack: 32 << 10,
            handles: 32,
            threads: 1,
            messages: 256,
            cpu: 90,
        },
        _ => Limits {
            memory: 4 << 20,
            heap: 128 << 10,
            stack: 64 << 10,
            handles: 64,
            threads: 1,
            messages: 4096,
            cpu: if role == Role::Init { 100 } else { 90 },
        },
    };
    if let Some(node) = fields.get("limits") {
        read_limits(node, &mut limits, reports);
    }
    let mut priority = role;
    if let Some(node) = fields.get("priority") {
        priority = match node.expect_word("`priority`", &["driver", "server", "app"], reports) {
            Some("driver") => Role::Driver,
            Some("server") => Role::Server,
            Some("app") => Role::App,
            _ => priority,
        };
    }
    let mut restart = Restart {
        policy: match role {
            Role::App | Role::Command => plan::Restart::Never,
            _ => plan::Restart::Always,
        },
        crashes_max: 5,
        heartbeat_ms: 0,
    };
    if let Some(node) = fields.get("restart") {
        read_restart(node, &mut restart, reports);
    }
    if let Some(node) = fields.get("heartbeat") {
        restart.heartbeat_ms = read_milliseconds(node, reports).unwrap_or(0);
    }
    let blocking = fields
        .get("blocking")
        .and_then(|node| node.expect_bool("`blocking`", reports))
        .unwrap_or(role != Role::Driver);
    if role == Role::Driver && blocking {
        reports.push(Report::new(
            &root.head(),
            "a driver does not block",
            "leave `blocking` out, or set it to `false`",
        ));
    }
    let keeps_state = fields
        .get("keeps_state")
        .and_then(|node| node.expect_bool("`keeps_state`", reports))
        .unwrap_or(false);
    let terminal = fields
        .get("terminal")
        .and_then(|node| node.expect_bool("`terminal`", reports))
        .unwrap_or(false);
    let directory = fields
        .get("directory")
        .and_then(|node| node.expect_word("`directory`", &DirectoryRights::NAMES, reports))
        .and_then(DirectoryRights::from_name);
    let streams = fields
        .get("streams")
        .and_then(|node| node.expect_bool("`streams`", reports))
        .unwrap_or(role == Role::Command);
    let mut hosts = Vec::new();
    if let Some(node) = fields.get("hosts") {
        let names = entries(node, reports);
        let found = names
            .iter()
            .filter_map(|(key, _)| find_interface(key, interfaces, reports));
        hosts = found.collect();
    }
    let names = match fields.get("names") {
        Some(node) => read_names(node, role, reports),
        None => Vec::new(),
    };
    fields.finish(reports);

    let component = Component {
        name: name.into(),
        names,
        doc,
        role,
        folder,
        isolation,
        needs,
        provides,
        devices,
        settings,
        limits,
        priority,
        restart,
        blocking,
        keeps_state,
        terminal,
        directory,
        streams,
        hosts,
        place: root.head(),
    };
    component.check_names(reports);
    component.check_command(root, reports);
    component
}

/// The names that a command can be started under.
pub(super) fn read_names(node: &Node, role: Role, reports: &mut Reports) -> Vec<(String, String)> {
    if role != Role::Command {
        reports.push(Report::new(
            &node.head(),
            "only commands have several names",
            "others are called like their folder",
        ));
    }
    let mut names = Vec::new();
    for (key, node) in node.expect_entries("names, each with a sentence", reports) {
        let name = key.expect_text("a name", reports);
        let doc = node.expect_text("a sentence of documentation", reports);
        if let (Some(name), Some(doc)) = (name, doc) {
            names.push((name.to_string(), doc.trim().to_string()));
        }
    }
    names
}

/// A field that may be written, but must then say what the file's place says.
pub(super) fn same(
    fields: &mut Fields<'_>,
    field: &'static str,
    is: &str,
    why: &str,
    reports: &mut Reports,
) {
    let Some(node) = fields.get(field) else {
        return;
    };
    let Some(text) = node.expect_text(&format!("`{field}`"), reports) else {
        return;
    };
    if text != is {
        reports.push(Report::new(
            &node.place,
            format!("`{field}` says `{text}`, but {why} says `{is}`"),
            "leave it out, or move the folder",
        ));
    }
}

pub(super) fn read_isolations(fields: &mut Fields<'_>, reports: &mut Reports) -> Vec<Isolation> {
    let all = vec![Isolation::Kernel, Isolation::User];
    let Some(node) = fields.get("isolation") else {
        return all;
    };
    let mut isolations = Vec::new();
    for item in node.expect_list("the isolations that the component supports", reports) {
        let word = item.expect_word("`isolation`", &Isolation::NAMES, reports);
        if let Some(isolation) = word.and_then(Isolation::from_name) {
            isolations.push(isolation);
        }
    }
    if isolations.is_empty() {
        if matches!(&node.value, Value::List(items) if items.is_empty()) {
            reports.push(Report::new(
                &node.head(),
                "a component supports one isolation at least",
                "none is here",
            ));
        }
        return all;
    }
    isolations
}

/// Interfaces that no component names, and what they are instead.
pub(super) const BUILT_IN: &[(&str, &str)] = &[
    ("component", "between init and the crate `ftl`"),
    ("stream", "what the crate `ftl` speaks behind `ftl::io`"),
];

pub(super) fn find_interface(
    node: &Node,
    interfaces: &[Interface],
    reports: &mut Reports,
) -> Option<String> {
    let text = node.expect_text("the name of an interface", reports)?;
    if let Some((_, what)) = BUILT_IN.iter().find(|(name, _)| *name == text) {
        reports.push(Report::new(
            &node.place,
            format!("the interface `{text}` is {what}"),
            "no component needs or provides it",
        ));
        return None;
    }
    if interfaces.iter().any(|interface| interface.name == text) {
        return Some(text.into());
    }
    let known = interfaces
        .iter()
        .map(|interface| interface.name.as_str())
        .filter(|known| BUILT_IN.iter().all(|(name, _)| name != known));
    reports.push(unknown(
        &node.place,
        &format!("there is no interface `{text}`"),
        text,
        known,
    ));
    None
}

/// The entries under `needs` or `provides`: a list of interfaces, or names with details.
pub(super) fn entries(node: &Node, reports: &mut Reports) -> Vec<(Node, Option<Node>)> {
    match &node.value {
        Value::List(items) => items.iter().map(|item| (item.clone(), None)).collect(),
        Value::Null => Vec::new(),
        _ => node
            .expect_entries("interfaces by name", reports)
            .iter()
            .map(|(key, value)| (key.clone(), Some(value.clone())))
            .collect(),
    }
}

pub(super) fn read_needs(
    node: &Node,
    interfaces: &[Interface],
    reports: &mut Reports,
) -> Vec<Need> {
    let mut needs = Vec::new();
    for (key, details) in entries(node, reports) {
        let Some(name) = names::check(&key, "the name of a need", reports) else {
            continue;
        };
        let mut need = Need {
            name: name.into(),
            doc: String::new(),
            interface: String::new(),
            optional: false,
            place: key.place.clone(),
        };
        let interface = match details.as_ref().map(|node| (node, &node.value)) {
            None | Some((_, Value::Null)) => find_interface(&key, interfaces, reports),
            Some((node, Value::Scalar { .. })) => find_interface(node, interfaces, reports),
            Some((node, _)) => {
                let mut fields = node.fields("a need", reports);
                need.doc = fields
                    .get("doc")
                    .and_then(|node| node.text())
                    .unwrap_or_default()
                    .trim()
                    .into();
                need.optional = fields
                    .get("optional")
                    .and_then(|node| node.expect_bool("`optional`", reports))
                    .unwrap_or(false);
                let interface =
                    find_interface(fields.get("interface").unwrap_or(&key), interfaces, reports);
                fields.finish(reports);
                interface
            }
        };
        let Some(interface) = interface else { continue };
        need.interface = interface;
        needs.push(need);
    }
    needs
}

pub(super) fn read_provides(
    node: &Node,
    interfaces: &[Interface],
    reports: &mut Reports,
) -> Vec<Provide> {
    let mut provides: Vec<Provide> = Vec::new();
    for (key, details) in entries(node, reports) {
        let Some(name) = names::check(&key, "the name of something provided", reports) else {
            continue;
        };
        let mut doc = String::new();
        let interface = match details.as_ref().map(|node| (node, &node.value)) {
            None | Some((_, Value::Null)) => find_interface(&key, interfaces, reports),
            Some((node, Value::Scalar { .. })) => find_interface(node, interfaces, reports),
            Some((node, _)) => {
                let mut fields = node.fields("something provided", reports);
                doc = fields
                    .get("doc")
                    .and_then(|node| node.text())
                    .unwrap_or_default()
                    .trim()
                    .into();
                let interface =
                    find_interface(fields.get("interface").unwrap_or(&key), interfaces, reports);
                fields.finish(reports);
                interface
            }
        };
        let Some(interface) = interface else { continue };
        if provides.iter().any(|other| other.interface == interface) {
            reports.push(Report::new(
                &key.place,
                format!("`{interface}` is provided twice by this component"),
                "once is enough: each client has its own channel",
            ));
            continue;
        }
        provides.push(Provide {
            name: name.into(),
            doc,
            interface,
        });
    }
    provides
}

/// What the `Environ` of each command has.
pub(super) const OF_COMMANDS: [&str; 8] = [
    "name",
    "arguments",
    "variables",
    "stdin",
    "stdout",
    "stderr",
    "terminal",
    "directory",
];

impl Component {
    /// A command is started when somebody asks, as often as asked: some things make no sense then.
    fn check_command(&self, root: &Node, reports: &mut Reports) {
        if self.role != Role::Command {
            if self.terminal {
                reports.push(Report::new(
                    &root.head(),
                    "only commands are given a terminal",
                    "others name the interface `terminal` under `needs`",
                ));
            }
            if self.directory.is_some() {
                reports.push(Report::new(
                    &root.head(),
                    "only commands are given a directory by whoever starts them",
                    "others name the interface `fs` under `needs`",
                ));
            }
            return;
        }
        let wrong = [
            (!self.provides.is_empty(), "provide something"),
            (!self.devices.is_empty(), "drive devices"),
            (self.keeps_state, "keep state"),
            (self.restart.heartbeat_ms > 0, "have a heartbeat"),
            (
                self.restart.policy != plan::Restart::Never,
                "be started again",
            ),
        ];
        for (_, what) in wrong.iter().filter(|(wrong, _)| *wrong) {
            reports.push(Report::new(
                &root.head(),
                format!("a command cannot {what}"),
                "a server can: move the folder to components/servers",
            ));
        }
    }

    /// All that becomes a field of `Environ` must differ.
    fn check_names(&self, reports: &mut Reports) {
        let mut taken: Vec<&str> = vec!["settings", "random", "state"];
        if self.role == Role::Command {
            taken.extend(OF_COMMANDS);
        }
        let names = self
            .needs
            .iter()
            .map(|need| need.name.as_str())
            .chain(self.provides.iter().map(|provide| provide.name.as_str()))
            .chain(self.devices.iter().map(|device| device.name.as_str()));
        for name in names {
            if taken.contains(&name) {
                reports.push(Report::new(
                    &self.place,
                    format!("two things in this component are called `{name}`"),
                    match self.role {
                        Role::Command => "besides, `settings`, `random`, `name`, `arguments`, `variables`, `stdin`, `stdout`, `stderr`, `terminal` and `directory` are taken",
                        _ => "`needs`, `provides` and `devices` share one set of names; `settings`, `random` and `state` are taken",
                    },
                ));
            }
            taken.push(name);
        }
    }
}

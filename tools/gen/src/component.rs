//! Components: what `components/*/*/component.yml` say.

use std::path::PathBuf;

use plan::DirectoryRights;

use crate::interface::Interface;
use crate::names;
use crate::report::{Place, Report, Reports};
use crate::settings::{Setting, read_settings};
use crate::yaml::{Fields, Node, Value, unknown};

/// What a component is there for; it decides the folder and the priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The first component.
    Init,
    /// Has a device.
    Driver,
    /// Serves other components.
    Server,
    /// Everything else that runs all the time.
    App,
    /// Is started whenever somebody asks for it.
    Command,
}

impl Role {
    /// As YAML has it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Init => "init",
            Role::Driver => "driver",
            Role::Server => "server",
            Role::App => "app",
            Role::Command => "command",
        }
    }
    /// The priority of its threads: 0 runs first, 7 last.
    pub fn priority(self) -> u8 {
        match self {
            Role::Init => 0,
            Role::Driver => 2,
            Role::Server => 3,
            Role::App | Role::Command => 5,
        }
    }
}

/// One component.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name: that of its folder, which is also its package and its image.
    pub name: String,
    /// What it does.
    pub doc: String,
    /// What it is there for.
    pub role: Role,
    /// Its folder, from the workspace's root.
    pub folder: PathBuf,
    /// The isolations it supports: at least one.
    pub isolation: Vec<Isolation>,
    /// What it needs.
    pub needs: Vec<Need>,
    /// What it provides.
    pub provides: Vec<Provide>,
    /// The devices it drives.
    pub devices: Vec<Device>,
    /// What can be set.
    pub settings: Vec<Setting>,
    /// How much it may use.
    pub limits: Limits,
    /// Which class its threads' priority is of.
    pub priority: Role,
    /// When it is started again.
    pub restart: Restart,
    /// Whether it uses calls that block.
    pub blocking: bool,
    /// Whether it leaves restart state with init.
    pub keeps_state: bool,
    /// Whether it, a command, is given the terminal.
    pub terminal: bool,
    /// What it, a command, does in the directory that it is given; none if it gets none.
    pub directory: Option<DirectoryRights>,
    /// The names that it, a command, can be started under, each with what it does then. Only its own
    /// if there are none.
    pub names: Vec<(String, String)>,
    /// Whether it hears streams in its event loop; commands always do.
    pub streams: bool,
    /// Interfaces of which it makes channels itself, and is the server of those.
    pub hosts: Vec<String>,
    /// Where its file begins.
    pub place: Place,
}

/// How a component can be kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// In the kernel's address space.
    Kernel,
    /// In its own.
    User,
}

impl Isolation {
    /// All of them, as YAML has them.
    pub const NAMES: [&'static str; 2] = ["kernel", "user"];

    /// As YAML has it.
    pub fn name(self) -> &'static str {
        Isolation::NAMES[self as usize]
    }
    /// From YAML.
    pub fn from_name(name: &str) -> Option<Isolation> {
        match name {
            "kernel" => Some(Isolation::Kernel),
            "user" => Some(Isolation::User),
            _ => None,
        }
    }
}

/// Something that a component needs.
#[derive(Clone, Debug)]
pub struct Need {
    /// Its name in the component.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The interface's name.
    pub interface: String,
    /// Whether the component runs without it.
    pub optional: bool,
    /// Where it stands.
    pub place: Place,
}

/// Something that a component provides.
#[derive(Clone, Debug)]
pub struct Provide {
    /// Its name in the component.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The interface's name.
    pub interface: String,
}

/// A device that a component drives.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name in the component.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// Which `compatible` string the device has; empty if a virtio device will do wherever it is plugged in.
    pub compatible: String,
    /// What the component's file says of it, for people.
    pub described: String,
    /// Which virtio device it is; 0 if it is none.
    pub virtio: u32,
    /// Whether the component drives all that there are, which may be none.
    pub all: bool,
}

/// How much a component may use.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Bytes of memory, all in all.
    pub memory: u64,
    /// Bytes of heap.
    pub heap: u64,
    /// Bytes of the first thread's stack.
    pub stack: u64,
    /// Handles.
    pub handles: u64,
    /// Threads.
    pub threads: u64,
    /// Messages in the queues of the channels that it makes.
    pub messages: u64,
    /// Share of a CPU in per cent.
    pub cpu: u64,
}

/// When a component is started again.
#[derive(Clone, Debug)]
pub struct Restart {
    /// After which ends: a variant of `plan::Restart`.
    pub policy: plan::Restart,
    /// How many crashes shortly after the start are borne.
    pub crashes_max: u16,
    /// Milliseconds within which a heartbeat must be answered; 0 for none.
    pub heartbeat_ms: u32,
}

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
        .require("doc", reports)
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
fn read_names(node: &Node, role: Role, reports: &mut Reports) -> Vec<(String, String)> {
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
fn same(fields: &mut Fields<'_>, field: &'static str, is: &str, why: &str, reports: &mut Reports) {
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

fn read_isolations(fields: &mut Fields<'_>, reports: &mut Reports) -> Vec<Isolation> {
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
const BUILT_IN: &[(&str, &str)] = &[
    ("component", "between init and the crate `ftl`"),
    ("stream", "what the crate `ftl` speaks behind `ftl::io`"),
];

fn find_interface(node: &Node, interfaces: &[Interface], reports: &mut Reports) -> Option<String> {
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
fn entries(node: &Node, reports: &mut Reports) -> Vec<(Node, Option<Node>)> {
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

fn read_needs(node: &Node, interfaces: &[Interface], reports: &mut Reports) -> Vec<Need> {
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

fn read_provides(node: &Node, interfaces: &[Interface], reports: &mut Reports) -> Vec<Provide> {
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

const VIRTIO: &[(&str, u32)] = &[
    ("net", 1),
    ("block", 2),
    ("console", 3),
    ("rng", 4),
    ("balloon", 5),
    ("9p", 9),
    ("gpu", 16),
    ("input", 18),
];

fn read_devices(node: &Node, reports: &mut Reports) -> Vec<Device> {
    let mut devices = Vec::new();
    for (key, node) in node.expect_entries("devices by name", reports) {
        let Some(name) = names::check(key, "a device's name", reports) else {
            continue;
        };
        let mut fields = node.fields("a device", reports);
        let doc = fields
            .get("doc")
            .and_then(|node| node.text())
            .unwrap_or_default()
            .trim()
            .into();
        let mut text = |field: &'static str, what: &'static str| {
            let node = fields.get(field)?;
            Some((node.expect_text(what, reports)?.to_string(), node))
        };
        let compatible = text("compatible", "a `compatible` string of the device tree");
        let pci = text("pci", PCI_FORM);
        let words: Vec<&str> = VIRTIO.iter().map(|(word, _)| *word).collect();
        let virtio = fields
            .get("virtio")
            .and_then(|node| node.expect_word("`virtio`", &words, reports));
        let kind = VIRTIO.iter().find(|(word, _)| Some(*word) == virtio);
        let (compatible, described) = match (compatible, pci, kind) {
            (Some((_, node)), Some(_), _) => {
                reports.push(Report::new(
                    &node.place,
                    "a device of the device tree is none of the PCI bus",
                    "say either `compatible` or `pci`",
                ));
                continue;
            }
            (None, Some((address, node)), _) => {
                let Some(name) = pci_name(&address) else {
                    reports.push(Report::new(
                        &node.place,
                        format!("`{address}` names no PCI device"),
                        format!("write it as {PCI_FORM}"),
                    ));
                    continue;
                };
                (name, format!("that is PCI `{address}`"))
            }
            (Some((compatible, _)), None, _) => {
                let described = format!("that is `{compatible}`");
                (compatible, described)
            }
            (None, None, Some((word, _))) => (String::new(), format!("that is virtio's `{word}`")),
            (None, None, None) => {
                reports.push(Report::new(
                    &node.head(),
                    "nothing says which device it is",
                    "say `virtio: net`, `pci: \"1b36:0005\"`, or a `compatible` of the device tree",
                ));
                continue;
            }
        };
        let virtio = kind.map_or(0, |(_, number)| *number);
        if compatible == "virtio,mmio" && virtio == 0 {
            reports.push(Report::new(
                &node.head(),
                "all virtio devices are `virtio,mmio`",
                "say which one: `virtio: net`",
            ));
        }
        let all = fields
            .get("all")
            .and_then(|node| node.expect_bool("`all`", reports))
            .unwrap_or(false);
        fields.finish(reports);
        devices.push(Device {
            name: name.into(),
            doc,
            compatible,
            described,
            virtio,
            all,
        });
    }
    devices
}

/// How a component's file names a PCI device.
const PCI_FORM: &str = "\"VENDOR:DEVICE\", four hexadecimal digits each, as `lspci -n` does";

/// What the kernel calls the PCI device that a component's file names so.
fn pci_name(text: &str) -> Option<String> {
    let (vendor, device) = text.split_once(':')?;
    let is_number = |part: &str| {
        part.len() == 4
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (is_number(vendor) && is_number(device)).then(|| format!("pci{vendor},{device}"))
}

/// Reads `limits`, of a component or of a system, over what is there.
pub fn read_limits(node: &Node, limits: &mut Limits, reports: &mut Reports) {
    let mut fields = node.fields("`limits`", reports);
    // The upper bounds are the kernel's (kernel/src/process.rs).
    let mut limit = |name: &'static str, least: u64, most: u64, value: &mut u64| {
        let Some(node) = fields.get(name) else { return };
        match node.expect_integer("a number, such as 64, 256K or 4M", reports) {
            Some(number) if (least as i128..=most as i128).contains(&number) => {
                *value = number as u64
            }
            Some(_) => reports.push(Report::new(
                &node.place,
                format!("`{name}` is out of its range"),
                format!("{} to {}", shown(least), shown(most)),
            )),
            None => {}
        }
    };
    limit("memory", 64 << 10, 64 << 30, &mut limits.memory);
    limit("heap", 4 << 10, 64 << 20, &mut limits.heap);
    limit("stack", 16 << 10, 1 << 20, &mut limits.stack);
    limit("handles", 8, 16_384, &mut limits.handles);
    limit("threads", 1, 64, &mut limits.threads);
    limit("messages", 2, 1 << 20, &mut limits.messages);
    limit("cpu", 1, 100, &mut limits.cpu);
    if limits.heap + limits.stack > limits.memory {
        reports.push(Report::new(
            &node.head(),
            format!(
                "heap ({}) and stack ({}) do not fit into `memory` ({})",
                shown(limits.heap),
                shown(limits.stack),
                shown(limits.memory)
            ),
            "raise `memory`",
        ));
    }
    fields.finish(reports);
}

/// A number of bytes as YAML would have it.
fn shown(number: u64) -> String {
    match number {
        number if number >= 1 << 30 && number % (1 << 30) == 0 => format!("{}G", number >> 30),
        number if number >= 1 << 20 && number % (1 << 20) == 0 => format!("{}M", number >> 20),
        number if number >= 1 << 10 && number % (1 << 10) == 0 => format!("{}K", number >> 10),
        number => number.to_string(),
    }
}

/// Reads `restart`, of a component or of a system, over what is there.
pub fn read_restart(node: &Node, restart: &mut Restart, reports: &mut Reports) {
    const WORDS: [&str; 3] = ["always", "on_failure", "never"];
    let policy =
        |node: &Node, reports: &mut Reports| match node.expect_word("`restart`", &WORDS, reports) {
            Some("always") => Some(plan::Restart::Always),
            Some("on_failure") => Some(plan::Restart::OnFailure),
            Some("never") => Some(plan::Restart::Never),
            _ => None,
        };
    if let Value::Map(_) = node.value {
        let mut fields = node.fields("`restart`", reports);
        if let Some(found) = fields
            .require("policy", reports)
            .and_then(|node| policy(node, reports))
        {
            restart.policy = found;
        }
        if let Some(node) = fields.get("crashes") {
            match node
                .expect_integer("a number of crashes", reports)
                .map(u16::try_from)
            {
                Some(Ok(number)) => restart.crashes_max = number,
                Some(Err(_)) => reports.push(Report::new(
                    &node.place,
                    "`crashes` is out of its range",
                    "0 to 65535",
                )),
                None => {}
            }
        }
        fields.finish(reports);
    } else if let Some(found) = policy(node, reports) {
        restart.policy = found;
    }
}

/// A span of time: `500ms`, `5s`.
fn read_milliseconds(node: &Node, reports: &mut Reports) -> Option<u32> {
    let text = node.expect_text("a time, such as `500ms` or `5s`", reports)?;
    let number = match text.strip_suffix("ms") {
        Some(digits) => digits.parse::<u32>().ok(),
        None => text
            .strip_suffix('s')
            .and_then(|digits| digits.parse::<u32>().ok()?.checked_mul(1000)),
    };
    match number {
        Some(number @ 10..=3_600_000) => Some(number),
        _ => {
            reports.push(Report::new(
                &node.place,
                format!("`{text}` is no time for a heartbeat"),
                "such as `500ms` or `5s`, at most an hour",
            ));
            None
        }
    }
}

/// What the `Environ` of each command has.
const OF_COMMANDS: [&str; 8] = [
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

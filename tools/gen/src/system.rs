//! Systems: what `systems/*.yml` say, and the plan that comes of one.

use std::collections::BTreeMap;

use plan::{Directory, DirectoryRights};

use crate::component::{
    Component, Isolation, Limits, Need, Restart, Role, read_limits, read_restart,
};
use crate::interface::Interface;
use crate::report::{Place, Report, Reports, list_names, nearest};
use crate::settings::{self, SettingValue, read_value};
use crate::yaml::{Fields, Node, Value, unknown};

/// Interfaces that init itself provides.
pub const FROM_INIT: &[&str] = &["boot_archive", "launcher", "system"];
/// The interface whose clients get a directory each.
const FILES: &str = "fs";
/// Most bytes of encoded settings: `interfaces/component.yml`, `start`.
const SETTINGS_LEN_MAX: usize = 2048;

/// One system.
#[derive(Clone, Debug)]
pub struct System {
    /// Its name: that of the file.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The isolation of components that do not say otherwise.
    pub isolation: Isolation,
    /// Its components, in the order of the file.
    pub members: Vec<Member>,
    /// The commands that can be started in it.
    pub commands: Commands,
    /// The component whose end ends the system.
    pub exit_when: Option<String>,
}

/// Which commands a system has.
#[derive(Clone, Debug)]
pub enum Commands {
    /// All that there are, these with details. What one of them needs may be absent from the system;
    /// then starting it says so.
    All(Vec<Member>),
    /// These.
    Some(Vec<Member>),
}

/// A component in a system.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// The component that it is: of the same name, but for further instances.
    pub component: String,
    /// Where it stands.
    pub place: Place,
    /// The only architecture that it is there on, if the file says.
    pub arch: Option<&'static str>,
    /// It is there only if somebody sits at the console.
    pub console: bool,
    /// Its isolation, if the file says.
    pub isolation: Option<Isolation>,
    /// How much it may use.
    pub limits: Limits,
    /// When it is started again.
    pub restart: Restart,
    /// Its settings, in the order of the component's file.
    pub settings: Vec<SettingValue>,
    /// Which component provides what, where the file says.
    pub needs: BTreeMap<String, String>,
    /// Which directory it gets for a need of `fs`, where the file says.
    pub directories: BTreeMap<String, Directory>,
}

/// What the command line changes about a system.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Isolation of all components that support it.
    pub isolation: Option<Isolation>,
    /// Settings by component and name, as text.
    pub settings: Vec<(String, String, String)>,
    /// The architecture, if it is known already. Otherwise all members are there.
    pub arch: Option<&'static str>,
    /// Whether commands come from outside, through a virtio console (`./ftl run --exec`).
    pub exec: bool,
    /// Whether somebody sits at the console (`./ftl run` on a terminal).
    pub console: bool,
    /// Whether there is a second terminal, on a virtio console (`./ftl run --terminal`).
    pub terminal: bool,
}

/// The architectures that a system can be built for.
pub const ARCHITECTURES: [&str; 2] = ["riscv64", "arm64"];

/// The components that let commands in from outside.
const FOR_EXEC: [&str; 2] = ["virtio_console", "exec"];

/// Reads a system out of its file.
pub fn read(name: &str, root: &Node, components: &[Component], reports: &mut Reports) -> System {
    let mut fields = root.fields("a system", reports);
    let doc = fields
        .require("doc", reports)
        .and_then(|node| node.expect_text("a sentence of documentation", reports))
        .unwrap_or_default()
        .trim()
        .to_string();
    let isolation = fields
        .get("isolation")
        .and_then(|node| node.expect_word("`isolation`", &Isolation::NAMES, reports))
        .and_then(Isolation::from_name)
        .unwrap_or(Isolation::Kernel);
    let mut members = Vec::new();
    if let Some(node) = fields.require("components", reports) {
        for (key, node) in node.expect_entries("components by name", reports) {
            members.extend(read_member(key, node, false, components, reports));
        }
    }
    let commands = match fields.get("commands") {
        Some(node) => read_commands(node, components, reports),
        None => Commands::Some(Vec::new()),
    };
    let mut exit_when = None;
    if let Some(node) = fields.get("exit_when")
        && let Some(text) = node.expect_text("the name of a component", reports)
    {
        if members.iter().any(|member| member.name == text) {
            exit_when = Some(text.to_string());
        } else {
            let known = members.iter().map(|member| member.name.as_str());
            let message = format!("this system has no component `{text}`");
            reports.push(unknown(&node.place, &message, text, known));
        }
    }
    fields.finish(reports);
    System {
        name: name.into(),
        doc,
        isolation,
        members,
        commands,
        exit_when,
    }
}

/// `all`, a list of names, or names with details; one of the names may be `all`.
fn read_commands(node: &Node, components: &[Component], reports: &mut Reports) -> Commands {
    if node.text() == Some("all") {
        return Commands::All(Vec::new());
    }
    let entries: Vec<(Node, Node)> = match &node.value {
        Value::List(items) => items
            .iter()
            .map(|item| {
                let mut empty = item.clone();
                empty.value = Value::Null;
                (item.clone(), empty)
            })
            .collect(),
        _ => node
            .expect_entries("`all`, or commands by name", reports)
            .to_vec(),
    };
    let is_all = |key: &Node| key.text() == Some("all");
    let members = entries
        .iter()
        .filter(|(key, _)| !is_all(key))
        .filter_map(|(key, node)| read_member(key, node, true, components, reports))
        .collect();
    match entries.iter().any(|(key, _)| is_all(key)) {
        true => Commands::All(members),
        false => Commands::Some(members),
    }
}

/// The directories of a member: for each need of `fs` there may be a field of its name.
fn read_directories(
    component: &Component,
    node: &Node,
    fields: &mut Fields<'_>,
    reports: &mut Reports,
) -> BTreeMap<String, Directory> {
    let mut directories = BTreeMap::new();
    let of_fs = |need: &&Need| need.interface == FILES;
    for need in component.needs.iter().filter(of_fs) {
        let Some(node) = fields.get_named(&need.name) else {
            continue;
        };
        directories
            .extend(read_directory(node, reports).map(|directory| (need.name.clone(), directory)));
    }
    if !component.needs.iter().any(|need| need.name == FILES)
        && let Some(key) = node.key(FILES)
    {
        fields.get(FILES);
        let needs = component.needs.iter().filter(of_fs);
        let report = Report::new(
            &key.place,
            format!("`{}` has no need `{FILES}`", component.name),
            "so it cannot be given a directory",
        );
        reports.push(match needs.map(|need| need.name.as_str()).next() {
            Some(name) => report.help(format!("its file calls it `{name}`")),
            None => report.help("add `needs: [fs]` to its component.yml, or leave this out"),
        });
    }
    directories
}

/// `{ dir: /var/www, rights: read }`.
fn read_directory(node: &Node, reports: &mut Reports) -> Option<Directory> {
    let mut fields = node.fields("a directory", reports);
    let dir = fields.require("dir", reports);
    let rights = fields
        .get("rights")
        .map(|node| node.expect_word("`rights`", &DirectoryRights::NAMES, reports));
    fields.finish(reports);
    let dir = dir?;
    let path = dir.expect_text("the path of a directory", reports)?;
    let wrong = if !path.starts_with('/') {
        Some("begin it with `/`")
    } else if path.len() > plan::PATH_LEN_MAX {
        Some("it is too long: 250 bytes at most")
    } else if path.contains('\0') || path.split('/').any(|part| part == "." || part == "..") {
        Some("write it without `.` and `..`")
    } else {
        None
    };
    if let Some(label) = wrong {
        let message = format!("`{path}` is no directory that can be given");
        reports.push(Report::new(&dir.place, message, label));
        return None;
    }
    Some(Directory {
        path: path.into(),
        // Not said: the least.
        rights: match rights {
            None => DirectoryRights::Read,
            Some(word) => word.and_then(DirectoryRights::from_name)?,
        },
    })
}

fn read_member(
    key: &Node,
    node: &Node,
    is_command: bool,
    components: &[Component],
    reports: &mut Reports,
) -> Option<Member> {
    let name = key.text()?;
    let Some(component) = components
        .iter()
        .find(|component| component.name == name && component.role != Role::Init)
    else {
        if name == "init" {
            reports.push(Report::new(
                &key.place,
                "`init` is part of every system",
                "leave it out",
            ));
            return None;
        }
        let known = components
            .iter()
            .filter(|one| one.role != Role::Init)
            .map(|component| component.name.as_str());
        reports.push(unknown(
            &key.place,
            &format!("there is no component `{name}`"),
            name,
            known,
        ));
        return None;
    };
    if (component.role == Role::Command) != is_command {
        let (is, list) = match is_command {
            true => ("is no command", "components"),
            false => ("is a command", "commands"),
        };
        reports.push(Report::new(
            &key.place,
            format!("`{name}` {is}"),
            format!("list it under `{list}`"),
        ));
        return None;
    }
    let mut fields = node.fields("a component in a system", reports);
    let arch = fields
        .get("arch")
        .and_then(|node| node.expect_word("`arch`", &ARCHITECTURES, reports))
        .and_then(|word| ARCHITECTURES.into_iter().find(|arch| *arch == word));
    let console = fields
        .get("console")
        .and_then(|node| node.expect_bool("`console`", reports))
        .unwrap_or(false);
    let mut isolation = None;
    if let Some(node) = fields.get("isolation")
        && let Some(word) = node.expect_word("`isolation`", &Isolation::NAMES, reports)
    {
        isolation = Isolation::from_name(word);
        if isolation.is_some_and(|isolation| !component.isolation.contains(&isolation)) {
            reports.push(Report::new(
                &node.place,
                format!("`{name}` does not support the isolation `{word}`"),
                format!(
                    "its file says {}",
                    list_names(component.isolation.iter().map(|one| one.name()))
                ),
            ));
        }
    }
    let mut limits = component.limits.clone();
    if let Some(node) = fields.get("limits") {
        read_limits(node, &mut limits, reports);
    }
    let mut restart = component.restart.clone();
    if let Some(node) = fields.get("restart") {
        read_restart(node, &mut restart, reports);
    }
    let settings = read_member_settings(component, &key.place, fields.get("settings"), reports);
    let mut needs = BTreeMap::new();
    for (key, node) in fields
        .get("needs")
        .map(|node| node.expect_entries("providers by need", reports))
        .unwrap_or_default()
    {
        let (Some(need), Some(provider)) = (
            key.text(),
            node.expect_text("the name of a component", reports),
        ) else {
            continue;
        };
        if !component.needs.iter().any(|one| one.name == need) {
            let message = format!("`{name}` has no need `{need}`");
            reports.push(unknown(
                &key.place,
                &message,
                need,
                component.needs.iter().map(|one| one.name.as_str()),
            ));
            continue;
        }
        if !components.iter().any(|one| one.name == provider) {
            let message = format!("there is no component `{provider}`");
            reports.push(unknown(
                &node.place,
                &message,
                provider,
                components.iter().map(|one| one.name.as_str()),
            ));
            continue;
        }
        needs.insert(need.to_string(), provider.to_string());
    }
    let directories = read_directories(component, node, &mut fields, reports);
    fields.finish(reports);
    Some(Member {
        name: name.into(),
        component: name.into(),
        place: key.place.clone(),
        arch,
        console,
        isolation,
        limits,
        restart,
        settings,
        needs,
        directories,
    })
}

fn read_member_settings(
    component: &Component,
    place: &Place,
    node: Option<&Node>,
    reports: &mut Reports,
) -> Vec<SettingValue> {
    let entries = node
        .map(|node| node.expect_entries("settings by name", reports))
        .unwrap_or_default();
    for (key, _) in entries {
        let name = key.text().unwrap_or_default();
        if !component
            .settings
            .iter()
            .any(|setting| setting.name == name)
        {
            let message = format!("`{}` has no setting `{name}`", component.name);
            let known = component
                .settings
                .iter()
                .map(|setting| setting.name.as_str());
            reports.push(unknown(&key.place, &message, name, known));
        }
    }
    let mut values = Vec::new();
    for setting in &component.settings {
        let set = entries
            .iter()
            .find(|(key, _)| key.text() == Some(&setting.name));
        let value = match set {
            Some((_, node)) => read_value(&setting.name, &setting.kind, node, reports),
            None => setting.default.clone(),
        };
        match value {
            Some(value) => values.push(value),
            None if set.is_none() => reports.push(Report::new(
                place,
                format!("`{}` needs the setting `{}`", component.name, setting.name),
                "set it under `settings`",
            )),
            None => {}
        }
    }
    values
}

/// Makes the plan of a system, or tells what is missing.
pub fn plan(
    system: &System,
    components: &[Component],
    interfaces: &[Interface],
    overrides: &Overrides,
) -> Result<(plan::Plan, Vec<String>), Reports> {
    let mut reports = Reports::default();
    let mut notes = Vec::new();
    let find = |name: &str| components.iter().find(|component| component.name == name);

    let mut system = system.clone();
    if let Some(arch) = overrides.arch {
        let there = |member: &Member| member.arch.is_none_or(|only| only == arch);
        system.members.retain(there);
        let (Commands::Some(members) | Commands::All(members)) = &mut system.commands;
        members.retain(there);
    }
    if !overrides.console {
        system.members.retain(|member| !member.console);
    }
    if overrides.exec {
        let_in_commands(&mut system, components, &mut reports);
    }
    if overrides.terminal {
        crate::second_terminal::add(&mut system, components, &mut reports);
    }
    let system = &system;
    let commands = commands(system, components, &mut reports);

    // Who provides what to whom: for each member, for each need.
    let mut row_of = |member: &Member, may_lack: bool| -> Vec<Option<(usize, usize)>> {
        let needs = find(&member.component)
            .map(|component| component.needs.as_slice())
            .unwrap_or_default();
        needs
            .iter()
            .map(|need| provider_of(system, member, need, may_lack, components, &mut reports))
            .collect()
    };
    let providers: Vec<_> = system
        .members
        .iter()
        .map(|member| row_of(member, false))
        .collect();
    let may_lack = matches!(system.commands, Commands::All(_));
    let providers_of_commands: Vec<_> = commands
        .iter()
        .map(|member| row_of(member, may_lack))
        .collect();
    let order = start_order(system, &providers, &mut reports);
    reports.clone().into_result()?;

    let place_of: BTreeMap<usize, u16> = order
        .iter()
        .enumerate()
        .map(|(place, member)| (*member, place as u16))
        .collect();
    let mut plan = plan::Plan {
        name: system.name.clone(),
        ..plan::Plan::default()
    };
    let mut planned = |member: &Member, row: &[Option<(usize, usize)>]| {
        let component = find(&member.component)?;
        let isolation = choose_isolation(system, member, component, overrides, &mut notes);
        let encoded = settings_with(component, member, overrides, &mut reports);
        let mut planned = in_plan(member, component, isolation, encoded);
        planned.needs = component
            .needs
            .iter()
            .zip(row)
            .map(|(need, provider)| in_plan_need(need, *provider, member, &place_of, interfaces))
            .collect();
        planned.provides = component
            .provides
            .iter()
            .map(|provide| plan::Provide {
                name: provide.name.clone(),
                interface: provide.interface.clone(),
                hash: find_interface(interfaces, &provide.interface)
                    .map_or(0, |interface| interface.hash),
            })
            .collect();
        Some(planned)
    };
    for &index in &order {
        let found = planned(&system.members[index], &providers[index]);
        plan.components.extend(found);
    }
    for (member, row) in commands.iter().zip(&providers_of_commands) {
        plan.commands
            .extend(planned(member, row).into_iter().flat_map(|command| {
                let names = find(&member.component).map_or(&[][..], |component| &component.names);
                under_each_name(command, names)
            }));
    }
    plan.commands.sort_by(|a, b| a.name.cmp(&b.name));
    for pair in plan.commands.windows(2) {
        if pair[0].name == pair[1].name {
            reports.push(Report::general(format!(
                "two commands are called `{}`: in `{}` and in `{}`",
                pair[0].name, pair[0].image, pair[1].image
            )));
        }
    }
    plan.exit_when = system
        .exit_when
        .as_ref()
        .and_then(|name| {
            plan.components
                .iter()
                .position(|component| component.name == *name)
        })
        .map(|index| index as u16);
    reports.into_result()?;
    Ok((plan, notes))
}

/// A member as the plan has it, without what it needs and provides.
fn in_plan(
    member: &Member,
    component: &Component,
    isolation: Isolation,
    settings: Vec<u8>,
) -> plan::Component {
    plan::Component {
        name: match component.role {
            // A package cannot be called `true`, since that is a word of Rust; its folder is `true_`.
            Role::Command => member.name.trim_end_matches('_').to_string(),
            _ => member.name.clone(),
        },
        doc: match component.role {
            Role::Command => first_sentence(&component.doc),
            _ => String::new(),
        },
        image: component.name.clone(),
        isolation: isolation as u8,
        priority: component.priority.priority(),
        cpu_share_percent: member.limits.cpu as u8,
        restart: member.restart.policy,
        crashes_max: member.restart.crashes_max,
        handles_max: member.limits.handles as u32,
        threads_max: member.limits.threads as u32,
        messages_max: member.limits.messages as u32,
        memory_pages_max: (member.limits.memory / 4096) as u32,
        heap_len: member.limits.heap as u32,
        stack_len: member.limits.stack as u32,
        heartbeat_ms: member.restart.heartbeat_ms,
        keeps_state: component.keeps_state,
        terminal: component.terminal,
        directory: component.directory,
        settings,
        provides: Vec::new(),
        needs: Vec::new(),
        devices: component
            .devices
            .iter()
            .map(|device| plan::Device {
                name: device.name.clone(),
                compatible: device.compatible.clone(),
                virtio_id: device.virtio,
                all: device.all,
            })
            .collect(),
    }
}

/// A need as the plan has it. `provider` is a place among the system's members, and what it is
/// in the plan is in `place_of`.
fn in_plan_need(
    need: &Need,
    provider: Option<(usize, usize)>,
    member: &Member,
    place_of: &BTreeMap<usize, u16>,
    interfaces: &[Interface],
) -> plan::Need {
    let interface = find_interface(interfaces, &need.interface);
    let kind = interface.map(|interface| &interface.kinds[0]);
    plan::Need {
        name: need.name.clone(),
        interface: need.interface.clone(),
        hash: interface.map_or(0, |interface| interface.hash),
        provider: match provider {
            Some((component, provide)) => {
                plan::Provider::Component(place_of[&component], provide as u16)
            }
            None if FROM_INIT.contains(&need.interface.as_str()) => plan::Provider::Init,
            None => plan::Provider::None,
        },
        optional: need.optional,
        queue_len: kind.map_or(16, |kind| kind.queue_len as u16),
        body_len_max: kind.map_or(0, |kind| kind.body_len_max as u16),
        grant: match member.directories.get(&need.name) {
            Some(directory) => directory.encode(),
            None => Vec::new(),
        },
    }
}

/// A command as often as it has names: one image, and a process of its own for each start.
fn under_each_name(command: plan::Component, names: &[(String, String)]) -> Vec<plan::Component> {
    if names.is_empty() {
        return vec![command];
    }
    names
        .iter()
        .map(|(name, doc)| plan::Component {
            name: name.clone(),
            doc: first_sentence(doc),
            ..command.clone()
        })
        .collect()
}

/// What a list of commands says about one: at most 160 bytes, see `interfaces/launcher.yml`.
fn first_sentence(doc: &str) -> String {
    let line = doc.lines().next().unwrap_or_default();
    let mut end = line.find(". ").map_or(line.len(), |at| at + 1).min(160);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line[..end].to_string()
}

/// A member that says nothing but its name.
pub(crate) fn plain_member(component: &Component, place: &Place, reports: &mut Reports) -> Member {
    Member {
        name: component.name.clone(),
        component: component.name.clone(),
        place: place.clone(),
        arch: None,
        console: false,
        isolation: None,
        limits: component.limits.clone(),
        restart: component.restart.clone(),
        settings: read_member_settings(component, place, None, reports),
        needs: BTreeMap::new(),
        directories: BTreeMap::new(),
    }
}

/// The commands of a system.
fn commands(system: &System, components: &[Component], reports: &mut Reports) -> Vec<Member> {
    match &system.commands {
        Commands::Some(members) => {
            let mut members = members.clone();
            members.sort_by(|a, b| a.name.cmp(&b.name));
            members
        }
        Commands::All(detailed) => components
            .iter()
            .filter(|component| component.role == Role::Command)
            .map(|component| {
                let said = detailed.iter().find(|one| one.name == component.name);
                match said {
                    Some(member) => member.clone(),
                    None => plain_member(component, &component.place, reports),
                }
            })
            .collect(),
    }
}

/// Adds what lets commands in from outside. The system ends when they have ended.
fn let_in_commands(system: &mut System, components: &[Component], reports: &mut Reports) {
    system.exit_when = Some(FOR_EXEC[1].to_string());
    for name in FOR_EXEC {
        let is_there = system.members.iter().any(|member| member.name == name);
        match components.iter().find(|component| component.name == name) {
            Some(component) if !is_there => {
                let member = plain_member(component, &component.place, reports);
                system.members.push(member);
            }
            Some(_) => {}
            None => reports.push(Report::general(format!(
                "commands from outside need the component `{name}`, which is not there"
            ))),
        }
    }
    if matches!(&system.commands, Commands::Some(members) if members.is_empty()) {
        system.commands = Commands::All(Vec::new());
    }
}

/// Who provides a need: the place among the members, and among what that one provides. `None` for
/// what init provides, and for what nobody does, which is reported unless it is all right.
fn provider_of(
    system: &System,
    member: &Member,
    need: &Need,
    may_lack: bool,
    components: &[Component],
    reports: &mut Reports,
) -> Option<(usize, usize)> {
    if FROM_INIT.contains(&need.interface.as_str()) {
        return None;
    }
    if need.interface == FILES && !member.directories.contains_key(&need.name) {
        // What may be absent is: a directory is given by the file alone.
        if !need.optional && !may_lack {
            reports.push(
                Report::new(
                    &member.place,
                    format!("`{}` needs a directory", member.name),
                    "say which one, and what it may do there",
                )
                .help(format!("{}: {{ dir: /, rights: read }}", need.name)),
            );
        }
        return None;
    }
    let find = |name: &str| components.iter().find(|component| component.name == name);
    let wanted = member.needs.get(&need.name);
    let candidates: Vec<(usize, usize)> = system
        .members
        .iter()
        .enumerate()
        .filter(|(_, other)| wanted.is_none_or(|wanted| *wanted == other.name))
        .filter_map(|(index, other)| {
            let provides = &find(&other.component)?.provides;
            let place = provides
                .iter()
                .position(|provide| provide.interface == need.interface)?;
            Some((index, place))
        })
        .collect();
    match candidates.as_slice() {
        [one] => Some(*one),
        // A list of commands that says no details cannot say this either.
        [first, ..] if may_lack => Some(*first),
        [] if (need.optional || may_lack) && wanted.is_none() => None,
        [] => {
            reports.push(missing(system, member, need, components));
            None
        }
        [..] => {
            let names = candidates
                .iter()
                .map(|(index, _)| system.members[*index].name.as_str());
            reports.push(
                Report::new(
                    &member.place,
                    format!(
                        "`{}` needs `{}`, which {} provide",
                        member.name,
                        need.interface,
                        list_names(names)
                    ),
                    "say which one is meant",
                )
                .help(format!(
                    "needs: {{ {}: {} }}",
                    need.name, system.members[candidates[0].0].name
                )),
            );
            None
        }
    }
}

fn find_interface<'a>(interfaces: &'a [Interface], name: &str) -> Option<&'a Interface> {
    interfaces.iter().find(|interface| interface.name == name)
}

/// Nothing in the system provides what a member needs.
fn missing(system: &System, member: &Member, need: &Need, components: &[Component]) -> Report {
    if let Some(wanted) = member.needs.get(&need.name) {
        let is_member = system.members.iter().any(|other| other.name == *wanted);
        return Report::new(
            &member.place,
            format!(
                "`{wanted}` does not provide `{}`, which `{}` needs",
                need.interface, member.name
            ),
            if is_member {
                "it is in this system, but has no such interface"
            } else {
                "it is not in this system"
            },
        );
    }
    let who: Vec<&str> = components
        .iter()
        .filter(|component| {
            component
                .provides
                .iter()
                .any(|provide| provide.interface == need.interface)
        })
        .map(|component| component.name.as_str())
        .collect();
    let report = Report::new(
        &member.place,
        format!("nothing in this system provides `{}`", need.interface),
        format!("`{}` needs it as `{}`", member.name, need.name),
    );
    match who.as_slice() {
        [] => {
            let provided = components
                .iter()
                .flat_map(|one| &one.provides)
                .map(|provide| provide.interface.as_str());
            match nearest(&need.interface, provided) {
                Some(near) => {
                    report.help(format!("no component provides it; did you mean `{near}`?"))
                }
                None => report.help("no component provides it yet"),
            }
        }
        who => report.help(format!(
            "add {} to `components`",
            list_names(who.iter().copied())
        )),
    }
}

/// The members such that nobody needs a later one. Within that, drivers come before servers
/// and servers before apps only as far as the needs say; otherwise the file's order stays.
fn start_order(
    system: &System,
    providers: &[Vec<Option<(usize, usize)>>],
    reports: &mut Reports,
) -> Vec<usize> {
    let mut order = Vec::new();
    let mut path = Vec::new();
    let mut state = vec![0_u8; system.members.len()];
    for index in 0..system.members.len() {
        visit(
            index, system, providers, &mut state, &mut path, &mut order, reports,
        );
    }
    order
}

fn visit(
    index: usize,
    system: &System,
    providers: &[Vec<Option<(usize, usize)>>],
    state: &mut [u8],
    path: &mut Vec<usize>,
    order: &mut Vec<usize>,
    reports: &mut Reports,
) {
    match state[index] {
        2 => return,
        1 => {
            let start = path.iter().position(|other| *other == index).unwrap_or(0);
            let mut names: Vec<&str> = path[start..]
                .iter()
                .map(|one| system.members[*one].name.as_str())
                .collect();
            names.push(&system.members[index].name);
            reports.push(
                Report::new(
                    &system.members[index].place,
                    "these components need each other in a circle",
                    names.join(" needs "),
                )
                .help("let one of them pass what it has through a channel of its own interface instead"),
            );
            return;
        }
        _ => {}
    }
    state[index] = 1;
    path.push(index);
    for (provider, _) in providers[index].iter().flatten() {
        visit(*provider, system, providers, state, path, order, reports);
    }
    path.pop();
    state[index] = 2;
    order.push(index);
}

fn choose_isolation(
    system: &System,
    member: &Member,
    component: &Component,
    overrides: &Overrides,
    notes: &mut Vec<String>,
) -> Isolation {
    // The system's own word for this component stands above its default, and the command line's
    // above both.
    let wanted = overrides
        .isolation
        .or(member.isolation)
        .unwrap_or(system.isolation);
    if component.isolation.contains(&wanted) {
        return wanted;
    }
    let only = component.isolation[0];
    notes.push(format!(
        "`{}` stays at isolation `{}`: it does not support `{}`",
        member.name,
        only.name(),
        wanted.name()
    ));
    only
}

fn settings_with(
    component: &Component,
    member: &Member,
    overrides: &Overrides,
    reports: &mut Reports,
) -> Vec<u8> {
    let mut values = member.settings.clone();
    for (_, name, text) in overrides
        .settings
        .iter()
        .filter(|(owner, ..)| *owner == member.name)
    {
        let Some(index) = component
            .settings
            .iter()
            .position(|setting| setting.name == *name)
        else {
            reports.push(Report::general(format!(
                "`{}` has no setting `{name}`",
                member.name
            )));
            continue;
        };
        let source = crate::report::Source {
            path: std::path::Path::new("command line").into(),
            text: text.as_str().into(),
        };
        let value = crate::yaml::parse(&source)
            .map(|node| read_value(name, &component.settings[index].kind, &node, reports));
        match value {
            Ok(Some(value)) => values[index] = value,
            Ok(None) => {}
            Err(slips) => reports.extend(slips),
        }
    }
    let pairs: Vec<_> = component.settings.iter().zip(&values).collect();
    let encoded = settings::encode(&pairs);
    if encoded.len() > SETTINGS_LEN_MAX {
        reports.push(Report::new(
            &member.place,
            format!(
                "the settings of `{}` take {} bytes",
                member.name,
                encoded.len()
            ),
            format!("{SETTINGS_LEN_MAX} at most"),
        ));
    }
    encoded
}

//! The plan that comes of a system: who starts in which order, with what.

use std::collections::{BTreeMap, BTreeSet};

use super::providers::{find_interface, provider_of, start_order};
use super::read::plain_member;
use super::{Commands, FOR_EXEC, FROM_INIT, Member, Overrides, SETTINGS_LEN_MAX, System};
use crate::component::{Component, Isolation, Need, Role};
use crate::interface::Interface;
use crate::report::{Report, Reports};
use crate::settings::{self, SettingType, SettingValue, read_value};
use crate::yaml::unknown_outside;

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

    let whole = system;
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
    check_owners(&[whole, system], &commands, overrides, &mut reports);

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
pub(super) fn in_plan(
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
pub(super) fn in_plan_need(
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
pub(super) fn under_each_name(
    command: plan::Component,
    names: &[(String, String)],
) -> Vec<plan::Component> {
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
pub(super) fn first_sentence(doc: &str) -> String {
    let line = doc.lines().next().unwrap_or_default();
    let mut end = line.find(". ").map_or(line.len(), |at| at + 1).min(160);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line[..end].to_string()
}

/// The commands of a system.
pub(super) fn commands(
    system: &System,
    components: &[Component],
    reports: &mut Reports,
) -> Vec<Member> {
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
pub(super) fn let_in_commands(
    system: &mut System,
    components: &[Component],
    reports: &mut Reports,
) {
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

pub(super) fn choose_isolation(
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
    // A system's file may rely on that; whoever asks for another isolation is told (rule 18).
    if overrides.isolation.is_some() {
        notes.push(format!(
            "`{}` stays at isolation `{}`: it does not support `{}`",
            member.name,
            only.name(),
            wanted.name()
        ));
    }
    only
}

/// Whose settings the command line names must be somewhere in the system, if only on another architecture or for
/// whoever sits at the console.
fn check_owners(
    systems: &[&System],
    commands: &[Member],
    overrides: &Overrides,
    reports: &mut Reports,
) {
    let members = systems.iter().flat_map(|system| {
        let (Commands::Some(commands) | Commands::All(commands)) = &system.commands;
        system.members.iter().chain(commands)
    });
    let known: BTreeSet<&str> = members
        .chain(commands)
        .map(|member| member.name.as_str())
        .collect();
    for (owner, name, _) in &overrides.settings {
        if !known.contains(owner.as_str()) {
            let message = format!("`--set {owner}.{name}`: this system has no component `{owner}`");
            reports.push(unknown_outside(&message, owner, known.iter().copied()));
        }
    }
}

/// So much of a value as a line has room for.
fn beginning(text: &str) -> String {
    const CHARS_MAX: usize = 30;
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(CHARS_MAX).collect();
    let shown = shown.replace(char::is_control, " ");
    let rest = if chars.next().is_some() { "…" } else { "" };
    shown + rest
}

/// Reads the value of a setting that stands in no file, so that there is no line to point at.
fn value_outside(name: &str, kind: &SettingType, text: &str) -> Option<SettingValue> {
    let source = crate::report::Source {
        path: std::path::Path::new("command line").into(),
        text: text.into(),
    };
    let node = crate::yaml::parse(&source).ok()?;
    read_value(name, kind, &node, &mut Reports::default())
}

pub(super) fn settings_with(
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
            let message = format!(
                "`--set {0}.{name}`: `{0}` has no setting `{name}`",
                member.name
            );
            let known = component.settings.iter().map(|one| one.name.as_str());
            reports.push(unknown_outside(&message, name, known));
            continue;
        };
        let kind = &component.settings[index].kind;
        match value_outside(name, kind, text) {
            Some(value) => values[index] = value,
            None => reports.push(Report::general(format!(
                "`--set {}.{name}={}`: expected {}",
                member.name,
                beginning(text),
                kind.expected()
            ))),
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

//! Who provides what a member needs, and the order of starts that comes of it.

use super::{FILES, FROM_INIT, Member, System};
use crate::component::{Component, Need};
use crate::interface::Interface;
use crate::report::{Report, Reports, list_choices, list_names, nearest};

/// Who provides a need: the place among the members, and among what that one provides. `None` for
/// what init provides, and for what nobody does, which is reported unless it is all right.
pub(super) fn provider_of(
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

pub(super) fn find_interface<'a>(interfaces: &'a [Interface], name: &str) -> Option<&'a Interface> {
    interfaces.iter().find(|interface| interface.name == name)
}

/// Nothing in the system provides what a member needs.
pub(super) fn missing(
    system: &System,
    member: &Member,
    need: &Need,
    components: &[Component],
) -> Report {
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
    let mut who: Vec<&Component> = components
        .iter()
        .filter(|component| {
            component
                .provides
                .iter()
                .any(|provide| provide.interface == need.interface)
        })
        .collect();
    // Those that exist for tests are proposed only if there is nobody else.
    if who.iter().any(|component| !component.is_for_tests()) {
        who.retain(|component| !component.is_for_tests());
    }
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
            list_choices(who.iter().map(|component| component.name.as_str()))
        )),
    }
}

/// The members such that nobody needs a later one. Within that, drivers come before servers
/// and servers before apps only as far as the needs say; otherwise the file's order stays.
pub(super) fn start_order(
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

pub(super) fn visit(
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

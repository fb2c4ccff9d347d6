//! Reading a system out of its file.

use std::collections::BTreeMap;

use plan::{Directory, DirectoryRights};

use super::{ARCHITECTURES, Commands, FILES, Member, System};
use crate::component::{Component, Isolation, Need, Role, read_limits, read_restart};
use crate::report::{Place, Report, Reports, list_names};
use crate::settings::{SettingValue, read_value};
use crate::yaml::{Fields, Node, Value, unknown};

/// Reads a system out of its file.
pub fn read(name: &str, root: &Node, components: &[Component], reports: &mut Reports) -> System {
    let mut fields = root.fields("a system", reports);
    let doc = fields
        .require("doc")
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
    if let Some(node) = fields.require("components") {
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
pub(super) fn read_commands(
    node: &Node,
    components: &[Component],
    reports: &mut Reports,
) -> Commands {
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
pub(super) fn read_directories(
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
pub(super) fn read_directory(node: &Node, reports: &mut Reports) -> Option<Directory> {
    let mut fields = node.fields("a directory", reports);
    let dir = fields.require("dir");
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

pub(super) fn read_member(
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
    // A setting that stands one level too far out.
    for setting in &component.settings {
        let name = &setting.name;
        if !fields.knows(name)
            && let Some(key) = node.key(name)
        {
            fields.get_named(name);
            reports.push(Report::new(
                &key.place,
                format!("`{name}` is a setting of `{}`", component.name),
                format!("write `settings: {{ {name}: … }}`"),
            ));
        }
    }
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

pub(super) fn read_member_settings(
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

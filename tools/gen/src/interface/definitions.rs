//! Reading what an interface defines by name: enums, structs, their fields; and what stands in many places.

use super::{Enum, Field, QUEUE_DEFAULT, Struct};
use crate::names::{self, hash};
use crate::report::{Report, Reports};
use crate::types::{self, Type};
use crate::yaml::{Fields, Node, Value};

pub(super) fn read_doc(fields: &mut Fields<'_>, required: bool, reports: &mut Reports) -> String {
    let node = if required {
        fields.require("doc")
    } else {
        fields.get("doc")
    };
    let text = node.and_then(|node| node.expect_text("a sentence of documentation", reports));
    text.unwrap_or_default().trim().to_string()
}

/// The names of the parts that a channel's two ends play.
pub(super) fn read_roles(fields: &mut Fields<'_>, reports: &mut Reports) -> [String; 2] {
    let mut roles = ["client".to_string(), "server".to_string()];
    if let Some(node) = fields.get("roles") {
        let items = node.expect_list("two roles", reports);
        if items.len() != 2 {
            reports.push(Report::new(
                &node.head(),
                format!(
                    "a channel has two ends, and so two roles; here are {}",
                    items.len()
                ),
                "for example [client, server]",
            ));
        } else {
            for (role, item) in roles.iter_mut().zip(items) {
                if let Some(text) = names::check(item, "a role", reports) {
                    *role = text.into();
                }
            }
            if roles[0] == roles[1] {
                reports.push(Report::new(
                    &node.head(),
                    "both roles have the same name",
                    "they must differ",
                ));
            }
        }
    }
    roles
}

pub(super) fn read_queue(fields: &mut Fields<'_>, reports: &mut Reports) -> usize {
    let Some(node) = fields.get("queue") else {
        return QUEUE_DEFAULT;
    };
    match node.expect_integer("a number of messages", reports) {
        Some(number @ 1..=1024) => number as usize,
        Some(number) => {
            reports.push(Report::new(
                &node.place,
                format!("a queue cannot hold {number} messages"),
                "1 to 1024",
            ));
            QUEUE_DEFAULT
        }
        None => QUEUE_DEFAULT,
    }
}

pub(super) fn read_role(
    fields: &mut Fields<'_>,
    roles: &[String; 2],
    default: Option<usize>,
    reports: &mut Reports,
) -> usize {
    let node = match default {
        Some(_) => fields.get("from"),
        None => fields.require("from"),
    };
    let Some(node) = node else {
        return default.unwrap_or(0);
    };
    let words = [roles[0].as_str(), roles[1].as_str()];
    match node.expect_word("`from`", &words, reports) {
        Some(word) if word == roles[1] => 1,
        _ => 0,
    }
}

pub(super) fn read_ordinal(
    fields: &mut Fields<'_>,
    key: &Node,
    name: &str,
    taken: &mut Vec<(String, u32)>,
    reports: &mut Reports,
) -> u32 {
    let node = fields.get("ordinal");
    let ordinal = match node {
        None => (hash(name) ^ hash(name) >> 32) as u32,
        Some(node) => match node.expect_integer("a number", reports).map(u32::try_from) {
            Some(Ok(number)) => number,
            Some(Err(_)) => {
                reports.push(Report::new(
                    &node.place,
                    "an ordinal has 32 bits",
                    "too large",
                ));
                0
            }
            None => 0,
        },
    };
    if let Some((other, _)) = taken.iter().find(|(_, other)| *other == ordinal) {
        let place = node.map_or(&key.place, |node| &node.place);
        reports.push(Report::new(
            place,
            format!("`{name}` and `{other}` have the same ordinal {ordinal}"),
            "give one of them another: `ordinal: 7`",
        ));
    }
    taken.push((name.into(), ordinal));
    ordinal
}

pub(super) fn read_enums(node: Option<&Node>, what: &str, reports: &mut Reports) -> Vec<Enum> {
    let mut enums = Vec::new();
    for (key, node) in node
        .map(|node| node.expect_entries("them by name", reports))
        .unwrap_or_default()
    {
        let Some(name) = names::check(key, &format!("{what}'s name"), reports) else {
            continue;
        };
        let mut fields = node.fields(what, reports);
        let doc = read_doc(&mut fields, true, reports);
        let mut values: Vec<(String, u32, String)> = Vec::new();
        if let Some(list) = fields.require("values") {
            let entries: Vec<(&Node, Option<&Node>)> = match &list.value {
                Value::List(items) => items.iter().map(|item| (item, None)).collect(),
                Value::Map(entries) => entries
                    .iter()
                    .map(|(key, value)| (key, Some(value)))
                    .collect(),
                _ => {
                    list.expect_list("the values", reports);
                    Vec::new()
                }
            };
            if entries.is_empty() {
                reports.push(Report::new(
                    &key.place,
                    format!("{what} needs values"),
                    "this one has none",
                ));
            }
            for (name_node, doc_node) in entries {
                let Some(value) = names::check(name_node, "a value's name", reports) else {
                    continue;
                };
                if values.iter().any(|(other, ..)| other == value) {
                    reports.push(Report::new(
                        &name_node.place,
                        format!("`{value}` stands here twice"),
                        "the second one",
                    ));
                    continue;
                }
                let doc = doc_node.and_then(|node| node.text()).unwrap_or_default();
                let doc = if doc.is_empty() {
                    sentence(value)
                } else {
                    doc.trim().into()
                };
                values.push((value.into(), values.len() as u32, doc));
            }
        }
        fields.finish(reports);
        enums.push(Enum {
            name: name.into(),
            doc,
            values,
        });
    }
    enums
}

pub(super) fn read_structs(
    node: Option<&Node>,
    named: &[String],
    enums: &[Enum],
    reports: &mut Reports,
) -> Vec<Struct> {
    let mut structs: Vec<Struct> = Vec::new();
    for (key, node) in node
        .map(|node| node.expect_entries("structs by name", reports))
        .unwrap_or_default()
    {
        let Some(name) = key.text() else { continue };
        let mut fields = node.fields("a struct", reports);
        let doc = read_doc(&mut fields, true, reports);
        let mut list = match fields.require("fields") {
            Some(node) => read_fields(node, "the struct's fields: name and type", named, reports),
            None => Vec::new(),
        };
        fields.finish(reports);
        // What is wrong is left out: what comes after may rely on no struct holding itself.
        list.retain(|field| {
            if field.kind.has_handle() {
                reports.push(Report::new(
                    &field.place,
                    "a struct cannot hold handles",
                    "put it into the message itself",
                ));
                return false;
            }
            // Only what stands above may be used.
            let Some(inner) = inner_name(&field.kind) else {
                return true;
            };
            let known = enums.iter().any(|one| one.name == inner)
                || structs.iter().any(|one| one.name == inner);
            if !known {
                reports.push(Report::new(
                    &field.place,
                    format!("the struct `{inner}` must stand above `{name}`, which uses it"),
                    if inner == name {
                        "a struct cannot hold itself"
                    } else {
                        "move it up"
                    },
                ));
            }
            known
        });
        structs.push(Struct {
            name: name.into(),
            doc,
            fields: list,
        });
    }
    structs
}

pub(super) fn inner_name(kind: &Type) -> Option<&str> {
    match kind {
        Type::Named(name) => Some(name),
        Type::List(inner, _) | Type::Option(inner) => inner_name(inner),
        _ => None,
    }
}

pub(super) fn read_fields(
    node: &Node,
    what: &str,
    named: &[String],
    reports: &mut Reports,
) -> Vec<Field> {
    let mut list = Vec::new();
    for (key, node) in node.expect_entries(what, reports) {
        let Some(name) = names::check(key, "a field's name", reports) else {
            continue;
        };
        let (kind_node, doc) = match &node.value {
            Value::Map(_) => {
                let mut fields = node.fields("a field", reports);
                let doc = read_doc(&mut fields, false, reports);
                let kind = fields.require("type");
                fields.finish(reports);
                (kind, doc)
            }
            _ => (Some(node), String::new()),
        };
        let Some(kind) = kind_node.and_then(|node| types::parse(node, named, reports)) else {
            continue;
        };
        let doc = if doc.is_empty() { sentence(name) } else { doc };
        let place = kind_node.map_or(&node.place, |node| &node.place).clone();
        list.push(Field {
            name: name.into(),
            doc,
            kind,
            place,
        });
    }
    list
}

/// `remote_port` as "Remote port.", for what its author did not describe.
pub(super) fn sentence(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

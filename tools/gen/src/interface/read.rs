//! Reading an interface out of its file: its channels, calls and events.

use super::definitions::{
    read_doc, read_enums, read_fields, read_ordinal, read_queue, read_role, read_roles,
    read_structs,
};
use super::{Call, Enum, EventDef, Field, Interface, Kind};
use crate::compatible::Standing;
use crate::names::{self, hash};
use crate::report::{Place, Report, Reports};
use crate::types::Type;
use crate::yaml::{Node, unknown};

/// Reads an interface out of its file.
pub fn read(name: &str, root: &Node, reports: &mut Reports) -> Interface {
    let mut fields = root.fields("an interface", reports);
    let doc = read_doc(&mut fields, true, reports);
    let roles = read_roles(&mut fields, reports);
    let queue_len = read_queue(&mut fields, reports);
    // Names first: types may refer to what stands further below.
    let enums_node = fields.get("enums");
    let structs_node = fields.get("structs");
    let errors_node = fields.get("errors");
    let channels_node = fields.get("channels");
    let (calls, events) = (fields.get("calls"), fields.get("events"));
    fields.finish(reports);

    let enums = read_enums(enums_node, "an enum", reports);
    let errors = read_enums(errors_node, "a kind of error", reports);
    let mut named: Vec<String> = enums.iter().map(|one| one.name.clone()).collect();
    for (key, _) in structs_node
        .map(|node| node.expect_entries("structs by name", reports))
        .unwrap_or_default()
    {
        if let Some(text) = names::check(key, "a struct's name", reports) {
            if named
                .iter()
                .chain(errors.iter().map(|one| &one.name))
                .any(|other| other == text)
            {
                reports.push(Report::new(
                    &key.place,
                    format!("the name `{text}` is taken"),
                    "an enum has it",
                ));
            }
            named.push(text.into());
        }
    }
    let structs = read_structs(structs_node, &named, &enums, reports);

    let reader = Reader {
        named: &named,
        errors: &errors,
    };
    let mut main = Kind {
        name: name.into(),
        doc: doc.clone(),
        roles,
        calls: Vec::new(),
        events: Vec::new(),
        queue_len,
        body_len_max: 0,
    };
    reader.messages(&mut main, calls, events, reports);
    let mut kinds = vec![main];
    for (key, node) in channels_node
        .map(|node| node.expect_entries("channels by name", reports))
        .unwrap_or_default()
    {
        let Some(kind_name) = names::check(key, "a channel's name", reports) else {
            continue;
        };
        if kind_name == name {
            reports.push(Report::new(
                &key.place,
                format!("the name `{name}` is taken"),
                "by the interface itself",
            ));
            continue;
        }
        kinds.push(reader.channel(kind_name, node, reports));
    }

    let mut interface = Interface {
        name: name.into(),
        doc,
        enums,
        structs,
        errors,
        kinds,
        hash: 0,
        standing: Standing::New,
    };
    if calls.is_none() && events.is_none() {
        reports.push(Report::new(
            &root.head(),
            format!("the interface `{name}` has no messages"),
            "add `calls:` or `events:`",
        ));
    }
    interface.check_names(&root.head(), reports);
    interface.resolve_channels(reports);
    interface.check_sizes(reports);
    interface.hash = hash(&interface.canonical());
    interface
}

struct Reader<'a> {
    named: &'a [String],
    errors: &'a [Enum],
}

impl Reader<'_> {
    fn channel(&self, name: &str, node: &Node, reports: &mut Reports) -> Kind {
        let mut fields = node.fields("a channel", reports);
        let doc = read_doc(&mut fields, true, reports);
        let queue_len = read_queue(&mut fields, reports);
        let roles = read_roles(&mut fields, reports);
        let (calls, events) = (fields.get("calls"), fields.get("events"));
        fields.finish(reports);
        let mut kind = Kind {
            name: name.into(),
            doc,
            roles,
            calls: Vec::new(),
            events: Vec::new(),
            queue_len,
            body_len_max: 0,
        };
        self.messages(&mut kind, calls, events, reports);
        kind
    }

    fn messages(
        &self,
        kind: &mut Kind,
        calls: Option<&Node>,
        events: Option<&Node>,
        reports: &mut Reports,
    ) {
        let mut taken: Vec<(String, u32)> = Vec::new();
        for (key, node) in calls
            .map(|node| node.expect_entries("calls by name", reports))
            .unwrap_or_default()
        {
            let Some(name) = names::check(key, "a call's name", reports) else {
                continue;
            };
            let mut fields = node.fields("a call", reports);
            let call = Call {
                name: name.into(),
                doc: read_doc(&mut fields, true, reports),
                from: read_role(&mut fields, &kind.roles, Some(0), reports),
                request: self.group(fields.get("request"), "request", reports),
                reply: self.group(fields.get("reply"), "reply", reports),
                errors: self.error_name(fields.get("errors"), reports),
                idempotent: fields
                    .get("idempotent")
                    .and_then(|node| node.expect_bool("`idempotent`", reports))
                    .unwrap_or(false),
                resumable: fields
                    .get("resumable")
                    .and_then(|node| node.expect_bool("`resumable`", reports))
                    .unwrap_or(false),
                ordinal: read_ordinal(&mut fields, key, name, &mut taken, reports),
            };
            fields.finish(reports);
            check_marks(&call, &key.place, reports);
            kind.calls.push(call);
        }
        for (key, node) in events
            .map(|node| node.expect_entries("events by name", reports))
            .unwrap_or_default()
        {
            let Some(name) = names::check(key, "an event's name", reports) else {
                continue;
            };
            if kind.calls.iter().any(|call| call.name == name) {
                reports.push(Report::new(
                    &key.place,
                    format!("`{name}` is the name of a call too"),
                    "choose another",
                ));
                continue;
            }
            let mut fields = node.fields("an event", reports);
            let on_full = match fields.require("full").and_then(|node| {
                node.expect_word(
                    "`full`",
                    &["coalesce", "drop_oldest", "close", "refuse"],
                    reports,
                )
            }) {
                Some("coalesce") => "Coalesce",
                Some("drop_oldest") => "DropOldest",
                Some("refuse") => "Refuse",
                _ => "Close",
            };
            let event = EventDef {
                name: name.into(),
                doc: read_doc(&mut fields, true, reports),
                from: read_role(&mut fields, &kind.roles, None, reports),
                on_full,
                fields: self.group(fields.get("fields"), "event", reports),
                ordinal: read_ordinal(&mut fields, key, name, &mut taken, reports),
            };
            fields.finish(reports);
            kind.events.push(event);
        }
    }

    fn group(&self, node: Option<&Node>, what: &str, reports: &mut Reports) -> Vec<Field> {
        let Some(node) = node else { return Vec::new() };
        read_fields(
            node,
            &format!("the {what}'s fields: name and type"),
            self.named,
            reports,
        )
    }

    fn error_name(&self, node: Option<&Node>, reports: &mut Reports) -> Option<String> {
        let node = node?;
        let text = node.expect_text("the name of a kind of error", reports)?;
        if self.errors.iter().any(|one| one.name == text) {
            return Some(text.into());
        }
        let known = self.errors.iter().map(|one| one.name.as_str());
        reports.push(unknown(
            &node.place,
            &format!("there is no kind of error `{text}`"),
            text,
            known,
        ));
        None
    }
}

/// What `idempotent` and `resumable` promise must be possible.
fn check_marks(call: &Call, place: &Place, reports: &mut Reports) {
    let gives_handles = call.request.iter().any(|field| field.kind.has_handle());
    for (set, mark) in [
        (call.idempotent, "idempotent"),
        (call.resumable, "resumable"),
    ] {
        if set && gives_handles {
            reports.push(Report::new(
                place,
                format!(
                    "`{}` cannot be `{mark}`: its request gives handles away",
                    call.name
                ),
                "they are gone after the first time",
            ));
        }
    }
    let returns_channel = call.reply.iter().any(|field| match &field.kind {
        Type::Option(inner) => matches!(**inner, Type::Channel(_)),
        kind => matches!(kind, Type::Channel(_)),
    });
    if call.resumable && !returns_channel {
        reports.push(Report::new(
            place,
            format!("`{}` is `resumable`, but returns no channel", call.name),
            "the mark is for calls that return something that lives on; leave it out",
        ));
    }
}

//! Interfaces: what `interfaces/*.yml` say.

use crate::compatible::{self, Standing};
use crate::names::{self, hash};
use crate::report::{Place, Report, Reports, list_names};
use crate::types::{self, Type, number_len};
use crate::yaml::{Fields, Node, Value, unknown};

/// Most bytes of a message's body, as the kernel has it.
const BODY_LEN_MAX: usize = 4096;
/// Most handles of a message, as the kernel has it.
const HANDLES_MAX: usize = 4;
/// Messages that wait in a channel unless the file says otherwise.
const QUEUE_DEFAULT: usize = 16;

/// One interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its name: that of the file.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// Its enums.
    pub enums: Vec<Enum>,
    /// Its structs.
    pub structs: Vec<Struct>,
    /// Its own kinds of error.
    pub errors: Vec<Enum>,
    /// Its channels: the main one first, which has the interface's name.
    pub kinds: Vec<Kind>,
    /// Its version. Components with the same one understand each other: see [`crate::compatible`].
    pub hash: u64,
    /// How it stands to what its components were built with before.
    pub standing: Standing,
}

/// A set of names for numbers; of errors too.
#[derive(Clone, Debug)]
pub struct Enum {
    /// Its name.
    pub name: String,
    /// What it is.
    pub doc: String,
    /// Names, numbers and what they mean.
    pub values: Vec<(String, u32, String)>,
}

/// Fields that belong together.
#[derive(Clone, Debug)]
pub struct Struct {
    /// Its name.
    pub name: String,
    /// What it is.
    pub doc: String,
    /// What is in it.
    pub fields: Vec<Field>,
}

/// A field of a message or struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it is.
    pub doc: String,
    /// Its type.
    pub kind: Type,
    /// Where it stands.
    pub place: Place,
}

/// A kind of channel.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its name; the main one has the interface's.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The parts that its two ends play.
    pub roles: [String; 2],
    /// Requests and their replies.
    pub calls: Vec<Call>,
    /// One-way messages.
    pub events: Vec<EventDef>,
    /// Messages that wait in each direction.
    pub queue_len: usize,
    /// Bytes of the largest message.
    pub body_len_max: usize,
}

/// A request and its reply.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// What it does.
    pub doc: String,
    /// Which role calls: an index into [`Kind::roles`].
    pub from: usize,
    /// What is sent.
    pub request: Vec<Field>,
    /// What comes back.
    pub reply: Vec<Field>,
    /// Name of the interface's own kind of error, if the call has one.
    pub errors: Option<String>,
    /// Whether doing it twice is like doing it once.
    pub idempotent: bool,
    /// Whether the channel that it returns can be got again, after a restart, with the same request.
    pub resumable: bool,
    /// Which message it is.
    pub ordinal: u32,
}

/// A one-way message.
#[derive(Clone, Debug)]
pub struct EventDef {
    /// Its name.
    pub name: String,
    /// What it tells.
    pub doc: String,
    /// Which role sends it.
    pub from: usize,
    /// What happens when the receiver's queue is full: a variant of `ftl::end::OnFull`.
    pub on_full: &'static str,
    /// What is sent.
    pub fields: Vec<Field>,
    /// Which message it is.
    pub ordinal: u32,
}

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
            let on_full = match fields.require("full", reports).and_then(|node| {
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

fn read_doc(fields: &mut Fields<'_>, required: bool, reports: &mut Reports) -> String {
    let node = if required {
        fields.require("doc", reports)
    } else {
        fields.get("doc")
    };
    let text = node.and_then(|node| node.expect_text("a sentence of documentation", reports));
    text.unwrap_or_default().trim().to_string()
}

/// The names of the parts that a channel's two ends play.
fn read_roles(fields: &mut Fields<'_>, reports: &mut Reports) -> [String; 2] {
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

fn read_queue(fields: &mut Fields<'_>, reports: &mut Reports) -> usize {
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

fn read_role(
    fields: &mut Fields<'_>,
    roles: &[String; 2],
    default: Option<usize>,
    reports: &mut Reports,
) -> usize {
    let node = match default {
        Some(_) => fields.get("from"),
        None => fields.require("from", reports),
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

fn read_ordinal(
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

fn read_enums(node: Option<&Node>, what: &str, reports: &mut Reports) -> Vec<Enum> {
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
        if let Some(list) = fields.require("values", reports) {
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

fn read_structs(
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
        let mut list = match fields.require("fields", reports) {
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

fn inner_name(kind: &Type) -> Option<&str> {
    match kind {
        Type::Named(name) => Some(name),
        Type::List(inner, _) | Type::Option(inner) => inner_name(inner),
        _ => None,
    }
}

fn read_fields(node: &Node, what: &str, named: &[String], reports: &mut Reports) -> Vec<Field> {
    let mut list = Vec::new();
    for (key, node) in node.expect_entries(what, reports) {
        let Some(name) = names::check(key, "a field's name", reports) else {
            continue;
        };
        let (kind_node, doc) = match &node.value {
            Value::Map(_) => {
                let mut fields = node.fields("a field", reports);
                let doc = read_doc(&mut fields, false, reports);
                let kind = fields.require("type", reports);
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
fn sentence(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

impl Interface {
    /// All that becomes a Rust type of one module must differ.
    fn check_names(&self, place: &Place, reports: &mut Reports) {
        let shared: Vec<(String, String)> = self
            .enums
            .iter()
            .map(|one| (names::pascal(&one.name), format!("the enum `{}`", one.name)))
            .chain(self.structs.iter().map(|one| {
                (
                    names::pascal(&one.name),
                    format!("the struct `{}`", one.name),
                )
            }))
            .chain(self.errors.iter().map(|one| {
                (
                    names::pascal(&one.name),
                    format!("the errors `{}`", one.name),
                )
            }))
            .collect();
        for kind in &self.kinds {
            let mut taken = shared.clone();
            taken.push(("Provider".into(), "what stands for all clients".into()));
            taken.push(("Blocking".into(), "the calls that wait".into()));
            for role in &kind.roles {
                taken.push((names::pascal(role), format!("the role `{role}`")));
                taken.push((
                    format!("To{}", names::pascal(role)),
                    format!("what the role `{role}` hears"),
                ));
            }
            for call in &kind.calls {
                for suffix in ["Request", "Reply", "Replier"] {
                    taken.push((
                        format!("{}{suffix}", names::pascal(&call.name)),
                        format!("the call `{}`", call.name),
                    ));
                }
            }
            for event in &kind.events {
                taken.push((
                    names::pascal(&event.name),
                    format!("the event `{}`", event.name),
                ));
            }
            for (index, (name, what)) in taken.iter().enumerate() {
                if let Some((_, other)) = taken[..index].iter().find(|(other, _)| other == name) {
                    reports.push(Report::new(
                        place,
                        format!("{other} and {what} would both be `{name}` in Rust"),
                        "rename one of them",
                    ));
                }
            }
        }
    }

    /// Fills in the roles that were left out, and checks the names of kinds and roles.
    fn resolve_channels(&mut self, reports: &mut Reports) {
        let kinds: Vec<(String, [String; 2])> = self
            .kinds
            .iter()
            .map(|kind| (kind.name.clone(), kind.roles.clone()))
            .collect();
        for field in self.kinds.iter_mut().flat_map(Kind::fields_mut) {
            let channel = match &mut field.kind {
                Type::Channel(Some(channel)) => channel,
                Type::Option(inner) => match &mut **inner {
                    Type::Channel(Some(channel)) => channel,
                    _ => continue,
                },
                _ => continue,
            };
            let Some((_, roles)) = kinds.iter().find(|(name, _)| *name == channel.kind) else {
                let message = format!("there is no channel `{}` in this interface", channel.kind);
                let known = kinds.iter().map(|(name, _)| name.as_str());
                reports.push(unknown(&field.place, &message, &channel.kind, known));
                continue;
            };
            match &channel.role {
                None => channel.role = Some(roles[0].clone()),
                Some(role) if roles.contains(role) => {}
                Some(role) => {
                    let message = format!("a `{}` has no role `{role}`", channel.kind);
                    reports.push(
                        unknown(
                            &field.place,
                            &message,
                            role,
                            roles.iter().map(String::as_str),
                        )
                        .help(format!(
                            "its roles are {}",
                            list_names(roles.iter().map(String::as_str))
                        )),
                    );
                }
            }
        }
    }

    fn check_sizes(&mut self, reports: &mut Reports) {
        let mut kinds = std::mem::take(&mut self.kinds);
        for kind in &mut kinds {
            let mut most = 0;
            for (fields, prefix) in kind
                .calls
                .iter()
                .flat_map(|call| [(&call.request, 0), (&call.reply, 4)])
                .chain(kind.events.iter().map(|event| (&event.fields, 0)))
            {
                let mut len = prefix;
                for field in fields {
                    len = self.end_of(&field.kind, len);
                }
                let handles = fields
                    .iter()
                    .filter(|field| field.kind.has_handle())
                    .count();
                let Some(first) = fields.first() else {
                    most = most.max(len);
                    continue;
                };
                let mut place = first.place.clone();
                place.span.end = place.span.start + 1;
                if len > BODY_LEN_MAX {
                    reports.push(Report::new(
                        &first.place,
                        format!("this message can take {len} bytes, and a message has {BODY_LEN_MAX} at most"),
                        "lower the bounds, or put the data into a folio",
                    ));
                }
                if handles > HANDLES_MAX {
                    reports.push(Report::new(
                        &first.place,
                        format!("this message has {handles} handles, and a message has {HANDLES_MAX} at most"),
                        "send them one after the other",
                    ));
                }
                most = most.max(len);
            }
            kind.body_len_max = most.min(BODY_LEN_MAX);
        }
        self.kinds = kinds;
    }

    /// Where the longest value of this type ends that begins at or after `at`.
    fn end_of(&self, kind: &Type, at: usize) -> usize {
        let align = |at: usize, to: usize| at.next_multiple_of(to);
        match kind {
            Type::Number(name) => align(at, number_len(name)) + number_len(name),
            Type::Str(max) | Type::Bytes(max) => align(at, 4) + 4 + max,
            Type::Named(name) => match self.structs.iter().find(|one| one.name == *name) {
                Some(one) => one
                    .fields
                    .iter()
                    .fold(at, |at, field| self.end_of(&field.kind, at)),
                None => align(at, 4) + 4,
            },
            // Items may be aligned differently each time; the worst case is 7 bytes of gap each.
            Type::List(item, max) => {
                let start = align(at, 4) + 4;
                let item_len = self.end_of(item, 0);
                let gap = if matches!(**item, Type::Number(_)) {
                    0
                } else {
                    7
                };
                align(start, 8).saturating_add(max.saturating_mul(item_len + gap))
            }
            Type::Option(inner) => self.end_of(inner, at + 1),
            Type::Channel(_) | Type::Handle(..) => at,
        }
    }

    /// Takes the text that its earlier versions have in common; none if there is none yet.
    pub fn set_base(&mut self, base: Option<&str>) {
        self.standing = compatible::compare(self, base);
        if let (Standing::Compatible, Some(base)) = (&self.standing, base) {
            self.hash = hash(base);
        }
    }

    /// All that both sides must agree on, as one text.
    pub fn canonical(&self) -> String {
        let mut text = format!("interface {}\n", self.name);
        let enums = self.enums.iter().map(|one| ("enum", one));
        for (what, one) in enums.chain(self.errors.iter().map(|one| ("errors", one))) {
            text += &format!("{what} {}", one.name);
            for (name, number, _) in &one.values {
                text += &format!(" {name}={number}");
            }
            text += "\n";
        }
        let list = |fields: &[Field]| {
            fields
                .iter()
                .map(|field| format!(" {}:{}", field.name, field.kind.canonical()))
                .collect::<String>()
        };
        for one in &self.structs {
            text += &format!("struct {}{}\n", one.name, list(&one.fields));
        }
        for kind in &self.kinds {
            text += &format!(
                "channel {} {} {}\n",
                kind.name, kind.roles[0], kind.roles[1]
            );
            for call in &kind.calls {
                text += &format!(
                    "call {} {} {}{} ->{} {}\n",
                    call.name,
                    call.ordinal,
                    call.from,
                    list(&call.request),
                    list(&call.reply),
                    call.errors.as_deref().unwrap_or_default()
                );
            }
            for event in &kind.events {
                text += &format!(
                    "event {} {} {}{}\n",
                    event.name,
                    event.ordinal,
                    event.from,
                    list(&event.fields)
                );
            }
        }
        text
    }

    /// The kind with this name.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }

    /// Which kinds of channel a component meets that plays `role` (0 or 1) on the main one, and
    /// in which roles: the main one first.
    pub fn reachable(&self, role: usize) -> Vec<(usize, usize)> {
        let mut found = vec![(0, role)];
        let mut next = 0;
        while let Some(&(kind_index, role)) = found.get(next) {
            next += 1;
            let kind = &self.kinds[kind_index];
            let messages = kind
                .calls
                .iter()
                .flat_map(|call| [(call.from, &call.request), (1 - call.from, &call.reply)])
                .chain(kind.events.iter().map(|event| (event.from, &event.fields)));
            for (sender, fields) in messages {
                for field in fields {
                    let inner = match &field.kind {
                        Type::Option(inner) => inner,
                        other => other,
                    };
                    let Type::Channel(Some(channel)) = inner else {
                        continue;
                    };
                    let Some(index) = self.kinds.iter().position(|kind| kind.name == channel.kind)
                    else {
                        continue;
                    };
                    let receives =
                        usize::from(channel.role.as_ref() == Some(&self.kinds[index].roles[1]));
                    let plays = if sender == role {
                        1 - receives
                    } else {
                        receives
                    };
                    if !found.contains(&(index, plays)) {
                        found.push((index, plays));
                    }
                }
            }
        }
        found
    }
}

impl Kind {
    fn fields_mut(&mut self) -> impl Iterator<Item = &mut Field> {
        self.calls
            .iter_mut()
            .flat_map(|call| call.request.iter_mut().chain(call.reply.iter_mut()))
            .chain(
                self.events
                    .iter_mut()
                    .flat_map(|event| event.fields.iter_mut()),
            )
    }
}

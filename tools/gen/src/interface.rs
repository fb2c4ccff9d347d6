//! Interfaces: what `interfaces/*.yml` say.

use crate::compatible::{self, Standing};
use crate::names::hash;
use crate::report::Place;
use crate::types::Type;

mod check;
mod definitions;
mod read;

pub use read::read;

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

impl Interface {
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

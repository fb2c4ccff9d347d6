//! Pieces that all of them are made of: how values are spelled, encoded and decoded.

use std::fmt::Write;

use super::Emitter;
use crate::interface::{Call, Field, Interface, Kind};
use crate::names::pascal;
use crate::rust::doc;
use crate::types::{Only, Type};

impl Emitter<'_> {
    pub(super) fn error_type(&self, call: &Call) -> String {
        call.errors.as_deref().map_or("::ftl::Error".into(), pascal)
    }

    pub(super) fn reply_type(&self, call: &Call, lifetime: &str) -> String {
        match call.reply.as_slice() {
            [] => "()".into(),
            [field] => self.rust_type(&field.kind, lifetime),
            fields => {
                let views = fields.iter().any(|field| self.has_view(&field.kind));
                let lifetime = if views {
                    format!("<{lifetime}>")
                } else {
                    String::new()
                };
                format!("{}Reply{lifetime}", pascal(&call.name))
            }
        }
    }

    pub(super) fn reply_value(&self, call: &Call) -> String {
        match call.reply.as_slice() {
            [] => "()".into(),
            [field] => {
                let value = self.decode(&field.kind);
                match required(std::slice::from_ref(field)) {
                    0 => or_absent(&value),
                    _ => value,
                }
            }
            fields => format!(
                "{}Reply {{ {} }}",
                pascal(&call.name),
                self.decode_fields(fields)
            ),
        }
    }

    pub(super) fn decode_fields(&self, fields: &[Field]) -> String {
        let required = required(fields);
        let decode = |(i, field): (usize, &Field)| {
            let value = self.decode(&field.kind);
            match i < required {
                true => format!("{}: {value},", field.name),
                false => format!("{}: {},", field.name, or_absent(&value)),
            }
        };
        fields.iter().enumerate().map(decode).collect()
    }

    /// Writes a message's fields. Optional ones at the end are left out as long as they are
    /// `None`: a receiver of an earlier version does not know them.
    pub(super) fn encode_fields(&self, fields: &[Field]) -> String {
        let required = required(fields);
        let mut out = String::new();
        for (i, field) in fields.iter().enumerate() {
            let text = self.encode(&field.kind, &field.name, "&mut writer");
            if i < required {
                out += &text;
                continue;
            }
            let wanted: Vec<String> = fields[i..]
                .iter()
                .map(|field| format!("{}.is_some()", field.name))
                .collect();
            put!(out, "if {} {{ {text} }}", wanted.join(" || "));
        }
        out
    }

    /// `<'a>` if a parameter needs a name for its lifetime: lists do, whose items have the same.
    pub(super) fn generic(&self, fields: &[Field]) -> &'static str {
        if fields.iter().any(|field| has_list(&field.kind)) {
            "<'a>"
        } else {
            ""
        }
    }

    pub(super) fn parameters(&self, fields: &[Field]) -> String {
        let lifetime = if self.generic(fields).is_empty() {
            "'_"
        } else {
            "'a"
        };
        let parameters: Vec<String> = fields
            .iter()
            .map(|field| {
                let kind = self.rust_type(&field.kind, lifetime);
                let kind = match &field.kind {
                    Type::List(..) => format!("impl Into<{kind}>"),
                    Type::Str(_) => "&str".into(),
                    Type::Bytes(_) => "&[u8]".into(),
                    _ => kind,
                };
                format!("{}: {kind}", field.name)
            })
            .collect();
        parameters.join(", ")
    }

    pub(super) fn rust_type(&self, kind: &Type, lifetime: &str) -> String {
        match kind {
            Type::Number(name) => (*name).into(),
            Type::Str(_) => format!("&{lifetime} str"),
            Type::Bytes(_) => format!("&{lifetime} [u8]"),
            Type::Named(name) if self.has_view(kind) => format!("{}<{lifetime}>", pascal(name)),
            Type::Named(name) => pascal(name),
            Type::List(item, _) => {
                format!(
                    "::ftl::wire::List<{lifetime}, {}>",
                    self.rust_type(item, lifetime)
                )
            }
            Type::Option(inner) => format!("Option<{}>", self.rust_type(inner, lifetime)),
            Type::Channel(None) => "::ftl::handle::Channel".into(),
            Type::Channel(Some(channel)) => {
                let role = pascal(channel.role.as_deref().unwrap_or_default());
                if channel.kind == self.interface.name {
                    // The main kind's types stand at the module's top, which the other kinds import.
                    role
                } else {
                    format!("crate::{}::{}::{role}", self.interface.name, channel.kind)
                }
            }
            Type::Handle(name, _) => format!("::ftl::handle::{name}"),
        }
    }

    pub(super) fn has_view(&self, kind: &Type) -> bool {
        has_view(self.interface, kind)
    }

    pub(super) fn encode(&self, kind: &Type, value: &str, writer: &str) -> String {
        let call = writer.trim_start_matches("&mut ");
        match kind {
            Type::Number(name) => format!("{call}.{name}({value})?;"),
            Type::Str(max) => format!("{call}.str({value}, {max})?;"),
            Type::Bytes(max) => format!("{call}.bytes({value}, {max})?;"),
            Type::Named(_) => format!("::ftl::wire::Wire::encode({value}, {writer})?;"),
            Type::List(_, max) => {
                // A parameter is anything that becomes a list, a struct's field is one already.
                let value = if value.starts_with("self.") {
                    value.into()
                } else {
                    format!("{value}.into()")
                };
                format!("{call}.list({value}, {max})?;")
            }
            Type::Option(inner) => {
                let inner_value = if matches!(**inner, Type::List(..)) {
                    "self.some"
                } else {
                    "some"
                };
                let body = self
                    .encode(inner, inner_value, writer)
                    .replace("self.some", "some");
                format!(
                    "match {value} {{ None => {call}.bool(false)?, Some(some) => {{ {call}.bool(true)?; {body} }} }}"
                )
            }
            Type::Channel(_) | Type::Handle(..) => format!("{call}.handle({value})?;"),
        }
    }

    pub(super) fn decode(&self, kind: &Type) -> String {
        match kind {
            Type::Number(name) => format!("reader.{name}()?"),
            Type::Str(max) => format!("reader.str({max})?"),
            Type::Bytes(max) => format!("reader.bytes({max})?"),
            Type::Named(_) => {
                // Both inside a struct's `decode`, where `reader` is a reference, and outside.
                "::ftl::wire::Wire::decode(reader.by_ref())?".into()
            }
            Type::List(_, max) => format!("reader.list({max})?"),
            Type::Option(inner) => {
                format!(
                    "if reader.bool()? {{ Some({}) }} else {{ None }}",
                    self.decode(inner)
                )
            }
            Type::Handle(_, Some(Only::Read)) => {
                "reader.handle_with(::ftl::abi::Rights::READ)?".into()
            }
            Type::Handle(_, Some(Only::Wait)) => {
                "reader.handle_with(::ftl::abi::Rights::WAIT)?".into()
            }
            Type::Channel(_) | Type::Handle(_, None) => "reader.handle()?".into(),
        }
    }
}

/// How many of a message's fields stand before the optional ones at its end.
pub(super) fn required(fields: &[Field]) -> usize {
    let optional = fields
        .iter()
        .rev()
        .take_while(|field| matches!(field.kind, Type::Option(_)));
    fields.len() - optional.count()
}

/// How an optional field at the end is read: a sender of an earlier version leaves it out.
pub(super) fn or_absent(value: &str) -> String {
    format!("if reader.is_at_end() {{ None }} else {{ {value} }}")
}

pub(super) fn out_variant(out: &mut String, text: &str, variant: &str, fields: &[String]) {
    let fields = if fields.is_empty() {
        String::new()
    } else {
        format!("({})", fields.join(", "))
    };
    let _ = write!(out, "{}{variant}{fields},", doc(text));
}

pub(super) fn has_list(kind: &Type) -> bool {
    match kind {
        Type::List(..) => true,
        Type::Option(inner) => has_list(inner),
        _ => false,
    }
}

/// Whether values of this type borrow from the message.
pub(super) fn has_view(interface: &Interface, kind: &Type) -> bool {
    match kind {
        Type::Str(_) | Type::Bytes(_) | Type::List(..) => true,
        Type::Option(inner) => has_view(interface, inner),
        Type::Named(name) => interface
            .structs
            .iter()
            .find(|one| one.name == *name)
            .is_some_and(|one| {
                one.fields
                    .iter()
                    .any(|field| has_view(interface, &field.kind))
            }),
        _ => false,
    }
}

/// Whether what a role hears borrows from the message.
pub fn inbox_has_views(interface: &Interface, kind: &Kind, role: usize) -> bool {
    kind.calls
        .iter()
        .map(|call| {
            if call.from == role {
                &call.reply
            } else {
                &call.request
            }
        })
        .chain(
            kind.events
                .iter()
                .filter(|event| event.from != role)
                .map(|event| &event.fields),
        )
        .any(|fields| fields.iter().any(|field| has_view(interface, &field.kind)))
}

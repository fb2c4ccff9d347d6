//! One interface's module: its types, the ends of its channels, and what each end can hear.

use std::fmt::Write;

use super::{doc, finish};
use crate::interface::{Interface, Kind};
use crate::names::{pascal, shouting};
use crate::report::Reports;

/// `write!` to a string, which does not fail.
macro_rules! put {
    ($out:expr, $($arguments:tt)*) => { let _ = write!($out, $($arguments)*); };
}

mod calls;
mod inbox;
mod pieces;
mod types;

pub use pieces::inbox_has_views;

/// The text of `interfaces/src/generated/NAME.rs`.
pub fn interface(interface: &Interface) -> Result<String, Reports> {
    let emitter = Emitter { interface };
    finish(
        &emitter.module(),
        &format!("interfaces/{}.yml", interface.name),
    )
}

/// The text of `interfaces/src/generated/decoders.rs`: every decoder under one type, for tests that
/// feed them.
pub fn decoders(interfaces: &[Interface]) -> Result<String, Reports> {
    let mut entries = String::new();
    for interface in interfaces {
        for (index, kind) in interface.kinds.iter().enumerate() {
            let module = match index {
                0 => interface.name.clone(),
                _ => format!("{}::{}", interface.name, kind.name),
            };
            for role in 0..2 {
                put!(
                    entries,
                    "({:?}, {:?}, {role}, |incoming| show(crate::{module}::To{}::decode(incoming)?)),",
                    interface.name,
                    kind.name,
                    pascal(&kind.roles[role])
                );
            }
        }
    }
    let text = format!(
        "#![doc = \" Every decoder, for tests that feed them whatever they like.\"]
        use ::core::fmt::Write;

        /// Decodes a message and shows what it says.
        pub type Decoder = fn(::ftl::end::Incoming<'_>) -> ::ftl::Result<::ftl::String>;

        /// Interface, kind of channel, which of its roles hears, and the decoder.
        pub const ALL: &[(&str, &str, usize, Decoder)] = &[{entries}];

        fn show(message: impl ::core::fmt::Debug) -> ::ftl::Result<::ftl::String> {{
            let mut text = ::ftl::String::new();
            write!(text, \"{{message:?}}\").map_err(|_| ::ftl::Error::Internal)?;
            Ok(text)
        }}\n"
    );
    finish(&text, "interfaces/*.yml")
}

/// Bytes of what each reply begins with: whether it worked.
const STATUS_LEN: usize = 4;

struct Emitter<'a> {
    interface: &'a Interface,
}

impl Emitter<'_> {
    fn module(&self) -> String {
        let mut out = String::new();
        for line in self.interface.doc.lines() {
            put!(out, "#![doc = {:?}]\n", format!(" {}", line.trim_end()));
        }
        out += "#![allow(clippy::too_many_arguments, clippy::identity_op, clippy::needless_lifetimes, clippy::useless_conversion)]\n";
        put!(
            out,
            "/// The version of this interface. Both sides of a channel must have been built from the same.\n\
             pub const HASH: u64 = {:#018x};\n",
            self.interface.hash
        );
        for one in &self.interface.enums {
            out += &self.enumeration(one);
        }
        for one in &self.interface.structs {
            out += &self.structure(one);
        }
        for one in &self.interface.errors {
            out += &self.error(one);
        }
        for (index, kind) in self.interface.kinds.iter().enumerate() {
            if index == 0 {
                out += &self.kind(kind, true);
            } else {
                put!(out, "{}pub mod {} {{\n", doc(&kind.doc), kind.name);
                out += "#[allow(unused_imports)] use super::*;\n";
                out += &self.kind(kind, false);
                out += "}\n";
            }
        }
        out
    }

    /// One kind of channel.
    fn kind(&self, kind: &Kind, main: bool) -> String {
        let mut out = String::new();
        put!(
            out,
            "/// Messages that wait in each direction of such a channel.\n\
             pub const QUEUE_LEN: usize = {};\n\
             /// Bytes of the largest message on such a channel.\n\
             pub const BODY_LEN_MAX: usize = {};\n",
            kind.queue_len,
            kind.body_len_max
        );
        for (name, ordinal) in kind
            .calls
            .iter()
            .map(|call| (&call.name, call.ordinal))
            .chain(kind.events.iter().map(|event| (&event.name, event.ordinal)))
        {
            put!(out, "const {}: u32 = {ordinal:#010x};\n", shouting(name));
        }
        if main {
            put!(
                out,
                "/// The clients of a component that provides this interface.\n\
                 pub type Provider = ::ftl::Provider<{}>;\n",
                pascal(&kind.roles[1])
            );
        }
        let [first, second] = &kind.roles;
        put!(
            out,
            "/// Both ends of a new channel: the `{first}`'s and the `{second}`'s.\n\
             pub fn channel() -> ::ftl::Result<({}, {})> {{
                let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
                Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
             }}\n",
            pascal(first),
            pascal(second)
        );
        for call in &kind.calls {
            if !call.request.is_empty() {
                let text = format!("What the call `{}` is asked with.", call.name);
                out += &self.fields_struct(
                    &format!("{}Request", pascal(&call.name)),
                    &text,
                    &call.request,
                );
            }
            if call.reply.len() > 1 {
                let text = format!("What the call `{}` answers with.", call.name);
                out += &self.fields_struct(
                    &format!("{}Reply", pascal(&call.name)),
                    &text,
                    &call.reply,
                );
            }
            out += &self.replier(call);
        }
        for event in &kind.events {
            if !event.fields.is_empty() {
                out += &self.fields_struct(&pascal(&event.name), &event.doc, &event.fields);
            }
        }
        for role in [0, 1] {
            out += &self.end(kind, role);
            out += &self.inbox(kind, role);
        }
        out
    }
}

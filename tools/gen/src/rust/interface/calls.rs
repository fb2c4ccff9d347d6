//! One end of a channel: what can be called and sent through it.

use std::fmt::Write;

use super::{Emitter, STATUS_LEN};
use crate::interface::{Call, EventDef, Field, Kind};
use crate::names::{pascal, shouting};
use crate::rust::doc;
use crate::types::{Type, number_len};

impl Emitter<'_> {
    /// The value that must be used to answer a call.
    pub(super) fn replier(&self, call: &Call) -> String {
        let name = pascal(&call.name);
        let error = self.error_type(call);
        let parameters = self.parameters(&call.reply);
        let generic = self.generic(&call.reply);
        let body = self.encode_fields(&call.reply);
        let mutable = if call.reply.is_empty() { "" } else { "mut " };
        let fail = match &call.errors {
            Some(_) => "error.into().code()".into(),
            None => "u32::from(error.code())".to_string(),
        };
        let error_parameter = match &call.errors {
            Some(_) => format!("impl Into<{error}>"),
            None => error.clone(),
        };
        format!(
            "/// Answers the call `{plain}`. It may be kept and used later; dropped, it answers `NoReply`.
            #[derive(Debug)]
            #[must_use = \"the caller waits for an answer\"]
            pub struct {name}Replier(::ftl::reply::Replier);
            impl {name}Replier {{
                /// Answers that it worked.
                #[inline]
                pub fn ok{generic}(self, {parameters}) -> ::ftl::Result<()> {{
                    let {mutable}writer = self.0.begin()?;
                    {body}
                    self.0.send(writer)
                }}
                /// Answers that it did not.
                pub fn error(self, error: {error_parameter}) -> ::ftl::Result<()> {{ self.0.fail({fail}) }}
            }}\n",
            plain = call.name,
        )
    }

    /// One end of the channel, with a method for each message that it sends.
    pub(super) fn end(&self, kind: &Kind, role: usize) -> String {
        let name = pascal(&kind.roles[role]);
        let mut out = format!(
            "/// The `{}`'s end of a `{}` channel. Clones are the same end; dropping the last one closes it.
            #[derive(Clone, PartialEq, Eq, Debug)]
            pub struct {name}(::ftl::end::End);
            impl From<::ftl::end::End> for {name} {{
                fn from(end: ::ftl::end::End) -> {name} {{ {name}(end) }}
            }}
            impl From<::ftl::handle::OwnedHandle> for {name} {{
                fn from(handle: ::ftl::handle::OwnedHandle) -> {name} {{ {name}(::ftl::end::End::new(handle.into())) }}
            }}
            impl From<{name}> for ::ftl::handle::OwnedHandle {{
                fn from(end: {name}) -> ::ftl::handle::OwnedHandle {{ end.0.into() }}
            }}
            impl ::ftl::handle::Object for {name} {{
                const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
                const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
            }}
            impl ::ftl::event_loop::TypedEnd for {name} {{
                fn end(&self) -> &::ftl::end::End {{ &self.0 }}
            }}
            impl<M: ::ftl::event_loop::Hears<{name}>> ::ftl::event_loop::Attach<M> for &{name} {{
                fn port(self) -> ::ftl::event_loop::Port {{ ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG) }}
            }}\n",
            kind.roles[role], kind.name
        );
        let calls: Vec<&Call> = kind.calls.iter().filter(|call| call.from == role).collect();
        let events: Vec<&EventDef> = kind
            .events
            .iter()
            .filter(|event| event.from == role)
            .collect();
        if !calls.is_empty() || !events.is_empty() {
            put!(out, "impl {name} {{\n");
            for call in &calls {
                out += &self.start(call);
            }
            for event in &events {
                out += &self.event(event, role);
            }
            out += "}\n";
        }
        // A call along `needs` cannot come back to its caller, so it may block. The other
        // direction could wait for a client that waits for this server.
        if role == 0 && !calls.is_empty() {
            put!(
                out,
                "/// The calls of [`{name}`] as functions that wait for their answer. Imported by `spec` unless the
                /// component's file says `blocking: false`.
                pub trait Blocking {{\n"
            );
            for call in &calls {
                out += &doc(&self.call_doc(call));
                put!(out, "{};\n", self.blocking_signature(call));
            }
            put!(out, "}}\nimpl Blocking for {name} {{\n");
            for call in &calls {
                out += &self.blocking(call);
            }
            out += "}\n";
        }
        out
    }

    /// A call's documentation, with what its marks mean for whoever calls.
    pub(super) fn call_doc(&self, call: &Call) -> String {
        let mut text = call.doc.clone();
        if call.resumable {
            text += "\n\nAfter a restart of the server the same call gets it again: give what was \
                     got to [`resume`](::ftl::event_loop::TypedEnd::resume) of what went.";
        }
        text
    }

    pub(super) fn start(&self, call: &Call) -> String {
        let body = self.encode_fields(&call.request);
        let mutable = if call.request.is_empty() { "" } else { "mut " };
        format!(
            "{docs}///\n/// The answer comes as an event with the transaction that is returned here.
            #[inline]
            pub fn {name}_start{generic}(&self, {parameters}) -> ::ftl::Result<::ftl::Transaction> {{
                let {mutable}writer = ::ftl::wire::Writer::new();
                {body}
                self.0.start({ordinal}, writer)
            }}\n",
            docs = doc(&self.call_doc(call)),
            name = call.name,
            generic = self.generic(&call.request),
            parameters = self.parameters(&call.request),
            ordinal = shouting(&call.name),
        )
    }

    pub(super) fn blocking_signature(&self, call: &Call) -> String {
        let views = call.reply.iter().any(|field| self.has_view(&field.kind));
        let request_lists = !self.generic(&call.request).is_empty();
        // The answer's views lie in the end, the request's lists anywhere.
        let (generic, receiver, lifetime) = match (views, request_lists) {
            (true, true) => ("<'a, 's>", "&'s mut self", "'s"),
            (true, false) => ("<'s>", "&'s mut self", "'s"),
            (false, true) => ("<'a>", "&mut self", "'_"),
            (false, false) => ("", "&mut self", "'_"),
        };
        format!(
            "fn {}{generic}({receiver}, {}) -> ::core::result::Result<{}, {}>",
            call.name,
            self.parameters(&call.request),
            self.reply_type(call, lifetime),
            self.error_type(call),
        )
    }

    pub(super) fn blocking(&self, call: &Call) -> String {
        let encode = self.encode_fields(&call.request);
        let mutable = if call.request.is_empty() { "" } else { "mut " };
        let write = format!("let {mutable}writer = ::ftl::wire::Writer::new(); {encode}");
        let ordinal = shouting(&call.name);
        let call_expression = match call.idempotent {
            // It may be written twice, so a list must not be used up the first time.
            true => format!(
                "{} let incoming = self.0.call_again({ordinal}, || {{ {write} Ok(writer) }})?;",
                self.lists(&call.request)
            ),
            false => format!("{write} let incoming = self.0.call({ordinal}, writer)?;"),
        };
        format!(
            "#[inline]
            {} {{
                {call_expression}
                {}
                reader.finish()?;
                result
            }}\n",
            self.blocking_signature(call),
            self.read_reply(call),
        )
    }

    /// Turns what was given for lists into lists, which can be copied.
    pub(super) fn lists(&self, fields: &[Field]) -> String {
        let lists = fields
            .iter()
            .filter(|field| matches!(field.kind, Type::List(..)));
        lists
            .map(|field| {
                let kind = self.rust_type(&field.kind, "'a");
                format!("let {0}: {kind} = {0}.into();", field.name)
            })
            .collect()
    }

    /// From `incoming` to `reader` and `result`.
    pub(super) fn read_reply(&self, call: &Call) -> String {
        let open = if call.reply.iter().any(|field| self.has_view(&field.kind)) {
            "read_with_views"
        } else {
            "read"
        };
        let failed = match &call.errors {
            Some(errors) => format!("{}::from_code(code)", pascal(errors)),
            None => "::ftl::reply::error_from_code(code)".into(),
        };
        format!(
            "let mut reader = incoming.{open}();
            let result = match ::ftl::reply::read_status(&mut reader)? {{
                Ok(()) => {{ {} Ok({}) }},
                Err(code) => Err({failed}),
            }};",
            self.expect_len(STATUS_LEN, &call.reply),
            self.reply_value(call)
        )
    }

    /// The check of the length of a message that always has the same, if this is one.
    pub(super) fn expect_len(&self, start: usize, fields: &[Field]) -> String {
        match self.fixed_end(start, fields) {
            Some(end) if !fields.is_empty() => format!("reader.expect_len({end})?;"),
            _ => String::new(),
        }
    }

    /// Where fields end that begin at `start`, if that is the same in each message.
    pub(super) fn fixed_end(&self, start: usize, fields: &[Field]) -> Option<usize> {
        let mut end = start;
        for field in fields {
            end = match &field.kind {
                Type::Number(name) => {
                    let len = number_len(name);
                    end.next_multiple_of(len) + len
                }
                Type::Named(name) => {
                    let named = self.interface.structs.iter().find(|one| one.name == *name);
                    match named {
                        Some(named) => self.fixed_end(end, &named.fields)?,
                        // An enum, which travels as a `u32`.
                        None => end.next_multiple_of(4) + 4,
                    }
                }
                // Handles travel beside the body.
                Type::Channel(_) | Type::Handle(..) => end,
                Type::Str(_) | Type::Bytes(_) | Type::List(..) | Type::Option(_) => return None,
            };
        }
        Some(end)
    }

    pub(super) fn event(&self, event: &EventDef, role: usize) -> String {
        // A server does not end because a client left.
        let (open, close) = if role == 1 {
            ("::ftl::end::ignore_gone(", ")")
        } else {
            ("", "")
        };
        let body = self.encode_fields(&event.fields);
        let mutable = if event.fields.is_empty() { "" } else { "mut " };
        // One that carries no handles may go along with something else.
        let soon = if event.fields.iter().any(|field| field.kind.has_handle()) {
            String::new()
        } else {
            format!(
                "/// [`Self::{name}`], but when this thread waits next, or sends anything else: for those who are about to do so.
                #[inline]
                pub fn {name}_soon{generic}(&self, {parameters}) -> ::ftl::Result<()> {{
                    let {mutable}writer = ::ftl::wire::Writer::new();
                    {body}
                    self.0.event_soon({ordinal}, writer, ::ftl::end::OnFull::{on_full});
                    Ok(())
                }}\n",
                name = event.name,
                generic = self.generic(&event.fields),
                parameters = self.parameters(&event.fields),
                ordinal = shouting(&event.name),
                on_full = event.on_full,
            )
        };
        format!(
            "{docs}
            #[inline]
            pub fn {name}{generic}(&self, {parameters}) -> ::ftl::Result<()> {{
                let {mutable}writer = ::ftl::wire::Writer::new();
                {body}
                {open}self.0.event({ordinal}, writer, ::ftl::end::OnFull::{on_full}){close}
            }}\n{soon}",
            docs = doc(&event.doc),
            name = event.name,
            generic = self.generic(&event.fields),
            parameters = self.parameters(&event.fields),
            ordinal = shouting(&event.name),
            on_full = event.on_full,
        )
    }
}

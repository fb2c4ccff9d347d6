//! One interface's module: its types, the ends of its channels, and what each end can hear.

use std::fmt::Write;

use super::{doc, finish};
use crate::interface::{Call, Enum, EventDef, Field, Interface, Kind, Struct};
use crate::names::{pascal, shouting};
use crate::report::Reports;
use crate::types::{Only, Type, number_len};

/// `write!` to a string, which does not fail.
macro_rules! put {
    ($out:expr, $($arguments:tt)*) => { let _ = write!($out, $($arguments)*); };
}

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

    // Types that are written out.

    fn enumeration(&self, one: &Enum) -> String {
        let name = pascal(&one.name);
        let mut out = format!(
            "{}#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]\n#[repr(u32)]\npub enum {name} {{",
            doc(&one.doc)
        );
        for (value, number, text) in &one.values {
            put!(out, "{}{} = {number},", doc(text), pascal(value));
        }
        put!(
            out,
            "}}\nimpl ::ftl::wire::Wire<'_> for {name} {{
                #[inline(always)]
                fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {{ writer.u32(self as u32) }}
                #[inline(always)]
                fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {{
                    match reader.u32()? {{"
        );
        for (value, number, _) in &one.values {
            put!(out, "{number} => Ok({name}::{}),", pascal(value));
        }
        out += "_ => Err(::ftl::Error::Malformed), } } }\n";
        out
    }

    fn structure(&self, one: &Struct) -> String {
        let name = pascal(&one.name);
        let views = one.fields.iter().any(|field| self.has_view(&field.kind));
        let lifetime = if views { "<'a>" } else { "" };
        let (generic, wire) = if views {
            ("<'a>", "<'a>")
        } else {
            ("", "<'_>")
        };
        let reader = if views { "<'a>" } else { "<'_>" };
        // So that every place is a constant; behind a text or a list there is none anyway.
        let inline = if views { "inline" } else { "inline(always)" };
        let mut out = self.fields_struct(&name, &one.doc, &one.fields);
        put!(
            out,
            "impl{generic} ::ftl::wire::Wire{wire} for {name}{lifetime} {{
                #[{inline}]
                #[allow(unused_variables)]
                fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {{"
        );
        for field in &one.fields {
            out += &self.encode(&field.kind, &format!("self.{}", field.name), "writer");
        }
        put!(
            out,
            "Ok(()) }}
                #[{inline}]
                #[allow(unused_variables)]
                fn decode(reader: &mut ::ftl::wire::Reader{reader}) -> ::ftl::Result<Self> {{ Ok({name} {{"
        );
        for field in &one.fields {
            put!(out, "{}: {},", field.name, self.decode(&field.kind));
        }
        out += "}) } }\n";
        out
    }

    fn fields_struct(&self, name: &str, text: &str, fields: &[Field]) -> String {
        let views = fields.iter().any(|field| self.has_view(&field.kind));
        let handles = fields.iter().any(|field| field.kind.has_handle());
        let derive = if handles {
            "Debug"
        } else {
            "Clone, Copy, Debug"
        };
        let lifetime = if views { "<'a>" } else { "" };
        let mut out = format!(
            "{}#[derive({derive})]\npub struct {name}{lifetime} {{",
            doc(text)
        );
        for field in fields {
            put!(
                out,
                "{}pub {}: {},",
                doc(&field.doc),
                field.name,
                self.rust_type(&field.kind, "'a")
            );
        }
        out += "}\n";
        out
    }

    fn error(&self, one: &Enum) -> String {
        let name = pascal(&one.name);
        let mut out = format!(
            "{}#[derive(Clone, Copy, PartialEq, Eq, Debug)]\npub enum {name} {{",
            doc(&one.doc)
        );
        for (value, _, text) in &one.values {
            put!(out, "{}{},", doc(text), pascal(value));
        }
        out += "/// One of the system's errors.\nSystem(::ftl::Error),}\n";
        put!(out, "impl {name} {{ fn code(self) -> u32 {{ match self {{");
        for (value, number, _) in &one.values {
            put!(
                out,
                "{name}::{} => ::ftl::reply::INTERFACE_ERROR + {number},",
                pascal(value)
            );
        }
        put!(
            out,
            "{name}::System(error) => error.code().into(), }} }}
            fn from_code(code: u32) -> {name} {{
                match code.wrapping_sub(::ftl::reply::INTERFACE_ERROR) {{"
        );
        for (value, number, _) in &one.values {
            put!(out, "{number} => {name}::{},", pascal(value));
        }
        put!(
            out,
            "_ => {name}::System(::ftl::reply::error_from_code(code)), }} }} }}
            impl From<::ftl::Error> for {name} {{ fn from(error: ::ftl::Error) -> {name} {{ {name}::System(error) }} }}
            impl ::core::fmt::Display for {name} {{
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{ match self {{"
        );
        for (value, _, text) in &one.values {
            let text = text.trim_end_matches('.').replace('\n', " ");
            put!(out, "{name}::{} => f.write_str({text:?}),", pascal(value));
        }
        put!(
            out,
            "{name}::System(error) => error.fmt(f), }} }} }}
            impl ::core::error::Error for {name} {{}}\n"
        );
        out
    }

    // One kind of channel.

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

    /// The value that must be used to answer a call.
    fn replier(&self, call: &Call) -> String {
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
    fn end(&self, kind: &Kind, role: usize) -> String {
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
    fn call_doc(&self, call: &Call) -> String {
        let mut text = call.doc.clone();
        if call.resumable {
            text += "\n\nAfter a restart of the server the same call gets it again: give what was \
                     got to [`resume`](::ftl::event_loop::TypedEnd::resume) of what went.";
        }
        text
    }

    fn start(&self, call: &Call) -> String {
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

    fn blocking_signature(&self, call: &Call) -> String {
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

    fn blocking(&self, call: &Call) -> String {
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
    fn lists(&self, fields: &[Field]) -> String {
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
    fn read_reply(&self, call: &Call) -> String {
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
    fn expect_len(&self, start: usize, fields: &[Field]) -> String {
        match self.fixed_end(start, fields) {
            Some(end) if !fields.is_empty() => format!("reader.expect_len({end})?;"),
            _ => String::new(),
        }
    }

    /// Where fields end that begin at `start`, if that is the same in each message.
    fn fixed_end(&self, start: usize, fields: &[Field]) -> Option<usize> {
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

    fn event(&self, event: &EventDef, role: usize) -> String {
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

    /// The enum of what one end can hear, with its decoder.
    fn inbox(&self, kind: &Kind, role: usize) -> String {
        let name = format!("To{}", pascal(&kind.roles[role]));
        let lifetime = if self.inbox_has_views(kind, role) {
            "<'a>"
        } else {
            ""
        };
        let mut variants = String::new();
        let mut arms = String::new();
        let mut ended = String::new();
        for call in &kind.calls {
            let variant = pascal(&call.name);
            let ordinal = shouting(&call.name);
            if call.from == role {
                put!(
                    variants,
                    "/// The answer to [`{}::{}_start`].\n{variant}(::ftl::Transaction, ::core::result::Result<{}, {}>),",
                    pascal(&kind.roles[role]),
                    call.name,
                    self.reply_type(call, "'a"),
                    self.error_type(call)
                );
                put!(
                    arms,
                    "{ordinal} if incoming.kind() == ::ftl::abi::MessageKind::Reply => {{
                        let transaction = incoming.transaction();
                        {}
                        reader.finish()?;
                        Ok({name}::{variant}(transaction, result))
                    }}",
                    self.read_reply(call)
                );
                let error = if call.errors.is_some() {
                    "error.into()"
                } else {
                    "error"
                };
                put!(
                    ended,
                    "{ordinal} => Some({name}::{variant}(transaction, Err({error}))),"
                );
            } else {
                let views = call.request.iter().any(|field| self.has_view(&field.kind));
                let open = if views { "read_with_views" } else { "read" };
                let request_lifetime = if views { "<'a>" } else { "" };
                out_variant(&mut variants, &call.doc, &variant, &{
                    let mut fields = Vec::new();
                    if !call.request.is_empty() {
                        fields.push(format!("{variant}Request{request_lifetime}"));
                    }
                    fields.push(format!("{variant}Replier"));
                    fields
                });
                let (request, value) = if call.request.is_empty() {
                    (String::new(), String::new())
                } else {
                    (
                        format!(
                            "{} let request = {variant}Request {{ {} }};",
                            self.expect_len(0, &call.request),
                            self.decode_fields(&call.request)
                        ),
                        "request, ".into(),
                    )
                };
                let mutable = if call.request.is_empty() { "" } else { "mut " };
                put!(
                    arms,
                    "{ordinal} if incoming.kind() == ::ftl::abi::MessageKind::Request => {{
                        let asked = incoming.asked();
                        let {mutable}reader = incoming.{open}();
                        {request}
                        reader.finish()?;
                        Ok({name}::{variant}({value}{variant}Replier(asked.into())))
                    }}"
                );
            }
        }
        for event in kind.events.iter().filter(|event| event.from != role) {
            let variant = pascal(&event.name);
            let views = event.fields.iter().any(|field| self.has_view(&field.kind));
            let open = if views { "read_with_views" } else { "read" };
            let event_lifetime = if views { "<'a>" } else { "" };
            let fields = if event.fields.is_empty() {
                Vec::new()
            } else {
                vec![format!("{variant}{event_lifetime}")]
            };
            out_variant(&mut variants, &event.doc, &variant, &fields);
            let (value, payload) = if event.fields.is_empty() {
                (String::new(), String::new())
            } else {
                (
                    format!(
                        "{} let event = {variant} {{ {} }};",
                        self.expect_len(0, &event.fields),
                        self.decode_fields(&event.fields)
                    ),
                    "(event)".into(),
                )
            };
            let mutable = if event.fields.is_empty() { "" } else { "mut " };
            put!(
                arms,
                "{} if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {{
                    let {mutable}reader = incoming.{open}();
                    {value}
                    reader.finish()?;
                    Ok({name}::{variant}{payload})
                }}",
                shouting(&event.name)
            );
        }
        let (generic, incoming) = if lifetime.is_empty() {
            ("", "'_")
        } else {
            ("<'a>", "'a")
        };
        let ended_body = if ended.is_empty() {
            "let _ = (ordinal, transaction, error); None".into()
        } else {
            format!("match ordinal {{ {ended} _ => None }}")
        };
        let decode = match arms.is_empty() {
            true => "Err(incoming.refuse())".into(),
            false => {
                format!("match incoming.ordinal() {{ {arms} _ => Err(incoming.refuse()) }}")
            }
        };
        format!(
            "/// What arrives at a [`{end}`].
            #[derive(Debug)]
            pub enum {name}{lifetime} {{ {variants} }}
            impl{generic} {name}{lifetime} {{
                /// Decodes a message; an error means that the sender broke the interface's rules.
                #[inline]
                pub fn decode(incoming: ::ftl::end::Incoming<{incoming}>) -> ::ftl::Result<Self> {{
                    {decode}
                }}
                /// What tells that a call ended because the other side is gone.
                pub fn ended(
                    ordinal: u32,
                    transaction: ::ftl::Transaction,
                    error: ::ftl::Error,
                ) -> Option<Self> {{ {ended_body} }}
            }}\n",
            end = pascal(&kind.roles[role]),
        )
    }

    fn inbox_has_views(&self, kind: &Kind, role: usize) -> bool {
        inbox_has_views(self.interface, kind, role)
    }

    // Pieces.

    fn error_type(&self, call: &Call) -> String {
        call.errors.as_deref().map_or("::ftl::Error".into(), pascal)
    }

    fn reply_type(&self, call: &Call, lifetime: &str) -> String {
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

    fn reply_value(&self, call: &Call) -> String {
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

    fn decode_fields(&self, fields: &[Field]) -> String {
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
    fn encode_fields(&self, fields: &[Field]) -> String {
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
    fn generic(&self, fields: &[Field]) -> &'static str {
        if fields.iter().any(|field| has_list(&field.kind)) {
            "<'a>"
        } else {
            ""
        }
    }

    fn parameters(&self, fields: &[Field]) -> String {
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

    fn rust_type(&self, kind: &Type, lifetime: &str) -> String {
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

    fn has_view(&self, kind: &Type) -> bool {
        has_view(self.interface, kind)
    }

    fn encode(&self, kind: &Type, value: &str, writer: &str) -> String {
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

    fn decode(&self, kind: &Type) -> String {
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
fn required(fields: &[Field]) -> usize {
    let optional = fields
        .iter()
        .rev()
        .take_while(|field| matches!(field.kind, Type::Option(_)));
    fields.len() - optional.count()
}

/// How an optional field at the end is read: a sender of an earlier version leaves it out.
fn or_absent(value: &str) -> String {
    format!("if reader.is_at_end() {{ None }} else {{ {value} }}")
}

fn out_variant(out: &mut String, text: &str, variant: &str, fields: &[String]) {
    let fields = if fields.is_empty() {
        String::new()
    } else {
        format!("({})", fields.join(", "))
    };
    let _ = write!(out, "{}{variant}{fields},", doc(text));
}

fn has_list(kind: &Type) -> bool {
    match kind {
        Type::List(..) => true,
        Type::Option(inner) => has_list(inner),
        _ => false,
    }
}

/// Whether values of this type borrow from the message.
fn has_view(interface: &Interface, kind: &Type) -> bool {
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
pub(super) fn inbox_has_views(interface: &Interface, kind: &Kind, role: usize) -> bool {
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

//! What one end of a channel can hear.

use std::fmt::Write;

use super::Emitter;
use super::pieces::{inbox_has_views, out_variant};
use crate::interface::Kind;
use crate::names::{pascal, shouting};

impl Emitter<'_> {
    /// The enum of what one end can hear, with its decoder.
    pub(super) fn inbox(&self, kind: &Kind, role: usize) -> String {
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

    pub(super) fn inbox_has_views(&self, kind: &Kind, role: usize) -> bool {
        inbox_has_views(self.interface, kind, role)
    }
}

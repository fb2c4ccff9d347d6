//! What an interface defines for itself: enums, structs, kinds of error.

use std::fmt::Write;

use super::Emitter;
use crate::interface::{Enum, Field, Struct};
use crate::names::pascal;
use crate::rust::doc;

impl Emitter<'_> {
    pub(super) fn enumeration(&self, one: &Enum) -> String {
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

    pub(super) fn structure(&self, one: &Struct) -> String {
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

    pub(super) fn fields_struct(&self, name: &str, text: &str, fields: &[Field]) -> String {
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

    pub(super) fn error(&self, one: &Enum) -> String {
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
}

//! A component's `src/spec.rs`: its `Environ`, `Settings` and `Message`.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::interface::inbox_has_views;
use super::{doc, finish};
use crate::component::{Component, Role};
use crate::interface::Interface;
use crate::names::pascal;
use crate::report::Reports;
use crate::settings::{Setting, SettingType, SettingValue};

macro_rules! put {
    ($out:expr, $($arguments:tt)*) => { let _ = write!($out, $($arguments)*); };
}

/// One kind of channel in one role, as a variant of `Message`.
struct Heard<'a> {
    variant: String,
    interface: &'a Interface,
    kind: usize,
    role: usize,
}

impl Heard<'_> {
    /// The path of something in this kind's module.
    fn path(&self, item: &str) -> String {
        let interface = &self.interface.name;
        match self.kind {
            0 => format!("{interface}::{item}"),
            _ => format!(
                "{interface}::{}::{item}",
                self.interface.kinds[self.kind].name
            ),
        }
    }
    fn role(&self) -> String {
        pascal(&self.interface.kinds[self.kind].roles[self.role])
    }
    fn has_views(&self) -> bool {
        inbox_has_views(self.interface, &self.interface.kinds[self.kind], self.role)
    }
}

/// The text of a component's `src/spec.rs`.
pub fn spec(component: &Component, interfaces: &[Interface]) -> Result<String, Reports> {
    let find = |name: &str| interfaces.iter().find(|interface| interface.name == name);
    let heard = heard(component, &find);

    let mut out = format!(
        "#![doc = {:?}]\n",
        format!(
            " What the {} `{}` is given, and what it can hear.",
            match component.role {
                Role::Command => "command",
                _ => "component",
            },
            component.name.trim_end_matches('_')
        )
    );
    out += "#![allow(unused_imports, dead_code)]\n";
    let mut names: Vec<&str> = heard
        .iter()
        .map(|heard| heard.interface.name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        put!(out, "pub use ::interfaces::{{{}}};\n", names.join(", "));
    }
    if component.blocking {
        for heard in &heard {
            let kind = &heard.interface.kinds[heard.kind];
            if heard.role == 0 && kind.calls.iter().any(|call| call.from == 0) {
                put!(
                    out,
                    "pub use ::interfaces::{} as _;\n",
                    heard.path("Blocking")
                );
            }
        }
    }
    put!(
        out,
        "/// The component's event loop.\npub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;\n"
    );
    if component.role == Role::Init {
        // Init has no environment: it makes those of all others.
        return finish(
            &format!("{out}{}", messages(&heard)),
            &component.folder.join("component.yml").to_string_lossy(),
        );
    }
    out += "/// What `main` is given.\n#[derive(Debug)]\npub struct Environ {";
    let mut made = String::new();
    for (index, need) in component.needs.iter().enumerate() {
        let text = described(
            &need.doc,
            &format!("The component that provides `{}`.", need.interface),
        );
        let (kind, method) = match need.optional {
            true => (
                format!("Option<{}::Client>", need.interface),
                "need_optional",
            ),
            false => (format!("{}::Client", need.interface), "need"),
        };
        put!(out, "{}pub {}: {kind},", doc(&text), need.name);
        put!(
            made,
            "{0}: start.{method}({index}, {0:?}, {1}::HASH)?,",
            need.name,
            need.interface
        );
    }
    for (index, provide) in component.provides.iter().enumerate() {
        let text = described(
            &provide.doc,
            &format!("The clients of `{}`.", provide.interface),
        );
        put!(
            out,
            "{}pub {}: {}::Provider,",
            doc(&text),
            provide.name,
            provide.interface
        );
        put!(
            made,
            "{0}: start.provider({index}, {0:?}, {1}::HASH)?,",
            provide.name,
            provide.interface
        );
    }
    for (index, device) in component.devices.iter().enumerate() {
        let (text, rust, call) = match device.all {
            false => ("A device", "::ftl::handle::Device", "device"),
            true => (
                "Each device",
                "::ftl::Vec<::ftl::handle::Device>",
                "all_devices",
            ),
        };
        let text = described(&device.doc, &format!("{text} {}.", device.described));
        put!(out, "{}pub {}: {rust},", doc(&text), device.name);
        match device.all {
            false => {
                put!(made, "{0}: start.{call}({index}, {0:?})?,", device.name);
            }
            true => {
                put!(made, "{0}: start.{call}({index}),", device.name);
            }
        }
    }
    if !component.settings.is_empty() {
        out += "/// What the system file sets.\npub settings: Settings,";
        out += "";
    }
    out += "/// The component's random generator.\npub random: ::ftl::random::Random,";
    if component.role == Role::Command {
        out += OF_COMMANDS;
        if component.directory.is_some() {
            out += "/// The directory that whoever started the command has given it, if any.\n\
                    pub directory: Option<::interfaces::files::Dir>,";
            // Before the variables are taken, of which it needs one.
            made += "directory: start.directory().map(|fs| ::interfaces::files::Dir::of_command(fs, start.mounts(), start.variable(\"PWD\"))),";
        }
        made += "name: start.name(), arguments: start.arguments(), variables: start.variables(), stdin: start.stdin(), \
                 stdout: start.stdout(), stderr: start.stderr(),";
        if component.terminal {
            out += "/// The terminal, if whoever started the command has given it one.\n\
                    pub terminal: Option<::interfaces::terminal::Client>,";
            made += "terminal: start.terminal(),";
        }
    }
    if component.keeps_state {
        out += "/// What an earlier life of this component left with `ftl::bootstrap::save_state`.\n\
                pub state: ::ftl::bootstrap::State,";
    }
    out += "}\n";
    let read_settings = if component.settings.is_empty() {
        ""
    } else {
        "settings: Settings::decode(start.settings())?,"
    };
    let state = if component.keeps_state {
        "state: start.state(),"
    } else {
        ""
    };
    put!(
        out,
        "impl ::ftl::runtime::Environment for Environ {{
            fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {{
                #[allow(unused_mut)] let mut start = ::ftl::bootstrap::Start::receive(info)?;
                Ok(Environ {{ {made} {read_settings} random: start.random(), {state} }})
            }}
        }}\n"
    );
    out += &settings(&component.settings);
    out += &messages(&heard);
    let path = component.folder.join("component.yml");
    finish(&out, &path.to_string_lossy())
}

/// What the `Environ` of each command has.
const OF_COMMANDS: &str = "/// The name that it was started under.
    pub name: ::ftl::String,
    /// The words after the command's name.
    pub arguments: ::ftl::Vec<::ftl::String>,
    /// The environment.
    pub variables: ::ftl::process::Variables,
    /// Standard input.
    pub stdin: ::ftl::io::Stdin,
    /// Standard output.
    pub stdout: ::ftl::io::Stdout,
    /// Standard error.
    pub stderr: ::ftl::io::Stderr,";

fn described(text: &str, otherwise: &str) -> String {
    if text.is_empty() {
        otherwise.into()
    } else {
        text.into()
    }
}

/// What the component can hear, each with a name of its own.
fn heard<'a>(
    component: &Component,
    find: &dyn Fn(&str) -> Option<&'a Interface>,
) -> Vec<Heard<'a>> {
    let mut heard: Vec<Heard<'a>> = Vec::new();
    let sources = component
        .provides
        .iter()
        .map(|provide| (provide.interface.as_str(), 1))
        .chain(
            component
                .needs
                .iter()
                .map(|need| (need.interface.as_str(), 0)),
        );
    let init = (component.role == Role::Init).then_some(("component", 1));
    let streams = [("stream", 0), ("stream", 1)]
        .into_iter()
        .filter(|_| component.streams);
    let terminal = component.terminal.then_some(("terminal", 0));
    let hosts = component.hosts.iter().map(|name| (name.as_str(), 1));
    // What a directory is watched with.
    let directory = component.directory.map(|_| ("fs", 0));
    let given = terminal.into_iter().chain(directory);
    for (name, role) in sources.chain(hosts).chain(init).chain(streams).chain(given) {
        let Some(interface) = find(name) else {
            continue;
        };
        for (kind, role) in interface.reachable(role) {
            let known = |other: &Heard<'_>| {
                other.interface.name == interface.name && other.kind == kind && other.role == role
            };
            if !heard.iter().any(known) {
                let variant = pascal(&interface.kinds[kind].name);
                heard.push(Heard {
                    variant,
                    interface,
                    kind,
                    role,
                });
            }
        }
    }
    // A kind that is heard in both roles gets the role behind its name, and kinds of the same
    // name in two interfaces the interface in front.
    let mut count: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in &heard {
        count
            .entry(one.variant.clone())
            .or_default()
            .push(one.interface.name.clone());
    }
    for one in &mut heard {
        let owners = &count[&one.variant];
        let plain = one.variant.clone();
        if owners.iter().any(|owner| *owner != one.interface.name) && one.kind != 0 {
            one.variant = format!("{}{plain}", pascal(&one.interface.name));
        }
        if owners
            .iter()
            .filter(|owner| **owner == one.interface.name)
            .count()
            > 1
        {
            one.variant = format!("{}{}", one.variant, one.role());
        }
    }
    heard
}

fn settings(settings: &[Setting]) -> String {
    if settings.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "/// What the system file sets.\n#[derive(Clone, Debug, PartialEq)]\npub struct Settings {",
    );
    let mut decode = String::new();
    let mut choices = String::new();
    let (mut encode, mut defaults, mut all_defaults) = (String::new(), String::new(), true);
    for setting in settings {
        let name = &setting.name;
        let (kind, read) = match &setting.kind {
            SettingType::Bool => ("bool".into(), "reader.bool()?".into()),
            SettingType::Integer(kind, ..) => ((*kind).to_string(), format!("reader.{kind}()?")),
            SettingType::Float => ("f64".into(), "reader.f64()?".into()),
            SettingType::Str(max) => ("::ftl::String".into(), format!("reader.str({max})?.into()")),
            SettingType::Choice(words) => {
                let kind = pascal(name);
                choices += &choice(&kind, setting, words);
                (kind.clone(), format!("{kind}::from_number(reader.u32()?)?"))
            }
        };
        put!(out, "{}pub {name}: {kind},", doc(&setting.doc));
        put!(decode, "{name}: {read},");
        let write = match &setting.kind {
            SettingType::Bool => format!("writer.bool(self.{name})?;"),
            SettingType::Integer(kind, ..) => format!("writer.{kind}(self.{name})?;"),
            SettingType::Float => format!("writer.f64(self.{name})?;"),
            SettingType::Str(max) => format!("writer.str(&self.{name}, {max})?;"),
            SettingType::Choice(_) => format!("writer.u32(self.{name} as u32)?;"),
        };
        encode += &write;
        match default_value(setting) {
            Some(value) => {
                put!(defaults, "{name}: {value},");
            }
            None => all_defaults = false,
        }
    }
    let default = match all_defaults {
        true => format!(
            "impl Default for Settings {{ fn default() -> Settings {{ Settings {{ {defaults} }} }} }}\n"
        ),
        false => String::new(),
    };
    put!(
        out,
        "}}\nimpl Settings {{
            fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {{
                let settings = Settings {{ {decode} }};
                reader.finish()?;
                Ok(settings)
            }}
            /// As init passes them on: for tests.
            #[cfg(test)]
            pub fn encode(&self) -> ::ftl::Vec<u8> {{
                let mut writer = ::ftl::wire::Writer::new();
                let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {{ {encode} Ok(()) }};
                encode(&mut writer).expect(\"settings fit into a message\");
                writer.into_bytes()
            }}
        }}\n{default}"
    );
    out + &choices
}

/// A setting's default as Rust.
fn default_value(setting: &Setting) -> Option<String> {
    Some(match (setting.default.as_ref()?, &setting.kind) {
        (SettingValue::Bool(value), _) => value.to_string(),
        (SettingValue::Integer(value), _) => value.to_string(),
        (SettingValue::Float(value), _) => format!("{value:?}"),
        (SettingValue::Str(value), _) => format!("{value:?}.into()"),
        (SettingValue::Choice(index), SettingType::Choice(words)) => {
            format!("{}::{}", pascal(&setting.name), pascal(&words[*index]))
        }
        (SettingValue::Choice(_), _) => return None,
    })
}

fn choice(kind: &str, setting: &Setting, words: &[String]) -> String {
    let mut out = format!(
        "{}#[derive(Clone, Copy, PartialEq, Eq, Debug)]\npub enum {kind} {{",
        doc(&setting.doc)
    );
    let mut arms = String::new();
    for (number, word) in words.iter().enumerate() {
        put!(out, "/// `{word}`.\n{},", pascal(word));
        put!(arms, "{number} => Ok({kind}::{}),", pascal(word));
    }
    put!(
        out,
        "}}\nimpl {kind} {{
            fn from_number(number: u32) -> ::ftl::Result<{kind}> {{
                match number {{ {arms} _ => Err(::ftl::Error::Malformed) }}
            }}
        }}\n"
    );
    out
}

fn messages(heard: &[Heard<'_>]) -> String {
    let views = heard.iter().any(Heard::has_views);
    let lifetime = if views { "<'a>" } else { "" };
    let mut variants = String::new();
    let (mut decode, mut ended, mut hears) = (String::new(), String::new(), String::new());
    for (tag, one) in heard.iter().enumerate() {
        let inbox = one.path(&format!("To{}", one.role()));
        let inbox_lifetime = if one.has_views() { "<'a>" } else { "" };
        let kind = &one.interface.kinds[one.kind];
        put!(
            variants,
            "/// On a `{}` channel, for the `{}`.\n{}({inbox}{inbox_lifetime}),",
            kind.name,
            kind.roles[one.role],
            one.variant
        );
        put!(
            decode,
            "{tag} => {inbox}::decode(incoming).map(Message::{}),",
            one.variant
        );
        put!(
            ended,
            "{tag} => {inbox}::ended(ordinal, transaction, error).map(Message::{}),",
            one.variant
        );
        put!(
            hears,
            "impl ::ftl::event_loop::Hears<{}> for Messages {{ const TAG: u16 = {tag}; }}\n",
            one.path(&one.role())
        );
    }
    let (decode, ended) = if heard.is_empty() {
        (
            "let _ = tag; Err(incoming.refuse())".to_string(),
            "let _ = (tag, ordinal, transaction, error); None".to_string(),
        )
    } else {
        (
            format!("match tag {{ {decode} _ => Err(incoming.refuse()) }}"),
            format!("match tag {{ {ended} _ => None }}"),
        )
    };
    format!(
        "/// A message that this component can hear.
        #[derive(Debug)]
        pub enum Message{lifetime} {{ {variants} }}
        /// Decodes the component's messages, for its event loop.
        #[derive(Debug)]
        pub enum Messages {{}}
        impl ::ftl::event_loop::Messages for Messages {{
            type Message<'a> = Message{lifetime};
            #[inline]
            fn decode<'a>(tag: u16, incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self::Message<'a>> {{
                {decode}
            }}
            fn ended<'a>(
                tag: u16,
                ordinal: u32,
                transaction: ::ftl::Transaction,
                error: ::ftl::Error,
            ) -> Option<Self::Message<'a>> {{ {ended} }}
        }}
        {hears}"
    )
}

//! Settings: typed in `component.yml`, set in `systems/*.yml`, a struct in `env.settings`.

use crate::names;
use crate::report::{Report, Reports};
use crate::types::{self, Type, number_len};
use crate::yaml::{Node, Value, unknown};

/// One setting.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// What it does.
    pub doc: String,
    /// A number, a string, or one of a few words.
    pub kind: SettingType,
    /// Its value unless the system file sets another; none if it must.
    pub default: Option<SettingValue>,
}

/// What a setting may be.
#[derive(Clone, Debug)]
pub enum SettingType {
    /// `bool`.
    Bool,
    /// An integer, with its bounds.
    Integer(&'static str, i128, i128),
    /// `f64`.
    Float,
    /// Text of so many bytes at most.
    Str(usize),
    /// One of these words.
    Choice(Vec<String>),
}

impl SettingType {
    /// What is expected of a value, for whoever wrote another one outside of a file.
    pub fn expected(&self) -> String {
        match self {
            SettingType::Bool => "`true` or `false`".into(),
            SettingType::Integer(_, low, high) => format!("a whole number from {low} to {high}"),
            SettingType::Float => "a number".into(),
            SettingType::Str(max) => {
                format!(
                    "text of at most {max} bytes, in quotes if YAML takes it for something else"
                )
            }
            SettingType::Choice(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            }
        }
    }
}

/// What a setting is set to.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// `bool`.
    Bool(bool),
    /// An integer.
    Integer(i128),
    /// `f64`.
    Float(f64),
    /// Text.
    Str(String),
    /// The number of a word.
    Choice(usize),
}

/// Reads `settings` of a component.
pub fn read_settings(node: &Node, reports: &mut Reports) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (key, node) in node.expect_entries("settings by name", reports) {
        let Some(name) = names::check(key, "a setting's name", reports) else {
            continue;
        };
        let mut fields = node.fields("a setting", reports);
        let doc = fields
            .require("doc")
            .and_then(|node| node.expect_text("a sentence", reports));
        let doc = doc.unwrap_or_default().trim().to_string();
        let kind_node = fields.require("type");
        let kind = kind_node.and_then(|node| read_type(node, reports));
        let (min, max) = (fields.get("min"), fields.get("max"));
        let default = fields.get("default");
        fields.finish(reports);
        let Some(mut kind) = kind else { continue };
        for (bound, lower) in [(min, true), (max, false)] {
            let Some(node) = bound else { continue };
            let SettingType::Integer(_, low, high) = &mut kind else {
                reports.push(Report::new(
                    &node.place,
                    "only integers have bounds",
                    "leave it out",
                ));
                continue;
            };
            match node.expect_integer("a whole number", reports) {
                Some(number) if (*low..=*high).contains(&number) => {
                    *if lower { low } else { high } = number
                }
                Some(number) => reports.push(Report::new(
                    &node.place,
                    format!("the bound {number} is outside of the type, or of the other bound"),
                    format!("{low} to {high}"),
                )),
                None => {}
            }
        }
        let default = default.and_then(|node| read_value(name, &kind, node, reports));
        settings.push(Setting {
            name: name.into(),
            doc,
            kind,
            default,
        });
    }
    settings
}

fn read_type(node: &Node, reports: &mut Reports) -> Option<SettingType> {
    if let Value::List(items) = &node.value {
        let mut words = Vec::new();
        for item in items {
            words.push(names::check(item, "one of a setting's words", reports)?.to_string());
        }
        if words.is_empty() {
            reports.push(Report::new(
                &node.head(),
                "a setting of no words cannot be set",
                "add some",
            ));
            return None;
        }
        return Some(SettingType::Choice(words));
    }
    match types::parse(node, &[], reports)? {
        Type::Number("bool") => Some(SettingType::Bool),
        Type::Number("f64") => Some(SettingType::Float),
        Type::Number(name) => {
            let bits = number_len(name) as u32 * 8;
            let (low, high) = match name.starts_with('i') {
                true => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
                false => (0, (1_i128 << bits) - 1),
            };
            Some(SettingType::Integer(name, low, high))
        }
        Type::Str(max) => Some(SettingType::Str(max)),
        _ => {
            reports.push(Report::new(
                &node.place,
                "a setting cannot have this type",
                "bool, a number, `string(…)`, or a list of words",
            ));
            None
        }
    }
}

/// Reads a value for a setting.
pub fn read_value(
    name: &str,
    kind: &SettingType,
    node: &Node,
    reports: &mut Reports,
) -> Option<SettingValue> {
    match kind {
        SettingType::Bool => node
            .expect_bool(&format!("`{name}`"), reports)
            .map(SettingValue::Bool),
        SettingType::Integer(_, low, high) => {
            let number = node.expect_integer(&format!("a whole number for `{name}`"), reports)?;
            if !(*low..=*high).contains(&number) {
                reports.push(Report::new(
                    &node.place,
                    format!("`{name}` cannot be {number}"),
                    format!("{low} to {high}"),
                ));
                return None;
            }
            Some(SettingValue::Integer(number))
        }
        SettingType::Float => {
            let number = match &node.value {
                Value::Scalar {
                    text,
                    quoted: false,
                } => text.parse::<f64>().ok(),
                _ => None,
            };
            if number.is_none() {
                reports.push(Report::new(
                    &node.head(),
                    format!("`{name}` is a number"),
                    "this is none",
                ));
            }
            number.map(SettingValue::Float)
        }
        SettingType::Str(max) => {
            let text = node.expect_text(&format!("a text for `{name}`"), reports)?;
            if text.len() > *max {
                reports.push(Report::new(
                    &node.head(),
                    format!("`{name}` has {} bytes", text.len()),
                    format!("{max} at most"),
                ));
                return None;
            }
            Some(SettingValue::Str(text.into()))
        }
        SettingType::Choice(words) => {
            let text = node.expect_text(&format!("a word for `{name}`"), reports)?;
            let found = words.iter().position(|word| word == text);
            if found.is_none() {
                let message = format!("`{name}` cannot be `{text}`");
                reports.push(unknown(
                    &node.place,
                    &message,
                    text,
                    words.iter().map(String::as_str),
                ));
            }
            found.map(SettingValue::Choice)
        }
    }
}

/// The settings in the layout of messages (see `ftl::wire`), as init passes them on.
pub fn encode(settings: &[(&Setting, &SettingValue)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (setting, value) in settings {
        match (&setting.kind, value) {
            (SettingType::Integer(name, ..), SettingValue::Integer(number)) => {
                let len = number_len(name);
                put(&mut bytes, &number.to_le_bytes()[..len], len);
            }
            (_, SettingValue::Bool(value)) => put(&mut bytes, &[u8::from(*value)], 1),
            (_, SettingValue::Float(value)) => put(&mut bytes, &value.to_le_bytes(), 8),
            (_, SettingValue::Str(text)) => {
                put(&mut bytes, &(text.len() as u32).to_le_bytes(), 4);
                bytes.extend_from_slice(text.as_bytes());
            }
            (_, SettingValue::Choice(word)) => put(&mut bytes, &(*word as u32).to_le_bytes(), 4),
            // `read_value` makes integers for integers only.
            (_, SettingValue::Integer(_)) => {}
        }
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, value: &[u8], align: usize) {
    bytes.resize(bytes.len().next_multiple_of(align), 0);
    bytes.extend_from_slice(value);
}

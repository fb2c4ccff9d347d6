//! Names: what authors may call things, and how Rust spells them.

use crate::report::{Report, Reports};
use crate::yaml::Node;

/// Words that Rust keeps for itself, and a few that generated code uses.
const RESERVED: &[&str] = &[
    "as", "break", "const", "continue", "crate", "else", "enum", "extern", "false", "fn", "for",
    "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return",
    "self", "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where",
    "while", "async", "await", "dyn", "abstract", "become", "box", "do", "final", "gen", "macro",
    "override", "priv", "try", "typeof", "unsized", "virtual", "yield", "writer", "reader", "ftl",
    "core", "alloc", "std", "end", "from", "clone", "eq", "fmt", "into",
];

/// A name in `snake_case` that generated code can use; reports anything else.
pub fn check<'a>(node: &'a Node, what: &str, reports: &mut Reports) -> Option<&'a str> {
    let name = node.expect_text(what, reports)?;
    let Some(wrong) = Wrong::of(name) else {
        return Some(name);
    };
    let (place, message) = match wrong {
        Wrong::Letters => (node.head(), format!("`{name}` cannot be {what}")),
        Wrong::Long => (node.place.clone(), format!("`{name}` is too long")),
        Wrong::Reserved => (node.place.clone(), format!("`{name}` cannot be {what}")),
    };
    reports.push(Report::new(&place, message, wrong.rule()));
    None
}

/// Why something cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It has letters that names do not have.
    Letters,
    /// It has too many of them.
    Long,
    /// Rust or generated code uses it.
    Reserved,
}

impl Wrong {
    /// What speaks against a name, if anything does.
    pub fn of(name: &str) -> Option<Wrong> {
        if !is_name(name) {
            Some(Wrong::Letters)
        } else if name.len() > 32 {
            Some(Wrong::Long)
        } else if RESERVED.contains(&name) {
            Some(Wrong::Reserved)
        } else {
            None
        }
    }

    /// The rule that it breaks.
    pub fn rule(self) -> &'static str {
        match self {
            Wrong::Letters => "names are `snake_case`: a to z, digits, single underscores",
            Wrong::Long => "a name has 32 letters at most",
            Wrong::Reserved => "Rust or the generated code uses this word; choose another",
        }
    }
}

/// Whether this is written as names are.
pub fn is_name(name: &str) -> bool {
    let letters = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    letters
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
}

/// `tcp_listener` as `TcpListener`.
pub fn pascal(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        })
        .collect()
}

/// `tcp_listener` as `TCP_LISTENER`.
pub fn shouting(name: &str) -> String {
    name.to_ascii_uppercase()
}

/// A stable number from a text: FNV-1a.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

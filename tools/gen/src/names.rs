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
    if !is_name(name) {
        reports.push(Report::new(
            &node.head(),
            format!("`{name}` cannot be {what}"),
            "names are `snake_case`: a to z, digits, single underscores",
        ));
        return None;
    }
    if name.len() > 32 {
        reports.push(Report::new(
            &node.place,
            format!("`{name}` is too long"),
            "a name has 32 letters at most",
        ));
        return None;
    }
    if RESERVED.contains(&name) {
        reports.push(Report::new(
            &node.place,
            format!("`{name}` cannot be {what}"),
            "Rust or the generated code uses this word; choose another",
        ));
        return None;
    }
    Some(name)
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

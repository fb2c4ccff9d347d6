//! What is wrong with a text, and where.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// A slip in a text of the shell's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong, in one line.
    pub message: String,
    /// What to do about it, if that is known.
    pub help: Option<String>,
    /// The byte at which it begins.
    pub at: usize,
    /// How many bytes it takes; 0 if something is missing there.
    pub len: usize,
    /// Whether more text could make it right: an open quote, an `if` without `fi`.
    pub incomplete: bool,
}

impl SyntaxError {
    /// The error as people read it: the line, and a mark under the place.
    ///
    /// `name` is the script's name; empty for what was typed, whose single line needs no number.
    pub fn show(&self, text: &str, name: &str) -> String {
        let at = floor_boundary(text, self.at);
        let line_start = text[..at].rfind('\n').map_or(0, |found| found + 1);
        let line_end = text[at..].find('\n').map_or(text.len(), |found| at + found);
        let number = text[..at].matches('\n').count() + 1;
        let line: String = text[line_start..line_end]
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let end = floor_boundary(text, (self.at + self.len).min(line_end).max(at));
        let before = text[line_start..at].chars().count();
        let marks = text[at..end].chars().count().max(1);
        let place = match name {
            "" => String::new(),
            name => format!("{name}:{number}: "),
        };
        let mut shown = format!("{place}{}\n  {line}\n  ", self.message);
        shown.extend(core::iter::repeat_n(' ', before));
        shown.extend(core::iter::repeat_n('^', marks));
        if let Some(help) = &self.help {
            shown.push(' ');
            shown.push_str(help);
        }
        shown.push('\n');
        shown
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.message, self.at)
    }
}

impl core::error::Error for SyntaxError {}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

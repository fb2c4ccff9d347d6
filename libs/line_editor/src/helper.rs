//! What the editor asks of the one who understands the line.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// Knows what the line means.
pub trait Helper {
    /// What could stand before the cursor (a byte's place in the text).
    fn complete(&mut self, text: &str, cursor: usize) -> Completion;

    /// Whether Enter is to begin another row rather than end the line: a quote is open, for example.
    fn is_incomplete(&self, text: &str) -> bool;

    /// How parts of the text are to look, in order and without overlaps.
    fn highlight(&self, text: &str) -> Vec<(Range<usize>, Style)>;
}

/// What could stand before the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Where the part begins that is replaced.
    pub start: usize,
    /// What could replace it.
    pub candidates: Vec<Candidate>,
}

/// Something that could stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The text.
    pub text: String,
    /// What follows it if it is the only one: usually a space.
    pub after: &'static str,
    /// What it is, in a few words; may be empty.
    pub help: String,
}

/// How text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Like what commands print.
    #[default]
    Plain,
    /// The prompt.
    Prompt,
    /// The name of a command.
    Command,
    /// A name that is no command's.
    Unknown,
    /// A keyword of the language.
    Keyword,
    /// What connects and redirects.
    Operator,
    /// Quoted text.
    Text,
    /// A variable.
    Variable,
    /// A remark.
    Faint,
}

impl Style {
    /// The escape sequence that turns it on. They work on dark and on light ground.
    pub fn sequence(self) -> &'static str {
        match self {
            Style::Plain => "\x1b[0m",
            Style::Prompt => "\x1b[0;1;36m",
            Style::Command => "\x1b[0;1m",
            Style::Unknown => "\x1b[0;31m",
            Style::Keyword => "\x1b[0;1;35m",
            Style::Operator => "\x1b[0;36m",
            Style::Text => "\x1b[0;33m",
            Style::Variable => "\x1b[0;32m",
            Style::Faint => "\x1b[0;2m",
        }
    }
}

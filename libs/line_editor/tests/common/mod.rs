//! A line editor on a terminal emulator.
#![allow(dead_code)] // each test file uses its part

use std::ops::Range;

use line_editor::{Candidate, Completion, Editor, Helper, Outcome, Style, Terminal};

pub const WORDS: &[&str] = &[
    "echo", "exit", "export", "grep", "head", "help", "kill", "log",
];

/// Completes [`WORDS`], colours the first word, and finds a line incomplete that ends with `\`.
pub struct Words;

impl Helper for Words {
    fn complete(&mut self, text: &str, cursor: usize) -> Completion {
        let start = text[..cursor].rfind(' ').map_or(0, |at| at + 1);
        let word = &text[start..cursor];
        let candidates = WORDS
            .iter()
            .filter(|candidate| candidate.starts_with(word))
            .map(|candidate| Candidate {
                text: candidate.to_string(),
                after: " ",
                help: String::new(),
            })
            .collect();
        Completion { start, candidates }
    }

    fn is_incomplete(&self, text: &str) -> bool {
        text.ends_with('\\')
    }

    fn highlight(&self, text: &str) -> Vec<(Range<usize>, Style)> {
        let end = text.find(' ').unwrap_or(text.len());
        let style = match WORDS.contains(&&text[..end]) {
            true => Style::Command,
            false => Style::Unknown,
        };
        vec![(0..end, style)]
    }
}

pub struct Session {
    pub editor: Editor,
    pub screen: vt100::Parser,
    pub outcomes: Vec<Outcome>,
    pub drawn: usize,
}

impl Session {
    pub fn new(columns: u16, rows: u16) -> Session {
        let mut editor = Editor::new();
        editor.set_terminal(Terminal {
            columns: columns.into(),
            rows: rows.into(),
            escapes: true,
        });
        let mut session = Session {
            editor,
            screen: vt100::Parser::new(rows, columns, 0),
            outcomes: Vec::new(),
            drawn: 0,
        };
        session.editor.begin("ftl> ", &Words);
        session.show();
        session
    }

    fn show(&mut self) {
        let output = self.editor.take_output();
        self.drawn += output.len();
        self.screen.process(&output);
    }

    pub fn type_bytes(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (used, outcome) = self.editor.feed(bytes, &mut Words);
            bytes = &bytes[used..];
            self.show();
            if let Some(outcome) = outcome {
                self.outcomes.push(outcome);
                self.editor.begin("ftl> ", &Words);
                self.show();
            }
        }
    }

    pub fn type_text(&mut self, text: &str) {
        self.type_bytes(text.as_bytes());
    }

    /// The rows of the screen, without blanks at their ends and empty rows at the bottom.
    pub fn rows(&self) -> Vec<String> {
        let columns = self.screen.screen().size().1;
        let mut rows: Vec<String> = self
            .screen
            .screen()
            .rows(0, columns)
            .map(|row| row.trim_end().to_string())
            .collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }

    pub fn cursor(&self) -> (u16, u16) {
        self.screen.screen().cursor_position()
    }
}

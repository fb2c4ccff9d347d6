//! The lines of before.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};

/// Lines that are kept at most.
const LINES_MAX: usize = 500;
/// Bytes that all lines together take at most.
const BYTES_MAX: usize = 64 * 1024;

/// The lines of before, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    lines: VecDeque<String>,
    bytes: usize,
}

impl History {
    /// Adds a line, unless it is blank or the same as the last.
    pub fn add(&mut self, line: &str) {
        let blank = line.trim().is_empty() || line.starts_with(' ');
        if blank || self.lines.back().is_some_and(|last| last == line) || line.len() > BYTES_MAX {
            return;
        }
        self.lines.push_back(line.to_string());
        self.bytes += line.len();
        while self.lines.len() > LINES_MAX || self.bytes > BYTES_MAX {
            match self.lines.pop_front() {
                Some(line) => self.bytes -= line.len(),
                None => break,
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// A line; 0 is the oldest.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.lines.get(index).map(String::as_str)
    }

    /// All lines, the oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The newest line before `index` that contains the text.
    pub fn find_before(&self, index: usize, text: &str) -> Option<usize> {
        (0..index.min(self.lines.len()))
            .rev()
            .find(|i| self.lines[*i].contains(text))
    }
}

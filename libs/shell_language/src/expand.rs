//! A word while it is built, and the fields that become of it.
//!
//! The word is kept twice, as text and as a pattern in which what is quoted means itself. Fields are
//! ranges of both, so that a use that does not split (`x=$y`, `case $x`) has the whole.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use crate::machine::Machine;
use crate::pattern;
use crate::variables::Variables;

/// No word may become longer, in bytes.
pub const WORD_LEN_MAX: usize = 256 * 1024;
/// No pattern becomes more names.
const NAMES_MAX: usize = 4096;

/// A word while it is built.
#[derive(Debug, Default)]
pub struct Builder {
    text: String,
    pattern: String,
    fields: Vec<(Range<usize>, Range<usize>)>,
    open: Option<(usize, usize)>,
}

impl Builder {
    /// Adds text that is neither split nor a pattern.
    pub fn quoted(&mut self, text: &str) {
        self.open
            .get_or_insert((self.text.len(), self.pattern.len()));
        self.text.push_str(text);
        pattern::escape(text, &mut self.pattern);
    }

    /// Adds text that is split at blanks and may hold patterns.
    pub fn bare(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_ascii_whitespace() {
                self.close();
            } else {
                self.open
                    .get_or_insert((self.text.len(), self.pattern.len()));
            }
            self.text.push(c);
            self.pattern.push(c);
        }
    }

    /// Adds text in one of the two ways.
    pub fn add(&mut self, text: &str, quoted: bool) {
        match quoted {
            true => self.quoted(text),
            false => self.bare(text),
        }
    }

    /// Ends a field in the middle of the word.
    pub fn split(&mut self) {
        self.close();
        self.text.push(' ');
        self.pattern.push(' ');
    }

    /// How long it is.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// The whole as text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole as a pattern.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    fn close(&mut self) {
        if let Some((text, pattern)) = self.open.take() {
            self.fields
                .push((text..self.text.len(), pattern..self.pattern.len()));
        }
    }

    /// The fields, with names of files in the place of patterns that match some.
    pub fn into_fields(
        mut self,
        variables: &Variables,
        machine: &mut impl Machine,
        into: &mut Vec<String>,
    ) {
        self.close();
        for (text, range) in self.fields {
            let text = &self.text[text];
            let range = &self.pattern[range];
            if pattern::is_pattern(range) {
                let names = names(range, variables, machine);
                if !names.is_empty() {
                    into.extend(names);
                    continue;
                }
            }
            into.push(text.to_string());
        }
    }
}

/// The names of files that a pattern matches, sorted.
fn names(pattern: &str, variables: &Variables, machine: &mut impl Machine) -> Vec<String> {
    let (root, relative) = match pattern.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", pattern),
    };
    let parts: Vec<&str> = relative
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let mut found = Vec::from([root.to_string()]);
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        let mut next = Vec::new();
        for base in &found {
            let base_or_here = if base.is_empty() { "." } else { base };
            let mut listed = machine.list(&variables.located(base_or_here));
            listed.sort();
            for (name, is_directory) in listed {
                let hidden = name.starts_with('.') && !part.starts_with('.');
                if hidden || !(last || is_directory) || !pattern::matches(part, &name) {
                    continue;
                }
                let mut path = base.clone();
                if !path.is_empty() && !path.ends_with('/') {
                    path.push('/');
                }
                path.push_str(&name);
                next.push(path);
                if next.len() == NAMES_MAX {
                    break;
                }
            }
        }
        found = next;
    }
    if parts.is_empty() {
        found.clear();
    }
    found
}

/// A value without what the pattern matches at one of its ends.
pub fn trimmed<'a>(value: &'a str, pattern: &str, trim: crate::syntax::Trim) -> &'a str {
    let mut places: Vec<usize> = value.char_indices().map(|(at, _)| at).collect();
    places.push(value.len());
    // From the shortest match to the longest.
    if trim.suffix {
        places.reverse();
    }
    if trim.longest {
        places.reverse();
    }
    for at in places {
        let (before, after) = value.split_at(at);
        match trim.suffix {
            false if pattern::matches(pattern, before) => return after,
            true if pattern::matches(pattern, after) => return before,
            _ => {}
        }
    }
    value
}

//! The line's text, and the cursor in it.
//!
//! The cursor stands between characters as people see them: what has no width of its own, such as
//! an accent, belongs to the character before.

use alloc::string::{String, ToString};
use unicode_width::UnicodeWidthChar;

/// Text and cursor.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    text: String,
    cursor: usize,
}

/// How many columns a character takes; 0 if it belongs to the one before.
pub fn width(c: char) -> usize {
    // Controls are shown as `^X`.
    UnicodeWidthChar::width(c).unwrap_or(2)
}

impl Buffer {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The byte before which the cursor stands.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Another text, with the cursor at its end.
    pub fn set(&mut self, text: &str) {
        self.text = text.to_string();
        self.cursor = self.text.len();
    }

    /// Puts the text in at the cursor.
    pub fn insert(&mut self, text: &str) {
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
    }

    /// Replaces what stands between `start` and the cursor.
    pub fn replace(&mut self, start: usize, text: &str) {
        if start <= self.cursor && self.text.is_char_boundary(start) {
            self.text.replace_range(start..self.cursor, text);
            self.cursor = start + text.len();
        }
    }

    /// Removes what stands between the cursor and another place, and returns it.
    pub fn cut(&mut self, other: usize) -> String {
        let (start, end) = (self.cursor.min(other), self.cursor.max(other));
        let cut = self.text[start..end].to_string();
        self.text.replace_range(start..end, "");
        self.cursor = start;
        cut
    }

    /// Moves the cursor.
    pub fn go(&mut self, place: usize) {
        self.cursor = place.min(self.text.len());
    }

    /// One character to the left.
    pub fn left(&self) -> usize {
        let before = &self.text[..self.cursor];
        let mut place = self.cursor;
        for (at, c) in before.char_indices().rev() {
            place = at;
            if width(c) > 0 {
                break;
            }
        }
        place
    }

    /// One character to the right.
    pub fn right(&self) -> usize {
        let after = &self.text[self.cursor..];
        after
            .char_indices()
            .skip(1)
            .find(|(_, c)| width(*c) > 0)
            .map_or(self.text.len(), |(at, _)| self.cursor + at)
    }

    /// The begin of the word before the cursor.
    pub fn word_left(&self, is_word: fn(char) -> bool) -> usize {
        let before = self.text[..self.cursor].trim_end_matches(|c| !is_word(c));
        before.trim_end_matches(is_word).len()
    }

    /// The end of the word after the cursor.
    pub fn word_right(&self, is_word: fn(char) -> bool) -> usize {
        let after = self.text[self.cursor..].trim_start_matches(|c| !is_word(c));
        self.text.len() - after.trim_start_matches(is_word).len()
    }

    /// The begin of the row that the cursor is in.
    pub fn row_start(&self) -> usize {
        self.text[..self.cursor].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The end of the row that the cursor is in.
    pub fn row_end(&self) -> usize {
        let after = &self.text[self.cursor..];
        self.cursor + after.find('\n').unwrap_or(after.len())
    }

    /// The place in the row above (or below) that is as far from the row's begin.
    pub fn row_above_or_below(&self, below: bool) -> Option<usize> {
        let column = self.text[self.row_start()..self.cursor].chars().count();
        let (start, end) = match below {
            false => {
                let end = self.row_start().checked_sub(1)?;
                (self.text[..end].rfind('\n').map_or(0, |at| at + 1), end)
            }
            true => {
                let start = self.row_end() + 1;
                let rest = self.text.get(start..)?;
                (start, start + rest.find('\n').unwrap_or(rest.len()))
            }
        };
        let row = &self.text[start..end];
        Some(
            start
                + row
                    .char_indices()
                    .nth(column)
                    .map_or(row.len(), |(at, _)| at),
        )
    }

    /// Swaps the two characters around the cursor.
    pub fn transpose(&mut self) {
        if self.cursor == self.text.len() {
            self.cursor = self.left();
        }
        let (left, middle, right) = (self.left(), self.cursor, self.right());
        if left < middle && middle < right {
            let swapped = self.text[middle..right].to_string() + &self.text[left..middle];
            self.text.replace_range(left..right, &swapped);
            self.cursor = right;
        }
    }
}

/// A word for Alt-B and the like.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A word for Ctrl-W.
pub fn is_not_blank(c: char) -> bool {
    !c.is_whitespace()
}

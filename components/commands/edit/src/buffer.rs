//! The text, and where in it the cursor is.

use alloc::string::String;
use alloc::vec::Vec;

/// Changes that can be taken back.
const UNDO_MAX: usize = 200;

/// A text that is edited.
pub struct Buffer {
    /// Without their ends; at least one.
    lines: Vec<String>,
    row: usize,
    /// In characters.
    column: usize,
    /// Whether something was changed since it was saved.
    pub changed: bool,
    /// Lines that were cut, and whether the last thing done was cutting.
    cut: Vec<String>,
    cutting: bool,
    undo: Vec<Change>,
}

/// What was there before a change: these lines in the place of `len` ones from `at` on.
struct Change {
    at: usize,
    len: usize,
    before: Vec<String>,
    cursor: (usize, usize),
    /// Single characters that follow each other are taken back together.
    typed: bool,
}

/// Where the cursor is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Left,
    Right,
    Up(usize),
    Down(usize),
    LineStart,
    LineEnd,
    WordLeft,
    WordRight,
    Start,
    End,
}

impl Buffer {
    /// This text.
    pub fn new(text: &str) -> Buffer {
        let mut lines: Vec<String> = text.split('\n').map(String::from).collect();
        if lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        Buffer {
            lines,
            row: 0,
            column: 0,
            changed: false,
            cut: Vec::new(),
            cutting: false,
            undo: Vec::new(),
        }
    }

    /// The text, with a line's end at its end.
    pub fn text(&self) -> String {
        match self.lines.as_slice() {
            [line] if line.is_empty() => String::new(),
            lines => lines.join("\n") + "\n",
        }
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Row and column of the cursor, in characters, from 0 on.
    pub fn cursor(&self) -> (usize, usize) {
        (self.row, self.column)
    }

    /// Notes what is about to be changed: `len` lines from `at` on become `after` lines.
    fn change(&mut self, at: usize, len: usize, after: usize, typed: bool) {
        self.changed = true;
        let continues = typed
            && self
                .undo
                .last()
                .is_some_and(|last| last.typed && last.at == at && last.len == len);
        if continues {
            return;
        }
        if self.undo.len() == UNDO_MAX {
            self.undo.remove(0);
        }
        self.undo.push(Change {
            at,
            len: after,
            before: self.lines[at..at + len].to_vec(),
            cursor: self.cursor(),
            typed,
        });
    }

    /// Takes the last change back. False if there is none.
    pub fn undo(&mut self) -> bool {
        let Some(change) = self.undo.pop() else {
            return false;
        };
        self.lines
            .splice(change.at..change.at + change.len, change.before);
        (self.row, self.column) = change.cursor;
        self.changed = true;
        true
    }

    fn other(&mut self) {
        self.cutting = false;
    }

    /// Puts a character at the cursor.
    pub fn insert(&mut self, c: char) {
        self.other();
        self.change(self.row, 1, 1, true);
        let at = self.byte();
        self.lines[self.row].insert(at, c);
        self.column += 1;
    }

    /// Ends the line at the cursor.
    pub fn enter(&mut self) {
        self.other();
        self.change(self.row, 1, 2, false);
        let at = self.byte();
        let rest = self.lines[self.row].split_off(at);
        // The next line begins as far in as this one.
        let blanks: String = self.lines[self.row]
            .chars()
            .take_while(|c| *c == ' ' || *c == '\t')
            .collect();
        self.column = blanks.chars().count();
        self.row += 1;
        self.lines.insert(self.row, blanks + &rest);
    }

    /// Removes the character before the cursor.
    pub fn backspace(&mut self) {
        if self.column == 0 && self.row == 0 {
            return;
        }
        self.go(Move::Left);
        self.delete();
    }

    /// Removes the character at the cursor.
    pub fn delete(&mut self) {
        self.other();
        if self.column < self.len(self.row) {
            self.change(self.row, 1, 1, true);
            let at = self.byte();
            self.lines[self.row].remove(at);
        } else if self.row + 1 < self.lines.len() {
            self.change(self.row, 2, 1, false);
            let next = self.lines.remove(self.row + 1);
            self.lines[self.row] += &next;
        }
    }

    /// Cuts the line; lines that are cut one after the other stay together.
    pub fn cut_line(&mut self) {
        if !self.cutting {
            self.cut.clear();
            self.cutting = true;
        }
        let last = self.lines.len() == 1;
        self.change(self.row, 1, last.into(), false);
        self.cut.push(self.lines.remove(self.row));
        if last {
            self.lines.push(String::new());
        }
        self.row = self.row.min(self.lines.len() - 1);
        self.column = 0;
    }

    /// Puts the lines that were cut before this one.
    pub fn paste(&mut self) {
        self.other();
        self.change(self.row, 0, self.cut.len(), false);
        let lines = self.cut.clone();
        let count = lines.len();
        self.lines.splice(self.row..self.row, lines);
        self.row += count;
        self.column = 0;
    }

    /// Moves the cursor.
    pub fn go(&mut self, to: Move) {
        self.other();
        // What is typed elsewhere is taken back by itself.
        if let Some(last) = self.undo.last_mut() {
            last.typed = false;
        }
        let last = self.lines.len() - 1;
        match to {
            Move::Left if self.column > 0 => self.column -= 1,
            Move::Left if self.row > 0 => {
                self.row -= 1;
                self.column = self.len(self.row);
            }
            Move::Right if self.column < self.len(self.row) => self.column += 1,
            Move::Right if self.row < last => (self.row, self.column) = (self.row + 1, 0),
            Move::Left | Move::Right => {}
            Move::Up(rows) => self.row = self.row.saturating_sub(rows),
            Move::Down(rows) => self.row = (self.row + rows).min(last),
            Move::LineStart => self.column = 0,
            Move::LineEnd => self.column = self.len(self.row),
            Move::Start => (self.row, self.column) = (0, 0),
            Move::End => (self.row, self.column) = (last, self.len(last)),
            Move::WordLeft => self.word(Move::Left, |before, _| before),
            Move::WordRight => self.word(Move::Right, |_, after| after),
        }
        self.column = self.column.min(self.len(self.row));
    }

    /// Moves over what is no word, and then over a word.
    fn word(&mut self, step: Move, pick: fn(Option<char>, Option<char>) -> Option<char>) {
        let mut inside = false;
        loop {
            let mut chars = self.lines[self.row]
                .chars()
                .skip(self.column.saturating_sub(1));
            let before = if self.column > 0 { chars.next() } else { None };
            let is_word = pick(before, chars.next()).is_some_and(char::is_alphanumeric);
            let cursor = self.cursor();
            if inside && !is_word {
                return;
            }
            inside |= is_word;
            self.go(step);
            if self.cursor() == cursor {
                return;
            }
        }
    }

    /// Goes to where this text comes next, from behind the cursor on, and from the beginning if it does not come any
    /// more. False if it is nowhere.
    pub fn find(&mut self, text: &str) -> bool {
        if text.is_empty() {
            return false;
        }
        let count = self.lines.len();
        for i in 0..=count {
            let row = (self.row + i) % count;
            let line = &self.lines[row];
            let from = match i {
                0 => self.byte_of(row, self.column + 1),
                _ => 0,
            };
            if let Some(at) = line.get(from..).and_then(|rest| rest.find(text)) {
                let column = line[..from + at].chars().count();
                self.go(Move::Start);
                (self.row, self.column) = (row, column);
                return true;
            }
        }
        false
    }

    fn len(&self, row: usize) -> usize {
        self.lines[row].chars().count()
    }

    fn byte(&self) -> usize {
        self.byte_of(self.row, self.column)
    }

    fn byte_of(&self, row: usize, column: usize) -> usize {
        let line = &self.lines[row];
        let place = line.char_indices().nth(column);
        place.map_or(line.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_out_as_it_went_in() {
        for text in ["", "a\n", "a\nb\n", "a\n\n", "\n\na\n"] {
            assert_eq!(
                Buffer::new(text).text(),
                if text == "\n" { "" } else { text }
            );
        }
        assert_eq!(Buffer::new("a\nb").text(), "a\nb\n");
    }

    #[test]
    fn typing_changes_the_text() {
        let mut buffer = Buffer::new("");
        for c in "  aß".chars() {
            buffer.insert(c);
        }
        buffer.enter();
        buffer.insert('c');
        assert_eq!(buffer.text(), "  aß\n  c\n");
        buffer.go(Move::LineStart);
        buffer.backspace();
        assert_eq!(
            (buffer.text().as_str(), buffer.cursor()),
            ("  aß  c\n", (0, 4))
        );
        buffer.backspace();
        buffer.delete();
        assert_eq!(buffer.text(), "  a c\n");
        buffer.go(Move::End);
        buffer.delete();
        buffer.go(Move::Start);
        buffer.backspace();
        assert_eq!(buffer.text(), "  a c\n");
    }

    #[test]
    fn changes_are_taken_back() {
        let mut buffer = Buffer::new("one\ntwo\nthree\n");
        buffer.insert('x');
        buffer.insert('y');
        buffer.go(Move::Down(1));
        buffer.enter();
        buffer.cut_line();
        buffer.paste();
        buffer.go(Move::End);
        buffer.insert('z');
        buffer.go(Move::Start);
        buffer.go(Move::LineEnd);
        buffer.delete();
        let mut rounds = 0;
        while buffer.undo() {
            rounds += 1;
        }
        assert_eq!((buffer.text().as_str(), rounds), ("one\ntwo\nthree\n", 6));
    }

    #[test]
    fn lines_that_are_cut_stay_together() {
        let mut buffer = Buffer::new("a\nb\nc\n");
        buffer.cut_line();
        buffer.cut_line();
        buffer.go(Move::End);
        buffer.paste();
        assert_eq!(buffer.text(), "a\nb\nc\n");
        for _ in 0..5 {
            buffer.cut_line();
        }
        assert_eq!(buffer.lines(), [""], "an empty one is always there");
        let mut one = Buffer::new("a\n");
        one.cut_line();
        one.paste();
        assert_eq!(one.lines(), ["a", ""]);
        assert!(one.undo() && one.undo());
        assert_eq!(one.text(), "a\n");
    }

    #[test]
    fn texts_are_found_all_around() {
        let mut buffer = Buffer::new("ab ab\nxyz ab\n");
        let mut places = Vec::new();
        for _ in 0..4 {
            assert!(buffer.find("ab"));
            places.push(buffer.cursor());
        }
        assert_eq!(places, [(0, 3), (1, 4), (0, 0), (0, 3)]);
        assert!(!buffer.find("none") && !buffer.find(""));
    }

    #[test]
    fn words_are_passed() {
        let mut buffer = Buffer::new("one, two\nthree\n");
        let mut places = Vec::new();
        for _ in 0..4 {
            buffer.go(Move::WordRight);
            places.push(buffer.cursor());
        }
        assert_eq!(places, [(0, 3), (0, 8), (1, 5), (1, 5)]);
        for _ in 0..4 {
            buffer.go(Move::WordLeft);
        }
        assert_eq!(buffer.cursor(), (0, 0));
    }
}

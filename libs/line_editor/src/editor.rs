//! The editor: what keys do.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use crate::buffer::{Buffer, is_not_blank, is_word};
use crate::complete::{common_prefix, list};
use crate::helper::{Helper, Style};
use crate::history::History;
use crate::keys::{Decoder, Key};
use crate::screen::{Screen, Terminal, joined};

/// No line may be longer, in bytes; what is typed after that is answered with a beep.
pub const LINE_LEN_MAX: usize = 16 * 1024;

/// How the editing of a line ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With Enter.
    Line(String),
    /// With Ctrl-D on an empty line.
    End,
    /// With Ctrl-C.
    Interrupted,
}

/// A search through the history, begun with Ctrl-R.
struct Search {
    wanted: String,
    /// The line that was found.
    found: Option<usize>,
    /// What was there before.
    before: Buffer,
}

/// See the crate's documentation.
#[derive(Default)]
pub struct Editor {
    decoder: Decoder,
    buffer: Buffer,
    history: History,
    /// Which line of the history is shown, and what was typed before it.
    browsing: Option<(usize, String)>,
    search: Option<Search>,
    /// What was cut last.
    cut: String,
    /// Whether the last key cut, too: then cuts gather.
    cutting: bool,
    /// Whether the last key was a Tab that could not decide.
    tabbed: bool,
    pasting: bool,
    prompt: String,
    screen: Screen,
    is_shown: bool,
}

impl Editor {
    /// An editor for a terminal of which nothing is known.
    pub fn new() -> Editor {
        Editor::default()
    }

    /// Says what is known about the terminal now.
    pub fn set_terminal(&mut self, terminal: Terminal) {
        if terminal == self.screen.terminal {
            return;
        }
        let shown = self.is_shown;
        if shown {
            self.screen.erase();
        }
        let had_escapes = self.screen.terminal.escapes;
        self.screen.terminal = terminal;
        if shown {
            if !had_escapes {
                self.ask_for_marks();
            }
            self.draw(&Nobody);
        }
    }

    /// What is known about the terminal.
    pub fn terminal(&self) -> Terminal {
        self.screen.terminal
    }

    /// Begins a line. The terminal's cursor is at the begin of a line that is empty.
    pub fn begin(&mut self, prompt: &str, helper: &impl Helper) {
        self.prompt = prompt.chars().filter(|c| !c.is_control()).collect();
        self.buffer = Buffer::default();
        self.browsing = None;
        self.search = None;
        self.tabbed = false;
        self.screen.forget();
        self.is_shown = true;
        self.ask_for_marks();
        self.draw(helper);
    }

    /// Pasted text is to come marked as such.
    fn ask_for_marks(&mut self) {
        if self.screen.terminal.escapes {
            self.screen.output.extend(b"\x1b[?2004h");
        }
    }

    /// Takes what was typed, up to the end of the line. Says how much of it that was.
    pub fn feed(&mut self, bytes: &[u8], helper: &mut impl Helper) -> (usize, Option<Outcome>) {
        for (i, byte) in bytes.iter().enumerate() {
            let Some(key) = self.decoder.byte(*byte) else {
                continue;
            };
            if let Some(outcome) = self.key(key, helper) {
                return (i + 1, Some(outcome));
            }
        }
        if self.is_shown {
            self.draw(helper);
        }
        (bytes.len(), None)
    }

    /// Ctrl-C, for terminals that tell it apart from what is typed.
    pub fn interrupt(&mut self, helper: &impl Helper) -> Outcome {
        // Ctrl-C throws away what was typed before and not read: the end of an arrow or of a paste that has begun may
        // never come, and would take what is typed next instead.
        self.decoder = Decoder::default();
        if let Some(search) = self.search.take() {
            self.buffer = search.before;
        }
        self.draw(helper);
        self.end_line("^C");
        Outcome::Interrupted
    }

    /// Takes the line away, so that something else can be printed. [`Self::show`] brings it back.
    pub fn hide(&mut self) {
        if self.is_shown {
            self.screen.erase();
            self.is_shown = false;
        }
    }

    /// Shows the line again.
    pub fn show(&mut self, helper: &impl Helper) {
        self.is_shown = true;
        self.draw(helper);
    }

    /// What is to be shown now.
    pub fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.screen.output)
    }

    /// The lines of before.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The lines of before, to add some.
    pub fn history_mut(&mut self) -> &mut History {
        &mut self.history
    }

    /// The line as it is now.
    pub fn text(&self) -> &str {
        self.buffer.text()
    }

    /// The byte before which the cursor stands.
    pub fn cursor(&self) -> usize {
        self.buffer.cursor()
    }

    fn draw(&mut self, helper: &impl Helper) {
        let mut styles: Vec<(Range<usize>, Style)> = Vec::new();
        let (text, cursor) =
            match &self.search {
                Some(search) => {
                    let prompt = format!("search `{}`: ", search.wanted);
                    styles.push((0..prompt.len(), Style::Faint));
                    let found = search.found.and_then(|index| self.history.get(index));
                    let found = found.unwrap_or_default();
                    let place = found.find(&search.wanted).unwrap_or(0);
                    let cursor = prompt.len() + place;
                    (joined(&prompt, found), cursor)
                }
                None => {
                    let before = self.prompt.len();
                    styles.push((0..before, Style::Prompt));
                    if self.screen.terminal.escapes {
                        let found = helper.highlight(self.buffer.text());
                        styles.extend(found.into_iter().map(|(range, style)| {
                            (range.start + before..range.end + before, style)
                        }));
                    }
                    let text = joined(&self.prompt, self.buffer.text());
                    (text, before + self.buffer.cursor())
                }
            };
        self.screen.draw(&text, cursor, &styles);
    }

    /// Leaves the line on the screen as it is.
    fn end_line(&mut self, mark: &str) {
        if !mark.is_empty() {
            let end = self.buffer.text().len();
            let text = joined(&self.prompt, self.buffer.text()) + mark;
            self.screen.draw(
                &text,
                self.prompt.len() + end,
                &[(0..self.prompt.len(), Style::Prompt)],
            );
        }
        self.screen.leave();
        if self.screen.terminal.escapes {
            self.screen.output.extend(b"\x1b[?2004l");
        }
        self.is_shown = false;
        self.pasting = false;
        self.buffer = Buffer::default();
    }

    fn beep(&mut self) {
        if self.screen.output.last() != Some(&0x07) {
            self.screen.output.push(0x07);
        }
    }

    fn key(&mut self, key: Key, helper: &mut impl Helper) -> Option<Outcome> {
        let cutting = core::mem::replace(&mut self.cutting, false);
        let tabbed = core::mem::replace(&mut self.tabbed, false);
        if self.search.is_some() && !self.search_key(key, helper) {
            return None;
        }
        match key {
            Key::PasteBegin => self.pasting = true,
            Key::PasteEnd => self.pasting = false,
            Key::Enter if self.pasting => self.insert("\n"),
            Key::Tab if self.pasting => self.insert(" "),
            Key::Enter => return self.enter(helper),
            Key::Control('c') => return Some(self.interrupt(helper)),
            Key::Control('d') if self.buffer.text().is_empty() => {
                self.draw(helper);
                self.end_line("");
                return Some(Outcome::End);
            }
            Key::Char(c) => {
                let mut bytes = [0; 4];
                self.insert(c.encode_utf8(&mut bytes));
            }
            Key::Tab => self.complete(tabbed, helper),
            Key::Backspace | Key::Control('h') => {
                let left = self.buffer.left();
                self.buffer.cut(left);
            }
            Key::Delete | Key::Control('d') => {
                let right = self.buffer.right();
                self.buffer.cut(right);
            }
            Key::Left | Key::Control('b') => self.buffer.go(self.buffer.left()),
            Key::Right | Key::Control('f') => self.buffer.go(self.buffer.right()),
            Key::Home | Key::Control('a') => self.buffer.go(self.buffer.row_start()),
            Key::End | Key::Control('e') => self.buffer.go(self.buffer.row_end()),
            Key::WordLeft | Key::Alt('b') => self.buffer.go(self.buffer.word_left(is_word)),
            Key::WordRight | Key::Alt('f') => self.buffer.go(self.buffer.word_right(is_word)),
            Key::Up => match self.buffer.row_above_or_below(false) {
                Some(place) => self.buffer.go(place),
                None => self.browse(false),
            },
            Key::Down => match self.buffer.row_above_or_below(true) {
                Some(place) => self.buffer.go(place),
                None => self.browse(true),
            },
            Key::Control('p') => self.browse(false),
            Key::Control('n') => self.browse(true),
            Key::Control('k') => {
                let end = self.buffer.row_end();
                // At a row's end: the line end itself.
                let at_end = self.buffer.cursor() == end;
                let end = if at_end { self.buffer.right() } else { end };
                self.cut_to(end, cutting);
            }
            Key::Control('u') => self.cut_to(self.buffer.row_start(), cutting),
            Key::Control('w') => self.cut_to(self.buffer.word_left(is_not_blank), cutting),
            Key::WordBackspace => self.cut_to(self.buffer.word_left(is_word), cutting),
            Key::Alt('d') => self.cut_to(self.buffer.word_right(is_word), cutting),
            Key::Control('y') => {
                let cut = self.cut.clone();
                self.insert(&cut);
            }
            Key::Control('t') => self.buffer.transpose(),
            Key::Control('l') => self.screen.clear(),
            Key::Control('r') => {
                self.search = Some(Search {
                    wanted: String::new(),
                    found: None,
                    before: self.buffer.clone(),
                });
            }
            Key::BackTab | Key::Control(_) | Key::Alt(_) | Key::Other => {}
        }
        None
    }

    fn insert(&mut self, text: &str) {
        if self.buffer.text().len() + text.len() > LINE_LEN_MAX {
            return self.beep();
        }
        self.browsing = None;
        self.buffer.insert(text);
    }

    fn cut_to(&mut self, place: usize, gather: bool) {
        let before = place < self.buffer.cursor();
        let text = self.buffer.cut(place);
        self.cut = match (gather, before) {
            (false, _) => text,
            (true, true) => text + &self.cut,
            (true, false) => self.cut.clone() + &text,
        };
        // What is cut again and again without being put in must not grow for ever.
        if self.cut.len() > LINE_LEN_MAX {
            self.cut.clear();
        }
        self.cutting = true;
    }

    fn enter(&mut self, helper: &mut impl Helper) -> Option<Outcome> {
        let room = self.buffer.text().len() < LINE_LEN_MAX;
        if room && helper.is_incomplete(self.buffer.text()) {
            self.buffer.go(self.buffer.text().len());
            self.insert("\n");
            return None;
        }
        self.buffer.go(self.buffer.text().len());
        self.draw(helper);
        let line = self.buffer.text().to_string();
        self.history.add(&line);
        self.end_line("");
        Some(Outcome::Line(line))
    }

    /// Goes to an older or newer line of the history.
    fn browse(&mut self, newer: bool) {
        let (index, typed) = match self.browsing.take() {
            Some(browsing) => browsing,
            None => (self.history.len(), self.buffer.text().to_string()),
        };
        let next = match newer {
            true if index < self.history.len() => index + 1,
            false if index > 0 => index - 1,
            _ => {
                self.browsing = (index < self.history.len()).then_some((index, typed));
                return self.beep();
            }
        };
        match self.history.get(next) {
            Some(line) => {
                self.buffer.set(line);
                self.browsing = Some((next, typed));
            }
            None => self.buffer.set(&typed),
        }
    }

    /// A key during a search. Says whether it is to be handled as usual after that.
    fn search_key(&mut self, key: Key, helper: &mut impl Helper) -> bool {
        let Some(search) = &mut self.search else {
            return true;
        };
        let from = match key {
            Key::Char(c) => {
                if search.wanted.len() < 256 {
                    search.wanted.push(c);
                }
                search.found.map_or(self.history.len(), |found| found + 1)
            }
            Key::Backspace => {
                search.wanted.pop();
                self.history.len()
            }
            Key::Control('r') => search.found.unwrap_or(self.history.len()),
            Key::Control('g') => {
                if let Some(search) = self.search.take() {
                    self.buffer = search.before;
                }
                return false;
            }
            _ => {
                let found = search.found.and_then(|index| self.history.get(index));
                match found {
                    Some(line) => self.buffer.set(line),
                    None => self.buffer = search.before.clone(),
                }
                self.search = None;
                self.draw(helper);
                return true;
            }
        };
        if search.wanted.is_empty() {
            search.found = None;
            return false;
        }
        match self.history.find_before(from, &search.wanted) {
            Some(found) => search.found = Some(found),
            None => self.beep(),
        }
        false
    }

    fn complete(&mut self, tabbed: bool, helper: &mut impl Helper) {
        let completion = helper.complete(self.buffer.text(), self.buffer.cursor());
        let before = self
            .buffer
            .text()
            .get(completion.start..self.buffer.cursor());
        let Some(before) = before.map(str::to_string) else {
            return self.beep();
        };
        match completion.candidates.as_slice() {
            [] => self.beep(),
            [only] => {
                let text = format!("{}{}", only.text, only.after);
                self.replace(completion.start, &text);
            }
            candidates => {
                let prefix = common_prefix(candidates);
                if prefix.len() > before.len() && prefix.starts_with(&before) {
                    let prefix = prefix.to_string();
                    return self.replace(completion.start, &prefix);
                }
                if !tabbed {
                    self.tabbed = true;
                    return self.beep();
                }
                self.draw(helper);
                self.screen.leave();
                let columns = self.screen.terminal.columns;
                for line in list(candidates, columns.saturating_sub(1)) {
                    self.screen.print_line(&line);
                }
                self.screen.forget();
            }
        }
    }

    fn replace(&mut self, start: usize, text: &str) {
        if self.buffer.text().len() + text.len() > LINE_LEN_MAX {
            return self.beep();
        }
        self.buffer.replace(start, text);
    }
}

/// Knows nothing: for drawing when nobody is there to be asked.
struct Nobody;

impl Helper for Nobody {
    fn complete(&mut self, _: &str, _: usize) -> crate::Completion {
        crate::Completion::default()
    }
    fn is_incomplete(&self, _: &str) -> bool {
        false
    }
    fn highlight(&self, _: &str) -> Vec<(Range<usize>, Style)> {
        Vec::new()
    }
}

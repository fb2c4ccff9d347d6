//! What is typed: it waits here until somebody reads it, and is mended in lines for those who want lines.
//!
//! Mending is what terminals of Unix do by default (POSIX, "General Terminal Interface", canonical mode): Backspace,
//! Ctrl-U and Ctrl-W take back, Ctrl-D hands over what there is, or ends the input if that is nothing.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use unicode_width::UnicodeWidthChar;

/// Bytes that wait for a reader; then no more are asked for.
pub const AHEAD_MAX: usize = 64 * 1024;
/// Bytes of a line that is being mended; what is typed after them is answered with a beep.
const LINE_LEN_MAX: usize = 4096;
/// Keys that are handed over at once. Fewer than a stream's piece has, so that no more are asked for ahead.
const KEYS_MAX: usize = 512;
/// Bytes of an answer about the window's size.
const REPORT_LEN_MAX: usize = 16;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BELL: u8 = 7;
const BACKSPACE: u8 = 8;
const CTRL_U: u8 = 21;
const CTRL_W: u8 = 23;
const ESCAPE: u8 = 27;
const DELETE: u8 = 127;

/// What came besides bytes for readers.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Ctrl-C.
    Interrupt,
    /// The window has this size: columns, rows.
    Size(u16, u16),
}

/// What was typed and not read yet.
#[derive(Default)]
pub struct Keyboard {
    ahead: VecDeque<u8>,
    /// An escape sequence that may be an answer about the window, while one may come.
    report: Vec<u8>,
    /// How much of it was handed out already: at most Escape, which may not wait for long.
    out: usize,
    /// The window's size was asked for, and the answer has not come yet.
    awaits_report: bool,
}

impl Keyboard {
    /// Takes bytes as they came.
    pub fn typed(&mut self, bytes: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        for &byte in bytes {
            if self.awaits_report && (byte == ESCAPE || !self.report.is_empty()) {
                if byte == ESCAPE {
                    self.no_report();
                }
                self.report.push(byte);
                match report(&self.report) {
                    Report::Size(columns, rows) => {
                        self.report.clear();
                        self.out = 0;
                        self.awaits_report = false;
                        heard.push(Heard::Size(columns, rows));
                    }
                    Report::Begins => {}
                    Report::No => self.no_report(),
                }
            } else if byte == CTRL_C {
                self.ahead.clear();
                if heard.last() != Some(&Heard::Interrupt) {
                    heard.push(Heard::Interrupt);
                }
            } else {
                self.ahead.push_back(byte);
            }
        }
        heard
    }

    /// The window's size was asked for.
    pub fn await_report(&mut self) {
        self.awaits_report = true;
    }

    /// How many bytes are held back because they may begin the answer about the window. One is most likely Escape.
    pub fn held_back(&self) -> usize {
        self.report.len() - self.out
    }

    /// Hands out what was held back: the answer would have come by now. It is still known for what it is if it comes late
    /// and whole, or all of it but Escape, as on a slow line or a busy machine.
    pub fn release(&mut self) {
        if self.report == [ESCAPE] {
            self.ahead.extend(&self.report[self.out..]);
            self.out = 1;
        } else {
            self.no_report();
        }
    }

    /// What was held back are keys.
    fn no_report(&mut self) {
        let report = core::mem::take(&mut self.report);
        self.ahead.extend(&report[core::mem::take(&mut self.out)..]);
    }

    /// Whether there is room for more.
    pub fn has_room(&self) -> bool {
        self.ahead.len() < AHEAD_MAX
    }

    /// Takes up to `most` bytes out.
    pub fn take(&mut self, most: usize) -> Vec<u8> {
        let len = most.min(self.ahead.len());
        self.ahead.drain(..len).collect()
    }

    /// Takes keys out, up to `most` and to one that may start a command: what comes after it may be for that.
    pub fn take_keys(&mut self, most: usize) -> Vec<u8> {
        let most = most.min(KEYS_MAX);
        let end = self
            .ahead
            .iter()
            .take(most)
            .position(|byte| matches!(*byte, b'\r' | b'\n' | CTRL_D));
        self.take(end.map_or(most, |at| at + 1))
    }

    /// Puts bytes back that nobody has read.
    pub fn untake(&mut self, bytes: &[u8]) {
        for &byte in bytes.iter().rev() {
            self.ahead.push_front(byte);
        }
    }
}

enum Report {
    Size(u16, u16),
    /// It may become one.
    Begins,
    No,
}

/// `CSI 8 ; rows ; columns t`: xterm's "Report the size of the text area in characters".
fn report(bytes: &[u8]) -> Report {
    const BEGIN: &[u8] = b"\x1b[8;";
    if bytes.len() <= BEGIN.len() {
        return match BEGIN.starts_with(bytes) {
            true => Report::Begins,
            false => Report::No,
        };
    }
    let Some(rest) = bytes.strip_prefix(BEGIN) else {
        return Report::No;
    };
    let is_open = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
    if rest.iter().all(is_open) && bytes.len() < REPORT_LEN_MAX {
        return Report::Begins;
    }
    let size = || {
        let text = core::str::from_utf8(rest).ok()?.strip_suffix('t')?;
        let (rows, columns) = text.split_once(';')?;
        Some((columns.parse().ok()?, rows.parse().ok()?))
    };
    match size() {
        Some((columns, rows)) => Report::Size(columns, rows),
        None => Report::No,
    }
}

/// A line that is being mended, and those that are ready to be read.
#[derive(Default)]
pub struct Lines {
    line: Vec<u8>,
    ready: VecDeque<u8>,
    ended: bool,
}

impl Lines {
    /// Takes what was typed from the keyboard, as long as the reader is not too far behind. Answers what is to be shown.
    pub fn mend(&mut self, keyboard: &mut Keyboard) -> Vec<u8> {
        let mut echo = Vec::new();
        while !self.ended
            && self.ready.len() < LINE_LEN_MAX
            && let [byte] = keyboard.take(1)[..]
        {
            self.key(byte, &mut echo);
        }
        echo
    }

    fn key(&mut self, byte: u8, echo: &mut Vec<u8>) {
        match byte {
            b'\r' | b'\n' => {
                self.line.push(b'\n');
                echo.extend_from_slice(b"\r\n");
                self.hand_over();
            }
            CTRL_D if self.line.is_empty() => self.ended = true,
            CTRL_D => self.hand_over(),
            BACKSPACE | DELETE => self.take_back(echo),
            CTRL_U => {
                while !self.line.is_empty() {
                    self.take_back(echo);
                }
            }
            CTRL_W => {
                while self.line.last() == Some(&b' ') {
                    self.take_back(echo);
                }
                while self.line.last().is_some_and(|last| *last != b' ') {
                    self.take_back(echo);
                }
            }
            _ if self.line.len() >= LINE_LEN_MAX => echo.push(BELL),
            _ => {
                self.line.push(byte);
                match byte {
                    b'\t' => echo.push(b'\t'),
                    0..32 => echo.extend_from_slice(&[b'^', byte + 64]),
                    _ => echo.push(byte),
                }
            }
        }
    }

    fn hand_over(&mut self) {
        self.ready.extend(self.line.drain(..));
    }

    /// Takes the last character back.
    fn take_back(&mut self, echo: &mut Vec<u8>) {
        let Some(last) = self.line.pop() else { return };
        let mut width = match last {
            // How far it went is not known; one is the least.
            b'\t' => 1,
            0..32 => 2,
            _ => 1,
        };
        if !last.is_ascii() {
            let mut bytes = Vec::from([last]);
            while bytes[0] & 0xc0 == 0x80
                && bytes.len() < 4
                && let Some(more) = self.line.pop_if(|byte| !byte.is_ascii())
            {
                bytes.insert(0, more);
            }
            let text = core::str::from_utf8(&bytes).unwrap_or_default();
            width = text.chars().next().and_then(|c| c.width()).unwrap_or(1);
        }
        for _ in 0..width {
            echo.extend_from_slice(b"\x08 \x08");
        }
    }

    /// What can be read now: at most a line, and `most` bytes.
    pub fn next(&mut self, most: usize) -> Vec<u8> {
        let end = self.ready.iter().position(|byte| *byte == b'\n');
        let len = end.map_or(self.ready.len(), |at| at + 1).min(most);
        self.ready.drain(..len).collect()
    }

    /// Whether everything was read, and there will be no more.
    pub fn is_over(&self) -> bool {
        self.ended && self.ready.is_empty()
    }

    /// What was typed and not read, to be put back.
    pub fn left(self) -> Vec<u8> {
        self.ready.into_iter().chain(self.line).collect()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    #[track_caller]
    fn check_line(typed: &[u8], read: &str, shown: &str) {
        let mut keyboard = Keyboard::default();
        assert!(keyboard.typed(typed).is_empty());
        let mut lines = Lines::default();
        let echo = lines.mend(&mut keyboard);
        let mut all = Vec::new();
        loop {
            let piece = lines.next(1000);
            if piece.is_empty() {
                break;
            }
            all.extend(piece);
        }
        assert_eq!(String::from_utf8_lossy(&all), read);
        assert_eq!(String::from_utf8_lossy(&echo), shown);
    }

    #[test]
    fn lines_can_be_mended() {
        check_line(b"hello\r", "hello\n", "hello\r\n");
        check_line(b"hek\x7fllo\r", "hello\n", "hek\x08 \x08llo\r\n");
        check_line(
            "a\u{e4}\u{5b57}\x7f\x7fb\r".as_bytes(),
            "ab\n",
            "a\u{e4}\u{5b57}\x08 \x08\x08 \x08\x08 \x08b\r\n",
        );
        check_line(
            b"one two\x17x\r",
            "one x\n",
            "one two\x08 \x08\x08 \x08\x08 \x08x\r\n",
        );
        check_line(b"ab\x15c\r", "c\n", "ab\x08 \x08\x08 \x08c\r\n");
        check_line(b"\x01\x7f\x7fx\r", "x\n", "^A\x08 \x08\x08 \x08x\r\n");
        // Not ended: not handed over. Ended with Ctrl-D: handed over as it is.
        check_line(b"abc", "", "abc");
        check_line(b"abc\x04", "abc", "abc");
    }

    #[test]
    fn ctrl_d_ends_the_input() {
        let mut keyboard = Keyboard::default();
        keyboard.typed(b"a\r\x04later");
        let mut lines = Lines::default();
        lines.mend(&mut keyboard);
        assert!(!lines.is_over());
        assert_eq!(lines.next(100), b"a\n");
        assert!(lines.is_over());
        // What comes after is for the next who reads.
        assert_eq!(keyboard.take(100), b"later");
    }

    #[test]
    fn keys_after_the_end_of_a_line_may_be_for_somebody_else() {
        let mut keyboard = Keyboard::default();
        keyboard.typed(b"cat\rto cat\r");
        assert_eq!(keyboard.take_keys(1024), b"cat\r");
        assert_eq!(keyboard.take_keys(2), b"to");
        assert_eq!(keyboard.take_keys(1024), b" cat\r");
        keyboard.typed(&[b'x'; 2000]);
        assert_eq!(keyboard.take_keys(7 * 1024).len(), KEYS_MAX);
    }

    #[test]
    fn ctrl_c_is_no_byte_and_throws_away_what_waits() {
        let mut keyboard = Keyboard::default();
        assert_eq!(keyboard.typed(b"ab\x03\x03c"), [Heard::Interrupt]);
        assert_eq!(keyboard.take(100), b"c");
    }

    #[test]
    fn the_answer_about_the_window_is_taken_out() {
        let whole = b"x\x1b[8;24;80ty\x1b[A";
        for cut in 0..whole.len() {
            let mut keyboard = Keyboard::default();
            keyboard.await_report();
            let mut heard = keyboard.typed(&whole[..cut]);
            heard.extend(keyboard.typed(&whole[cut..]));
            assert_eq!(heard, [Heard::Size(80, 24)], "cut at {cut}");
            assert_eq!(keyboard.take(100), b"xy\x1b[A", "cut at {cut}");
        }
        // Other keys meanwhile, and an answer that does not come in time: what was held back are keys.
        let mut keyboard = Keyboard::default();
        keyboard.await_report();
        assert!(keyboard.typed(b"\x1b[A\x1b[8;2").is_empty());
        assert_eq!(keyboard.held_back(), 5);
        keyboard.release();
        assert_eq!(keyboard.held_back(), 0);
        assert_eq!(keyboard.take(100), b"\x1b[A\x1b[8;2");
        // It comes late.
        assert_eq!(keyboard.typed(b"x\x1b[8;24;80ty"), [Heard::Size(80, 24)]);
        assert_eq!(keyboard.take(100), b"xy");
        // Its first byte had waited for too long: that is a key, and the rest none.
        let mut keyboard = Keyboard::default();
        keyboard.await_report();
        assert!(keyboard.typed(b"\x1b").is_empty());
        keyboard.release();
        assert_eq!(
            (keyboard.take(100), keyboard.held_back()),
            (b"\x1b".into(), 0)
        );
        assert_eq!(keyboard.typed(b"[8;24;80ty"), [Heard::Size(80, 24)]);
        assert_eq!(keyboard.take(100), b"y");
        // It was a key, and others follow.
        keyboard.await_report();
        assert!(keyboard.typed(b"\x1b").is_empty());
        keyboard.release();
        assert!(keyboard.typed(b"x[A\x1b").is_empty());
        keyboard.release();
        assert!(keyboard.typed(b"\x1b[B").is_empty());
        assert_eq!(keyboard.take(100), b"\x1bx[A\x1b\x1b[B");
        let mut keyboard = Keyboard::default();
        // Nobody has asked.
        assert!(keyboard.typed(b"\x1b[8;24;80t").is_empty());
        assert_eq!(keyboard.take(100), b"\x1b[8;24;80t");
    }

    #[test]
    fn no_bytes_are_too_odd() {
        let mut state = 1u32;
        let mut keyboard = Keyboard::default();
        let mut lines = Lines::default();
        for round in 0..2000 {
            let bytes: Vec<u8> = (0..50)
                .map(|_| {
                    state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                    (state >> 24) as u8
                })
                .collect();
            if round % 3 == 0 {
                keyboard.await_report();
            }
            keyboard.typed(&bytes);
            lines.mend(&mut keyboard);
            assert!(lines.line.len() <= LINE_LEN_MAX + 1);
            while !lines.next(100).is_empty() {}
            if lines.is_over() {
                lines = Lines::default();
            }
        }
    }
}

//! What is shown: bytes on their way to the port, with line ends as terminals want them.

use alloc::vec::Vec;

/// Bytes that wait to be sent.
pub struct Screen {
    waiting: Vec<u8>,
    last: u8,
}

impl Default for Screen {
    fn default() -> Screen {
        Screen {
            waiting: Vec::new(),
            last: b'\n',
        }
    }
}

impl Screen {
    /// Shows bytes; a line feed also goes back to the line's begin.
    pub fn show(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' && self.last != b'\r' {
                self.waiting.push(b'\r');
            }
            self.waiting.push(byte);
            self.last = byte;
        }
    }

    /// Shows whole lines, on rows of their own.
    pub fn show_lines(&mut self, lines: &[u8]) {
        if self.last != b'\n' && !lines.is_empty() {
            self.show(b"\n");
        }
        self.show(lines);
    }

    /// Bytes that wait to be sent.
    pub fn waiting(&self) -> &[u8] {
        &self.waiting
    }

    /// So many of them were sent.
    pub fn sent(&mut self, len: usize) {
        self.waiting.drain(..len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_begin_at_the_left() {
        let mut screen = Screen::default();
        screen.show(b"a\nb\r\nc");
        screen.show_lines(b"log\n");
        screen.show_lines(b"log\n");
        screen.show(b"d\r");
        screen.show(b"\n");
        assert_eq!(screen.waiting(), b"a\r\nb\r\nc\r\nlog\r\nlog\r\nd\r\n");
        screen.sent(3);
        assert_eq!(screen.waiting()[0], b'b');
    }
}

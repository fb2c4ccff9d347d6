//! From bytes to keys.

/// No escape sequence that means anything is longer.
const SEQUENCE_LEN_MAX: usize = 32;

/// A key, or something else that a terminal sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// A letter with Ctrl.
    Control(char),
    /// A letter with Alt, or after Escape.
    Alt(char),
    /// Enter.
    Enter,
    /// Tab.
    Tab,
    /// Tab with Shift.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// An arrow.
    Left,
    /// An arrow.
    Right,
    /// An arrow.
    Up,
    /// An arrow.
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Left with Ctrl or Alt.
    WordLeft,
    /// Right with Ctrl or Alt.
    WordRight,
    /// Backspace with Alt.
    WordBackspace,
    /// What follows was pasted.
    PasteBegin,
    /// What was pasted ends.
    PasteEnd,
    /// Something that means nothing here.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ground,
    /// In a character of several bytes: its value so far, bytes to come, the least value it may have.
    Character(u32, u8, u32),
    Escape,
    /// After `ESC [`, or `ESC O`.
    Sequence,
    /// In a text for the terminal's title and the like, up to BEL or `ESC \`.
    Text,
}

/// Makes keys of bytes. Sequences may come in pieces.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    sequence: [u8; SEQUENCE_LEN_MAX],
    len: usize,
    after_return: bool,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder {
            state: State::Ground,
            sequence: [0; SEQUENCE_LEN_MAX],
            len: 0,
            after_return: false,
        }
    }
}

impl Decoder {
    /// Takes one byte, and gives the key that it completes.
    pub fn byte(&mut self, byte: u8) -> Option<Key> {
        let after_return = core::mem::replace(&mut self.after_return, false);
        match self.state {
            State::Ground => self.ground(byte, after_return),
            State::Character(value, left, least) => {
                if byte & 0xc0 != 0x80 {
                    // Not a character after all; this byte may begin something.
                    self.state = State::Ground;
                    return self.ground(byte, false);
                }
                let value = value << 6 | u32::from(byte & 0x3f);
                if left > 1 {
                    self.state = State::Character(value, left - 1, least);
                    return None;
                }
                self.state = State::Ground;
                let c = char::from_u32(value).filter(|_| value >= least);
                Some(match c {
                    Some(c) if c.is_control() => Key::Other,
                    Some(c) => Key::Char(c),
                    None => Key::Other,
                })
            }
            State::Escape => {
                self.state = State::Ground;
                match byte {
                    b'[' | b'O' => {
                        self.state = State::Sequence;
                        self.len = 0;
                        None
                    }
                    b']' | b'P' | b'_' | b'^' | b'X' => {
                        self.state = State::Text;
                        self.len = 0;
                        None
                    }
                    0x1b => {
                        self.state = State::Escape;
                        None
                    }
                    0x7f | 0x08 => Some(Key::WordBackspace),
                    0x20..0x7f => Some(Key::Alt(char::from(byte))),
                    _ => self.ground(byte, false),
                }
            }
            State::Sequence => match byte {
                0x40..=0x7e => {
                    self.state = State::Ground;
                    Some(self.sequence(byte))
                }
                0x20..0x40 if self.len < SEQUENCE_LEN_MAX => {
                    self.sequence[self.len] = byte;
                    self.len += 1;
                    None
                }
                0x1b => {
                    self.state = State::Escape;
                    None
                }
                // Too long, or no sequence.
                _ => {
                    self.state = State::Ground;
                    Some(Key::Other)
                }
            },
            State::Text => {
                self.len += 1;
                match byte {
                    0x07 => self.state = State::Ground,
                    0x1b => self.state = State::Escape,
                    // Nobody sends that much: rather the bytes are rubbish.
                    _ if self.len > 8 * SEQUENCE_LEN_MAX => self.state = State::Ground,
                    _ => {}
                }
                None
            }
        }
    }

    fn ground(&mut self, byte: u8, after_return: bool) -> Option<Key> {
        Some(match byte {
            b'\r' => {
                self.after_return = true;
                Key::Enter
            }
            // Some send both for one Enter.
            b'\n' if after_return => return None,
            b'\n' => Key::Enter,
            b'\t' => Key::Tab,
            0x08 | 0x7f => Key::Backspace,
            0x1b => {
                self.state = State::Escape;
                return None;
            }
            0x01..0x1b => Key::Control(char::from(byte - 1 + b'a')),
            0x00 | 0x1c..0x20 => Key::Other,
            0x20..0x7f => Key::Char(char::from(byte)),
            0xc2..0xe0 => return self.character(u32::from(byte & 0x1f), 1, 0x80),
            0xe0..0xf0 => return self.character(u32::from(byte & 0x0f), 2, 0x800),
            0xf0..0xf5 => return self.character(u32::from(byte & 0x07), 3, 0x1_0000),
            0x80..0xc2 | 0xf5..=0xff => Key::Other,
        })
    }

    fn character(&mut self, value: u32, left: u8, least: u32) -> Option<Key> {
        self.state = State::Character(value, left, least);
        None
    }

    fn sequence(&self, last: u8) -> Key {
        let sequence = &self.sequence[..self.len];
        // `1;5` and the like: 3 is Alt, 5 is Ctrl.
        let with_word = matches!(sequence, b"1;5" | b"1;3" | b"5" | b"3");
        match last {
            b'A' => Key::Up,
            b'B' => Key::Down,
            b'C' if with_word => Key::WordRight,
            b'D' if with_word => Key::WordLeft,
            b'C' => Key::Right,
            b'D' => Key::Left,
            b'H' => Key::Home,
            b'F' => Key::End,
            b'Z' => Key::BackTab,
            b'M' => Key::Enter,
            b'~' => match sequence {
                b"1" | b"7" => Key::Home,
                b"4" | b"8" => Key::End,
                b"3" => Key::Delete,
                b"200" => Key::PasteBegin,
                b"201" => Key::PasteEnd,
                _ => Key::Other,
            },
            _ => Key::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn check(bytes: &[u8], keys: &[Key]) {
        let mut decoder = Decoder::default();
        let found: Vec<Key> = bytes
            .iter()
            .filter_map(|byte| decoder.byte(*byte))
            .collect();
        assert_eq!(found, keys, "{bytes:?}");
    }

    #[test]
    fn bytes_become_keys() {
        check(b"a\x01\r", &[Key::Char('a'), Key::Control('a'), Key::Enter]);
        check(b"\r\n\n", &[Key::Enter, Key::Enter]);
        check(
            "ä€😀".as_bytes(),
            &[Key::Char('ä'), Key::Char('€'), Key::Char('😀')],
        );
        check(
            b"\x1b[A\x1bOB\x1b[1;5C\x1b[3~",
            &[Key::Up, Key::Down, Key::WordRight, Key::Delete],
        );
        check(b"\x1bb\x1b\x7f", &[Key::Alt('b'), Key::WordBackspace]);
        check(
            b"\x1b[200~x\x1b[201~",
            &[Key::PasteBegin, Key::Char('x'), Key::PasteEnd],
        );
        check(b"\x1b]0;title\x07a", &[Key::Char('a')]);
        check(b"\x1b[24;80Rq", &[Key::Other, Key::Char('q')]);
    }

    #[test]
    fn rubbish_is_dropped() {
        let bad = Key::Other;
        check(b"\xff\xc0a", &[bad, bad, Key::Char('a')]);
        check(b"\xe2\x82a", &[Key::Char('a')]);
        check(b"\xed\xa0\x80", &[bad]); // half of a surrogate pair
        check(b"\xf0\x80\x80\x80", &[bad]); // longer than it needs to be
        let mut long = b"\x1b[".to_vec();
        long.extend([b'1'; 33]);
        check(&long, &[Key::Other]);
    }
}

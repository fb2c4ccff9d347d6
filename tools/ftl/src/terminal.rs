//! The keyboard: raw while a system runs, so that each key reaches the guest, and two of them us.
//!
//! Ctrl-A X ends the machine, as QEMU's users expect; so does Ctrl-C, unless the system has a shell, whose it then
//! is. Ctrl-A D keeps a dump ([`crate::dump`]). Ctrl-A twice sends one.

use std::io::{IsTerminal, Read, Write};
use std::sync::mpsc::{Sender, channel};

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize,
    tcsetattr,
};

/// Keeps the terminal raw; dropping it restores what was there.
pub struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// Makes standard input raw if it is a terminal. Output stays as it is, so that a line feed
    /// still begins a new line.
    pub fn enter() -> Option<RawTerminal> {
        let input = std::io::stdin();
        if !input.is_terminal() {
            return None;
        }
        let before = tcgetattr(&input).ok()?;
        let mut raw = before.clone();
        raw.local_modes -=
            LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        // Else Ctrl-S and Ctrl-Q would stop and start the terminal instead of saving and leaving.
        raw.input_modes -= InputModes::IXON;
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&input, OptionalActions::Now, &raw).ok()?;
        Some(RawTerminal { before })
    }
}

/// Columns and rows of the terminal's window, if it tells.
pub fn window() -> Option<(u16, u16)> {
    let size = tcgetwinsize(std::io::stdin()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// What a person typed.
#[derive(Debug, PartialEq, Eq)]
pub enum Typed {
    /// Bytes for the guest.
    Bytes(Vec<u8>),
    /// The wish to end the machine.
    Quit,
}

/// Tells keys for us from keys for the guest.
pub struct Keys {
    after_escape: bool,
    dump_wanted: bool,
    /// Whether Ctrl-C ends the machine.
    interrupt_quits: bool,
}

impl Keys {
    const CTRL_A: u8 = 1;
    const CTRL_C: u8 = 3;

    /// Nothing was typed yet.
    pub fn new(interrupt_quits: bool) -> Keys {
        Keys {
            after_escape: false,
            dump_wanted: false,
            interrupt_quits,
        }
    }

    /// Whether a dump was asked for since the last look.
    pub fn takes_dump(&mut self) -> bool {
        std::mem::take(&mut self.dump_wanted)
    }

    /// Takes what was typed.
    pub fn read(&mut self, input: &[u8]) -> Typed {
        let mut bytes = Vec::with_capacity(input.len());
        for &byte in input {
            if self.after_escape {
                self.after_escape = false;
                match byte {
                    b'x' | b'X' => return Typed::Quit,
                    b'd' | b'D' => self.dump_wanted = true,
                    Keys::CTRL_A => bytes.push(byte),
                    _ => {}
                }
            } else if byte == Keys::CTRL_A {
                self.after_escape = true;
            } else if byte == Keys::CTRL_C && self.interrupt_quits {
                return Typed::Quit;
            } else {
                bytes.push(byte);
            }
        }
        Typed::Bytes(bytes)
    }
}

/// What was typed, on its way to the machine. It waits on a thread of its own while the machine takes no more, so that the
/// screen goes on meanwhile and the machine can be ended.
pub struct TypeAhead {
    sender: Sender<Vec<u8>>,
    /// What is held back; None while nothing is to be.
    held: Option<Vec<u8>>,
}

impl TypeAhead {
    /// Passes on to `machine`, until it takes no more at all or this is dropped.
    pub fn into(mut machine: impl Write + Send + 'static) -> TypeAhead {
        let (sender, bytes) = channel::<Vec<u8>>();
        std::thread::spawn(move || {
            for bytes in bytes {
                if machine.write_all(&bytes).is_err() || machine.flush().is_err() {
                    return;
                }
            }
        });
        TypeAhead { sender, held: None }
    }

    /// Keeps what comes from now on, or hands it over and keeps nothing any more.
    pub fn hold(&mut self, holds: bool) {
        if holds {
            self.held.get_or_insert_default();
        } else if let Some(held) = self.held.take() {
            self.send(held);
        }
    }

    /// Takes bytes, however many wait already.
    pub fn send(&mut self, bytes: Vec<u8>) {
        match &mut self.held {
            Some(held) => held.extend(bytes),
            // A machine that takes no more is seen to end.
            None => drop(self.sender.send(bytes)),
        }
    }
}

/// Reads standard input on a thread of its own and hands over what comes, and nothing once it has ended, until that or
/// `deliver` answers false. The thread cannot be ended otherwise: it dies with the program.
pub fn read_input(mut deliver: impl FnMut(&[u8]) -> bool + Send + 'static) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        let mut input = std::io::stdin();
        while let Ok(len @ 1..) = input.read(&mut buffer) {
            if !deliver(&buffer[..len]) {
                return;
            }
        }
        deliver(&[]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_takes_nothing_holds_nobody_up() {
        let (mut taker, machine) = std::io::pipe().unwrap();
        let mut line = TypeAhead::into(machine);
        // More than a pipe holds.
        let typed: Vec<u8> = (0..1 << 20).map(|i: u32| i as u8).collect();
        for piece in typed.chunks(4096) {
            line.send(piece.to_vec());
        }
        drop(line);
        let mut taken = Vec::new();
        taker.read_to_end(&mut taken).unwrap();
        assert!(taken == typed);
    }

    #[test]
    fn what_is_held_back_comes_later_in_its_order() {
        let (mut taker, machine) = std::io::pipe().unwrap();
        let mut line = TypeAhead::into(machine);
        line.send(b"a".to_vec());
        line.hold(true);
        line.send(b"b".to_vec());
        line.hold(true);
        line.send(b"c".to_vec());
        let mut first = [0; 16];
        assert_eq!(taker.read(&mut first).unwrap(), 1);
        line.hold(false);
        line.send(b"d".to_vec());
        drop(line);
        let mut rest = String::new();
        taker.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "bcd");
    }

    #[test]
    fn two_key_strokes_are_ours() {
        let bytes = |text: &[u8]| Typed::Bytes(text.to_vec());
        let mut keys = Keys::new(true);
        assert_eq!(keys.read(b"ps\r"), bytes(b"ps\r"));
        assert_eq!(keys.read(b"a\x01\x01b"), bytes(b"a\x01b"));
        assert_eq!(keys.read(b"\x01"), bytes(b""));
        assert_eq!(keys.read(b"x"), Typed::Quit);
        assert!(!keys.takes_dump());
        assert_eq!(keys.read(b"\x01da"), bytes(b"a"));
        assert!(keys.takes_dump() && !keys.takes_dump());
        assert_eq!(Keys::new(true).read(b"\x03"), Typed::Quit);
        assert_eq!(Keys::new(true).read(b"\x01qx"), bytes(b"x"));
        assert_eq!(Keys::new(false).read(b"\x03"), bytes(b"\x03"));
        assert_eq!(Keys::new(false).read(b"\x01x"), Typed::Quit);
    }
}

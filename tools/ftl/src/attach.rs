//! `./ftl attach SOCKET`: sits down at a second terminal, which a system that was started with `./ftl run --terminal SOCKET`
//! has on a virtio console.
//!
//! All keys go there but Ctrl-A X, which leaves; the system goes on, and one can sit down again.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result};

use crate::run::STATUS_LOST;
use crate::terminal::{Keys, RawTerminal, Typed, read_input, window};

/// xterm's "Report the size of the text area in characters". Answered here, since not all terminals do.
const ASK_SIZE: &[u8] = b"\x1b[18t";

/// Passes keys and what is shown, until somebody leaves (status 0) or the system ends.
pub fn attach(socket: &Path) -> Result<u8> {
    let mut shown = UnixStream::connect(socket).with_context(|| {
        format!(
            "nothing runs with `--terminal {}`, or somebody sits there",
            socket.display()
        )
    })?;
    let mut typed = shown.try_clone()?;
    let mut answers = shown.try_clone()?;
    let raw = RawTerminal::enter();
    if raw.is_some() {
        say!("Ctrl-A X leaves");
    }
    let is_terminal = raw.is_some();
    let (sender, left) = std::sync::mpsc::channel();
    let mut keys = Keys::new(false);
    read_input(move |bytes| {
        let text = match is_terminal {
            // Somebody has closed the terminal.
            true if bytes.is_empty() => Typed::Quit,
            true => keys.read(bytes),
            false => Typed::Bytes(bytes.to_vec()),
        };
        match text {
            Typed::Bytes(bytes) => typed.write_all(&bytes).is_ok(),
            Typed::Quit => {
                let _ = sender.send(());
                let _ = typed.shutdown(Shutdown::Both);
                false
            }
        }
    });
    let mut output = std::io::stdout().lock();
    let mut buffer = [0; 16384];
    let mut questions = Questions::default();
    while let Ok(len @ 1..) = shown.read(&mut buffer) {
        let (text, asked) = questions.take(&buffer[..len]);
        output.write_all(&text)?;
        output.flush()?;
        if let (Some((columns, rows)), true) = (window(), is_terminal) {
            let answer = format!("\x1b[8;{rows};{columns}t").repeat(asked);
            answers.write_all(answer.as_bytes())?;
        }
    }
    drop(raw);
    Ok(match left.try_recv() {
        Ok(()) => 0,
        Err(_) => {
            say!("\nthe system has ended");
            STATUS_LOST
        }
    })
}

/// Takes the question about the window's size out of what is shown.
#[derive(Default)]
struct Questions {
    /// The begin of one that has not come whole.
    held: Vec<u8>,
}

impl Questions {
    /// What is to be shown, and how often was asked.
    fn take(&mut self, bytes: &[u8]) -> (Vec<u8>, usize) {
        let mut text = Vec::with_capacity(bytes.len());
        let mut asked = 0;
        for &byte in bytes {
            self.held.push(byte);
            if self.held == ASK_SIZE {
                asked += 1;
                self.held.clear();
            }
            while !ASK_SIZE.starts_with(&self.held) {
                text.push(self.held.remove(0));
            }
        }
        (text, asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_is_taken_out_wherever_it_is_cut() {
        let shown = b"a\x1b[1mb\x1b[18tc\x1b[18t\x1b[18t\x1b\x1b[18td\x1b[18";
        for len in 1..shown.len() {
            let mut questions = Questions::default();
            let (mut text, mut asked) = (Vec::new(), 0);
            for piece in shown.chunks(len) {
                let (some, more) = questions.take(piece);
                text.extend(some);
                asked += more;
            }
            assert_eq!(
                (text.as_slice(), asked),
                (&b"a\x1b[1mbc\x1bd"[..], 4),
                "{len}"
            );
        }
    }
}

//! QEMU's stub for debuggers, for doing to a machine what nothing inside of it does.
//!
//! It speaks the remote serial protocol of gdb ("Debugging with GDB", appendix E): packets of text with a checksum. Here is
//! as little of it as a test needs.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A machine that is stopped as long as nothing else is said.
pub struct Stub(UnixStream);

impl Stub {
    /// Connects to the stub of a machine that was started with [`arguments`], and stops the machine.
    pub fn connect(socket: &Path) -> Stub {
        let stream = UnixStream::connect(socket).expect("QEMU listens there");
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).expect("it can be set");
        Stub(stream)
    }

    /// Sends a packet.
    fn send(&mut self, text: &str) {
        let sum = text.bytes().fold(0_u8, u8::wrapping_add);
        write!(self.0, "${text}#{sum:02x}").expect("QEMU listens");
    }

    /// Sends a packet, and answers with the one that comes back.
    fn ask(&mut self, text: &str) -> String {
        self.send(text);
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut byte = || {
            let mut byte = [0];
            self.0.read_exact(&mut byte).expect("QEMU answers");
            byte[0]
        };
        // What comes before is the acknowledgement of what was sent.
        while byte() != b'$' {}
        let mut text = String::new();
        loop {
            match byte() {
                b'#' => break,
                other => text.push(other.into()),
            }
        }
        // The checksum: nothing gets lost on a socket.
        byte();
        byte();
        self.0.write_all(b"+").expect("QEMU listens");
        text
    }

    /// A number of 64 bits, as it lies in memory or a register of a little-endian machine.
    fn number(text: &str) -> Option<u64> {
        let byte = |at: usize| u64::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
        (0..text.len() / 2)
            .rev()
            .try_fold(0, |number, at| Some(number << 8 | byte(at)?))
    }

    /// Lets the machine, which has one CPU, run until that waits in the kernel for something to happen.
    pub fn wait_for_idle(&mut self) {
        let wait = match crate::arch().as_str() {
            "arm64" => 0xd503_207f_u64,
            _ => 0x1050_0073,
        };
        let end = Instant::now() + crate::PATIENCE;
        while Instant::now() < end {
            let stopped = self.ask("?");
            assert!(stopped.starts_with(['T', 'S']), "{stopped}");
            // Both architectures have 32 registers before the program counter.
            let at = Self::number(&self.ask("p20")).expect("a program counter");
            let before = self.ask(&format!("m{:x},4", at.wrapping_sub(4)));
            if Self::number(&before) == Some(wait) {
                return;
            }
            self.send("c");
            self.0.write_all(&[3]).expect("QEMU listens");
            self.answer();
        }
        panic!("the machine is never idle");
    }

    /// Lets the CPU go on at an address.
    pub fn go_on_at(mut self, address: u64) {
        let text: String = address
            .to_le_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(self.ask(&format!("P20={text}")), "OK");
        self.send("c");
    }
}

/// What a machine is started with that [`Stub::connect`] is to find.
pub fn arguments(socket: &Path) -> [String; 2] {
    let socket = format!("unix:{},server=on,wait=off", socket.display());
    ["-gdb".into(), socket]
}

//! The kernel's log: lines from the kernel and from components, each with time and name.
//!
//! Lines go to the UART at once and into a ring that can be read back. There is no formatting
//! into memory that could run out: a line is written piece by piece.

use core::fmt::{self, Write};

use crate::kernel::Kernel;
use crate::memory::Memory;

/// Bytes of log that are kept.
const RING_LEN: usize = 16 * 1024;

/// How important a line is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Level {
    /// Something is broken.
    Error = 1,
    /// Something is odd.
    Warn = 2,
    /// What happens, a few lines a boot.
    Info = 3,
    /// What happens per event.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl Level {
    /// The level with this number.
    pub const fn from_number(number: usize) -> Option<Level> {
        Some(match number {
            1 => Level::Error,
            2 => Level::Warn,
            3 => Level::Info,
            4 => Level::Debug,
            5 => Level::Trace,
            _ => return None,
        })
    }
}

/// The last lines.
pub struct Log {
    /// `RING_LEN` bytes that the log owns.
    ring: *mut u8,
    written: u64,
    /// Lines less important than this are dropped.
    pub level: Level,
}

// SAFETY: the ring belongs to the log alone.
unsafe impl Send for Log {}

impl Log {
    /// An empty log.
    pub fn new(memory: &mut Memory) -> abi::Result<Log> {
        let block = memory.allocate((RING_LEN / abi::PAGE_SIZE).trailing_zeros() as usize)?;
        memory.zero(block, RING_LEN);
        Ok(Log {
            ring: memory.machine.memory(block),
            written: 0,
            level: Level::Info,
        })
    }

    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            // SAFETY: the ring is RING_LEN bytes long and the log's own.
            unsafe {
                self.ring
                    .add((self.written % RING_LEN as u64) as usize)
                    .write(byte)
            };
            self.written += 1;
        }
    }

    /// Copies from `position` on, or from the oldest byte there is. Returns where it began
    /// and how much it copied.
    pub fn read(&self, position: u64, to: &mut [u8]) -> (u64, usize) {
        let oldest = self.written.saturating_sub(RING_LEN as u64);
        let start = position.clamp(oldest, self.written);
        let len = ((self.written - start) as usize).min(to.len());
        for (i, byte) in to[..len].iter_mut().enumerate() {
            // SAFETY: as in `push`.
            *byte = unsafe {
                self.ring
                    .add(((start + i as u64) % RING_LEN as u64) as usize)
                    .read()
            };
        }
        (start, len)
    }
}

/// Writes to both the console and the ring.
struct Line<'a>(&'a mut Kernel);

impl Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.memory.machine.console_write(text.as_bytes());
        self.0.log.push(text.as_bytes());
        Ok(())
    }
}

impl Kernel {
    /// Writes a line under a name. Control characters in `text` are shown, not obeyed.
    pub fn log_line(&mut self, level: Level, name: &str, text: fmt::Arguments<'_>) {
        if level > self.log.level {
            return;
        }
        let machine = &self.memory.machine;
        let ticks = machine.now().wrapping_sub(machine.boot_ticks());
        let micros = ticks * 1_000_000 / machine.ticks_per_second().max(1);
        let mark = match level {
            Level::Error => "ERROR ",
            Level::Warn => "WARN ",
            _ => "",
        };
        let mut line = Line(self);
        let _ = write!(
            line,
            "[{:>4}.{:06}] {name}: {mark}",
            micros / 1_000_000,
            micros % 1_000_000
        );
        let _ = writeln!(Clean(&mut line), "{text}");
    }
}

/// Passes on what is harmless on a terminal, and a final line break.
struct Clean<'a, 'b>(&'a mut Line<'b>);

impl Write for Clean<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c.is_control() && c != '\n' && c != '\t') {
            self.0.write_str(&rest[..at])?;
            self.0.write_str("?")?;
            let skip = rest[at..].chars().next().map_or(1, char::len_utf8);
            rest = &rest[at + skip..];
        }
        self.0.write_str(rest)
    }
}

//! The kernel's log: lines from the kernel and from components, each with time and name.
//!
//! Lines go to the UART at once, unless a driver shows them ([`console`]), and into a ring that can be read back, and that the next life of the
//! machine can read if this one is reset ([`kept`]). There is no formatting
//! into memory that could run out: a line is written piece by piece.

pub mod console;
pub mod kept;

use core::fmt::{self, Write};

use kept::Head;

use crate::kernel::Kernel;
use crate::memory::{Memory, PhysAddr};

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
    ring: Ring,
    /// The block that the ring lies in, unless that is the region which is kept.
    block: Option<PhysAddr>,
    /// Lines less important than this are dropped.
    pub level: Level,
    /// Who shows them.
    pub shown: console::Shown,
}

/// The last bytes that were written.
pub struct Ring {
    /// `RING_LEN` bytes that the ring owns.
    data: *mut u8,
    head: Head,
    /// Where the head is kept up to date for the next life of the machine, or null.
    kept: *mut Head,
}

// SAFETY: the data and what `kept` points to belong to the ring alone.
unsafe impl Send for Ring {}

impl Ring {
    /// A ring as it was found.
    ///
    /// # Safety
    /// `data` are `RING_LEN` bytes that nobody writes while the ring lives.
    unsafe fn existing(data: *mut u8, head: Head) -> Ring {
        Ring {
            data,
            head,
            kept: core::ptr::null_mut(),
        }
    }

    /// A ring whose head is kept.
    ///
    /// # Safety
    /// As for [`Ring::existing`]; and `kept` points to a head that only the ring writes.
    unsafe fn kept(data: *mut u8, kept: *mut Head) -> Ring {
        Ring {
            data,
            // SAFETY: the caller vouches for it.
            head: unsafe { kept.read() },
            kept,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let Head {
            mut written,
            mut sum,
            ..
        } = self.head;
        for &byte in bytes {
            // SAFETY: the data are RING_LEN bytes and the ring's own.
            let old = unsafe {
                let at = self.data.add((written % RING_LEN as u64) as usize);
                at.replace(byte)
            };
            sum = sum.wrapping_add(byte.into()).wrapping_sub(old.into());
            written += 1;
        }
        self.head = Head::new(written, sum);
        if !self.kept.is_null() {
            // SAFETY: whoever made the ring vouches for it. Volatile, since the next life reads it.
            unsafe { self.kept.write_volatile(self.head) };
        }
    }

    /// The sum of all bytes in the ring.
    fn sum(&self) -> u64 {
        let mut sum = 0u64;
        for i in 0..RING_LEN {
            // SAFETY: as in `push`.
            let byte = unsafe { self.data.add(i).read() };
            sum = sum.wrapping_add(byte.into());
        }
        sum
    }

    /// Copies from `position` on, or from the oldest byte there is. Returns where it began
    /// and how much it copied.
    fn read(&self, position: u64, to: &mut [u8]) -> (u64, usize) {
        let written = self.head.written;
        let oldest = written.saturating_sub(RING_LEN as u64);
        let start = position.clamp(oldest, written);
        let len = ((written - start) as usize).min(to.len());
        for (i, byte) in to[..len].iter_mut().enumerate() {
            // SAFETY: as in `push`.
            *byte = unsafe {
                self.data
                    .add(((start + i as u64) % RING_LEN as u64) as usize)
                    .read()
            };
        }
        (start, len)
    }
}

impl Log {
    /// An empty log.
    pub fn new(memory: &mut Memory) -> abi::Result<Log> {
        let block = memory.allocate((RING_LEN / abi::PAGE_SIZE).trailing_zeros() as usize)?;
        memory.zero(block, RING_LEN);
        let data = memory.machine.memory(block);
        Ok(Log {
            // SAFETY: the block is the log's, and was zeroed.
            ring: unsafe { Ring::existing(data, Head::new(0, 0)) },
            block: Some(block),
            level: Level::Info,
            shown: console::Shown::default(),
        })
    }

    /// How many bytes were written, ever.
    fn written(&self) -> u64 {
        self.ring.head.written
    }

    /// Goes on in another ring. Returns the block of the one before, which is free then.
    fn replace_ring(&mut self, ring: Ring) -> Option<PhysAddr> {
        self.ring = ring;
        self.block.take()
    }

    /// Copies from `position` on, or from the oldest byte there is. Returns where it began
    /// and how much it copied.
    pub fn read(&self, position: u64, to: &mut [u8]) -> (u64, usize) {
        self.ring.read(position, to)
    }
}

/// Writes to both the console and the ring.
struct Line<'a>(&'a mut Kernel);

impl Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.log.shown.by_kernel() {
            self.0.memory.machine.console_write(text.as_bytes());
        }
        self.0.log.ring.push(text.as_bytes());
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
        // Whoever shows it is told when this entry into the kernel is over.
        if self.log.shown.logged() {
            self.attention = true;
        }
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

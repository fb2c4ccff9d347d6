//! What is remembered of crashes, for those who would otherwise have to read it out of the log's prose
//! (rules 27 and 28).
//!
//! The last few reports are kept as they are, so that init finds them after it has heard of an end. Their memory is
//! taken at boot: a crash may well be what comes of having none.
//!
//! Deliberately absent: the stack's content. A report says where and how, not with what.

use core::fmt::{self, Write};

use abi::{CRASH_REGISTERS_MAX, CrashFrame, CrashRegister, CrashReport, Error, Result};

use crate::kernel::Kernel;
use crate::memory::{Id, Memory, Slab};
use crate::object::{Process, Thread};

/// How many reports are kept.
const KEPT: usize = 8;

/// The last crashes.
pub struct Crashes {
    reports: Slab<CrashReport>,
    /// Report number `n` is in place `n % KEPT`.
    places: [Id<CrashReport>; KEPT],
    /// How many there were.
    count: u64,
}

impl Crashes {
    /// None yet.
    pub fn new(memory: &mut Memory) -> Result<Crashes> {
        let mut reports = Slab::new();
        reports.reserve(&memory.machine, &mut memory.frames)?;
        let mut places = [reports.insert(CrashReport::EMPTY); KEPT];
        for place in &mut places[1..] {
            reports.reserve(&memory.machine, &mut memory.frames)?;
            *place = reports.insert(CrashReport::EMPTY);
        }
        Ok(Crashes {
            reports,
            places,
            count: 0,
        })
    }

    /// Frames that they have taken.
    pub fn frame_count(&self) -> usize {
        self.reports.frame_count()
    }
}

impl Kernel {
    /// Keeps a report: why, by which way, and with what in the registers.
    pub fn remember_crash(
        &mut self,
        process: Id<Process>,
        status: usize,
        reason: fmt::Arguments<'_>,
        frames: &[CrashFrame],
        registers: &[(&str, usize)],
    ) {
        let crashes = &mut self.crashes;
        crashes.count += 1;
        let id = crashes.places[(crashes.count % KEPT as u64) as usize];
        let report = &mut crashes.reports[id];
        *report = CrashReport::EMPTY;
        report.number = crashes.count;
        let machine = &self.memory.machine;
        report.ticks = machine.now().wrapping_sub(machine.boot_ticks());
        report.name = self.processes[process].name;
        report.status = status as u64;
        let mut message = Cut {
            bytes: &mut report.message,
            len: 0,
        };
        // What finds no room is left out.
        let _ = message.write_fmt(reason);
        report.message_len = message.len as u32;
        report.frames[..frames.len()].copy_from_slice(frames);
        report.frame_count = frames.len() as u32;
        let registers = registers.iter().take(CRASH_REGISTERS_MAX);
        for (to, (name, value)) in report.registers.iter_mut().zip(registers) {
            *to = CrashRegister {
                name: [0; 8],
                value: *value as u64,
            };
            for (to, from) in to.name.iter_mut().zip(name.bytes()) {
                *to = from;
            }
            report.register_count += 1;
        }
    }

    /// [`abi::Call::CrashRead`].
    pub fn crash_read(&mut self, thread: Id<Thread>, after: u64) -> Result<usize> {
        let crashes = &self.crashes;
        let oldest = crashes.count.saturating_sub(KEPT as u64 - 1);
        let number = after.saturating_add(1).max(oldest);
        if number > crashes.count {
            return Err(Error::NotFound);
        }
        let report = crashes.reports[crashes.places[(number % KEPT as u64) as usize]];
        self.answer(thread, report);
        Ok(0)
    }
}

/// Text that is cut off where the room ends.
struct Cut<'a> {
    bytes: &'a mut [u8],
    len: usize,
}

impl Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - self.len;
        let fits = text.floor_char_boundary(room);
        self.bytes[self.len..self.len + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        match fits == text.len() {
            true => Ok(()),
            false => Err(fmt::Error),
        }
    }
}

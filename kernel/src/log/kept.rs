//! The part of memory in which the log survives a warm reset (rule 28).
//!
//! The last bytes of the kernel's memory are never given out. They hold two rings, one that this life of the
//! machine writes and one that the last life wrote, and a header for each, with a checksum. Whoever boots
//! finds there what the machine said before it was reset, the report of a kernel panic included, and repeats
//! the end of it in the new log. After a cold start the checksums do not fit, and nothing is said.
//!
//! Deliberately absent: caches. On a machine whose reset drops dirty cache lines, the last lines may be
//! lost; the checksum then says that nothing was kept.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::{RING_LEN, Ring};
use crate::kernel::Kernel;
use crate::log::Level;
use crate::memory::PhysAddr;

/// Bytes of the region.
pub const REGION_LEN: usize = abi::PAGE_SIZE + 2 * RING_LEN;
/// Bytes of the old log that are repeated at most.
const REPEATED_MAX: usize = 4096;
/// Lines of it.
const LINES_MAX: usize = 40;
/// Resets by panics, with no orderly end between them, after which the machine is switched off.
const PANICS_MAX: u64 = 3;
/// "FTL log" and a version.
const MAGIC: u64 = 0x4654_4c20_6c6f_6701;

/// At the start of the region.
#[repr(C)]
struct Header {
    magic: u64,
    /// Which of the rings was written last.
    current: u64,
    /// How many lives in a row have ended with a panic.
    panics: u64,
    heads: [Head; 2],
}

/// What tells whether a ring is whole.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Head {
    /// Bytes written, since the ring was new.
    pub written: u64,
    /// The sum of the bytes in the ring.
    pub sum: u64,
    check: u64,
}

impl Head {
    /// For bytes and their sum.
    pub fn new(written: u64, sum: u64) -> Head {
        Head {
            written,
            sum,
            check: Head::check(written, sum),
        }
    }

    fn check(written: u64, sum: u64) -> u64 {
        MAGIC ^ written.rotate_left(17) ^ sum.rotate_left(41)
    }

    fn is_whole(&self) -> bool {
        self.check == Head::check(self.written, self.sum)
    }
}

/// The header, once the log lives in the region.
static HEADER: AtomicPtr<Header> = AtomicPtr::new(core::ptr::null_mut());
/// Whether a panic resets the machine.
static RESET_ON_PANIC: AtomicBool = AtomicBool::new(false);

impl Kernel {
    /// Moves the log, which is empty, to the region that is kept. Returns what the last life left
    /// there, for [`Kernel::repeat_log`]. `reset_on_panic`: whether a panic of the kernel resets the machine.
    pub fn keep_log(&mut self, region: PhysAddr, reset_on_panic: bool) -> Option<Ring> {
        let start = self.memory.machine.memory(region);
        let header = start.cast::<Header>();
        let ring_at = |which: u64| start.wrapping_add(abi::PAGE_SIZE + which as usize * RING_LEN);
        // SAFETY: callers pass REGION_LEN bytes of memory that nobody else has, aligned to a page. Any
        // content is valid: all fields are integers.
        let found = unsafe { header.read() };
        let known = found.magic == MAGIC && found.current < 2;
        let old = known.then(|| {
            let head = found.heads[found.current as usize];
            // SAFETY: as above.
            unsafe { Ring::existing(ring_at(found.current), head) }
        });
        let old = old.filter(|ring| ring.head.is_whole() && ring.sum() == ring.head.sum);
        let current = match known {
            true => 1 - found.current,
            false => 0,
        };
        let mut heads = [Head::new(0, 0); 2];
        if let Some(old) = &old {
            heads[found.current as usize] = old.head;
        }
        let panics = if old.is_some() { found.panics } else { 0 };
        // SAFETY: as above.
        unsafe {
            header.write(Header {
                magic: MAGIC,
                current,
                panics,
                heads,
            });
            ring_at(current).write_bytes(0, RING_LEN);
        }
        // SAFETY: the ring was zeroed just now, and the region outlives the kernel.
        let ring = unsafe {
            let head = &raw mut (*header).heads[current as usize];
            Ring::kept(ring_at(current), head)
        };
        if let Some(block) = self.log.replace_ring(ring) {
            self.memory.free(block);
        }
        RESET_ON_PANIC.store(reset_on_panic && panics < PANICS_MAX, Ordering::Relaxed);
        HEADER.store(header, Ordering::Release);
        old
    }

    /// Repeats the end of the log before the reset.
    pub fn repeat_log(&mut self, old: &Ring) {
        let len = old.head.written.min(REPEATED_MAX as u64) as usize;
        let mut text = [0; REPEATED_MAX];
        let (_, len) = old.read(old.head.written - len as u64, &mut text[..len]);
        let mut text = &text[..len];
        if old.head.written as usize > len {
            // Not from the middle of a line.
            let start = text.iter().position(|&byte| byte == b'\n');
            text = &text[start.map_or(0, |at| at + 1)..];
        }
        let count = text.split(|&byte| byte == b'\n').count();
        self.log_line(
            Level::Info,
            "kernel",
            format_args!("the machine was reset; the last it had said before:"),
        );
        let lines = text.split(|&byte| byte == b'\n');
        for line in lines.skip(count.saturating_sub(LINES_MAX + 1)) {
            if !line.is_empty() {
                let line = Lossy(line);
                self.log_line(Level::Info, "before", format_args!("{line}"));
            }
        }
    }
}

/// The machine ends in order: panics are counted from 0 again.
pub fn ended_in_order() {
    // SAFETY: the header outlives the kernel, and is written under the kernel's lock or by the one CPU that
    // reports a panic.
    if let Some(header) = unsafe { HEADER.load(Ordering::Acquire).as_mut() } {
        header.panics = 0;
    }
}

/// Whether the machine is to be reset now that the kernel has panicked. Asked once.
pub fn resets_after_panic() -> bool {
    // SAFETY: as above.
    if let Some(header) = unsafe { HEADER.load(Ordering::Acquire).as_mut() } {
        header.panics += 1;
    }
    RESET_ON_PANIC.load(Ordering::Relaxed)
}

/// Writes the report of a panic both to the console and into the kept log, without the kernel's lock: whoever
/// holds that may be the one who fails. Another CPU may be in the middle of a line; then the two
/// lines are mixed, or some bytes are lost.
pub struct LastWords<C: fmt::Write>(C);

impl<C: fmt::Write> LastWords<C> {
    /// Begins with what was logged and has not been shown yet, because a driver was to show it.
    pub fn new(mut console: C) -> LastWords<C> {
        let header = HEADER.load(Ordering::Acquire);
        if !header.is_null() {
            // SAFETY: as in `write_str`; the ring is only read.
            let ring = unsafe {
                let current = ((*header).current & 1) as usize;
                let ring = header
                    .cast::<u8>()
                    .wrapping_add(abi::PAGE_SIZE + current * RING_LEN);
                Ring::existing(ring, (&raw const (*header).heads[current]).read())
            };
            let mut unshown = super::console::unshown(ring.head.written);
            let mut piece = [0; 128];
            while !unshown.is_empty() {
                let (start, len) = ring.read(unshown.start, &mut piece);
                // Nobody is left to complain to.
                let _ = super::console::show(&piece[..len], &mut console);
                unshown.start = start + len.max(1) as u64;
            }
        }
        LastWords(console)
    }
}

impl<C: fmt::Write> fmt::Write for LastWords<C> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(text)?;
        let header = HEADER.load(Ordering::Acquire);
        if !header.is_null() {
            // SAFETY: the header outlives the kernel, and so do the rings behind it; what others write
            // there meanwhile are bytes and integers, of which any are valid.
            unsafe {
                let current = ((*header).current & 1) as usize;
                let ring = header
                    .cast::<u8>()
                    .wrapping_add(abi::PAGE_SIZE + current * RING_LEN);
                Ring::kept(ring, &raw mut (*header).heads[current]).push(text.as_bytes());
            }
        }
        Ok(())
    }
}

/// Text that may not be whole.
struct Lossy<'a>(&'a [u8]);

impl fmt::Display for Lossy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            f.write_str(chunk.valid())?;
            if !chunk.invalid().is_empty() {
                f.write_str("?")?;
            }
        }
        Ok(())
    }
}

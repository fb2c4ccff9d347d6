//! Who shows the log on the machine's serial line: the kernel, until a driver has taken that over.
//!
//! The kernel writes each line at once and waits for the UART. A driver that has the same device for its
//! clients would find such a line in the middle of what it sends, so it says that it shows the log itself:
//! with its first [`abi::Call::ConsoleLog`]. From then on lines go to the ring alone, the device's first interrupt tells that there
//! are some, and the call hands out what has not been shown. When the device is given back, because its driver has
//! ended or the machine does, the kernel shows what is left and goes on by itself. A panic does so at once, without
//! asking anybody ([`Unshown`]). So a line is shown once, whoever dies.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::{Error, Handle, Result};

use super::RING_LEN;
use crate::kernel::Kernel;
use crate::memory::Id;
use crate::object::{Device, Process, Thread};

/// Up to where the log has been shown, for a panic, which asks nobody; all of it while the kernel shows it.
static SHOWN: AtomicU64 = AtomicU64::new(u64::MAX);

/// Who shows the log, and how far they are.
#[derive(Default)]
pub struct Shown {
    /// The device whose driver shows it; none while the kernel does.
    by: Option<Id<Device>>,
    /// Up to which byte, if it is a driver.
    until: u64,
    /// There are lines that the driver has not been told of.
    news: bool,
}

impl Shown {
    /// Whether the kernel shows lines itself.
    pub fn by_kernel(&self) -> bool {
        self.by.is_none()
    }

    /// Whether the driver is to be told of lines.
    pub fn has_news(&self) -> bool {
        self.news
    }

    /// A line was logged. Answers whether a driver is to be told at the end of this entry.
    pub fn logged(&mut self) -> bool {
        self.news = self.by.is_some();
        self.news
    }
}

impl Kernel {
    /// [`abi::Call::ConsoleLog`].
    pub fn console_log(
        &mut self,
        process: Id<Process>,
        thread: Id<Thread>,
        device: Handle,
    ) -> Result<usize> {
        let id = self.device(process, device)?;
        if !self.devices[id].is_console {
            return Err(Error::Unsupported);
        }
        if self.log.shown.by.is_none() {
            self.log.shown = Shown {
                by: Some(id),
                until: self.log.written(),
                news: false,
            };
        }
        let page = self
            .memory
            .machine
            .memory(self.threads[thread].receive_page());
        // SAFETY: the receive page is a whole page that belongs to the thread, which is in the
        // kernel now; nothing else refers to it.
        let page = unsafe { core::slice::from_raw_parts_mut(page, abi::MESSAGE_LEN_MAX) };
        let (start, len) = self.log.read(self.log.shown.until, page);
        self.log.shown.until = start + len as u64;
        SHOWN.store(self.log.shown.until, Ordering::Relaxed);
        Ok(len)
    }

    /// Tells the driver that shows the log that there are lines.
    pub fn tell_of_log(&mut self, cpu: usize) {
        self.log.shown.news = false;
        let line = self.log.shown.by.and_then(|id| self.devices[id].lines[0]);
        if let Some(line) = line {
            let line = &mut self.interrupts[line];
            line.count = line.count.saturating_add(1);
            let source = line.source;
            self.notify_and_wake(source, cpu);
        }
    }

    /// The kernel shows the log again, if a driver did: this device's, or whichever if none is given.
    pub fn show_log_again(&mut self, device: Option<Id<Device>>) {
        let by = self.log.shown.by;
        if by.is_none() || device.is_some() && device != by {
            return;
        }
        let machine = &self.memory.machine;
        machine.console_init();
        // The driver's clients may have left the cursor anywhere.
        machine.console_write(b"\n");
        let mut position = self.log.shown.until;
        let mut piece = [0; 256];
        loop {
            let (start, len) = self.log.read(position, &mut piece);
            if len == 0 {
                break;
            }
            machine.console_write(&piece[..len]);
            position = start + len as u64;
        }
        self.log.shown = Shown::default();
        SHOWN.store(u64::MAX, Ordering::Relaxed);
    }
}

/// What a kernel that has panicked still has to show: at most the last so many bytes of a ring of which `written` have
/// been written.
pub(super) fn unshown(written: u64) -> core::ops::Range<u64> {
    let oldest = written.saturating_sub(RING_LEN as u64);
    SHOWN.load(Ordering::Relaxed).clamp(oldest, written)..written
}

/// Bytes of the log as text.
pub(super) fn show(bytes: &[u8], to: &mut impl fmt::Write) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        to.write_str(chunk.valid())?;
    }
    Ok(())
}

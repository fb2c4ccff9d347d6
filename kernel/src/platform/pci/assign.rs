//! Addresses for registers, from the windows that the host bridge passes on.

use crate::platform::machine_info::{PciWindow, PhysicalRange};

/// What is left of a window.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    window: PciWindow,
    used: u64,
}

impl Window {
    /// All of one.
    pub fn new(window: PciWindow) -> Window {
        Window { window, used: 0 }
    }

    /// Whether devices have 32-bit addresses in all of it.
    pub fn is_low(&self) -> bool {
        self.window.bus + self.window.cpu.len <= 1 << 32
    }

    /// Takes `len` bytes, a power of two, on a multiple of that: as the devices have them, and as the CPU has.
    pub fn take(&mut self, len: u64) -> Option<(u64, PhysicalRange)> {
        let bus = self.align(len)?;
        let offset = bus - self.window.bus;
        if len > self.window.cpu.len - offset {
            return None;
        }
        self.used = offset + len;
        let start = self.window.cpu.start + offset;
        Some((bus, PhysicalRange { start, len }))
    }

    /// Goes on to a multiple of `step`, a power of two; tells it, as the devices have it.
    pub fn align(&mut self, step: u64) -> Option<u64> {
        let at = (self.window.bus + self.used).checked_next_multiple_of(step)?;
        if at - self.window.bus > self.window.cpu.len {
            return None;
        }
        self.used = at - self.window.bus;
        Some(at)
    }
}

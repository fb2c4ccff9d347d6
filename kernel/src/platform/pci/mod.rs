//! PCI Express: finds the functions behind a host bridge and gives their registers addresses.
//!
//! Once, at boot, by one CPU. What was found is a list of [`Function`]s, which the kernel makes devices of
//! for drivers (`kernel/src/pci.rs` then does what a living driver needs). Nothing is driven here.
//!
//! The configuration space is reached through [`Configuration`], which is memory on a machine with ECAM
//! and a few fake devices in the tests. Sources: "PCI Local Bus Specification 3.0" (PCI), chapter 6,
//! and "PCI Express Base Specification 5.0" (PCIe), chapter 7.
//!
//! The crate `pci_types` was considered: it panics when a device names a kind of register that does not
//! exist, and acknowledges a function's error bits whenever it changes the command.
//!
//! Deliberately absent: I/O ports, CardBus, hot-plugging, resizable registers, and windows above
//! 4 GiB behind a further bridge.

mod assign;
mod scan;
#[cfg(test)]
mod tests;

use super::machine_info::{Interrupt, PciHostInfo, PhysicalRange};
use super::registers::Registers;

pub use assign::Window;
pub use scan::scan;

/// The most functions that are taken notice of.
pub const FUNCTIONS_MAX: usize = 32;
/// Base address registers of a function.
pub const BARS: usize = 6;
/// Bytes of a function's configuration space.
pub const CONFIGURATION_LEN: u64 = 4096;

/// Registers in the configuration space (PCI, figures 6-1 and 6-2).
pub mod register {
    /// Vendor in the lower half, device in the upper.
    pub const ID: usize = 0x00;
    /// Command in the lower half, status in the upper, where writing a 1 clears.
    pub const COMMAND: usize = 0x04;
    /// Revision, and three bytes of class.
    pub const CLASS: usize = 0x08;
    /// The kind of header is the third byte.
    pub const HEADER: usize = 0x0c;
    /// The first base address register.
    pub const BAR: usize = 0x10;
    /// Of a bridge: its bus, the one behind it, and the last one behind that.
    pub const BUSES: usize = 0x18;
    /// Of a bridge: which addresses of memory it passes on.
    pub const MEMORY_WINDOW: usize = 0x20;
    /// Of a bridge: the same for memory that may be read ahead.
    pub const PREFETCHABLE_WINDOW: usize = 0x24;
    /// The subsystem is the upper half.
    pub const SUBSYSTEM: usize = 0x2c;
    /// Where the first capability is.
    pub const CAPABILITIES: usize = 0x34;
    /// The wire is the second byte.
    pub const INTERRUPT: usize = 0x3c;
}

/// Bits of the command register.
pub mod command {
    /// The function answers to addresses of memory.
    pub const MEMORY: u32 = 1 << 1;
    /// It may read and write memory by itself.
    pub const MASTER: u32 = 1 << 2;
    /// It does not use its wire.
    pub const NO_WIRE: u32 = 1 << 10;
}

/// Vendor of virtio devices (virtio 1.2, section 4.1.2).
pub const VIRTIO_VENDOR: u16 = 0x1af4;

/// Access to the configuration space, in words of four bytes.
pub trait Configuration {
    /// Reads a word of a function that is named by bus, device and function in 8, 5 and 3 bits.
    fn read(&self, function: u16, offset: usize) -> u32;
    /// Writes a word.
    fn write(&self, function: u16, offset: usize, value: u32);
}

/// The configuration space as memory (PCIe, section 7.2.2, "ECAM").
#[derive(Debug)]
pub struct Ecam {
    registers: Registers,
    first_bus: u8,
}

impl Ecam {
    /// The one of a host bridge, mapped at `base`.
    ///
    /// # Safety
    /// `base` is where all of `host.configuration` is mapped, uncached, while this is used.
    pub unsafe fn new(host: &PciHostInfo, base: usize) -> Ecam {
        let len = usize::try_from(host.configuration.len).unwrap_or(usize::MAX);
        Ecam {
            // SAFETY: the caller's promise. Only this module changes what a function does by itself, and
            // it lets none of them become active.
            registers: unsafe { Registers::new(base, len) },
            first_bus: host.first_bus,
        }
    }

    fn place(&self, function: u16, offset: usize) -> Option<usize> {
        let from_first = function.checked_sub(u16::from(self.first_bus) << 8)?;
        let place = (usize::from(from_first) << 12) + offset;
        (place + 4 <= self.registers.len()).then_some(place)
    }
}

impl Configuration for Ecam {
    fn read(&self, function: u16, offset: usize) -> u32 {
        // As if nobody were there.
        self.place(function, offset)
            .map_or(u32::MAX, |place| self.registers.read_u32(place))
    }

    fn write(&self, function: u16, offset: usize, value: u32) {
        if let Some(place) = self.place(function, offset) {
            self.registers.write_u32(place, value);
        }
    }
}

/// A function: what others call a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Bus, device and function, in 8, 5 and 3 bits: its name on the bus.
    pub address: u16,
    /// Its own configuration space.
    pub configuration: PhysicalRange,
    /// Who made it.
    pub vendor: u16,
    /// What its maker calls it.
    pub device: u16,
    /// What the maker of the board calls it.
    pub subsystem: u16,
    /// What it is: class, subclass and programming interface, a byte each.
    pub class: u32,
    /// Its ranges of registers, by base address register.
    pub bars: [Option<PhysicalRange>; BARS],
    /// Where its wire ends.
    pub wire: Option<Interrupt>,
    /// How it sends interrupts as messages.
    pub messages: Option<Messages>,
    /// The register that resets it: it is one byte, and 0 is what resets.
    pub reset: Option<u64>,
}

/// A function's table of messages (MSI-X: PCI, section 6.8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Messages {
    /// Where in the configuration space the capability is.
    pub capability: usize,
    /// Where the table is.
    pub table: PhysicalRange,
    /// How many messages it has room for.
    pub count: u16,
}

impl Function {
    /// Virtio's number for what it is; 0 if it is no virtio device (virtio 1.2, section 4.1.2.1, and for those
    /// that can also be used in the old way 4.1.2.3).
    pub fn virtio_id(&self) -> u32 {
        match (self.vendor, self.device) {
            (VIRTIO_VENDOR, 0x1000..=0x103f) => u32::from(self.subsystem),
            (VIRTIO_VENDOR, 0x1040..=0x107f) => u32::from(self.device - 0x1040),
            _ => 0,
        }
    }
}

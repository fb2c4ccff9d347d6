//! Devices and their interrupts, as drivers hold them.

use crate::memory::{Id, PhysAddr};
use crate::object::{Folio, Mapping, Process, Source};

/// Register ranges and interrupts that a device can have.
pub const RANGES_MAX: usize = 4;
/// Folios that a device may reach.
pub const DMA_MAX: usize = 16;

/// One device of the machine.
pub struct Device {
    /// Its description for init.
    pub info: abi::DeviceInfo,
    /// Where its registers are: start and bytes.
    pub ranges: [(PhysAddr, usize); RANGES_MAX],
    /// Its interrupt numbers.
    pub interrupts: [u32; RANGES_MAX],
    /// Who has it now.
    pub holder: Option<Id<Process>>,
    /// Handles to it.
    pub references: u32,
    /// Where its registers are mapped: by whom, and how. Each range is at most once.
    pub mapped: [Option<(Id<Process>, Id<Mapping>)>; RANGES_MAX],
    /// Its interrupts that somebody has a handle to.
    pub lines: [Option<Id<Interrupt>>; RANGES_MAX],
    /// What it may reach. The folios live until the device was reset (rule 16).
    pub dma: [Option<Id<Folio>>; DMA_MAX],
    /// It is the serial line that the kernel reports on.
    pub is_console: bool,
}

/// A device's interrupt.
pub struct Interrupt {
    /// Whose it is, and which of its.
    pub device: (Id<Device>, u8),
    /// Its number at the interrupt controller.
    pub number: u32,
    /// How often it fired since its last event.
    pub count: u32,
    /// Where it is attached.
    pub source: Option<Id<Source>>,
    /// How many handles there are to it.
    pub references: u32,
}

//! Devices and their interrupts, as drivers hold them.

use crate::iommu::Reach;
use crate::memory::{Id, PhysAddr};
use crate::object::{Folio, Mapping, Process, Source};
use crate::platform::pci;

/// Register ranges that a device can have: a PCI function has its configuration space, and then one for each
/// base address register.
pub const RANGES_MAX: usize = 1 + pci::BARS;
/// Interrupts that a device can have.
pub const INTERRUPTS_MAX: usize = 4;
/// Folios that a device may reach.
pub const DMA_MAX: usize = 16;

/// One device of the machine.
pub struct Device {
    /// Its description for init.
    pub info: abi::DeviceInfo,
    /// Where its registers are: start and bytes.
    pub ranges: [(PhysAddr, usize); RANGES_MAX],
    /// Its interrupt numbers; of those that are messages, the ones that somebody has a handle to.
    pub interrupts: [u32; INTERRUPTS_MAX],
    /// What it is on the PCI bus, if it is there.
    pub pci: Option<pci::Function>,
    /// What it reaches, if the machine checks that.
    pub reach: Option<Reach>,
    /// Whether its interrupts are messages.
    pub sends_messages: bool,
    /// Who has it now.
    pub holder: Option<Id<Process>>,
    /// Handles to it.
    pub references: u32,
    /// Where its registers are mapped: by whom, and how. Each range is at most once.
    pub mapped: [Option<(Id<Process>, Id<Mapping>)>; RANGES_MAX],
    /// Its interrupts that somebody has a handle to.
    pub lines: [Option<Id<Interrupt>>; INTERRUPTS_MAX],
    /// What it may reach. The folios live until the device was reset (rule 16).
    pub dma: [Option<Id<Folio>>; DMA_MAX],
    /// It is the serial line that the kernel reports on.
    pub is_console: bool,
}

impl Device {
    /// A device that nobody has, without registers and interrupts so far.
    pub fn new(info: abi::DeviceInfo) -> Device {
        Device {
            info,
            ranges: [(PhysAddr(0), 0); RANGES_MAX],
            interrupts: [0; INTERRUPTS_MAX],
            pci: None,
            reach: None,
            sends_messages: false,
            holder: None,
            references: 0,
            mapped: [None; RANGES_MAX],
            lines: [None; INTERRUPTS_MAX],
            dma: [None; DMA_MAX],
            is_console: false,
        }
    }
}

/// A device's interrupt.
pub struct Interrupt {
    /// Whose it is, and which of its.
    pub device: (Id<Device>, u8),
    /// Its number at the interrupt controller.
    pub number: u32,
    /// How often it fired since its last event.
    pub count: u32,
    /// Whether it fired and its holder has not acknowledged that. Devices may share a number: it is masked until
    /// all have (rule 7).
    pub unacknowledged: bool,
    /// Where it is attached.
    pub source: Option<Id<Source>>,
    /// How many handles there are to it.
    pub references: u32,
}

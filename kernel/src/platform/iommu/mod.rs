//! The unit that checks what devices on the PCI bus read and write: an IOMMU.
//!
//! One kind is known, Arm's SMMUv3. On a machine without one, devices reach all memory.

mod smmu_v3;
#[cfg(test)]
mod tests;

use super::machine_info::{IommuInfo, PhysicalRange};
use super::registers::Registers;

pub use smmu_v3::{CONTEXTS_MAX, MEMORY_LEN, SmmuV3};

/// An access that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Who tried it.
    pub stream: u32,
    /// Where.
    pub address: u64,
}

/// Switches the unit on, with no device allowed anything. `map` maps registers and memory and tells where, for ever;
/// `publish` makes stores visible to devices.
///
/// # Safety
/// 1. `info` is true of this machine, and nobody else uses the unit.
/// 2. `memory` is [`MEMORY_LEN`] bytes on a multiple of 64 KiB, zeroed, and nobody else's.
pub unsafe fn start(
    info: &IommuInfo,
    map: &mut dyn FnMut(PhysicalRange) -> usize,
    memory: PhysicalRange,
    publish: fn(),
) -> SmmuV3 {
    let mut registers = |range: PhysicalRange| {
        let len = usize::try_from(range.len).unwrap_or(usize::MAX);
        // SAFETY: the caller's promises. What the unit reads and writes by itself is `memory`.
        unsafe { Registers::new(map(range), len) }
    };
    let unit = SmmuV3::new(
        registers(info.registers),
        registers(memory),
        memory.start,
        info.interrupt.number,
        publish,
    );
    unit.init();
    unit
}

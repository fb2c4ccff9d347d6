//! The frame that makes shared interrupts of a GICv2 of messages ("Server Base System Architecture 6.0"
//! (Arm DEN0029F), appendix E, "GICv2m Architecture").
//!
//! A message is a write of the interrupt's number to one register. Each of the interrupts that the frame
//! has is an edge of its own, so nothing is shared, and masking is the distributor's as ever.

use core::sync::atomic::{AtomicU64, Ordering};

use super::{Message, Registers};

const TYPE: usize = 0x008;
const SET: u64 = 0x040;
/// The most interrupts that are used.
const COUNT_MAX: u32 = 64;

/// A frame.
#[derive(Debug)]
pub struct GicV2m {
    /// Where devices find it.
    address: u64,
    first: u32,
    count: u32,
    /// A bit for each that is taken. Only touched under the kernel's lock.
    taken: AtomicU64,
}

impl GicV2m {
    pub(super) fn new(registers: Registers, address: u64) -> GicV2m {
        let kind = registers.read_u32(TYPE);
        GicV2m {
            address,
            first: kind >> 16 & 0x3ff,
            count: (kind & 0x3ff).min(COUNT_MAX),
            taken: AtomicU64::new(0),
        }
    }

    pub(super) fn take(&self) -> Option<Message> {
        let taken = self.taken.load(Ordering::Relaxed);
        let free = taken.trailing_ones();
        if free >= self.count {
            return None;
        }
        self.taken.store(taken | 1 << free, Ordering::Relaxed);
        Some(Message {
            number: self.first + free,
            address: self.address + SET,
            data: self.first + free,
        })
    }

    pub(super) fn give_back(&self, number: u32) {
        if let Some(place) = number.checked_sub(self.first).filter(|p| *p < self.count) {
            self.taken.fetch_and(!(1 << place), Ordering::Relaxed);
        }
    }
}

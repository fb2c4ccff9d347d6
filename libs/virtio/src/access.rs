//! The two things a driver needs from outside: a device's registers, and memory to share with it.

use ring::SharedMemory;

/// A device's registers, as one range of bytes. On the PCI bus, it is the configuration space, from which
/// [`Registers::beside`] leads to the others.
///
/// The implementer's duties: each call is one access of just that width, little-endian, never
/// merged, repeated or left out; and a write comes after all earlier writes to memory in the
/// view of the device (the device looks at memory when its notify register is written).
/// Offsets are aligned to the width. Outside the range an implementation may panic.
pub trait Registers {
    /// Reads a byte.
    fn read8(&self, offset: usize) -> u8;
    /// Reads two bytes.
    fn read16(&self, offset: usize) -> u16;
    /// Reads four bytes.
    fn read32(&self, offset: usize) -> u32;
    /// Writes a byte. Few devices have registers so narrow, so a fake of one that has none leaves this as it is.
    fn write8(&self, offset: usize, _value: u8) {
        unimplemented_width(offset);
    }
    /// Writes two bytes. As for a byte.
    fn write16(&self, offset: usize, _value: u16) {
        unimplemented_width(offset);
    }
    /// Writes four bytes.
    fn write32(&self, offset: usize, value: u32);
    /// Another range of the same device's registers, by number; each can be had once. None if there is no
    /// such range.
    fn beside(&self, _range: usize) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

fn unimplemented_width(offset: usize) -> ! {
    panic!("the register at {offset:#x} is written in words")
}

/// A piece of memory that the device can reach, contiguous in the device's eyes.
///
/// The implementer's duties beyond those of [`SharedMemory`]: the memory stays what it is, and
/// the device's, until the device has been reset, even if the driver is gone by then.
pub trait DmaMemory: SharedMemory {
    /// Reads two bytes at an even offset in one access.
    fn load_u16(&self, offset: usize, order: core::sync::atomic::Ordering) -> u16;
    /// Writes two bytes at an even offset in one access.
    fn store_u16(&self, offset: usize, value: u16, order: core::sync::atomic::Ordering);
    /// Where the device finds the first byte.
    fn device_address(&self, request: AddressRequest) -> u64;
}

impl<M: DmaMemory + ?Sized> DmaMemory for &M {
    fn load_u16(&self, offset: usize, order: core::sync::atomic::Ordering) -> u16 {
        (**self).load_u16(offset, order)
    }
    fn store_u16(&self, offset: usize, value: u16, order: core::sync::atomic::Ordering) {
        (**self).store_u16(offset, value, order)
    }
    fn device_address(&self, request: AddressRequest) -> u64 {
        (**self).device_address(request)
    }
}

/// The right to ask where memory is. Only this crate can make one, so a driver cannot get at
/// a device address even though it holds the memory.
pub struct AddressRequest(pub(crate) ());

/// A part of DMA memory, to be handed to the device. It holds the address and does not tell it.
#[derive(Clone, Copy)]
pub struct Segment {
    pub(crate) address: u64,
    pub(crate) len: u32,
}

impl Segment {
    /// `len` bytes of `memory` from `offset` on. `None` if they do not lie within it or are none.
    pub fn new(memory: &impl DmaMemory, offset: usize, len: usize) -> Option<Segment> {
        let end = offset.checked_add(len)?;
        if len == 0 || end > memory.len() {
            return None;
        }
        let address = memory
            .device_address(AddressRequest(()))
            .checked_add(offset as u64)?;
        Some(Segment {
            address,
            len: u32::try_from(len).ok()?,
        })
    }
}

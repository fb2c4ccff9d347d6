//! Memory that a component shares with others, and the registers of devices.
//!
//! A Rust reference onto memory that somebody else can write is undefined behaviour, and in
//! `kernel` isolation Rust is the only wall (rule 15). So a mapped [`Folio`] is [`SharedBytes`]:
//! copies go in and out, words are loaded and stored atomically, and no reference ever exists.
//! Devices' registers are [`Registers`], and memory that a device may reach is [`DmaBytes`]; both
//! implement the traits that `libs/virtio` drives a device through.

use alloc::rc::Rc;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use abi::Result;
use ring::SharedMemory;
use virtio::{AddressRequest, DmaMemory};

use crate::handle::{AsHandle, Device, Folio};
use crate::{gate, sys};

impl Folio {
    /// Maps all of it, for reading and writing.
    pub fn map(&self) -> Result<SharedBytes> {
        SharedBytes::new(self, true)
    }
    /// Maps all of it. Writing to the mapping would end the component.
    pub fn map_read_only(&self) -> Result<SharedBytes> {
        SharedBytes::new(self, false)
    }
}

impl Device {
    /// Maps its range of registers number `which`, counted from 0.
    pub fn registers(&self, which: usize) -> Result<Registers> {
        sys::device_map(self.handle(), which).map(|address| Registers { address })
    }

    /// Maps a contiguous folio and lets the device reach it, until the device has been reset.
    pub fn dma(&self, folio: &Folio) -> Result<DmaBytes> {
        let address = sys::device_dma(self.handle(), folio.handle())? as u64;
        Ok(DmaBytes {
            bytes: folio.map()?,
            address,
        })
    }
}

/// Mapped memory that somebody else may be writing. Clones are the same mapping, which ends with
/// the last of them.
///
/// ```
/// # let _system = testkit::System::new();
/// use core::sync::atomic::Ordering;
/// use ftl::prelude::*;
///
/// let memory = Folio::new(4096)?.map()?;
/// memory.store_u32(0, 7, Ordering::Release);
/// assert_eq!(memory.load_u32(0, Ordering::Acquire), 7);
/// // Copy once, and then look at the copy: the other side may change the memory at any time.
/// let mut line = [0; 16];
/// memory.read(0, &mut line);
/// assert_eq!(line[0], 7);
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedBytes(Rc<Mapping>);

#[derive(Debug)]
struct Mapping {
    address: usize,
    len: usize,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // In steps, if it is large. It cannot fail: this is a mapping, and it is unmapped once.
        while sys::folio_unmap(self.address) == Err(abi::Error::Again) {}
    }
}

impl SharedBytes {
    fn new(folio: &Folio, writable: bool) -> Result<SharedBytes> {
        let len = folio.len()?;
        let address = sys::folio_map(folio.handle(), 0, len, writable)?;
        Ok(SharedBytes(Rc::new(Mapping { address, len })))
    }

    /// The address of `len` bytes at `offset`.
    ///
    /// # Panics
    /// If they do not lie within the mapping, or are not aligned to `align`.
    #[inline(always)]
    fn at(&self, offset: usize, len: usize, align: usize) -> usize {
        let within = offset <= self.0.len && len <= self.0.len - offset;
        assert!(
            within && offset.is_multiple_of(align),
            "{len} bytes at {offset} are not within the {} bytes mapped, or not aligned",
            self.0.len
        );
        self.0.address + offset
    }
}

macro_rules! word_access {
    ($load:ident, $store:ident, $word:ty, $atomic:ty) => {
        #[inline]
        fn $load(&self, offset: usize, order: Ordering) -> $word {
            let at = self.at(offset, size_of::<$word>(), align_of::<$atomic>());
            // SAFETY: `at` has checked that the word lies in the mapping, which lives as long as
            // `self`, and is aligned (mappings begin at a page). Whoever else writes there does so
            // with atomic accesses, or is another program or a device.
            unsafe { <$atomic>::from_ptr(at as *mut $word) }.load(order)
        }
        #[inline]
        fn $store(&self, offset: usize, value: $word, order: Ordering) {
            let at = self.at(offset, size_of::<$word>(), align_of::<$atomic>());
            // SAFETY: as for loading; and no reference to this memory exists anywhere.
            unsafe { <$atomic>::from_ptr(at as *mut $word) }.store(value, order)
        }
    };
}

impl SharedBytes {
    word_access!(load_u16, store_u16, u16, AtomicU16);
    word_access!(load_word, store_word, u32, AtomicU32);
}

impl SharedMemory for SharedBytes {
    #[inline]
    fn len(&self) -> usize {
        self.0.len
    }
    #[inline]
    fn load_u32(&self, offset: usize, order: Ordering) -> u32 {
        self.load_word(offset, order)
    }
    #[inline]
    fn store_u32(&self, offset: usize, value: u32, order: Ordering) {
        self.store_word(offset, value, order)
    }
    fn read(&self, offset: usize, to: &mut [u8]) {
        let mut from = self.at(offset, to.len(), 1);
        let mut rest = to;
        // Words, if both sides can be aligned at once. What is ours may be written in any way.
        if (from ^ rest.as_ptr() as usize).is_multiple_of(8) {
            let head = from.wrapping_neg() % 8;
            if rest.len() >= head + 8 {
                let (bytes, others) = rest.split_at_mut(head);
                read_bytes(from, bytes);
                from += head;
                let words = others.len() / 8;
                let (bytes, others) = others.split_at_mut(words * 8);
                for word in bytes.chunks_exact_mut(8) {
                    // SAFETY: within the mapping, as `at` has checked, and aligned.
                    let value = unsafe { AtomicU64::from_ptr(from as *mut u64) };
                    let value = value.load(Ordering::Relaxed);
                    // SAFETY: `word` is 8 bytes, aligned because `from` is.
                    unsafe { word.as_mut_ptr().cast::<u64>().write(value) };
                    from += 8;
                }
                rest = others;
            }
        }
        read_bytes(from, rest);
    }
    fn write(&self, offset: usize, from: &[u8]) {
        let mut to = self.at(offset, from.len(), 1);
        let mut rest = from;
        if (to ^ rest.as_ptr() as usize).is_multiple_of(8) {
            let head = to.wrapping_neg() % 8;
            if rest.len() >= head + 8 {
                let (bytes, others) = rest.split_at(head);
                write_bytes(to, bytes);
                to += head;
                let (bytes, others) = others.split_at(others.len() / 8 * 8);
                for word in bytes.chunks_exact(8) {
                    // SAFETY: `word` is 8 bytes, aligned because `to` is.
                    let value = unsafe { word.as_ptr().cast::<u64>().read() };
                    // SAFETY: within the mapping, as `at` has checked, and aligned.
                    unsafe { AtomicU64::from_ptr(to as *mut u64) }.store(value, Ordering::Relaxed);
                    to += 8;
                }
                rest = others;
            }
        }
        write_bytes(to, rest);
    }
}

fn read_bytes(from: usize, to: &mut [u8]) {
    for (i, byte) in to.iter_mut().enumerate() {
        // SAFETY: the caller has checked that the bytes lie in a mapping.
        *byte = unsafe { AtomicU8::from_ptr((from + i) as *mut u8) }.load(Ordering::Relaxed);
    }
}

fn write_bytes(to: usize, from: &[u8]) {
    for (i, &byte) in from.iter().enumerate() {
        // SAFETY: as above.
        unsafe { AtomicU8::from_ptr((to + i) as *mut u8) }.store(byte, Ordering::Relaxed);
    }
}

/// Memory that a device can reach.
#[derive(Clone, Debug)]
pub struct DmaBytes {
    bytes: SharedBytes,
    address: u64,
}

impl SharedMemory for DmaBytes {
    #[inline]
    fn len(&self) -> usize {
        self.bytes.len()
    }
    #[inline]
    fn load_u32(&self, offset: usize, order: Ordering) -> u32 {
        self.bytes.load_u32(offset, order)
    }
    #[inline]
    fn store_u32(&self, offset: usize, value: u32, order: Ordering) {
        self.bytes.store_u32(offset, value, order)
    }
    fn read(&self, offset: usize, to: &mut [u8]) {
        self.bytes.read(offset, to)
    }
    fn write(&self, offset: usize, from: &[u8]) {
        self.bytes.write(offset, from)
    }
}

impl DmaMemory for DmaBytes {
    #[inline]
    fn load_u16(&self, offset: usize, order: Ordering) -> u16 {
        self.bytes.load_u16(offset, order)
    }
    #[inline]
    fn store_u16(&self, offset: usize, value: u16, order: Ordering) {
        self.bytes.store_u16(offset, value, order)
    }
    fn device_address(&self, _: AddressRequest) -> u64 {
        self.address
    }
}

/// A range of a device's registers. It stays mapped while the component lives.
#[derive(Debug)]
pub struct Registers {
    address: usize,
}

/// Most bytes of a range of registers that a driver reaches: one page, whatever its length.
const REGISTERS_LEN: usize = abi::PAGE_SIZE;

impl Registers {
    /// The address of a register.
    ///
    /// # Panics
    /// If it lies beyond the page that is mapped for sure, or is not aligned.
    #[inline(always)]
    fn at(&self, offset: usize, len: usize) -> usize {
        // Small devices may share a page: then the range begins within it.
        let room = REGISTERS_LEN - self.address % REGISTERS_LEN;
        assert!(
            offset + len <= room && offset.is_multiple_of(len),
            "no register at {offset:#x}"
        );
        self.address + offset
    }
}

impl virtio::Registers for Registers {
    #[inline]
    fn read8(&self, offset: usize) -> u8 {
        // SAFETY: `at` has checked that it lies in the page that the kernel mapped, and a volatile
        // read of a register harms no memory of ours.
        unsafe { (self.at(offset, 1) as *const u8).read_volatile() }
    }
    #[inline]
    fn read16(&self, offset: usize) -> u16 {
        // SAFETY: as above.
        unsafe { (self.at(offset, 2) as *const u16).read_volatile() }
    }
    #[inline]
    fn read32(&self, offset: usize) -> u32 {
        // SAFETY: as above.
        unsafe { (self.at(offset, 4) as *const u32).read_volatile() }
    }
    #[inline]
    fn write32(&self, offset: usize, value: u32) {
        // What was written to memory before must be seen by the device before this is.
        gate::device_fence();
        // SAFETY: as above. What the device does then is up to the driver, whom the kernel has
        // given the device; it can reach no memory but what `Device::dma` allows (rule 16).
        unsafe { (self.at(offset, 4) as *mut u32).write_volatile(value) }
    }
}

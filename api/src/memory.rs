//! Memory that a component shares with others, and the registers of devices.
//!
//! A Rust reference onto memory that somebody else can write is undefined behaviour, and in
//! `kernel` isolation Rust is the only wall (rule 15). So a mapped [`Folio`] is [`SharedBytes`]:
//! copies go in and out, words are loaded and stored atomically, and no reference ever exists.
//! Devices' registers are [`Registers`], and memory that a device may reach is [`DmaBytes`]; both
//! implement the traits that `libs/virtio` drives a device through.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use abi::{Handle, Result};
use ring::SharedMemory;
use virtio::{AddressRequest, DmaMemory};

use crate::handle::{AsHandle, Device, Folio};
use crate::{gate, sys};
use copy::copy;

/// Bytes of memory that the machine had for all components together when it started.
pub fn machine_len() -> u64 {
    gate::local().memory_len.get()
}

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
    /// Maps its range of registers number `which`, counted from 0. Of a PCI function, 0 is the configuration
    /// space, which can only be read, and base address register 0 has range 1.
    pub fn registers(&self, which: usize) -> Result<Registers> {
        Registers::map(self.handle(), which)
    }

    /// What the kernel has logged and nobody has shown on the machine's serial line, which this device is; empty if all was
    /// shown. From the first call on this driver shows the log, and not the kernel: the device's first
    /// interrupt tells of lines, too. [`abi::Error::Unsupported`] if the kernel does not report on this device.
    pub fn console_log(&self) -> Result<Vec<u8>> {
        let len = sys::console_log(self.handle())?;
        let mut page = [0; abi::MESSAGE_LEN_MAX];
        crate::buffer::read_received(&mut page);
        Ok(page.get(..len).unwrap_or_default().to_vec())
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
        let from = self.at(offset, to.len(), 1);
        let start = to.as_mut_ptr();
        // SAFETY: of both sides just `len` bytes are touched: `at` has checked that those of the
        // mapping lie in it, and those of ours are a slice that is ours alone.
        unsafe {
            copy(
                from,
                start as usize,
                to.len(),
                |at| AtomicU8::from_ptr(at as *mut u8).load(Ordering::Relaxed),
                |at| AtomicU64::from_ptr(at as *mut u64).load(Ordering::Relaxed),
                |at, byte| (at as *mut u8).write(byte),
                |at, word| (at as *mut u64).write(word),
            )
        }
    }
    fn write(&self, offset: usize, from: &[u8]) {
        let to = self.at(offset, from.len(), 1);
        let start = from.as_ptr();
        // SAFETY: as for reading.
        unsafe {
            copy(
                start as usize,
                to,
                from.len(),
                |at| (at as *const u8).read(),
                |at| (at as *const u64).read(),
                |at, byte| AtomicU8::from_ptr(at as *mut u8).store(byte, Ordering::Relaxed),
                |at, word| AtomicU64::from_ptr(at as *mut u64).store(word, Ordering::Relaxed),
            )
        }
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

/// A range of a device's registers. It stays mapped while the component has the device.
#[derive(Debug)]
pub struct Registers {
    device: Handle,
    address: usize,
    len: usize,
}

impl Registers {
    fn map(device: Handle, which: usize) -> Result<Registers> {
        let (address, range) = sys::device_map(device, which)?;
        Ok(Registers {
            device,
            address,
            len: range.len as usize,
        })
    }

    /// The address of a register.
    ///
    /// # Panics
    /// If it lies beyond what is mapped, or is not aligned.
    #[inline(always)]
    fn at(&self, offset: usize, len: usize) -> usize {
        assert!(
            offset < self.len && len <= self.len - offset && offset.is_multiple_of(len),
            "no register at {offset:#x}"
        );
        self.address + offset
    }
}

impl virtio::Registers for Registers {
    #[inline]
    fn read8(&self, offset: usize) -> u8 {
        // SAFETY: `at` has checked that it lies in the range that the kernel mapped, and a volatile
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
    fn write8(&self, offset: usize, value: u8) {
        gate::device_fence();
        // SAFETY: as for `write32`.
        unsafe { (self.at(offset, 1) as *mut u8).write_volatile(value) }
    }
    #[inline]
    fn write16(&self, offset: usize, value: u16) {
        gate::device_fence();
        // SAFETY: as for `write32`.
        unsafe { (self.at(offset, 2) as *mut u16).write_volatile(value) }
    }
    fn beside(&self, range: usize) -> Option<Registers> {
        Registers::map(self.device, range).ok()
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

//! Access to a device's registers.

/// The registers of one device, mapped somewhere. Every access is checked against their length.
#[derive(Debug)]
pub(super) struct Registers {
    base: usize,
    len: usize,
}

impl Registers {
    /// # Safety
    /// 1. `len` bytes at the virtual address `base` are a device's registers (or, in a test,
    ///    memory), mapped readable and writable, for as long as this value is used.
    /// 2. Reading and writing them does not break memory safety, whatever the values: the device
    ///    does no DMA.
    /// 3. `base` is a multiple of 8.
    pub(super) const unsafe fn new(base: usize, len: usize) -> Registers {
        Registers { base, len }
    }

    pub(super) fn read_u8(&self, offset: usize) -> u8 {
        // SAFETY: `address` has checked bounds and alignment, the rest is `new`'s contract.
        unsafe { self.address::<u8>(offset).read_volatile() }
    }

    pub(super) fn write_u8(&self, offset: usize, value: u8) {
        // SAFETY: as in `read_u8`.
        unsafe { self.address::<u8>(offset).write_volatile(value) }
    }

    pub(super) fn read_u32(&self, offset: usize) -> u32 {
        // SAFETY: as in `read_u8`.
        unsafe { self.address::<u32>(offset).read_volatile() }
    }

    pub(super) fn write_u32(&self, offset: usize, value: u32) {
        // SAFETY: as in `read_u8`.
        unsafe { self.address::<u32>(offset).write_volatile(value) }
    }

    pub(super) fn read_u64(&self, offset: usize) -> u64 {
        // SAFETY: as in `read_u8`.
        unsafe { self.address::<u64>(offset).read_volatile() }
    }

    pub(super) fn write_u64(&self, offset: usize, value: u64) {
        // SAFETY: as in `read_u8`.
        unsafe { self.address::<u64>(offset).write_volatile(value) }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn address<T>(&self, offset: usize) -> *mut T {
        let size = size_of::<T>();
        assert!(offset.is_multiple_of(size) && offset <= self.len && size <= self.len - offset);
        core::ptr::with_exposed_provenance_mut(self.base + offset)
    }
}

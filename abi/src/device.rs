//! How devices are described to the component that hands them to drivers.

/// Most bytes of a device's `compatible` list.
pub const DEVICE_COMPATIBLE_LEN: usize = 128;

/// What [`crate::Call::DeviceMap`] answers besides the address.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DeviceRange {
    /// How many bytes of registers there are.
    pub len: u64,
}

/// One device of the machine, as found in the device tree or on the PCI bus.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct DeviceInfo {
    /// Its `compatible` strings, most specific first, each ended by a zero byte.
    pub compatible: [u8; DEVICE_COMPATIBLE_LEN],
    /// How many bytes of `compatible` are used.
    pub compatible_len: u32,
    /// How many ranges of registers it has. A PCI function has its configuration space, which can only be read,
    /// and then one for each base address register, some of which may be missing.
    pub mmio_count: u32,
    /// How many interrupts it has.
    pub interrupt_count: u32,
    /// For `virtio,mmio` and `virtio,pci`: the virtio device id (0: nothing plugged in, 1: network, 2: block,
    /// 3: console, 4: entropy); otherwise 0. Source: virtio 1.2, chapter 5.
    pub virtio_id: u32,
    /// Where its first range begins. It tells devices of a kind apart; it is of no other use,
    /// since only [`crate::Call::DeviceMap`] maps it.
    pub unit_address: u64,
}

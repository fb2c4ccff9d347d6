//! Where things are in the address space: 48 bits, two halves of 256 TiB with a table each.
//!
//! | from | what |
//! |---|---|
//! | `0x0000_0010_0000_0000` | components under `user` isolation, each in its own table |
//! | `0x0000_007f_ffff_f000` | the page with the user gate |
//! | `0xffff_0000_0000_0000` | all physical memory and the registers that the kernel uses, writable, never executable |
//! | `0xffff_8000_0000_0000` | components under `kernel` isolation |
//! | `0xffff_c000_0000_0000` | kernel stacks, one slot a CPU, and windows for writing code frames |
//! | `0xffff_ffff_8000_0000` | the kernel's image |

use crate::memory::PhysAddr;

/// Components under `user` isolation: start and bytes.
pub const USER_AREA: (usize, usize) = (0x10_0000_0000, 64 << 30);
/// The page with the user gate: the last one of the 512 GiB that [`USER_AREA`] lies in, so that
/// both share a table.
pub const USER_GATE: usize = 0x7f_ffff_f000;
/// All physical memory, up to 512 GiB.
pub const DIRECT_MAP: usize = 0xffff_0000_0000_0000;
/// Bytes of that map.
pub const DIRECT_MAP_LEN: usize = 512 << 30;
/// Components under `kernel` isolation: start and bytes.
pub const KERNEL_COMPONENT_AREA: (usize, usize) = (0xffff_8000_0000_0000, 16 << 30);
/// Kernel stacks.
pub const STACKS: usize = 0xffff_c000_0000_0000;
/// Bytes of one CPU's slot. Its stack lies at the end, its window page in the middle.
pub const STACK_SLOT_LEN: usize = 4 << 20;
/// Bytes of a kernel stack.
pub const STACK_LEN: usize = 32 << 10;
/// The kernel's image, as in `kernel.ld`.
pub const IMAGE: usize = 0xffff_ffff_8000_0000;

/// The end of a CPU's kernel stack.
pub const fn stack_end(cpu: usize) -> usize {
    STACKS + (cpu + 1) * STACK_SLOT_LEN
}

/// The page through which a CPU writes code frames.
pub const fn window(cpu: usize) -> usize {
    STACKS + cpu * STACK_SLOT_LEN + STACK_SLOT_LEN / 2
}

/// Where physical memory is seen. All of it lies below the map's length, a power of two.
#[inline(always)]
pub const fn direct(address: PhysAddr) -> usize {
    DIRECT_MAP | address.0 as usize
}

/// Where the first byte of physical memory is seen: the same for all on this machine.
#[derive(Clone, Copy)]
pub struct MemoryBase;

impl MemoryBase {
    /// Before there is any memory.
    pub const UNSET: MemoryBase = MemoryBase;

    /// That of a machine.
    pub fn of(_machine: &super::Machine) -> MemoryBase {
        MemoryBase
    }

    /// How far an address is from the first byte.
    pub fn distance(address: PhysAddr) -> usize {
        address.0 as usize
    }

    /// Where memory at this distance is seen.
    #[inline(always)]
    pub fn at(self, distance: usize) -> *mut u8 {
        (DIRECT_MAP | distance) as *mut u8
    }
}

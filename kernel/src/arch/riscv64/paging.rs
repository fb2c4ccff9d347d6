//! Page tables: Sv39 (RISC-V privileged architecture, section "Sv39").
//!
//! Three levels of 512 entries. The upper half of each root is the same in all address spaces
//! and filled once at boot, so what is mapped there later appears in all of them (rule 13).

use abi::{PAGE_SIZE, Result};

use super::layout::{DIRECT_MAP, KERNEL_COMPONENT_AREA, USER_GATE};
use super::sbi;
use crate::arch::{Leaf, Permission};
use crate::memory::{Memory, PhysAddr};

const VALID: u64 = 1 << 0;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 3;
const USER: u64 = 1 << 4;
const GLOBAL: u64 = 1 << 5;
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;

const ENTRIES: usize = 512;
/// Mode Sv39 in `satp`.
const MODE_SV39: u64 = 8 << 60;

fn bits(permission: Permission, user: bool) -> u64 {
    let rights = match permission {
        Permission::Read | Permission::DeviceRead => READ,
        Permission::ReadWrite | Permission::Device => READ | WRITE,
        Permission::Execute => READ | EXECUTE,
    };
    rights | VALID | ACCESSED | DIRTY | if user { USER } else { GLOBAL }
}

fn entry(address: PhysAddr, bits: u64) -> u64 {
    (address.0 >> 12) << 10 | bits
}

fn target(entry: u64) -> PhysAddr {
    PhysAddr((entry >> 10 & 0xfff_ffff_ffff) << 12)
}

fn index(address: usize, level: usize) -> usize {
    address >> (12 + 9 * level) & (ENTRIES - 1)
}

/// The translations of one address space.
#[derive(Clone, Copy)]
pub struct PageTable {
    root: PhysAddr,
    /// Tells address spaces apart in the TLB; 0 is the kernel's.
    identifier: u16,
}

impl PageTable {
    /// A root that exists already: the kernel's.
    pub const fn from_root(root: PhysAddr) -> PageTable {
        PageTable {
            root,
            identifier: 0,
        }
    }

    /// A table for a component under `user` isolation: the kernel's half, and the gate.
    pub fn new_user(memory: &mut Memory) -> Result<PageTable> {
        let root = memory.allocate_zeroed()?;
        let kernel = memory.machine.kernel_table().root;
        for i in ENTRIES / 2..ENTRIES {
            let shared = memory.read_u64(kernel.offset(i * 8));
            memory.write_u64(root.offset(i * 8), shared);
        }
        let mut table = PageTable {
            root,
            identifier: 0,
        };
        let gate = memory.machine.user_gate_frame();
        if let Err(error) = table.prepare(memory, USER_GATE, 1) {
            table.destroy(memory);
            return Err(error);
        }
        table.map(memory, USER_GATE, gate, Permission::Execute, true);
        Ok(table)
    }

    /// Gives the space a number that no other living space has.
    pub fn set_identifier(&mut self, number: u32) {
        self.identifier = (number & 0xffff) as u16;
    }

    /// What `satp` must hold for this address space.
    pub fn satp(&self) -> u64 {
        MODE_SV39 | u64::from(self.identifier) << 44 | self.root.0 >> 12
    }

    /// Leaf tables that a range of its own granules needs.
    pub const fn leaf_tables(pages: usize) -> usize {
        pages.div_ceil(ENTRIES)
    }

    /// Frames of a new table: the root, and two for the gate.
    pub const OWN_FRAMES: usize = 3;

    /// Tables above the last level that a range still lacks. They stay until the whole table goes.
    pub fn missing_upper(&self, memory: &Memory, address: usize, pages: usize) -> usize {
        let last = address + pages * PAGE_SIZE - 1;
        (address >> 30..=last >> 30)
            .filter(|gib| {
                let slot = self.root.offset((gib & (ENTRIES - 1)) * 8);
                memory.read_u64(slot) & VALID == 0
            })
            .count()
    }

    /// Makes all tables for a range, so that mapping in it cannot fail. On error nothing of
    /// the range has a leaf table.
    pub fn prepare(&mut self, memory: &mut Memory, address: usize, pages: usize) -> Result<()> {
        let mut at = address & !(ENTRIES * PAGE_SIZE - 1);
        while at < address + pages * PAGE_SIZE {
            let mut table = self.root;
            for level in [2, 1] {
                let slot = table.offset(index(at, level) * 8);
                let mut value = memory.read_u64(slot);
                if value & VALID == 0 {
                    match memory.allocate_zeroed() {
                        Ok(frame) => value = entry(frame, VALID),
                        Err(error) => {
                            let pages = (at - address.min(at)) / PAGE_SIZE;
                            self.release(memory, address, pages, u32::MAX);
                            return Err(error);
                        }
                    }
                    memory.write_u64(slot, value);
                }
                table = target(value);
            }
            at += ENTRIES * PAGE_SIZE;
        }
        Ok(())
    }

    /// Frees the leaf tables of a range in which nothing is mapped any more.
    pub fn release(&mut self, memory: &mut Memory, address: usize, pages: usize, seen_by: u32) {
        let mut at = address & !(ENTRIES * PAGE_SIZE - 1);
        while at < address + pages * PAGE_SIZE {
            if let Some((slot, leaf)) = self.leaf_table(memory, at)
                && leaf != 0
            {
                memory.write_u64(slot, 0);
                if leaf & VALID != 0 {
                    // The walk itself may be cached: it goes before the table can be reused.
                    self.flush(&memory.machine, at, 1, seen_by);
                }
                memory.free(target(leaf));
            }
            at += ENTRIES * PAGE_SIZE;
        }
    }

    /// Lets nothing be found any more in a range: its leaf tables are cut off, and stay until they are
    /// released. [`PageTable::flush_all`] makes it take effect.
    pub fn unlink(&mut self, memory: &mut Memory, address: usize, pages: usize) {
        let mut at = address & !(ENTRIES * PAGE_SIZE - 1);
        while at < address + pages * PAGE_SIZE {
            if let Some((slot, leaf)) = self.leaf_table(memory, at) {
                // What an entry that is not valid holds besides is ours.
                memory.write_u64(slot, leaf & !VALID);
            }
            at += ENTRIES * PAGE_SIZE;
        }
    }

    /// The entry of the leaf table for an address: where it is, and what it holds.
    fn leaf_table(&self, memory: &Memory, address: usize) -> Option<(PhysAddr, u64)> {
        let middle = memory.read_u64(self.root.offset(index(address, 2) * 8));
        let slot = target(middle).offset(index(address, 1) * 8);
        (middle & VALID != 0).then(|| (slot, memory.read_u64(slot)))
    }

    fn leaf_slot(&self, memory: &Memory, address: usize) -> Option<PhysAddr> {
        let mut table = self.root;
        for level in [2, 1] {
            let value = memory.read_u64(table.offset(index(address, level) * 8));
            if value & VALID == 0 || value & (READ | WRITE | EXECUTE) != 0 {
                return None;
            }
            table = target(value);
        }
        Some(table.offset(index(address, 0) * 8))
    }

    /// Maps one page in a range that was prepared.
    pub fn map(
        &mut self,
        memory: &Memory,
        address: usize,
        frame: PhysAddr,
        permission: Permission,
        user: bool,
    ) {
        let slot = self
            .leaf_slot(memory, address)
            .expect("mapped only where tables were made");
        let value = entry(frame, bits(permission, user));
        // SAFETY: the slot lies in a table of ours. Volatile, since the hardware reads it.
        unsafe {
            memory
                .machine
                .memory(slot)
                .cast::<u64>()
                .write_volatile(value)
        };
        // An implementation may have cached that there was nothing.
        // SAFETY: the instruction only drops translations.
        unsafe { core::arch::asm!("sfence.vma {0}, zero", in(reg) address, options(nostack)) };
    }

    /// Removes one page's translation; [`PageTable::flush`] makes it take effect.
    pub fn unmap(&mut self, memory: &Memory, address: usize) {
        if let Some(slot) = self.leaf_slot(memory, address) {
            // SAFETY: as in `map`.
            unsafe { memory.machine.memory(slot).cast::<u64>().write_volatile(0) };
        }
    }

    /// Hands out each page that is mapped. In a `user` space that is its own half; the other one must be the
    /// kernel's.
    pub fn each_leaf(&self, memory: &Memory, seen: &mut dyn FnMut(Leaf)) {
        let kernel = memory.machine.kernel_table().root;
        let mut own = 0..ENTRIES;
        if self.root != kernel {
            own.end = ENTRIES / 2;
            for i in own.end..ENTRIES {
                let (here, there) = (self.root.offset(i * 8), kernel.offset(i * 8));
                let is_shared = memory.read_u64(here) == memory.read_u64(there);
                assert!(is_shared, "entry {i} is not the kernel's");
            }
        }
        each_leaf_below(memory, self.root, 2, own, 0, seen);
    }

    /// The frame and entry bits at an address, following large pages: for tests that walk tables.
    pub fn translate(&self, memory: &Memory, address: usize) -> Option<(PhysAddr, u64)> {
        let mut table = self.root;
        for level in [2, 1, 0] {
            let value = memory.read_u64(table.offset(index(address, level) * 8));
            if value & VALID == 0 {
                return None;
            }
            if value & (READ | WRITE | EXECUTE) != 0 {
                let within = address & ((1 << (12 + 9 * level)) - 1);
                return Some((target(value).offset(within), value & 0x3ff));
            }
            table = target(value);
        }
        None
    }

    /// Makes every CPU forget what it knows of some pages: those in `seen_by` at once, bit n for CPU n,
    /// and the others, which do not have this address space loaded, before they load another one.
    pub fn flush(&self, machine: &super::Machine, address: usize, pages: usize, seen_by: u32) {
        self.flush_range(machine, address, pages * PAGE_SIZE, seen_by);
    }

    /// Makes every CPU forget all of this address space.
    pub fn flush_all(&self, machine: &super::Machine, seen_by: u32) {
        self.flush_range(machine, 0, usize::MAX, seen_by);
    }

    fn flush_range(&self, machine: &super::Machine, start: usize, len: usize, seen_by: u32) {
        machine.flush_cpus(seen_by, |mask| match self.identifier {
            // Pages of the kernel are global: they have no identifier.
            0 => sbi::remote_sfence(mask, start, len),
            identifier => sbi::remote_sfence_identifier(mask, start, len, identifier.into()),
        });
    }

    /// Frees the tables of a `user` address space; its ranges were released before.
    pub fn destroy(mut self, memory: &mut Memory) {
        // Leaf tables went with their ranges; only the gate's is left, if making the table came so far.
        self.release(memory, USER_GATE, 1, 0);
        for i in 0..ENTRIES / 2 {
            let middle = memory.read_u64(self.root.offset(i * 8));
            if middle & VALID != 0 {
                memory.free(target(middle));
            }
        }
        memory.free(self.root);
    }
}

/// Each page that some entries of a table lead to. The first entry of all is for `base`.
fn each_leaf_below(
    memory: &Memory,
    table: PhysAddr,
    level: usize,
    entries: core::ops::Range<usize>,
    base: usize,
    seen: &mut dyn FnMut(Leaf),
) {
    for i in entries {
        let value = memory.read_u64(table.offset(i * 8));
        // Addresses of 39 bits, whose highest one goes on to the left.
        let address = ((base + (i << (12 + 9 * level))) << 25) as isize >> 25;
        let address = address as usize;
        if value & VALID == 0 {
            continue;
        }
        if value & (READ | WRITE | EXECUTE) == 0 {
            each_leaf_below(memory, target(value), level - 1, 0..ENTRIES, address, seen);
            continue;
        }
        seen(Leaf {
            address,
            frame: target(value),
            pages: 1 << (9 * level),
            writable: value & WRITE != 0,
            executable: value & EXECUTE != 0,
            user: value & USER != 0,
        });
    }
}

/// Builds the kernel's table at boot, from frames that `allocate` gives, zeroed.
pub struct Builder<'a> {
    root: PhysAddr,
    allocate: &'a mut dyn FnMut() -> PhysAddr,
    read: fn(PhysAddr) -> *mut u64,
}

impl<'a> Builder<'a> {
    /// An empty table.
    pub fn new(read: fn(PhysAddr) -> *mut u64, allocate: &'a mut dyn FnMut() -> PhysAddr) -> Self {
        Builder {
            root: allocate(),
            allocate,
            read,
        }
    }

    fn slot(&mut self, address: usize, level: usize) -> *mut u64 {
        let mut table = self.root;
        for l in (level + 1..=2).rev() {
            let slot = (self.read)(table).wrapping_add(index(address, l));
            // SAFETY: tables are frames that `allocate` gave; nobody else refers to them.
            let value = unsafe { slot.read() };
            let value = if value & VALID == 0 {
                let new = entry((self.allocate)(), VALID);
                // SAFETY: as above.
                unsafe { slot.write(new) };
                new
            } else {
                value
            };
            table = target(value);
        }
        (self.read)(table).wrapping_add(index(address, level))
    }

    /// Maps one page of 4 KiB.
    pub fn page(&mut self, address: usize, frame: PhysAddr, permission: Permission) {
        let slot = self.slot(address, 0);
        // SAFETY: the slot lies in one of the tables.
        unsafe { slot.write(entry(frame, bits(permission, false))) };
    }

    /// Maps one page of 4 KiB, unless something is mapped there.
    pub fn page_if_missing(&mut self, address: usize, frame: PhysAddr, permission: Permission) {
        let slot = self.slot(address, 0);
        // SAFETY: the slot lies in one of the tables.
        if unsafe { slot.read() } & VALID == 0 {
            self.page(address, frame, permission);
        }
    }

    /// Maps one page of 2 MiB, unless something is mapped there.
    pub fn large_page(&mut self, address: usize, frame: PhysAddr, permission: Permission) {
        let slot = self.slot(address, 1);
        // SAFETY: the slot lies in one of the tables.
        unsafe {
            if slot.read() & VALID == 0 {
                slot.write(entry(frame, bits(permission, false)));
            }
        }
    }

    /// Makes the middle tables of the area for components, so that every root has them.
    pub fn finish(mut self) -> PageTable {
        let (start, len) = KERNEL_COMPONENT_AREA;
        for gib in 0..len >> 30 {
            self.slot(start + (gib << 30), 1);
        }
        PageTable::from_root(self.root)
    }
}

/// Makes the 2 MiB of the direct map at `base` read-only (rule 13), or writable again.
pub fn set_direct_block(
    memory_at: fn(PhysAddr) -> *mut u64,
    kernel: &PageTable,
    base: PhysAddr,
    writable: bool,
) {
    let address = DIRECT_MAP + base.0 as usize;
    let top = memory_at(kernel.root).wrapping_add(index(address, 2));
    // SAFETY: the direct map's tables were made at boot and are never freed.
    unsafe {
        let middle = memory_at(target(top.read())).wrapping_add(index(address, 1));
        let value = middle.read();
        assert!(value & READ != 0, "the block is mapped as one page");
        assert!((value & WRITE == 0) == writable, "it is changed back");
        middle.write_volatile(value ^ WRITE);
    }
}

/// Points the window page at `address` to a frame, writable, or to nothing.
pub fn set_window(
    memory_at: fn(PhysAddr) -> *mut u64,
    kernel: &PageTable,
    address: usize,
    frame: Option<PhysAddr>,
) {
    let mut table = kernel.root;
    for level in [2, 1] {
        // SAFETY: the window's tables were made at boot.
        table = target(unsafe { memory_at(table).wrapping_add(index(address, level)).read() });
    }
    let value = frame.map_or(0, |frame| entry(frame, bits(Permission::ReadWrite, false)));
    // SAFETY: the leaf table of the window, which only this CPU uses.
    unsafe {
        memory_at(table)
            .wrapping_add(index(address, 0))
            .write_volatile(value);
        core::arch::asm!("sfence.vma {0}, zero", in(reg) address, options(nostack));
    }
}

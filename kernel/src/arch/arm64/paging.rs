//! Page tables: VMSAv8-64 with 4 KiB pages and 48-bit addresses (Arm ARM DDI 0487J, chapter D8).
//!
//! Four levels of 512 entries; as in the rest of the kernel, level 0 is the one that maps pages
//! (Arm counts the other way). The upper half has a root of its own (TTBR1), so what the kernel
//! maps appears in all address spaces (rule 13). A `user` space's root is in TTBR0, with an ASID;
//! translations of the upper half are global.
//!
//! No entry is ever writable and executable, and nothing that user mode may execute can be
//! executed by the kernel (PXN), nor the other way round (UXN).

use core::arch::asm;

use abi::{PAGE_SIZE, Result};

use super::layout::{DIRECT_MAP, KERNEL_COMPONENT_AREA, USER_GATE};
use crate::arch::{Leaf, Permission};
use crate::memory::{Memory, PhysAddr};

// D8.3, "Translation table descriptor formats".
const VALID: u64 = 1 << 0;
/// At level 0 a page, above a table; without it, above, a large page.
const TABLE_OR_PAGE: u64 = 1 << 1;
/// Registers of devices: `MAIR_EL1` attribute 1; memory is attribute 0.
const DEVICE: u64 = 1 << 2;
const USER: u64 = 1 << 6;
const READ_ONLY: u64 = 1 << 7;
const INNER_SHAREABLE: u64 = 3 << 8;
const ACCESSED: u64 = 1 << 10;
const NOT_GLOBAL: u64 = 1 << 11;
const KERNEL_EXECUTES_NOT: u64 = 1 << 53;
const USER_EXECUTES_NOT: u64 = 1 << 54;
const ADDRESS: u64 = 0x0000_ffff_ffff_f000;

const ENTRIES: usize = 512;
const TABLES: [usize; 3] = [3, 2, 1];

const fn bits(permission: Permission, user: bool) -> u64 {
    let execute = match permission {
        Permission::Execute if user => KERNEL_EXECUTES_NOT,
        Permission::Execute => USER_EXECUTES_NOT,
        _ => KERNEL_EXECUTES_NOT | USER_EXECUTES_NOT,
    };
    let rights = match permission {
        Permission::Read | Permission::Execute => READ_ONLY,
        Permission::ReadWrite => 0,
        Permission::Device => DEVICE,
        Permission::DeviceRead => DEVICE | READ_ONLY,
    };
    let whose = if user { USER | NOT_GLOBAL } else { 0 };
    execute | rights | whose | VALID | ACCESSED | INNER_SHAREABLE
}

/// What the module's second promise says, of each kind of page: checked when this is compiled.
const _: () = {
    const NOBODY_EXECUTES: u64 = KERNEL_EXECUTES_NOT | USER_EXECUTES_NOT;
    let data = [
        Permission::Read,
        Permission::ReadWrite,
        Permission::Device,
        Permission::DeviceRead,
    ];
    let mut i = 0;
    while i < data.len() {
        assert!(bits(data[i], true) & NOBODY_EXECUTES == NOBODY_EXECUTES);
        assert!(bits(data[i], false) & NOBODY_EXECUTES == NOBODY_EXECUTES);
        i += 1;
    }
    let (user, kernel) = (
        bits(Permission::Execute, true),
        bits(Permission::Execute, false),
    );
    assert!(user & NOBODY_EXECUTES == KERNEL_EXECUTES_NOT && user & READ_ONLY != 0);
    assert!(kernel & NOBODY_EXECUTES == USER_EXECUTES_NOT && kernel & READ_ONLY != 0);
    // Translations of one address space are never taken for another's, nor the kernel's for a user's.
    assert!(user & (USER | NOT_GLOBAL) == USER | NOT_GLOBAL);
    assert!(kernel & (USER | NOT_GLOBAL) == 0);
};

fn target(entry: u64) -> PhysAddr {
    PhysAddr(entry & ADDRESS)
}

fn is_table(entry: u64) -> bool {
    entry & (VALID | TABLE_OR_PAGE) == VALID | TABLE_OR_PAGE
}

fn index(address: usize, level: usize) -> usize {
    address >> (12 + 9 * level) & (ENTRIES - 1)
}

/// Makes what was written to tables visible to the hardware's walks before what follows
/// (D8.15, "Ordering of translation table updates").
fn publish() {
    // SAFETY: barriers change nothing.
    unsafe { asm!("dsb ishst", "isb", options(nostack, preserves_flags)) };
}

/// Waits until every CPU has dropped what it was told to drop.
fn finish_flush() {
    // SAFETY: barriers change nothing.
    unsafe { asm!("dsb ish", "isb", options(nostack, preserves_flags)) };
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

    /// A table for a component under `user` isolation, with nothing in it but the gate.
    pub fn new_user(memory: &mut Memory) -> Result<PageTable> {
        let mut table = PageTable {
            root: memory.allocate_zeroed()?,
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

    /// What TTBR0_EL1 (or, for the kernel's, TTBR1_EL1) must hold for this address space.
    pub fn ttbr(&self) -> u64 {
        u64::from(self.identifier) << 48 | self.root.0
    }

    /// Leaf tables that a range of its own granules needs.
    pub const fn leaf_tables(pages: usize) -> usize {
        pages.div_ceil(ENTRIES)
    }

    /// Frames of a new table: the root, and three for the gate.
    pub const OWN_FRAMES: usize = 4;

    /// Tables above the last level that a range still lacks. They stay until the whole table goes.
    /// Those two levels up are there: a range shares them with the gate, or with all of the kernel.
    pub fn missing_upper(&self, memory: &Memory, address: usize, pages: usize) -> usize {
        let last = address + pages * PAGE_SIZE - 1;
        (address >> 30..=last >> 30)
            .filter(|gib| {
                let slot = self.slot(memory, gib << 30, 2);
                slot.is_none_or(|slot| memory.read_u64(slot) & VALID == 0)
            })
            .count()
    }

    /// Makes all tables for a range, so that mapping in it cannot fail. On error nothing of
    /// the range has a leaf table.
    pub fn prepare(&mut self, memory: &mut Memory, address: usize, pages: usize) -> Result<()> {
        let mut at = address & !(ENTRIES * PAGE_SIZE - 1);
        while at < address + pages * PAGE_SIZE {
            let mut table = self.root;
            for level in TABLES {
                let slot = table.offset(index(at, level) * 8);
                let mut value = memory.read_u64(slot);
                if value & VALID == 0 {
                    match memory.allocate_zeroed() {
                        Ok(frame) => value = frame.0 | TABLE_OR_PAGE | VALID,
                        Err(error) => {
                            let pages = (at - address.min(at)) / PAGE_SIZE;
                            self.release(memory, address, pages, u32::MAX);
                            return Err(error);
                        }
                    }
                    // The zeros in the new table come before the entry that leads to it.
                    publish();
                    memory.write_u64(slot, value);
                }
                table = target(value);
            }
            at += ENTRIES * PAGE_SIZE;
        }
        publish();
        Ok(())
    }

    /// Frees the leaf tables of a range in which nothing is mapped any more.
    pub fn release(&mut self, memory: &mut Memory, address: usize, pages: usize, seen_by: u32) {
        let mut at = address & !(ENTRIES * PAGE_SIZE - 1);
        while at < address + pages * PAGE_SIZE {
            if let Some(slot) = self.slot(memory, at, 1) {
                let leaf = memory.read_u64(slot);
                if leaf != 0 {
                    memory.write_u64(slot, 0);
                    if leaf & VALID != 0 {
                        // The walk itself may be cached: it goes before the table can be reused.
                        self.flush(&memory.machine, at, 1, seen_by);
                    }
                    memory.free(target(leaf));
                }
            }
            at += ENTRIES * PAGE_SIZE;
        }
    }

    /// Lets nothing be found any more in a range: its leaf tables are cut off, and stay until they are
    /// released. [`PageTable::flush_all`] makes it take effect.
    pub fn unlink(&mut self, memory: &mut Memory, address: usize, pages: usize) {
        let mut at = address & !(ENTRIES * PAGE_SIZE - 1);
        while at < address + pages * PAGE_SIZE {
            if let Some(slot) = self.slot(memory, at, 1) {
                // What an entry that is not valid holds besides is ours.
                let leaf = memory.read_u64(slot);
                memory.write_u64(slot, leaf & !VALID);
            }
            at += ENTRIES * PAGE_SIZE;
        }
    }

    /// The entry for `address` at `level`, if the tables above it are there.
    fn slot(&self, memory: &Memory, address: usize, level: usize) -> Option<PhysAddr> {
        let mut table = self.root;
        for above in (level + 1..=3).rev() {
            let value = memory.read_u64(table.offset(index(address, above) * 8));
            if !is_table(value) {
                return None;
            }
            table = target(value);
        }
        Some(table.offset(index(address, level) * 8))
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
            .slot(memory, address, 0)
            .expect("mapped only where tables were made");
        let value = frame.0 | bits(permission, user) | TABLE_OR_PAGE;
        // SAFETY: the slot lies in a table of ours. Volatile, since the hardware reads it.
        unsafe {
            memory
                .machine
                .memory(slot)
                .cast::<u64>()
                .write_volatile(value)
        };
        // That there was nothing is never cached (D8.14.1), so there is nothing to drop.
        publish();
    }

    /// Removes one page's translation; [`PageTable::flush`] makes it take effect.
    pub fn unmap(&mut self, memory: &Memory, address: usize) {
        if let Some(slot) = self.slot(memory, address, 0) {
            // SAFETY: as in `map`.
            unsafe { memory.machine.memory(slot).cast::<u64>().write_volatile(0) };
        }
    }

    /// Hands out each page that is mapped.
    pub fn each_leaf(&self, memory: &Memory, seen: &mut dyn FnMut(Leaf)) {
        let base = match self.identifier {
            0 => DIRECT_MAP,
            _ => 0,
        };
        each_leaf_below(memory, self.root, 3, base, seen);
    }

    /// The frame and entry bits at an address, following large pages: for tests that walk tables.
    pub fn translate(&self, memory: &Memory, address: usize) -> Option<(PhysAddr, u64)> {
        for level in 0..3 {
            let Some(slot) = self.slot(memory, address, level) else {
                continue;
            };
            let value = memory.read_u64(slot);
            if value & VALID == 0 || level > 0 && is_table(value) {
                return None;
            }
            let within = address & ((1 << (12 + 9 * level)) - 1);
            return Some((target(value).offset(within), value & !ADDRESS));
        }
        None
    }

    /// Makes every CPU forget what it knows of some pages, tables included. The hardware tells
    /// the others (rule 11), so it is of no account which of them can see the space now.
    pub fn flush(&self, _machine: &super::Machine, address: usize, pages: usize, _seen_by: u32) {
        // SAFETY: the barrier changes nothing; entries are written before they are dropped.
        unsafe { asm!("dsb ishst", options(nostack, preserves_flags)) };
        for page in 0..pages {
            let number = ((address as u64 >> 12) + page as u64) & 0xfff_ffff_ffff;
            // SAFETY: the instructions only drop translations. Kernel pages are global.
            unsafe {
                if address >= DIRECT_MAP {
                    asm!("tlbi vaae1is, {}", in(reg) number, options(nostack, preserves_flags));
                } else {
                    let operand = u64::from(self.identifier) << 48 | number;
                    asm!("tlbi vae1is, {}", in(reg) operand, options(nostack, preserves_flags));
                }
            }
        }
        finish_flush();
    }

    /// Makes every CPU forget all of this address space.
    pub fn flush_all(&self, _machine: &super::Machine, _seen_by: u32) {
        let operand = u64::from(self.identifier) << 48;
        // SAFETY: the instructions only drop translations. Kernel pages are global: they have no
        // identifier.
        unsafe {
            asm!("dsb ishst", options(nostack, preserves_flags));
            if self.identifier == 0 {
                asm!("tlbi vmalle1is", options(nostack, preserves_flags));
            } else {
                asm!("tlbi aside1is, {}", in(reg) operand, options(nostack, preserves_flags));
            }
        }
        finish_flush();
    }

    /// Frees the tables of a `user` address space; its ranges were released before.
    pub fn destroy(mut self, memory: &mut Memory) {
        // Leaf tables went with their ranges; only the gate's is left, if making the table came so far.
        self.release(memory, USER_GATE, 1, 0);
        // One table of level 2 covers the gate and all ranges.
        if let Some(slot) = self.slot(memory, USER_GATE, 2) {
            let table = slot.frame();
            for i in 0..ENTRIES {
                let value = memory.read_u64(table.offset(i * 8));
                if is_table(value) {
                    memory.free(target(value));
                }
            }
            memory.free(table);
        }
        memory.free(self.root);
    }
}

/// Each page that a table leads to, whose first entry is for `base`.
fn each_leaf_below(
    memory: &Memory,
    table: PhysAddr,
    level: usize,
    base: usize,
    seen: &mut dyn FnMut(Leaf),
) {
    for i in 0..ENTRIES {
        let value = memory.read_u64(table.offset(i * 8));
        let address = base + (i << (12 + 9 * level));
        if value & VALID == 0 {
            continue;
        }
        if level > 0 && is_table(value) {
            each_leaf_below(memory, target(value), level - 1, address, seen);
            continue;
        }
        let nobody_executes = KERNEL_EXECUTES_NOT | USER_EXECUTES_NOT;
        seen(Leaf {
            address,
            frame: target(value),
            pages: 1 << (9 * level),
            writable: value & READ_ONLY == 0,
            executable: value & nobody_executes != nobody_executes,
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
        for above in (level + 1..=3).rev() {
            let slot = (self.read)(table).wrapping_add(index(address, above));
            // SAFETY: tables are frames that `allocate` gave; nobody else refers to them.
            let mut value = unsafe { slot.read() };
            if value & VALID == 0 {
                value = (self.allocate)().0 | TABLE_OR_PAGE | VALID;
                // SAFETY: as above.
                unsafe { slot.write(value) };
            }
            table = target(value);
        }
        (self.read)(table).wrapping_add(index(address, level))
    }

    /// Maps one page of 4 KiB.
    pub fn page(&mut self, address: usize, frame: PhysAddr, permission: Permission) {
        let slot = self.slot(address, 0);
        // SAFETY: the slot lies in one of the tables.
        unsafe { slot.write(frame.0 | bits(permission, false) | TABLE_OR_PAGE) };
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
                slot.write(frame.0 | bits(permission, false));
            }
        }
    }

    /// Makes the middle tables of the area for components, so that none is ever missing there, or
    /// left over.
    pub fn finish(mut self) -> PageTable {
        let (start, len) = KERNEL_COMPONENT_AREA;
        for gib in 0..len >> 30 {
            self.slot(start + (gib << 30), 1);
        }
        publish();
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
    let slot = existing_slot(memory_at, kernel, DIRECT_MAP + base.0 as usize, 1);
    // SAFETY: the direct map's tables were made at boot and are never freed. Changing nothing but
    // the permission needs no step in between (D8.14.1, "break-before-make").
    unsafe {
        let value = slot.read();
        assert!(
            !is_table(value) && value & VALID != 0,
            "the block is mapped as one page"
        );
        assert!((value & READ_ONLY != 0) == writable, "it is changed back");
        slot.write_volatile(value ^ READ_ONLY);
    }
}

/// Points the window page at `address` to a frame, writable, or to nothing.
pub fn set_window(
    memory_at: fn(PhysAddr) -> *mut u64,
    kernel: &PageTable,
    address: usize,
    frame: Option<PhysAddr>,
) {
    let slot = existing_slot(memory_at, kernel, address, 0);
    let page = bits(Permission::ReadWrite, false) | TABLE_OR_PAGE;
    let value = frame.map_or(0, |frame| frame.0 | page);
    let number = address as u64 >> 12 & 0xfff_ffff_ffff;
    // SAFETY: the leaf table of the window, which only this CPU uses, so only this CPU has to
    // forget. A window is never moved from one frame to another without having been shut.
    unsafe {
        slot.write_volatile(value);
        asm!("dsb nshst", "tlbi vaae1, {}", "dsb nsh", "isb", in(reg) number, options(nostack, preserves_flags));
    }
}

/// The entry for `address` at `level`, below tables that were made at boot.
fn existing_slot(
    memory_at: fn(PhysAddr) -> *mut u64,
    kernel: &PageTable,
    address: usize,
    level: usize,
) -> *mut u64 {
    let mut table = kernel.root;
    for above in (level + 1..=3).rev() {
        // SAFETY: tables of the kernel's half that were made at boot are never freed.
        table = target(unsafe { memory_at(table).wrapping_add(index(address, above)).read() });
    }
    memory_at(table).wrapping_add(index(address, level))
}

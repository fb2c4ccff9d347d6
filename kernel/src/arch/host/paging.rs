//! Page tables as maps, with what CPUs may still remember of them.

use std::collections::{BTreeMap, BTreeSet};

use abi::PAGE_SIZE;

use super::Machine;
use crate::arch::{Leaf, Permission};
use crate::memory::{Memory, PhysAddr};

/// One translation: frame, permission, and whether user mode may use it.
pub type Translation = (PhysAddr, Permission, bool);

/// The GiB that a range lies in.
fn gibs(address: usize, pages: usize) -> std::ops::RangeInclusive<usize> {
    address >> 30..=(address + pages * PAGE_SIZE - 1) >> 30
}

/// The translations of one address space.
#[derive(Clone, Copy)]
pub struct PageTable {
    pub(super) space: usize,
}

impl PageTable {
    /// A table for a component under `user` isolation.
    pub fn new_user(memory: &mut Memory) -> abi::Result<PageTable> {
        let mut state = memory.machine.state();
        let space = state.next_space;
        state.next_space += 1;
        state.spaces.insert(space, BTreeMap::new());
        state.upper_tables.insert(space, BTreeSet::new());
        Ok(PageTable { space })
    }

    /// Gives the space a number that no other living space has.
    pub fn set_identifier(&mut self, _number: u32) {}

    /// Leaf tables that a range needs: they cost nothing here, but are charged all the same.
    pub const fn leaf_tables(pages: usize) -> usize {
        pages.div_ceil(512)
    }

    /// Frames of a new table: they cost nothing here, but are charged all the same.
    pub const OWN_FRAMES: usize = 3;

    /// Tables above the last level that a range still lacks: one for each GiB of a component's.
    pub fn missing_upper(&self, memory: &Memory, address: usize, pages: usize) -> usize {
        let state = memory.machine.state();
        match state.upper_tables.get(&self.space) {
            Some(there) => gibs(address, pages)
                .filter(|gib| !there.contains(gib))
                .count(),
            None => 0,
        }
    }

    /// How many of them there are.
    pub fn upper_tables(&self, memory: &Memory) -> usize {
        let state = memory.machine.state();
        state.upper_tables.get(&self.space).map_or(0, BTreeSet::len)
    }

    /// Makes all tables for a range.
    pub fn prepare(
        &mut self,
        memory: &mut Memory,
        address: usize,
        pages: usize,
    ) -> abi::Result<()> {
        let mut state = memory.machine.state();
        if let Some(there) = state.upper_tables.get_mut(&self.space) {
            there.extend(gibs(address, pages));
        }
        Ok(())
    }

    /// Frees the tables of a range, in which nothing may be mapped any more.
    pub fn release(&mut self, memory: &mut Memory, address: usize, pages: usize, _seen_by: u32) {
        let state = memory.machine.state();
        let left = state.spaces[&self.space]
            .range(address..address + pages * PAGE_SIZE)
            .count();
        assert_eq!(left, 0, "pages are still mapped at {address:#x}");
    }

    /// Maps one page.
    pub fn map(
        &mut self,
        memory: &Memory,
        address: usize,
        frame: PhysAddr,
        permission: Permission,
        user: bool,
    ) {
        let mut state = memory.machine.state();
        let space = state.spaces.get_mut(&self.space).expect("the space exists");
        space.insert(address, (frame, permission, user));
    }

    /// Removes one page's translation.
    pub fn unmap(&mut self, memory: &Memory, address: usize) {
        let mut state = memory.machine.state();
        let space = state.spaces.get_mut(&self.space).expect("the space exists");
        if let Some((frame, ..)) = space.remove(&address) {
            let stale = state.stale.entry(self.space).or_default();
            stale.insert(address, frame);
        }
    }

    /// Lets nothing be found any more in a range.
    pub fn unlink(&mut self, memory: &mut Memory, address: usize, pages: usize) {
        for page in 0..pages {
            self.unmap(memory, address + page * PAGE_SIZE);
        }
    }

    /// Hands out each page that is mapped.
    pub fn each_leaf(&self, memory: &Memory, seen: &mut dyn FnMut(Leaf)) {
        for (address, (frame, permission, user)) in self.translations(memory) {
            seen(Leaf {
                address,
                frame,
                pages: 1,
                writable: permission.allows(Permission::ReadWrite),
                executable: permission == Permission::Execute,
                user,
            });
        }
    }

    /// What is mapped in this space.
    pub fn translations(&self, memory: &Memory) -> Vec<(usize, Translation)> {
        let state = memory.machine.state();
        state.spaces[&self.space]
            .iter()
            .map(|(&address, &entry)| (address, entry))
            .collect()
    }

    /// Makes every CPU forget what it knows of some pages.
    pub fn flush(&self, machine: &Machine, address: usize, pages: usize, _seen_by: u32) {
        let mut state = machine.state();
        state.flushes += 1;
        if let Some(stale) = state.stale.get_mut(&self.space) {
            stale.retain(|at, _| !(address..address + pages * PAGE_SIZE).contains(at));
        }
    }

    /// Frames that some CPU may still see somewhere, though no table shows them there any more.
    pub fn stale_frames(machine: &Machine) -> Vec<(usize, PhysAddr)> {
        let state = machine.state();
        let all = state.stale.values().flatten();
        all.map(|(&address, &frame)| (address, frame)).collect()
    }

    /// Makes every CPU forget all of this address space.
    pub fn flush_all(&self, machine: &Machine, _seen_by: u32) {
        let mut state = machine.state();
        state.flushes += 1;
        state.stale.remove(&self.space);
    }

    /// Frees the tables.
    pub fn destroy(self, memory: &mut Memory) {
        memory.machine.state().upper_tables.remove(&self.space);
        let space = memory.machine.state().spaces.remove(&self.space);
        assert!(
            space.is_some_and(|space| space.is_empty()),
            "pages are still mapped"
        );
    }
}

//! Free ranges of addresses in an address space.
//!
//! Addresses are given out in granules of 2 MiB. Every range gets at least 1 MiB of unmapped
//! addresses below it, so that a stack that grows past its end, by whatever stride up to the
//! largest frame that the build allows, hits nothing (rule 4). The bitmap of up to 64 GiB fits in one
//! frame, and searching it takes a bounded number of steps.

use crate::arch::Machine;
use crate::memory::{Frames, PhysAddr};

/// Bytes in a granule.
pub const GRANULE_LEN: usize = 2 << 20;
/// Unmapped bytes below each range, at least.
const GUARD_LEN: usize = 1 << 20;
const WORDS: usize = abi::PAGE_SIZE / 8;
const GRANULES_MAX: usize = WORDS * 64;

/// Which granules of an area of 64 GiB are taken.
pub struct Regions {
    bitmap: PhysAddr,
    area: usize,
    count: usize,
    cursor: usize,
}

impl Regions {
    /// The most bytes of addresses that one instance can manage.
    pub const AREA_LEN_MAX: usize = GRANULES_MAX * GRANULE_LEN;

    /// Manages the `area_len` bytes of addresses from `area` on. `start` says where to look
    /// first: a random number makes addresses hard to guess.
    pub fn new(
        machine: &Machine,
        frames: &mut Frames,
        area: usize,
        area_len: usize,
        start: usize,
    ) -> Option<Regions> {
        let count = area_len.min(Regions::AREA_LEN_MAX) / GRANULE_LEN;
        let bitmap = frames.allocate(0)?;
        // SAFETY: the frame was just allocated and is ours.
        unsafe { machine.memory(bitmap).write_bytes(0, abi::PAGE_SIZE) };
        Some(Regions {
            bitmap,
            area,
            count,
            cursor: start % (count / 2),
        })
    }

    /// The frame of the bitmap, to be freed with the address space.
    pub fn bitmap(&self) -> PhysAddr {
        self.bitmap
    }

    fn words(&mut self, machine: &Machine) -> &mut [u64; WORDS] {
        // SAFETY: the frame is ours, zeroed in `new`, and `self` is borrowed mutably.
        unsafe { &mut *machine.memory(self.bitmap).cast() }
    }

    /// Bytes of addresses that a range of `len` bytes takes, with its guard.
    pub const fn footprint(len: usize) -> usize {
        let len = len.next_multiple_of(abi::PAGE_SIZE);
        (len + GUARD_LEN).div_ceil(GRANULE_LEN) * GRANULE_LEN
    }

    /// Takes addresses for `len` bytes; the range starts on a page and ends where its last
    /// granule ends, so that the guard lies below it.
    pub fn allocate(&mut self, machine: &Machine, len: usize) -> Option<usize> {
        let len = len.next_multiple_of(abi::PAGE_SIZE);
        let count = (len + GUARD_LEN).div_ceil(GRANULE_LEN);
        let (start, limit) = (self.cursor, self.count);
        let words = self.words(machine);
        let first = find(words, start, limit, count).or_else(|| find(words, 0, start, count))?;
        for i in first..first + count {
            words[i / 64] |= 1 << (i % 64);
        }
        self.cursor = (first + count) % self.count;
        Some(self.area + (first + count) * GRANULE_LEN - len)
    }

    /// Gives back what [`Regions::allocate`] returned for the same length.
    pub fn free(&mut self, machine: &Machine, address: usize, len: usize) {
        let len = len.next_multiple_of(abi::PAGE_SIZE);
        let count = (len + GUARD_LEN).div_ceil(GRANULE_LEN);
        let end = (address + len - self.area) / GRANULE_LEN;
        let words = self.words(machine);
        for i in end - count..end {
            debug_assert!(words[i / 64] >> (i % 64) & 1 == 1);
            words[i / 64] &= !(1 << (i % 64));
        }
    }
}

/// The first run of `count` clear bits in `from..to`.
fn find(words: &[u64; WORDS], from: usize, to: usize, count: usize) -> Option<usize> {
    let (mut run, mut i) = (0, from);
    while i < to {
        if i.is_multiple_of(64) && words[i / 64] == u64::MAX {
            (run, i) = (0, i + 64);
            continue;
        }
        run = if words[i / 64] >> (i % 64) & 1 == 0 {
            run + 1
        } else {
            0
        };
        i += 1;
        if run == count {
            return Some(i - count);
        }
    }
    None
}

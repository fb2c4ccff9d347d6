//! Shared memory for tests on the host: a vector of atomic bytes in words.

extern crate alloc;

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::SharedMemory;

/// Memory that any number of threads may share, by reference.
pub struct FakeMemory {
    words: Vec<AtomicU32>,
}

impl FakeMemory {
    /// `len` zero bytes, rounded up to whole words.
    pub fn new(len: usize) -> FakeMemory {
        FakeMemory {
            words: (0..len.div_ceil(4)).map(|_| AtomicU32::new(0)).collect(),
        }
    }
}

impl SharedMemory for FakeMemory {
    fn len(&self) -> usize {
        self.words.len() * 4
    }
    fn load_u32(&self, offset: usize, order: Ordering) -> u32 {
        assert!(offset.is_multiple_of(4), "unaligned");
        self.words[offset / 4].load(order)
    }
    fn store_u32(&self, offset: usize, value: u32, order: Ordering) {
        assert!(offset.is_multiple_of(4), "unaligned");
        self.words[offset / 4].store(value, order)
    }
    fn read(&self, offset: usize, to: &mut [u8]) {
        for (i, byte) in to.iter_mut().enumerate() {
            let at = offset + i;
            *byte = self.words[at / 4].load(Ordering::Relaxed).to_le_bytes()[at % 4];
        }
    }
    fn write(&self, offset: usize, from: &[u8]) {
        for (i, &byte) in from.iter().enumerate() {
            let at = offset + i;
            let shift = at % 4 * 8;
            // Two writers of one word must not undo each other, even in a test.
            let _ = self.words[at / 4].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| {
                Some(word & !(0xff << shift) | (byte as u32) << shift)
            });
        }
    }
}

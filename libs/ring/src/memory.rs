//! What a ring needs of the memory it lies in.

use core::sync::atomic::Ordering;

/// A piece of memory that somebody else may be writing at the same time.
///
/// The implementer's duties: loads and stores of words are single atomic accesses with the
/// ordering asked for; copies may tear, byte by byte, but are never undefined behaviour; what
/// lies outside [`SharedMemory::len`] is never touched. A caller keeps within it and keeps words
/// aligned; an implementation may panic if not, since offsets are never taken from the peer unchecked.
#[allow(clippy::len_without_is_empty)]
pub trait SharedMemory {
    /// Bytes that can be reached.
    fn len(&self) -> usize;
    /// Reads the word at `offset`, which is divisible by 4.
    fn load_u32(&self, offset: usize, order: Ordering) -> u32;
    /// Writes the word at `offset`, which is divisible by 4.
    fn store_u32(&self, offset: usize, value: u32, order: Ordering);
    /// Copies from shared memory to `to`.
    fn read(&self, offset: usize, to: &mut [u8]);
    /// Copies `from` to shared memory.
    fn write(&self, offset: usize, from: &[u8]);
    /// A sequentially consistent fence. Here, and not called directly, so that a model checker
    /// can put its own in.
    fn fence(&self) {
        core::sync::atomic::fence(Ordering::SeqCst);
    }
}

impl<M: SharedMemory + ?Sized> SharedMemory for &M {
    fn len(&self) -> usize {
        (**self).len()
    }
    fn load_u32(&self, offset: usize, order: Ordering) -> u32 {
        (**self).load_u32(offset, order)
    }
    fn store_u32(&self, offset: usize, value: u32, order: Ordering) {
        (**self).store_u32(offset, value, order)
    }
    fn read(&self, offset: usize, to: &mut [u8]) {
        (**self).read(offset, to)
    }
    fn write(&self, offset: usize, from: &[u8]) {
        (**self).write(offset, from)
    }
    fn fence(&self) {
        (**self).fence()
    }
}

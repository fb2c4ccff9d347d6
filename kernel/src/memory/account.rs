//! Memory with promises: frames that are free, and frames that are promised to somebody.
//!
//! Rule 12: memory is charged and reserved when an object is created, and only taken when it
//! is first touched. A promise can therefore always be kept, and a page fault cannot fail for
//! lack of memory.

use abi::{Error, Result};

use crate::arch::Machine;
use crate::memory::{CodePool, FRAME_LEN, Frames, PhysAddr};

/// The machine's memory.
pub struct Memory {
    /// The machine itself: memory is reached through it.
    pub machine: Machine,
    /// Free frames, including those that are promised.
    pub frames: Frames,
    /// Frames for code.
    pub code: CodePool,
}

impl Memory {
    /// All of `frames` free and none promised.
    pub fn new(machine: Machine, frames: Frames) -> Memory {
        Memory {
            machine,
            frames,
            code: CodePool::new(),
        }
    }

    /// Frames that are neither in use nor promised.
    pub fn available(&self) -> usize {
        self.frames.available()
    }

    /// Promises `count` frames, to be taken one by one with [`Memory::take_reserved`].
    pub fn reserve(&mut self, count: usize) -> Result<()> {
        match self.frames.promise(count) {
            true => Ok(()),
            false => Err(Error::OutOfMemory),
        }
    }

    /// Takes a promise back.
    pub fn unreserve(&mut self, count: usize) {
        self.frames.unpromise(count);
    }

    /// Takes one promised frame, zeroed.
    pub fn take_reserved(&mut self) -> PhysAddr {
        let frame = self.frames.allocate_promised();
        self.zero(frame, FRAME_LEN);
        frame
    }

    /// Takes a block of 2^order frames that nobody was promised. Its content is arbitrary.
    pub fn allocate(&mut self, order: usize) -> Result<PhysAddr> {
        self.frames.allocate(order).ok_or(Error::OutOfMemory)
    }

    /// Takes one frame, zeroed.
    pub fn allocate_zeroed(&mut self) -> Result<PhysAddr> {
        let frame = self.allocate(0)?;
        self.zero(frame, FRAME_LEN);
        Ok(frame)
    }

    /// Gives a block back.
    pub fn free(&mut self, block: PhysAddr) {
        self.frames.free(block);
    }

    /// Gives a frame of code back. Every CPU must have dropped its translations of it.
    pub fn free_code(&mut self, frame: PhysAddr) {
        self.code.free(&self.machine, &mut self.frames, frame);
    }

    /// Writes zeros.
    pub fn zero(&self, start: PhysAddr, len: usize) {
        /// Words that one turn of the loop writes: most of what a page fault costs is here.
        const BLOCK: usize = 32;
        let to = self.machine.memory(start);
        let blocks = match start.0.is_multiple_of(8) {
            true => len / (8 * BLOCK),
            false => 0,
        };
        let mut word = to.cast::<u64>();
        // SAFETY: callers pass memory that they were given and that nobody refers to. Volatile
        // keeps the compiler from making a call of `memset` of it, which costs thrice as much.
        unsafe {
            let end = word.add(blocks * BLOCK);
            while word < end {
                let mut i = 0;
                while i < BLOCK {
                    word.add(i).write_volatile(0);
                    i += 1;
                }
                word = word.add(BLOCK);
            }
            let done = blocks * BLOCK * 8;
            if done < len {
                to.add(done).write_bytes(0, len - done);
            }
        }
    }

    /// Reads one machine word.
    pub fn read_u64(&self, at: PhysAddr) -> u64 {
        // SAFETY: frames are always mapped; a plain integer has no invalid values.
        unsafe { self.machine.memory(at).cast::<u64>().read() }
    }

    /// Writes one machine word into memory that the caller was given.
    pub fn write_u64(&mut self, at: PhysAddr, value: u64) {
        // SAFETY: as in `read_u64`.
        unsafe { self.machine.memory(at).cast::<u64>().write(value) };
    }

    /// Copies a message's body, between pages or slots of a queue: blocks of 32 bytes, then words, then a
    /// last word of which nothing beyond `len` is taken, since that would be somebody's old data.
    #[inline(always)]
    pub fn copy_body(&self, from: *const u8, to: *mut u8, len: usize) {
        let (mut from, mut to) = (from.cast::<u64>(), to.cast::<u64>());
        // SAFETY: pages and slots are 8-aligned, and hold whole words up to the channel's
        // limit, which callers have compared `len` with.
        unsafe {
            let blocks_end = from.add(len / 32 * 4);
            while from < blocks_end {
                to.cast::<[u64; 4]>().write(from.cast::<[u64; 4]>().read());
                from = from.add(4);
                to = to.add(4);
            }
            if !len.is_multiple_of(32) {
                let words_end = from.add(len % 32 / 8);
                while from < words_end {
                    to.write(from.read());
                    from = from.add(1);
                    to = to.add(1);
                }
                if !len.is_multiple_of(8) {
                    to.write(from.read() & ((1 << (len % 8 * 8)) - 1));
                }
            }
        }
    }
}

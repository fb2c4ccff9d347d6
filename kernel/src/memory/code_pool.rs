//! Frames that hold code (rule 13: W^X under every alias).
//!
//! All of physical memory is mapped writable once, for the kernel. A frame that holds code must
//! not be writable there. So code frames come from blocks of 2 MiB whose alias is made
//! read-only, in one page-table entry, before the first frame is given out. When the last frame of
//! a block comes back, the alias is writable again and the block is ordinary memory: what many
//! components took for their code is there for others once they have ended. A block with one
//! frame in use stays, so new code goes where there is code already.

use crate::arch::Machine;
use crate::memory::{FRAME_LEN, Frames, ORDER_2MIB, PhysAddr};

const BLOCKS_MAX: usize = 32;
const WORDS: usize = (1 << ORDER_2MIB) / 64;

#[derive(Clone, Copy)]
struct Block {
    base: PhysAddr,
    used: [u64; WORDS],
}

impl Block {
    /// One of its frames, if one is left.
    fn take(&mut self) -> Option<PhysAddr> {
        let w = self.used.iter().position(|&word| word != u64::MAX)?;
        let bit = self.used[w].trailing_ones() as usize;
        self.used[w] |= 1 << bit;
        Some(self.base.offset((w * 64 + bit) * FRAME_LEN))
    }
}

/// The frames that may hold code.
pub struct CodePool {
    blocks: [Option<Block>; BLOCKS_MAX],
}

impl CodePool {
    /// A pool without blocks.
    pub const fn new() -> CodePool {
        CodePool {
            blocks: [None; BLOCKS_MAX],
        }
    }

    /// Frames that the pool has taken, and how many of them hold code.
    pub fn frame_counts(&self) -> (usize, usize) {
        let blocks = || self.blocks.iter().flatten();
        let used = blocks().flat_map(|block| block.used.iter());
        (
            blocks().count() << ORDER_2MIB,
            used.map(|word| word.count_ones() as usize).sum(),
        )
    }

    /// Takes one frame. Its content is arbitrary, and only `Machine::write_code` can change it.
    pub fn allocate(&mut self, machine: &Machine, frames: &mut Frames) -> Option<PhysAddr> {
        if let Some(frame) = self.blocks.iter_mut().flatten().find_map(Block::take) {
            return Some(frame);
        }
        let slot = self.blocks.iter_mut().find(|slot| slot.is_none())?;
        let base = frames.allocate(ORDER_2MIB)?;
        machine.protect_code_block(base);
        let block = slot.insert(Block {
            base,
            used: [0; WORDS],
        });
        block.take()
    }

    /// Gives back one frame, and its block if it was the last one. Every CPU must have dropped its translations of it.
    pub fn free(&mut self, machine: &Machine, frames: &mut Frames, frame: PhysAddr) {
        for slot in &mut self.blocks {
            let Some(block) = slot else { continue };
            let offset = frame.0.wrapping_sub(block.base.0) as usize / FRAME_LEN;
            if offset < 1 << ORDER_2MIB {
                assert!(block.used[offset / 64] >> (offset % 64) & 1 == 1);
                block.used[offset / 64] &= !(1 << (offset % 64));
                if block.used == [0; WORDS] {
                    let base = block.base;
                    *slot = None;
                    machine.unprotect_code_block(base);
                    frames.free(base);
                }
                return;
            }
        }
        panic!("frame {:#x} is not a code frame", frame.0);
    }

    /// The blocks that the pool has taken, for tests.
    pub fn blocks(&self) -> impl Iterator<Item = PhysAddr> + '_ {
        self.blocks.iter().flatten().map(|block| block.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(pool: &mut CodePool, machine: &Machine, frames: &mut Frames) -> PhysAddr {
        pool.allocate(machine, frames).expect("there is memory")
    }

    /// As when something starts others without end: their code fills several blocks, and when they have ended
    /// all of it is anybody's again, and writable.
    #[test]
    fn what_was_set_aside_comes_back() {
        let (machine, mut frames) = Machine::new(16 << 20);
        let mut pool = CodePool::new();
        let (before, largest) = (frames.available(), frames.largest());
        for round in 0..3 {
            let mut all: Vec<_> = (0..3 << ORDER_2MIB)
                .map(|_| take(&mut pool, &machine, &mut frames))
                .collect();
            assert_eq!(pool.frame_counts(), (3 << ORDER_2MIB, 3 << ORDER_2MIB));
            assert_eq!(machine.read_only_blocks().len(), 3);
            // The first block's frames, the last one's, and each third of all.
            match round {
                0 => {}
                1 => all.reverse(),
                _ => all.sort_by_key(|frame| (frame.0 / FRAME_LEN as u64 % 3, frame.0)),
            }
            for frame in all {
                pool.free(&machine, &mut frames, frame);
            }
            assert_eq!(pool.frame_counts(), (0, 0));
            assert_eq!(machine.read_only_blocks(), []);
            assert_eq!((frames.available(), frames.largest()), (before, largest));
        }
    }

    /// While one frame of a block is in use the block stays, and its other frames go first: a gap between blocks,
    /// left by one that went back, is no reason to take another.
    #[test]
    fn new_code_goes_where_there_is_code() {
        let (machine, mut frames) = Machine::new(16 << 20);
        let mut pool = CodePool::new();
        let all: Vec<_> = (0..3 << ORDER_2MIB)
            .map(|_| take(&mut pool, &machine, &mut frames))
            .collect();
        // The first block goes wholly, the others but for one frame.
        let kept = [1 << ORDER_2MIB, (3 << ORDER_2MIB) - 1];
        for (number, &frame) in all.iter().enumerate() {
            if !kept.contains(&number) {
                pool.free(&machine, &mut frames, frame);
            }
        }
        assert_eq!(pool.frame_counts(), (2 << ORDER_2MIB, 2));
        let room = (2 << ORDER_2MIB) - 2;
        let new: Vec<_> = (0..room)
            .map(|_| take(&mut pool, &machine, &mut frames))
            .collect();
        assert_eq!(pool.frame_counts(), (2 << ORDER_2MIB, 2 << ORDER_2MIB));
        assert!(
            new.iter()
                .all(|frame| !kept.map(|k| all[k]).contains(frame))
        );
        take(&mut pool, &machine, &mut frames);
        assert_eq!(pool.frame_counts().0, 3 << ORDER_2MIB);
    }
}

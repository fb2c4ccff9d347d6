//! Frames that hold code (rule 13: W^X under every alias).
//!
//! All of physical memory is mapped writable once, for the kernel. A frame that holds code must
//! not be writable there. So code frames come from blocks of 2 MiB whose alias is made
//! read-only, in one page-table entry, before the first frame is given out, and which stay so
//! until the whole block is free again, which the pool does not wait for: it keeps its blocks.

use crate::arch::Machine;
use crate::memory::{FRAME_LEN, Frames, ORDER_2MIB, PhysAddr};

const BLOCKS_MAX: usize = 32;
const WORDS: usize = (1 << ORDER_2MIB) / 64;

#[derive(Clone, Copy)]
struct Block {
    base: PhysAddr,
    used: [u64; WORDS],
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
    pub fn allocate(&mut self, machine: &mut Machine, frames: &mut Frames) -> Option<PhysAddr> {
        for slot in &mut self.blocks {
            let block = match slot {
                Some(block) => block,
                None => {
                    let base = frames.allocate(ORDER_2MIB)?;
                    machine.protect_code_block(base);
                    slot.insert(Block {
                        base,
                        used: [0; WORDS],
                    })
                }
            };
            for (w, word) in block.used.iter_mut().enumerate() {
                if *word != u64::MAX {
                    let bit = word.trailing_ones() as usize;
                    *word |= 1 << bit;
                    return Some(block.base.offset((w * 64 + bit) * FRAME_LEN));
                }
            }
        }
        None
    }

    /// Gives back one frame. Every CPU must have dropped its translations of it.
    pub fn free(&mut self, frame: PhysAddr) {
        for block in self.blocks.iter_mut().flatten() {
            let offset = frame.0.wrapping_sub(block.base.0) as usize / FRAME_LEN;
            if offset < 1 << ORDER_2MIB {
                assert!(block.used[offset / 64] >> (offset % 64) & 1 == 1);
                block.used[offset / 64] &= !(1 << (offset % 64));
                return;
            }
        }
        panic!("frame {:#x} is not a code frame", frame.0);
    }
}

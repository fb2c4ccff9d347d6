//! Physical memory: a buddy allocator over frames of 4 KiB.
//!
//! Every frame has a small record in an array at the start of memory, so that allocating and
//! freeing take a bounded number of steps and free memory itself is never written. Frames come
//! in blocks of 2^order, aligned to their size. Nothing here zeroes memory (rule 12 says who does).

use crate::arch::Machine;

/// Bytes in a frame.
pub const FRAME_LEN: usize = abi::PAGE_SIZE;
/// The largest block is 2^ORDER_MAX frames: 4 MiB.
pub const ORDER_MAX: usize = 10;
/// A block of this order is 2 MiB, the size that one large page-table entry maps.
pub const ORDER_2MIB: usize = 9;

/// A physical address.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(transparent)]
pub struct PhysAddr(pub u64);

impl PhysAddr {
    /// The address `bytes` further on.
    pub const fn offset(self, bytes: usize) -> PhysAddr {
        PhysAddr(self.0 + bytes as u64)
    }
    /// Rounded down to the start of its frame.
    pub const fn frame(self) -> PhysAddr {
        PhysAddr(self.0 & !(FRAME_LEN as u64 - 1))
    }
}

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// Not memory, or never to be given out.
    Reserved,
    /// The first frame of a free block.
    FreeHead,
    /// Not the first frame of a block, or was not when it was last looked at: blocks are told
    /// by their first frame alone, so that taking and giving back touches a few records only.
    Body,
    /// Given out; the first frame of its block.
    Used,
}

#[derive(Clone, Copy)]
struct Record {
    next: u32,
    previous: u32,
    order: u8,
    state: State,
}

/// All frames of the machine.
pub struct Frames {
    records: *mut Record,
    base: PhysAddr,
    count: usize,
    free: [u32; ORDER_MAX + 1],
    free_count: usize,
    promised: usize,
    total: usize,
}

// SAFETY: `records` points to memory that this structure alone owns.
unsafe impl Send for Frames {}

impl Frames {
    /// An allocator without memory.
    pub const fn empty() -> Frames {
        Frames {
            records: core::ptr::null_mut(),
            base: PhysAddr(0),
            count: 0,
            free: [NONE; ORDER_MAX + 1],
            free_count: 0,
            promised: 0,
            total: 0,
        }
    }

    /// How many bytes of records memory of `len` bytes needs.
    pub const fn records_len(len: usize) -> usize {
        let bytes = len / FRAME_LEN * size_of::<Record>();
        (bytes + FRAME_LEN - 1) & !(FRAME_LEN - 1)
    }

    /// Manages the `len` bytes from `base` on, nothing of it free yet. The records live at
    /// `records_at`, which must lie outside what [`Frames::add`] later frees.
    ///
    /// # Safety
    /// `records_at` must be [`Frames::records_len`] bytes of memory that nobody else uses.
    pub unsafe fn new(
        machine: &Machine,
        base: PhysAddr,
        len: usize,
        records_at: PhysAddr,
    ) -> Frames {
        let records = machine.memory(records_at).cast::<Record>();
        let count = len / FRAME_LEN;
        let mut made = count.min(16);
        for i in 0..made {
            // SAFETY: the caller vouches for the memory, and `i` is below what it was asked for.
            unsafe {
                records.add(i).write(Record {
                    next: NONE,
                    previous: NONE,
                    order: 0,
                    state: State::Reserved,
                })
            };
        }
        // All others are the same: copying them is cheaper than making them.
        while made < count {
            let more = made.min(count - made);
            // SAFETY: as above; `made` records are there, and behind them nobody refers to anything yet.
            unsafe { records.copy_to_nonoverlapping(records.add(made), more) };
            made += more;
        }
        Frames {
            records,
            base,
            count,
            ..Frames::empty()
        }
    }

    fn record(&mut self, index: u32) -> &mut Record {
        assert!((index as usize) < self.count);
        // SAFETY: in bounds by the assertion, initialised by `new`, and borrowed through `self`.
        unsafe { &mut *self.records.add(index as usize) }
    }

    /// Frees memory that was reserved so far. Both ends are rounded inwards to frames.
    pub fn add(&mut self, start: PhysAddr, end: PhysAddr) {
        let mut index = (start.0.max(self.base.0) - self.base.0).div_ceil(FRAME_LEN as u64) as u32;
        let last =
            (end.0.saturating_sub(self.base.0) / FRAME_LEN as u64).min(self.count as u64) as u32;
        // Whole aligned blocks, as large as they come: a handful of steps instead of one a frame.
        while index < last {
            let mut order = (index.trailing_zeros() as usize).min(ORDER_MAX);
            while index + (1 << order) > last {
                order -= 1;
            }
            assert!(self.record(index).state == State::Reserved);
            self.total += 1 << order;
            self.release(index, order);
            index += 1 << order;
        }
    }

    /// The first address that this allocator manages.
    pub fn base(&self) -> PhysAddr {
        self.base
    }

    /// Frames that are free now.
    pub fn free_count(&self) -> usize {
        self.free_count
    }

    /// Frames that this allocator manages, free or not.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Frames of the machine's memory, those that were never free among them.
    pub fn machine_count(&self) -> usize {
        self.count
    }

    /// Frames that are promised and not taken.
    pub fn promised(&self) -> usize {
        self.promised
    }

    /// Frames of the largest free block.
    pub fn largest(&self) -> usize {
        let found = (0..=ORDER_MAX).rev().find(|&o| self.free[o] != NONE);
        found.map_or(0, |order| 1 << order)
    }

    /// Frames that are neither in use nor promised.
    pub fn available(&self) -> usize {
        self.free_count - self.promised
    }

    /// Promises `count` frames, if there are as many: nobody else gets them.
    pub fn promise(&mut self, count: usize) -> bool {
        let enough = count <= self.available();
        if enough {
            self.promised += count;
        }
        enough
    }

    /// Takes a promise back.
    pub fn unpromise(&mut self, count: usize) {
        self.promised -= count;
    }

    /// Takes one frame that was promised.
    pub fn allocate_promised(&mut self) -> PhysAddr {
        self.promised -= 1;
        self.allocate(0)
            .expect("promised frames are free: `allocate` leaves them alone")
    }

    /// Takes a block of 2^order frames that nobody was promised, or `None` if there is none.
    pub fn allocate(&mut self, order: usize) -> Option<PhysAddr> {
        if self.available() < 1 << order {
            return None;
        }
        let found = (order..=ORDER_MAX).find(|&o| self.free[o] != NONE)?;
        let index = self.free[found];
        self.unlink(index);
        // Give back the upper half until the block has the size asked for.
        for o in (order..found).rev() {
            self.link(index + (1 << o), o);
        }
        let head = self.record(index);
        head.state = State::Used;
        head.order = order as u8;
        self.free_count -= 1 << order;
        Some(self.base.offset(index as usize * FRAME_LEN))
    }

    /// Gives back a block that [`Frames::allocate`] returned.
    pub fn free(&mut self, block: PhysAddr) {
        let index = ((block.0 - self.base.0) / FRAME_LEN as u64) as u32;
        let record = *self.record(index);
        assert!(
            record.state == State::Used,
            "frame {:#x} is freed but not in use",
            block.0
        );
        self.release(index, record.order as usize);
    }

    /// Makes 2^order single frames out of one block, each to be freed on its own.
    pub fn split(&mut self, block: PhysAddr) {
        let index = ((block.0 - self.base.0) / FRAME_LEN as u64) as u32;
        let order = self.record(index).order;
        for i in index..index + (1 << order) {
            let record = self.record(i);
            record.state = State::Used;
            record.order = 0;
        }
    }

    /// All free blocks with their orders, for tests that look for frames both free and in use.
    pub fn free_blocks(&self) -> impl Iterator<Item = (PhysAddr, usize)> + '_ {
        (0..=ORDER_MAX).flat_map(move |order| {
            let mut next = self.free[order];
            core::iter::from_fn(move || {
                let index = (next != NONE).then_some(next)? as usize;
                // SAFETY: links name records below `count`, all initialised; `self` is borrowed.
                next = unsafe { (*self.records.add(index)).next };
                Some((self.base.offset(index * FRAME_LEN), order))
            })
        })
    }

    fn release(&mut self, index: u32, order: usize) {
        self.free_count += 1 << order;
        let (mut index, mut order) = (index, order);
        while order < ORDER_MAX {
            let buddy = index ^ (1 << order);
            if buddy as usize + (1 << order) > self.count {
                break;
            }
            let record = *self.record(buddy);
            if record.state != State::FreeHead || record.order as usize != order {
                break;
            }
            self.unlink(buddy);
            self.record(buddy).state = State::Body;
            self.record(index).state = State::Body;
            index = index.min(buddy);
            order += 1;
        }
        self.link(index, order);
    }

    /// Puts a block at the head of its list.
    fn link(&mut self, index: u32, order: usize) {
        let next = self.free[order];
        *self.record(index) = Record {
            next,
            previous: NONE,
            order: order as u8,
            state: State::FreeHead,
        };
        if next != NONE {
            self.record(next).previous = index;
        }
        self.free[order] = index;
    }

    fn unlink(&mut self, index: u32) {
        let record = *self.record(index);
        match record.previous {
            NONE => self.free[record.order as usize] = record.next,
            previous => self.record(previous).next = record.next,
        }
        if record.next != NONE {
            self.record(record.next).previous = record.previous;
        }
    }
}

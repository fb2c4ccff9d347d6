//! Timers, and the heap of everything that waits for a moment.
//!
//! All deadlines, of timers and of threads that wait with a limit, are in one binary heap that
//! the one hardware timer of each CPU serves (rule 24). Room in the heap is made when a timer
//! or a thread is created, so that setting a deadline cannot fail.

use crate::memory::{Id, Memory, PhysAddr};
use crate::object::{Source, Thread};

/// A timer that a component set.
pub struct Timer {
    /// Ticks between two events, or 0 for one shot.
    pub period: u64,
    /// How often it fired since its last event.
    pub count: u32,
    /// When a periodic one would fire next that has fired, and whose event nobody has taken yet; otherwise 0.
    /// It is not in the heap meanwhile: a period that is shorter than an interrupt would leave no time for
    /// anything else.
    pub resume_at: u64,
    /// Its place in the heap plus one, or 0 if it is not set.
    pub heap_place: u32,
    /// Where it is attached.
    pub source: Option<Id<Source>>,
    /// How many handles there are to it.
    pub references: u32,
}

impl Timer {
    /// It fires `now`, having been due at `at`. Ticks that were missed are counted, not replayed one by one.
    pub fn fire(&mut self, at: u64, now: u64) {
        let missed = (now - at).checked_div(self.period).unwrap_or(0);
        let fired = u32::try_from(missed + 1).unwrap_or(u32::MAX);
        self.count = self.count.saturating_add(fired);
        if self.period > 0 {
            let step = (missed + 1).saturating_mul(self.period);
            self.resume_at = at.saturating_add(step);
        }
    }

    /// Its event is taken: how often it has fired, and when it is due again.
    pub fn take(&mut self, now: u64) -> (u32, Option<u64>) {
        if self.resume_at != 0 && self.resume_at <= now {
            self.fire(self.resume_at, now);
        }
        let due = core::mem::take(&mut self.resume_at);
        let count = core::mem::take(&mut self.count);
        (count, (due != 0).then_some(due))
    }
}

/// Whose deadline it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadline {
    /// A timer fires.
    Timer(Id<Timer>),
    /// A thread stops waiting.
    Thread(Id<Thread>),
}

#[derive(Clone, Copy)]
struct Item {
    at: u64,
    whose: Deadline,
}

const ITEMS_PER_CHUNK: usize = abi::PAGE_SIZE / size_of::<Item>();
const CHUNKS_MAX: usize = 64;

/// The earliest deadline first.
pub struct DeadlineHeap {
    chunks: [Option<PhysAddr>; CHUNKS_MAX],
    chunk_count: usize,
    len: usize,
    reserved: usize,
}

impl DeadlineHeap {
    /// An empty heap.
    pub const fn new() -> DeadlineHeap {
        DeadlineHeap {
            chunks: [None; CHUNKS_MAX],
            chunk_count: 0,
            len: 0,
            reserved: 0,
        }
    }

    /// Frames that the heap has taken.
    pub fn frame_count(&self) -> usize {
        self.chunk_count
    }

    /// Timers and threads that there is room for.
    pub fn reservations(&self) -> usize {
        self.reserved
    }

    /// Makes room for one more timer or thread.
    pub fn reserve(&mut self, memory: &mut Memory) -> abi::Result<()> {
        if self.reserved == self.chunk_count * ITEMS_PER_CHUNK {
            if self.chunk_count == CHUNKS_MAX {
                return Err(abi::Error::OutOfMemory);
            }
            self.chunks[self.chunk_count] = Some(memory.allocate(0)?);
            self.chunk_count += 1;
        }
        self.reserved += 1;
        Ok(())
    }

    /// Takes back one [`DeadlineHeap::reserve`].
    pub fn unreserve(&mut self) {
        self.reserved -= 1;
    }

    /// The earliest deadline.
    pub fn first(&self, memory: &Memory) -> Option<(u64, Deadline)> {
        (self.len > 0)
            .then(|| self.item(memory, 0))
            .map(|item| (item.at, item.whose))
    }

    /// Adds a deadline. `moved` is told the new place plus one of every entry that moves.
    pub fn insert(
        &mut self,
        memory: &Memory,
        at: u64,
        whose: Deadline,
        moved: &mut impl FnMut(Deadline, u32),
    ) {
        assert!(self.len < self.reserved, "a deadline without a reservation");
        self.len += 1;
        self.set(memory, self.len - 1, Item { at, whose }, moved);
        self.up(memory, self.len - 1, moved);
    }

    /// Removes the entry at a place that `moved` told.
    pub fn remove(&mut self, memory: &Memory, place: u32, moved: &mut impl FnMut(Deadline, u32)) {
        let index = place as usize - 1;
        moved(self.item(memory, index).whose, 0);
        self.len -= 1;
        if index < self.len {
            let last = self.item(memory, self.len);
            self.set(memory, index, last, moved);
            self.up(memory, index, moved);
            self.down(memory, index, moved);
        }
    }

    fn up(&mut self, memory: &Memory, mut index: usize, moved: &mut impl FnMut(Deadline, u32)) {
        while index > 0 {
            let parent = (index - 1) / 2;
            if self.item(memory, parent).at <= self.item(memory, index).at {
                break;
            }
            self.swap(memory, index, parent, moved);
            index = parent;
        }
    }

    fn down(&mut self, memory: &Memory, mut index: usize, moved: &mut impl FnMut(Deadline, u32)) {
        loop {
            let mut least = index;
            for child in [2 * index + 1, 2 * index + 2] {
                if child < self.len && self.item(memory, child).at < self.item(memory, least).at {
                    least = child;
                }
            }
            if least == index {
                return;
            }
            self.swap(memory, index, least, moved);
            index = least;
        }
    }

    fn swap(&mut self, memory: &Memory, a: usize, b: usize, moved: &mut impl FnMut(Deadline, u32)) {
        let (x, y) = (self.item(memory, a), self.item(memory, b));
        self.set(memory, a, y, moved);
        self.set(memory, b, x, moved);
    }

    fn at(&self, memory: &Memory, index: usize) -> *mut Item {
        let chunk = self.chunks[index / ITEMS_PER_CHUNK].expect("below the reservation");
        // SAFETY: the chunk is a frame of ours and the index lies in it.
        unsafe {
            memory
                .machine
                .memory(chunk)
                .cast::<Item>()
                .add(index % ITEMS_PER_CHUNK)
        }
    }

    fn item(&self, memory: &Memory, index: usize) -> Item {
        // SAFETY: callers pass an index below `len`, where items were written.
        unsafe { self.at(memory, index).read() }
    }

    fn set(
        &mut self,
        memory: &Memory,
        index: usize,
        item: Item,
        moved: &mut impl FnMut(Deadline, u32),
    ) {
        // SAFETY: the heap owns the frame.
        unsafe { self.at(memory, index).write(item) };
        moved(item.whose, index as u32 + 1);
    }
}

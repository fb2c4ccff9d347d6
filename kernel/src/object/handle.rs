//! A process's handle table.
//!
//! Entries lie in frames that are added as the table grows, up to the process's limit. Free
//! entries form a list. An entry's generation changes when it is freed, so that a handle that
//! was closed is refused even if its place is in use again.

use abi::{Error, Handle, Result, Rights};

use crate::arch::Machine;
use crate::memory::{FRAME_LEN, Memory, PhysAddr};
use crate::object::Object;

/// What one handle refers to and allows.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Entry {
    /// The object.
    pub object: Object,
    /// What may be done with it.
    pub rights: Rights,
    /// Counts how often this place was used.
    pub generation: u16,
}

const _: () = assert!(size_of::<Entry>() == 16);

const PER_FRAME: usize = FRAME_LEN / size_of::<Entry>();
/// Frames in the largest table.
const FRAMES_MAX: usize = HandleTable::LIMIT / PER_FRAME;
const NONE: u16 = u16::MAX;

/// All handles of a process.
pub struct HandleTable {
    frames: [Option<PhysAddr>; FRAMES_MAX],
    capacity: usize,
    free: u16,
    used: usize,
    /// Handles that were moved out of the table in messages which nobody has received yet: they count
    /// against the limit as if they were still here (rule 9).
    pub in_flight: usize,
    limit: usize,
}

impl HandleTable {
    /// No process can have more handles than this.
    pub const LIMIT: usize = 16384;

    /// An empty table that may grow to `limit` handles.
    pub const fn new(limit: usize) -> HandleTable {
        HandleTable {
            frames: [None; FRAMES_MAX],
            capacity: 0,
            free: NONE,
            used: 0,
            in_flight: 0,
            limit: if limit < HandleTable::LIMIT {
                limit
            } else {
                HandleTable::LIMIT
            },
        }
    }

    /// Handles in use.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether no handle is in use.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Frames that hold the table.
    pub fn frame_count(&self) -> usize {
        self.capacity / PER_FRAME
    }

    /// Frames that have to be added before `count` more handles fit.
    pub fn frames_needed(&self, count: usize) -> Result<usize> {
        if self.used + self.in_flight + count > self.limit {
            return Err(Error::HandleLimit);
        }
        let free = self.capacity - self.used;
        Ok(count.saturating_sub(free).div_ceil(PER_FRAME))
    }

    /// The most handles that it may have.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Adds a frame.
    pub fn grow(&mut self, memory: &mut Memory) -> Result<()> {
        let frame = memory.allocate(0)?;
        self.frames[self.capacity / PER_FRAME] = Some(frame);
        for i in (self.capacity..self.capacity + PER_FRAME).rev() {
            let entry = Entry {
                object: Object::Free(self.free),
                rights: Rights::NONE,
                generation: 1,
            };
            // SAFETY: the frame was just allocated for the table and `i` lies in it.
            unsafe {
                memory
                    .machine
                    .memory(frame)
                    .cast::<Entry>()
                    .add(i % PER_FRAME)
                    .write(entry)
            };
            self.free = i as u16;
        }
        self.capacity += PER_FRAME;
        Ok(())
    }

    /// Adds a handle. There must be room: see [`HandleTable::frames_needed`].
    pub fn insert(&mut self, machine: &Machine, object: Object, rights: Rights) -> Handle {
        let index = self.free;
        let entry = self
            .entry_mut(machine, index as usize)
            .expect("there is room");
        let Object::Free(next) = entry.object else {
            panic!("the free list holds a used entry")
        };
        entry.object = object;
        entry.rights = rights;
        let handle = Handle::new(index, entry.generation);
        self.free = next;
        self.used += 1;
        handle
    }

    /// What a handle refers to.
    #[inline(always)]
    pub fn get(&self, machine: &Machine, handle: Handle) -> Result<Entry> {
        let entry = self
            .entry(machine, handle.index())
            .ok_or(Error::BadHandle)?;
        if entry.generation != handle.generation() || matches!(entry.object, Object::Free(_)) {
            return Err(Error::BadHandle);
        }
        Ok(*entry)
    }

    /// Takes a handle out of the table.
    pub fn remove(&mut self, machine: &Machine, handle: Handle) -> Result<Entry> {
        let taken = self.get(machine, handle)?;
        let free = self.free;
        let entry = self
            .entry_mut(machine, handle.index())
            .expect("get found it");
        entry.object = Object::Free(free);
        // Never 0, so that no handle is `Handle::NONE`; 15 bits, as many as a handle shows.
        entry.generation = (entry.generation % 0x7fff) + 1;
        self.free = handle.index() as u16;
        self.used -= 1;
        Ok(taken)
    }

    /// Takes out any one handle at or after `*cursor`, looking at no more than `steps` entries.
    /// For tearing a table down; `None` with the cursor at the end means that it is empty.
    pub fn take_next(
        &mut self,
        machine: &Machine,
        cursor: &mut usize,
        steps: usize,
    ) -> Option<Entry> {
        for _ in 0..steps {
            let index = *cursor;
            let entry = *self.entry(machine, index)?;
            *cursor += 1;
            if !matches!(entry.object, Object::Free(_)) {
                return self
                    .remove(machine, Handle::new(index as u16, entry.generation))
                    .ok();
            }
        }
        None
    }

    /// What is at a place of the table, `Object::Free` for nothing; `None` past its end.
    pub fn at(&self, machine: &Machine, index: usize) -> Option<Entry> {
        self.entry(machine, index).copied()
    }

    /// How many entries there are, used or not.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Gives the table's frames back.
    pub fn free_frames(&mut self, memory: &mut Memory) {
        for frame in self.frames.iter_mut().filter_map(Option::take) {
            memory.free(frame);
        }
        self.capacity = 0;
    }

    #[inline(always)]
    fn entry<'a>(&'a self, machine: &'a Machine, index: usize) -> Option<&'a Entry> {
        if index >= self.capacity {
            return None;
        }
        let frame = self.frames[index / PER_FRAME % FRAMES_MAX]?;
        // SAFETY: below the capacity each frame is there and filled with entries; the table
        // owns it, and is borrowed.
        Some(unsafe { &*machine.memory(frame).cast::<Entry>().add(index % PER_FRAME) })
    }

    fn entry_mut<'a>(&'a mut self, machine: &'a Machine, index: usize) -> Option<&'a mut Entry> {
        if index >= self.capacity {
            return None;
        }
        let frame = self.frames[index / PER_FRAME % FRAMES_MAX]?;
        // SAFETY: as in `entry`; the mutable borrow makes it the only reference.
        Some(unsafe { &mut *machine.memory(frame).cast::<Entry>().add(index % PER_FRAME) })
    }
}

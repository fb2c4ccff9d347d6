//! Typed slabs: where kernel objects live (rule 6).
//!
//! An object is named by an [`Id`], its index and a generation. The slot's generation changes
//! when the object goes, so a stale id finds nothing instead of somebody else's object. Slabs
//! grow by whole chunks and never shrink; growing is the only step that can fail.

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::num::NonZeroU32;
use core::ops::{Index, IndexMut};

use crate::arch::Machine;
use crate::memory::{FRAME_LEN, Frames};

/// Names one object of a kind, for as long as it lives.
pub struct Id<T> {
    index: u32,
    /// Odd, hence not zero: an `Option<Id>` takes no more room.
    generation: NonZeroU32,
    kind: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// The slot's number: unique among the living objects of a kind.
    pub fn index(self) -> u32 {
        self.index
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && self.generation == other.generation
    }
}
impl<T> Eq for Id<T> {}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

const CHUNK_ORDER: usize = 2;
const CHUNK_LEN: usize = FRAME_LEN << CHUNK_ORDER;
/// Chunks that a slab can have: their addresses fill one frame.
const CHUNKS_MAX: usize = FRAME_LEN / 8;
const NONE: u32 = u32::MAX;

/// Even generation: free, and `next_free` counts. Odd: `value` is alive.
struct Slot<T> {
    generation: u32,
    next_free: u32,
    value: MaybeUninit<T>,
}

/// All objects of one kind.
pub struct Slab<T> {
    /// A frame that holds the chunks' addresses, once there is one.
    chunks: *mut *mut Slot<T>,
    chunk_count: usize,
    free: u32,
    live: usize,
}

// SAFETY: the chunks belong to the slab alone; it may move between CPUs like the objects in it.
unsafe impl<T: Send> Send for Slab<T> {}

impl<T> Slab<T> {
    /// Slots in a chunk: a power of two, so that finding a slot needs no division.
    const SLOTS: usize = {
        let fit = CHUNK_LEN / size_of::<Slot<T>>();
        assert!(fit >= 1, "an object must fit in a chunk");
        1 << (usize::BITS - 1 - fit.leading_zeros())
    };

    /// A slab without objects or memory.
    pub const fn new() -> Slab<T> {
        Slab {
            chunks: core::ptr::null_mut(),
            chunk_count: 0,
            free: NONE,
            live: 0,
        }
    }

    /// How many objects are alive.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether no object is alive.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Makes sure that one object more fits; after this, [`Slab::insert`] cannot fail.
    pub fn reserve(&mut self, machine: &Machine, frames: &mut Frames) -> abi::Result<()> {
        if self.free != NONE {
            return Ok(());
        }
        if self.chunk_count == CHUNKS_MAX {
            return Err(abi::Error::OutOfMemory);
        }
        if self.chunks.is_null() {
            let frame = frames.allocate(0).ok_or(abi::Error::OutOfMemory)?;
            self.chunks = machine.memory(frame).cast();
        }
        let block = frames
            .allocate(CHUNK_ORDER)
            .ok_or(abi::Error::OutOfMemory)?;
        let chunk = machine.memory(block).cast::<Slot<T>>();
        let first = (self.chunk_count * Self::SLOTS) as u32;
        for i in 0..Self::SLOTS {
            let next_free = if i + 1 < Self::SLOTS {
                first + i as u32 + 1
            } else {
                NONE
            };
            // SAFETY: the block is ours and holds SLOTS slots.
            unsafe {
                (&raw mut (*chunk.add(i)).generation).write(0);
                (&raw mut (*chunk.add(i)).next_free).write(next_free);
            }
        }
        // SAFETY: the frame has room for CHUNKS_MAX addresses, and there are fewer.
        unsafe { self.chunks.add(self.chunk_count).write(chunk) };
        self.chunk_count += 1;
        self.free = first;
        Ok(())
    }

    /// Adds an object. There must be room: see [`Slab::reserve`].
    pub fn insert(&mut self, value: T) -> Id<T> {
        let index = self.free;
        assert!(index != NONE, "insert without reserve");
        let slot = self.slot(index);
        // SAFETY: the free list holds only slots of our chunks, and this slot is free.
        unsafe {
            (*slot).generation = (*slot).generation.wrapping_add(1);
            (&raw mut (*slot).value).write(MaybeUninit::new(value));
            self.free = (*slot).next_free;
            self.live += 1;
            Id {
                index,
                generation: NonZeroU32::new((*slot).generation).unwrap(),
                kind: PhantomData,
            }
        }
    }

    /// Takes an object out; its id finds nothing from now on.
    pub fn remove(&mut self, id: Id<T>) -> Option<T> {
        self.get(id)?;
        let slot = self.slot(id.index);
        // SAFETY: `get` saw the object alive; its value is moved out once, since the
        // generation now says that the slot is free.
        unsafe {
            (*slot).generation = (*slot).generation.wrapping_add(1);
            let value = (*slot).value.assume_init_read();
            (*slot).next_free = self.free;
            self.free = id.index;
            self.live -= 1;
            Some(value)
        }
    }

    /// The object, if it is still alive.
    #[inline]
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        let slot = self.checked_slot(id.index)?;
        // SAFETY: the slot is in a chunk; an odd generation that matches means that the value
        // was written and not taken out. The borrow of `self` keeps it so.
        unsafe {
            ((*slot).generation == id.generation.get()).then(|| (*slot).value.assume_init_ref())
        }
    }

    /// The object, if it is still alive.
    #[inline]
    pub fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        let slot = self.checked_slot(id.index)?;
        // SAFETY: as in `get`; the mutable borrow of `self` makes it the only reference.
        unsafe {
            ((*slot).generation == id.generation.get()).then(|| (*slot).value.assume_init_mut())
        }
    }

    /// The living object in the slot with this number.
    pub fn at(&self, index: u32) -> Option<Id<T>> {
        let slot = self.checked_slot(index)?;
        // SAFETY: the slot is in a chunk, where generations are always initialised.
        let generation = unsafe { (*slot).generation };
        (generation & 1 == 1).then_some(Id {
            index,
            generation: NonZeroU32::new(generation)?,
            kind: PhantomData,
        })
    }

    /// One more than the highest slot number in use so far.
    pub fn capacity(&self) -> u32 {
        (self.chunk_count * Self::SLOTS) as u32
    }

    /// All living objects.
    pub fn ids(&self) -> impl Iterator<Item = Id<T>> + '_ {
        (0..self.capacity()).filter_map(|index| self.at(index))
    }

    #[inline]
    fn checked_slot(&self, index: u32) -> Option<*mut Slot<T>> {
        (index < self.capacity()).then(|| self.slot(index))
    }

    #[inline]
    fn slot(&self, index: u32) -> *mut Slot<T> {
        // SAFETY: callers pass an index below the capacity, so the chunk exists and has it.
        unsafe {
            (*self.chunks.add(index as usize / Self::SLOTS)).add(index as usize % Self::SLOTS)
        }
    }
}

/// For links between objects that the kernel keeps valid itself: a stale one is a kernel bug.
impl<T> Index<Id<T>> for Slab<T> {
    type Output = T;
    #[inline]
    fn index(&self, id: Id<T>) -> &T {
        self.get(id).unwrap_or_else(|| stale())
    }
}
impl<T> IndexMut<Id<T>> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        self.get_mut(id).unwrap_or_else(|| stale())
    }
}

#[cold]
#[inline(never)]
fn stale() -> ! {
    panic!("a link between kernel objects is stale");
}

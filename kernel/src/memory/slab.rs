//! Typed slabs: where kernel objects live (rule 6).
//!
//! An object is named by an [`Id`], its index and a generation. The slot's generation changes
//! when the object goes, so a stale id finds nothing instead of somebody else's object. Slabs
//! grow by whole chunks and never shrink; growing is the only step that can fail.

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::num::NonZeroU64;
use core::ops::{Index, IndexMut};

use crate::arch::{Machine, MemoryBase};
use crate::memory::{FRAME_LEN, Frames};

/// Names one object of a kind, for as long as it lives. Made by a [`Slab`], for that slab only.
///
/// One word, laid out so that finding an object takes four instructions, since each message looks
/// up half a dozen: shifted right by [`GENERATION_BITS`] it is the slot's distance from the first
/// byte of memory, and compared as a whole with the word in the slot it tells whether the object
/// still lives.
///
/// | bits | what |
/// |---|---|
/// | 0..28 | generation: odd, so an `Option<Id>` takes no more room |
/// | 28..64 | distance of the slot in bytes, a multiple of 16 |
pub struct Id<T> {
    word: NonZeroU64,
    kind: PhantomData<fn() -> T>,
}

/// Bits of an id's generation.
const GENERATION_BITS: u32 = 28;
/// The last generation. A slot that has reached it is never used again: an id can then never come
/// to name another object than the one that it was made for.
const GENERATION_LAST: u64 = (1 << GENERATION_BITS) - 2;

impl<T> Id<T> {
    /// The distance of its slot from the first byte of memory.
    #[inline(always)]
    fn distance(self) -> usize {
        (self.word.get() >> GENERATION_BITS) as usize
    }

    /// The same number as the name of something else: for keeping ids of several kinds.
    ///
    /// # Safety
    /// What comes of it may only be used after it was cast back to `Id<T>`.
    #[inline(always)]
    pub unsafe fn cast<U>(self) -> Id<U> {
        Id {
            word: self.word,
            kind: PhantomData,
        }
    }

    /// A number that no other object has, or has had: for people and traces, and never 0.
    pub fn number(self) -> u64 {
        self.word.get()
    }

    fn generation(self) -> u64 {
        self.word.get() & ((1 << GENERATION_BITS) - 1)
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
        self.word == other.word
    }
}
impl<T> Eq for Id<T> {}
impl<T> core::hash::Hash for Id<T> {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.word.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{}", self.distance(), self.generation())
    }
}

const CHUNK_ORDER: usize = 2;
const CHUNK_LEN: usize = FRAME_LEN << CHUNK_ORDER;
/// Chunks whose addresses fill one frame.
const CHUNKS_PER_FRAME: usize = FRAME_LEN / 8;
/// Frames of such addresses that a slab can have.
const CHUNK_FRAMES: usize = 4;
/// Chunks that a slab can have: 32 MiB.
const CHUNKS_MAX: usize = CHUNK_FRAMES * CHUNKS_PER_FRAME;
const NONE: u32 = u32::MAX;

/// The bytes of memory, from its first one on, that an id can name a slot in: 64 GiB.
const REACH: u64 = 1 << (64 - GENERATION_BITS);

/// `word` is as in [`Id`]. Even generation: free, and `link` is the number of the next free slot.
/// Odd: `value` is alive, and `link` is the slot's own number.
#[repr(C, align(16))]
struct Slot<T> {
    word: u64,
    link: u32,
    value: MaybeUninit<T>,
}

/// All objects of one kind.
pub struct Slab<T> {
    /// Where the first byte of memory is seen.
    base: MemoryBase,
    /// Frames that hold the chunks' addresses, as far as there are any.
    chunks: [*mut *mut Slot<T>; CHUNK_FRAMES],
    chunk_count: usize,
    free: u32,
    live: usize,
}

// SAFETY: the chunks belong to the slab alone; it may move between CPUs like the objects in it.
unsafe impl<T: Send> Send for Slab<T> {}

impl<T> Slab<T> {
    /// Slots in a chunk.
    const SLOTS: usize = {
        let fit = CHUNK_LEN / size_of::<Slot<T>>();
        assert!(fit >= 1, "an object must fit in a chunk");
        fit
    };

    /// A slab without objects or memory.
    pub const fn new() -> Slab<T> {
        Slab {
            base: MemoryBase::UNSET,
            chunks: [core::ptr::null_mut(); CHUNK_FRAMES],
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

    /// Frames that the slab has taken.
    pub fn frame_count(&self) -> usize {
        let tables = self.chunks.iter().filter(|table| !table.is_null()).count();
        (self.chunk_count << CHUNK_ORDER) + tables
    }

    /// Makes sure that one object more fits; after this, [`Slab::insert`] cannot fail.
    pub fn reserve(&mut self, machine: &Machine, frames: &mut Frames) -> abi::Result<()> {
        if self.free != NONE {
            return Ok(());
        }
        if self.chunk_count == CHUNKS_MAX {
            return Err(abi::Error::OutOfMemory);
        }
        let table = &mut self.chunks[self.chunk_count / CHUNKS_PER_FRAME];
        if table.is_null() {
            let frame = frames.allocate(0).ok_or(abi::Error::OutOfMemory)?;
            *table = machine.memory(frame).cast();
            self.base = MemoryBase::of(machine);
        }
        let block = frames
            .allocate(CHUNK_ORDER)
            .ok_or(abi::Error::OutOfMemory)?;
        let distance = MemoryBase::distance(block) as u64;
        if distance + CHUNK_LEN as u64 > REACH {
            // Where an id could not name it.
            frames.free(block);
            return Err(abi::Error::OutOfMemory);
        }
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
                let word = (distance + (i * size_of::<Slot<T>>()) as u64) << GENERATION_BITS;
                (&raw mut (*chunk.add(i)).word).write(word);
                (&raw mut (*chunk.add(i)).link).write(next_free);
            }
        }
        let table = self.chunks[self.chunk_count / CHUNKS_PER_FRAME];
        // SAFETY: the frame is there, as seen above, and has room for CHUNKS_PER_FRAME addresses.
        unsafe { table.add(self.chunk_count % CHUNKS_PER_FRAME).write(chunk) };
        self.chunk_count += 1;
        self.free = first;
        Ok(())
    }

    /// Adds an object. There must be room: see [`Slab::reserve`].
    pub fn insert(&mut self, value: T) -> Id<T> {
        let number = self.free;
        assert!(number != NONE, "insert without reserve");
        let slot = self.numbered(number).expect("free slots are in chunks");
        // SAFETY: the free list holds only slots of our chunks, and this slot is free.
        unsafe {
            (*slot).word += 1;
            (&raw mut (*slot).value).write(MaybeUninit::new(value));
            self.free = (*slot).link;
            (*slot).link = number;
            self.live += 1;
            self.id(slot).expect("its generation is odd now")
        }
    }

    /// Takes an object out; its id finds nothing from now on.
    pub fn remove(&mut self, id: Id<T>) -> Option<T> {
        self.get(id)?;
        let slot = self.slot(id);
        // SAFETY: `get` saw the object alive; its value is moved out once, since the
        // generation now says that the slot is free.
        unsafe {
            (*slot).word += 1;
            let value = (*slot).value.assume_init_read();
            if id.generation() + 1 < GENERATION_LAST {
                core::mem::swap(&mut (*slot).link, &mut self.free);
            }
            self.live -= 1;
            Some(value)
        }
    }

    /// The object, if it is still alive.
    #[inline(always)]
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        let slot = self.slot(id);
        // SAFETY: an id's slot is in a chunk, and chunks stay; an odd generation that matches
        // means that the value was written and not taken out. The borrow of `self` keeps it so.
        unsafe { ((*slot).word == id.word.get()).then(|| (*slot).value.assume_init_ref()) }
    }

    /// The object, if it is still alive.
    #[inline(always)]
    pub fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        let slot = self.slot(id);
        // SAFETY: as in `get`; the mutable borrow of `self` makes it the only reference.
        unsafe { ((*slot).word == id.word.get()).then(|| (*slot).value.assume_init_mut()) }
    }

    /// Two different objects, if both are still alive.
    #[inline(always)]
    pub fn get_two_mut(&mut self, a: Id<T>, b: Id<T>) -> Option<(&mut T, &mut T)> {
        let (slot_a, slot_b) = (self.slot(a), self.slot(b));
        if a == b {
            return None;
        }
        // SAFETY: as in `get_mut`. Both are alive, so each slot's word is its id; the ids differ,
        // so the slots do, and the two references reach different objects.
        unsafe {
            if (*slot_a).word != a.word.get() || (*slot_b).word != b.word.get() {
                return None;
            }
            Some((
                (*slot_a).value.assume_init_mut(),
                (*slot_b).value.assume_init_mut(),
            ))
        }
    }

    /// The number of a living object's slot: small, and unique among the living objects.
    pub fn number(&self, id: Id<T>) -> Option<u32> {
        self.get(id)?;
        // SAFETY: `get` saw the slot alive.
        Some(unsafe { (*self.slot(id)).link })
    }

    /// The living object in the slot with this number.
    pub fn at(&self, number: u32) -> Option<Id<T>> {
        self.id(self.numbered(number)?)
    }

    /// One more than the highest slot number so far.
    pub fn capacity(&self) -> u32 {
        (self.chunk_count * Self::SLOTS) as u32
    }

    /// All living objects. Free slots after the last of them are not looked at, so where few live, as among
    /// interrupts, this takes few steps.
    pub fn ids(&self) -> impl Iterator<Item = Id<T>> + '_ {
        let all = (0..self.capacity()).filter_map(|number| self.at(number));
        all.take(self.live)
    }

    /// The id of the object in a slot, if one lives there.
    fn id(&self, slot: *mut Slot<T>) -> Option<Id<T>> {
        // SAFETY: callers pass slots of our chunks, where words are always initialised.
        let word = unsafe { (*slot).word };
        (word & 1 == 1).then_some(Id {
            word: NonZeroU64::new(word)?,
            kind: PhantomData,
        })
    }

    fn numbered(&self, number: u32) -> Option<*mut Slot<T>> {
        let (chunk, index) = (number as usize / Self::SLOTS, number as usize % Self::SLOTS);
        // SAFETY: chunks below the count exist and hold SLOTS slots.
        (chunk < self.chunk_count).then(|| unsafe {
            let table = self.chunks[chunk / CHUNKS_PER_FRAME];
            (*table.add(chunk % CHUNKS_PER_FRAME)).add(index)
        })
    }

    #[inline(always)]
    fn slot(&self, id: Id<T>) -> *mut Slot<T> {
        self.base.at(id.distance()).cast()
    }
}

/// For links between objects that the kernel keeps valid itself: a stale one is a kernel bug.
impl<T> Index<Id<T>> for Slab<T> {
    type Output = T;
    #[inline(always)]
    fn index(&self, id: Id<T>) -> &T {
        match self.get(id) {
            Some(object) => object,
            None => stale(),
        }
    }
}
impl<T> IndexMut<Id<T>> for Slab<T> {
    #[inline(always)]
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        match self.get_mut(id) {
            Some(object) => object,
            None => stale(),
        }
    }
}

#[cold]
#[inline(never)]
fn stale() -> ! {
    panic!("a link between kernel objects is stale");
}

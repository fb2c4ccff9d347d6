//! How a ring lies in memory, and why no wake-up is lost.
//!
//! | offset | word | written by |
//! |---|---|---|
//! | 0 | `tail`: how many descriptors were ever pushed, modulo 2³² | producer |
//! | 4 | `space_event`: wake me when `head` passes this | producer |
//! | 64 | `head`: how many descriptors were ever taken, modulo 2³² | consumer |
//! | 68 | `data_event`: wake me when `tail` passes this | consumer |
//! | 128 | descriptors, 16 bytes each: offset, length, cookie low, cookie high | producer |
//!
//! Each side's words lie in a cache line of their own. Both sides start with all words zero.
//!
//! # Waking
//!
//! Who wants to sleep writes into its event word the index whose passing is to wake it. Who
//! advances an index from `old` to `new` sends a wake-up exactly if the event lies in
//! `old..new` (`passed`): once for a batch, and not again until the sleeper asks again. A side
//! that is awake leaves its event behind its own index, where it is not passed. (It comes into
//! sight again after 2³² descriptors; the wake-up that this causes is spurious and harmless.)
//!
//! *No wake-up is lost.* Say the consumer sleeps while a descriptor lies in the ring. Its last
//! steps were: (C1) store `data_event`; (C2) fence; (C3) load `tail`, and find nothing new. The
//! producer's were: (P1) store `tail`; (P2) fence; (P3) load `data_event`. The two sequentially
//! consistent fences have an order. If C2 comes first, P3 reads what C1 stored or later, sees
//! that `tail` just passed it, and sends the wake-up; the bell keeps a count, so it does not matter
//! whether the consumer sleeps already. If P2 comes first, C3 reads what P1 stored, finds the
//! descriptor, and the consumer does not sleep. The same holds for space with the roles swapped.
//! `tests/loom.rs` explores all interleavings, and fails if a fence is removed.

/// How often a descriptor's place is found: bytes of one.
pub(crate) const DESCRIPTOR_LEN: usize = 16;
pub(crate) const TAIL: usize = 0;
pub(crate) const SPACE_EVENT: usize = 4;
pub(crate) const HEAD: usize = 64;
pub(crate) const DATA_EVENT: usize = 68;
pub(crate) const DESCRIPTORS: usize = 128;

/// Where a ring lies, and how large it is. Both sides must use the same; it comes with the
/// set-up message, not out of the shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    offset: usize,
    capacity: u32,
    data_len: u32,
}

impl Layout {
    /// Most descriptors in one ring.
    pub const CAPACITY_MAX: u32 = 1 << 15;

    /// A ring of `capacity` descriptors (a power of two, at most [`Layout::CAPACITY_MAX`]) that
    /// begins at `offset` of its memory (divisible by 64), describing parts of a data area of
    /// `data_len` bytes. `None` if that is not so.
    pub const fn new(offset: usize, capacity: u32, data_len: u32) -> Option<Layout> {
        if !capacity.is_power_of_two()
            || capacity > Self::CAPACITY_MAX
            || !offset.is_multiple_of(64)
        {
            return None;
        }
        if offset.checked_add(Self::bytes(capacity)).is_none() {
            return None;
        }
        Some(Layout {
            offset,
            capacity,
            data_len,
        })
    }

    /// Bytes that a ring of this capacity takes, rounded up to a multiple of 64.
    pub const fn bytes(capacity: u32) -> usize {
        (DESCRIPTORS + capacity as usize * DESCRIPTOR_LEN).next_multiple_of(64)
    }

    /// Number of descriptors.
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Bytes of the data area.
    pub const fn data_len(&self) -> u32 {
        self.data_len
    }

    /// First offset behind the ring.
    pub const fn end(&self) -> usize {
        self.offset + Self::bytes(self.capacity)
    }

    /// Offset of one of the words above.
    pub(crate) const fn word(&self, word: usize) -> usize {
        self.offset + word
    }

    /// Offset of the descriptor that has this running number.
    pub(crate) const fn descriptor(&self, index: u32) -> usize {
        self.offset + DESCRIPTORS + (index & (self.capacity - 1)) as usize * DESCRIPTOR_LEN
    }
}

/// What a ring carries: a part of the data area, and a word that both sides agree on the
/// meaning of (flags, a request's number).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Where in the data area it begins.
    pub offset: u32,
    /// Its length in bytes.
    pub len: u32,
    /// Passed through unchanged.
    pub cookie: u64,
}

impl Descriptor {
    /// Whether it lies within a data area of `data_len` bytes.
    pub(crate) fn fits(&self, data_len: u32) -> bool {
        self.offset
            .checked_add(self.len)
            .is_some_and(|end| end <= data_len)
    }
}

/// Whether an index that went from `old` to `new` passed `event`, that is, whether `event` lies
/// in `old..new` on the circle of 2³² numbers.
pub(crate) fn passed(event: u32, old: u32, new: u32) -> bool {
    event.wrapping_sub(old) < new.wrapping_sub(old)
}

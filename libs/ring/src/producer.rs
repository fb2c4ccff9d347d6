//! The side that fills the ring.

use core::sync::atomic::Ordering;

use crate::layout::{DATA_EVENT, HEAD, SPACE_EVENT, TAIL, passed};
use crate::{Descriptor, Layout, Malformed, PushError, Reason, SharedMemory};

/// The producing end of a ring.
pub struct Producer<M> {
    memory: M,
    layout: Layout,
    /// How many were ever pushed. The word in shared memory follows at [`Producer::publish`].
    tail: u32,
    /// What the word `tail` in shared memory was last set to.
    published: u32,
    /// The last `head` that was seen and found plausible.
    head: u32,
}

impl<M: SharedMemory> Producer<M> {
    /// The producing end of the ring that `layout` describes. The ring's bytes must be zero,
    /// and there must be no other producer.
    ///
    /// # Panics
    /// If the ring does not fit the memory. Whoever takes a layout from a message checks that
    /// first, with [`Layout::end`].
    pub fn new(memory: M, layout: Layout) -> Producer<M> {
        assert!(
            layout.end() <= memory.len(),
            "the ring does not fit its memory"
        );
        Producer {
            memory,
            layout,
            tail: 0,
            published: 0,
            head: 0,
        }
    }

    /// The memory that the ring lies in.
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// Puts a descriptor in. The consumer sees it after the next [`Producer::publish`].
    pub fn push(&mut self, descriptor: Descriptor) -> Result<(), PushError> {
        debug_assert!(
            descriptor.fits(self.layout.data_len()),
            "{descriptor:?} lies outside the data area"
        );
        if self.in_flight() == self.layout.capacity() {
            self.refresh()?;
            if self.in_flight() == self.layout.capacity() {
                return Err(PushError::Full);
            }
        }
        let at = self.layout.descriptor(self.tail);
        let words = [
            descriptor.offset,
            descriptor.len,
            descriptor.cookie as u32,
            (descriptor.cookie >> 32) as u32,
        ];
        for (i, word) in words.into_iter().enumerate() {
            // Relaxed: the store of `tail` in `publish` releases them.
            self.memory.store_u32(at + 4 * i, word, Ordering::Relaxed);
        }
        self.tail = self.tail.wrapping_add(1);
        Ok(())
    }

    /// Shows the consumer what was pushed. True if it must be woken.
    #[must_use = "if true, the consumer sleeps until its bell rings"]
    pub fn publish(&mut self) -> bool {
        let old = self.published;
        if old == self.tail {
            return false;
        }
        self.memory
            .store_u32(self.layout.word(TAIL), self.tail, Ordering::Release);
        self.published = self.tail;
        self.memory.fence();
        let event = self
            .memory
            .load_u32(self.layout.word(DATA_EVENT), Ordering::Relaxed);
        // Any value is fine here: a hostile one only spares or spends its own wake-ups.
        passed(event, old, self.tail)
    }

    /// How many more descriptors fit now.
    pub fn space(&mut self) -> Result<u32, Malformed> {
        self.refresh()?;
        Ok(self.layout.capacity() - self.in_flight())
    }

    /// Whether so many more descriptors fit. Looks at the consumer's index only if that is not known anyway.
    #[inline]
    pub fn has_space(&mut self, wanted: u32) -> Result<bool, Malformed> {
        if self.layout.capacity() - self.in_flight() >= wanted {
            return Ok(true);
        }
        Ok(self.space()? >= wanted)
    }

    /// How many descriptors the consumer has taken since the start, modulo 2³². What the `n`th
    /// descriptor described may be used again once this has passed `n`.
    pub fn consumed(&mut self) -> Result<u32, Malformed> {
        self.refresh()?;
        Ok(self.head)
    }

    /// How many descriptors were pushed since the start, modulo 2³².
    pub fn pushed(&self) -> u32 {
        self.tail
    }

    /// To be called before sleeping for want of space. Asks for a wake-up once at least `wanted`
    /// more descriptors fit (between 1 and the capacity; more means fewer wake-ups). False
    /// if there is that much already: then do not sleep.
    pub fn prepare_wait(&mut self, wanted: u32) -> Result<bool, Malformed> {
        let wanted = wanted.clamp(1, self.layout.capacity());
        // `wanted` fit once head has reached tail - capacity + wanted, that is, has passed one less.
        let event = self
            .tail
            .wrapping_sub(self.layout.capacity())
            .wrapping_add(wanted - 1);
        self.memory
            .store_u32(self.layout.word(SPACE_EVENT), event, Ordering::Relaxed);
        self.memory.fence();
        self.refresh()?;
        Ok(self.layout.capacity() - self.in_flight() < wanted)
    }

    fn in_flight(&self) -> u32 {
        self.tail.wrapping_sub(self.head)
    }

    /// Reads the consumer's index, once.
    fn refresh(&mut self) -> Result<(), Malformed> {
        let head = self
            .memory
            .load_u32(self.layout.word(HEAD), Ordering::Acquire);
        // It may go forward from what was seen last, up to what was published; nowhere else.
        if head.wrapping_sub(self.head) > self.published.wrapping_sub(self.head) {
            return Err(Malformed {
                reason: Reason::HeadOutOfRange,
                found: head,
            });
        }
        self.head = head;
        Ok(())
    }
}

//! The side that empties the ring.

use core::sync::atomic::Ordering;

use crate::layout::{DATA_EVENT, HEAD, SPACE_EVENT, TAIL, passed};
use crate::{Descriptor, Layout, Malformed, Reason, SharedMemory};

/// The consuming end of a ring.
pub struct Consumer<M> {
    memory: M,
    layout: Layout,
    /// How many were ever taken. The word in shared memory follows at [`Consumer::release`].
    head: u32,
    /// What the word `head` in shared memory was last set to.
    released: u32,
    /// The last `tail` that was seen and found plausible.
    tail: u32,
}

impl<M: SharedMemory> Consumer<M> {
    /// The consuming end of the ring that `layout` describes. The ring's bytes must be zero,
    /// and there must be no other consumer.
    ///
    /// # Panics
    /// If the ring does not fit the memory. Whoever takes a layout from a message checks that
    /// first, with [`Layout::end`].
    pub fn new(memory: M, layout: Layout) -> Consumer<M> {
        assert!(
            layout.end() <= memory.len(),
            "the ring does not fit its memory"
        );
        Consumer {
            memory,
            layout,
            head: 0,
            released: 0,
            tail: 0,
        }
    }

    /// The memory that the ring lies in.
    pub fn memory(&self) -> &M {
        &self.memory
    }

    /// Takes the next descriptor, which lies within the data area, or `None` if there is none
    /// now. The producer learns of it at the next [`Consumer::release`]; until then it does not
    /// use again what the descriptor describes.
    pub fn pop(&mut self) -> Result<Option<Descriptor>, Malformed> {
        if self.head == self.tail && !self.refresh()? {
            return Ok(None);
        }
        let at = self.layout.descriptor(self.head);
        // Each word is loaded once, into memory of our own. The words of a hostile producer may
        // not belong together; then they are still some descriptor, and are checked as that.
        let word = |i: usize| self.memory.load_u32(at + 4 * i, Ordering::Relaxed);
        let descriptor = Descriptor {
            offset: word(0),
            len: word(1),
            cookie: word(2) as u64 | (word(3) as u64) << 32,
        };
        if !descriptor.fits(self.layout.data_len()) {
            return Err(Malformed {
                reason: Reason::DescriptorOutOfRange,
                found: descriptor.offset,
            });
        }
        self.head = self.head.wrapping_add(1);
        Ok(Some(descriptor))
    }

    /// Gives back to the producer what was taken. True if it must be woken.
    #[must_use = "if true, the producer sleeps until its bell rings"]
    pub fn release(&mut self) -> bool {
        self.release_some(self.head.wrapping_sub(self.released))
    }

    /// The same for the `count` oldest descriptors that were taken: for a consumer that is done
    /// with them later than it takes them. Never more than were taken.
    #[must_use = "if true, the producer sleeps until its bell rings"]
    pub fn release_some(&mut self, count: u32) -> bool {
        let old = self.released;
        let new = old.wrapping_add(count.min(self.head.wrapping_sub(old)));
        if old == new {
            return false;
        }
        // Release: our reads of descriptors and of what they describe come before it.
        self.memory
            .store_u32(self.layout.word(HEAD), new, Ordering::Release);
        self.released = new;
        self.memory.fence();
        let event = self
            .memory
            .load_u32(self.layout.word(SPACE_EVENT), Ordering::Relaxed);
        passed(event, old, new)
    }

    /// To be called before sleeping for want of descriptors. Asks for a wake-up at the next one.
    /// False if there is one already: then do not sleep.
    pub fn prepare_wait(&mut self) -> Result<bool, Malformed> {
        self.memory
            .store_u32(self.layout.word(DATA_EVENT), self.head, Ordering::Relaxed);
        self.memory.fence();
        Ok(self.head == self.tail && !self.refresh()?)
    }

    /// Reads the producer's index, once. True if there is something to take.
    fn refresh(&mut self) -> Result<bool, Malformed> {
        let tail = self
            .memory
            .load_u32(self.layout.word(TAIL), Ordering::Acquire);
        // It may go forward from what was seen last, as far as the ring has room for what we
        // have not given back yet; nowhere else.
        let new = tail.wrapping_sub(self.tail);
        let room = self.layout.capacity() - self.tail.wrapping_sub(self.released);
        if new > room {
            return Err(Malformed {
                reason: Reason::TailOutOfRange,
                found: tail,
            });
        }
        self.tail = tail;
        Ok(self.head != tail)
    }
}

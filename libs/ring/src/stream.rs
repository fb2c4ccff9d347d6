//! A ring of bytes: a pipe between two components that share memory and do not trust each other.
//!
//! It begins with the same words as a ring of descriptors (see [`crate::layout`]), counting bytes
//! instead, and behind them lie the bytes. The argument why no wake-up is lost is the same, too.

use core::sync::atomic::Ordering;

use crate::layout::{DATA_EVENT, DESCRIPTORS as BYTES, HEAD, SPACE_EVENT, TAIL, passed};
use crate::{Malformed, Reason, SharedMemory};

/// Where a stream lies, and how many bytes it holds. Both sides must use the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLayout {
    offset: usize,
    capacity: u32,
}

impl StreamLayout {
    /// A stream of `capacity` bytes (a power of two from 64 to 2³⁰) that begins at `offset` of its
    /// memory (divisible by 64). `None` if that is not so.
    pub const fn new(offset: usize, capacity: u32) -> Option<StreamLayout> {
        if !capacity.is_power_of_two()
            || capacity < 64
            || capacity > 1 << 30
            || !offset.is_multiple_of(64)
        {
            return None;
        }
        if offset.checked_add(Self::bytes(capacity)).is_none() {
            return None;
        }
        Some(StreamLayout { offset, capacity })
    }

    /// Bytes that a stream of this capacity takes: a multiple of 64.
    pub const fn bytes(capacity: u32) -> usize {
        BYTES + capacity as usize
    }

    /// How many bytes it holds.
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// First offset behind the stream.
    pub const fn end(&self) -> usize {
        self.offset + Self::bytes(self.capacity)
    }

    /// Sets the indices to zero, before both ends are made. Nobody may be using the stream.
    pub fn clear(&self, memory: &impl SharedMemory) {
        for word in [TAIL, SPACE_EVENT, HEAD, DATA_EVENT] {
            memory.store_u32(self.word(word), 0, Ordering::Relaxed);
        }
        memory.fence();
    }

    const fn word(&self, word: usize) -> usize {
        self.offset + word
    }

    /// Where the byte with this running number lies, and how many follow without a break.
    const fn place(&self, index: u32) -> (usize, u32) {
        let at = index & (self.capacity - 1);
        (self.offset + BYTES + at as usize, self.capacity - at)
    }
}

/// The end of a stream that bytes go in at.
pub struct StreamProducer<M> {
    memory: M,
    layout: StreamLayout,
    tail: u32,
    published: u32,
    head: u32,
}

impl<M: SharedMemory> StreamProducer<M> {
    /// The producing end. The stream's words must be zero, and there must be no other producer.
    ///
    /// # Panics
    /// If the stream does not fit the memory; see [`StreamLayout::end`].
    pub fn new(memory: M, layout: StreamLayout) -> StreamProducer<M> {
        assert!(
            layout.end() <= memory.len(),
            "the stream does not fit its memory"
        );
        StreamProducer {
            memory,
            layout,
            tail: 0,
            published: 0,
            head: 0,
        }
    }

    /// How many bytes fit now.
    pub fn space(&mut self) -> Result<usize, Malformed> {
        self.refresh()?;
        Ok((self.layout.capacity - self.tail.wrapping_sub(self.head)) as usize)
    }

    /// Puts bytes in, as many as fit: how many. The consumer sees them after the next
    /// [`StreamProducer::publish`].
    pub fn write(&mut self, mut data: &[u8]) -> Result<usize, Malformed> {
        if self.layout.capacity - self.tail.wrapping_sub(self.head) < data.len() as u32
            || data.len() > 1 << 30
        {
            self.refresh()?;
        }
        let mut written = 0;
        // At most twice: up to the ring's end, and from its beginning.
        loop {
            let space = self.layout.capacity - self.tail.wrapping_sub(self.head);
            let (at, run) = self.layout.place(self.tail);
            let len = data.len().min(space as usize).min(run as usize);
            if len == 0 {
                return Ok(written);
            }
            self.memory.write(at, &data[..len]);
            self.tail = self.tail.wrapping_add(len as u32);
            written += len;
            data = &data[len..];
        }
    }

    /// Shows the consumer what was written. True if it must be woken.
    #[must_use = "if true, the consumer sleeps until it is woken"]
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
        passed(event, old, self.tail)
    }

    /// To be called before sleeping for want of space: asks to be woken when `wanted` bytes fit.
    /// False if they fit already: then do not sleep.
    pub fn prepare_wait(&mut self, wanted: usize) -> Result<bool, Malformed> {
        let wanted = (wanted as u32).clamp(1, self.layout.capacity);
        let event = self
            .tail
            .wrapping_sub(self.layout.capacity)
            .wrapping_add(wanted - 1);
        self.memory
            .store_u32(self.layout.word(SPACE_EVENT), event, Ordering::Relaxed);
        self.memory.fence();
        Ok(self.space()? < wanted as usize)
    }

    /// Whether the consumer has taken everything that was published.
    pub fn is_drained(&mut self) -> Result<bool, Malformed> {
        self.refresh()?;
        Ok(self.head == self.tail)
    }

    fn refresh(&mut self) -> Result<(), Malformed> {
        let head = self
            .memory
            .load_u32(self.layout.word(HEAD), Ordering::Acquire);
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

/// The end of a stream that bytes come out at.
pub struct StreamConsumer<M> {
    memory: M,
    layout: StreamLayout,
    head: u32,
    released: u32,
    tail: u32,
}

impl<M: SharedMemory> StreamConsumer<M> {
    /// The consuming end. The stream's words must be zero, and there must be no other consumer.
    ///
    /// # Panics
    /// If the stream does not fit the memory; see [`StreamLayout::end`].
    pub fn new(memory: M, layout: StreamLayout) -> StreamConsumer<M> {
        assert!(
            layout.end() <= memory.len(),
            "the stream does not fit its memory"
        );
        StreamConsumer {
            memory,
            layout,
            head: 0,
            released: 0,
            tail: 0,
        }
    }

    /// How many bytes there are now.
    pub fn available(&mut self) -> Result<usize, Malformed> {
        self.refresh()?;
        Ok(self.tail.wrapping_sub(self.head) as usize)
    }

    /// Takes bytes, as many as there are and `to` holds: how many. They are copied, so they do
    /// not change any more. The producer learns of it at the next [`StreamConsumer::release`].
    pub fn read(&mut self, to: &mut [u8]) -> Result<usize, Malformed> {
        let len = self.peek(to)?;
        self.skip(len);
        Ok(len)
    }

    /// The same without taking them.
    pub fn peek(&mut self, to: &mut [u8]) -> Result<usize, Malformed> {
        if (self.tail.wrapping_sub(self.head) as usize) < to.len() {
            self.refresh()?;
        }
        let mut read = 0;
        loop {
            let index = self.head.wrapping_add(read as u32);
            let (at, run) = self.layout.place(index);
            let len = (to.len() - read)
                .min(self.tail.wrapping_sub(index) as usize)
                .min(run as usize);
            if len == 0 {
                return Ok(read);
            }
            self.memory.read(at, &mut to[read..read + len]);
            read += len;
        }
    }

    /// Where in the memory the next byte to be taken lies: who copies it to a place that is aligned alike copies quickly.
    pub fn place(&self) -> usize {
        self.layout.place(self.head).0
    }

    /// Takes `len` bytes that were peeked at; never more than there are.
    pub fn skip(&mut self, len: usize) {
        let available = self.tail.wrapping_sub(self.head);
        self.head = self.head.wrapping_add((len as u32).min(available));
    }

    /// Gives the space of what was taken back. True if the producer must be woken.
    #[must_use = "if true, the producer sleeps until it is woken"]
    pub fn release(&mut self) -> bool {
        let old = self.released;
        if old == self.head {
            return false;
        }
        self.memory
            .store_u32(self.layout.word(HEAD), self.head, Ordering::Release);
        self.released = self.head;
        self.memory.fence();
        let event = self
            .memory
            .load_u32(self.layout.word(SPACE_EVENT), Ordering::Relaxed);
        passed(event, old, self.head)
    }

    /// To be called before sleeping: asks to be woken at the next byte. False if there are some
    /// already: then do not sleep.
    pub fn prepare_wait(&mut self) -> Result<bool, Malformed> {
        // Everything that is there counts as seen; what comes after it wakes.
        self.memory
            .store_u32(self.layout.word(DATA_EVENT), self.head, Ordering::Relaxed);
        self.memory.fence();
        Ok(self.available()? == 0)
    }

    fn refresh(&mut self) -> Result<(), Malformed> {
        let tail = self
            .memory
            .load_u32(self.layout.word(TAIL), Ordering::Acquire);
        let room = self.layout.capacity - self.tail.wrapping_sub(self.released);
        if tail.wrapping_sub(self.tail) > room {
            return Err(Malformed {
                reason: Reason::TailOutOfRange,
                found: tail,
            });
        }
        self.tail = tail;
        Ok(())
    }
}

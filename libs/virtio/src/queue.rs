//! Split virtqueues (section 2.7).
//!
//! The record of what is outstanding lies in the driver's own memory; the descriptor table and
//! the available ring are only ever written, never read back.
//!
//! Wake-ups between driver and device are suppressed by event indices as in [`ring::layout`]; the
//! argument why none is lost is the same, with `avail.idx`/`avail_event` towards the device and
//! `used.idx`/`used_event` towards the driver, and a full fence between the store of one and the
//! load of the other on each side.

use alloc::vec::Vec;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::{DmaMemory, Error, Misbehaviour, Segment};

// Section 2.7.5: descriptor flags.
const NEXT: u16 = 1;
const WRITE: u16 = 2;
/// Section 2.7.6: the driver wants no interrupts. Section 2.7.8: the device wants no notifications.
const NO_SIGNAL: u16 = 1;

/// A queue, as its driver sees it.
pub struct Queue<M> {
    memory: M,
    size: u16,
    event_idx: bool,
    descriptors: usize,
    available: usize,
    used: usize,
    records: Vec<Record>,
    free_head: u16,
    free_count: u16,
    /// How many buffers are the device's now.
    outstanding: u16,
    /// The index that the next buffer gets in the available ring; and what the device was told.
    available_idx: u16,
    published_idx: u16,
    used_idx: u16,
}

/// What this side knows about a descriptor.
#[derive(Clone, Copy, Default)]
struct Record {
    /// The next descriptor of the same buffer, or of the list of free ones.
    next: u16,
    /// Number of descriptors, if this one is the head of an outstanding buffer; otherwise 0.
    chain_len: u16,
    /// The same if it is the head of a buffer that is kept: see [`Queue::pop_kept`].
    kept_len: u16,
    /// How many bytes the device may write.
    writable_len: u32,
    token: u64,
}

/// A buffer that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Its first descriptor, by which it is called if it is kept.
    pub head: u16,
    /// The token that it was added with.
    pub token: u64,
    /// How many bytes the device says it wrote; at most as many as there was room for.
    pub len: u32,
}

impl<M: DmaMemory> Queue<M> {
    /// Bytes that a queue of this size takes, a multiple of 64.
    pub const fn bytes(size: u16) -> usize {
        (Self::used_offset(size) + 6 + 8 * size as usize).next_multiple_of(64)
    }

    const fn used_offset(size: u16) -> usize {
        // On a line of its own: the device writes here, the driver does not. The part has to be at a multiple of 4
        // (section 2.7); its elements, which begin 4 bytes on, should be at multiples of 8, so that none lies in two pages:
        // behind an IOMMU, QEMU 7.2 writes the second half of such a one to a wrong address.
        (16 * size as usize + 6 + 2 * size as usize).next_multiple_of(64) + 4
    }

    /// A queue that nobody uses yet; [`crate::Transport::queue`] makes it known to the device.
    pub(crate) fn new(
        memory: M,
        offset: usize,
        size: u16,
        event_idx: bool,
    ) -> Result<Queue<M>, Error> {
        let end = offset.checked_add(Self::bytes(size)).ok_or(Error::Memory)?;
        if !size.is_power_of_two() || !offset.is_multiple_of(64) || end > memory.len() {
            return Err(Error::Memory);
        }
        let mut records = Vec::new();
        records
            .try_reserve_exact(size as usize)
            .map_err(|_| Error::Memory)?;
        records.extend((0..size).map(|i| Record {
            next: i.wrapping_add(1),
            ..Record::default()
        }));
        // The memory may have been a queue before a reset.
        for at in (offset..end).step_by(4) {
            memory.store_u32(at, 0, Relaxed);
        }
        Ok(Queue {
            memory,
            size,
            event_idx,
            descriptors: offset,
            available: offset + 16 * size as usize,
            used: offset + Self::used_offset(size),
            records,
            free_head: 0,
            free_count: size,
            outstanding: 0,
            available_idx: 0,
            published_idx: 0,
            used_idx: 0,
        })
    }

    /// Where the device finds the three parts.
    pub(crate) fn addresses(&self) -> (u64, u64, u64) {
        let at = |offset| match Segment::new(&self.memory, offset, 1) {
            Some(segment) => segment.address,
            None => unreachable!("`new` checked that the queue lies in its memory"),
        };
        (at(self.descriptors), at(self.available), at(self.used))
    }

    /// Number of descriptors.
    pub fn size(&self) -> u16 {
        self.size
    }

    /// How many descriptors are free. A buffer takes one for each of its segments.
    pub fn free(&self) -> u16 {
        self.free_count
    }

    /// How many buffers the device has.
    pub fn outstanding(&self) -> u16 {
        self.outstanding
    }

    /// Gives the device a buffer: segments that it reads, then segments that it writes. It learns
    /// of it at the next [`Queue::publish`]. `token` comes back with the buffer.
    ///
    /// # Panics
    /// If there is no segment at all.
    pub fn add(
        &mut self,
        readable: &[Segment],
        writable: &[Segment],
        token: u64,
    ) -> Result<(), Error> {
        self.add_to_keep(readable, writable, token).map(|_| ())
    }

    /// The same, answering the buffer's first descriptor, for those who keep it: see [`Queue::pop_kept`].
    ///
    /// # Panics
    /// If there is no segment at all.
    pub fn add_to_keep(
        &mut self,
        readable: &[Segment],
        writable: &[Segment],
        token: u64,
    ) -> Result<u16, Error> {
        let count = readable.len() + writable.len();
        assert!(count > 0, "a buffer has at least one segment");
        if count > self.free_count as usize {
            return Err(Error::QueueFull);
        }
        let head = self.free_head;
        let mut writable_len = 0u32;
        let all = readable
            .iter()
            .map(|s| (s, 0))
            .chain(writable.iter().map(|s| (s, WRITE)));
        for (i, (segment, mut flags)) in all.enumerate() {
            let at = self.free_head;
            // The record keeps its `next`: together with the chain's length it is our own copy
            // of the chain.
            self.free_head = self.records[at as usize].next;
            if flags & WRITE != 0 {
                writable_len = writable_len.saturating_add(segment.len);
            }
            if i + 1 < count {
                flags |= NEXT;
            }
            let offset = self.descriptors + 16 * at as usize;
            self.memory
                .store_u32(offset, segment.address as u32, Relaxed);
            self.memory
                .store_u32(offset + 4, (segment.address >> 32) as u32, Relaxed);
            self.memory.store_u32(offset + 8, segment.len, Relaxed);
            self.memory.store_u32(
                offset + 12,
                flags as u32 | (self.free_head as u32) << 16,
                Relaxed,
            );
        }
        self.free_count -= count as u16;
        self.outstanding += 1;
        let record = &mut self.records[head as usize];
        record.chain_len = count as u16;
        record.writable_len = writable_len;
        record.token = token;
        self.make_available(head);
        Ok(head)
    }

    /// Gives the device once more a buffer that was kept, as it was but for the token, and for its last segment if there is
    /// another one, which has to be as long as the first if the device writes it. False if none of that name is kept.
    pub fn add_kept(&mut self, head: u16, last: Option<&Segment>, token: u64) -> bool {
        let Some(record) = self.records.get_mut(head as usize) else {
            return false;
        };
        if record.kept_len == 0 {
            return false;
        }
        let count = core::mem::take(&mut record.kept_len);
        record.chain_len = count;
        record.token = token;
        if let Some(segment) = last {
            let mut at = head;
            for _ in 1..count {
                at = self.records[at as usize].next;
            }
            let offset = self.descriptors + 16 * at as usize;
            self.memory
                .store_u32(offset, segment.address as u32, Relaxed);
            self.memory
                .store_u32(offset + 4, (segment.address >> 32) as u32, Relaxed);
            self.memory.store_u32(offset + 8, segment.len, Relaxed);
        }
        self.outstanding += 1;
        self.make_available(head);
        true
    }

    /// Whether a buffer is kept that was added with this token, and of which the device may write so much.
    pub fn is_kept(&self, head: u16, token: u64, writable_len: u32) -> bool {
        self.records.get(head as usize).is_some_and(|record| {
            record.kept_len > 0 && record.token == token && record.writable_len == writable_len
        })
    }

    fn make_available(&mut self, head: u16) {
        let slot = self.available + 4 + 2 * (self.available_idx & (self.size - 1)) as usize;
        self.memory.store_u16(slot, head, Relaxed);
        self.available_idx = self.available_idx.wrapping_add(1);
    }

    /// Shows the device what was added. True if it wants to be notified of it
    /// ([`crate::Transport::notify`]).
    #[must_use = "if true, the device waits for a notification"]
    pub fn publish(&mut self) -> bool {
        let (old, new) = (self.published_idx, self.available_idx);
        if old == new {
            return false;
        }
        // Release: the descriptors and the ring's entries come before the index (section 2.7.13.3).
        self.memory.store_u16(self.available + 2, new, Release);
        self.published_idx = new;
        self.memory.fence();
        if self.event_idx {
            // Section 2.7.10: the device's event lies behind the used ring.
            let event = self
                .memory
                .load_u16(self.used + 4 + 8 * self.size as usize, Relaxed);
            event.wrapping_sub(old) < new.wrapping_sub(old)
        } else {
            self.memory.load_u16(self.used, Relaxed) & NO_SIGNAL == 0
        }
    }

    /// The next buffer that the device is done with.
    pub fn pop(&mut self) -> Result<Option<Completion>, Error> {
        let done = self.pop_kept()?;
        if let Some(done) = &done {
            self.give_up(done.head);
        }
        Ok(done)
    }

    /// The same, but its descriptors stay as they are, and nobody else's, for [`Queue::add_kept`]: what is done with the same
    /// buffers again and again need not be written again and again.
    pub fn pop_kept(&mut self) -> Result<Option<Completion>, Error> {
        if !self.pending()? {
            return Ok(None);
        }
        let slot = self.used + 4 + 8 * (self.used_idx & (self.size - 1)) as usize;
        let id = self.memory.load_u32(slot, Relaxed);
        let len = self.memory.load_u32(slot + 4, Relaxed);
        let record = match self.records.get_mut(id as usize) {
            Some(record) if record.chain_len > 0 => record,
            _ => return Err(Misbehaviour::UnknownHead(id).into()),
        };
        if len > record.writable_len {
            return Err(Misbehaviour::LengthTooLarge(len).into());
        }
        // Point of no return: the buffer is ours again.
        record.kept_len = core::mem::take(&mut record.chain_len);
        self.outstanding -= 1;
        self.used_idx = self.used_idx.wrapping_add(1);
        Ok(Some(Completion {
            head: id as u16,
            token: record.token,
            len,
        }))
    }

    /// Makes the descriptors of a buffer that is kept free again.
    pub fn give_up(&mut self, head: u16) {
        let Some(record) = self.records.get_mut(head as usize) else {
            return;
        };
        let count = core::mem::take(&mut record.kept_len);
        if count == 0 {
            return;
        }
        let mut last = head;
        for _ in 1..count {
            last = self.records[last as usize].next;
        }
        self.records[last as usize].next = self.free_head;
        self.free_head = head;
        self.free_count += count;
    }

    /// To be called before sleeping: asks for an interrupt at the next buffer that comes back.
    /// False if there is one already: then do not sleep.
    pub fn prepare_wait(&mut self) -> Result<bool, Error> {
        if self.event_idx {
            self.memory.store_u16(
                self.available + 4 + 2 * self.size as usize,
                self.used_idx,
                Relaxed,
            );
        } else {
            self.memory.store_u16(self.available, 0, Relaxed);
        }
        self.memory.fence();
        Ok(!self.pending()?)
    }

    /// To be called while awake and busy: spares the interrupts that would tell what a look at
    /// the queue tells anyway. With event indices there is nothing to do, since one interrupt
    /// asked for is one interrupt sent.
    pub fn suppress_interrupts(&mut self) {
        if !self.event_idx {
            self.memory.store_u16(self.available, NO_SIGNAL, Relaxed);
        }
    }

    /// Whether a buffer came back. Reads the device's index, once.
    fn pending(&self) -> Result<bool, Error> {
        let idx = self.memory.load_u16(self.used + 2, Acquire);
        let count = idx.wrapping_sub(self.used_idx);
        if count > self.outstanding {
            return Err(Misbehaviour::UsedTooMany.into());
        }
        Ok(count > 0)
    }
}

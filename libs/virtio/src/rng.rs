//! The entropy device (section 5.4): a queue of buffers that the device fills with random bytes.

use crate::{DmaMemory, Error, Interrupts, Queue, Registers, Segment, Transport};

/// Virtio's number for this kind of device.
pub const DEVICE_ID: u32 = 4;

const QUEUE: u32 = 0;
const QUEUE_SIZE: u16 = 8;

/// An entropy device.
pub struct Rng<R, M> {
    transport: Transport<R>,
    queue: Queue<M>,
    memory: M,
}

impl<R: Registers, M: DmaMemory + Clone> Rng<R, M> {
    /// Bytes of memory that the device needs, besides the caller's buffers.
    pub const MEMORY_LEN: usize = Queue::<M>::bytes(QUEUE_SIZE);

    /// Starts the device. The first [`Rng::MEMORY_LEN`] bytes of `memory` become the queue's.
    pub fn new(registers: R, memory: M) -> Result<Rng<R, M>, Error> {
        let transport = Transport::new(registers, DEVICE_ID, 0, 0)?;
        let queue = transport.queue(QUEUE, QUEUE_SIZE, memory.clone(), 0)?;
        transport.start();
        Ok(Rng {
            transport,
            queue,
            memory,
        })
    }

    /// Asks for `len` random bytes at `offset` of the memory, behind [`Rng::MEMORY_LEN`].
    pub fn request(&mut self, offset: usize, len: usize) -> Result<(), Error> {
        if offset < Self::MEMORY_LEN {
            return Err(Error::Memory);
        }
        let segment = Segment::new(&self.memory, offset, len).ok_or(Error::Memory)?;
        self.queue.add(&[], &[segment], offset as u64)?;
        if self.queue.publish() {
            self.transport.notify(QUEUE);
        }
        Ok(())
    }

    /// A finished request: its offset, and how many bytes came (at least one by section 5.4.6.1,
    /// but do not count on it).
    pub fn poll(&mut self) -> Result<Option<(usize, usize)>, Error> {
        Ok(self
            .queue
            .pop()?
            .map(|done| (done.token as usize, done.len as usize)))
    }

    /// See [`Queue::prepare_wait`].
    pub fn prepare_wait(&mut self) -> Result<bool, Error> {
        self.queue.prepare_wait()
    }

    /// See [`Transport::interrupts`].
    pub fn interrupts(&self) -> Result<Interrupts, Error> {
        self.transport.interrupts()
    }
}

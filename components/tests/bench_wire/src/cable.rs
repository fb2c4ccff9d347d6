//! The cable: the driver's side of the two rings of `interfaces/net.yml`, between a client's stack
//! and ours.

use ftl::abi::Rights;
use ftl::prelude::*;
use net::Stack;
use ring::{Consumer, Descriptor, Layout, Malformed, Producer, SharedMemory};

use crate::web::now;

/// Descriptors in each ring, and places for frames in each direction.
pub const SLOTS: u32 = 128;
/// Bytes of each place.
pub const SLOT_LEN: u32 = 2048;
/// Where the places for the client's frames begin.
pub const TRANSMIT_AT: u32 = SLOTS * SLOT_LEN;
const FRAMES_LEN: u32 = 2 * TRANSMIT_AT;

/// The rings and frames.
pub struct Cable {
    /// Towards the client.
    received: Producer<SharedBytes>,
    /// From the client.
    to_send: Consumer<SharedBytes>,
    frames: SharedBytes,
    bell: Doorbell,
    buffer: Buffer,
}

/// A frame's copy.
#[repr(align(8))]
struct Buffer([u8; SLOT_LEN as usize + 8]);

impl Cable {
    /// A cable for a client with this bell, and the memory to give it: rings, then frames.
    pub fn new(bell: Doorbell) -> Result<(Cable, [Folio; 2])> {
        let layout = |offset| Layout::new(offset, SLOTS, FRAMES_LEN).ok_or(Error::Internal);
        let first = layout(0)?;
        let second = layout(first.end())?;
        let rings = Folio::new(second.end())?;
        let frames = Folio::new(FRAMES_LEN as usize)?;
        let memory = rings.map()?;
        let cable = Cable {
            received: Producer::new(memory.clone(), first),
            to_send: Consumer::new(memory, second),
            frames: frames.map()?,
            bell,
            buffer: Buffer([0; SLOT_LEN as usize + 8]),
        };
        let rights = Rights::READ.union(Rights::WRITE).union(Rights::TRANSFER);
        let shared = [rings.duplicate(rights)?, frames.duplicate(rights)?];
        Ok((cable, shared))
    }

    /// Hands the client's frames to our stack.
    pub fn receive(&mut self, stack: &mut Stack) -> core::result::Result<(), Malformed> {
        let now = now();
        while let Some(frame) = self.to_send.pop()? {
            let len = (frame.len as usize).min(SLOT_LEN as usize);
            let start = frame.offset as usize % 8;
            let bytes = &mut self.buffer.0[start..start + len];
            self.frames.read(frame.offset as usize, bytes);
            // No cable spoils what never leaves the machine.
            stack.receive_trusted(now, bytes);
        }
        if self.to_send.release() {
            self.bell.ring_soon();
        }
        Ok(())
    }

    /// Hands our stack's frames to the client, as long as there are places.
    pub fn transmit(&mut self, stack: &mut Stack) -> core::result::Result<(), Malformed> {
        let now = now();
        while self
            .received
            .pushed()
            .wrapping_sub(self.received.consumed()?)
            < SLOTS
        {
            let Some(frame) = stack.next_transmit(now) else {
                break;
            };
            // As it lies in the stack, so that it is quickly copied.
            let offset = self.received.pushed() % SLOTS * SLOT_LEN + 2;
            let len = frame.len().min(SLOT_LEN as usize - 2);
            self.frames.write(offset as usize, &frame[..len]);
            let descriptor = Descriptor {
                offset,
                len: len as u32,
                // Bit 0: the checksum need not be looked at.
                cookie: 1,
            };
            if self.received.push(descriptor).is_err() {
                break;
            }
        }
        if self.received.publish() {
            self.bell.ring_soon();
        }
        Ok(())
    }

    /// Asks to be woken. False if there is something to do already.
    pub fn rest(&mut self) -> core::result::Result<bool, Malformed> {
        let full = self.received.space()? == 0;
        if full && !self.received.prepare_wait(SLOTS / 4)? {
            return Ok(false);
        }
        self.to_send.prepare_wait()
    }
}

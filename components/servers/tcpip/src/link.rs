//! The driver's rings: frames in, frames out.

use alloc::vec::Vec;

use ftl::prelude::*;
use net::Stack;
use ring::{Consumer, Descriptor, Layout, Malformed, Producer, PushError, SharedMemory};

/// Frames that are handled before what came of them is looked at.
const BATCH: usize = 32;
/// Most bytes of a frame.
const FRAME_LEN: usize = 2048;

/// The driver, as long as it lives.
pub struct Link {
    received: Consumer<SharedBytes>,
    to_send: Producer<SharedBytes>,
    frames: SharedBytes,
    slots: u32,
    slot_len: u32,
    transmit_at: u32,
    bell: Doorbell,
    /// The device finishes TCP's checksums.
    pub checksums: bool,
    /// Most bytes of a frame that the device cuts into TCP segments; 0 if it does not.
    pub batch_len: usize,
    buffer: Buffer,
    /// The beginning of a frame that comes in several pieces.
    begun: Vec<u8>,
    /// Whether its checksums are vouched for, and where in `begun` it begins.
    begun_trusted: bool,
    begun_at: usize,
    /// The driver was asked to ring at the next frame, and has not: there is none.
    is_resting: bool,
}

/// Bits 0 and 1 of a descriptor's cookie: see `interfaces/net.yml`.
const CHECKSUM: u64 = 1;
const MORE: u64 = 2;
/// Most bytes of a frame in several pieces: the largest packet with its Ethernet header. What is longer is cut off there,
/// and then refused.
const WHOLE_LEN: usize = 65535 + 14;
/// How far behind a TCP segment's beginning its checksum is.
const CHECKSUM_FIELD: u64 = 16;
/// Where in its place a frame to be sent begins: as it lies in the stack, so that it is quickly copied.
const START: u32 = 2;
/// Places that a frame of many TCP segments takes at most.
const BATCH_PLACES: u32 = 8;

/// A frame's copy. Received ones begin at 4 beyond a multiple of 8 (the device's header
/// is 12 bytes), and copying is quick if both sides are alike.
#[repr(align(8))]
struct Buffer([u8; FRAME_LEN + 8]);

impl Link {
    /// Takes what the driver answered to `attach`.
    pub fn new(device: interfaces::net::AttachReply) -> Result<Link> {
        let frames = device.frames.map()?;
        let rings = device.rings.map()?;
        let len = frames.len();
        let data_len = u32::try_from(len).map_err(|_| Error::InvalidData)?;
        let first = Layout::new(0, device.slots, data_len).ok_or(Error::InvalidData)?;
        let second = Layout::new(first.end(), device.slots, data_len).ok_or(Error::InvalidData)?;
        let places = device.transmit_at as usize + device.slots as usize * device.slot_len as usize;
        if second.end() > rings.len() || places > len || device.slot_len < 1514 {
            return Err(Error::InvalidData);
        }
        Ok(Link {
            received: Consumer::new(rings.clone(), first),
            to_send: Producer::new(rings, second),
            frames,
            slots: device.slots,
            slot_len: device.slot_len,
            transmit_at: device.transmit_at,
            bell: device.bell,
            checksums: device.checksums.unwrap_or(false),
            batch_len: match device.batches {
                Some(true) if device.slots >= 4 * BATCH_PLACES => {
                    (BATCH_PLACES * device.slot_len - START) as usize
                }
                _ => 0,
            },
            buffer: Buffer([0; FRAME_LEN + 8]),
            begun: Vec::new(),
            begun_trusted: false,
            begun_at: 0,
            is_resting: false,
        })
    }

    /// The driver has rung: there may be frames, or places for them.
    pub fn rung(&mut self) {
        self.is_resting = false;
    }

    /// Hands received frames to the stack, a batch of them.
    pub fn receive(
        &mut self,
        stack: &mut Stack,
        now: Duration,
    ) -> core::result::Result<(), Malformed> {
        if self.is_resting {
            return Ok(());
        }
        for _ in 0..BATCH {
            let Some(frame) = self.received.pop()? else {
                break;
            };
            if frame.cookie & MORE != 0 || !self.begun.is_empty() {
                self.receive_piece(frame, stack, now);
                continue;
            }
            let len = (frame.len as usize).min(FRAME_LEN);
            let start = frame.offset as usize % 8;
            let bytes = &mut self.buffer.0[start..start + len];
            self.frames.read(frame.offset as usize, bytes);
            if frame.cookie & CHECKSUM != 0 {
                stack.receive_trusted(now, bytes);
            } else {
                stack.receive(now, bytes);
            }
        }
        if self.received.release() {
            self.bell.ring_soon();
        }
        Ok(())
    }

    /// A piece of a frame: when the last has come, the stack gets the whole.
    fn receive_piece(&mut self, piece: Descriptor, stack: &mut Stack, now: Duration) {
        if self.begun.is_empty() {
            self.begun_trusted = piece.cookie & CHECKSUM != 0;
            // So that each piece is aligned as it lies in the driver's memory: they follow each other without gaps.
            self.begun_at = piece.offset as usize % 8;
            self.begun.resize(self.begun_at, 0);
        }
        let at = self.begun.len();
        let len = (piece.len as usize).min(self.begun_at + WHOLE_LEN - at);
        self.begun.resize(at + len, 0);
        self.frames
            .read(piece.offset as usize, &mut self.begun[at..]);
        if piece.cookie & MORE != 0 {
            return;
        }
        let frame = &mut self.begun[self.begun_at..];
        match self.begun_trusted {
            true => stack.receive_trusted(now, frame),
            false => stack.receive(now, frame),
        }
        self.begun.clear();
    }

    /// Takes frames from the stack while the driver has places for them.
    pub fn transmit(
        &mut self,
        stack: &mut Stack,
        now: Duration,
    ) -> core::result::Result<(), Malformed> {
        while self.to_send.has_space(self.room_wanted())? {
            let Some(frame) = stack.next_transmit(now) else {
                break;
            };
            let len = frame.len();
            // One that just fits a place begins where that does.
            let places = match len <= self.slot_len as usize {
                true => 1,
                false => (START + len as u32).div_ceil(self.slot_len),
            };
            let left = self.slots - self.to_send.pushed() % self.slots;
            if places > left {
                // It would go around the end; it begins at the first place.
                self.skip_places(left)?;
            }
            let place = self.to_send.pushed() % self.slots;
            let start = START.min((places * self.slot_len).saturating_sub(len as u32));
            let offset = self.transmit_at + place * self.slot_len + start;
            let mut cookie = match stack.unfinished() {
                Some(begin) => CHECKSUM | u64::from(begin) << 16 | CHECKSUM_FIELD << 32,
                None => 0,
            };
            if let Some(segments) = stack.segments() {
                cookie |= u64::from(segments.headers) << 2 | u64::from(segments.len) << 48;
            }
            let is_possible = match places {
                1 => cookie == 0 || self.checksums,
                _ => places <= BATCH_PLACES && self.batch_len > 0,
            };
            if !is_possible {
                // Made for another driver, who is gone. TCP repeats it.
                continue;
            }
            self.frames
                .write(offset as usize, stack.lent().unwrap_or_default());
            let descriptor = Descriptor {
                offset,
                len: len as u32,
                cookie,
            };
            if self.to_send.push(descriptor).is_err() {
                break;
            }
            if places > 1 {
                self.skip_places(places - 1)?;
            }
        }
        if self.to_send.publish() {
            self.bell.ring_soon();
        }
        Ok(())
    }

    /// Places that have to be free before the stack is asked for a frame, however long that is and wherever it begins.
    fn room_wanted(&self) -> u32 {
        match self.batch_len {
            0 => 1,
            _ => 2 * BATCH_PLACES,
        }
    }

    /// Leaves places out: with descriptors of nothing, since the driver gives places back one for each.
    #[cold]
    fn skip_places(&mut self, count: u32) -> core::result::Result<(), Malformed> {
        for _ in 0..count {
            let nothing = Descriptor {
                offset: self.transmit_at,
                len: 0,
                cookie: 0,
            };
            match self.to_send.push(nothing) {
                // There is room: it was looked for.
                Ok(()) | Err(PushError::Full) => {}
                Err(PushError::Malformed(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Asks to be woken. False if there is something to do already.
    pub fn rest(&mut self) -> core::result::Result<bool, Malformed> {
        let full = !self.to_send.has_space(self.room_wanted())?;
        if full && !self.to_send.prepare_wait(self.slots / 4)? {
            return Ok(false);
        }
        self.is_resting = self.is_resting || self.received.prepare_wait()?;
        Ok(self.is_resting)
    }
}

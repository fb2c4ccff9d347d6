//! The clients, and the memory that each shares with us.

use alloc::vec::Vec;

use ftl::prelude::*;
use net::OwnerId;
use ring::{SharedMemory, StreamLayout};

/// Most slots of one client; as many as it may have connections.
const SLOTS_MAX: u32 = 4096;
/// A slot that no connection was ever in.
const NOBODY: u32 = u32::MAX;

/// A client.
pub struct Client {
    pub connection: Connection,
    pub owner: OwnerId,
    pub memory: Memory,
}

/// Memory for streams, in slots. A client may share more when it has more connections; slots are then
/// numbered on.
#[derive(Default)]
pub struct Memory {
    regions: Vec<Region>,
    /// For each slot, the place in the server's table of the connection that had it last.
    holders: Vec<u32>,
}

/// What was shared at once.
struct Region {
    bytes: SharedBytes,
    /// The number of its first slot, and how many there are.
    first: u32,
    slots: u32,
    receive_len: u32,
    send_len: u32,
}

impl Memory {
    /// Maps and checks what a client wants to share.
    pub fn add(
        &mut self,
        folio: &Folio,
        slots: u32,
        receive_len: u32,
        send_len: u32,
    ) -> Result<()> {
        let first = self.holders.len() as u32;
        if slots > SLOTS_MAX - first {
            return Err(Error::InvalidArgument);
        }
        let region = Region {
            bytes: folio.map()?,
            first,
            slots,
            receive_len,
            send_len,
        };
        region.slot(slots.checked_sub(1).ok_or(Error::InvalidArgument)?)?;
        self.regions.push(region);
        self.holders.resize((first + slots) as usize, NOBODY);
        Ok(())
    }

    /// The two streams of a slot.
    pub fn slot(&self, slot: u32) -> Result<(&SharedBytes, StreamLayout, StreamLayout)> {
        let after = self.regions.partition_point(|region| region.first <= slot);
        let region = after.checked_sub(1).and_then(|at| self.regions.get(at));
        let region = region.ok_or(Error::InvalidArgument)?;
        region.slot(slot - region.first)
    }

    /// The place of the connection that had a slot last, which may be over by now.
    pub fn holder(&self, slot: u32) -> Option<usize> {
        let holder = *self.holders.get(slot as usize)?;
        (holder != NOBODY).then_some(holder as usize)
    }

    /// Notes who has a slot.
    pub fn hold(&mut self, slot: u32, holder: usize) {
        if let Some(place) = self.holders.get_mut(slot as usize) {
            *place = holder as u32;
        }
    }
}

impl Region {
    fn slot(&self, slot: u32) -> Result<(&SharedBytes, StreamLayout, StreamLayout)> {
        let refused = Error::InvalidArgument;
        if slot >= self.slots {
            return Err(refused);
        }
        // The largest stream is 2^30 bytes, the number of slots 32 bits: no overflow in 64.
        let receive = StreamLayout::new(0, self.receive_len).ok_or(refused)?.end();
        let send = StreamLayout::new(0, self.send_len).ok_or(refused)?.end();
        let start = (receive + send).checked_mul(slot as usize).ok_or(refused)?;
        let received = StreamLayout::new(start, self.receive_len).ok_or(refused)?;
        let to_send = StreamLayout::new(received.end(), self.send_len).ok_or(refused)?;
        if to_send.end() > self.bytes.len() {
            return Err(refused);
        }
        Ok((&self.bytes, received, to_send))
    }
}

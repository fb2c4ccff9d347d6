//! The clients, and the memory that each shares with us.

use ftl::prelude::*;
use net::OwnerId;
use ring::{SharedMemory, StreamLayout};

/// A client.
pub struct Client {
    pub connection: Connection,
    pub owner: OwnerId,
    pub memory: Option<Memory>,
}

/// Memory for streams, in slots.
pub struct Memory {
    bytes: SharedBytes,
    slots: u32,
    receive_len: u32,
    send_len: u32,
}

impl Memory {
    /// Maps and checks what a client wants to share.
    pub fn new(folio: &Folio, slots: u32, receive_len: u32, send_len: u32) -> Result<Memory> {
        let bytes = folio.map()?;
        let memory = Memory {
            bytes,
            slots,
            receive_len,
            send_len,
        };
        let last = slots.checked_sub(1).ok_or(Error::InvalidArgument)?;
        memory.slot(last)?;
        Ok(memory)
    }

    /// The two streams of a slot.
    pub fn slot(&self, slot: u32) -> Result<(&SharedBytes, StreamLayout, StreamLayout)> {
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

//! Channels: connected pairs of ends, each with a bounded queue of messages towards it.
//!
//! The two queues lie in one block of memory that is charged when the channel is made, so
//! nothing is allocated per message. A request reserves the slot for its reply in the queue
//! of the one who asks (rule 9); `reserved` and `owed` keep count of that.

use abi::{Error, HANDLES_MAX, MessageInfo, MessageKind, Result};

use crate::memory::{Id, PhysAddr};
use crate::object::{Entry, Process, Source, Thread};

/// One of the two ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Side {
    /// The first.
    A = 0,
    /// The second.
    B = 1,
}

impl Side {
    /// The opposite end.
    #[inline]
    pub const fn other(self) -> Side {
        match self {
            Side::A => Side::B,
            Side::B => Side::A,
        }
    }
}

/// What stands before each message's body in a queue.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SlotHeader {
    /// The header as it crossed the gate, checked.
    pub info: u64,
    /// The transaction number.
    pub transaction: u64,
    /// Whom the handles count against while they travel (rule 9), if there are any.
    pub sender: Option<Id<Process>>,
    /// The handles that travel, taken out of the sender's table.
    pub handles: [Entry; HANDLES_MAX],
}

/// A connected pair of ends.
pub struct Channel {
    /// Who pays, and with whose end the channel ends (rule 10).
    pub owner: Id<Process>,
    /// The owner's other channels.
    pub next_owned: Option<Id<Channel>>,
    /// The owner's other channels.
    pub previous_owned: Option<Id<Channel>>,
    /// The next channel on the list of dead ones.
    pub next_dead: Option<Id<Channel>>,
    /// Whether it ended: its owner did, or both ends are closed.
    pub ended: bool,
    /// Whether all is well: both ends are open, it has not ended, and nobody waits for room. Each
    /// message asks this instead of the five. See [`Channel::review`].
    pub calm: bool,
    /// Both queues, first that towards end A; none once an ended channel was taken apart.
    pub memory: Option<PhysAddr>,
    /// Order of that block.
    pub order: u8,
    /// Slots in each queue.
    pub slots: u16,
    /// Most bytes in a body.
    pub body_max: u16,
    /// The two ends.
    pub ends: [End; 2],
}

/// One end: what comes in there. Aligned so that finding one by its side is a shift.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub struct End {
    /// Whether a handle to it exists, in a table or in a message.
    pub open: bool,
    /// Whether a send from here was refused, and "writable" is still owed.
    pub writable_armed: bool,
    /// Whether "writable" is to be reported.
    pub writable: bool,
    /// First message in the queue.
    pub head: u16,
    /// Messages in the queue.
    pub count: u16,
    /// Slots kept for replies to requests that were sent from here.
    pub reserved: u16,
    /// Requests that arrived here, or are queued, and have not been answered.
    pub owed: u16,
    /// Requests and one-way messages that were sent from here.
    pub sent: u32,
    /// Where the end is attached.
    pub source: Option<Id<Source>>,
    /// The thread that waits here for the reply to one transaction.
    pub caller: Option<(Id<Thread>, u32)>,
}

impl End {
    /// A fresh end.
    pub const fn new() -> End {
        End {
            open: true,
            writable_armed: false,
            writable: false,
            head: 0,
            count: 0,
            reserved: 0,
            owed: 0,
            sent: 0,
            source: None,
            caller: None,
        }
    }
}

impl Channel {
    /// Bytes of one slot for bodies of up to `body_max` bytes.
    pub const fn slot_len(body_max: usize) -> usize {
        size_of::<SlotHeader>() + body_max.next_multiple_of(8)
    }

    /// Where the slot with this number in the queue towards `side` lies.
    pub fn slot(&self, side: Side, number: u16) -> PhysAddr {
        let index = side as usize * self.slots as usize + number as usize;
        let memory = self
            .memory
            .expect("a channel that was taken apart has no messages");
        memory.offset(index * Channel::slot_len(self.body_max as usize))
    }

    /// Whether the queue towards `side` has room for one message that is not a reply.
    #[inline]
    pub fn has_room(&self, side: Side) -> bool {
        let end = &self.ends[side as usize];
        u32::from(end.count) + u32::from(end.reserved) < u32::from(self.slots)
    }

    /// To be called when anything has changed that [`Channel::calm`] is about.
    pub fn review(&mut self) {
        let open = self.ends[0].open && self.ends[1].open;
        self.calm = open && !self.ended && !self.is_writable_armed();
    }

    /// The end on this side.
    #[inline]
    pub fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    /// Checks that a message may be sent from `side`, and if so notes that it was: this is the
    /// point of no return. Handles are looked at by others.
    #[inline(always)]
    pub fn accept(&mut self, side: Side, info: MessageInfo) -> Result<()> {
        let there = side.other();
        if self.ended || !self.end(there).open {
            return Err(Error::Closed);
        }
        if info.len() > self.body_max as usize {
            return Err(Error::MessageTooLong);
        }
        // A direct receiver needs no slot, but whether there is one must not change what a
        // sender is allowed: its own queue has to have room for the answer.
        match info.kind().ok_or(Error::InvalidArgument)? {
            MessageKind::Reply => {
                if self.end(side).owed == 0 {
                    return Err(Error::UnexpectedReply);
                }
                self.end(side).owed -= 1;
                self.end(there).reserved -= 1;
            }
            MessageKind::Request => {
                if !self.has_room(side) || !self.has_room(there) {
                    return Err(self.refuse(side));
                }
                let here = self.end(side);
                here.reserved += 1;
                here.sent = here.sent.wrapping_add(1);
                self.end(there).owed += 1;
            }
            MessageKind::OneWay => {
                if !self.has_room(there) {
                    return Err(self.refuse(side));
                }
                let here = self.end(side);
                here.sent = here.sent.wrapping_add(1);
            }
        }
        Ok(())
    }

    /// There is no room: whoever sends from `side` will hear when there is.
    #[cold]
    fn refuse(&mut self, side: Side) -> Error {
        self.end(side).writable_armed = true;
        self.calm = false;
        Error::QueueFull
    }

    /// Whether anybody was refused and waits for room.
    #[inline(always)]
    pub fn is_writable_armed(&self) -> bool {
        self.ends[0].writable_armed | self.ends[1].writable_armed
    }
}

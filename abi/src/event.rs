//! What `wait` answers with.
//!
//! | register | content |
//! |---|---|
//! | 0 | [`EventKind`] in the lowest 8 bits, or an error; above it what a message's handles are ([`HandleTypes`]) |
//! | 1 | the key given when the source was attached |
//! | 2 | a message's [`crate::MessageInfo`]; a count for timer, interrupt and doorbell; a process's status |
//! | 3 | a message's transaction number |
//! | 4, 5 | a message's handles, two in each (see [`crate::pack_handles`]) |
//!
//! With an error in register 0, register 1 tells for [`crate::Call::SendWait`] and
//! [`crate::Call::Call`] what has failed: 0 for the send, [`WAIT_FAILED`] for the wait; then the message
//! was sent, and its handles are gone.

use crate::Error;

/// In register 1 beside an error: what had to be sent was sent, and waiting failed.
pub const WAIT_FAILED: usize = 1;

/// All six registers of a wait that failed.
pub const fn wait_failed(error: Error) -> [usize; 6] {
    [error.to_register(), WAIT_FAILED, 0, 0, 0, 0]
}

use crate::handle::{HandleType, ObjectKind, Rights};
use crate::message::HANDLES_MAX;

/// The kinds of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum EventKind {
    /// A message came; its body is in the receive half of the thread's message buffer.
    Message = 0,
    /// The other end of a channel is gone, and all its messages have been delivered.
    Closed = 1,
    /// A send that was refused for lack of space may be tried again. Fires once.
    Writable = 2,
    /// An interrupt fired. It stays masked until acknowledged.
    Interrupt = 3,
    /// A timer fired; the count says how often since the last event.
    Timer = 4,
    /// A doorbell was rung; the count says how often since the last event.
    Doorbell = 5,
    /// A process has ended and everything it held is gone. The data is its status: the
    /// number it exited with, or one of `EXIT_…` in [`crate::ProcessState`].
    Exited = 6,
}

impl EventKind {
    /// The kind in a first register; `None` if that holds an error.
    #[inline(always)]
    pub const fn from_register(value: usize) -> Option<EventKind> {
        // Errors are the "negative" numbers, and what stands above the kind never reaches that far.
        if (value as isize) < 0 {
            return None;
        }
        Some(match value & 0xff {
            0 => EventKind::Message,
            1 => EventKind::Closed,
            2 => EventKind::Writable,
            3 => EventKind::Interrupt,
            4 => EventKind::Timer,
            5 => EventKind::Doorbell,
            6 => EventKind::Exited,
            _ => return None,
        })
    }
}

/// What the handles of a received message are, so that a decoder can refuse a wrong one before
/// anybody uses it: beside [`EventKind`] in the first register, 11 bits for each handle.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct HandleTypes(u64);

impl HandleTypes {
    const FIRST_BIT: usize = 8;
    const BITS: usize = 11;
    const KIND_BITS: usize = 4;

    /// Of a message without handles.
    pub const NONE: HandleTypes = HandleTypes(0);

    /// As they stand in an event's first register.
    #[inline(always)]
    pub const fn from_register(value: usize) -> HandleTypes {
        HandleTypes(value as u64 >> HandleTypes::FIRST_BIT)
    }

    /// What they add to an event's first register.
    #[inline(always)]
    pub const fn to_register(self) -> usize {
        (self.0 << HandleTypes::FIRST_BIT) as usize
    }

    /// One handle's bits, from its kind's number and its rights'.
    #[inline(always)]
    pub const fn bits_of(kind: u8, rights: u16) -> u64 {
        kind as u64 | (rights as u64) << HandleTypes::KIND_BITS
    }

    /// These, and behind them at `index` the bits of one handle more.
    #[inline(always)]
    pub const fn with_bits(self, index: usize, bits: u64) -> HandleTypes {
        HandleTypes(self.0 | bits << (index * HandleTypes::BITS))
    }

    /// The same with the handle at `index` described.
    ///
    /// # Panics
    /// If no message has so many handles.
    pub const fn with(self, index: usize, kind: ObjectKind, rights: Rights) -> HandleTypes {
        assert!(index < HANDLES_MAX);
        self.with_bits(index, HandleTypes::bits_of(kind as u8, rights.bits()))
    }

    /// What the handle at `index` is; `None` if there is none.
    pub const fn get(self, index: usize) -> Option<HandleType> {
        if index >= HANDLES_MAX {
            return None;
        }
        let bits = self.0 >> (index * HandleTypes::BITS);
        match ObjectKind::from_bits((bits & ((1 << HandleTypes::KIND_BITS) - 1)) as u8) {
            Some(kind) => Some(HandleType {
                kind,
                rights: Rights::from_bits((bits >> HandleTypes::KIND_BITS) as u16),
            }),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_register_holds_a_kind_and_four_handles_and_is_no_error() {
        let mut types = HandleTypes::NONE;
        for (index, kind) in ObjectKind::ALL.iter().rev().take(HANDLES_MAX).enumerate() {
            types = types.with(index, *kind, Rights::ALL);
        }
        let register = EventKind::Message as usize | types.to_register();
        assert_eq!(EventKind::from_register(register), Some(EventKind::Message));
        assert_eq!(crate::Error::from_register(register), Ok(register));
        let read = HandleTypes::from_register(register);
        assert_eq!(read, types);
        for (index, kind) in ObjectKind::ALL.iter().rev().take(HANDLES_MAX).enumerate() {
            let expected = HandleType {
                kind: *kind,
                rights: Rights::ALL,
            };
            assert_eq!(read.get(index), Some(expected));
        }
        assert_eq!(read.get(HANDLES_MAX), None);
        assert_eq!(HandleTypes::NONE.get(0), None);
        for error in crate::Error::ALL {
            assert_eq!(EventKind::from_register(error.to_register()), None);
        }
    }
}

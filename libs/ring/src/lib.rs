//! Descriptor rings between two components that share memory and do not trust each other.
//!
//! A ring carries small descriptors (where, how long, a cookie) from one producer to one
//! consumer, first in, first out. The bytes that they describe lie elsewhere in shared memory.
//! A stream ([`StreamProducer`]) is the same for bytes, which lie in the ring themselves.
//! What is deliberately absent: system calls. When one side has to be woken, [`Producer::publish`]
//! and [`Consumer::release`] say so, and the caller rings whatever bell it has.
//!
//! Principles, for reviews to cite:
//!
//! 1. **The other side may write anything at any time.** An index or a descriptor is loaded once,
//!    compared with what this side knows by itself, and only then used. What does not fit is
//!    [`Malformed`], and the caller closes that peer.
//! 2. **Each word has one writer.** Nothing in shared memory is read back by its own writer: the
//!    truth about one's own side lies in one's own memory.
//! 3. **No reference to shared memory exists**, only loads, stores and copies through
//!    [`SharedMemory`]. So this crate needs no `unsafe`.
//! 4. **No wake-up is lost, and few are sent**: see [`layout`] for the argument.

#![no_std]
#![forbid(unsafe_code)]

mod consumer;
pub mod fake;
pub mod layout;
mod memory;
mod producer;
mod stream;

pub use consumer::Consumer;
pub use layout::{Descriptor, Layout};
pub use memory::SharedMemory;
pub use producer::Producer;
pub use stream::{StreamConsumer, StreamLayout, StreamProducer};

/// The other side broke the protocol. Nothing that it writes can be relied upon any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Which rule it broke.
    pub reason: Reason,
    /// The value that broke it.
    pub found: u32,
}

/// The rules that a peer can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The producer's index is further ahead than the ring is long, or went back.
    TailOutOfRange,
    /// The consumer's index passed the producer's, or went back.
    HeadOutOfRange,
    /// A descriptor does not lie within the data area. (For streams: never.)
    DescriptorOutOfRange,
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let what = match self.reason {
            Reason::TailOutOfRange => "the producer's index is out of range",
            Reason::HeadOutOfRange => "the consumer's index is out of range",
            Reason::DescriptorOutOfRange => "a descriptor lies outside the data area",
        };
        write!(
            f,
            "the peer broke the ring protocol: {what} ({})",
            self.found
        )
    }
}

impl core::error::Error for Malformed {}

/// Why a descriptor was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError {
    /// The ring is full; see [`Producer::prepare_wait`].
    Full,
    /// The other side broke the protocol.
    Malformed(Malformed),
}

impl From<Malformed> for PushError {
    fn from(malformed: Malformed) -> PushError {
        PushError::Malformed(malformed)
    }
}

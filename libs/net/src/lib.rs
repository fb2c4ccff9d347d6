//! TCP/IP over smoltcp, for many sockets and strangers at the other end.
//!
//! [`Stack`] is a state machine: frames, time and randomness go in, frames and events come
//! out. It never blocks, calls nobody back and knows nothing of components. A server built on it
//! loops over:
//!
//! ```text
//! receive(now, frame)      for each frame that came
//! poll(now)                when deadline() has passed
//! next_transmit(now)       while the driver has room
//! next_event()             while there are some
//! ```
//!
//! Principles, for reviews to cite (rule 26):
//!
//! 1. **The cost of a packet does not grow with the number of sockets.** Each connection and UDP port
//!    has a socket set of its own. A frame is classified first (by connection, then listener, then
//!    nobody, so that unknown ports get their RST), and smoltcp is handed just that one set;
//!    sockets are asked for packets only when they are marked dirty; one heap holds all deadlines.
//!    `tests/work.rs` counts.
//! 2. **A stranger gets as little memory as possible.** A SYN takes a small entry; buffers
//!    come with the third packet of the handshake, out of the budget of the listener's owner. A
//!    connection that is over takes a small entry again. Every table has a limit, and what is full
//!    drops its oldest entry or refuses, and counts it.
//! 3. **Back-pressure instead of queues.** What is received stays in the socket's buffer, and its
//!    window closes, until the owner takes it; what is sent stays there until the driver takes it.
//! 4. **Same input, same output.** Time is a [`Duration`] since boot given by the caller, randomness
//!    one seed.
//!
//! Packets to this machine's own address or to 127.0.0.1 do not leave the stack: `next_transmit` receives them at once; and
//! whoever owns both ends of a connection may pass their bytes on beside it (`local.rs`). From
//! outside, 127.0.0.1 is nobody's address.
//!
//! A device that cuts frames up gets many TCP segments in one (`batch.rs`).
//!
//! Deliberately absent: IPv6, IP fragments, multicast.
//!
//! [`Duration`]: core::time::Duration

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod batch;
mod budget;
mod checksum;
mod config;
mod dhcp;
mod echo;
mod event;
mod flows;
mod handshake;
mod hash;
mod local;
mod names;
mod neighbors;
mod out;
mod packet;
mod random;
mod stack;
mod statistics;
mod table;
mod tcp;
mod timers;
mod udp;

pub use budget::{Budget, OwnerId};
pub use config::{Address, Addressing, Config, Lease, Limits};
pub use event::{ConnectionId, EchoId, Event, ListenerId, QueryId, UdpId};
pub use out::Segments;
pub use stack::Stack;
pub use statistics::Statistics;
pub use tcp::{ConnectionInfo, ConnectionState, TcpOptions};

/// The system's error type, as all of FTL uses it.
pub use abi::Error;

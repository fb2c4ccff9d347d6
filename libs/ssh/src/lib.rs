//! The server's side of SSH (RFC 4251 to 4254) as a state machine without a machine: bytes in, events and bytes out.
//!
//! A [`Connection`] is given what came from the network with [`Connection::receive`], says with [`Connection::step`] what
//! happened, and holds in [`Connection::outgoing`] what is to be sent. It reads no clock and waits for nothing: deadlines,
//! and what a command's output is, are its owner's.
//!
//! 1. **One way to do each thing.** Key exchange `curve25519-sha256`, host and user keys `ssh-ed25519`, cipher
//!    `chacha20-poly1305@openssh.com`. All common clients of the last ten years know these. There is nothing to negotiate down to.
//! 2. **The cryptography is a crate's** (`cryptoxide`); what stands here puts it together as the standards say.
//! 3. **Who has not logged in moves nothing.** Until then only the messages that lead to a login are understood.
//!    A refused try stops the connection until its owner says [`Connection::go_on`], so that the owner decides how slow guessing is.
//! 4. **Everything is bounded**: packets, channels, what waits in each direction. A peer that goes beyond is told so and ended.
//!
//! Deliberately absent: passwords; other keys than ed25519; compression; forwarding of ports, agents and X11; `sftp`; a client. A new key exchange
//! is the client's to ask for; without one a connection ends long before its packet numbers come again.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod base64;
mod channel;
mod cipher;
mod connection;
mod exchange;
mod fault;
mod keys;
mod login;
mod packets;
#[cfg(test)]
mod tests;
mod wire;

pub use channel::{CHANNELS_MAX, Output, WINDOW};
pub use connection::{Connection, Event};
pub use fault::Fault;
pub use keys::{AuthorizedKeys, HostKey, PublicKey};
pub use login::Refusal;

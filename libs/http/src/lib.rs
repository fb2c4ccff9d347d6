//! The server's side of HTTP/1.1 (RFC 9110, RFC 9112) as a state machine.
//!
//! [`Connection`] is fed the bytes of one connection in pieces of any size and answers with
//! [`Event`]s; it writes responses into a buffer of the caller's. It does no input or output, and
//! time comes in from outside.
//!
//! Principles, for reviews to cite:
//!
//! 1. **How the input is cut does not matter.** The same bytes give the same events, whether they
//!    come one by one or all at once (`tests/splits.rs`).
//! 2. **A connection that says nothing costs next to nothing.** The only buffer is for the head of a request,
//!    bounded, there while one is coming in or answered, and grown by doubling. Bodies pass through uncopied.
//! 3. **What is not taken is not read.** While a response is being written, no input is consumed, so
//!    pipelined requests wait in the socket and close its window.
//! 4. **Every limit has an answer**: 408, 413, 414, 431 and so on, then the connection closes. What is
//!    ambiguous (two lengths, a length and chunks, unknown encodings) is refused, since a proxy in front may
//!    read it the other way.
//!
//! [`Answer`] is the other side, as far as benchmarks need it.
//!
//! Deliberately absent: routing, TLS, HTTP/2, trailers (they are read and dropped), upgrades.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod answer;
mod body;
mod connection;
mod heads;
mod limits;
mod request;
mod response;
mod status;

pub use answer::{Answer, BadAnswer};
pub use connection::{Connection, Event};
pub use heads::Heads;
pub use limits::Limits;
pub use request::{Request, percent_decode};
pub use response::{Length, Response};
pub use status::Status;

//! What the author of a component imports.
//!
//! A component is one isolated program, written as a loop over events. Its `component.yml` says
//! what it needs and provides; from that the build generates a module `spec` with its `Environ`
//! and its `Message`. This crate has everything else:
//!
//! - [`main`] marks where it begins, and [`EventLoop`] is what it loops over;
//! - [`handle`] has the kernel's objects as owned values, [`sys`] the bare system calls;
//! - [`io`] has the standard streams of commands, and [`process`] starts commands;
//! - [`time`], [`random`], and the macros of [`log`] do what their names say.
//!
//! What a component looks like. `./ftl new app NAME` makes one, with its generated `spec`:
//!
//! ```text
//! #![no_std]
//! #![no_main]
//! #![forbid(unsafe_code)]
//! use ftl::prelude::*;
//! mod spec; // generated from component.yml
//! use spec::*;
//!
//! #[derive(Clone, Copy, Debug)]
//! enum Source {
//!     Client,
//! }
//!
//! #[ftl::main]
//! fn main(env: Environ) -> Result<()> {
//!     let mut events = EventLoop::new()?;
//!     events.add(env.ping, Source::Client)?;
//!     loop {
//!         match events.next()? {
//!             Event::Message(Source::Client, Message::Ping(ping::ToServer::Ping(request, reply))) => {
//!                 reply.ok(request.value + 1)?;
//!             }
//!             Event::Shutdown => return Ok(()),
//!             other => warn!("unexpected: {other:?}"),
//!         }
//!     }
//! }
//! ```
//!
//! The other examples on these pages run as they stand, in `cargo test`, on the kernel's real
//! logic (`libs/testkit`).
//!
//! Principles:
//! 1. Nothing here knows how the component is isolated, but for one folder, `gate/`.
//! 2. Everything public is safe. What a component does wrong may end that component, and
//!    never touches memory that it was not given.
//! 3. Names are `std`'s where `std` has the thing.
#![cfg_attr(target_os = "none", no_std)]

extern crate alloc;
// Generated code and macros say `::ftl`; inside this crate that must mean the crate itself.
extern crate self as ftl;

pub mod event_loop;
pub mod handle;
pub mod io;
pub mod log;
pub mod memory;
pub mod process;
pub mod random;
pub mod runtime;
pub mod sys;
pub mod time;

pub mod bootstrap;
pub mod buffer;
#[path = "generated/component.rs"]
#[rustfmt::skip]
pub mod component;
pub mod end;
pub mod gate;
#[cfg(target_os = "none")]
mod heap;
mod long_wait;
#[path = "generated/launcher.rs"]
#[rustfmt::skip]
pub mod launcher;
pub mod reply;
mod stage;
#[path = "generated/stream.rs"]
#[rustfmt::skip]
pub mod stream;
pub mod wire;

pub use ::log::{debug, error, info, trace, warn};
pub use abi;
pub use abi::Error;
pub use alloc::string::String;
pub use alloc::vec::Vec;
pub use end::Transaction;
pub use event_loop::{Connection, Event, EventLoop, Provider, Timer};
pub use ftl_macros::main;

/// What most functions answer with.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// What almost every component uses.
pub mod prelude {
    pub use crate::handle::{Channel, Device, Doorbell, Folio, Interrupt};
    pub use crate::memory::SharedBytes;
    pub use crate::random::Random;
    pub use crate::time::{Duration, Instant};
    pub use crate::{Connection, Event, Timer};
    pub use crate::{Error, Result, debug, error, info, trace, warn};
    pub use crate::{eprint, eprintln, print, println};
    pub use ring::SharedMemory;
}

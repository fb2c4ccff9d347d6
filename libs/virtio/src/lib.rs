//! Drivers' half of virtio: transports (MMIO and PCI), queues, and the devices that FTL uses.
//!
//! Everything follows "Virtual I/O Device (VIRTIO) Version 1.2"; comments cite its sections. A
//! driver component brings two things, which crate `ftl` implements for real hardware and
//! [`fake`] for tests: [`Registers`] and [`DmaMemory`].
//!
//! Principles, for reviews to cite:
//!
//! 1. **Only this crate tells a device where memory is** (rule 16). A device address can be
//!    asked for only with an [`AddressRequest`], which only this crate can make; what reaches the
//!    device is always a [`Segment`], checked against the memory that it comes from.
//! 2. **A device is no more trusted than a hostile peer.** What it writes is loaded once and
//!    compared with this side's own record of what is outstanding. A lie is
//!    [`Error::DeviceMisbehaved`]; the driver then resets the device and starts again.
//! 3. **Nothing here is `unsafe`.** Memory that a device owns is memory that another writes:
//!    it is reached by copies and atomic words, never by a reference.
//!
//! Deliberately absent: legacy devices (version 1 of the MMIO transport, I/O ports of PCI), indirect
//! descriptors and packed queues; nothing has needed them yet.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod access;
pub mod block;
pub mod console;
mod error;
pub mod fake;
mod mmio;
pub mod net;
mod pci;
mod queue;
pub mod rng;
mod transport;

pub use access::{AddressRequest, DmaMemory, Registers, Segment};
pub use error::{Error, Misbehaviour};
pub use queue::{Completion, Queue};
pub use transport::{Config, Interrupts, Transport};

//! What both sides of the gate agree on: call numbers, errors, handles and layouts.
//!
//! A component and the kernel are compiled apart, so everything that crosses between them is
//! written down here and nowhere else. The crate depends on `core` alone and holds no logic
//! beyond packing and unpacking.
//!
//! Principles:
//! 1. Arguments and results travel in registers; whatever is larger lies in the calling
//!    thread's [message buffer](MESSAGE_BUFFER_LEN). No call takes a pointer.
//! 2. A call that fails has changed nothing.
//! 3. Every number is stable inside one build of the system: kernel and components come from
//!    one boot archive, so there is no versioning beyond [`ABI_VERSION`].
#![no_std]
#![forbid(unsafe_code)]

pub mod call;
mod crash;
mod device;
mod error;
pub mod event;
mod handle;
mod message;
mod process;
mod start;
mod trace;

pub use call::Call;
pub use crash::{
    CRASH_FRAMES_MAX, CRASH_MESSAGE_LEN, CRASH_REGISTERS_MAX, CrashFrame, CrashRegister,
    CrashReport,
};
pub use device::{DEVICE_COMPATIBLE_LEN, DeviceInfo, DeviceRange};
pub use error::Error;
pub use event::{EventKind, HandleTypes};
pub use handle::{Handle, HandleType, ObjectKind, Rights};
pub use message::{HANDLES_MAX, MESSAGE_BUFFER_LEN, MESSAGE_LEN_MAX, MessageInfo, MessageKind};
pub use process::{
    CHANNEL_ENDS_MAX, ChannelEnd, ChannelEnds, Doing, Isolation, KernelStatistics, NAME_LEN, Name,
    ProcessInfo, ProcessParams, ProcessState,
};
pub use start::{ABI_VERSION, PAGE_SIZE, StartInfo};
pub use trace::{TRACE_MAGIC, TraceHeader, TraceKind, TraceMessage, TraceRecord};

/// What the kernel answers with: a value, or one of the errors every call may name.
pub type Result<T> = core::result::Result<T, Error>;

/// Packs two handles into one register: the first in the low half.
pub const fn pack_handles(first: Handle, second: Handle) -> usize {
    first.raw() as usize | (second.raw() as usize) << 32
}

/// The reverse of [`pack_handles`].
pub const fn unpack_handles(packed: usize) -> (Handle, Handle) {
    (
        Handle::from_raw(packed as u32),
        Handle::from_raw((packed >> 32) as u32),
    )
}

//! What the kernel remembers of components that crashed ([`crate::Call::CrashRead`]).

use crate::Name;

/// Bytes of what a crash says of its reason.
pub const CRASH_MESSAGE_LEN: usize = 512;
/// Most frames of a crash's backtrace.
pub const CRASH_FRAMES_MAX: usize = 32;
/// Most registers in a report.
pub const CRASH_REGISTERS_MAX: usize = 32;

/// A component's crash.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CrashReport {
    /// Which crash it is, counted from 1 since boot.
    pub number: u64,
    /// When, in ticks of the counter since boot.
    pub ticks: u64,
    /// Whose.
    pub name: Name,
    /// What it ended with: one of `EXIT_…` in [`crate::ProcessState`].
    pub status: u64,
    /// Bytes of `message` that count.
    pub message_len: u32,
    /// Frames that count.
    pub frame_count: u32,
    /// Registers that count: none of a panic, since those of the moment say nothing of its cause.
    pub register_count: u32,
    /// 0.
    pub reserved: u32,
    /// The reason, in UTF-8: what it did, or the panic's message, and behind it file and line.
    pub message: [u8; CRASH_MESSAGE_LEN],
    /// Where it was and how it came there, innermost first.
    pub frames: [CrashFrame; CRASH_FRAMES_MAX],
    /// What was in the CPU's registers.
    pub registers: [CrashRegister; CRASH_REGISTERS_MAX],
}

impl CrashReport {
    /// Nothing was said yet.
    pub const EMPTY: CrashReport = CrashReport {
        number: 0,
        ticks: 0,
        name: Name([0; crate::NAME_LEN]),
        status: 0,
        message_len: 0,
        frame_count: 0,
        register_count: 0,
        reserved: 0,
        message: [0; CRASH_MESSAGE_LEN],
        frames: [CrashFrame {
            place: 0,
            in_image: 0,
        }; CRASH_FRAMES_MAX],
        registers: [CrashRegister {
            name: [0; 8],
            value: 0,
        }; CRASH_REGISTERS_MAX],
    };
}

/// A place in code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct CrashFrame {
    /// How far behind the beginning of the component's image; an address if it lies elsewhere.
    pub place: u64,
    /// 1 if it lies in the image, otherwise 0.
    pub in_image: u64,
}

/// A register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct CrashRegister {
    /// What the architecture calls it, filled up with zeros.
    pub name: [u8; 8],
    /// What was in it.
    pub value: u64,
}

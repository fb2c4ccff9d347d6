//! What a component finds when it starts.

use crate::{Handle, Name};

/// Changes whenever this crate does so in a way that matters to a compiled component.
pub const ABI_VERSION: u32 = 1;
/// Bytes of a page on every machine that FTL runs on.
pub const PAGE_SIZE: usize = 4096;

/// The address of this structure is the only argument of a component's entry point,
/// `extern "C" fn(&'static StartInfo) -> !`. It lies in memory that the component may write.
#[derive(Debug)]
#[repr(C)]
pub struct StartInfo {
    /// [`ABI_VERSION`] of the kernel.
    pub abi_version: u32,
    /// An [`crate::Isolation`]. For reports only: a component behaves the same under each.
    pub isolation: u32,
    /// Address of the gate: arguments in the C ABI's first six argument registers, the call's
    /// number in the eighth; the answer in the first six. It may change whatever a C function
    /// may change.
    pub gate: usize,
    /// Address of the first thread's message buffer ([`crate::MESSAGE_BUFFER_LEN`] bytes).
    pub message_buffer: usize,
    /// Address of the heap.
    pub heap: usize,
    /// Bytes of the heap.
    pub heap_len: usize,
    /// Where the image was loaded.
    pub image_base: usize,
    /// Ticks a second of the counter that `rdtime` or `CNTVCT` reads.
    pub ticks_per_second: u64,
    /// What the counter showed when the kernel started: `Instant`'s zero.
    pub boot_ticks: u64,
    /// The handle that the parent gave.
    pub bootstrap: Handle,
    /// For the first component only: the right to manage the system. Otherwise none.
    pub system: Handle,
    /// For the first component only: the boot archive as a folio. Otherwise none.
    pub archive: Handle,
    /// Bytes of the boot archive that are used.
    pub archive_len: u32,
    /// Which lines the log keeps: those up to this level (3 information, 4 debug). What is above need not be sent.
    pub log_level: u32,
    /// Bytes of memory that the kernel had to give out when it started, to all components together.
    pub memory_len: u64,
    /// The component's name.
    pub name: Name,
    /// Fresh random bytes, or zeros if the machine gave no seed.
    pub random_seed: [u8; 32],
}

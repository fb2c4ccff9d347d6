//! What a debugger learns of a crash: places that the kernel comes to, before anything is cleaned up.
//!
//! The places do nothing. A debugger stops there and looks at the machine: `./ftl run` does so itself, and keeps a
//! dump (tools/ftl/src/dump). The linker script puts them onto a page of their own.

use core::hint::black_box;
use core::sync::atomic::Ordering;

use crate::lock::Word;
use crate::memory::Id;
use crate::object::Thread;

/// Where a component was when it crashed.
#[derive(Clone, Copy, Default)]
pub struct LastCrash {
    /// The thread that did.
    pub thread: Option<Id<Thread>>,
    /// Its program counter.
    pub pc: usize,
    /// Its frame pointer.
    pub frame: usize,
}

/// Whether this CPU is the one that reports the end of the kernel: of several that fail at once it is the first to ask. The
/// way in from a trap does the same in assembly.
#[inline(always)]
pub fn is_first(reporting: &impl Word) -> bool {
    reporting.swap(1, Ordering::Relaxed) == 0
}

/// The kernel has panicked, and has said why.
#[inline(never)]
#[cfg_attr(target_os = "none", unsafe(link_section = ".crash_stops"))]
#[unsafe(no_mangle)]
pub extern "C" fn kernel_panicked() {
    black_box(());
}

/// A component has crashed, which has been reported; it is all there still.
#[inline(never)]
#[cfg_attr(target_os = "none", unsafe(link_section = ".crash_stops"))]
#[unsafe(no_mangle)]
pub extern "C" fn component_crashed(name: *const u8, name_len: usize) {
    black_box((name, name_len));
}

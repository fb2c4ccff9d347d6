//! The gate: how a component reaches the kernel, whatever the machine and the isolation.
//!
//! This folder is the only part of the crate that knows either. Each machine is one file that
//! offers the same few names:
//!
//! | name | what it does |
//! |---|---|
//! | `open(gate)` | remembers the gate's address, once, before anything else |
//! | `address()` | the gate's address |
//! | `syscall(number, arguments)` | goes through the gate |
//! | `message_buffer()` | the calling thread's message buffer |
//! | `counter()` | the machine's counter, without a system call |
//! | `instructions()` | how many instructions the CPU has executed, for measuring |
//! | `local()` | the component's own `Local` state |
//! | `device_fence()` | keeps a write to a device behind earlier writes to memory |
//!
//! Absent on purpose: anything that asks *how* the component is isolated. The kernel gives
//! each image the address of the right gate, and the call is the same.

use core::cell::{Cell, RefCell};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicU8};

use abi::{Handle, Name};
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;

use crate::bootstrap::FromInit;
use crate::end::End;
use crate::event_loop::Shared;
use crate::io::Output;

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
mod arm64;
#[cfg(not(target_os = "none"))]
mod host;
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
mod riscv64;

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
use arm64 as machine;
#[cfg(not(target_os = "none"))]
use host as machine;
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
use riscv64 as machine;

#[cfg(not(target_os = "none"))]
pub use host::{HostGate, install, set_counter};

pub(crate) use machine::{
    address, counter, device_fence, frame_pointer, instructions, local, message_buffer, open,
    syscall,
};

/// State of which each component has its own. On FTL every component is its own copy of the
/// image, so this is one static; on the host, where tests run several components in one
/// program, there is one for each thread.
///
/// All of it is written by the component's first thread. See [`Local`]'s `Sync` for what other
/// threads may touch.
pub(crate) struct Local {
    /// Ticks a second of the counter.
    pub ticks_per_second: Cell<u64>,
    /// The counter at boot: `Instant`'s zero.
    pub boot_ticks: Cell<u64>,
    /// Messages above this level are not sent to the kernel at all.
    pub log_level: AtomicU8,
    /// Whether init has asked the component to end.
    pub ending: AtomicBool,
    /// The channel to init.
    pub bootstrap: Cell<Handle>,
    /// The message buffer of the first thread, which alone may use what follows.
    pub first_thread: Cell<*mut u8>,
    /// The components that this one needs, in the order of its file.
    pub needs: RefCell<Vec<Option<End>>>,
    /// The event loop that has the channel to init, and the key that it has there.
    pub event_loop: RefCell<Option<(Rc<Shared>, usize)>>,
    /// What init said while a blocking call waited.
    pub told: RefCell<VecDeque<FromInit>>,
    /// Bytes of memory for all components together.
    pub memory_len: Cell<u64>,
    /// The component's name.
    pub name: Cell<Name>,
    /// A command's standard output and standard error.
    pub outputs: RefCell<[Option<Rc<Output>>; 2]>,
}

impl Local {
    pub(crate) const fn new() -> Local {
        Local {
            ticks_per_second: Cell::new(1_000_000_000),
            boot_ticks: Cell::new(0),
            log_level: AtomicU8::new(3),
            ending: AtomicBool::new(false),
            bootstrap: Cell::new(Handle::NONE),
            first_thread: Cell::new(null_mut()),
            needs: RefCell::new(Vec::new()),
            event_loop: RefCell::new(None),
            told: RefCell::new(VecDeque::new()),
            memory_len: Cell::new(0),
            name: Cell::new(Name::new("")),
            outputs: RefCell::new([None, None]),
        }
    }
}

// SAFETY: the cells are written only by `runtime::run`, before the component has a second
// thread, and are read-only from then on. `needs` and what follows it are touched only after comparing
// the calling thread's message buffer with `first_thread` before.
unsafe impl Sync for Local {}

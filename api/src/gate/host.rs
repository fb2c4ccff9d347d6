//! The gate on the developer's own machine, where tests run components on the kernel's logic.
//!
//! Each component is a thread of the test program. Whoever starts that thread installs a gate
//! and a message buffer for it (see `libs/testkit`).

extern crate std;

use core::cell::Cell;
use core::ptr::null_mut;
use std::boxed::Box;
use std::thread_local;
use std::time::Instant;

use super::Local;

/// A system call on the host: number and arguments in, six registers out.
pub type HostGate = fn(number: usize, arguments: [usize; 6]) -> [usize; 6];

thread_local! {
    static GATE: Cell<HostGate> = const { Cell::new(closed) };
    static MESSAGE_BUFFER: Cell<*mut u8> = const { Cell::new(null_mut()) };
    static COUNTER: Cell<fn() -> u64> = const { Cell::new(real_time) };
    /// Leaked, because references to it are handed out for good: a few bytes for each thread
    /// of a test program.
    static LOCAL: &'static Local = Box::leak(Box::new(Local::new()));
}

/// Installs the gate and the message buffer of the calling thread.
///
/// # Safety
/// `message_buffer` must point to [`abi::MESSAGE_BUFFER_LEN`] bytes, aligned to 8, that stay
/// valid while the thread uses this crate and that nothing but the gate touches otherwise.
pub unsafe fn install(gate: HostGate, message_buffer: *mut u8) {
    GATE.set(gate);
    MESSAGE_BUFFER.set(message_buffer);
}

/// Sets what the calling thread reads as the machine's counter. Until then it is real time in
/// nanoseconds.
pub fn set_counter(counter: fn() -> u64) {
    COUNTER.set(counter);
}

/// Does nothing: on the host the gate is installed, not found.
///
/// # Safety
/// None needed; the signature is the same on all machines.
pub unsafe fn open(_gate: usize) {}

/// There is no address that one could jump to.
pub fn address() -> usize {
    0
}

/// Goes through the gate.
pub fn syscall(number: usize, arguments: [usize; 6]) -> [usize; 6] {
    GATE.get()(number, arguments)
}

/// The calling thread's message buffer.
pub fn message_buffer() -> *mut u8 {
    let buffer = MESSAGE_BUFFER.get();
    assert!(
        !buffer.is_null(),
        "this thread is no component: run it with libs/testkit"
    );
    buffer
}

/// The machine's counter.
pub fn counter() -> u64 {
    COUNTER.get()()
}

/// Something that grows: nobody can count instructions here.
pub fn instructions() -> u64 {
    real_time()
}

/// The frame pointer of the function that this is inlined into: where a backtrace begins.
#[inline(always)]
pub fn frame_pointer() -> usize {
    0
}

/// The component's own state.
pub fn local() -> &'static Local {
    LOCAL.with(|local| *local)
}

fn real_time() -> u64 {
    thread_local!(static START: Instant = Instant::now());
    START.with(|start| start.elapsed().as_nanos() as u64)
}

fn closed(number: usize, _arguments: [usize; 6]) -> [usize; 6] {
    panic!("system call {number} on a thread that is no component: run it with libs/testkit");
}

/// Keeps writes to a device behind all earlier writes to memory.
pub fn device_fence() {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

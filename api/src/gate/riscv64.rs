//! The gate on 64-bit RISC-V.
//!
//! Arguments are in `a0` to `a5`, the number in `a7`, the answer in `a0` to `a5`. The gate is
//! called like a C function and may change what such a function may, `ra` included. `tp` holds
//! the address of the thread's message buffer; the kernel sets it when the thread starts.

use core::arch::asm;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::Local;

/// Address of the gate. Written once, by the first thread, before it can have made another.
static GATE: AtomicUsize = AtomicUsize::new(0);
static LOCAL: Local = Local::new();

/// Remembers the gate's address.
///
/// # Safety
/// `gate` must be the address of a gate as [`abi::StartInfo::gate`] describes it.
pub unsafe fn open(gate: usize) {
    GATE.store(gate, Ordering::Relaxed);
}

/// The gate's address.
pub fn address() -> usize {
    GATE.load(Ordering::Relaxed)
}

/// Goes through the gate.
#[inline(always)]
pub fn syscall(number: usize, arguments: [usize; 6]) -> [usize; 6] {
    let [mut a0, mut a1, mut a2, mut a3, mut a4, mut a5] = arguments;
    // SAFETY: the gate follows the C calling convention, is at this address by `open`'s
    // contract, and all registers that it may change are named. Memory it may change is the
    // message buffer, which nothing holds a reference into across a call (see `buffer`).
    unsafe {
        asm!(
            "jalr {gate}",
            gate = in(reg) GATE.load(Ordering::Relaxed),
            inlateout("a0") a0,
            inlateout("a1") a1,
            inlateout("a2") a2,
            inlateout("a3") a3,
            inlateout("a4") a4,
            inlateout("a5") a5,
            inlateout("a7") number => _,
            clobber_abi("C"),
        );
    }
    [a0, a1, a2, a3, a4, a5]
}

/// The calling thread's message buffer.
#[inline(always)]
pub fn message_buffer() -> *mut u8 {
    let address: *mut u8;
    // SAFETY: reads a register and nothing else. It never changes while the thread lives.
    unsafe { asm!("mv {}, tp", out(reg) address, options(pure, nomem, nostack, preserves_flags)) };
    address
}

/// The machine's counter.
#[inline(always)]
pub fn counter() -> u64 {
    let ticks: u64;
    // SAFETY: reads a counter that the kernel lets components read. Not `pure`: it moves.
    unsafe { asm!("rdtime {}", out(reg) ticks, options(nomem, nostack, preserves_flags)) };
    ticks
}

/// How many instructions this CPU has executed.
#[inline(always)]
pub fn instructions() -> u64 {
    let count: u64;
    // SAFETY: reads a counter that the kernel lets components read. Not `pure`: it moves; not
    // `nomem`: what is measured stays where it was written.
    unsafe { asm!("rdinstret {}", out(reg) count, options(nostack, preserves_flags)) };
    count
}

/// The frame pointer of the function that this is inlined into: where a backtrace begins.
#[inline(always)]
pub fn frame_pointer() -> usize {
    let address: usize;
    // SAFETY: reads a register and nothing else.
    unsafe { asm!("mv {}, s0", out(reg) address, options(nomem, nostack, preserves_flags)) };
    address
}

/// The component's own state.
#[inline(always)]
pub fn local() -> &'static Local {
    &LOCAL
}

/// Keeps writes to a device behind all earlier writes to memory.
#[inline(always)]
pub fn device_fence() {
    // SAFETY: a fence only orders.
    unsafe { asm!("fence rw, iorw", options(nostack, preserves_flags)) };
}

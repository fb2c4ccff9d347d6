//! The gate on 64-bit Arm.
//!
//! Arguments are in `x0` to `x5`, the number in `x7`, the answer in `x0` to `x5`. The gate is
//! called like a C function and may change what such a function may, `x30` included.
//! `tpidr_el0` holds the address of the thread's message buffer; the kernel sets it when the
//! thread starts.

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
    let [mut x0, mut x1, mut x2, mut x3, mut x4, mut x5] = arguments;
    // SAFETY: the gate follows the C calling convention, is at this address by `open`'s
    // contract, and all registers that it may change are named. Memory it may change is the
    // message buffer, which nothing holds a reference into across a call (see `buffer`).
    unsafe {
        asm!(
            "blr {gate}",
            gate = in(reg) GATE.load(Ordering::Relaxed),
            inlateout("x0") x0,
            inlateout("x1") x1,
            inlateout("x2") x2,
            inlateout("x3") x3,
            inlateout("x4") x4,
            inlateout("x5") x5,
            inlateout("x7") number => _,
            clobber_abi("C"),
        );
    }
    [x0, x1, x2, x3, x4, x5]
}

/// The calling thread's message buffer.
#[inline(always)]
pub fn message_buffer() -> *mut u8 {
    let address: *mut u8;
    // SAFETY: reads a register and nothing else. It never changes while the thread lives.
    unsafe {
        asm!("mrs {}, tpidr_el0", out(reg) address, options(pure, nomem, nostack, preserves_flags));
    }
    address
}

/// The machine's counter.
#[inline(always)]
pub fn counter() -> u64 {
    let ticks: u64;
    // SAFETY: reads a counter that the kernel lets components read. The barrier keeps the read
    // from moving ahead of earlier instructions (Arm ARM, D12.2.1).
    unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

/// How many cycles this CPU has run for. CPUs without a cycle counter end the component.
#[inline(always)]
pub fn instructions() -> u64 {
    let count: u64;
    // SAFETY: reads a counter that the kernel lets components read. The barriers keep it where it
    // stands (Arm ARM, D12.2.1); not `nomem`, so that what is measured stays where it was written.
    unsafe { asm!("isb", "mrs {}, pmccntr_el0", "isb", out(reg) count, options(nostack)) };
    count
}

/// The frame pointer of the function that this is inlined into: where a backtrace begins.
#[inline(always)]
pub fn frame_pointer() -> usize {
    let address: usize;
    // SAFETY: reads a register and nothing else.
    unsafe { asm!("mov {}, x29", out(reg) address, options(nomem, nostack, preserves_flags)) };
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
    // SAFETY: a barrier only orders.
    unsafe { asm!("dmb oshst", options(nostack, preserves_flags)) };
}

//! An attack on the CPU's registers: what others, or the kernel, have left in them.

#[cfg(target_os = "none")]
use core::arch::asm;

use ftl::abi::Call;
use ftl::sys;

use crate::calls::call;

/// How many registers are looked at: those that a call may change and that carry no answer.
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
const LOOKED_AT: usize = 9 + 20;
#[cfg(all(target_os = "none", target_arch = "aarch64"))]
const LOOKED_AT: usize = 12 + 2 * 24;

/// Waits a moment, `count` times, while others compute, and looks at the registers that the wait need not preserve. All
/// were zero before. The answer is how often one was anything else afterwards.
pub fn spy(count: u32) -> u64 {
    let Ok(queue) = sys::queue_create() else {
        return u64::MAX;
    };
    let mut found = 0;
    for _ in 0..count {
        let seen = wait(queue.raw() as usize, soon());
        found += seen.iter().filter(|value| **value != 0).count() as u64;
    }
    let _ = call(Call::HandleClose, [queue.raw() as usize, 0, 0, 0, 0, 0]);
    found
}

/// In two milliseconds, in ticks of the counter.
fn soon() -> usize {
    const MANY: u64 = 1 << 20;
    let many_take = ftl::time::ticks_to_duration(MANY).as_nanos() as u64;
    counter() + (2_000_000 * MANY / many_take) as usize
}

#[cfg(all(target_os = "none", target_arch = "riscv64"))]
fn counter() -> usize {
    let ticks;
    // SAFETY: reads a counter that the kernel lets components read.
    unsafe { asm!("rdtime {}", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
fn counter() -> usize {
    let ticks;
    // SAFETY: reads a counter that the kernel lets components read.
    unsafe { asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

/// Waits at a queue to which nothing ever comes, with zeros in all registers that are looked at.
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
fn wait(queue: usize, deadline: usize) -> [usize; LOOKED_AT] {
    let mut seen = [0usize; LOOKED_AT];
    // SAFETY: see the crate's first lines. The gate is called like a function.
    unsafe {
        asm!(
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31",
            "fmv.d.x f\\n, zero",
            ".endr",
            "jalr s3",
            "sd t0, 0*8(s2)", "sd t1, 1*8(s2)", "sd t2, 2*8(s2)", "sd t3, 3*8(s2)",
            "sd t4, 4*8(s2)", "sd t5, 5*8(s2)", "sd t6, 6*8(s2)", "sd a6, 7*8(s2)",
            "sd a7, 8*8(s2)",
            "addi s2, s2, 9*8",
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31",
            "fsd f\\n, 0(s2)",
            "addi s2, s2, 8",
            ".endr",
            in("s3") sys::gate_address(),
            inout("s2") seen.as_mut_ptr() => _,
            inout("a0") queue => _,
            inout("a1") deadline => _,
            inout("a7") Call::Wait as usize => _,
            clobber_abi("C"),
        );
    }
    seen
}

/// Waits at a queue to which nothing ever comes, with zeros in all registers that are looked at.
#[cfg(all(target_os = "none", target_arch = "aarch64"))]
fn wait(queue: usize, deadline: usize) -> [usize; LOOKED_AT] {
    let mut seen = [0usize; LOOKED_AT];
    // SAFETY: see the crate's first lines. The gate is called like a function.
    unsafe {
        asm!(
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
            "movi v\\n\\().2d, #0",
            ".endr",
            "blr x21",
            "stp x6, x7, [x20], #16", "stp x8, x9, [x20], #16", "stp x10, x11, [x20], #16",
            "stp x12, x13, [x20], #16", "stp x14, x15, [x20], #16", "stp x16, x17, [x20], #16",
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
            "str q\\n, [x20], #16",
            ".endr",
            in("x21") sys::gate_address(),
            inout("x20") seen.as_mut_ptr() => _,
            inout("x0") queue => _,
            inout("x1") deadline => _,
            inout("x7") Call::Wait as usize => _,
            clobber_abi("C"),
        );
    }
    seen
}

#[cfg(not(target_os = "none"))]
use on_host::*;

/// On the host there is nothing to spy on: this only compiles.
#[cfg(not(target_os = "none"))]
mod on_host {
    pub fn counter() -> usize {
        0
    }
    pub fn wait(_queue: usize, _deadline: usize) -> [usize; 0] {
        []
    }
}

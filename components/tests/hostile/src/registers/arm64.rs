//! 64-bit Arm: `x6` to `x17`, and 24 vectors (AAPCS64, "Registers").

use core::arch::asm;

use ftl::abi::Call;

const LOOKED_AT: usize = 12 + 2 * 24;

pub fn counter() -> usize {
    let ticks;
    // SAFETY: reads a counter that the kernel lets components read.
    unsafe { asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

pub fn wait(gate: usize, queue: usize, deadline: usize) -> [usize; LOOKED_AT] {
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
            in("x21") gate,
            inout("x20") seen.as_mut_ptr() => _,
            inout("x0") queue => _,
            inout("x1") deadline => _,
            inout("x7") Call::Wait as usize => _,
            clobber_abi("C"),
        );
    }
    seen
}

//! 64-bit RISC-V: seven temporaries, two argument registers, and 20 of floating point (psABI, "Register Convention").

use core::arch::asm;

use ftl::abi::Call;

const LOOKED_AT: usize = 7 + 2 + 20;

pub fn counter() -> usize {
    let ticks;
    // SAFETY: reads a counter that the kernel lets components read.
    unsafe { asm!("rdtime {}", out(reg) ticks, options(nomem, nostack)) };
    ticks
}

pub fn wait(gate: usize, queue: usize, deadline: usize) -> [usize; LOOKED_AT] {
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
            in("s3") gate,
            inout("s2") seen.as_mut_ptr() => _,
            inout("a0") queue => _,
            inout("a1") deadline => _,
            inout("a7") Call::Wait as usize => _,
            clobber_abi("C"),
        );
    }
    seen
}

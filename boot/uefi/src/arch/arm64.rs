//! Arm: from firmware, which runs with translation and caches on at EL1 or EL2, to a kernel that expects
//! neither (Linux, Documentation/arch/arm64/booting.rst).

use core::arch::{asm, global_asm};

global_asm!(
    r#"
    // x0: the kernel; x1: the device tree. Runs where it lies, at the address that it has without translation, too.
    .section .text.uefi_jump, "ax"
    .balign 64
uefi_jump:
    msr     daifset, #0xf
    mov     x4, x0
    mov     x0, x1
    mov     x1, xzr
    mov     x2, xzr
    ldr     w5, =0x1005                 // translation, data cache, instruction cache
    mrs     x6, CurrentEL
    cmp     x6, #2 << 2
    b.ne    1f
    mrs     x6, sctlr_el2
    bic     x6, x6, x5
    msr     sctlr_el2, x6
    isb
    tlbi    alle2
    b       2f
1:  mrs     x6, sctlr_el1
    bic     x6, x6, x5
    msr     sctlr_el1, x6
    isb
    tlbi    vmalle1
2:  ic      iallu
    dsb     nsh
    isb
    mov     x3, xzr
    br      x4
    .ltorg
uefi_jump_end:
    "#
);

unsafe extern "C" {
    static uefi_jump: u8;
    static uefi_jump_end: u8;
}

/// Writes a range of memory out of the caches, so that it is there for whoever runs without them.
pub fn publish(start: u64, len: u64) {
    let kind: u64;
    // SAFETY: a read of a register.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) kind, options(nomem, nostack, preserves_flags)) };
    // `DminLine` is the logarithm of a line's words.
    let line = 4u64 << (kind >> 16 & 0xf);
    let mut at = start & !(line - 1);
    while at < start + len {
        // SAFETY: it changes nothing that a program could see.
        unsafe { asm!("dc civac, {}", in(reg) at, options(nostack, preserves_flags)) };
        at += line;
    }
    // SAFETY: a barrier changes nothing.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
}

/// Goes on in the kernel.
///
/// # Safety
///
/// Boot services have ended. `kernel` begins with an image as the boot protocol has it, `tree` with a device tree, and both
/// have been published.
pub unsafe fn enter_kernel(kernel: u64, tree: u64) -> ! {
    let jump = (&raw const uefi_jump) as u64;
    publish(jump, (&raw const uefi_jump_end) as u64 - jump);
    // SAFETY: the caller's promise. UEFI maps memory to its own addresses, so the code goes on when translation
    // ends, and it was written out of the caches just now.
    unsafe {
        asm!("br {jump}", jump = in(reg) jump, in("x0") kernel, in("x1") tree, options(noreturn))
    }
}

//! Floating point and vectors (rule 3): saved when a thread that may have changed them leaves the
//! CPU, loaded only when somebody else's values are in the registers.
//!
//! A thread that has never used them runs with them switched off (CPACR_EL1.FPEN); its first
//! instruction traps once. Arm does not tell whether they changed, and compilers use vectors to
//! move memory, so a thread that has used them once is taken to do so always. What keeps that
//! cheap is that most threads leave through the gate, which is a function call: of 512 bytes only
//! `d8` to `d15` matter then, eight instructions each way. A thread in user mode gets zeros in the
//! rest, so that nobody ever sees another's values.

use core::arch::{asm, global_asm};

use super::context::{Context, Float, Left};
use super::entry::Cpu;

/// CPACR_EL1.FPEN: 0 traps everything, 3 nothing. SVE and SME stay off.
const ON: u64 = 3 << 20;

fn is_on() -> bool {
    let control: u64;
    // SAFETY: a read of a register.
    unsafe {
        asm!("mrs {}, cpacr_el1", out(reg) control, options(nomem, nostack, preserves_flags))
    };
    control & ON == ON
}

fn set(on: bool) {
    // SAFETY: the kernel itself has no floating-point instructions but those below.
    unsafe {
        asm!("msr cpacr_el1, {}", "isb", in(reg) if on { ON } else { 0 }, options(nostack, preserves_flags));
    }
}

/// Saves the registers of the thread that leaves as `left` says.
#[inline]
pub fn put_away(cpu: &mut Cpu, left: Left) {
    if !is_on() {
        return;
    }
    // SAFETY: they are on only while the thread of `context` is on this CPU, and its context
    // lives in the slab of threads, whose memory is never given back.
    unsafe {
        let float = &raw mut (*cpu.context).float;
        match left {
            Left::Gate => save_callee_saved(float),
            Left::Interrupted => save_all(float),
        }
    }
}

/// Whether another thread's coming has anything to do with floating point: not if it is off, and
/// stays off.
#[inline(always)]
pub fn concerns(cpu: &Cpu, next: *mut Context) -> bool {
    // SAFETY: the caller passes the context of a living thread, under the kernel's lock.
    let used = unsafe { (*next).float_used };
    (is_on() || used) && next != cpu.context
}

/// One thread leaves as `left` says, another comes.
#[inline(never)]
pub fn switch(cpu: &mut Cpu, left: Left, next: *mut Context) {
    if !cpu.context.is_null() {
        put_away(cpu, left);
    }
    // SAFETY: the caller passes the context of a living thread, under the kernel's lock.
    let context = unsafe { &mut *next };
    let on = is_on();
    if on != context.float_used {
        set(context.float_used);
    }
    if context.float_used && (cpu.float_owner != next || context.float_cpu != cpu.index as u16) {
        // SAFETY: they are on.
        unsafe {
            match context.left {
                Left::Gate if context.is_user() => {
                    load_callee_saved_and_clear(&raw const context.float)
                }
                Left::Gate => load_callee_saved(&raw const context.float),
                Left::Interrupted => load_all(&raw const context.float),
            }
        }
        context.float_cpu = cpu.index as u16;
        cpu.float_owner = next;
    }
}

/// An instruction was trapped because floating point is off: the thread's first use.
///
/// # Safety
/// `cpu.context` is that of the thread that trapped.
pub unsafe fn first_use(cpu: &mut Cpu) {
    // SAFETY: the caller vouches for it.
    let context = unsafe { &mut *cpu.context };
    context.float_used = true;
    context.float = Float::ZERO;
    set(true);
    // SAFETY: they are on.
    unsafe { load_all(&raw const context.float) };
    context.float_cpu = cpu.index as u16;
    cpu.float_owner = cpu.context;
}

unsafe extern "C" {
    #[link_name = "float_save_all"]
    fn save_all(to: *mut Float);
    #[link_name = "float_load_all"]
    fn load_all(from: *const Float);
    #[link_name = "float_save_callee_saved"]
    fn save_callee_saved(to: *mut Float);
    #[link_name = "float_load_callee_saved"]
    fn load_callee_saved(from: *const Float);
    #[link_name = "float_load_callee_saved_and_clear"]
    fn load_callee_saved_and_clear(from: *const Float);
}

// AAPCS64, "SIMD and Floating-Point registers": a function preserves the lower halves of v8 to
// v15, and FPCR. FPCR is written only when it differs, since a write may drain the pipeline.
global_asm!(
    r#"
    .arch armv8-a+fp+simd
    .macro all_vectors op
        \op q0, q1, [x0, #0*16]
        \op q2, q3, [x0, #2*16]
        \op q4, q5, [x0, #4*16]
        \op q6, q7, [x0, #6*16]
        \op q8, q9, [x0, #8*16]
        \op q10, q11, [x0, #10*16]
        \op q12, q13, [x0, #12*16]
        \op q14, q15, [x0, #14*16]
        \op q16, q17, [x0, #16*16]
        \op q18, q19, [x0, #18*16]
        \op q20, q21, [x0, #20*16]
        \op q22, q23, [x0, #22*16]
        \op q24, q25, [x0, #24*16]
        \op q26, q27, [x0, #26*16]
        \op q28, q29, [x0, #28*16]
        \op q30, q31, [x0, #30*16]
    .endm
    .macro callee_saved op
        \op d8, [x0, #8*16]
        \op d9, [x0, #9*16]
        \op d10, [x0, #10*16]
        \op d11, [x0, #11*16]
        \op d12, [x0, #12*16]
        \op d13, [x0, #13*16]
        \op d14, [x0, #14*16]
        \op d15, [x0, #15*16]
    .endm
    .macro load_control
        ldr     x1, [x0, #32*16]
        mrs     x2, fpcr
        cmp     x1, x2
        b.eq    1f
        msr     fpcr, x1
    1:
    .endm

    .text
    .global float_save_all
float_save_all:
    all_vectors stp
    mrs     x1, fpcr
    mrs     x2, fpsr
    str     x1, [x0, #32*16]
    str     x2, [x0, #32*16+8]
    ret

    .global float_load_all
float_load_all:
    all_vectors ldp
    load_control
    ldr     x1, [x0, #32*16+8]
    msr     fpsr, x1
    ret

    .global float_save_callee_saved
float_save_callee_saved:
    callee_saved str
    mrs     x1, fpcr
    str     x1, [x0, #32*16]
    ret

    .global float_load_callee_saved_and_clear
float_load_callee_saved_and_clear:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    movi    v\n\().2d, #0
    .endr
    msr     fpsr, xzr
    .global float_load_callee_saved
float_load_callee_saved:
    callee_saved ldr                    // zeroes the upper halves
    load_control
    ret
    "#
);

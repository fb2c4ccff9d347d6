//! Floating point (rule 3): saved when a thread that changed it leaves the CPU, loaded only when
//! somebody else's values are in the registers.
//!
//! A thread that has never used floating point runs with it switched off; its first instruction
//! traps once. So threads without it pay two comparisons at a switch.
//!
//! Most threads leave through the gate, which is a function call: of 32 registers only `fs0` to
//! `fs11` matter then. A thread in user mode gets zeros in the rest, so that it never sees
//! another's values.

use core::arch::{asm, global_asm};

use super::context::{Context, Left};
use super::entry::Cpu;

/// `sstatus.FS`: off, initial, clean, dirty (privileged architecture, "Extension context status").
const FS: usize = 3 << 13;
const CLEAN: usize = 2 << 13;

fn status() -> usize {
    let status: usize;
    // SAFETY: a read of a register.
    unsafe { asm!("csrr {0}, sstatus", out(reg) status, options(nomem, nostack)) };
    status
}

fn set_status(bits: usize) {
    if status() & FS != bits {
        // SAFETY: the kernel itself has no floating-point instructions.
        unsafe { asm!("csrc sstatus, {0}", "csrs sstatus, {1}", in(reg) FS, in(reg) bits) };
    }
}

/// Saves the registers of the thread that leaves as `left` says, if it changed them.
#[inline]
pub fn put_away(cpu: &mut Cpu, left: Left) {
    if status() & FS == FS {
        // SAFETY: registers can only be dirty while the thread of `context` is on this CPU, and
        // its context lives in the slab of threads, whose memory is never given back.
        unsafe {
            let float = &raw mut (*cpu.context).float;
            match left {
                Left::Gate => save_callee_saved(float),
                Left::Interrupted => save_all(float),
            }
        }
        set_status(CLEAN);
    }
}

/// Whether another thread's coming has anything to do with floating point: not if it is off, and
/// stays off.
#[inline(always)]
pub fn concerns(cpu: &Cpu, next: *mut Context) -> bool {
    // SAFETY: the caller passes the context of a living thread, under the kernel's lock.
    let used = unsafe { (*next).float_used };
    (status() & FS != 0 || used) && next != cpu.context
}

/// One thread leaves as `left` says, another comes.
#[inline(never)]
pub fn switch(cpu: &mut Cpu, left: Left, next: *mut Context) {
    if !cpu.context.is_null() {
        put_away(cpu, left);
    }
    // SAFETY: the caller passes the context of a living thread, under the kernel's lock.
    let context = unsafe { &mut *next };
    if !context.float_used {
        set_status(0);
        return;
    }
    if cpu.float_owner != next || context.float_cpu != cpu.index as u16 {
        set_status(CLEAN);
        // SAFETY: floating point is on.
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
    set_status(CLEAN);
}

/// An illegal instruction: was it the first use of floating point?
///
/// # Safety
/// `cpu.context` is that of the thread that trapped.
pub unsafe fn first_use(cpu: &mut Cpu) -> bool {
    // SAFETY: the caller vouches for it.
    let context = unsafe { &mut *cpu.context };
    if context.float_used || status() & FS != 0 {
        return false;
    }
    context.float_used = true;
    context.float = [0; 33];
    set_status(CLEAN);
    // SAFETY: floating point is on.
    unsafe { load_all(&raw const context.float) };
    context.float_cpu = cpu.index as u16;
    cpu.float_owner = cpu.context;
    true
}

unsafe extern "C" {
    #[link_name = "float_save_all"]
    fn save_all(to: *mut [u64; 33]);
    #[link_name = "float_load_all"]
    fn load_all(from: *const [u64; 33]);
    #[link_name = "float_save_callee_saved"]
    fn save_callee_saved(to: *mut [u64; 33]);
    #[link_name = "float_load_callee_saved"]
    fn load_callee_saved(from: *const [u64; 33]);
    #[link_name = "float_load_callee_saved_and_clear"]
    fn load_callee_saved_and_clear(from: *const [u64; 33]);
}

// RISC-V ELF psABI, "Floating-point Register Convention": a function preserves fs0 to fs11, which
// are f8, f9 and f18 to f27. `fcsr` is the 33rd word: its rounding mode is the thread's own, too.
global_asm!(
    r#"
    .option push
    .option arch, +d
    .macro callee_saved op
        .irp n, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27
        \op f\n, \n*8(a0)
        .endr
    .endm
    .macro rest op
        .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31
        \op f\n, \n*8(a0)
        .endr
    .endm

    .text
    .balign 4
    .global float_save_all
float_save_all:
    rest fsd
    .global float_save_callee_saved
float_save_callee_saved:
    callee_saved fsd
    csrr    t0, fcsr
    sd      t0, 32*8(a0)
    ret

    .global float_load_all
float_load_all:
    rest fld
    j       float_load_callee_saved

    .global float_load_callee_saved_and_clear
float_load_callee_saved_and_clear:
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31
    fmv.d.x f\n, zero
    .endr
    .global float_load_callee_saved
float_load_callee_saved:
    callee_saved fld
    ld      t0, 32*8(a0)
    fscsr   t0
    ret
    .option pop
    "#
);

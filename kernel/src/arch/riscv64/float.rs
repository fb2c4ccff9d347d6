//! Floating point (rule 3): saved when a thread that changed it leaves the CPU, loaded only when
//! somebody else's values are in the registers.
//!
//! A thread that has never used floating point runs with it switched off; its first instruction
//! traps once. So threads without it pay two comparisons at a switch, and nobody ever sees
//! another's values.

use core::arch::asm;

use super::context::Context;
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

/// Saves the registers of the thread that leaves, if it changed them.
#[inline]
pub fn put_away(cpu: &mut Cpu) {
    if status() & FS == FS {
        // SAFETY: registers can only be dirty while the thread of `context` is on this CPU, and
        // its context lives in the slab of threads, whose memory is never given back.
        unsafe { save(&mut (*cpu.context).float) };
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

/// One thread leaves, another comes.
#[inline(never)]
pub fn switch(cpu: &mut Cpu, next: *mut Context) {
    if !cpu.context.is_null() {
        put_away(cpu);
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
        unsafe { load(&context.float) };
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
    unsafe { load(&context.float) };
    context.float_cpu = cpu.index as u16;
    cpu.float_owner = cpu.context;
    true
}

macro_rules! all_registers {
    ($op:literal, $extra:literal, $at:expr) => {
        asm!(
            ".option push", ".option arch, +d",
            concat!($op, " f0, 0*8({0})"), concat!($op, " f1, 1*8({0})"), concat!($op, " f2, 2*8({0})"),
            concat!($op, " f3, 3*8({0})"), concat!($op, " f4, 4*8({0})"), concat!($op, " f5, 5*8({0})"),
            concat!($op, " f6, 6*8({0})"), concat!($op, " f7, 7*8({0})"), concat!($op, " f8, 8*8({0})"),
            concat!($op, " f9, 9*8({0})"), concat!($op, " f10, 10*8({0})"), concat!($op, " f11, 11*8({0})"),
            concat!($op, " f12, 12*8({0})"), concat!($op, " f13, 13*8({0})"), concat!($op, " f14, 14*8({0})"),
            concat!($op, " f15, 15*8({0})"), concat!($op, " f16, 16*8({0})"), concat!($op, " f17, 17*8({0})"),
            concat!($op, " f18, 18*8({0})"), concat!($op, " f19, 19*8({0})"), concat!($op, " f20, 20*8({0})"),
            concat!($op, " f21, 21*8({0})"), concat!($op, " f22, 22*8({0})"), concat!($op, " f23, 23*8({0})"),
            concat!($op, " f24, 24*8({0})"), concat!($op, " f25, 25*8({0})"), concat!($op, " f26, 26*8({0})"),
            concat!($op, " f27, 27*8({0})"), concat!($op, " f28, 28*8({0})"), concat!($op, " f29, 29*8({0})"),
            concat!($op, " f30, 30*8({0})"), concat!($op, " f31, 31*8({0})"),
            $extra,
            ".option pop",
            in(reg) $at, out("t0") _,
        )
    };
}

/// # Safety
/// Floating point is on.
unsafe fn save(to: &mut [u64; 33]) {
    // SAFETY: stores into the array; `fcsr` is the 33rd.
    unsafe { all_registers!("fsd", "csrr t0, 3\n sd t0, 32*8({0})", to.as_mut_ptr()) };
}

/// # Safety
/// Floating point is on.
unsafe fn load(from: &[u64; 33]) {
    // SAFETY: loads from the array. The registers belong to components, not to this code.
    unsafe { all_registers!("fld", "ld t0, 32*8({0})\n csrw 3, t0", from.as_ptr()) };
}

//! Entering and leaving the kernel (rules 1 to 3).
//!
//! Three doors lead in: the gate, called like a function by components under `kernel` isolation;
//! `ecall`, by components under `user` isolation, whose stub is called like a function too; and
//! interrupts and faults. All take the CPU's kernel stack, at whose end lies the [`Cpu`] block.
//! `sscratch` holds that block's address while a component runs, and 0 while the kernel does.
//!
//! Since a call is a function call, registers that a function may change need no saving. Those
//! that it must preserve are preserved by the compiler, and stored only when another thread goes
//! on. The lock is released by the assembly, after they were stored: before that, no other CPU
//! may run the thread.
//!
//! Two calls nearly always end with another thread's going on, [`Call::Call`] and
//! [`Call::SendWait`]. They store those registers first, so that when a message has gone the
//! direct way ([`crate::direct`]), the CPU goes on with its receiver from there and never returns
//! through the functions that it came by.

use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::AtomicU32;

use abi::{Call, MessageInfo};

use super::context::{Context, LEFT, Left, PC, USER};
use super::{KERNEL, float};
use crate::direct::{Resume, may_go_directly};
use crate::fault::Fault;
use crate::idle::IdleCpu;
use crate::kernel::{CPUS_MAX, Exit, Kernel};
use crate::lock::TAKEN;
use crate::memory::Id;
use crate::object::{Space, Thread};

/// What the assembly needs of a CPU. Lies at the end of the CPU's kernel stack.
#[repr(C, align(16))]
pub struct Cpu {
    /// The context of the thread that runs.
    pub context: *mut Context,
    scratch: [usize; 2],
    /// What the lock is released in.
    lock: &'static AtomicU32,
    /// The CPU's number.
    pub index: usize,
    /// Whose floating-point registers are in the CPU.
    pub float_owner: *mut Context,
}

impl Cpu {
    /// A CPU that runs no thread yet.
    pub fn new(index: usize) -> Cpu {
        Cpu {
            context: core::ptr::null_mut(),
            scratch: [0; 2],
            lock: KERNEL.state(),
            index,
            float_owner: core::ptr::null_mut(),
        }
    }
}

/// What a call's handler tells the assembly: a value, and in the second register 0 (return it), 1
/// (nothing to run) or the context to go on with.
#[repr(C)]
struct Answer {
    value: usize,
    next: usize,
}

const IDLE: usize = 1;
const CALL: usize = Call::Call as usize;
const HANDLES: u64 = MessageInfo::HANDLE_BITS;
const SEND_WAIT: usize = Call::SendWait as usize;
const _: () = assert!(CALL == SEND_WAIT + 1);

/// `sstatus.SPP` and `sstatus.SPIE`.
const SPP: usize = 1 << 8;
const SPIE: usize = 1 << 5;

global_asm!(
    r#"
    .macro each_saved op, base          // what a function must preserve
        \op s0, 8*8(\base)
        \op s1, 9*8(\base)
        \op s2, 18*8(\base)
        \op s3, 19*8(\base)
        \op s4, 20*8(\base)
        \op s5, 21*8(\base)
        \op s6, 22*8(\base)
        \op s7, 23*8(\base)
        \op s8, 24*8(\base)
        \op s9, 25*8(\base)
        \op s10, 26*8(\base)
        \op s11, 27*8(\base)
        \op gp, 3*8(\base)
        \op tp, 4*8(\base)
    .endm
    .macro each_rest op, base           // the others, without sp, t0, t1 and a0
        \op ra, 1*8(\base)
        \op t2, 7*8(\base)
        \op a1, 11*8(\base)
        \op a2, 12*8(\base)
        \op a3, 13*8(\base)
        \op a4, 14*8(\base)
        \op a5, 15*8(\base)
        \op a6, 16*8(\base)
        \op a7, 17*8(\base)
        \op t3, 28*8(\base)
        \op t4, 29*8(\base)
        \op t5, 30*8(\base)
        \op t6, 31*8(\base)
    .endm

    .text
    .balign 4
    .global trap_entry
trap_entry:
    csrrw   sp, sscratch, sp
    beqz    sp, kernel_trapped
    sd      t0, {SCRATCH}(sp)
    csrr    t0, scause
    addi    t0, t0, -8                  // 8: environment call from user mode
    beqz    t0, user_call

    // An interrupt or a fault: everything is saved.
    sd      t1, {SCRATCH}+8(sp)
    ld      t0, {CONTEXT}(sp)
    each_saved sd, t0
    each_rest sd, t0
    sd      a0, 10*8(t0)
    ld      t1, {SCRATCH}(sp)
    sd      t1, 5*8(t0)
    ld      t1, {SCRATCH}+8(sp)
    sd      t1, 6*8(t0)
    csrrw   t1, sscratch, zero
    sd      t1, 2*8(t0)
    csrr    t1, sepc
    sd      t1, {PC}(t0)
    li      t1, 1
    sd      t1, {LEFT}(t0)
    mv      a0, sp
    call    {interrupted}
    j       go_on

    // A call from user mode. Its stub is a function, so the call returns to ra.
user_call:
    csrrw   t0, sscratch, zero
    ld      t1, {CONTEXT}(sp)
    sd      t0, 2*8(t1)
    sd      ra, {PC}(t1)
    mv      a6, sp
    addi    t2, a7, -{SEND_WAIT}        // of this and the next number?
    sltiu   t2, t2, 2
    bnez    t2, switching_call
    call    {called}
    bnez    a1, another
return_to_user:
    ld      t1, {CONTEXT}(sp)
    csrw    sscratch, sp
    ld      ra, {PC}(t1)
    csrw    sepc, ra
    ld      sp, 2*8(t1)
    // Nothing of the kernel may be left in what a function may change.
    li      t0, 0
    li      t1, 0
    li      t2, 0
    li      a1, 0
    li      a2, 0
    li      a3, 0
    li      a4, 0
    li      a5, 0
    li      a6, 0
    li      a7, 0
    li      t3, 0
    li      t4, 0
    li      t5, 0
    li      t6, 0
    sret

    .balign 4
    .global kernel_gate_entry
kernel_gate_entry:
    csrci   sstatus, 2                  // SIE: no interrupts in the kernel
    csrrw   t0, sscratch, zero
    ld      t1, {CONTEXT}(t0)
    sd      sp, 2*8(t1)
    sd      ra, {PC}(t1)
    mv      sp, t0
    mv      a6, t0
    addi    t2, a7, -{SEND_WAIT}        // of this and the next number?
    sltiu   t2, t2, 2
    bnez    t2, switching_call
    call    {called}
    bnez    a1, another
return_to_kernel:
    ld      t1, {CONTEXT}(sp)
    csrw    sscratch, sp
    ld      ra, {PC}(t1)
    ld      sp, 2*8(t1)
    csrsi   sstatus, 2
    ret

    // A call after which another thread is expected to go on: it does not return then. t1: the
    // caller's context.
switching_call:
    sd      zero, {LEFT}(t1)
    each_saved sd, t1
    li      t2, {HANDLES}               // does its message carry any?
    and     t2, t2, a1
    bnez    t2, 4f
    call    {called_to_switch}
3:  bnez    a1, another_goes_on
    ld      t1, {CONTEXT}(sp)
    ld      t1, {USER}(t1)
    bnez    t1, return_to_user
    j       return_to_kernel
4:  call    {called_with_handles}
    j       3b

    // a0: the context to go on with, a1: the CPU's block.
    .global go_on_directly
go_on_directly:
    mv      sp, a1
    mv      a1, a0
    j       another_goes_on

    // The calling thread leaves the CPU, or gets more than one result register.
another:
    ld      t0, {CONTEXT}(sp)
    sd      zero, {LEFT}(t0)
    each_saved sd, t0
another_goes_on:
    ld      t1, {LOCK}(sp)
    li      t2, {RELEASED}
    .option push
    .option arch, +a
    amoand.w.rl zero, t2, (t1)
    .option pop
    mv      a0, a1
    li      t1, {IDLE}
    beq     a0, t1, 3f

    // a0: the context to go on with.
    .global go_on
go_on:
    sd      a0, {CONTEXT}(sp)
    csrw    sscratch, sp
    ld      t0, {LEFT}(a0)
    ld      t1, {USER}(a0)
    bnez    t0, go_on_interrupted
    bnez    t1, go_on_user
    ld      ra, {PC}(a0)
    ld      sp, 2*8(a0)
    each_saved ld, a0
    ld      a1, 11*8(a0)
    ld      a2, 12*8(a0)
    ld      a3, 13*8(a0)
    ld      a4, 14*8(a0)
    ld      a5, 15*8(a0)
    ld      a0, 10*8(a0)
    csrsi   sstatus, 2
    ret

go_on_user:
    li      t0, {SPP}
    csrc    sstatus, t0
    li      t0, {SPIE}
    csrs    sstatus, t0
    ld      ra, {PC}(a0)
    csrw    sepc, ra
    ld      sp, 2*8(a0)
    each_saved ld, a0
    ld      a1, 11*8(a0)
    ld      a2, 12*8(a0)
    ld      a3, 13*8(a0)
    ld      a4, 14*8(a0)
    ld      a5, 15*8(a0)
    ld      a0, 10*8(a0)
    li      t0, 0
    li      t1, 0
    li      t2, 0
    li      a6, 0
    li      a7, 0
    li      t3, 0
    li      t4, 0
    li      t5, 0
    li      t6, 0
    sret

go_on_interrupted:
    li      t0, {SPP}
    csrs    sstatus, t0
    beqz    t1, 1f
    csrc    sstatus, t0
1:  li      t0, {SPIE}
    csrs    sstatus, t0
    ld      t0, {PC}(a0)
    csrw    sepc, t0
    each_saved ld, a0
    each_rest ld, a0
    ld      sp, 2*8(a0)
    ld      t0, 5*8(a0)
    ld      t1, 6*8(a0)
    ld      a0, 10*8(a0)
    sret

3:  mv      a0, sp
    call    {idle}
    j       go_on

    // Kernel code trapped, which is always a bug: report it on a stack of its own.
kernel_trapped:
    csrrw   sp, sscratch, zero
    mv      a0, sp
    la      t1, {panicking}
    li      t2, 1
    .option push
    .option arch, +a
    amoswap.w t2, t2, (t1)
    .option pop
2:  bnez    t2, 2b                      // another CPU is reporting, or the report failed
    la      sp, panic_stack_end
    mv      a1, ra
    mv      a2, s0
    call    {kernel_trap}

    .bss
    .balign 16
    .space 16384
panic_stack_end:

    // What components under `user` isolation call. Mapped for them, in a page of its own.
    .section .text.user_gate, "ax"
    .balign 4096
    .global user_gate_stub
user_gate_stub:
    ecall
    ret
    .balign 4096
    "#,
    SCRATCH = const offset_of!(Cpu, scratch),
    CONTEXT = const offset_of!(Cpu, context),
    SEND_WAIT = const SEND_WAIT,
    LOCK = const offset_of!(Cpu, lock),
    LEFT = const LEFT,
    PC = const PC,
    USER = const USER,
    SPP = const SPP,
    SPIE = const SPIE,
    IDLE = const IDLE,
    RELEASED = const !TAKEN as i32,
    interrupted = sym interrupted,
    called = sym called,
    called_to_switch = sym called_to_switch,
    called_with_handles = sym called_with_handles,
    HANDLES = const HANDLES,
    idle = sym idle,
    kernel_trap = sym kernel_trap,
    panicking = sym super::PANICKING,
);

unsafe extern "C" {
    fn trap_entry();
    fn kernel_gate_entry();
    fn user_gate_stub();
    fn go_on_directly(context: *mut Context, cpu: *mut Cpu) -> !;
}

/// The address of the trap entry, for `stvec`.
pub fn trap_address() -> usize {
    trap_entry as *const () as usize
}

/// Where components under `kernel` isolation call the kernel.
pub fn kernel_gate() -> usize {
    kernel_gate_entry as *const () as usize
}

/// The page with the stub for `user` isolation, in the kernel's image.
pub fn user_gate_page() -> usize {
    user_gate_stub as *const () as usize
}

/// A call through either gate, on the kernel's stack, interrupts off.
#[allow(clippy::too_many_arguments)]
extern "C" fn called(
    a0: usize,
    a1: usize,
    a2: usize,
    a3: usize,
    a4: usize,
    a5: usize,
    cpu: &mut Cpu,
    number: usize,
) -> Answer {
    // SAFETY: released in one of the ways out or, when another thread goes on, by the assembly.
    let kernel = unsafe { KERNEL.acquire(cpu.index) };
    if number == Call::Nop as usize && !kernel.attention {
        kernel.statistics.calls += 1;
        // SAFETY: acquired above; `kernel` is not used after.
        unsafe { KERNEL.release() };
        return Answer { value: 0, next: 0 };
    }
    called_generally(a0, a1, a2, a3, a4, a5, cpu, number)
}

/// The same for the two calls whose caller's registers are in its context already.
#[allow(clippy::too_many_arguments)]
extern "C" fn called_to_switch(
    a0: usize,
    a1: usize,
    a2: usize,
    a3: usize,
    a4: usize,
    a5: usize,
    cpu: &mut Cpu,
    number: usize,
) -> Answer {
    // SAFETY: as in `called`.
    let kernel = unsafe { KERNEL.acquire(cpu.index) };
    if !may_go_directly(number, a1) {
        return called_to_tell(a0, a1, a2, a3, a4, a5, cpu, number);
    }
    // No handles, so nothing is lost by leaving them out, and two registers are free.
    let arguments = [a0, a1, a2, 0, 0, a5];
    if number == CALL {
        match kernel.call_directly::<false>(cpu.index, arguments) {
            Some(next) => resume(kernel, cpu, next),
            None => called_generally(a0, a1, a2, 0, 0, a5, cpu, CALL),
        }
    } else {
        match kernel.reply_directly::<false>(cpu.index, arguments) {
            Some(next) => resume(kernel, cpu, next),
            None => called_generally(a0, a1, a2, 0, 0, a5, cpu, SEND_WAIT),
        }
    }
}

/// The same for messages with handles. Told apart in the assembly, so that neither function saves
/// registers that only the other one uses.
#[allow(clippy::too_many_arguments)]
extern "C" fn called_with_handles(
    a0: usize,
    a1: usize,
    a2: usize,
    a3: usize,
    a4: usize,
    a5: usize,
    cpu: &mut Cpu,
    number: usize,
) -> Answer {
    // SAFETY: as in `called`.
    let kernel = unsafe { KERNEL.acquire(cpu.index) };
    match kernel.carry_directly(cpu.index, number, [a0, a1, a2, a3, a4, a5]) {
        Some(next) => resume(kernel, cpu, next),
        None => called_generally(a0, a1, a2, a3, a4, a5, cpu, number),
    }
}

/// The same for a message that nobody answers.
#[allow(clippy::too_many_arguments)]
#[inline(never)]
extern "C" fn called_to_tell(
    a0: usize,
    a1: usize,
    a2: usize,
    a3: usize,
    a4: usize,
    a5: usize,
    cpu: &mut Cpu,
    number: usize,
) -> Answer {
    // SAFETY: `called_to_switch` has acquired it, and does not use its reference any more.
    let kernel = unsafe { KERNEL.held() };
    match kernel.tell_directly(cpu.index, number, [a0, a1, a2, 0, 0, a5]) {
        Some(next) => resume(kernel, cpu, next),
        None => called_generally(a0, a1, a2, a3, a4, a5, cpu, number),
    }
}

/// A call that cannot go the direct way. A function of its own with the same arguments, so that
/// the direct way leaves them in their registers and jumps here.
#[allow(clippy::too_many_arguments)]
#[inline(never)]
extern "C" fn called_generally(
    a0: usize,
    a1: usize,
    a2: usize,
    a3: usize,
    a4: usize,
    a5: usize,
    cpu: &mut Cpu,
    number: usize,
) -> Answer {
    // SAFETY: `called` has acquired it, and does not use its reference any more.
    let kernel = unsafe { KERNEL.held() };
    match kernel.syscall_generally(cpu.index, number, [a0, a1, a2, a3, a4, a5]) {
        Exit::Value(value) => {
            // SAFETY: acquired by `called`; `kernel` is not used after.
            unsafe { KERNEL.release() };
            Answer { value, next: 0 }
        }
        Exit::Run(thread) => Answer {
            value: 0,
            next: prepare(kernel, cpu, Left::Gate, thread) as usize,
        },
        Exit::Idle => {
            float::put_away(cpu, Left::Gate);
            Answer {
                value: 0,
                next: IDLE,
            }
        }
    }
}

/// Goes on with a thread, in the middle of a call of another that has been put down.
#[inline(always)]
fn resume(kernel: &mut Kernel, cpu: &mut Cpu, next: Resume) -> ! {
    if let Some(space) = next.space {
        load_space(kernel, cpu, space);
    }
    if float::concerns(cpu, next.context) {
        resume_with_float(cpu, next.context)
    }
    // SAFETY: the caller's registers are in its context, and `next` is ready to run.
    unsafe { go_on_directly(next.context, cpu) }
}

#[inline(never)]
fn resume_with_float(cpu: &mut Cpu, next: *mut Context) -> ! {
    float::switch(cpu, Left::Gate, next);
    // SAFETY: as in `resume`.
    unsafe { go_on_directly(next, cpu) }
}

/// Makes address space and floating point ready for a thread; another one left as `left` says.
fn prepare(kernel: &mut Kernel, cpu: &mut Cpu, left: Left, thread: Id<Thread>) -> *mut Context {
    let node = &mut kernel.threads[thread];
    let (context, space) = (&raw mut node.context, node.space);
    if let Some(space) = space {
        load_space(kernel, cpu, space);
    }
    if float::concerns(cpu, context) {
        float::switch(cpu, left, context);
    }
    context
}

/// Makes an address space the one whose user half is visible.
#[inline(always)]
fn load_space(kernel: &mut Kernel, cpu: &Cpu, space: Id<Space>) {
    let active = &mut kernel.cpus[cpu.index % CPUS_MAX].active_space;
    if *active == Some(space) {
        return;
    }
    *active = Some(space);
    kernel.memory.machine.catch_up(cpu.index);
    let satp = kernel.spaces[space].table.satp();
    // SAFETY: the table's upper half is the kernel's, so the kernel goes on unharmed.
    // Identifiers differ between living spaces, so nothing else needs to be flushed.
    unsafe { core::arch::asm!("csrw satp, {0}", in(reg) satp, options(nostack)) };
}

/// An interrupt or a fault while a component ran; its registers are saved.
extern "C" fn interrupted(cpu: &mut Cpu) -> *mut Context {
    let (cause, value): (usize, usize);
    // SAFETY: reads of two registers.
    unsafe {
        core::arch::asm!("csrr {0}, scause", "csrr {1}, stval", out(reg) cause, out(reg) value);
    }
    // SAFETY: the context is that of the thread that was interrupted.
    if cause == 2 && unsafe { float::first_use(cpu) } {
        return cpu.context;
    }
    // SAFETY: released at the end of this function or in `idle`.
    let kernel = unsafe { KERNEL.acquire(cpu.index) };
    let exit = if cause as isize >= 0 {
        kernel.fault(cpu.index, fault(cause, value))
    } else {
        super::machine::handle_pending(kernel, cpu.index);
        kernel.leave(cpu.index)
    };
    match exit {
        Exit::Run(thread) => {
            let context = prepare(kernel, cpu, Left::Interrupted, thread);
            // SAFETY: acquired above; all registers were saved before, so another CPU may run
            // the thread that was interrupted.
            unsafe { KERNEL.release() };
            context
        }
        Exit::Value(_) | Exit::Idle => {
            float::put_away(cpu, Left::Interrupted);
            // SAFETY: as above.
            unsafe { KERNEL.release() };
            idle(cpu)
        }
    }
}

/// Names a fault by `scause` (privileged architecture, table "Supervisor cause register values").
fn fault(cause: usize, value: usize) -> Fault {
    match cause {
        0 | 1 | 12 => Fault::Execute(value),
        2 => Fault::Instruction(value),
        3 => Fault::Breakpoint,
        4 | 5 | 13 => Fault::Read(value),
        6 | 7 | 15 => Fault::Write(value),
        other => Fault::Other(other),
    }
}

/// Sleeps until there is a thread to run. The lock is free.
extern "C" fn idle(cpu: &mut Cpu) -> *mut Context {
    cpu.context = core::ptr::null_mut();
    crate::idle::idle(&KERNEL, cpu.index, cpu)
}

impl IdleCpu for Cpu {
    type Ready = *mut Context;
    #[inline(always)]
    fn wake(&mut self, kernel: &mut Kernel) {
        kernel.memory.machine.wake(self.index);
    }
    #[inline(always)]
    fn handle_pending(&mut self, kernel: &mut Kernel) {
        super::machine::handle_pending(kernel, self.index);
    }
    #[inline(always)]
    fn prepare(&mut self, kernel: &mut Kernel, thread: Id<Thread>) -> *mut Context {
        prepare(kernel, self, Left::Gate, thread)
    }
    #[inline(always)]
    fn rest(&mut self, kernel: &mut Kernel) {
        kernel.memory.machine.rest(self.index);
    }
    #[inline(always)]
    fn sleep(&mut self) {
        riscv::asm::wfi();
    }
}

/// Kernel code trapped.
extern "C" fn kernel_trap(sp: usize, ra: usize, frame: usize) -> ! {
    let (cause, value, pc): (usize, usize, usize);
    // SAFETY: reads of three registers.
    unsafe {
        core::arch::asm!("csrr {0}, scause", "csrr {1}, stval", "csrr {2}, sepc",
            out(reg) cause, out(reg) value, out(reg) pc);
    }
    super::report(
        format_args!(
            "{} (cause {cause}) at {pc:#x}, sp {sp:#x}, ra {ra:#x}",
            fault(cause, value)
        ),
        pc,
        frame,
    )
}

/// Lets a CPU begin: takes its place as an idle CPU on its own stack.
///
/// # Safety
/// `cpu` lies at the end of a mapped kernel stack that nobody uses; the trap vector is set.
pub unsafe fn begin(cpu: *mut Cpu) -> ! {
    // SAFETY: the caller vouches for the stack. Whatever is on the old one is never used again.
    unsafe {
        core::arch::asm!(
            "csrw sscratch, zero",
            "mv sp, {cpu}",
            "li s0, 0",
            "mv a0, sp",
            "call {idle}",
            "j go_on",
            cpu = in(reg) cpu,
            idle = sym idle,
            options(noreturn),
        )
    }
}

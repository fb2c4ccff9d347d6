//! Entering and leaving the kernel (rules 1 to 3).
//!
//! Three doors lead in: the gate, called like a function by components under `kernel` isolation;
//! `svc`, by components under `user` isolation, whose stub is called like a function too; and
//! interrupts and faults. All take the CPU's kernel stack, at whose end lies the [`Cpu`] block.
//! `sp_el1` holds that block's address while a component runs. Components run on `sp_el0`: in
//! user mode at EL0, in the kernel's address space at EL1t. So the hardware changes stacks, and the
//! vector says who trapped; a trap out of EL1h is one of the kernel itself.
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

use core::arch::{asm, global_asm};
use core::mem::offset_of;
use core::sync::atomic::AtomicU32;

use abi::Call;

use super::context::{Context, LEFT, Left, PC, SP, THREAD_POINTER};
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
const SEND_WAIT: usize = Call::SendWait as usize;
const _: () = assert!(CALL == SEND_WAIT + 1);

/// What came, as the vectors tell [`interrupted`].
const FAULT: usize = 0;
const INTERRUPT: usize = 1;
const SYSTEM_ERROR: usize = 2;

global_asm!(
    r#"
    .macro each_saved pair, single, base    // what a function must preserve, and x18
        \pair x18, x19, [\base, #18*8]
        \pair x20, x21, [\base, #20*8]
        \pair x22, x23, [\base, #22*8]
        \pair x24, x25, [\base, #24*8]
        \pair x26, x27, [\base, #26*8]
        \pair x28, x29, [\base, #28*8]
    .endm
    .macro clear_temporaries            // nothing of the kernel may be left in them
        mov     x6, xzr
        mov     x7, xzr
        mov     x8, xzr
        mov     x9, xzr
        mov     x10, xzr
        mov     x11, xzr
        mov     x12, xzr
        mov     x13, xzr
        mov     x14, xzr
        mov     x15, xzr
        mov     x16, xzr
        mov     x17, xzr
    .endm
    .macro vector target
        .balign 0x80
        b       \target
    .endm
    .macro vector_saving what           // into save_everything, with x17 saying what came
        .balign 0x80
        stp     x16, x17, [sp, #{SCRATCH}]
        mov     x17, #\what
        b       save_everything
    .endm

    // Arm ARM, D1.3.1.5, "Exception vectors": synchronous, IRQ, FIQ, SError, four times.
    .section .text.vectors, "ax"
    .balign 0x800
    .global exception_vectors
exception_vectors:
    vector_saving {FAULT}               // out of EL1t: a component in the kernel's address space
    vector_saving {INTERRUPT}
    vector_saving {INTERRUPT}
    vector_saving {SYSTEM_ERROR}
    vector  kernel_trapped              // out of EL1h: the kernel
    vector  kernel_trapped
    vector  kernel_trapped
    vector  kernel_trapped
    .balign 0x80                        // out of EL0
    stp     x16, x17, [sp, #{SCRATCH}]
    mrs     x16, esr_el1
    lsr     x16, x16, #26
    cmp     x16, #0x15                  // SVC
    b.eq    user_call
    mov     x17, #{FAULT}
    b       save_everything
    vector_saving {INTERRUPT}
    vector_saving {INTERRUPT}
    vector_saving {SYSTEM_ERROR}
    vector  kernel_trapped              // out of 32-bit EL0, which nobody enters
    vector  kernel_trapped
    vector  kernel_trapped
    vector  kernel_trapped

    .text
save_everything:
    ldr     x16, [sp, #{CONTEXT}]
    stp     x0, x1, [x16, #0*8]
    stp     x2, x3, [x16, #2*8]
    stp     x4, x5, [x16, #4*8]
    stp     x6, x7, [x16, #6*8]
    stp     x8, x9, [x16, #8*8]
    stp     x10, x11, [x16, #10*8]
    stp     x12, x13, [x16, #12*8]
    stp     x14, x15, [x16, #14*8]
    ldp     x0, x1, [sp, #{SCRATCH}]
    stp     x0, x1, [x16, #16*8]
    each_saved stp, str, x16
    mrs     x0, sp_el0
    stp     x30, x0, [x16, #30*8]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x0, x1, [x16, #{PC}]
    mov     x0, #1
    str     x0, [x16, #{LEFT}]
    mov     x0, sp
    mov     x1, x17
    bl      {interrupted}
    b       go_on

    // A call from user mode. Its stub is a function, so what a function may change is not kept;
    // sp_el0, elr_el1 and spsr_el1 stay as they are unless another thread goes on.
user_call:
    ldr     x9, [sp, #{CONTEXT}]
    str     x30, [x9, #{PC}]
    mov     x6, sp
    sub     x10, x7, #{SEND_WAIT}       // of this and the next number?
    cmp     x10, #2
    b.lo    switching_call
    bl      {called}
    cbnz    x1, another
return_to_user:
    ldr     x9, [sp, #{CONTEXT}]
    ldr     x30, [x9, #{PC}]
    mov     x2, xzr
    mov     x3, xzr
    mov     x4, xzr
    mov     x5, xzr
    clear_temporaries
    eret

    .balign 16
    .global kernel_gate_entry
kernel_gate_entry:
    msr     daifset, #3                 // no interrupts in the kernel
    msr     spsel, #1
    ldr     x9, [sp, #{CONTEXT}]
    str     x30, [x9, #{PC}]
    mov     x6, sp
    sub     x10, x7, #{SEND_WAIT}       // of this and the next number?
    cmp     x10, #2
    b.lo    switching_call
    bl      {called}
    cbnz    x1, another
return_to_kernel:
    ldr     x9, [sp, #{CONTEXT}]
    ldr     x30, [x9, #{PC}]
    msr     spsel, #0
    msr     daifclr, #3
    ret

    // A call after which another thread is expected to go on: it does not return then. x9: the
    // caller's context.
switching_call:
    mrs     x11, sp_el0
    str     xzr, [x9, #{LEFT}]
    str     x11, [x9, #{SP}]
    each_saved stp, str, x9
    bl      {called_to_switch}
    cbnz    x1, another_goes_on
    ldr     x9, [sp, #{CONTEXT}]
    ldr     x10, [x9, #{LEFT}+8]        // whether it is a user's
    cbnz    x10, return_to_user
    b       return_to_kernel

    // x0: the context to go on with, x1: the CPU's block.
    .global go_on_directly
go_on_directly:
    mov     sp, x1
    mov     x1, x0
    b       another_goes_on

    // The calling thread leaves the CPU, or gets more than one result register.
another:
    ldr     x9, [sp, #{CONTEXT}]
    mrs     x11, sp_el0
    str     xzr, [x9, #{LEFT}]
    str     x11, [x9, #{SP}]
    each_saved stp, str, x9
another_goes_on:
    ldr     x10, [sp, #{LOCK}]
1:  ldxr    w11, [x10]
    and     w11, w11, #{RELEASED}
    stlxr   w12, w11, [x10]
    cbnz    w12, 1b
    mov     x0, x1
    cmp     x0, #{IDLE}
    b.eq    3f

    // x0: the context to go on with.
    .global go_on
go_on:
    str     x0, [sp, #{CONTEXT}]
    ldp     x9, x10, [x0, #{LEFT}]      // and whether it is a user's
    ldr     x11, [x0, #{THREAD_POINTER}]
    ldr     x12, [x0, #{SP}]
    msr     tpidr_el0, x11
    msr     sp_el0, x12
    cbnz    x9, go_on_interrupted
    cbnz    x10, go_on_user
    ldr     x30, [x0, #{PC}]
    each_saved ldp, ldr, x0
    ldp     x4, x5, [x0, #4*8]
    ldp     x2, x3, [x0, #2*8]
    ldp     x0, x1, [x0]
    msr     spsel, #0
    msr     daifclr, #3
    ret

go_on_user:
    ldr     x30, [x0, #{PC}]
    msr     elr_el1, x30
    msr     spsr_el1, xzr               // EL0, interrupts on
    each_saved ldp, ldr, x0
    ldp     x4, x5, [x0, #4*8]
    ldp     x2, x3, [x0, #2*8]
    ldp     x0, x1, [x0]
    clear_temporaries
    eret

go_on_interrupted:
    ldp     x9, x10, [x0, #{PC}]
    msr     elr_el1, x9
    msr     spsr_el1, x10
    each_saved ldp, ldr, x0
    ldr     x30, [x0, #30*8]
    ldp     x16, x17, [x0, #16*8]
    ldp     x14, x15, [x0, #14*8]
    ldp     x12, x13, [x0, #12*8]
    ldp     x10, x11, [x0, #10*8]
    ldp     x8, x9, [x0, #8*8]
    ldp     x6, x7, [x0, #6*8]
    ldp     x4, x5, [x0, #4*8]
    ldp     x2, x3, [x0, #2*8]
    ldp     x0, x1, [x0]
    eret

3:  mov     x0, sp
    bl      {idle}
    b       go_on

    // Kernel code trapped, which is always a bug: report it on a stack of its own. No stack was
    // touched so far, so this works for an overflow of the kernel's stack, too.
kernel_trapped:
    mov     x0, sp
    mov     x1, x30
    mov     x2, x29
    adrp    x9, {panicking}
    add     x9, x9, :lo12:{panicking}
1:  ldaxr   w10, [x9]
    cbnz    w10, 2f                     // another CPU is reporting, or the report failed
    mov     w11, #1
    stxr    w12, w11, [x9]
    cbnz    w12, 1b
    adrp    x9, panic_stack_end
    add     x9, x9, :lo12:panic_stack_end
    mov     sp, x9
    bl      {kernel_trap}
2:  wfe
    b       2b

    .bss
    .balign 16
    .space 16384
    .global panic_stack_end
panic_stack_end:

    // What components under `user` isolation call. Mapped for them, in a page of its own.
    .section .text.user_gate, "ax"
    .balign 4096
    .global user_gate_stub
user_gate_stub:
    svc     #0
    ret
    .balign 4096
    "#,
    SCRATCH = const offset_of!(Cpu, scratch),
    CONTEXT = const offset_of!(Cpu, context),
    SEND_WAIT = const SEND_WAIT,
    LOCK = const offset_of!(Cpu, lock),
    SP = const SP,
    PC = const PC,
    LEFT = const LEFT,
    THREAD_POINTER = const THREAD_POINTER,
    FAULT = const FAULT,
    INTERRUPT = const INTERRUPT,
    SYSTEM_ERROR = const SYSTEM_ERROR,
    IDLE = const IDLE,
    RELEASED = const !TAKEN as i32,
    interrupted = sym interrupted,
    called = sym called,
    called_to_switch = sym called_to_switch,
    idle = sym idle,
    kernel_trap = sym kernel_trap,
    panicking = sym super::PANICKING,
);

unsafe extern "C" {
    fn exception_vectors();
    fn kernel_gate_entry();
    fn user_gate_stub();
    fn go_on_directly(context: *mut Context, cpu: *mut Cpu) -> !;
}

/// The address of the exception vectors, for `vbar_el1`.
pub fn vectors_address() -> usize {
    exception_vectors as *const () as usize
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
        None => called_with_handles(a0, a1, a2, a3, a4, a5, cpu, number),
    }
}

/// The same for a message that may carry handles.
#[allow(clippy::too_many_arguments)]
#[inline(never)]
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
    // SAFETY: `called_to_switch` has acquired it, and nobody uses its reference any more.
    let kernel = unsafe { KERNEL.held() };
    match kernel.carry_directly(cpu.index, number, [a0, a1, a2, a3, a4, a5]) {
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
    let ttbr = kernel.spaces[space].table.ttbr();
    // SAFETY: only the lower half changes, and the kernel touches nothing there.
    // Identifiers differ between living spaces, so nothing needs to be flushed.
    unsafe {
        asm!("msr ttbr0_el1, {}", "isb", in(reg) ttbr, options(nostack, preserves_flags));
    }
}

/// An interrupt or a fault while a component ran; its registers are saved.
extern "C" fn interrupted(cpu: &mut Cpu, what: usize) -> *mut Context {
    let (syndrome, address): (usize, usize);
    // SAFETY: reads of two registers.
    unsafe {
        asm!("mrs {}, esr_el1", "mrs {}, far_el1", out(reg) syndrome, out(reg) address,
            options(nomem, nostack, preserves_flags));
    }
    if what == FAULT && syndrome >> 26 == CLASS_FLOAT {
        // SAFETY: the context is that of the thread that was interrupted.
        unsafe { float::first_use(cpu) };
        return cpu.context;
    }
    // SAFETY: released at the end of this function or in `idle`.
    let kernel = unsafe { KERNEL.acquire(cpu.index) };
    let exit = match what {
        INTERRUPT => {
            super::machine::handle_pending(kernel, cpu.index);
            kernel.leave(cpu.index)
        }
        FAULT => kernel.fault(cpu.index, fault(syndrome, address)),
        _ => kernel.fault(cpu.index, Fault::Other(syndrome)),
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

/// ESR_EL1.EC of an instruction that CPACR_EL1 traps.
const CLASS_FLOAT: usize = 0x07;

/// Names a fault by ESR_EL1 (Arm ARM, D17.2.37) and the address it is about.
fn fault(syndrome: usize, address: usize) -> Fault {
    const WRITE: usize = 1 << 6;
    match syndrome >> 26 {
        // Unknown; trapped system registers; supervisor calls out of EL1.
        0x00 | 0x01 | 0x0e | 0x15 | 0x16 | 0x17 | 0x18 | 0x19 | 0x1d => {
            Fault::Instruction(syndrome & 0x1ff_ffff)
        }
        0x20..=0x22 => Fault::Execute(address),
        0x24 | 0x25 if syndrome & WRITE != 0 => Fault::Write(address),
        0x24 | 0x25 => Fault::Read(address),
        0x3c => Fault::Breakpoint,
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
    fn wake(&mut self, _kernel: &mut Kernel) {}
    #[inline(always)]
    fn handle_pending(&mut self, kernel: &mut Kernel) {
        super::machine::handle_pending(kernel, self.index);
    }
    #[inline(always)]
    fn prepare(&mut self, kernel: &mut Kernel, thread: Id<Thread>) -> *mut Context {
        prepare(kernel, self, Left::Gate, thread)
    }
    /// The hardware tells a CPU that sleeps what it is to forget.
    #[inline(always)]
    fn rest(&mut self, _kernel: &mut Kernel) {}
    #[inline(always)]
    fn sleep(&mut self) {
        // SAFETY: waits, and changes nothing.
        unsafe { asm!("dsb sy", "wfi", options(nostack, preserves_flags)) };
    }
}

/// Kernel code trapped.
extern "C" fn kernel_trap(sp: usize, link: usize, frame: usize) -> ! {
    let (syndrome, address, pc): (usize, usize, usize);
    // SAFETY: reads of three registers.
    unsafe {
        asm!("mrs {}, esr_el1", "mrs {}, far_el1", "mrs {}, elr_el1",
            out(reg) syndrome, out(reg) address, out(reg) pc,
            options(nomem, nostack, preserves_flags));
    }
    super::report(
        format_args!(
            "{} (syndrome {syndrome:#x}) at {pc:#x}, sp {sp:#x}, lr {link:#x}",
            fault(syndrome, address)
        ),
        pc,
        frame,
    )
}

/// Lets a CPU begin: takes its place as an idle CPU on its own stack.
///
/// # Safety
/// `cpu` lies at the end of a mapped kernel stack that nobody uses; the vectors are set.
pub unsafe fn begin(cpu: *mut Cpu) -> ! {
    // SAFETY: the caller vouches for the stack. Whatever is on the old one is never used again.
    unsafe {
        asm!(
            "mov sp, {cpu}",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, sp",
            "bl {idle}",
            "b go_on",
            cpu = in(reg) cpu,
            idle = sym idle,
            options(noreturn),
        )
    }
}

//! A thread's registers while it is not on a CPU.

use core::mem::offset_of;

/// How a thread left the CPU, and so what of its context counts.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Left {
    /// Through the gate: only what a C function must preserve, and the six result registers.
    Gate = 0,
    /// By an interrupt or a fault, or it has not run yet: everything.
    Interrupted = 1,
}

/// The registers. Assembly in `entry.rs` knows the offsets.
#[repr(C, align(16))]
pub struct Context {
    /// `x0` to `x30`.
    x: [usize; 31],
    /// `sp_el0`, the stack pointer of components under either isolation.
    sp: usize,
    /// Where it goes on.
    pub pc: usize,
    /// `spsr_el1`: the level it runs at, flags.
    pstate: usize,
    /// How the thread left.
    pub left: Left,
    /// Whether it runs in user mode: 1 or 0.
    user: usize,
    /// `tpidr_el0`: the address of its message buffer, for good.
    thread_pointer: usize,
    /// Floating point, if `float_used`.
    pub float: Float,
    /// Whether the thread has ever used floating point.
    pub float_used: bool,
    /// The CPU whose registers were filled from `float` last.
    pub float_cpu: u16,
}

/// Floating-point and vector registers. Assembly in `float.rs` knows the offsets.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub struct Float {
    /// `q0` to `q31`; of a thread that left through the gate only `d8` to `d15` count.
    pub q: [u128; 32],
    /// `fpcr`.
    pub control: u64,
    /// `fpsr`.
    pub status: u64,
}

impl Float {
    /// What a new thread starts with.
    pub const ZERO: Float = Float {
        q: [0; 32],
        control: 0,
        status: 0,
    };
}

/// Offsets for the assembly.
pub const SP: usize = offset_of!(Context, sp);
pub const PC: usize = offset_of!(Context, pc);
pub const LEFT: usize = offset_of!(Context, left);
pub const THREAD_POINTER: usize = offset_of!(Context, thread_pointer);
const _: () = assert!(offset_of!(Context, x) == 0 && SP == 31 * 8 && PC == 32 * 8);
// Pairs that the assembly stores and loads together.
const _: () = assert!(offset_of!(Context, pstate) == PC + 8);
const _: () = assert!(offset_of!(Context, user) == LEFT + 8);

/// `spsr_el1` of a component: interrupts are on.
/// In the kernel's address space, at EL1 on the components' stack pointer (EL1t), with PAN.
const PSTATE_KERNEL: usize = 0b0100 | 1 << 22;
/// In user mode.
const PSTATE_USER: usize = 0;

impl Context {
    /// A context that nothing can run with yet.
    pub const fn new() -> Context {
        Context {
            x: [0; 31],
            sp: 0,
            pc: 0,
            pstate: 0,
            left: Left::Interrupted,
            user: 0,
            thread_pointer: 0,
            float: Float::ZERO,
            float_used: false,
            float_cpu: u16::MAX,
        }
    }

    /// Starts at `entry` with a stack and two arguments. The second one, the message buffer,
    /// stays in `tpidr_el0` for good.
    pub fn start(&mut self, entry: usize, stack: usize, arguments: [usize; 2], user: bool) {
        *self = Context::new();
        self.pc = entry;
        self.sp = stack;
        self.user = user as usize;
        self.pstate = if user { PSTATE_USER } else { PSTATE_KERNEL };
        self.thread_pointer = arguments[1];
        self.x[..2].copy_from_slice(&arguments);
    }

    /// What the call that the thread waits in answers.
    #[inline]
    pub fn set_results(&mut self, results: [usize; 6]) {
        self.x[..6].copy_from_slice(&results);
    }

    /// Whether it runs in user mode.
    #[inline]
    pub fn is_user(&self) -> bool {
        self.user != 0
    }

    /// Where it was interrupted.
    pub fn program_counter(&self) -> usize {
        self.pc
    }

    /// Its frame pointer.
    pub fn frame_pointer(&self) -> usize {
        self.x[29]
    }

    /// All registers with their names.
    pub fn registers(&self) -> [(&'static str, usize); 32] {
        const NAMES: [&str; 30] = [
            "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
            "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25",
            "x26", "x27", "x28", "fp",
        ];
        core::array::from_fn(|i| match i {
            0 => ("pc", self.pc),
            1 => ("sp", self.sp),
            _ => (NAMES[i - 2], self.x[i - 2]),
        })
    }

    /// Where the thread's last call came from, if it left through the gate.
    pub fn return_address(&self) -> usize {
        self.x[30]
    }
}

/// Where a frame keeps its return address and its caller's frame pointer (AAPCS64, "The Frame
/// Pointer").
pub fn frame_links(frame: usize) -> (usize, usize) {
    (frame.wrapping_add(8), frame)
}

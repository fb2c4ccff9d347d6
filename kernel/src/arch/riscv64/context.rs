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
#[repr(C)]
pub struct Context {
    /// How the thread left. In the place of `x0`, which needs none.
    pub left: Left,
    /// `x1` to `x31`.
    x: [usize; 31],
    /// Where it goes on.
    pub pc: usize,
    /// Whether it runs in user mode: 1 or 0.
    user: usize,
    /// `f0` to `f31` and `fcsr`, if `float_used`.
    pub float: [u64; 33],
    /// Whether the thread has ever used floating point.
    pub float_used: bool,
    /// The CPU whose registers were filled from `float` last.
    pub float_cpu: u16,
}

/// Offsets for the assembly.
pub const LEFT: usize = offset_of!(Context, left);
pub const PC: usize = offset_of!(Context, pc);
pub const USER: usize = offset_of!(Context, user);
const _: () = assert!(LEFT == 0 && offset_of!(Context, x) == 8 && PC == 32 * 8);

/// Numbers of the registers, as in `x[number - 1]`.
const RA: usize = 1;
const SP: usize = 2;
const TP: usize = 4;
const S0: usize = 8;
const A0: usize = 10;

impl Context {
    /// A context that nothing can run with yet.
    pub const fn new() -> Context {
        Context {
            left: Left::Interrupted,
            x: [0; 31],
            pc: 0,
            user: 0,
            float: [0; 33],
            float_used: false,
            float_cpu: u16::MAX,
        }
    }

    /// Starts at `entry` with a stack and two arguments. `tp` holds the second one, the message
    /// buffer, for good.
    pub fn start(&mut self, entry: usize, stack: usize, arguments: [usize; 2], user: bool) {
        *self = Context::new();
        self.pc = entry;
        self.user = user as usize;
        self.x[SP - 1] = stack;
        self.x[TP - 1] = arguments[1];
        self.x[A0 - 1] = arguments[0];
        self.x[A0] = arguments[1];
    }

    /// What the call that the thread waits in answers.
    #[inline]
    pub fn set_results(&mut self, results: [usize; 6]) {
        self.x[A0 - 1..A0 + 5].copy_from_slice(&results);
    }

    /// Whether it runs in user mode.
    pub fn is_user(&self) -> bool {
        self.user != 0
    }

    /// Where it was interrupted.
    pub fn program_counter(&self) -> usize {
        self.pc
    }

    /// Its frame pointer.
    pub fn frame_pointer(&self) -> usize {
        self.x[S0 - 1]
    }

    /// All registers with their names.
    pub fn registers(&self) -> [(&'static str, usize); 32] {
        const NAMES: [&str; 32] = [
            "pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3",
            "a4", "a5", "a6", "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11",
            "t3", "t4", "t5", "t6",
        ];
        core::array::from_fn(|i| (NAMES[i], if i == 0 { self.pc } else { self.x[i - 1] }))
    }

    /// Where the thread's last call came from, if it left through the gate.
    pub fn return_address(&self) -> usize {
        self.x[RA - 1]
    }
}

/// Where a frame keeps its return address and its caller's frame pointer (psABI, "Frame pointer
/// convention").
pub fn frame_links(frame: usize) -> (usize, usize) {
    (frame.wrapping_sub(8), frame.wrapping_sub(16))
}

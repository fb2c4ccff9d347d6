//! A CPU without a thread: how it looks for one, and sleeps.
//!
//! This is where CPUs meet without the kernel's lock: between its release and the sleep, work may come for
//! the CPU that is about to sleep. What tells it so is an interrupt, which stays pending until it is taken, and ends
//! the sleep whether it began before or after it. So this is the same code for all machines, and for the
//! model in which every order is tried (`kernel/tests/interleavings.rs`).

use crate::kernel::{Exit, Kernel};
use crate::lock::{Lock, Word};
use crate::memory::Id;
use crate::object::Thread;

/// The CPU, as far as machines differ.
pub trait IdleCpu {
    /// What leads to a thread: where its registers are.
    type Ready;
    /// It has slept, or is here for the first time, and has the lock.
    fn wake(&mut self, kernel: &mut Kernel);
    /// Handles the interrupts that are pending.
    fn handle_pending(&mut self, kernel: &mut Kernel);
    /// A thread is to go on here once the lock is free.
    fn prepare(&mut self, kernel: &mut Kernel, thread: Id<Thread>) -> Self::Ready;
    /// It sleeps once the lock is free.
    fn rest(&mut self, kernel: &mut Kernel);
    /// Sleeps until an interrupt is pending. Interrupts are off, so it stays pending.
    fn sleep(&mut self);
}

/// Sleeps until there is a thread to run. The lock is free, before and after.
#[inline(always)]
pub fn idle<W: Word, C: IdleCpu>(lock: &Lock<Kernel, W>, index: usize, cpu: &mut C) -> C::Ready {
    loop {
        // SAFETY: the value is set before the first CPU comes here; released in each branch below.
        let kernel = unsafe { lock.acquire(index) };
        cpu.wake(kernel);
        cpu.handle_pending(kernel);
        match kernel.idle_step(index) {
            Exit::Run(thread) => {
                let ready = cpu.prepare(kernel, thread);
                // SAFETY: acquired above; `kernel` is not used after.
                unsafe { lock.release() };
                return ready;
            }
            Exit::Value(_) | Exit::Idle => {
                let garbage = kernel.goes_on_collecting(index);
                kernel.arm_timer(index);
                if !garbage {
                    cpu.rest(kernel);
                }
                // SAFETY: as above.
                unsafe { lock.release() };
                if !garbage {
                    cpu.sleep();
                }
            }
        }
    }
}

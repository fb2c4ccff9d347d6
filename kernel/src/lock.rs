//! The one lock around the kernel's state (rule 5).
//!
//! A CPU that finds it taken leaves a claim, and claims are served in the order of the CPUs'
//! numbers, from the last one served on. So no CPU starves, and who has just held the lock comes
//! after all others.
//!
//! A queue would be stricter, and is what was here first. But a CPU may be a virtual one that its
//! host does not run at the moment, and a queue then stands still although the lock is free. So
//! turns are kept for a moment only ([`PATIENCE`]): a claim that is not taken up when the lock is
//! free is struck off, and its owner leaves another one when it runs again. The figures are in
//! `docs/decisions/0010-lock-with-claims.md`.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU32, Ordering};

/// Set while somebody has the lock.
pub const TAKEN: u32 = 1;
/// How often a CPU looks at the free lock before it passes over one whose turn it is.
const PATIENCE: u32 = 100;

/// The bit by which a CPU claims the lock.
fn claim(cpu: usize) -> u32 {
    2 << cpu
}

/// A word that CPUs share. A real one, or one of a model that tries every order of what several threads do
/// (`kernel/tests/interleavings.rs`). The methods are those of [`AtomicU32`].
#[allow(missing_docs)]
pub trait Word {
    fn load(&self, order: Ordering) -> u32;
    fn store(&self, value: u32, order: Ordering);
    fn swap(&self, value: u32, order: Ordering) -> u32;
    fn fetch_or(&self, value: u32, order: Ordering) -> u32;
    fn fetch_and(&self, value: u32, order: Ordering) -> u32;
    fn compare_exchange_weak(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32>;
    /// Another CPU has to do something before it makes sense to look again.
    fn relax(&self);
}

impl Word for AtomicU32 {
    #[inline(always)]
    fn load(&self, order: Ordering) -> u32 {
        self.load(order)
    }
    #[inline(always)]
    fn store(&self, value: u32, order: Ordering) {
        self.store(value, order);
    }
    #[inline(always)]
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.swap(value, order)
    }
    #[inline(always)]
    fn fetch_or(&self, value: u32, order: Ordering) -> u32 {
        self.fetch_or(value, order)
    }
    #[inline(always)]
    fn fetch_and(&self, value: u32, order: Ordering) -> u32 {
        self.fetch_and(value, order)
    }
    #[inline(always)]
    fn compare_exchange_weak(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.compare_exchange_weak(current, new, success, failure)
    }
    #[inline(always)]
    fn relax(&self) {
        core::hint::spin_loop();
    }
}

/// A lock around a value that is set once at boot.
#[repr(C)]
pub struct Lock<T, W: Word = AtomicU32> {
    /// [`TAKEN`], and the claims. 0 is free, and that it is 0 is all that a CPU asks at first.
    state: W,
    /// The CPU that was served last after it had to wait.
    served: W,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value is reached only between taking and releasing, by one CPU at a time.
unsafe impl<T: Send, W: Word + Sync> Sync for Lock<T, W> {}

impl<T> Lock<T> {
    /// A lock whose value is not there yet.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Lock<T> {
        Lock {
            state: AtomicU32::new(0),
            served: AtomicU32::new(0),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }
}

impl<T, W: Word> Lock<T, W> {
    /// A lock made of two words that are 0, whose value is not there yet.
    pub fn of_words(state: W, served: W) -> Lock<T, W> {
        Lock {
            state,
            served,
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Sets the value.
    ///
    /// # Safety
    /// Once, before any `acquire`, while one CPU runs.
    pub unsafe fn set(&self, value: T) {
        // SAFETY: the caller vouches that nobody else is there.
        unsafe { (*self.value.get()).write(value) };
    }

    /// Takes the lock, as soon as it is free and no other CPU's turn. `cpu` is the caller's number.
    ///
    /// # Safety
    /// The value was set. The reference must not be used after the lock was released, with
    /// [`Lock::release`] or by clearing [`TAKEN`] in [`Lock::state`] with release ordering.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn acquire(&self, cpu: usize) -> &mut T {
        let free = self
            .state
            .compare_exchange_weak(0, TAKEN, Ordering::Acquire, Ordering::Relaxed);
        if free.is_err() {
            self.wait(cpu);
        }
        // SAFETY: it is our turn until we release; the caller vouches that the value is set.
        unsafe { (*self.value.get()).assume_init_mut() }
    }

    /// The value, for whoever has taken the lock.
    ///
    /// # Safety
    /// The caller has acquired the lock and not released it, and no other reference is in use.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn held(&self) -> &mut T {
        // SAFETY: the caller vouches for it.
        unsafe { (*self.value.get()).assume_init_mut() }
    }

    /// Waits for one's turn. Inline because a call here would make every entry into the kernel put
    /// its arguments aside first.
    #[inline(always)]
    fn wait(&self, cpu: usize) {
        let mine = claim(cpu);
        let mut patience = PATIENCE;
        loop {
            let state = self.state.load(Ordering::Relaxed);
            if state & TAKEN != 0 {
                patience = PATIENCE;
                if state & mine == 0 {
                    self.state.fetch_or(mine, Ordering::Relaxed);
                }
            } else {
                let first = state & self.before(cpu);
                if first == 0 || patience == 0 {
                    let taken = (state & !mine & !first) | TAKEN;
                    let got = self.state.compare_exchange_weak(
                        state,
                        taken,
                        Ordering::Acquire,
                        Ordering::Relaxed,
                    );
                    if got.is_ok() {
                        self.served.store(cpu as u32, Ordering::Relaxed);
                        return;
                    }
                } else {
                    patience -= 1;
                }
            }
            self.state.relax();
        }
    }

    /// The claims that come before this CPU's: of those from the last one served on up to it.
    #[inline(always)]
    fn before(&self, cpu: usize) -> u32 {
        let served = self.served.load(Ordering::Relaxed);
        let below_me = claim(cpu) - 2;
        let above_served = !((claim(served as usize) << 1) - 1);
        if served < cpu as u32 {
            below_me & above_served
        } else {
            below_me | above_served
        }
    }

    /// Ends one's turn.
    ///
    /// # Safety
    /// It is the caller's turn.
    #[inline(always)]
    pub unsafe fn release(&self) {
        self.state.fetch_and(!TAKEN, Ordering::Release);
    }
}

impl<T> Lock<T> {
    /// What is cleared of [`TAKEN`]: for assembly that releases.
    pub const fn state(&'static self) -> &'static AtomicU32 {
        &self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_nobody_is_left_out() {
        const CPUS: usize = 4;
        const TURNS: usize = 20_000;
        static LOCK: Lock<Vec<usize>> = Lock::new();
        // SAFETY: once, and only this thread knows of it.
        unsafe { LOCK.set(Vec::new()) };
        let threads = [0, 1, 2, 3].map(|cpu| {
            std::thread::spawn(move || {
                for _ in 0..TURNS {
                    // SAFETY: the value was set, and is not touched after the release.
                    unsafe {
                        LOCK.acquire(cpu).push(cpu);
                        LOCK.release();
                    }
                }
            })
        });
        for thread in threads {
            thread.join().expect("it only counts");
        }
        // SAFETY: as above.
        let turns = unsafe { LOCK.acquire(0) };
        assert_eq!(turns.len(), CPUS * TURNS);
        for cpu in 0..CPUS {
            assert_eq!(turns.iter().filter(|&&turn| turn == cpu).count(), TURNS);
        }
        // SAFETY: taken above.
        unsafe { LOCK.release() };
        assert_eq!(LOCK.state.load(Ordering::Relaxed) & TAKEN, 0);
    }

    /// The claims that are before a CPU's, as a list.
    fn before(served: u32, cpu: usize, claims: &[usize]) -> Vec<usize> {
        let lock = Lock::<()>::new();
        lock.served.store(served, Ordering::Relaxed);
        let mask = lock.before(cpu);
        let claims = claims.iter().copied();
        claims.filter(|&other| claim(other) & mask != 0).collect()
    }

    #[test]
    fn turns_go_round() {
        assert_eq!(before(0, 1, &[0, 2, 3]), []);
        assert_eq!(before(0, 3, &[0, 1, 2]), [1, 2]);
        assert_eq!(before(2, 1, &[0, 2, 3]), [0, 3]);
        // Whoever was served last comes after all others.
        assert_eq!(before(1, 1, &[0, 2, 3]), [0, 2, 3]);
    }

    #[test]
    fn a_claim_that_is_not_taken_up_is_passed_over() {
        let lock = Lock::<()>::new();
        // CPU 1 has its turn, but does not run; CPU 2 takes the lock, and strikes the claim off.
        lock.state.store(claim(1), Ordering::Relaxed);
        lock.wait(2);
        assert_eq!(lock.state.load(Ordering::Relaxed), TAKEN);
        assert_eq!(lock.served.load(Ordering::Relaxed), 2);
    }
}

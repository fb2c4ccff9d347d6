//! The one lock around the kernel's state (rule 5): fair, so that no CPU starves.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU32, Ordering};

/// A ticket lock around a value that is set once at boot.
pub struct TicketLock<T> {
    next: AtomicU32,
    serving: AtomicU32,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value is reached only between `acquire` and `release`, by one CPU at a time.
unsafe impl<T: Send> Sync for TicketLock<T> {}

impl<T> TicketLock<T> {
    /// A lock whose value is not there yet.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> TicketLock<T> {
        TicketLock {
            next: AtomicU32::new(0),
            serving: AtomicU32::new(0),
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

    /// Waits for one's turn.
    ///
    /// # Safety
    /// The value was set. The reference must not be used after the lock was released, with
    /// [`TicketLock::release`] or by adding 1 to [`TicketLock::serving`] with release ordering.
    #[inline]
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn acquire(&self) -> &mut T {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        while self.serving.load(Ordering::Acquire) != ticket {
            core::hint::spin_loop();
        }
        // SAFETY: it is our turn until we release; the caller vouches that the value is set.
        unsafe { (*self.value.get()).assume_init_mut() }
    }

    /// Ends one's turn.
    ///
    /// # Safety
    /// It is the caller's turn.
    #[inline]
    pub unsafe fn release(&self) {
        let serving = self.serving.load(Ordering::Relaxed);
        self.serving
            .store(serving.wrapping_add(1), Ordering::Release);
    }

    /// The number that is served: for assembly that releases.
    pub const fn serving(&'static self) -> &'static AtomicU32 {
        &self.serving
    }
}

//! The component's heap: talc over the memory that the kernel names in [`StartInfo`].

use core::sync::atomic::{AtomicBool, Ordering};

use abi::StartInfo;
use talc::TalcLock;
use talc::lock_api::{GuardSend, RawMutex};
use talc::source::Manual;

use crate::sys;

#[global_allocator]
static HEAP: TalcLock<YieldLock, Manual> = TalcLock::new(Manual);

/// Gives the heap its memory.
pub fn start(info: &StartInfo) {
    // SAFETY: the kernel gave this memory to the component for just this, and this runs once.
    // `None` (too small to be of use) leaves an empty heap: the first allocation then fails
    // and says so.
    let _ = unsafe { HEAP.lock().claim(info.heap as *mut u8, info.heap_len) };
}

/// A lock that gives its time slice away while another thread of the component holds it.
/// Threads of a component have one priority, so the holder gets to run.
struct YieldLock(AtomicBool);

// SAFETY: `try_lock` succeeds for one thread at a time: the exchange is atomic, with acquire
// and release ordering on both sides.
unsafe impl RawMutex for YieldLock {
    #[allow(clippy::declare_interior_mutable_const)] // the trait asks for it
    const INIT: YieldLock = YieldLock(AtomicBool::new(false));
    type GuardMarker = GuardSend;

    fn lock(&self) {
        while !self.try_lock() {
            let _ = sys::yield_now();
        }
    }
    fn try_lock(&self) -> bool {
        self.0
            .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }
    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

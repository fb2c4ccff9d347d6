//! The component's heap: talc over the memory that the kernel names in [`StartInfo`], and over more that it is asked for when
//! that is full. The limit is the component's for memory, `limits.memory` in its file. What was added stays.

use core::alloc::Layout;
use core::sync::atomic::{AtomicBool, Ordering};

use abi::StartInfo;
use talc::TalcLock;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::lock_api::{GuardSend, RawMutex};
use talc::source::Source;

use crate::sys;

#[global_allocator]
static HEAP: TalcLock<YieldLock, FromKernel> = TalcLock::new(FromKernel);

/// The least that the kernel is asked for at once.
const GROWTH: usize = 64 * 1024;

/// The most that the heap gets in one piece, at the start or later. talc looks through pieces above 896 MiB for anything that
/// is larger still, and adds the wanted size to an address there: in the upper half of the address space, where components under
/// `kernel` lie, that sum could pass the end and come out small. Without such a piece that code is never reached.
const PIECE_MAX: usize = 512 * 1024 * 1024;

/// Where more memory comes from.
#[derive(Debug)]
struct FromKernel;

// SAFETY: what is called here are system calls, which allocate nothing, and the allocator that is passed in.
unsafe impl Source for FromKernel {
    #[cold]
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        // Room for what the allocator itself puts around a piece, at most a page with the bins of a new heap.
        let around = layout.align().max(abi::PAGE_SIZE);
        let wanted = layout.size().checked_add(around).ok_or(())?;
        let len = wanted.checked_next_multiple_of(GROWTH).ok_or(())?;
        if len > PIECE_MAX {
            return Err(());
        }
        let folio = sys::folio_create(len, 0).map_err(drop)?;
        let address = sys::folio_map(folio, 0, len, true);
        // The mapping keeps the memory; a handle that was made just now can be closed.
        let _ = sys::handle_close(folio);
        let address = address.map_err(drop)?;
        // SAFETY: the mapping is new, of this length, nobody else's, and stays for ever.
        unsafe { talc.claim(address as *mut u8, len) }
            .map(drop)
            .ok_or(())
    }
}

/// Gives the heap its memory.
pub fn start(info: &StartInfo) {
    let len = info.heap_len.min(PIECE_MAX);
    // SAFETY: the kernel gave this memory to the component for just this, and this runs once.
    // `None` (too small to be of use) leaves an empty heap: the first allocation then fails
    // and says so.
    let _ = unsafe { HEAP.lock().claim(info.heap as *mut u8, len) };
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

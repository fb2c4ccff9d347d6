//! SQLite's page cache, which makes do with what it has when there is no memory for more.
//!
//! SQLite's own gives a page that nobody uses to the next that is read only when it has as many as it may have. Until then it asks for
//! memory, and if there is none, whatever was to be read fails, although all the pages that it keeps are there to be had. With
//! a cache of a fixed small size that is over soon; with one that may grow to a good part of the machine's memory, others may have
//! taken that memory long before. So the one function that asks for memory is wrapped here: refused, it has the cache
//! stay what it is, less some, and asks again, which then finds a page.

use alloc::boxed::Box;
use core::ffi::{c_int, c_uint};
use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

use libsqlite3_sys as ffi;

/// SQLite's own functions, once it was told of ours.
static REAL: AtomicPtr<ffi::sqlite3_pcache_methods2> = AtomicPtr::new(core::ptr::null_mut());

/// Pages that a cache gives up when there is no memory for one more, so that what else SQLite needs finds some, too.
const GIVEN_UP: c_int = 16;

/// Tells SQLite of the function here. It has to be called before anything else of SQLite's is; later calls do nothing.
pub(crate) fn install() {
    /// Nobody has told it yet; somebody is about to; it is told.
    const UNTOLD: u8 = 0;
    const TELLING: u8 = 1;
    const TOLD: u8 = 2;
    static STATE: AtomicU8 = AtomicU8::new(UNTOLD);
    if let Err(state) =
        STATE.compare_exchange(UNTOLD, TELLING, Ordering::Acquire, Ordering::Acquire)
    {
        if state != TOLD {
            // Only in tests on the host are there several threads.
            while STATE.load(Ordering::Acquire) != TOLD {
                core::hint::spin_loop();
            }
        }
        return;
    }
    let mut methods = core::mem::MaybeUninit::<ffi::sqlite3_pcache_methods2>::zeroed();
    // SAFETY: the option wants a place for such a structure, all of whose fields may be zero.
    let mut methods = unsafe {
        let asked = ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETPCACHE2, methods.as_mut_ptr());
        debug_assert_eq!(asked, ffi::SQLITE_OK, "SQLite was used before");
        methods.assume_init()
    };
    if methods.xFetch.is_some() {
        REAL.store(Box::into_raw(Box::new(methods)), Ordering::Release);
        methods.xFetch = Some(fetch);
        // SAFETY: SQLite copies the structure, whose functions are its own but for one of the same kind.
        let told = unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_PCACHE2, &raw mut methods) };
        debug_assert_eq!(told, ffi::SQLITE_OK);
    }
    STATE.store(TOLD, Ordering::Release);
}

/// Finds a page, or makes room for it: `create` says how hard to try, 2 is "in any case".
unsafe extern "C" fn fetch(
    cache: *mut ffi::sqlite3_pcache,
    key: c_uint,
    create: c_int,
) -> *mut ffi::sqlite3_pcache_page {
    // SAFETY: SQLite was told of this function after `REAL` was set, to a structure that stays for ever and that nobody changes.
    let real = unsafe { &*REAL.load(Ordering::Relaxed) };
    let (Some(fetch), Some(set_len), Some(len)) = (real.xFetch, real.xCachesize, real.xPagecount)
    else {
        return core::ptr::null_mut();
    };
    // SAFETY: SQLite's own functions, called as SQLite calls this one.
    unsafe {
        let page = fetch(cache, key, create);
        if !page.is_null() || create != 2 {
            return page;
        }
        set_len(cache, (len(cache) - GIVEN_UP).max(GIVEN_UP));
        fetch(cache, key, create)
    }
}

//! Memory that is refused when a test wants it: with the feature `failing_memory`, on the host.

extern crate std;

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::OnceLock;

use libsqlite3_sys as ffi;

/// Allocations until one fails; below zero, none does.
static LEFT: AtomicI64 = AtomicI64::new(-1);
/// Whether all fail after the first that does.
static STAYS: AtomicBool = AtomicBool::new(false);
/// Blocks of at least so many bytes are not to be had.
static LARGE: AtomicI64 = AtomicI64::new(i64::MAX);
/// SQLite's own functions.
static REAL: OnceLock<(Malloc, Realloc)> = OnceLock::new();

type Malloc = unsafe extern "C" fn(c_int) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void;

fn fails(len: c_int) -> bool {
    if i64::from(len) >= LARGE.load(Relaxed) {
        return true;
    }
    match LEFT.load(Relaxed) {
        0 => {
            if !STAYS.load(Relaxed) {
                LEFT.store(-1, Relaxed);
            }
            true
        }
        left if left > 0 => {
            LEFT.store(left - 1, Relaxed);
            false
        }
        _ => false,
    }
}

/// From now on the allocation with this number fails; all after it, too, if `stays`.
pub fn arm(number: i64, stays: bool) {
    STAYS.store(stays, Relaxed);
    LEFT.store(number, Relaxed);
}

/// From now on no block of at least so many bytes is given out: there is memory for small things, and none for pages.
pub fn refuse_from(len: i64) {
    LARGE.store(len, Relaxed);
}

/// Calls a function with all the memory that it wants.
pub fn at_ease<T>(act: impl FnOnce() -> T) -> T {
    let left = LEFT.swap(-1, Relaxed);
    let result = act();
    LEFT.store(left, Relaxed);
    result
}

/// Whether memory has been refused since [`arm`].
#[must_use]
pub fn has_failed() -> bool {
    LEFT.load(Relaxed) <= 0
}

fn real() -> (Malloc, Realloc) {
    *REAL.get().expect("set before SQLite is told")
}

unsafe extern "C" fn malloc(len: c_int) -> *mut c_void {
    if fails(len) {
        return null_mut();
    }
    // SAFETY: SQLite's own function, called as SQLite calls this one.
    unsafe { real().0(len) }
}

unsafe extern "C" fn realloc(block: *mut c_void, len: c_int) -> *mut c_void {
    if fails(len) {
        return null_mut();
    }
    // SAFETY: as above; the block came from `malloc`.
    unsafe { real().1(block, len) }
}

/// Has SQLite take its memory from here, for good.
///
/// # Panics
/// If SQLite was used before, or if this is called again.
pub fn install() {
    let mut methods = core::mem::MaybeUninit::<ffi::sqlite3_mem_methods>::zeroed();
    // SAFETY: before any other call of SQLite, with a structure of the kind that each of the two options wants;
    // SQLite copies it.
    unsafe {
        let asked = ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMALLOC, methods.as_mut_ptr());
        assert_eq!(asked, ffi::SQLITE_OK);
        let mut methods = methods.assume_init();
        let own = (methods.xMalloc.unwrap(), methods.xRealloc.unwrap());
        assert!(REAL.set(own).is_ok());
        methods.xMalloc = Some(malloc);
        methods.xRealloc = Some(realloc);
        let told = ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw mut methods);
        assert_eq!(told, ffi::SQLITE_OK);
    }
}

/// Rust's allocator, of which a test has one allocation fail: `#[global_allocator]`. What Rust does then is to end the
/// program, unless the allocation was one that may fail.
pub struct RustMemory;

/// Allocations of Rust until one fails; below zero, none does.
static RUST_LEFT: AtomicI64 = AtomicI64::new(-1);

/// From now on Rust's allocation with this number fails.
pub fn arm_rust(number: i64) {
    RUST_LEFT.store(number, Relaxed);
}

/// How many allocations were left before it; below zero if it was made.
pub fn rust_left() -> i64 {
    RUST_LEFT.load(Relaxed)
}

fn rust_fails() -> bool {
    let left = RUST_LEFT.load(Relaxed);
    if left >= 0 {
        RUST_LEFT.store(left - 1, Relaxed);
    }
    left == 0
}

// SAFETY: what is not refused is the system's allocator's.
unsafe impl std::alloc::GlobalAlloc for RustMemory {
    unsafe fn alloc(&self, layout: std::alloc::Layout) -> *mut u8 {
        match rust_fails() {
            true => null_mut(),
            // SAFETY: the caller's duties are the same.
            false => unsafe { std::alloc::System.alloc(layout) },
        }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: std::alloc::Layout) {
        // SAFETY: the caller's duties are the same, and the memory is the system's.
        unsafe { std::alloc::System.dealloc(memory, layout) }
    }
}

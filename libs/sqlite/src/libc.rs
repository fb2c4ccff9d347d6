//! What SQLite calls of C's library, on a machine that has none.
//!
//! Copying and comparing memory comes with `compiler_builtins`. Nothing here is called by Rust.

use alloc::alloc::{alloc, alloc_zeroed, dealloc, realloc as reallocate};
use core::alloc::Layout;
use core::ffi::{c_char, c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::vfs::INITIALISED_LEN;

/// In front of each block lies its length, in as many bytes as keep the block aligned for anything.
const HEADER_LEN: usize = 16;

/// Bytes of all blocks, and how many they may have.
static USED: AtomicUsize = AtomicUsize::new(0);
static USED_MAX: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Bounds what all blocks together may have.
pub(crate) fn limit_memory(most: usize) {
    USED_MAX.store(most, Relaxed);
}

/// Counts a block of `new` bytes in place of one of `old` bytes, if there may be one.
fn count(old: usize, new: usize) -> Option<()> {
    // Not in one step: SQLite is used by one thread, and a lost count would harm nothing but the bound.
    let used = USED.load(Relaxed).wrapping_sub(old).checked_add(new)?;
    if new > old && used > USED_MAX.load(Relaxed) {
        return None;
    }
    USED.store(used, Relaxed);
    Some(())
}

fn layout(len: usize) -> Option<Layout> {
    Layout::from_size_align(len.checked_add(HEADER_LEN)?, HEADER_LEN).ok()
}

/// The block behind a header that is written here.
///
/// # Safety
/// `start` is null or begins an allocation of `HEADER_LEN + len` bytes.
unsafe fn block(start: *mut u8, len: usize) -> *mut c_void {
    if start.is_null() {
        return core::ptr::null_mut();
    }
    // SAFETY: the header lies within the allocation, which is aligned for it.
    unsafe {
        start.cast::<usize>().write(len);
        start.add(HEADER_LEN).cast()
    }
}

#[unsafe(no_mangle)]
extern "C" fn malloc(len: usize) -> *mut c_void {
    let Some(layout) = layout(len).filter(|_| count(0, len).is_some()) else {
        return core::ptr::null_mut();
    };
    // What SQLite reads pages into is a block of its own, and Rust writes there as into a slice, which has to be
    // initialised: `read` in `vfs.rs`.
    let allocate = match len < INITIALISED_LEN {
        true => alloc,
        false => alloc_zeroed,
    };
    // SAFETY: the layout is not empty: a header is in it.
    let block = unsafe { block(allocate(layout), len) };
    if block.is_null() {
        count(len, 0);
    }
    block
}

/// # Safety
/// As in C: null, or a block that `malloc` or `realloc` gave and that was not freed.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(pointer: *mut c_void) {
    if pointer.is_null() {
        return;
    }
    // SAFETY: by the contract above the header is the one that `block` wrote, and the layout the one
    // that it was allocated with.
    unsafe {
        let start = pointer.cast::<u8>().sub(HEADER_LEN);
        let len = start.cast::<usize>().read();
        count(len, 0);
        dealloc(
            start,
            Layout::from_size_align_unchecked(len + HEADER_LEN, HEADER_LEN),
        );
    }
}

/// # Safety
/// As `free`.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(pointer: *mut c_void, len: usize) -> *mut c_void {
    if pointer.is_null() {
        return malloc(len);
    }
    let Some(new) = layout(len) else {
        return core::ptr::null_mut();
    };
    // SAFETY: as in `free`; the new length is not 0 and does not overflow.
    unsafe {
        let start = pointer.cast::<u8>().sub(HEADER_LEN);
        let old_len = start.cast::<usize>().read();
        if count(old_len, len).is_none() {
            return core::ptr::null_mut();
        }
        let old = Layout::from_size_align_unchecked(old_len + HEADER_LEN, HEADER_LEN);
        let block = block(reallocate(start, old, new.size()), len);
        if block.is_null() {
            count(len, old_len);
        }
        block
    }
}

/// The bytes of a C string.
///
/// # Safety
/// `text` ends with a zero byte.
unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: by the contract above. Not through `CStr`, which may call `strlen` itself.
    unsafe {
        let mut len = 0;
        while text.add(len).read_volatile() != 0 {
            len += 1;
        }
        core::slice::from_raw_parts(text.cast(), len)
    }
}

/// # Safety
/// Both end with a zero byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn strcmp(a: *const c_char, b: *const c_char) -> c_int {
    // SAFETY: no more is read than both have.
    unsafe { strncmp(a, b, usize::MAX) }
}

/// # Safety
/// Both end with a zero byte, or have `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn strncmp(a: *const c_char, b: *const c_char, len: usize) -> c_int {
    for i in 0..len {
        // SAFETY: nothing is read behind a zero byte or behind `len`.
        let (a, b) = unsafe { (*a.add(i).cast::<u8>(), *b.add(i).cast::<u8>()) };
        if a != b || a == 0 {
            return c_int::from(a) - c_int::from(b);
        }
    }
    0
}

/// # Safety
/// `text` ends with a zero byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn strchr(text: *const c_char, byte: c_int) -> *mut c_char {
    // SAFETY: the zero byte itself may be looked for.
    unsafe {
        let len = bytes(text).len();
        let place = (0..=len).find(|&i| text.add(i).cast::<u8>().read() == byte as u8);
        place.map_or(core::ptr::null_mut(), |i| text.add(i).cast_mut())
    }
}

/// # Safety
/// `text` ends with a zero byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn strrchr(text: *const c_char, byte: c_int) -> *mut c_char {
    // SAFETY: as in `strchr`.
    unsafe {
        let len = bytes(text).len();
        let place = (0..=len).rfind(|&i| text.add(i).cast::<u8>().read() == byte as u8);
        place.map_or(core::ptr::null_mut(), |i| text.add(i).cast_mut())
    }
}

/// # Safety
/// Both end with a zero byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn strspn(text: *const c_char, set: *const c_char) -> usize {
    // SAFETY: the caller's contract.
    let (text, set) = unsafe { (bytes(text), bytes(set)) };
    text.iter().take_while(|byte| set.contains(byte)).count()
}

/// # Safety
/// Both end with a zero byte.
#[unsafe(no_mangle)]
unsafe extern "C" fn strcspn(text: *const c_char, set: *const c_char) -> usize {
    // SAFETY: the caller's contract.
    let (text, set) = unsafe { (bytes(text), bytes(set)) };
    text.iter().take_while(|byte| !set.contains(byte)).count()
}

/// # Safety
/// `block` has `len` bytes, or the byte is in it before that.
#[unsafe(no_mangle)]
unsafe extern "C" fn memchr(block: *const c_void, byte: c_int, len: usize) -> *mut c_void {
    let block = block.cast::<u8>();
    for i in 0..len {
        // SAFETY: nothing is read behind the byte that is looked for or behind `len`.
        unsafe {
            if block.add(i).read() == byte as u8 {
                return block.add(i).cast_mut().cast();
            }
        }
    }
    core::ptr::null_mut()
}

/// SQLite asks its operating system to begin; storages are registered one by one.
#[unsafe(no_mangle)]
extern "C" fn sqlite3_os_init() -> c_int {
    0
}

/// And to end.
#[unsafe(no_mangle)]
extern "C" fn sqlite3_os_end() -> c_int {
    0
}

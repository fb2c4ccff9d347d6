//! `memcpy`, by the crate [`copy`]: loading images is copying above all.

use copy::copy;

/// What the compiler calls for copies of memory that is the program's own.
///
/// # Safety
/// As for `core::ptr::copy_nonoverlapping` of bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: only bytes of the two ranges are touched, for which the caller vouches. What is read is volatile, which
    // costs nothing and keeps the compiler from making a call of `memcpy` of this.
    unsafe {
        copy(
            from as usize,
            to as usize,
            len,
            |at| (at as *const u8).read_volatile(),
            |at| (at as *const u64).read_volatile(),
            |at, byte| (at as *mut u8).write(byte),
            |at, word| (at as *mut u64).write(word),
        );
    }
    to
}

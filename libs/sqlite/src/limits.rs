//! How much memory SQLite may have.

/// Bounds what all connections of this program have together, in bytes. What needs more fails with
/// [`Kind::OutOfMemory`](crate::Kind::OutOfMemory).
///
/// On a bare machine it is this crate's allocator that counts: SQLite's own account of its memory makes each small durable change 6 %
/// dearer.
pub fn limit_memory(most: usize) {
    #[cfg(target_os = "none")]
    crate::libc::limit_memory(most);
    #[cfg(not(target_os = "none"))]
    // SAFETY: this may be called at any time, but has SQLite begin: what is to be told before is told here.
    unsafe {
        crate::page_cache::install();
        libsqlite3_sys::sqlite3_hard_heap_limit64(i64::try_from(most).unwrap_or(i64::MAX));
    }
}

//! A value that is read and written in parts, without loading the whole.

use core::ffi::{CStr, c_int};

use libsqlite3_sys as ffi;

use crate::connection::Connection;
use crate::error::{Error, Kind, Result};

/// An open value. It must be dropped before the transaction ends, or that fails.
pub struct Blob {
    raw: *mut ffi::sqlite3_blob,
    connection: Connection,
}

impl Blob {
    pub(crate) fn new(
        connection: &Connection,
        table: &CStr,
        column: &CStr,
        row: i64,
        writable: bool,
    ) -> Result<Blob> {
        let mut raw = core::ptr::null_mut();
        // SAFETY: all names end with a zero byte, and `raw` is a place for the answer.
        let code = unsafe {
            ffi::sqlite3_blob_open(
                connection.raw(),
                c"main".as_ptr(),
                table.as_ptr(),
                column.as_ptr(),
                row,
                writable.into(),
                &mut raw,
            )
        };
        connection.check(code)?;
        Ok(Blob {
            raw,
            connection: connection.clone(),
        })
    }

    /// Goes on with the same column of another row.
    pub fn move_to(&mut self, row: i64) -> Result<()> {
        // SAFETY: the blob is open.
        let code = unsafe { ffi::sqlite3_blob_reopen(self.raw, row) };
        self.connection.check(code)
    }

    /// How many bytes it has.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        // SAFETY: the blob is open.
        unsafe { ffi::sqlite3_blob_bytes(self.raw) as usize }
    }

    /// Reads from `offset` on. All of `to` must be there.
    pub fn read(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        let (offset, len) = range(offset, to.len())?;
        // SAFETY: the blob is open, and `to` is `len` bytes of ours. SQLite checks the range.
        let code = unsafe { ffi::sqlite3_blob_read(self.raw, to.as_mut_ptr().cast(), len, offset) };
        self.connection.check(code)
    }

    /// Writes from `offset` on. It cannot grow.
    pub fn write(&mut self, offset: usize, from: &[u8]) -> Result<()> {
        let (offset, len) = range(offset, from.len())?;
        // SAFETY: as in `read`.
        let code = unsafe { ffi::sqlite3_blob_write(self.raw, from.as_ptr().cast(), len, offset) };
        self.connection.check(code)
    }
}

fn range(offset: usize, len: usize) -> Result<(c_int, c_int)> {
    match (c_int::try_from(offset), c_int::try_from(len)) {
        (Ok(offset), Ok(len)) => Ok((offset, len)),
        _ => Err(Error::own(Kind::Misuse, "beyond the end of the value")),
    }
}

impl Drop for Blob {
    fn drop(&mut self) {
        // SAFETY: the connection is still open, and the blob is closed once.
        unsafe { ffi::sqlite3_blob_close(self.raw) };
    }
}

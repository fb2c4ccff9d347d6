//! What can go wrong.

use alloc::string::String;
use core::ffi::{CStr, c_int};

use libsqlite3_sys as ffi;

/// The result of nearly everything here.
pub type Result<T> = core::result::Result<T, Error>;

/// An error of SQLite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of error.
    pub kind: Kind,
    /// SQLite's own number, with more detail ("extended result code").
    pub code: i32,
    /// SQLite's own words.
    pub message: String,
}

/// The kinds of errors that a caller may want to tell apart. (SQLite's documentation: "Result and
/// Error Codes".)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A statement is wrong, or something was used in a wrong way.
    Misuse,
    /// A rule of the schema forbids it: a name that exists already, for one.
    Constraint,
    /// There is no room left.
    Full,
    /// The storage could not read or write.
    Io,
    /// The database is damaged, or it is none.
    Damaged,
    /// The storage or the connection allows reading only.
    ReadOnly,
    /// There is no memory left.
    OutOfMemory,
    /// The database or the storage could not be opened.
    CannotOpen,
    /// It was interrupted.
    Interrupted,
    /// It is forbidden on this connection.
    Denied,
    /// Something else.
    Other,
}

impl Error {
    /// What SQLite's number means; its words come from the connection if there is one.
    ///
    /// # Safety
    /// `connection` is null or an open connection that this thread uses.
    pub(crate) unsafe fn new(code: c_int, connection: *mut ffi::sqlite3) -> Error {
        // SAFETY: both return a string that lives until the next call on the connection, or for
        // ever; it is copied at once.
        let message = unsafe {
            let text = match connection.is_null() {
                true => ffi::sqlite3_errstr(code),
                false => ffi::sqlite3_errmsg(connection),
            };
            match text.is_null() {
                true => String::new(),
                false => CStr::from_ptr(text).to_string_lossy().into_owned(),
            }
        };
        let kind = Kind::of(code);
        if kind == Kind::OutOfMemory && !connection.is_null() {
            // SQLite keeps pages that nobody uses, and asks for more memory all the same: it would go on failing until
            // somebody else gave some back. Whoever tries again finds these.
            // SAFETY: by the contract above; pages in use stay.
            unsafe { ffi::sqlite3_db_release_memory(connection) };
        }
        Error {
            kind,
            code,
            message,
        }
    }

    /// An error that this crate found by itself.
    pub(crate) fn own(kind: Kind, message: &str) -> Error {
        Error {
            kind,
            code: ffi::SQLITE_ERROR,
            message: message.into(),
        }
    }
}

impl Kind {
    fn of(code: c_int) -> Kind {
        match code & 0xff {
            ffi::SQLITE_ERROR | ffi::SQLITE_MISUSE | ffi::SQLITE_RANGE | ffi::SQLITE_MISMATCH => {
                Kind::Misuse
            }
            ffi::SQLITE_CONSTRAINT => Kind::Constraint,
            ffi::SQLITE_FULL | ffi::SQLITE_TOOBIG => Kind::Full,
            ffi::SQLITE_IOERR if code == ffi::SQLITE_IOERR_NOMEM => Kind::OutOfMemory,
            ffi::SQLITE_IOERR => Kind::Io,
            ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => Kind::Damaged,
            ffi::SQLITE_READONLY => Kind::ReadOnly,
            ffi::SQLITE_NOMEM => Kind::OutOfMemory,
            ffi::SQLITE_CANTOPEN => Kind::CannotOpen,
            ffi::SQLITE_INTERRUPT => Kind::Interrupted,
            ffi::SQLITE_AUTH | ffi::SQLITE_PERM => Kind::Denied,
            _ => Kind::Other,
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}

//! What goes wrong, in the system's words.

use alloc::string::String;

use abi::Error;

/// An error of SQLite as one of the system.
pub(crate) fn refused(error: sqlite::Error) -> Error {
    match error.kind {
        sqlite::Kind::Constraint => Error::AlreadyExists,
        sqlite::Kind::Full => Error::StorageFull,
        sqlite::Kind::Io | sqlite::Kind::CannotOpen => Error::Io,
        sqlite::Kind::Damaged => Error::InvalidData,
        sqlite::Kind::ReadOnly => Error::ReadOnlyFilesystem,
        sqlite::Kind::OutOfMemory => Error::OutOfMemory,
        sqlite::Kind::Denied => Error::PermissionDenied,
        sqlite::Kind::Interrupted => Error::Cancelled,
        sqlite::Kind::Misuse => Error::InvalidArgument,
        sqlite::Kind::Other => Error::Internal,
    }
}

/// Why a file system could not be opened.
#[derive(Clone, Debug)]
pub struct OpenError {
    /// What kind of error: `InvalidData` if something else is on the disk, or it is damaged.
    pub error: Error,
    /// More about it, for people.
    pub message: String,
}

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for OpenError {}

impl From<Error> for OpenError {
    fn from(error: Error) -> OpenError {
        OpenError {
            error,
            message: error.describe().into(),
        }
    }
}

impl From<sqlite::Error> for OpenError {
    fn from(error: sqlite::Error) -> OpenError {
        OpenError {
            error: match refused(error.clone()) {
                // What cannot be read as ours is damaged, whatever SQLite calls it.
                Error::InvalidArgument => Error::InvalidData,
                error => error,
            },
            message: error.message,
        }
    }
}

//! SQLite, as safe Rust, without an operating system below it.
//!
//! [`Connection`] opens a database that lies on a [`Storage`], prepares [`Statement`]s and opens
//! [`Blob`]s. What an operating system does for SQLite elsewhere, the storage does here: files
//! that are read, written, synchronised and deleted, the time, and random bytes. On a bare
//! machine this crate also has the few functions of C's library that SQLite calls.
//!
//! Principles, for reviews to cite:
//!
//! 1. **All `unsafe` of SQLite's users is here**, beside the rule of SQLite's interface that it
//!    keeps. What this crate's safe functions take cannot break those rules.
//! 2. **One thread, one process.** A connection has the storage to itself: SQLite runs with
//!    `locking_mode=EXCLUSIVE`, so its write-ahead log needs no shared memory. Neither
//!    [`Connection`] nor anything that comes out of it is `Send`.
//! 3. **No value is trusted because SQLite returned it.** Text is checked to be UTF-8, sizes to
//!    be what was asked for; a damaged database is an error.
//!
//! Deliberately absent: extensions, user functions, shared caches, several databases in one
//! connection.
#![no_std]

extern crate alloc;

mod blob;
mod connection;
mod error;
#[cfg(feature = "failing_memory")]
pub mod failing_memory;
#[cfg(target_os = "none")]
mod libc;
mod limits;
mod page_cache;
mod statement;
pub mod storage;
mod vfs;

pub use blob::Blob;
pub use connection::{Access, Connection};
pub use error::{Error, Kind, Result};
pub use limits::limit_memory;
pub use statement::{Statement, Value};
pub use storage::Storage;

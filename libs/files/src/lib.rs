//! The file system: a SQLite database on two disks.
//!
//! [`Files`] is the file system itself: nodes, directories, reading and writing. It keeps them in
//! a database whose tables [`schema`] describes; the view `files` shows them to whoever opens the
//! database. [`DiskStorage`] lays the database and its log on two [`Disk`]s in such a way that
//! their images are the files `disk.img` and `disk.img-wal` to any SQLite.
//! What is deliberately absent: messages, clients, and
//! the right to do something. The component `sqlitefs` adds them.
//!
//! Principles, for reviews to cite:
//!
//! 1. **What was synchronised is there after any loss of power**, and the rest is as it was at
//!    some moment after the last synchronisation: changes go into one transaction until
//!    [`Files::sync`] commits it.
//! 2. **An operation that fails has changed nothing** of what can be seen: each that takes more than
//!    one statement runs in a savepoint.
//! 3. **A damaged disk is an error**, never a crash: numbers out of the database are checked
//!    before they are used.
//! 4. **No operation is larger than the log**, however much it is about: what is large is made in pieces, of
//!    which each fits, and which look like one also after a loss of power. [`Files::tidy`] does what can wait.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod attributes;
mod contents;
mod directory;
mod disk;
mod error;
mod files;
mod log;
mod names;
mod path;
mod region;
mod restore;
pub mod schema;
mod snapshot;
mod sql;
mod statements;
mod tidy;
mod together;
mod trim;

pub use attributes::{Attributes, Kind, Node, Times};
pub use directory::Entry;
pub use disk::{Disk, DiskError, SECTOR_LEN};
pub use error::OpenError;
pub use files::{Clock, Files, Options, limit_memory, memory_max};
pub use path::Place;
pub use region::DiskStorage;
pub use snapshot::{Difference, Snapshot, UNDONE};
pub use trim::DataDisk;

/// Bytes of a file that are kept together: one row of the table `chunk`.
pub const CHUNK_LEN: usize = 16 * 1024;
/// A file of at most so many bytes is kept in its node's own row.
pub const INLINE_LEN_MAX: usize = 1024;
/// The largest file: one tebibyte.
pub const FILE_LEN_MAX: u64 = 1 << 40;
/// Bytes of the longest name of an entry.
pub const NAME_LEN_MAX: usize = 255;
/// Bytes of the longest target of a symbolic link.
pub const TARGET_LEN_MAX: usize = 4000;

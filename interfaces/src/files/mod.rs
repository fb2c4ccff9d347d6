//! Files as `std::fs` calls them, over the interface [`fs`](crate::fs).
//!
//! A [`Dir`] is a directory that a component was given; it stands where `std` has the whole machine's root, and
//! there is nothing above it. Everything else has `std`'s name and does what it does there: [`File`],
//! [`OpenOptions`], [`Metadata`], [`ReadDir`].
//!
//! ```no_run
//! # fn main_of_a_component(env_fs: interfaces::fs::Client) -> ftl::Result<()> {
//! use ftl::io::{Read, Write};
//! use interfaces::files::Dir;
//!
//! let files = Dir::new(env_fs); // `env.fs` in a component whose file needs `fs`
//! files.create_dir_all("notes/today")?;
//! let mut file = files.create("notes/today/first")?;
//! file.write_all(b"Buy milk.\n")?;
//! file.sync_all()?; // from here on it survives a loss of power
//! for entry in files.read_dir("notes/today")? {
//!     let entry = entry?;
//!     ftl::info!("{}: {:?}", entry.file_name(), entry.file_type());
//! }
//! assert_eq!(files.read_to_string("notes/today/first")?, "Buy milk.\n");
//! # Ok(())
//! # }
//! ```
//!
//! All calls wait for their answers. When the file server is started anew, open files are opened again
//! under way; what was not synchronised is lost, and the next `sync_all` says so with `Io`.
//!
//! Deliberately absent: calls that do not wait (`env.fs` has them), locks, and memory-mapped files.

mod dir;
mod file;
mod metadata;
mod options;
mod read_dir;
pub mod serve;
mod server;
mod transaction;

pub use dir::{Dir, Space};
pub use file::File;
pub use metadata::{FileType, Metadata, Permissions};
pub use options::OpenOptions;
pub use read_dir::{DirEntry, ReadDir, entry_len, push_entry};
pub use transaction::Transaction;

use server::Server;

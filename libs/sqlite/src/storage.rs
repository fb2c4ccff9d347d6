//! What SQLite needs of the world, as two traits.

use alloc::boxed::Box;

/// The storage could not do it. SQLite passes on no more than that; say in a log why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// Reading, writing or synchronising failed.
    Io,
    /// There is no room left.
    Full,
    /// There is no such file, or it cannot be opened.
    CannotOpen,
    /// There is no memory for it.
    OutOfMemory,
}

/// Where databases lie: the files `NAME` and `NAME-wal`, and whatever else SQLite may want.
pub trait Storage {
    /// Opens a file; if there is none and `create` says so, makes an empty one.
    fn open(
        &mut self,
        name: &str,
        create: bool,
    ) -> core::result::Result<Box<dyn File>, StorageError>;
    /// Whether a file exists.
    fn exists(&mut self, name: &str) -> core::result::Result<bool, StorageError>;
    /// Deletes a file; one that is not there is deleted already. It must not come back after a
    /// loss of power.
    fn delete(&mut self, name: &str) -> core::result::Result<(), StorageError>;
    /// Random bytes.
    fn random(&mut self, bytes: &mut [u8]);
    /// Milliseconds since the beginning of 1970, in UTC.
    fn unix_ms(&mut self) -> u64;
}

/// An open file.
pub trait File {
    /// Its length in bytes.
    fn len(&mut self) -> core::result::Result<u64, StorageError>;
    /// Whether nothing is in it.
    fn is_empty(&mut self) -> core::result::Result<bool, StorageError> {
        Ok(self.len()? == 0)
    }
    /// Reads from `offset` on; how many bytes there were. Fewer than asked for only at the end.
    fn read(&mut self, offset: u64, to: &mut [u8]) -> core::result::Result<usize, StorageError>;
    /// Writes all of `from`; the file grows if it reaches beyond the end.
    fn write(&mut self, offset: u64, from: &[u8]) -> core::result::Result<(), StorageError>;
    /// Cuts it to this length, or makes it longer with zeroes.
    fn set_len(&mut self, len: u64) -> core::result::Result<(), StorageError>;
    /// Comes back when all that was written before survives a loss of power.
    fn sync(&mut self) -> core::result::Result<(), StorageError>;
}

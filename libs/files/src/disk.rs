//! What the file system needs of a disk.

/// Bytes of a sector: the smallest thing that a disk writes at once.
pub const SECTOR_LEN: usize = 512;

/// A disk could not do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskError;

/// A disk: sectors that are read and written.
///
/// Offsets and lengths are in bytes, are multiples of [`SECTOR_LEN`], and lie on the disk. What is
/// written may be lost, in any order, until [`Disk::flush`] has come back.
pub trait Disk {
    /// How many bytes it has.
    fn len(&self) -> u64;
    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Reads sectors.
    fn read(&mut self, offset: u64, to: &mut [u8]) -> Result<(), DiskError>;
    /// Writes sectors.
    fn write(&mut self, offset: u64, from: &[u8]) -> Result<(), DiskError>;
    /// Comes back when all that was written survives a loss of power.
    fn flush(&mut self) -> Result<(), DiskError>;
    /// Sectors hold nothing that matters any more, and what they hold from now on is anybody's guess. A disk that cannot give
    /// up anything need not.
    fn discard(&mut self, _offset: u64, _len: u64) -> Result<(), DiskError> {
        Ok(())
    }
}

impl<D: Disk + ?Sized> Disk for alloc::boxed::Box<D> {
    fn len(&self) -> u64 {
        (**self).len()
    }
    fn read(&mut self, offset: u64, to: &mut [u8]) -> Result<(), DiskError> {
        (**self).read(offset, to)
    }
    fn write(&mut self, offset: u64, from: &[u8]) -> Result<(), DiskError> {
        (**self).write(offset, from)
    }
    fn flush(&mut self) -> Result<(), DiskError> {
        (**self).flush()
    }
    fn discard(&mut self, offset: u64, len: u64) -> Result<(), DiskError> {
        (**self).discard(offset, len)
    }
}

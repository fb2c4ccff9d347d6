//! What a file system lies on.

use core::fmt;

use hadris_storage::sync::BlockDevice;
use hadris_storage::{BlockIndex, BlockSize};

/// Bytes of a sector: everything on a disk is a multiple of it.
pub const SECTOR_LEN: usize = 512;

/// A disk could not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskError;

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the disk failed")
    }
}

impl core::error::Error for DiskError {}

/// A disk: whole sectors are read and written.
pub trait Disk {
    /// How many sectors there are.
    fn sectors(&self) -> u64;
    /// Whether nothing can be written.
    fn is_read_only(&self) -> bool;
    /// Reads sectors from here on.
    fn read(&mut self, sector: u64, to: &mut [u8]) -> Result<(), DiskError>;
    /// Writes sectors from here on.
    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), DiskError>;
    /// What was written survives a loss of power from here on.
    fn flush(&mut self) -> Result<(), DiskError>;
}

/// A disk, or a part of it, as the crate wants it.
pub(crate) struct Blocks<D> {
    pub disk: D,
    pub first: u64,
    pub count: u64,
}

impl<D> hadris_io::ErrorType for Blocks<D> {
    type Error = DiskError;
}

fn failed(error: DiskError) -> hadris_fs::Error<DiskError> {
    hadris_fs::Error::device(error, "the disk failed")
}

impl<D: Disk> Blocks<D> {
    /// The sector on the disk, if so many bytes lie in this part from there on.
    fn place(&self, first: BlockIndex, len: usize) -> Result<u64, hadris_fs::Error<DiskError>> {
        let end = first.get().checked_add((len / SECTOR_LEN) as u64);
        match end {
            Some(end) if end <= self.count => Ok(self.first + first.get()),
            _ => Err(failed(DiskError)),
        }
    }
}

impl<D: Disk> BlockDevice for Blocks<D> {
    fn block_size(&self) -> BlockSize {
        const { BlockSize::new(SECTOR_LEN as u32).expect("a power of two") }
    }

    fn block_count(&self) -> u64 {
        self.count
    }

    fn writable(&self) -> bool {
        !self.disk.is_read_only()
    }

    fn read_blocks(
        &mut self,
        first: BlockIndex,
        to: &mut [u8],
    ) -> Result<(), hadris_fs::Error<DiskError>> {
        let sector = self.place(first, to.len())?;
        let read = self.disk.read(sector, to);
        read.map_err(failed)
    }

    fn write_blocks(
        &mut self,
        first: BlockIndex,
        from: &[u8],
    ) -> Result<(), hadris_fs::Error<DiskError>> {
        let sector = self.place(first, from.len())?;
        let written = self.disk.write(sector, from);
        written.map_err(failed)
    }

    fn flush(&mut self) -> Result<(), hadris_fs::Error<DiskError>> {
        self.disk.flush().map_err(failed)
    }
}

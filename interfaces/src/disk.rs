//! A disk of [`block`] as whoever keeps a file system on it uses it: sectors are read and written, and that is waited for.
//!
//! Deliberately absent: several requests under way at once; [`block::disk::Client`] has them.

use ftl::memory::SharedBytes;
use ftl::{Error, Result};
use ring::SharedMemory;

use crate::block::disk::Blocking as _;
use crate::block::{self, Blocking as _};

/// Bytes of a sector.
pub const SECTOR_LEN: usize = 512;

/// A disk that was opened.
pub struct Disk {
    disk: block::disk::Client,
    /// Where driver and device put and find bytes.
    data: SharedBytes,
    sectors: u64,
    read_only: bool,
    discard_max: u32,
}

impl Disk {
    /// Opens the disk with this name; `None` if there is none.
    pub fn open(driver: &mut block::Client, name: &str) -> Result<Option<Disk>> {
        match driver.open(name) {
            Ok(opened) => Ok(Some(Disk {
                data: opened.data.map()?,
                sectors: opened.sectors,
                read_only: opened.read_only,
                discard_max: opened.discard_max,
                disk: opened.disk,
            })),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many sectors it has.
    pub fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Whether nothing can be written.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Reads whole sectors from here on.
    pub fn read(&mut self, sector: u64, to: &mut [u8]) -> Result<()> {
        let step = self.data.len();
        for (i, part) in to.chunks_mut(step).enumerate() {
            let at = sector + (i * step / SECTOR_LEN) as u64;
            self.disk.read(at, 0, part.len() as u32)?;
            self.data.read(0, part);
        }
        Ok(())
    }

    /// Writes whole sectors from here on.
    pub fn write(&mut self, sector: u64, from: &[u8]) -> Result<()> {
        let step = self.data.len();
        for (i, part) in from.chunks(step).enumerate() {
            let at = sector + (i * step / SECTOR_LEN) as u64;
            self.data.write(0, part);
            self.disk.write(at, 0, part.len() as u32)?;
        }
        Ok(())
    }

    /// Sectors hold nothing that matters any more. A disk that cannot give up any keeps them.
    pub fn discard(&mut self, sector: u64, count: u64) -> Result<()> {
        let step = u64::from(self.discard_max);
        let mut done = 0;
        while done < count && step > 0 {
            let part = step.min(count - done);
            self.disk.discard(sector + done, part as u32)?;
            done += part;
        }
        Ok(())
    }

    /// What was written survives a loss of power from here on.
    pub fn flush(&mut self) -> Result<()> {
        self.disk.flush()
    }
}

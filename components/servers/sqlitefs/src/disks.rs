//! The disks that the database lies on: the driver's, or memory.

use alloc::boxed::Box;
use alloc::string::String;

use files::{Disk, DiskError, SECTOR_LEN};
use ftl::prelude::*;
use interfaces::block::disk::Blocking as _;
use interfaces::block::{self, Blocking as _};
use ring::SharedMemory;

/// A disk of the driver.
pub struct DriverDisk {
    disk: block::disk::Client,
    data: SharedBytes,
    len: u64,
}

impl DriverDisk {
    /// Opens the disk with this name; `None` if there is none.
    pub fn open(driver: &mut block::Client, name: &str) -> Result<Option<DriverDisk>> {
        match driver.open(name) {
            Ok(opened) => Ok(Some(DriverDisk {
                data: opened.data.map()?,
                len: opened.sectors * SECTOR_LEN as u64,
                disk: opened.disk,
            })),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn failed(what: &str, offset: u64, error: Error) -> DiskError {
    error!("{what} at byte {offset} of a disk: {error}");
    DiskError
}

impl Disk for DriverDisk {
    fn len(&self) -> u64 {
        self.len
    }

    fn read(&mut self, offset: u64, to: &mut [u8]) -> core::result::Result<(), DiskError> {
        let step = self.data.len();
        for (i, part) in to.chunks_mut(step).enumerate() {
            let at = offset + (i * step) as u64;
            self.disk
                .read(at / SECTOR_LEN as u64, 0, part.len() as u32)
                .map_err(|error| failed("reading", at, error))?;
            self.data.read(0, part);
        }
        Ok(())
    }

    fn write(&mut self, offset: u64, from: &[u8]) -> core::result::Result<(), DiskError> {
        let step = self.data.len();
        for (i, part) in from.chunks(step).enumerate() {
            let at = offset + (i * step) as u64;
            self.data.write(0, part);
            self.disk
                .write(at / SECTOR_LEN as u64, 0, part.len() as u32)
                .map_err(|error| failed("writing", at, error))?;
        }
        Ok(())
    }

    fn flush(&mut self) -> core::result::Result<(), DiskError> {
        self.disk
            .flush()
            .map_err(|error| failed("flushing", 0, error))
    }
}

/// A disk in memory, which is gone when the component ends.
pub struct MemoryDisk(SharedBytes);

impl MemoryDisk {
    /// A disk of so many bytes, all zero.
    pub fn new(len: usize) -> Result<MemoryDisk> {
        Ok(MemoryDisk(Folio::new(len)?.map()?))
    }
}

impl Disk for MemoryDisk {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
    fn read(&mut self, offset: u64, to: &mut [u8]) -> core::result::Result<(), DiskError> {
        self.0.read(offset as usize, to);
        Ok(())
    }
    fn write(&mut self, offset: u64, from: &[u8]) -> core::result::Result<(), DiskError> {
        self.0.write(offset as usize, from);
        Ok(())
    }
    fn flush(&mut self) -> core::result::Result<(), DiskError> {
        Ok(())
    }
}

/// A disk for data and one for the log.
pub type Pair = (Box<dyn Disk>, Box<dyn Disk>);

/// Opens the two disks: those with these names, or both in memory.
pub fn open(
    driver: Option<&mut block::Client>,
    (data, log): (&str, &str),
    memory_len: usize,
) -> core::result::Result<Pair, String> {
    let told = |error: Error| alloc::format!("cannot open the disks: {error}");
    let found = match driver {
        Some(driver) => (
            DriverDisk::open(driver, data).map_err(told)?,
            DriverDisk::open(driver, log).map_err(told)?,
        ),
        None => (None, None),
    };
    match found {
        (Some(data), Some(log)) => Ok((Box::new(data), Box::new(log))),
        (None, None) => {
            warn!("there is no disk: files are kept in memory and are gone at the end");
            let memory = |len| MemoryDisk::new(len).map_err(told);
            Ok((
                Box::new(memory(memory_len)?),
                Box::new(memory(files::Options::LOG_LEN_MIN as usize)?),
            ))
        }
        (Some(_), None) => Err(alloc::format!(
            "there is the disk `{data}`, but none for its log, `{log}`"
        )),
        (None, Some(_)) => Err(alloc::format!(
            "there is the disk `{log}` for a log, but not `{data}`"
        )),
    }
}

//! The disks that the database lies on: the driver's, or memory.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

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

/// Bytes of a piece of a disk in memory.
const PIECE_LEN: usize = 64 * 1024;

/// A disk in memory, which is gone when the component ends. It takes memory as it is written, a piece at a time.
pub struct MemoryDisk(Vec<Option<SharedBytes>>);

impl MemoryDisk {
    /// A disk of so many bytes, all zero.
    pub fn new(len: usize) -> MemoryDisk {
        MemoryDisk(vec![None; len.div_ceil(PIECE_LEN)])
    }
}

/// The pieces of a range: which, where in it, and which bytes of the range.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (usize, usize, Range<usize>)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        let at = offset as usize + done;
        let part = (PIECE_LEN - at % PIECE_LEN).min(len - done);
        let range = done..done + part;
        done += part;
        (part > 0).then_some((at / PIECE_LEN, at % PIECE_LEN, range))
    })
}

impl Disk for MemoryDisk {
    fn len(&self) -> u64 {
        (self.0.len() * PIECE_LEN) as u64
    }
    fn read(&mut self, offset: u64, to: &mut [u8]) -> core::result::Result<(), DiskError> {
        for (piece, at, range) in pieces(offset, to.len()) {
            match self.0.get(piece).ok_or(DiskError)? {
                Some(memory) => memory.read(at, &mut to[range]),
                None => to[range].fill(0),
            }
        }
        Ok(())
    }
    fn write(&mut self, offset: u64, from: &[u8]) -> core::result::Result<(), DiskError> {
        for (piece, at, range) in pieces(offset, from.len()) {
            let piece = self.0.get_mut(piece).ok_or(DiskError)?;
            let memory = match piece {
                Some(memory) => memory,
                None => {
                    let memory = Folio::new(PIECE_LEN).and_then(|folio| folio.map());
                    piece.insert(memory.map_err(|error| failed("growing", offset, error))?)
                }
            };
            memory.write(at, &from[range]);
        }
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
            Ok((
                Box::new(MemoryDisk::new(memory_len)),
                Box::new(MemoryDisk::new(files::Options::LOG_LEN_MIN as usize)),
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

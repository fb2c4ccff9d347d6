//! The disks that the database lies on: the driver's, or memory.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ops::Range;

use files::{Disk, DiskError, SECTOR_LEN};
use ftl::prelude::*;
use interfaces::block;
use ring::SharedMemory;

/// Whether the driver was lost since the disks were opened. Then no disk has failed: whoever hears of it as an event says so, once,
/// and opens them again when the driver is back.
#[derive(Clone, Default)]
pub struct DriverLost(Rc<Cell<bool>>);

impl DriverLost {
    /// Whether it was.
    pub fn get(&self) -> bool {
        self.0.get()
    }

    /// Looks at an error of the driver.
    fn notice(&self, error: Error) {
        if matches!(error, Error::Closed | Error::PeerRestarted) {
            self.0.set(true);
        }
    }
}

/// A disk of the driver.
struct DriverDisk {
    disk: interfaces::disk::Disk,
    lost: DriverLost,
}

impl DriverDisk {
    fn failed(&self, what: &str, offset: u64, error: Error) -> DiskError {
        self.lost.notice(error);
        match self.lost.get() {
            true => debug!("{what} at byte {offset} of a disk: {error}"),
            false => error!("{what} at byte {offset} of a disk: {error}"),
        }
        DiskError
    }
}

impl Disk for DriverDisk {
    fn len(&self) -> u64 {
        self.disk.sectors() * SECTOR_LEN as u64
    }

    fn read(&mut self, offset: u64, to: &mut [u8]) -> core::result::Result<(), DiskError> {
        let read = self.disk.read(offset / SECTOR_LEN as u64, to);
        read.map_err(|error| self.failed("reading", offset, error))
    }

    fn write(&mut self, offset: u64, from: &[u8]) -> core::result::Result<(), DiskError> {
        let written = self.disk.write(offset / SECTOR_LEN as u64, from);
        written.map_err(|error| self.failed("writing", offset, error))
    }

    fn flush(&mut self) -> core::result::Result<(), DiskError> {
        self.disk
            .flush()
            .map_err(|error| self.failed("flushing", 0, error))
    }

    fn discard(&mut self, offset: u64, len: u64) -> core::result::Result<(), DiskError> {
        let sectors = (offset / SECTOR_LEN as u64, len / SECTOR_LEN as u64);
        let given = self.disk.discard(sectors.0, sectors.1);
        given.map_err(|error| self.failed("discarding", offset, error))
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
                    piece.insert(memory.map_err(|error| {
                        error!("a disk in memory cannot grow at byte {offset}: {error}");
                        DiskError
                    })?)
                }
            };
            memory.write(at, &from[range]);
        }
        Ok(())
    }
    fn flush(&mut self) -> core::result::Result<(), DiskError> {
        Ok(())
    }
    fn discard(&mut self, offset: u64, len: u64) -> core::result::Result<(), DiskError> {
        // Whole pieces: their memory goes back to the machine.
        for (piece, at, range) in pieces(offset, len as usize) {
            if at == 0 && range.len() == PIECE_LEN {
                *self.0.get_mut(piece).ok_or(DiskError)? = None;
            }
        }
        Ok(())
    }
}

/// A disk for data and one for the log.
pub type Pair = (Box<dyn Disk>, Box<dyn Disk>);

/// Opens the two disks: those with these names, or both in memory; answers whether it is that. If the driver is lost, then
/// or later, `lost` says so.
pub fn open(
    driver: Option<&mut block::Client>,
    (data, log): (&str, &str),
    memory_len: usize,
    lost: &DriverLost,
) -> core::result::Result<(Pair, bool), String> {
    let told = |error: Error| {
        lost.notice(error);
        alloc::format!("cannot open the disks: {error}")
    };
    let of_driver = |disk| -> Box<dyn Disk> {
        let lost = lost.clone();
        Box::new(DriverDisk { disk, lost })
    };
    let found = match driver {
        Some(driver) => (
            interfaces::disk::Disk::open(driver, data).map_err(told)?,
            interfaces::disk::Disk::open(driver, log).map_err(told)?,
        ),
        None => (None, None),
    };
    match found {
        (Some(data), Some(log)) => Ok(((of_driver(data), of_driver(log)), false)),
        (None, None) => {
            warn!("there is no disk: files are kept in memory and are gone at the end");
            let log = MemoryDisk::new(files::Options::LOG_LEN_MIN as usize);
            let pair: Pair = (Box::new(MemoryDisk::new(memory_len)), Box::new(log));
            Ok((pair, true))
        }
        (Some(_), None) => Err(alloc::format!(
            "there is the disk `{data}`, but none for its log, `{log}`"
        )),
        (None, Some(_)) => Err(alloc::format!(
            "there is the disk `{log}` for a log, but not `{data}`"
        )),
    }
}

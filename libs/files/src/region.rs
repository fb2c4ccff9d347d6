//! The database and its log as regions of two disks.
//!
//! Neither needs a record of its length. The database says in its header how many pages it has
//! (SQLite's documentation: "Database File Format", section 1.3); a disk whose first sector is not such a
//! header holds an empty one. The log is there if its first sector begins with the log's magic
//! number (section 4.1); how far it goes SQLite finds out itself, by checksums, so it is as long as its
//! disk. So the two images are what `sqlite3 disk.img` expects beside each other, at any moment.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::RefCell;

use sqlite::storage::{File, Storage, StorageError};

use crate::disk::{Disk, DiskError, SECTOR_LEN};
use crate::files::Clock;
use crate::log::Log;
use crate::trim::DataDisk;

/// What a database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// What a log begins with; the last bit says in which byte order its checksums are.
const LOG_MAGIC: u32 = 0x377f_0682;

/// Two disks as SQLite's storage.
pub struct DiskStorage {
    data: Rc<RefCell<Box<dyn Disk>>>,
    log: Rc<RefCell<Box<dyn Disk>>>,
    clock: Box<dyn Clock>,
}

impl DiskStorage {
    /// Storage on a disk for data and one for the log.
    pub fn new(data: Box<dyn Disk>, log: Box<dyn Disk>, clock: Box<dyn Clock>) -> DiskStorage {
        DiskStorage {
            data: Rc::new(RefCell::new(data)),
            log: Rc::new(RefCell::new(log)),
            clock,
        }
    }

    /// The disk for data, for [`Files::trim`](crate::Files::trim).
    pub fn data(&self) -> DataDisk {
        DataDisk(self.data.clone())
    }
}

impl From<DiskError> for StorageError {
    fn from(DiskError: DiskError) -> StorageError {
        StorageError::Io
    }
}

impl Storage for DiskStorage {
    fn open(&mut self, name: &str, create: bool) -> Result<Box<dyn File>, StorageError> {
        match name {
            "database" => Ok(Box::new(Data::open(self.data.clone())?)),
            "database-wal" => {
                let exists = self.exists(name)?;
                if !exists && !create {
                    return Err(StorageError::CannotOpen);
                }
                Ok(Box::new(Log::new(self.log.clone(), exists)))
            }
            // With a write-ahead log there are no others.
            _ => Err(StorageError::CannotOpen),
        }
    }

    fn exists(&mut self, name: &str) -> Result<bool, StorageError> {
        let mut sector = [0; SECTOR_LEN];
        match name {
            "database" => {
                read_first(&self.data, &mut sector)?;
                Ok(sector.starts_with(MAGIC))
            }
            "database-wal" => {
                read_first(&self.log, &mut sector)?;
                let magic = u32::from_be_bytes([sector[0], sector[1], sector[2], sector[3]]);
                Ok(magic & !1 == LOG_MAGIC)
            }
            _ => Ok(false),
        }
    }

    fn delete(&mut self, name: &str) -> Result<(), StorageError> {
        let disk = match name {
            "database" => &self.data,
            "database-wal" => &self.log,
            _ => return Ok(()),
        };
        let mut disk = disk.borrow_mut();
        disk.write(0, &[0; SECTOR_LEN])?;
        disk.flush()?;
        Ok(())
    }

    fn random(&mut self, bytes: &mut [u8]) {
        self.clock.random(bytes);
    }

    fn unix_ms(&mut self) -> u64 {
        self.clock.unix_ns() / 1_000_000
    }
}

fn read_first(
    disk: &Rc<RefCell<Box<dyn Disk>>>,
    sector: &mut [u8; SECTOR_LEN],
) -> Result<(), DiskError> {
    let mut disk = disk.borrow_mut();
    if disk.len() < SECTOR_LEN as u64 {
        return Err(DiskError);
    }
    disk.read(0, sector)
}

/// The database. SQLite reads and writes whole pages here, but for its first look at the header.
struct Data {
    disk: Rc<RefCell<Box<dyn Disk>>>,
    len: u64,
}

impl Data {
    fn open(disk: Rc<RefCell<Box<dyn Disk>>>) -> Result<Data, StorageError> {
        let mut sector = [0; SECTOR_LEN];
        read_first(&disk, &mut sector)?;
        let len = match sector.starts_with(MAGIC) {
            false => 0,
            true => {
                // Offset 16: the page's size, with 1 for 65,536; offset 28: the number of pages.
                let page = match u16::from_be_bytes([sector[16], sector[17]]) {
                    1 => 65_536,
                    len => u64::from(len),
                };
                let pages = u32::from_be_bytes([sector[28], sector[29], sector[30], sector[31]]);
                page * u64::from(pages)
            }
        };
        let len = len.min(disk.borrow().len());
        Ok(Data { disk, len })
    }

    /// The sectors around a range that need not begin or end with one.
    fn around(offset: u64, len: usize) -> (u64, usize) {
        let first = offset - offset % SECTOR_LEN as u64;
        let len = (offset - first) as usize + len;
        (first, len.next_multiple_of(SECTOR_LEN))
    }
}

impl File for Data {
    fn len(&mut self) -> Result<u64, StorageError> {
        Ok(self.len)
    }

    fn read(&mut self, offset: u64, to: &mut [u8]) -> Result<usize, StorageError> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = to.len().min(left);
        if len > 0 {
            read_range(&mut **self.disk.borrow_mut(), offset, &mut to[..len])?;
        }
        Ok(len)
    }

    fn write(&mut self, offset: u64, from: &[u8]) -> Result<(), StorageError> {
        let mut disk = self.disk.borrow_mut();
        let end = offset
            .checked_add(from.len() as u64)
            .filter(|&end| end <= disk.len())
            .ok_or(StorageError::Full)?;
        let (first, len) = Data::around(offset, from.len());
        if first == offset && len == from.len() {
            disk.write(offset, from)?;
        } else {
            let mut sectors = alloc::vec![0; len];
            disk.read(first, &mut sectors)?;
            let at = (offset - first) as usize;
            sectors[at..at + from.len()].copy_from_slice(from);
            disk.write(first, &sectors)?;
        }
        self.len = self.len.max(end);
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> Result<(), StorageError> {
        let mut disk = self.disk.borrow_mut();
        if len > disk.len() {
            return Err(StorageError::Full);
        }
        if len == 0 {
            // An empty database is one without a header.
            disk.write(0, &[0; SECTOR_LEN])?;
        }
        self.len = len;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        Ok(self.disk.borrow_mut().flush()?)
    }
}

/// Reads a range that need not begin or end with a sector.
pub(crate) fn read_range(disk: &mut dyn Disk, offset: u64, to: &mut [u8]) -> Result<(), DiskError> {
    let (first, len) = Data::around(offset, to.len());
    if first == offset && len == to.len() {
        return disk.read(offset, to);
    }
    let mut sectors = alloc::vec![0; len];
    disk.read(first, &mut sectors)?;
    let at = (offset - first) as usize;
    to.copy_from_slice(&sectors[at..at + to.len()]);
    Ok(())
}

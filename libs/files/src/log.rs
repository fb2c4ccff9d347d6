//! The write-ahead log, whose records are no multiples of a sector.
//!
//! SQLite writes a record as 24 bytes and a page, one after the other, and then asks for a
//! synchronisation. Each write by itself would mean reading and writing sectors twice. So what
//! follows on from the last write is gathered in memory and goes to the disk in one piece, when
//! SQLite synchronises, reads there, or goes on elsewhere. The piece's last sector is kept, since the
//! next record usually begins in it.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use sqlite::storage::{File, StorageError};

use crate::disk::{Disk, SECTOR_LEN};
use crate::region::read_range;

/// Gathered bytes go to the disk when there are this many.
const GATHERED_MAX: usize = 256 * 1024;

/// The log. Its length is its disk's, or 0 if there is none.
pub(crate) struct Log {
    disk: Rc<RefCell<Box<dyn Disk>>>,
    exists: bool,
    /// Where `gathered` begins: at a sector.
    start: u64,
    gathered: Vec<u8>,
    /// How many bytes of `gathered`, from its first on, are on the disk already.
    clean: usize,
    /// How far the log goes, since it was last begun at its first byte.
    high: u64,
}

impl Log {
    /// The log on this disk.
    pub(crate) fn new(disk: Rc<RefCell<Box<dyn Disk>>>, exists: bool) -> Log {
        Log {
            disk,
            exists,
            start: 0,
            gathered: Vec::new(),
            clean: 0,
            high: 0,
        }
    }

    fn end(&self) -> u64 {
        self.start + self.gathered.len() as u64
    }

    /// Writes what was gathered, and keeps its last sector if that is not full.
    fn write_out(&mut self) -> Result<(), StorageError> {
        if self.clean == self.gathered.len() {
            return Ok(());
        }
        let from = self.clean - self.clean % SECTOR_LEN;
        let len = self.gathered.len();
        let padded = len.next_multiple_of(SECTOR_LEN);
        // What lies behind the end of the log has no meaning: checksums say so.
        self.gathered.resize(padded, 0);
        if padded > len && self.end() - ((padded - len) as u64) < self.high {
            // This is in the middle: SQLite writes a page again that has left its cache before the transaction's end.
            let last = padded - SECTOR_LEN;
            let mut sector = [0; SECTOR_LEN];
            let read = self
                .disk
                .borrow_mut()
                .read(self.start + last as u64, &mut sector);
            if let Err(error) = read {
                self.gathered.truncate(len);
                return Err(error.into());
            }
            self.gathered[len..].copy_from_slice(&sector[len - last..]);
        }
        let written = self
            .disk
            .borrow_mut()
            .write(self.start + from as u64, &self.gathered[from..]);
        self.gathered.truncate(len);
        written?;
        let full = len - len % SECTOR_LEN;
        self.gathered.drain(..full);
        self.start += full as u64;
        self.clean = self.gathered.len();
        Ok(())
    }
}

impl File for Log {
    fn len(&mut self) -> Result<u64, StorageError> {
        Ok(match self.exists {
            true => self.disk.borrow().len(),
            false => 0,
        })
    }

    fn read(&mut self, offset: u64, to: &mut [u8]) -> Result<usize, StorageError> {
        if !self.exists {
            return Ok(0);
        }
        self.write_out()?;
        let mut disk = self.disk.borrow_mut();
        let left = usize::try_from(disk.len().saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = to.len().min(left);
        if len > 0 {
            read_range(&mut **disk, offset, &mut to[..len])?;
        }
        Ok(len)
    }

    fn write(&mut self, offset: u64, from: &[u8]) -> Result<(), StorageError> {
        let disk_len = self.disk.borrow().len();
        offset
            .checked_add(from.len() as u64)
            .filter(|end| end.next_multiple_of(SECTOR_LEN as u64) <= disk_len)
            .ok_or(StorageError::Full)?;
        if offset != self.end() {
            self.write_out()?;
            self.start = offset - offset % SECTOR_LEN as u64;
            let before = (offset - self.start) as usize;
            self.gathered.clear();
            self.gathered.resize(before, 0);
            if before > 0 {
                let mut disk = self.disk.borrow_mut();
                read_range(&mut **disk, self.start, &mut self.gathered)?;
            }
            self.clean = before;
        }
        self.gathered
            .try_reserve(from.len() + SECTOR_LEN)
            .map_err(|_| StorageError::OutOfMemory)?;
        self.gathered.extend_from_slice(from);
        if offset == 0 {
            self.high = 0;
        }
        self.high = self.high.max(self.end());
        self.exists = true;
        match self.gathered.len() >= GATHERED_MAX {
            true => self.write_out(),
            false => Ok(()),
        }
    }

    fn set_len(&mut self, len: u64) -> Result<(), StorageError> {
        self.gathered.clear();
        (self.start, self.clean, self.high) = (0, 0, 0);
        if len == 0 {
            self.disk.borrow_mut().write(0, &[0; SECTOR_LEN])?;
            self.exists = false;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StorageError> {
        self.write_out()?;
        Ok(self.disk.borrow_mut().flush()?)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // SQLite has synchronised what matters.
        let _ = self.write_out();
    }
}

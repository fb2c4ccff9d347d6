//! Giving up sectors of the disk that hold nothing any more, so that an image on a host, or a disk in memory, takes only what is used.
//!
//! What is given up are pages of the database that are on its list of free pages (SQLite's documentation: "Database File
//! Format", section 1.5), and of these only the leaves, in which nothing is written. They are free in a state that has been
//! committed and moved to its place, which no loss of power takes back; SQLite writes to such a page before it reads it
//! again. The list itself is read from the disk, since SQLite has no question for it.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use abi::{Error, Result};

use crate::disk::Disk;
use crate::error::refused;
use crate::files::{Files, PAGE_LEN};

/// Bytes that have to become free before it is worth looking.
const WORTH_LEN: u64 = 1 << 20;
/// Free pages in a row that are given up together; fewer stay.
const RUN_MIN: u32 = 16;

/// The disk that a file system lies on, for [`Files::trim`]; see [`DiskStorage::data`](crate::DiskStorage::data).
#[derive(Clone)]
pub struct DataDisk(pub(crate) Rc<RefCell<alloc::boxed::Box<dyn Disk>>>);

impl DataDisk {
    fn page(&self, number: u32, page: &mut [u8]) -> Result<()> {
        let disk = &mut *self.0.borrow_mut();
        let offset = u64::from(number - 1) * PAGE_LEN;
        let end = offset + PAGE_LEN;
        match end <= disk.len() {
            true => disk.read(offset, page).map_err(|_| Error::Io),
            false => Err(Error::InvalidData),
        }
    }

    /// Gives up so many pages from this one on.
    fn discard(&self, first: u32, count: u32) -> Result<()> {
        let (offset, len) = (u64::from(first - 1) * PAGE_LEN, u64::from(count) * PAGE_LEN);
        let mut disk = self.0.borrow_mut();
        match offset + len <= disk.len() {
            true => disk.discard(offset, len).map_err(|_| Error::Io),
            false => Err(Error::InvalidData),
        }
    }
}

impl Files {
    /// Whether so much has been deleted, and synchronised, that [`Files::trim`] is worth while.
    pub fn wants_trim(&self) -> bool {
        self.freed >= WORTH_LEN && !self.is_dirty() && !self.wants_tidying()
    }

    /// Gives up what is free on the disk that the file system lies on. Answers how many bytes that were.
    pub fn trim(&mut self, disk: &DataDisk) -> Result<u64> {
        self.sync()?;
        self.freed = 0;
        self.forget_chunk();
        if self.in_transaction() {
            self.db.execute("commit").map_err(refused)?;
        }
        // What is committed moves to its place: the disk then has the list as it is now.
        let mut moved = self
            .db
            .prepare("pragma wal_checkpoint(full)")
            .map_err(refused)?;
        let there = moved.step().map_err(refused)?;
        if !there || moved.integer(0) != 0 || moved.integer(1) != moved.integer(2) {
            return Err(Error::Busy);
        }
        drop(moved);
        let mut given = 0;
        let mut free = free_pages(disk)?;
        free.sort_unstable();
        for run in free.chunk_by(|a, b| a.checked_add(1) == Some(*b)) {
            let count = run.len() as u32;
            if count >= RUN_MIN {
                disk.discard(run[0], count)?;
                given += u64::from(count) * PAGE_LEN;
            }
        }
        Ok(given)
    }
}

/// The free pages that hold nothing.
fn free_pages(disk: &DataDisk) -> Result<Vec<u32>> {
    let mut page = alloc::vec![0; PAGE_LEN as usize];
    let number = |page: &[u8], at: usize| {
        let bytes = page.get(at..at + 4).unwrap_or(&[0; 4]);
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    };
    disk.page(1, &mut page)?;
    if u64::from(u16::from_be_bytes([page[16], page[17]])) != PAGE_LEN {
        return Err(Error::InvalidData);
    }
    // Offset 28: how many pages there are; 32: the first part of the list; 36: how many are on it.
    let (pages, mut part, listed) = (number(&page, 28), number(&page, 32), number(&page, 36));
    if listed > pages {
        return Err(Error::InvalidData);
    }
    let mut free = Vec::new();
    free.try_reserve_exact(listed as usize)
        .map_err(|_| Error::OutOfMemory)?;
    let mut parts = 0;
    while part != 0 {
        parts += 1;
        // Each part is on the list itself: a longer one leads in a circle.
        if part > pages || parts + free.len() > listed as usize {
            return Err(Error::InvalidData);
        }
        disk.page(part, &mut page)?;
        let count = number(&page, 4) as usize;
        if count > PAGE_LEN as usize / 4 - 2 || parts + free.len() + count > listed as usize {
            return Err(Error::InvalidData);
        }
        for i in 0..count {
            match number(&page, 8 + 4 * i) {
                leaf if leaf > 1 && leaf <= pages => free.push(leaf),
                _ => return Err(Error::InvalidData),
            }
        }
        part = number(&page, 0);
    }
    Ok(free)
}

//! Disks in memory that remember what was written, and a clock that ticks by itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use files::{Clock, DataDisk, Disk, DiskError, DiskStorage, Files, Options, SECTOR_LEN};

pub const DATA_LEN: usize = 16 << 20;
pub const LOG_LEN: usize = 2 << 20;

/// What a disk was told.
#[derive(Clone)]
pub enum Told {
    Write { offset: usize, bytes: Vec<u8> },
    Flush,
}

/// Everything that both disks were told, in order; the number is the disk's.
pub type Journal = Rc<RefCell<Vec<(usize, Told)>>>;

/// A disk in memory. Clones are the same disk.
#[derive(Clone)]
pub struct Ram {
    pub bytes: Rc<RefCell<Vec<u8>>>,
    pub number: usize,
    pub journal: Option<Journal>,
    /// Reads and writes fail from this many on.
    pub fails_after: Rc<RefCell<Option<u64>>>,
    /// Sectors that cannot be read, by where they begin.
    pub unreadable: Rc<RefCell<Vec<usize>>>,
    /// Bytes that were given up.
    pub discarded: Rc<RefCell<u64>>,
}

impl Ram {
    pub fn new(number: usize, bytes: Vec<u8>) -> Ram {
        Ram {
            bytes: Rc::new(RefCell::new(bytes)),
            number,
            journal: None,
            fails_after: Rc::default(),
            unreadable: Rc::default(),
            discarded: Rc::default(),
        }
    }

    fn count(&self) -> Result<(), DiskError> {
        match &mut *self.fails_after.borrow_mut() {
            Some(0) => Err(DiskError),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Disk for Ram {
    fn len(&self) -> u64 {
        self.bytes.borrow().len() as u64
    }
    fn read(&mut self, offset: u64, to: &mut [u8]) -> Result<(), DiskError> {
        assert!(offset.is_multiple_of(SECTOR_LEN as u64) && to.len().is_multiple_of(SECTOR_LEN));
        self.count()?;
        let offset = offset as usize;
        let range = offset..offset + to.len();
        if self.unreadable.borrow().iter().any(|at| range.contains(at)) {
            return Err(DiskError);
        }
        to.copy_from_slice(&self.bytes.borrow()[offset..offset + to.len()]);
        Ok(())
    }
    fn write(&mut self, offset: u64, from: &[u8]) -> Result<(), DiskError> {
        assert!(offset.is_multiple_of(SECTOR_LEN as u64) && from.len().is_multiple_of(SECTOR_LEN));
        self.count()?;
        let offset = offset as usize;
        self.bytes.borrow_mut()[offset..offset + from.len()].copy_from_slice(from);
        if let Some(journal) = &self.journal {
            let told = Told::Write {
                offset,
                bytes: from.to_vec(),
            };
            journal.borrow_mut().push((self.number, told));
        }
        Ok(())
    }
    fn discard(&mut self, offset: u64, len: u64) -> Result<(), DiskError> {
        // What is there from now on is anybody's guess.
        *self.discarded.borrow_mut() += len;
        self.write(offset, &vec![0xee; len as usize])
    }
    fn flush(&mut self) -> Result<(), DiskError> {
        self.count()?;
        if let Some(journal) = &self.journal {
            journal.borrow_mut().push((self.number, Told::Flush));
        }
        Ok(())
    }
}

/// A clock that moves on by a second whenever it is looked at.
pub struct Ticking(pub u64);

thread_local! {
    /// How often a file system has said that something that takes long goes on.
    pub static WENT_ON: Cell<u32> = const { Cell::new(0) };
}

impl Clock for Ticking {
    fn unix_ns(&mut self) -> u64 {
        self.0 += 1_000_000_000;
        self.0
    }
    fn random(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0 as u8);
    }
    fn go_on(&mut self) {
        WENT_ON.set(WENT_ON.get() + 1);
    }
}

/// Two disks.
#[derive(Clone)]
pub struct Disks {
    pub data: Ram,
    pub log: Ram,
}

impl Disks {
    pub fn new() -> Disks {
        Disks::of(vec![0; DATA_LEN], vec![0; LOG_LEN])
    }

    pub fn of(data: Vec<u8>, log: Vec<u8>) -> Disks {
        Disks {
            data: Ram::new(0, data),
            log: Ram::new(1, log),
        }
    }

    pub fn recorded(mut self) -> (Disks, Journal) {
        let journal = Journal::default();
        self.data.journal = Some(journal.clone());
        self.log.journal = Some(journal.clone());
        (self, journal)
    }

    pub fn try_mount(&self) -> abi::Result<Files> {
        self.try_mount_with_disk().map(|(files, _)| files)
    }

    /// The same, with the disk for data as [`Files::trim`] wants it.
    pub fn try_mount_with_disk(&self) -> abi::Result<(Files, DataDisk)> {
        let options = Options {
            data_len: self.data.len(),
            log_len: self.log.len(),
            cache_len: 256 * 1024,
        };
        let clock = || Box::new(Ticking(1_700_000_000_000_000_000));
        let (data, log) = (Box::new(self.data.clone()), Box::new(self.log.clone()));
        let storage = Box::new(DiskStorage::new(data, log, clock()));
        let disk = storage.data();
        match Files::open(storage, clock(), options) {
            Ok(files) => Ok((files, disk)),
            Err(refused) => Err(refused.error),
        }
    }

    pub fn mount(&self) -> Files {
        self.try_mount().unwrap()
    }
}

/// A small generator of random numbers: the same seed gives the same numbers.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }
}

/// Whether the tests that take long were asked for.
pub fn long() -> bool {
    std::env::var_os("FTL_LONG").is_some()
}

//! One file system.

use alloc::boxed::Box;

use abi::{Error, Result};
use hadris_fat::FatKind;
use hadris_fat::exfat::sync::ExFatFs;
use hadris_fat::sync::FatFs;
use hadris_fs::sync::FileSystem;
use hadris_fs::{
    DateTime, DirCursor, ErrorKind, FileType, MountOptions, Name, NodeId, OpenMode, Permissions,
    RenameMode, SetAttr,
};

use crate::disk::Blocks;
use crate::partition::partitions;
use crate::{Disk, DiskError, SECTOR_LEN};

/// Files and directories that may be held at once.
const NODES_MAX: usize = 4096;

/// What tells the time: nanoseconds since 1970, UTC.
pub trait Clock: Send + Sync {
    /// The time.
    fn unix_ns(&self) -> u64;
}

/// What a number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    File,
    /// Names of others.
    Directory,
}

/// What is known about a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub len: u64,
    /// Permission bits: FAT knows whether something may be written.
    pub mode: u32,
    /// When it was made, in nanoseconds since 1970, UTC.
    pub created_ns: u64,
    /// When its contents changed last.
    pub modified_ns: u64,
}

/// A file system on a disk. Files and directories have numbers, which stand for them from [`Volume::lookup`] or
/// [`Volume::create`] on until [`Volume::release`], whatever their names are.
pub struct Volume {
    fs: Box<dyn FileSystem<DeviceError = DiskError>>,
    name: &'static str,
}

/// The clock in the crate's terms.
struct Watch(&'static dyn Clock);

impl hadris_fs::Clock for Watch {
    fn now(&self) -> DateTime {
        date_time(self.0.unix_ns()).unwrap_or(hadris_fs::NoClock::TIME)
    }
}

impl Volume {
    /// Opens the file system on a disk. Times are read and written as UTC. [`Error::InvalidData`] if there is none that is known.
    pub fn open(disk: impl Disk + 'static, clock: &'static dyn Clock) -> Result<Volume> {
        // The crate wants a clock that is there for ever, and a disk is opened once in a component's life.
        let watch: &'static Watch = Box::leak(Box::new(Watch(clock)));
        let options = MountOptions::new()
            .with_clock(watch)
            .with_node_limit(NODES_MAX);
        let whole = Blocks {
            first: 0,
            count: disk.sectors(),
            disk,
        };
        let mut disk = match Volume::open_part(whole, &options) {
            Ok(volume) => return Ok(volume),
            Err((Error::InvalidData, blocks)) => blocks.disk,
            Err((error, _)) => return Err(error),
        };
        let mut first_sector = [0; SECTOR_LEN];
        disk.read(0, &mut first_sector).map_err(|_| Error::Io)?;
        for (first, count) in partitions(&first_sector, disk.sectors()) {
            let part = Blocks { disk, first, count };
            disk = match Volume::open_part(part, &options) {
                Ok(volume) => return Ok(volume),
                Err((Error::InvalidData, blocks)) => blocks.disk,
                Err((error, _)) => return Err(error),
            };
        }
        Err(Error::InvalidData)
    }

    /// Opens what lies on a part of a disk, or gives it back.
    fn open_part<D: Disk + 'static>(
        blocks: Blocks<D>,
        options: &MountOptions,
    ) -> core::result::Result<Volume, (Error, Blocks<D>)> {
        let blocks = match FatFs::mount(blocks, options.clone()) {
            Ok(fs) => {
                return Ok(Volume {
                    name: match fs.info().kind() {
                        FatKind::Fat12 => "FAT12",
                        FatKind::Fat16 => "FAT16",
                        _ => "FAT32",
                    },
                    fs: Box::new(fs),
                });
            }
            Err(failed) if failed.kind() == ErrorKind::Io => {
                return Err((Error::Io, failed.into_device()));
            }
            Err(failed) => failed.into_device(),
        };
        match ExFatFs::mount(blocks, options.clone()) {
            Ok(fs) => Ok(Volume {
                name: "exFAT",
                fs: Box::new(fs),
            }),
            Err(failed) if failed.kind() == ErrorKind::Io => Err((Error::Io, failed.into_device())),
            Err(failed) => Err((Error::InvalidData, failed.into_device())),
        }
    }

    /// What it is called: `FAT32`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether nothing can be changed.
    pub fn is_read_only(&self) -> bool {
        !self.fs.capabilities().writable()
    }

    /// The topmost directory.
    pub fn root(&self) -> u64 {
        self.fs.root().get()
    }

    /// What has this name in a directory. Case does not matter.
    pub fn lookup(&mut self, directory: u64, name: &str) -> Result<u64> {
        let found = self.fs.lookup(node(directory)?, Name::new(name));
        found.map(NodeId::get).map_err(error)
    }

    /// Takes back one [`Volume::lookup`] or [`Volume::create`].
    pub fn release(&mut self, number: u64) {
        if let Ok(node) = node(number) {
            self.fs.forget(node, 1);
        }
    }

    /// What is known about something.
    pub fn metadata(&mut self, number: u64) -> Result<Metadata> {
        let found = self.fs.stat(node(number)?).map_err(error)?;
        let kind = match found.file_type() {
            FileType::Dir => Kind::Directory,
            _ => Kind::File,
        };
        Ok(Metadata {
            kind,
            len: found.len(),
            mode: found.permissions().bits(),
            created_ns: found.created().map_or(0, unix_ns),
            modified_ns: found.modified().map_or(0, unix_ns),
        })
    }

    /// Tells what is in a directory, in the order in which it lies there, until `each` fails.
    pub fn list(
        &mut self,
        directory: u64,
        each: &mut dyn FnMut(&str, Kind, u64) -> Result<()>,
    ) -> Result<()> {
        let directory = node(directory)?;
        let mut cursor = DirCursor::START;
        while let Some(entry) = self.fs.readdir(directory, cursor).map_err(error)? {
            if entry.next_cursor().into_raw() <= cursor.into_raw() {
                return Err(Error::InvalidData);
            }
            cursor = entry.next_cursor();
            let kind = match entry.file_type() {
                FileType::Dir => Kind::Directory,
                _ => Kind::File,
            };
            // What is no UTF-8 or has a `/` in it cannot be named.
            if let Ok(name) = entry.name().to_str()
                && !name.contains(['/', '\0'])
            {
                each(name, kind, entry.node().get())?;
            }
        }
        Ok(())
    }

    /// A file is open from now on: it cannot be removed.
    pub fn opened(&mut self, file: u64, write: bool) -> Result<()> {
        let mode = match write {
            true => OpenMode::Write,
            false => OpenMode::Read,
        };
        self.fs.open(node(file)?, mode).map_err(error)
    }

    /// It is not, once for each [`Volume::opened`].
    pub fn closed(&mut self, file: u64) -> Result<()> {
        self.fs.close(node(file)?).map_err(error)
    }

    /// Reads from a file; fewer bytes than there is room for only at its end.
    pub fn read(&mut self, file: u64, offset: u64, to: &mut [u8]) -> Result<usize> {
        let file = node(file)?;
        let mut read = 0;
        while read < to.len() {
            match self.fs.read(file, offset + read as u64, &mut to[read..]) {
                Ok(0) => break,
                Ok(len) => read += len,
                Err(failed) => return Err(error(failed)),
            }
        }
        Ok(read)
    }

    /// Writes to a file, all of it.
    pub fn write(&mut self, file: u64, offset: u64, from: &[u8]) -> Result<()> {
        let file = node(file)?;
        let mut written = 0;
        while written < from.len() {
            let part = &from[written..];
            match self.fs.write(file, offset + written as u64, part) {
                Ok(0) => return Err(Error::FileTooLarge),
                Ok(len) => written += len,
                Err(failed) => return Err(error(failed)),
            }
        }
        Ok(())
    }

    /// Cuts a file, or makes it longer with zeroes.
    pub fn set_len(&mut self, file: u64, len: u64) -> Result<()> {
        self.fs.truncate(node(file)?, len).map_err(error)
    }

    /// Makes an empty file or directory. Its number stands for it until it is released.
    pub fn create(&mut self, directory: u64, name: &str, kind: Kind) -> Result<u64> {
        let (directory, name, plain) = (node(directory)?, Name::new(name), SetAttr::new());
        let made = match kind {
            Kind::File => self.fs.create(directory, name, &plain),
            Kind::Directory => self.fs.mkdir(directory, name, &plain),
        };
        made.map(NodeId::get).map_err(named)
    }

    /// Takes away a file, or an empty directory. [`Error::Busy`] if it is open.
    pub fn remove(&mut self, directory: u64, name: &str, kind: Kind) -> Result<()> {
        let (directory, name) = (node(directory)?, Name::new(name));
        match kind {
            Kind::File => self.fs.unlink(directory, name),
            Kind::Directory => self.fs.rmdir(directory, name),
        }
        .map_err(error)
    }

    /// Gives something another name and place, instead of what has them.
    pub fn rename(&mut self, (from, old): (u64, &str), (to, new): (u64, &str)) -> Result<()> {
        let (from, to) = (node(from)?, node(to)?);
        let mode = RenameMode::Replace;
        let renamed = self
            .fs
            .rename(from, Name::new(old), to, Name::new(new), mode);
        renamed.map_err(named)
    }

    /// Sets whether something may be written, which is all that is kept of permission bits.
    pub fn set_mode(&mut self, number: u64, mode: u32) -> Result<()> {
        let usual = match self.metadata(number)?.kind {
            Kind::File => 0o644,
            Kind::Directory => 0o755,
        };
        let mode = match mode & 0o222 {
            0 => usual & !0o222,
            _ => usual,
        };
        if number == self.root() {
            return Ok(());
        }
        let changes = SetAttr::new().with_permissions(Permissions::new(mode));
        self.fs.setattr(node(number)?, &changes).map_err(error)
    }

    /// Sets when something changed last, to two seconds.
    pub fn set_modified(&mut self, number: u64, unix_ns: u64) -> Result<()> {
        let time = date_time(unix_ns).ok_or(Error::InvalidArgument)?;
        let changes = SetAttr::new().with_modified(time);
        self.fs.setattr(node(number)?, &changes).map_err(error)
    }

    /// Bytes of all that it can hold, and how many of them are free.
    pub fn space(&mut self) -> Result<(u64, u64)> {
        let found = self.fs.statfs().map_err(error)?;
        Ok((found.total_bytes(), found.free_bytes()))
    }

    /// What was changed survives a loss of power from here on.
    pub fn sync(&mut self) -> Result<()> {
        self.fs.sync().map_err(error)
    }
}

fn node(number: u64) -> Result<NodeId> {
    NodeId::new(number).ok_or(Error::NotFound)
}

fn date_time(unix_ns: u64) -> Option<DateTime> {
    let seconds = i64::try_from(unix_ns / 1_000_000_000).ok()?;
    DateTime::new(seconds, (unix_ns % 1_000_000_000) as u32).ok()
}

fn unix_ns(time: DateTime) -> u64 {
    let seconds = u64::try_from(time.unix_seconds()).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(time.nanoseconds().into())
}

/// An error of the crate as one of FTL's.
fn error(failed: hadris_fs::Error<DiskError>) -> Error {
    match failed.kind() {
        ErrorKind::Io => Error::Io,
        ErrorKind::Corrupt | ErrorKind::NotRecognized => Error::InvalidData,
        ErrorKind::NotFound | ErrorKind::InvalidHandle => Error::NotFound,
        ErrorKind::AlreadyExists => Error::AlreadyExists,
        ErrorKind::NotADirectory => Error::NotADirectory,
        ErrorKind::IsADirectory => Error::IsADirectory,
        ErrorKind::DirectoryNotEmpty => Error::DirectoryNotEmpty,
        ErrorKind::NoSpace => Error::StorageFull,
        ErrorKind::ReadOnly => Error::ReadOnlyFilesystem,
        ErrorKind::NameTooLong => Error::InvalidFilename,
        ErrorKind::FileTooLarge => Error::FileTooLarge,
        ErrorKind::LimitExceeded => Error::ServerLimit,
        ErrorKind::Busy => Error::Busy,
        ErrorKind::Unsupported => Error::Unsupported,
        _ => Error::InvalidArgument,
    }
}

/// The same for what takes a new name.
fn named(failed: hadris_fs::Error<DiskError>) -> Error {
    match failed.kind() {
        ErrorKind::InvalidInput => Error::InvalidFilename,
        _ => error(failed),
    }
}

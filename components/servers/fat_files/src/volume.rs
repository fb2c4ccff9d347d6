//! The file system on the disk, as the server of files wants it.

use core::sync::atomic::{AtomicU64, Ordering};

use fat::{Disk as _, DiskError, Kind, Volume as Fat};
use ftl::prelude::*;
use interfaces::disk::Disk;
use interfaces::files::serve::Volume;
use interfaces::fs;

/// What time it is.
pub struct Wall {
    /// When the machine was started: nanoseconds since 1970, UTC; 0 if nobody knows.
    boot_ns: AtomicU64,
}

impl Wall {
    /// A clock that is not set.
    pub const fn new() -> Wall {
        Wall {
            boot_ns: AtomicU64::new(0),
        }
    }

    /// Sets it.
    pub fn set(&self, unix_ns: u64) {
        let boot_ns = unix_ns.saturating_sub(Instant::now().as_nanos());
        self.boot_ns.store(boot_ns, Ordering::Relaxed);
    }
}

impl fat::Clock for Wall {
    fn unix_ns(&self) -> u64 {
        self.boot_ns.load(Ordering::Relaxed) + Instant::now().as_nanos()
    }
}

/// The driver's disk.
struct DriverDisk(Disk);

fn failed(what: &str, sector: u64, error: Error) -> DiskError {
    error!("{what} sector {sector}: {error}");
    DiskError
}

impl fat::Disk for DriverDisk {
    fn sectors(&self) -> u64 {
        self.0.sectors()
    }
    fn is_read_only(&self) -> bool {
        self.0.is_read_only()
    }
    fn read(&mut self, sector: u64, to: &mut [u8]) -> core::result::Result<(), DiskError> {
        let read = self.0.read(sector, to);
        read.map_err(|error| failed("reading", sector, error))
    }
    fn write(&mut self, sector: u64, from: &[u8]) -> core::result::Result<(), DiskError> {
        let written = self.0.write(sector, from);
        written.map_err(|error| failed("writing", sector, error))
    }
    fn flush(&mut self) -> core::result::Result<(), DiskError> {
        self.0
            .flush()
            .map_err(|error| failed("flushing after", 0, error))
    }
}

/// The file system.
pub struct FatVolume(Fat);

impl FatVolume {
    /// Opens the file system on a disk; none if that cannot be used.
    pub fn open(disk: Disk, clock: &'static Wall) -> Option<FatVolume> {
        let disk = DriverDisk(disk);
        let mib = disk.sectors() / 2048;
        match Fat::open(disk, clock) {
            Ok(volume) => {
                let how = match volume.is_read_only() {
                    true => ", read-only",
                    false => "",
                };
                info!("{}, {mib} MiB{how}", volume.name());
                Some(FatVolume(volume))
            }
            Err(Error::InvalidData) => {
                error!("the disk holds neither FAT nor exFAT, or it is damaged");
                None
            }
            Err(error) => {
                error!("the disk cannot be used: {error}");
                None
            }
        }
    }
}

fn theirs(kind: Kind) -> fs::Kind {
    match kind {
        Kind::File => fs::Kind::File,
        Kind::Directory => fs::Kind::Directory,
    }
}

fn ours(kind: fs::Kind) -> Result<Kind> {
    match kind {
        fs::Kind::File => Ok(Kind::File),
        fs::Kind::Directory => Ok(Kind::Directory),
        fs::Kind::Symlink => Err(Error::Unsupported),
    }
}

impl Volume for FatVolume {
    fn root(&self) -> u64 {
        self.0.root()
    }
    fn lookup(&mut self, directory: u64, name: &str) -> Result<u64> {
        self.0.lookup(directory, name)
    }
    fn release(&mut self, node: u64) {
        self.0.release(node);
    }
    fn metadata(&mut self, node: u64) -> Result<fs::Metadata> {
        let found = self.0.metadata(node)?;
        Ok(fs::Metadata {
            kind: theirs(found.kind),
            len: found.len,
            links: 1,
            mode: found.mode,
            created_ns: found.created_ns,
            modified_ns: found.modified_ns,
            changed_ns: found.modified_ns,
            id: node,
        })
    }
    fn list(
        &mut self,
        directory: u64,
        each: &mut dyn FnMut(&str, fs::Kind, u64) -> Result<()>,
    ) -> Result<()> {
        self.0.list(directory, &mut |name, kind, node| {
            each(name, theirs(kind), node)
        })
    }
    fn read(&mut self, file: u64, offset: u64, to: &mut [u8]) -> Result<usize> {
        self.0.read(file, offset, to)
    }
    fn space(&mut self) -> Result<(u64, u64)> {
        self.0.space()
    }
    fn opened(&mut self, file: u64, write: bool) -> Result<()> {
        self.0.opened(file, write)
    }
    fn closed(&mut self, file: u64) {
        if let Err(error) = self.0.closed(file) {
            error!("closing a file: {error}");
        }
    }
    fn write(&mut self, file: u64, offset: u64, from: &[u8]) -> Result<()> {
        self.0.write(file, offset, from)
    }
    fn set_len(&mut self, file: u64, len: u64) -> Result<()> {
        self.0.set_len(file, len)
    }
    fn create(&mut self, directory: u64, name: &str, kind: fs::Kind) -> Result<u64> {
        self.0.create(directory, name, ours(kind)?)
    }
    fn remove(&mut self, directory: u64, name: &str, kind: fs::Kind) -> Result<()> {
        self.0.remove(directory, name, ours(kind)?)
    }
    fn rename(&mut self, from: (u64, &str), to: (u64, &str)) -> Result<()> {
        self.0.rename(from, to)
    }
    fn set_mode(&mut self, node: u64, mode: u32) -> Result<()> {
        self.0.set_mode(node, mode)
    }
    fn set_modified(&mut self, node: u64, unix_ns: u64) -> Result<()> {
        self.0.set_modified(node, unix_ns)
    }
    fn sync(&mut self) -> Result<()> {
        self.0.sync()
    }
}

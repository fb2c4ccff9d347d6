//! Disk images: a SQLite database and its log, each a file that QEMU shows FTL as a disk.
//!
//! `FILE` and `FILE-wal` are just what `sqlite3 FILE` on this machine expects, at any time while FTL does
//! not run. While it does, a lock keeps SQLite out: the same bytes of the file are locked that SQLite itself
//! locks (SQLite's documentation: "File Locking And Concurrency", and `PENDING_BYTE` in its source).

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::qemu::Bus;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Disks have a multiple of so many bytes: SQLite on the host may have made the file shorter.
const STEP: u64 = 64 << 20;
/// Bytes of the log's disk.
const LOG_LEN: u64 = 16 << 20;
/// SQLite's `PENDING_BYTE`, and how many bytes its locks take from there on.
const LOCKS: (i64, i64) = (0x4000_0000, 512);

/// A pair of images that nobody else can open as a database as long as this lives.
#[derive(Debug)]
pub struct Images {
    data: PathBuf,
    log: PathBuf,
    /// The lock ends when the file is closed.
    _locked: File,
}

impl Images {
    /// Opens images, or makes empty ones.
    pub fn open(data: &Path) -> Result<Images> {
        let mut log = data.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        let locked = open(data)?;
        lock(&locked, data)?;
        let len = locked.metadata()?.len();
        if len > 0 {
            let mut magic = [0; 16];
            let read = locked.read_at(&mut magic, 0)?;
            if read < magic.len() || magic != [0; 16] && magic != *b"SQLite format 3\0" {
                bail!(
                    "{} is no disk of FTL: it holds something else",
                    data.display()
                );
            }
        }
        locked.set_len(len.max(1).next_multiple_of(STEP))?;
        let log_file = open(&log)?;
        let log_len = log_file.metadata()?.len().max(LOG_LEN);
        log_file.set_len(log_len)?;
        Ok(Images {
            data: data.to_owned(),
            log,
            _locked: locked,
        })
    }

    /// QEMU's arguments for the two disks.
    pub fn arguments(&self, bus: Bus) -> Vec<OsString> {
        let mut arguments = Vec::new();
        for (name, path) in [("data", &self.data), ("log", &self.log)] {
            // A comma in a file's name is written twice.
            let path = path.display().to_string().replace(',', ",,");
            let drive = format!("file={path},if=none,id={name},format=raw,discard=unmap");
            let device = bus.device("blk", &format!("drive={name},serial=ftl-{name}"));
            arguments.extend(["-drive", &drive, "-device", &device].map(OsString::from));
        }
        arguments
    }
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| format!("cannot open the disk {}", path.display()))
}

fn lock(file: &File, path: &Path) -> Result<()> {
    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: LOCKS.0,
        l_len: LOCKS.1,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_SETLK(&lock)).with_context(|| {
        format!(
            "{} is in use: by another FTL, or by SQLite on this machine",
            path.display()
        )
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_made_and_other_files_are_left_alone() {
        let folder = std::env::temp_dir().join(format!("ftl-disk-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let data = folder.join("a,b.img");
        let images = Images::open(&data).unwrap();
        assert_eq!(std::fs::metadata(&data).unwrap().len(), STEP);
        let arguments = format!("{:?}", images.arguments(Bus::Mmio));
        assert!(arguments.contains("a,,b.img-wal") && arguments.contains("serial=ftl-log"));
        drop(images);
        // Shorter, as SQLite may leave it.
        let file = OpenOptions::new().write(true).open(&data).unwrap();
        file.write_at(b"SQLite format 3\0", 0).unwrap();
        file.set_len(8192).unwrap();
        Images::open(&data).unwrap();
        assert_eq!(std::fs::metadata(&data).unwrap().len(), STEP);

        let other = folder.join("letter.txt");
        std::fs::write(&other, "Dear all, this is no disk.").unwrap();
        let error = Images::open(&other).unwrap_err().to_string();
        assert!(error.contains("no disk of FTL"), "{error}");
        assert_eq!(std::fs::read(&other).unwrap().len(), 26);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

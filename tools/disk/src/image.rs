//! An image, opened on this machine as FTL would open it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use files::{Clock, Disk, DiskError, DiskStorage, Files, Options};
use ftl_tool::disk::Images;

/// A disk that is a file.
struct FileDisk {
    file: File,
    len: u64,
}

impl FileDisk {
    fn open(path: &Path) -> Result<FileDisk> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        let len = file.metadata()?.len();
        Ok(FileDisk { file, len })
    }
}

impl Disk for FileDisk {
    fn len(&self) -> u64 {
        self.len
    }
    fn read(&mut self, offset: u64, to: &mut [u8]) -> Result<(), DiskError> {
        self.file.read_exact_at(to, offset).map_err(|_| DiskError)
    }
    fn write(&mut self, offset: u64, from: &[u8]) -> Result<(), DiskError> {
        self.file.write_all_at(from, offset).map_err(|_| DiskError)
    }
    fn flush(&mut self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(|_| DiskError)
    }
}

/// This machine's clock.
struct Host;

impl Clock for Host {
    fn unix_ns(&mut self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }
    fn random(&mut self, bytes: &mut [u8]) {
        // SQLite wants different numbers, not secret ones.
        if getrandom::fill(bytes).is_err() {
            bytes.fill(0);
        }
    }
}

/// An open image.
pub struct Image {
    /// The file system in it.
    pub files: Files,
    /// Keeps others out.
    _images: Images,
}

impl Image {
    /// Opens an image; if there is none and `create` says so, an empty one is made.
    pub fn open(path: &Path, create: bool) -> Result<Image> {
        if !create && !path.exists() {
            bail!(
                "there is no file {}; `./ftl disk create` makes one",
                path.display()
            );
        }
        let images = Images::open(path)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let (data, log) = (FileDisk::open(path)?, FileDisk::open(&PathBuf::from(log))?);
        let options = Options {
            data_len: data.len,
            log_len: log.len,
            cache_len: 16 << 20,
        };
        let storage = DiskStorage::new(Box::new(data), Box::new(log), Box::new(Host));
        let files = Files::open(Box::new(storage), Box::new(Host), options)
            .with_context(|| format!("{} cannot be used", path.display()))?;
        Ok(Image {
            files,
            _images: images,
        })
    }

    /// Bytes, and how many are free.
    pub fn space(&mut self) -> Result<(u64, u64)> {
        self.files.space().map_err(told)
    }

    /// What is wrong with it, if anything is.
    pub fn check(&mut self) -> Result<Option<String>> {
        self.files.check().map_err(told)
    }
}

/// Opens an image that has room for so many small files.
pub fn make_large(path: &Path, files: u32) -> Result<Image> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let len = file.metadata()?.len();
    file.set_len(len.max(u64::from(files) * 512))?;
    drop(file);
    Image::open(path, true)
}

/// An error of the system in words.
pub fn told(error: abi::Error) -> anyhow::Error {
    anyhow::anyhow!("{}", error.describe())
}

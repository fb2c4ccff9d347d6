//! A disk with FAT or exFAT for exchange with this machine: `./ftl run --fat FILE`.
//!
//! It is an image as any other system makes it: `mkfs.vfat`, a copy of a memory card. Only one that is not there is made here. QEMU itself
//! locks it against a second QEMU; programs on this machine do not ask, so they have to wait until FTL has ended.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::qemu::Bus;

/// Bytes of a disk that is made.
const LEN: u64 = 64 << 20;

/// An image.
#[derive(Debug)]
pub struct FatImage(PathBuf);

impl FatImage {
    /// The image in this file, or an empty file system if there is no such file.
    pub fn open(path: &Path) -> Result<FatImage> {
        if !path.exists() {
            make(path).with_context(|| format!("cannot make the disk {}", path.display()))?;
        }
        Ok(FatImage(path.to_owned()))
    }

    /// QEMU's arguments for the disk.
    pub fn arguments(&self, bus: Bus) -> Vec<OsString> {
        // A comma in a file's name is written twice.
        let path = self.0.display().to_string().replace(',', ",,");
        let writable = OpenOptions::new().write(true).open(&self.0).is_ok();
        let how = if writable { "" } else { ",readonly=on" };
        let drive = format!("file={path},if=none,id=fat,format=raw{how}");
        let device = bus.device("blk", "drive=fat,serial=ftl-fat");
        ["-drive", &drive, "-device", &device]
            .map(OsString::from)
            .into()
    }
}

fn make(path: &Path) -> Result<()> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)?;
    file.set_len(LEN)?;
    let options = fatfs::FormatVolumeOptions::new().volume_label(*b"FTL        ");
    fatfs::format_volume(file, options)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_made_once_and_then_left_alone() {
        let path = std::env::temp_dir().join(format!("ftl-fat-{}.img", std::process::id()));
        let image = FatImage::open(&path).unwrap();
        assert!(format!("{:?}", image.arguments(Bus::Mmio)).contains("serial=ftl-fat"));
        let open = || {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .open(&path)
                .unwrap();
            fatfs::FileSystem::new(file, fatfs::FsOptions::new()).unwrap()
        };
        open().root_dir().create_dir("kept").unwrap();
        FatImage::open(&path).unwrap();
        open().root_dir().open_dir("kept").unwrap();
        std::fs::remove_file(&path).unwrap();
    }
}

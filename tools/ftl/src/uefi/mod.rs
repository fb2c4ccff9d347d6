//! Starting from UEFI firmware: a disk that firmware starts FTL from, and the firmware that QEMU is given.
//!
//! [`pe`] makes a program for firmware out of the boot loader ([boot/uefi](../../../../boot/uefi/src/lib.rs)), [`boot_disk`] a
//! disk with a partition table and a file system for it, and [`firmware`] finds the firmware on this computer.

pub mod boot_disk;
pub mod firmware;
pub mod pe;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::arch::Arch;
use crate::build::{self, Built};

/// Whether firmware can start FTL on a machine.
pub fn check(arch: Arch) -> Result<()> {
    if arch != Arch::Arm64 {
        bail!("FTL has no boot loader for UEFI on {arch}; `--arch arm64` has one");
    }
    Ok(())
}

/// The disk that starts what was built. Without the archive, it shows what the boot loader says then.
pub fn disk(
    root: &Path,
    arch: Arch,
    built: &Built,
    command_line: &str,
    with_archive: bool,
) -> Result<Vec<u8>> {
    check(arch)?;
    let loader = pe::from_elf(&build::uefi_loader(root, arch)?)?;
    let kernel = build::read(&built.kernel)?;
    let archive = build::read(&built.archive)?;
    let files = boot_disk::Files {
        loader: &loader,
        kernel: &kernel,
        archive: with_archive.then_some(&archive),
        command_line,
    };
    boot_disk::build(&files)
}

/// A disk that is only there for one run.
#[derive(Debug)]
pub struct TemporaryDisk(PathBuf);

impl TemporaryDisk {
    /// One that belongs to this process.
    pub fn new(folder: &Path) -> TemporaryDisk {
        TemporaryDisk(folder.join(format!("uefi-{}.img", std::process::id())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryDisk {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

//! A disk that firmware starts from: a partition table (GPT) with one partition, the "EFI system partition", which holds a FAT
//! file system (UEFI, chapters 5 and 13).
//!
//! The same content gives the same bytes: there are no times in it, and the disk's identifiers are made of what is on it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types;
use uuid::Uuid;

/// What firmware starts from a disk that has told it nothing else (UEFI, section 3.5.1.1).
const LOADER: &str = "EFI/BOOT/BOOTAA64.EFI";
const SECTOR: u64 = 512;
/// Where partitions begin: at a multiple of this.
const ALIGNMENT: u64 = 1 << 20;
/// The smallest partition: FAT32, which firmware knows best, needs 65,525 clusters.
const PARTITION_LEN_MIN: u64 = 64 << 20;

/// What is on the disk.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The boot loader, as [`super::pe`] makes it.
    pub loader: &'a [u8],
    /// The kernel.
    pub kernel: &'a [u8],
    /// The boot archive. Left out only to see what the loader says then.
    pub archive: Option<&'a Vec<u8>>,
    /// Words for the kernel's command line.
    pub command_line: &'a str,
}

/// The bytes of a disk.
pub fn build(files: &Files<'_>) -> Result<Vec<u8>> {
    let content = content(files);
    let needed: u64 = content.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    // A tenth more for the file system's own tables, and to put in another command line.
    let partition_len = (needed + needed / 10 + (8 << 20))
        .next_multiple_of(16 << 20)
        .max(PARTITION_LEN_MIN);
    // The table comes twice: at the beginning, and at the end.
    let mut disk = vec![0; (ALIGNMENT + partition_len + ALIGNMENT) as usize];
    let id = identifier(&content);
    write_table(&mut disk, partition_len, id).context("the partition table cannot be written")?;
    let partition = &mut disk[ALIGNMENT as usize..][..partition_len as usize];
    write_files(partition, &content, id).context("the file system cannot be written")?;
    Ok(disk)
}

/// Writes a disk to a file. Nothing but a plain file is written over.
pub fn write(path: &Path, disk: &[u8]) -> Result<()> {
    if let Ok(metadata) = std::fs::metadata(path)
        && !metadata.is_file()
    {
        bail!(
            "{} is no plain file; write to one, and copy that there",
            path.display()
        );
    }
    let write = || -> std::io::Result<()> {
        let file = File::create(path)?;
        file.set_len(disk.len() as u64)?;
        // Zeros take no room.
        for (index, block) in disk.chunks(64 << 10).enumerate() {
            if block.iter().any(|&byte| byte != 0) {
                file.write_all_at(block, (index as u64) << 16)?;
            }
        }
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn content<'a>(files: &Files<'a>) -> Vec<(&'static str, &'a [u8])> {
    let mut content = vec![
        (LOADER, files.loader),
        ("EFI/FTL/kernel", files.kernel),
        ("EFI/FTL/cmdline", files.command_line.as_bytes()),
    ];
    if let Some(archive) = files.archive {
        content.push(("EFI/FTL/archive.tar", archive));
    }
    content
}

/// A name for a disk with this content.
fn identifier(content: &[(&str, &[u8])]) -> Uuid {
    content.iter().fold(Uuid::nil(), |id, (name, bytes)| {
        Uuid::new_v5(&Uuid::new_v5(&id, name.as_bytes()), bytes)
    })
}

fn write_table(disk: &mut [u8], partition_len: u64, id: Uuid) -> Result<()> {
    let sectors = disk.len() as u64 / SECTOR;
    // All that the old table can say is that this is no disk for it; a larger one is cut off.
    let covered = u32::try_from(sectors - 1).unwrap_or(u32::MAX);
    ProtectiveMBR::with_lb_size(covered).overwrite_lba0(&mut Cursor::new(&mut *disk))?;

    let mut table = gpt::GptConfig::new()
        .writable(true)
        .logical_block_size(LogicalBlockSize::Lb512)
        .create_from_device(Cursor::new(disk), Some(id))?;
    table.update_partitions(BTreeMap::new())?;
    table.add_partition_at(
        "FTL boot",
        1,
        ALIGNMENT / SECTOR,
        partition_len / SECTOR,
        partition_types::EFI,
        0,
    )?;
    let mut partitions = table.take_partitions();
    for partition in partitions.values_mut() {
        partition.part_guid = Uuid::new_v5(&id, b"partition 1");
    }
    table.update_partitions(partitions)?;
    table.write()?;
    Ok(())
}

fn write_files(partition: &mut [u8], content: &[(&str, &[u8])], id: Uuid) -> Result<()> {
    let number = u32::from_le_bytes([0, 1, 2, 3].map(|at| id.as_bytes()[at]));
    let options = FormatVolumeOptions::new()
        .fat_type(FatType::Fat32)
        .volume_id(number)
        .volume_label(*b"FTL        ");
    fatfs::format_volume(Cursor::new(&mut *partition), options)?;
    let files = FileSystem::new(Cursor::new(partition), FsOptions::new())?;
    for folder in ["EFI", "EFI/BOOT", "EFI/FTL"] {
        files.root_dir().create_dir(folder)?;
    }
    for (name, bytes) in content {
        let mut file = files.root_dir().create_file(name)?;
        file.write_all(bytes)?;
        file.flush()?;
    }
    files.unmount()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn check(archive: Option<&Vec<u8>>, command_line: &str) -> Vec<u8> {
        let files = Files {
            loader: b"MZ loader",
            kernel: &[7; 100_000],
            archive,
            command_line,
        };
        let disk = build(&files).unwrap();
        let table = gpt::GptConfig::new()
            .open_from_device(Cursor::new(disk.clone()))
            .unwrap();
        assert!(table.primary_header().is_ok() && table.backup_header().is_ok());
        let partition = table.partitions()[&1].clone();
        assert_eq!(partition.part_type_guid, partition_types::EFI);
        let start = (partition.first_lba * SECTOR) as usize;
        let end = ((partition.last_lba + 1) * SECTOR) as usize;
        assert_eq!(&disk[510..512], b"\x55\xaa");
        // The type of the one partition in the old table: "see GPT".
        assert_eq!(disk[446 + 4], 0xee);

        let mut bytes = disk[start..end].to_vec();
        let files = FileSystem::new(Cursor::new(&mut bytes[..]), FsOptions::new()).unwrap();
        assert_eq!(files.fat_type(), FatType::Fat32);
        let read = |name: &str| {
            let mut content = Vec::new();
            let mut file = files.root_dir().open_file(name).ok()?;
            file.read_to_end(&mut content).unwrap();
            Some(content)
        };
        assert_eq!(read("efi/boot/bootaa64.efi").unwrap(), b"MZ loader");
        assert_eq!(read("EFI/FTL/kernel").unwrap(), [7; 100_000]);
        assert_eq!(read("EFI/FTL/cmdline").unwrap(), command_line.as_bytes());
        assert_eq!(read("EFI/FTL/archive.tar").as_ref(), archive);
        disk
    }

    #[test]
    fn firmware_finds_its_files() {
        let archive = (0..3_000_000u32).map(|n| (n >> 8) as u8).collect();
        let disk = check(Some(&archive), "ftl.seed=7");
        assert!(disk == check(Some(&archive), "ftl.seed=7"), "it repeats");
        let other = check(Some(&archive), "");
        assert_ne!(disk[512..1024], other[512..1024]);
        check(None, "");
    }

    #[test]
    fn a_large_system_gets_a_large_partition() {
        let disk = check(Some(&vec![1; 80 << 20]), "");
        assert!(disk.len() > 90 << 20);
    }

    #[test]
    fn only_plain_files_are_written() {
        let folder = std::env::temp_dir();
        let error = write(&folder, &[0; 512]).unwrap_err().to_string();
        assert!(error.contains("no plain file"), "{error}");
        let path = folder.join(format!("ftl-boot-disk-{}", std::process::id()));
        let mut disk = vec![0; 1 << 20];
        disk[700_000] = 9;
        write(&path, &disk).unwrap();
        assert!(std::fs::read(&path).unwrap() == disk);
        std::fs::remove_file(&path).unwrap();
    }
}

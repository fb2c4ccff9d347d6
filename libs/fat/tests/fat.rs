//! The file system against another implementation (the crate `fatfs`), and against bytes that mean no good.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::rc::Rc;

use fat::{Clock, Disk, DiskError, Error, Kind, SECTOR_LEN, Volume};
use hadris_fat::exfat::ExFatOptions;

/// Random numbers that repeat (Marsaglia's xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % bound
    }
}

/// A disk in memory, which can be looked at while it is in use.
#[derive(Clone)]
struct Memory {
    bytes: Rc<RefCell<Vec<u8>>>,
    /// A sector that cannot be read.
    broken: Rc<RefCell<Option<u64>>>,
}

impl Memory {
    fn new(bytes: Vec<u8>) -> Memory {
        Memory {
            bytes: Rc::new(RefCell::new(bytes)),
            broken: Rc::default(),
        }
    }
    fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }
    fn open(&self) -> fat::Result<Volume> {
        Volume::open(self.clone(), &Noon)
    }
}

impl Disk for Memory {
    fn sectors(&self) -> u64 {
        (self.bytes.borrow().len() / SECTOR_LEN) as u64
    }
    fn is_read_only(&self) -> bool {
        false
    }
    fn read(&mut self, sector: u64, to: &mut [u8]) -> Result<(), DiskError> {
        let sectors = sector..sector + (to.len() / SECTOR_LEN) as u64;
        if self
            .broken
            .borrow()
            .is_some_and(|broken| sectors.contains(&broken))
        {
            return Err(DiskError);
        }
        let at = sector as usize * SECTOR_LEN;
        to.copy_from_slice(&self.bytes.borrow()[at..at + to.len()]);
        Ok(())
    }
    fn write(&mut self, sector: u64, from: &[u8]) -> Result<(), DiskError> {
        let at = sector as usize * SECTOR_LEN;
        self.bytes.borrow_mut()[at..at + from.len()].copy_from_slice(from);
        Ok(())
    }
    fn flush(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
}

struct Noon;

impl Clock for Noon {
    fn unix_ns(&self) -> u64 {
        1_795_694_400_000_000_000 // 2026-11-26 12:00:00 UTC
    }
}

const KINDS: [(&str, usize, fatfs::FatType); 3] = [
    ("FAT12", 2 << 20, fatfs::FatType::Fat12),
    ("FAT16", 16 << 20, fatfs::FatType::Fat16),
    ("FAT32", 40 << 20, fatfs::FatType::Fat32),
];

/// An empty file system, made by the other implementation.
fn formatted(len: usize, kind: fatfs::FatType) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let options = fatfs::FormatVolumeOptions::new().fat_type(kind);
    let options = match kind {
        // The least clusters, so that the disk need not be large.
        fatfs::FatType::Fat32 => options.bytes_per_cluster(512),
        _ => options,
    };
    fatfs::format_volume(Cursor::new(&mut bytes), options).expect("to be formatted");
    bytes
}

fn exfat(len: usize) -> Vec<u8> {
    let size = hadris_storage::BlockSize::new(512).expect("a size");
    let mut device = hadris_storage::MemDevice::new(vec![0; len], size);
    hadris_fat::exfat::sync::format(&mut device, &ExFatOptions::new()).expect("to be formatted");
    device.into_inner()
}

fn noise(len: usize, seed: u8) -> Vec<u8> {
    (0..len)
        .map(|i| (i as u8).wrapping_mul(31) ^ (i >> 8) as u8 ^ seed)
        .collect()
}

/// Makes a file with these contents.
fn put(volume: &mut Volume, directory: u64, name: &str, contents: &[u8]) {
    let file = volume.create(directory, name, Kind::File).expect(name);
    volume.opened(file, true).expect(name);
    volume.write(file, 0, contents).expect(name);
    volume.closed(file).expect(name);
    volume.release(file);
}

fn get(volume: &mut Volume, directory: u64, name: &str) -> Vec<u8> {
    let file = volume.lookup(directory, name).expect(name);
    let len = volume.metadata(file).expect(name).len;
    let mut bytes = vec![0; len as usize + 10];
    let read = volume.read(file, 0, &mut bytes).expect(name);
    bytes.truncate(read);
    volume.release(file);
    bytes
}

fn names(volume: &mut Volume, directory: u64) -> Vec<String> {
    let mut names = Vec::new();
    volume
        .list(directory, &mut |name, _, _| {
            names.push(name.to_string());
            Ok(())
        })
        .expect("a directory");
    names.sort();
    names
}

#[test]
fn what_is_written_here_is_read_by_another_implementation_and_the_other_way_round() {
    for (name, len, kind) in KINDS {
        let disk = Memory::new(formatted(len, kind));
        let mut volume = disk.open().expect(name);
        assert_eq!(volume.name(), name);
        let root = volume.root();
        put(
            &mut volume,
            root,
            "Ein längerer Name für eine Datei.txt",
            &noise(100_000, 1),
        );
        put(&mut volume, root, "README.TXT", b"short");
        put(&mut volume, root, "empty", b"");
        let notes = volume
            .create(root, "notes", Kind::Directory)
            .expect("notes");
        put(&mut volume, notes, "today", &noise(5000, 2));
        volume.release(notes);
        volume.sync().expect(name);
        drop(volume);

        let mut bytes = disk.bytes();
        {
            let other = fatfs::FileSystem::new(Cursor::new(&mut bytes), fatfs::FsOptions::new());
            let other = other.expect("the other implementation to open it");
            let top = other.root_dir();
            let read = |path: &str| {
                let mut contents = Vec::new();
                let mut file = top.open_file(path).expect(path);
                file.read_to_end(&mut contents).expect(path);
                contents
            };
            assert_eq!(
                read("Ein längerer Name für eine Datei.txt"),
                noise(100_000, 1)
            );
            assert_eq!(read("readme.txt"), b"short");
            assert_eq!(read("empty"), b"");
            assert_eq!(read("notes/today"), noise(5000, 2));
            let of = |path: &str| {
                let entry = top.iter().map(|entry| entry.expect("an entry"));
                entry
                    .into_iter()
                    .find(|entry| entry.file_name() == path)
                    .expect(path)
                    .modified()
            };
            let date = of("README.TXT").date;
            assert_eq!((date.year, date.month, date.day), (2026, 11, 26));

            let mut file = top
                .create_file("notes/answer from the other side")
                .expect("a file");
            file.write_all(&noise(70_000, 3)).expect("to be written");
            drop(file);
            top.remove("empty").expect("to be removed");
            top.rename("README.TXT", &top, "Read me")
                .expect("to be renamed");
            drop(top);
            other.unmount().expect("to be closed");
        }
        let mut volume = Memory::new(bytes).open().expect(name);
        let root = volume.root();
        let there = ["Ein längerer Name für eine Datei.txt", "Read me", "notes"];
        assert_eq!(names(&mut volume, root), there);
        let notes = volume.lookup(root, "NOTES").expect("case does not matter");
        assert_eq!(
            get(&mut volume, notes, "answer from the other side"),
            noise(70_000, 3)
        );
    }
}

#[test]
fn exfat_holds_what_was_written() {
    let disk = Memory::new(exfat(8 << 20));
    let mut volume = disk.open().expect("exFAT");
    assert_eq!(volume.name(), "exFAT");
    let root = volume.root();
    put(&mut volume, root, "größer", &noise(300_000, 4));
    volume.sync().expect("to be synchronised");
    drop(volume);
    let mut volume = disk.open().expect("exFAT");
    assert_eq!(get(&mut volume, root, "größer"), noise(300_000, 4));
}

#[test]
fn a_file_system_in_a_partition_is_found() {
    let inner = formatted(2 << 20, fatfs::FatType::Fat12);
    let mut bytes = vec![0; 1 << 20];
    let entry = 446 + 16;
    bytes[entry + 4] = 0x01;
    bytes[entry + 8..entry + 12].copy_from_slice(&2048_u32.to_le_bytes());
    bytes[entry + 12..entry + 16].copy_from_slice(&4096_u32.to_le_bytes());
    bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
    bytes.extend(inner);
    let disk = Memory::new(bytes);
    let mut volume = disk.open().expect("the partition");
    let root = volume.root();
    put(&mut volume, root, "here", b"it is");
    volume.sync().expect("to be synchronised");
    // The table is still there.
    assert_eq!(disk.bytes()[510..512], [0x55, 0xaa]);
    assert_eq!(
        get(&mut disk.open().expect("again"), root, "here"),
        b"it is"
    );
}

#[test]
fn errors_say_what_is_the_matter() {
    let disk = Memory::new(formatted(2 << 20, fatfs::FatType::Fat12));
    let mut volume = disk.open().expect("FAT12");
    let root = volume.root();
    put(&mut volume, root, "file", b"contents");
    let directory = volume
        .create(root, "directory", Kind::Directory)
        .expect("a directory");
    put(&mut volume, directory, "inner", b"");
    let refused = |result: fat::Result<u64>| result.expect_err("an error");
    assert_eq!(refused(volume.lookup(root, "nothing")), Error::NotFound);
    assert_eq!(
        refused(volume.create(root, "FILE", Kind::File)),
        Error::AlreadyExists
    );
    assert_eq!(
        refused(volume.create(root, "a:b", Kind::File)),
        Error::InvalidFilename
    );
    assert_eq!(
        refused(volume.create(root, &"n".repeat(300), Kind::File)),
        Error::InvalidFilename
    );
    assert_eq!(
        volume.remove(root, "directory", Kind::File),
        Err(Error::IsADirectory)
    );
    assert_eq!(
        volume.remove(root, "file", Kind::Directory),
        Err(Error::NotADirectory)
    );
    assert_eq!(
        volume.remove(root, "directory", Kind::Directory),
        Err(Error::DirectoryNotEmpty)
    );
    let file = volume.lookup(root, "file").expect("a file");
    volume.opened(file, true).expect("to be opened");
    assert_eq!(volume.remove(root, "file", Kind::File), Err(Error::Busy));
    assert_eq!(
        volume.write(file, 5 << 30, b"far"),
        Err(Error::FileTooLarge)
    );
    // A full disk says so, and what was there is still there.
    let much = vec![7; 3 << 20];
    assert_eq!(volume.write(file, 8, &much), Err(Error::StorageFull));
    assert_eq!(get(&mut volume, root, "file"), b"contents");
    volume.set_mode(file, 0o444).expect("to be set");
    assert_eq!(volume.metadata(file).expect("metadata").mode, 0o444);
    volume.closed(file).expect("to be closed");
    volume.release(file);
    volume
        .remove(root, "file", Kind::File)
        .expect("nobody has it open");

    assert!(matches!(
        Memory::new(vec![0; 1 << 20]).open(),
        Err(Error::InvalidData)
    ));
    assert!(matches!(
        Memory::new(Vec::new()).open(),
        Err(Error::Io | Error::InvalidData)
    ));
}

#[test]
fn a_sector_that_cannot_be_read_is_an_error_of_the_file_that_lies_there() {
    let disk = Memory::new(formatted(2 << 20, fatfs::FatType::Fat12));
    let mut volume = disk.open().expect("FAT12");
    let root = volume.root();
    put(&mut volume, root, "bad", &[b'b'; 4096]);
    put(&mut volume, root, "good", &[b'g'; 4096]);
    volume.sync().expect("to be synchronised");
    let at = disk
        .bytes()
        .chunks(SECTOR_LEN)
        .position(|sector| sector == [b'b'; SECTOR_LEN]);
    *disk.broken.borrow_mut() = at.map(|at| at as u64 + 1);
    let file = volume.lookup(root, "bad").expect("its name is elsewhere");
    assert_eq!(volume.read(file, 0, &mut [0; 4096]), Err(Error::Io));
    assert_eq!(get(&mut volume, root, "good"), [b'g'; 4096]);
}

/// Uses everything that there is, and expects nothing of it but to come to an end.
fn explore(volume: &mut Volume) {
    let mut open = vec![(volume.root(), 0)];
    let mut seen = 0;
    while let Some((directory, depth)) = open.pop() {
        let mut found = Vec::new();
        let _ = volume.list(directory, &mut |name, kind, _| {
            found.push((name.to_string(), kind));
            match found.len() {
                0..200 => Ok(()),
                _ => Err(Error::ServerLimit),
            }
        });
        for (name, kind) in found {
            seen += 1;
            let Ok(node) = volume.lookup(directory, &name) else {
                continue;
            };
            let _ = volume.metadata(node);
            let mut part = vec![0; 20_000];
            match kind {
                Kind::Directory if depth < 4 && seen < 300 => open.push((node, depth + 1)),
                Kind::Directory => {}
                Kind::File => {
                    let _ = volume.read(node, 0, &mut part);
                    let _ = volume.opened(node, true);
                    let _ = volume.write(node, 1000, &part[..3000]);
                    let _ = volume.set_len(node, 10);
                    let _ = volume.closed(node);
                }
            }
            if seen % 3 == 0 {
                let _ = volume.rename(
                    (directory, &name),
                    (directory, "renamed to something longer"),
                );
                let _ = volume.remove(directory, &name, kind);
            }
        }
        if let Ok(node) = volume.create(directory, "new", Kind::File) {
            let _ = volume.write(node, 0, b"new");
        }
        let _ = volume.create(directory, "another new one", Kind::Directory);
    }
    let _ = volume.space();
    let _ = volume.sync();
}

#[test]
fn hostile_disks_are_errors_and_no_crash() {
    let mut images: BTreeMap<&str, Vec<u8>> = KINDS[..2]
        .iter()
        .map(|(name, len, kind)| (*name, formatted(*len / 2, *kind)))
        .collect();
    images.insert("FAT32", formatted(35 << 20, fatfs::FatType::Fat32));
    images.insert("exFAT", exfat(2 << 20));
    for (name, image) in images {
        // Something is there to be damaged.
        let disk = Memory::new(image);
        let mut volume = disk.open().expect(name);
        let root = volume.root();
        for i in 0..20 {
            put(
                &mut volume,
                root,
                &format!("a file with the number {i}"),
                &noise(3000 * i, i as u8),
            );
        }
        let inner = volume
            .create(root, "inner", Kind::Directory)
            .expect("a directory");
        put(&mut volume, inner, "file", &noise(9000, 9));
        volume.sync().expect("to be synchronised");
        drop(volume);
        let good = disk.bytes();
        let used = good.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        let tries = if trials::is_long() { 4000 } else { 60 };
        for seed in 1..=tries {
            let mut random = Random(seed);
            let mut bytes = good.clone();
            for _ in 0..random.below(40) + 1 {
                // Mostly where the tables and directories are.
                let range = match random.below(4) {
                    0 => 512,
                    1 => used.min(64 << 10),
                    2 => used.min(2 << 20),
                    _ => used,
                };
                let at = random.below(range as u64) as usize;
                match random.below(3) {
                    0 => bytes[at] = random.below(256) as u8,
                    1 => bytes[at] ^= 1 << random.below(8),
                    _ => {
                        let end = (at + random.below(64) as usize).min(bytes.len());
                        let value = [0, 0xff, random.below(256) as u8][random.below(3) as usize];
                        bytes[at..end].fill(value);
                    }
                }
            }
            let result = std::panic::catch_unwind(|| {
                if let Ok(mut volume) = Memory::new(bytes).open() {
                    explore(&mut volume);
                }
            });
            assert!(result.is_ok(), "{name} with seed {seed}");
        }
    }
}

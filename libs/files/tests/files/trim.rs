//! Giving up what is free: the bytes of deleted files go, and nothing else does, whenever the power goes.

use abi::Error;
use files::{DataDisk, Files, Kind};

use crate::common::{Disks, Told};

const MIB: usize = 1 << 20;

fn mount(disks: &Disks) -> (Files, DataDisk) {
    disks.try_mount_with_disk().unwrap()
}

/// Bytes that are others for each file and place.
fn bytes(which: u8, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at / 4096 * 31 + at) as u8 ^ which)
        .collect()
}

fn write(files: &mut Files, name: &str, which: u8, len: usize) {
    let root = files.root();
    let node = files.create(root, name, Kind::File, 0o644).unwrap();
    files.keep(node).unwrap();
    for (at, part) in bytes(which, len).chunks(64 * 1024).enumerate() {
        files.write(node, (at * 64 * 1024) as u64, part).unwrap();
    }
    files.close(node).unwrap();
    files.sync().unwrap();
}

fn must_hold(files: &mut Files, name: &str, which: u8, len: usize) {
    let node = files.lookup(files.root(), name).unwrap();
    files.keep(node).unwrap();
    let mut found = vec![0; len + 1];
    let mut read = 0;
    while let Ok(more @ 1..) = files.read(node, read as u64, &mut found[read..]) {
        read += more;
    }
    files.close(node).unwrap();
    assert!(found[..read] == bytes(which, len), "{name}");
}

/// What is large goes bit by bit.
fn tidy(files: &mut Files) {
    while files.tidy().unwrap() {
        assert!(!files.wants_trim(), "there is more");
    }
    files.sync().unwrap();
}

fn remove(files: &mut Files, name: &str) {
    files.unlink(files.root(), name).unwrap();
    tidy(files);
}

#[test]
fn what_was_deleted_is_given_up_and_nothing_else() {
    let disks = Disks::new();
    let (mut files, disk) = mount(&disks);
    write(&mut files, "a", 1, 4 * MIB);
    write(&mut files, "b", 2, 2 * MIB);
    assert!(!files.wants_trim());
    remove(&mut files, "a");
    assert!(files.wants_trim());
    let given = files.trim(&disk).unwrap();
    assert!(given as usize > 4 * MIB - 64 * 1024, "{given}");
    assert_eq!(given, *disks.data.discarded.borrow());
    assert!(!files.wants_trim(), "once");
    must_hold(&mut files, "b", 2, 2 * MIB);
    assert_eq!(files.check(), Ok(None));
    // What was given up is used again.
    let used = files.space().unwrap();
    write(&mut files, "c", 3, 3 * MIB);
    assert_eq!(files.space().unwrap().0, used.0);
    // A part of a file.
    let c = files.lookup(files.root(), "c").unwrap();
    files.keep(c).unwrap();
    files.set_len(c, MIB as u64).unwrap();
    assert!(!files.wants_trim(), "it is not synchronised");
    files.close(c).unwrap();
    tidy(&mut files);
    assert!(files.wants_trim());
    assert!(files.trim(&disk).unwrap() > MIB as u64);
    drop(files);
    let (mut files, _) = mount(&disks);
    must_hold(&mut files, "b", 2, 2 * MIB);
    must_hold(&mut files, "c", 3, MIB);
    assert_eq!(files.check(), Ok(None));
}

#[test]
fn a_snapshot_keeps_its_bytes() {
    let disks = Disks::new();
    let (mut files, disk) = mount(&disks);
    write(&mut files, "a", 1, MIB / 4);
    files.snapshot("then").unwrap();
    remove(&mut files, "a");
    files.trim(&disk).unwrap();
    files.restore("then").unwrap();
    must_hold(&mut files, "a", 1, MIB / 4);
}

#[test]
fn whenever_the_power_goes_all_that_is_there_is_whole() {
    let (disks, journal) = Disks::new().recorded();
    let (mut files, disk) = mount(&disks);
    write(&mut files, "a", 1, 2 * MIB);
    write(&mut files, "b", 2, MIB / 2);
    remove(&mut files, "a");
    files.trim(&disk).unwrap();
    let trimmed = journal.borrow().len();
    write(&mut files, "c", 3, MIB);
    let end = journal.borrow().len();
    let after = Disks::new();
    for (number, (which, told)) in journal.borrow().iter().enumerate() {
        let ram = [&after.data, &after.log][*which];
        if let Told::Write { offset, bytes } = told {
            ram.bytes.borrow_mut()[*offset..*offset + bytes.len()].copy_from_slice(bytes);
        }
        // From a while before it was given up.
        let near = number + 40 > trimmed && number < trimmed + 40;
        if !near && (number + 200 < trimmed || !number.is_multiple_of(37)) && number + 1 != end {
            continue;
        }
        let copy = Disks::of(
            after.data.bytes.borrow().clone(),
            after.log.bytes.borrow().clone(),
        );
        let (mut files, _) = mount(&copy);
        assert_eq!(files.check(), Ok(None), "after {number} of {end}");
        must_hold(&mut files, "b", 2, MIB / 2);
        if number >= trimmed {
            let root = files.root();
            assert_eq!(files.lookup(root, "a"), Err(Error::NotFound));
        }
        if number + 1 == end {
            must_hold(&mut files, "c", 3, MIB);
        }
    }
}

#[test]
fn a_list_that_is_damaged_is_an_error() {
    let disks = Disks::new();
    let (mut files, disk) = mount(&disks);
    write(&mut files, "a", 1, 2 * MIB);
    remove(&mut files, "a");
    files.trim(&disk).unwrap();
    let first = {
        let bytes = disks.data.bytes.borrow();
        u32::from_be_bytes(bytes[32..36].try_into().unwrap()) as usize
    };
    let at = (first - 1) * 4096;
    // Where it goes on, how many pages follow, and one of them.
    for (place, value) in [
        (at, first as u32),
        (at, u32::MAX),
        (at + 4, 5000),
        (at + 4, 1022),
        (at + 8, 0),
        (at + 8, 1),
        (at + 8, u32::MAX),
        (36, u32::MAX),
        (32, u32::MAX),
    ] {
        let before = disks.data.bytes.borrow()[place..place + 4].to_vec();
        disks.data.bytes.borrow_mut()[place..place + 4].copy_from_slice(&value.to_be_bytes());
        let given = *disks.data.discarded.borrow();
        assert_eq!(
            files.trim(&disk),
            Err(Error::InvalidData),
            "{place} {value}"
        );
        assert_eq!(*disks.data.discarded.borrow(), given);
        disks.data.bytes.borrow_mut()[place..place + 4].copy_from_slice(&before);
    }
    files.trim(&disk).unwrap();
}

//! Disks that fail, that hold something else, or that somebody has tampered with.

use abi::Error;
use files::{Files, Kind, SECTOR_LEN};

use crate::common::{DATA_LEN, Disks, LOG_LEN, Random, long};

#[test]
fn a_disk_with_something_else_on_it_is_refused() {
    let mut data = vec![0; DATA_LEN];
    data[..16].copy_from_slice(b"SQLite format 3\0");
    data[16..].fill(0x5a);
    let found = Disks::of(data, vec![0; LOG_LEN]).try_mount();
    assert!(
        matches!(found, Err(Error::InvalidData)),
        "{:?}",
        found.err()
    );

    // A proper database, but not a file system.
    let disks = Disks::new();
    let clock = || Box::new(crate::common::Ticking(0));
    let storage = files::DiskStorage::new(
        Box::new(disks.data.clone()),
        Box::new(disks.log.clone()),
        clock(),
    );
    let db = sqlite::Connection::open(Box::new(storage)).unwrap();
    db.execute("pragma journal_mode = memory; pragma journal_mode = wal; create table t(a)")
        .unwrap();
    drop(db);
    assert!(matches!(disks.try_mount(), Err(Error::InvalidData)));
}

#[test]
fn a_schema_that_was_tampered_with_is_refused() {
    for change in [
        "create trigger t after insert on entry begin delete from node; end",
        "drop view files; create view files as select 1",
        "alter table chunk add column more blob",
        "drop index entry_node",
    ] {
        let disks = Disks::new();
        drop(disks.mount());
        let storage = files::DiskStorage::new(
            Box::new(disks.data.clone()),
            Box::new(disks.log.clone()),
            Box::new(crate::common::Ticking(0)),
        );
        let db = sqlite::Connection::open(Box::new(storage)).unwrap();
        db.execute(change).unwrap();
        drop(db);
        assert!(
            matches!(disks.try_mount(), Err(Error::InvalidData)),
            "{change}"
        );
    }
}

#[test]
fn read_and_write_errors_are_passed_on() {
    for after in (0..400).step_by(7) {
        let disks = Disks::new();
        *disks.data.fails_after.borrow_mut() = Some(after);
        let Ok(mut files) = disks.try_mount() else {
            continue;
        };
        let root = files.root();
        for i in 0..50 {
            let made = files.create(root, &format!("{i}"), Kind::File, 0);
            let Ok(node) = made else { break };
            if files.keep(node).is_ok() {
                let _ = files.write(node, 0, &[1; 30_000]);
                let _ = files.close(node);
            }
            let _ = files.sync();
        }
        // It comes back: what was synchronised is still there and can be used.
        *disks.data.fails_after.borrow_mut() = None;
        drop(files);
        let mut files = disks.mount();
        assert_eq!(files.check(), Ok(None));
    }
}

/// Damaged images: an error or a wrong answer, but nothing that ends the program.
#[test]
fn damaged_images_are_errors() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    for i in 0..30 {
        let directory = files
            .create(root, &format!("d{i}"), Kind::Directory, 0o755)
            .unwrap();
        let node = files.create(directory, "f", Kind::File, 0o644).unwrap();
        files.keep(node).unwrap();
        files.write(node, 0, &vec![i as u8; i * 1000]).unwrap();
        files.close(node).unwrap();
    }
    files.sync().unwrap();
    drop(files);
    let used = disks
        .data
        .bytes
        .borrow()
        .iter()
        .rposition(|&byte| byte != 0)
        .unwrap();
    let image = disks.data.bytes.borrow().clone();
    let mut random = Random(99);
    for _ in 0..if long() { 5_000 } else { 100 } {
        let mut image = image.clone();
        for _ in 0..1 + random.below(8) {
            let at = random.below(used);
            match random.below(3) {
                0 => image[at] = random.below(256) as u8,
                1 => image[at..(at + SECTOR_LEN).min(DATA_LEN)].fill(random.below(256) as u8),
                _ => image[at] ^= 1 << random.below(8),
            }
        }
        let disks = Disks::of(image, vec![0; LOG_LEN]);
        let Ok(mut files) = disks.try_mount() else {
            continue;
        };
        let root = files.root();
        let mut waiting = vec![root];
        let mut budget = 500;
        while let Some(directory) = waiting.pop() {
            for entry in files.list(directory, "", 100).unwrap_or_default() {
                budget -= 1;
                if budget == 0 {
                    waiting.clear();
                    break;
                }
                if entry.kind == Kind::Directory {
                    waiting.push(entry.node);
                }
                if files.keep(entry.node).is_ok() {
                    let mut bytes = [0; 100];
                    let _ = files.read(entry.node, 10, &mut bytes);
                    let _ = files.write(entry.node, 20_000, &bytes);
                    let _ = files.set_len(entry.node, 5);
                    let _ = files.close(entry.node);
                }
                let _ = files.rename(directory, &entry.name, root, "moved");
            }
        }
        let _ = files.sync();
    }
}

/// A sector that cannot be read is an error of the file that lies there: what others have changed meanwhile is kept.
#[test]
fn a_sector_that_cannot_be_read_takes_nothing_from_others() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    let put = |files: &mut Files, name: &str, bytes: &[u8]| {
        let node = files.create(root, name, Kind::File, 0o644).unwrap();
        files.keep(node).unwrap();
        files.write(node, 0, bytes).unwrap();
        files.close(node).unwrap();
    };
    put(&mut files, "bad", &[b'b'; 100_000]);
    put(&mut files, "good", &[b'g'; 100_000]);
    files.sync().unwrap();
    drop(files);
    // All of it is in the database, and not in the log.
    disks.log.bytes.borrow_mut().fill(0);
    {
        let bytes = disks.data.bytes.borrow();
        let sectors = bytes.chunks(512).enumerate();
        let bad = sectors.filter(|(_, sector)| *sector == [b'b'; 512]);
        let mut unreadable = disks.data.unreadable.borrow_mut();
        unreadable.extend(bad.map(|(at, _)| at * 512));
        assert!(unreadable.len() > 100);
    }
    let mut files = disks.mount();
    let read = |files: &mut Files, name: &str| {
        let node = files.lookup(root, name).unwrap();
        files.keep(node).unwrap();
        let mut bytes = vec![0; 100_000];
        let read = files.read(node, 0, &mut bytes);
        files.close(node).unwrap();
        read.map(|len| bytes[..len].to_vec())
    };
    put(&mut files, "new", &[b'n'; 50_000]);
    for _ in 0..3 {
        assert_eq!(read(&mut files, "bad"), Err(Error::Io));
        assert_eq!(read(&mut files, "good"), Ok(vec![b'g'; 100_000]));
    }
    put(&mut files, "newer", b"!");
    assert_eq!(read(&mut files, "bad"), Err(Error::Io));
    assert_eq!(files.sync(), Ok(()));
    drop(files);
    let mut files = disks.mount();
    assert_eq!(read(&mut files, "new"), Ok(vec![b'n'; 50_000]));
    assert_eq!(read(&mut files, "newer"), Ok(b"!".to_vec()));
}

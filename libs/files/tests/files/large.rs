//! What is much at once: more than the log can take in one transaction.
//!
//! A file whose bytes do not fit there is deleted, replaced and cut, with and without a snapshot that keeps them, and a snapshot
//! of it is restored and forgotten.

use abi::Error;
use files::{Files, Kind, Node, UNDONE};

use crate::common::{DATA_LEN, Disks, LOG_LEN, WENT_ON};

/// Three times as much as the log.
const LARGE: usize = 3 * LOG_LEN;

fn make(files: &mut Files, name: &str, which: u8, len: usize) -> Node {
    let root = files.root();
    let node = files.create(root, name, Kind::File, 0o644).unwrap();
    files.keep(node).unwrap();
    fill(files, node, which, len);
    files.close(node).unwrap();
    node
}

fn fill(files: &mut Files, node: Node, which: u8, len: usize) {
    for (i, part) in vec![which; len].chunks(64 * 1024).enumerate() {
        files.write(node, (i * 64 * 1024) as u64, part).unwrap();
    }
}

/// The file's length, if it consists of this byte alone.
fn len_of(files: &mut Files, name: &str, which: u8) -> u64 {
    let node = files.lookup(files.root(), name).unwrap();
    let len = files.keep(node).unwrap().len;
    let mut bytes = vec![0; len as usize];
    assert_eq!(files.read(node, 0, &mut bytes), Ok(len as usize));
    files.close(node).unwrap();
    assert!(bytes.iter().all(|byte| *byte == which), "{name}");
    len
}

fn number(files: &mut Files, sql: &str) -> i64 {
    let mut answer = 0;
    let each = |row: &sqlite::Statement| {
        answer = row.integer(0);
        Ok(true)
    };
    files.query(sql, |_| {}, each, |_| {}).unwrap();
    answer
}

/// Does all that is left to be done; how many pieces that were.
fn tidy(files: &mut Files) -> usize {
    let mut pieces = 0;
    while files.tidy().unwrap() {
        pieces += 1;
    }
    assert_eq!(number(files, "select count(*) from orphan"), 0);
    assert_eq!(files.check(), Ok(None));
    pieces
}

#[test]
fn a_file_larger_than_the_log_is_deleted_with_a_snapshot() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    make(&mut files, "large", 7, LARGE);
    files.snapshot("then").unwrap();
    files.sync().unwrap();
    files.unlink(root, "large").unwrap();
    assert_eq!(files.lookup(root, "large"), Err(Error::NotFound));
    files.sync().unwrap();
    assert!(tidy(&mut files) > 10);
    assert_eq!(number(&mut files, "select count(*) from chunk"), 0);
    files.restore("then").unwrap();
    assert_eq!(len_of(&mut files, "large", 7), LARGE as u64);
    files.restore(UNDONE).unwrap();
    assert_eq!(files.lookup(root, "large"), Err(Error::NotFound));
    // Forgetting both leaves nothing.
    files.remove_snapshot("then").unwrap();
    files.remove_snapshot(UNDONE).unwrap();
    assert_eq!(files.snapshots(), Ok(vec![]));
    tidy(&mut files);
    for table in ["old_chunk", "old_node", "old_entry", "snapshot", "chunk"] {
        let sql = format!("select count(*) from {table}");
        assert_eq!(number(&mut files, &sql), 0, "{table}");
    }
}

#[test]
fn each_piece_is_small_and_a_mount_goes_on() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    make(&mut files, "large", 7, LARGE);
    files.snapshot("then").unwrap();
    let chunks = number(&mut files, "select count(*) from chunk");
    files.unlink(root, "large").unwrap();
    assert!(files.wants_tidying());
    let mut left = chunks;
    for _ in 0..5 {
        assert_eq!(files.tidy(), Ok(true));
        let now = number(&mut files, "select count(*) from chunk");
        assert!(now < left && left - now <= 32, "{left} to {now}");
        left = now;
    }
    files.sync().unwrap();
    drop(files);
    let mut files = disks.mount();
    assert_eq!(files.lookup(root, "large"), Err(Error::NotFound));
    assert!(number(&mut files, "select count(*) from chunk") < left);
    tidy(&mut files);
    files.restore("then").unwrap();
    assert_eq!(len_of(&mut files, "large", 7), LARGE as u64);
}

#[test]
fn one_that_is_open_or_replaced_goes_in_pieces_too() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    let open = make(&mut files, "open", 1, LARGE);
    make(&mut files, "small", 2, 10);
    files.snapshot("then").unwrap();
    files.keep(open).unwrap();
    files.rename(root, "small", root, "open").unwrap();
    // Whoever has it open has all of it.
    assert!(!files.wants_tidying());
    let mut bytes = [0; 100];
    assert_eq!(files.read(open, LARGE as u64 - 100, &mut bytes), Ok(100));
    assert_eq!(bytes, [1; 100]);
    files.close(open).unwrap();
    assert!(files.wants_tidying());
    // Nobody opens it any more.
    assert_eq!(files.keep(open), Err(Error::NotFound));
    tidy(&mut files);
    assert_eq!(len_of(&mut files, "open", 2), 10);
    files.restore("then").unwrap();
    assert_eq!(len_of(&mut files, "open", 1), LARGE as u64);
}

#[test]
fn what_is_cut_off_goes_in_pieces_and_never_comes_back() {
    for snapshot in [false, true] {
        for (cut, grown) in [(0, LARGE), (100, 100_000), (1_000_000, 1_000_001)] {
            let disks = Disks::new();
            let mut files = disks.mount();
            let node = make(&mut files, "large", 7, LARGE);
            if snapshot {
                files.snapshot("then").unwrap();
            }
            files.keep(node).unwrap();
            files.set_len(node, cut).unwrap();
            assert!(files.wants_tidying());
            files.tidy().unwrap();
            // It grows before all that was cut off is gone.
            files.set_len(node, grown as u64).unwrap();
            let mut bytes = vec![9; grown];
            assert_eq!(files.read(node, 0, &mut bytes), Ok(grown));
            assert!(bytes[..cut as usize].iter().all(|byte| *byte == 7));
            assert!(bytes[cut as usize..].iter().all(|byte| *byte == 0));
            files.close(node).unwrap();
            files.sync().unwrap();
            drop(files);
            let mut files = disks.mount();
            tidy(&mut files);
            files.keep(node).unwrap();
            files.set_len(node, LARGE as u64).unwrap();
            let mut bytes = vec![9; LARGE];
            files.read(node, 0, &mut bytes).unwrap();
            assert!(bytes[cut as usize..].iter().all(|byte| *byte == 0));
            files.close(node).unwrap();
            if snapshot {
                files.restore("then").unwrap();
                assert_eq!(len_of(&mut files, "large", 7), LARGE as u64);
                // What the other state had cut off is not behind its end either, once it is back.
                files.restore(UNDONE).unwrap();
                tidy(&mut files);
            }
        }
    }
}

#[test]
fn a_state_that_was_cut_comes_back_without_what_was_cut_off() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let node = make(&mut files, "large", 7, LARGE);
    files.snapshot("then").unwrap();
    files.keep(node).unwrap();
    files.set_len(node, 5).unwrap();
    // Nothing of it is gone yet.
    files.restore("then").unwrap();
    assert_eq!(files.attributes(node).unwrap().len, LARGE as u64);
    files.restore(UNDONE).unwrap();
    assert_eq!(files.attributes(node).unwrap().len, 5);
    files.set_len(node, 100_000).unwrap();
    let mut bytes = vec![9; 100_000];
    files.read(node, 0, &mut bytes).unwrap();
    assert_eq!(bytes[..5], [7; 5]);
    assert!(bytes[5..].iter().all(|byte| *byte == 0));
    files.close(node).unwrap();
    tidy(&mut files);
}

#[test]
fn much_that_has_changed_is_restored_in_one_step() {
    let disks = Disks::of(vec![0; 2 * DATA_LEN], vec![0; LOG_LEN]);
    let mut files = disks.mount();
    let root = files.root();
    let node = make(&mut files, "large", 1, LARGE);
    for i in 0..200 {
        make(&mut files, &format!("{i}"), 3, 900);
    }
    files.snapshot("then").unwrap();
    files.keep(node).unwrap();
    fill(&mut files, node, 2, LARGE);
    files.close(node).unwrap();
    for i in 0..200 {
        files.unlink(root, &format!("{i}")).unwrap();
        make(&mut files, &format!("n{i}"), 4, 900);
    }
    files.restore("then").unwrap();
    assert_eq!(len_of(&mut files, "large", 1), LARGE as u64);
    assert_eq!(len_of(&mut files, "199", 3), 900);
    assert_eq!(files.lookup(root, "n0"), Err(Error::NotFound));
    files.restore(UNDONE).unwrap();
    assert_eq!(len_of(&mut files, "large", 2), LARGE as u64);
    assert_eq!(len_of(&mut files, "n199", 4), 900);
    tidy(&mut files);
}

/// A restoration that fails, because the disk can do no more at any moment of it, has changed nothing once the disk can.
#[test]
fn a_restoration_that_fails_has_changed_nothing() {
    let disks = Disks::of(vec![0; 2 * DATA_LEN], vec![0; LOG_LEN]);
    let mut files = disks.mount();
    let node = make(&mut files, "large", 1, LARGE);
    files.snapshot("then").unwrap();
    files.keep(node).unwrap();
    fill(&mut files, node, 2, LARGE);
    files.close(node).unwrap();
    make(&mut files, "new", 3, 10);
    files.sync().unwrap();
    drop(files);
    let (data, log) = (disks.data.bytes.borrow(), disks.log.bytes.borrow());
    let (mut after, mut failed) = (0, 0);
    loop {
        let disks = Disks::of(data.clone(), log.clone());
        let mut files = disks.mount();
        *disks.data.fails_after.borrow_mut() = Some(after);
        *disks.log.fails_after.borrow_mut() = Some(after);
        let done = files.restore("then");
        *disks.data.fails_after.borrow_mut() = None;
        *disks.log.fails_after.borrow_mut() = None;
        drop(files);
        let mut files = disks.mount();
        let new = files.lookup(files.root(), "new");
        // Said to have failed, it may have happened if nothing but the last word of it was lost.
        let happened = match done {
            Ok(_) => true,
            Err(_) => new.is_err(),
        };
        assert_eq!(new.is_err(), happened, "{after}");
        let expected = if happened { 1 } else { 2 };
        assert_eq!(
            len_of(&mut files, "large", expected),
            LARGE as u64,
            "{after}"
        );
        tidy(&mut files);
        let names: Vec<String> = files
            .snapshots()
            .unwrap()
            .into_iter()
            .map(|one| one.name)
            .collect();
        let both: &[&str] = if happened {
            &["then", UNDONE]
        } else {
            &["then"]
        };
        assert_eq!(names, both, "{after}");
        if done.is_ok() {
            break;
        }
        failed += 1;
        after += 1 + after / 8;
    }
    assert!(failed > 20, "{failed}");
}

/// Everything can be deleted on a disk on which nothing has room, also if a snapshot keeps all of it.
#[test]
fn a_full_disk_lets_delete() {
    for snapshot in [false, true] {
        let disks = Disks::new();
        let mut files = disks.mount();
        let root = files.root();
        let mut names = vec![];
        let mut full = false;
        while !full {
            let name = format!("{}", names.len());
            let node = files.create(root, &name, Kind::File, 0o644).unwrap();
            files.keep(node).unwrap();
            let len = if names.len() % 3 == 0 {
                2_000_000
            } else {
                20_000
            };
            for (i, part) in vec![5; len].chunks(64 * 1024).enumerate() {
                full |= files.write(node, (i * 64 * 1024) as u64, part).is_err();
            }
            files.close(node).unwrap();
            names.push(name);
            if snapshot && names.len() == 4 {
                files.snapshot("then").unwrap();
            }
        }
        // Even the last of it.
        let mut fillers = 0;
        while files
            .create(root, &format!("filler {fillers}"), Kind::File, 0o644)
            .is_ok()
        {
            fillers += 1;
        }
        files.sync().unwrap();
        for name in &names {
            let node = files.lookup(root, name).unwrap();
            files.keep(node).unwrap();
            files.set_len(node, 0).unwrap();
            files.close(node).unwrap();
            files.tidy().unwrap();
        }
        for name in &names {
            files.unlink(root, name).unwrap();
            files.sync().unwrap();
        }
        // What nothing keeps has made room.
        let node = make(&mut files, "after", 6, 1_000_000);
        assert_eq!(len_of(&mut files, "after", 6), 1_000_000);
        files.unlink(root, "after").unwrap();
        assert_eq!(files.keep(node).err(), Some(Error::NotFound));
        if snapshot {
            files.restore("then").unwrap();
            assert_eq!(len_of(&mut files, "0", 5), 2_000_000);
            assert_eq!(len_of(&mut files, "3", 5), 2_000_000);
        }
        files.sync().unwrap();
        assert_eq!(files.check(), Ok(None));
    }
}

/// Many small changes that nobody synchronises do not grow beyond the log.
#[test]
fn many_names_fit_into_the_smallest_log() {
    let disks = Disks::of(vec![0; 2 * DATA_LEN], vec![0; 1 << 20]);
    let mut files = disks.mount();
    let root = files.root();
    let name = |i: u64| format!("{:016x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for i in 0..10_000 {
        files.create(root, &name(i), Kind::File, 0o644).unwrap();
    }
    for i in 0..10_000 {
        let node = files.lookup(root, &name(i)).unwrap();
        files.set_mode(node, 0o600).unwrap();
    }
    // Nobody else is served meanwhile, but whoever asks whether it goes on can be told.
    let went_on = || WENT_ON.replace(0);
    went_on();
    files.snapshot("then").unwrap();
    assert!(went_on() > 20);
    for i in (0..10_000).rev() {
        files.unlink(root, &name(i)).unwrap();
    }
    assert_eq!(went_on(), 0);
    files.restore("then").unwrap();
    assert!(went_on() > 20);
    files.lookup(root, &name(9_999)).unwrap();
    files.remove_snapshot("then").unwrap();
    files.remove_snapshot(UNDONE).unwrap();
    tidy(&mut files);
}

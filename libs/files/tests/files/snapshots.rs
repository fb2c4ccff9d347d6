//! Snapshots: what they show, what going back leads to, and disks of before there were any.

use std::collections::BTreeMap;

use abi::Error;
use files::{Difference, Files, Kind, UNDONE};

use crate::common::{Disks, Random, long};
use crate::model::{Tree, read_all, step};

#[test]
fn random_changes_are_undone_as_in_a_model() {
    let (seeds, steps) = if long() { (40, 3_000) } else { (4, 400) };
    for seed in 1..=seeds {
        println!("seed {seed}");
        let disks = Disks::new();
        let mut files = disks.mount();
        let mut tree = Tree::new();
        let mut random = Random(seed);
        // What each snapshot has to show.
        let mut taken: BTreeMap<String, Tree> = BTreeMap::new();
        for i in 0..steps {
            step(&mut files, &mut tree, &mut random);
            let one = taken.keys().nth(random.below(taken.len().max(1))).cloned();
            match (random.below(60), one) {
                (0..=2, _) if taken.len() < 6 => {
                    let name = format!("s{i}");
                    files.snapshot(&name).unwrap();
                    taken.insert(name, tree.clone());
                }
                (3, Some(name)) => {
                    files.remove_snapshot(&name).unwrap();
                    taken.remove(&name);
                }
                (4 | 5, Some(name)) => {
                    assert_eq!(files.restore(&name), Ok(vec![]));
                    let now = taken[&name].clone();
                    taken.insert(UNDONE.into(), std::mem::replace(&mut tree, now));
                    assert!(read_all(&mut files) == tree, "step {i}, back to {name}");
                }
                (6, _) => {
                    files.sync().unwrap();
                    drop(files);
                    files = disks.mount();
                }
                _ => {}
            }
        }
        assert_eq!(files.check().unwrap(), None);
        let listed: Vec<String> = files
            .snapshots()
            .unwrap()
            .into_iter()
            .map(|one| one.name)
            .collect();
        let mut sorted = listed.clone();
        sorted.sort();
        assert_eq!(sorted, taken.keys().cloned().collect::<Vec<_>>());
        for name in listed.iter().filter(|name| *name != UNDONE) {
            files.restore(name).unwrap();
            assert!(read_all(&mut files) == taken[name], "{name} at the end");
        }
    }
}

fn differences(files: &mut Files, name: &str) -> Vec<String> {
    let mut all = vec![];
    files
        .differences(name, |difference, path| {
            let mark = match difference {
                Difference::New => '+',
                Difference::Gone => '-',
                Difference::Changed => '~',
            };
            all.push(format!("{mark}{path}"));
            Ok(())
        })
        .unwrap();
    all
}

#[test]
fn differences_are_told_and_open_files_are_lost_or_go_on() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    let make = |files: &mut Files, name: &str| {
        let node = files.create(root, name, Kind::File, 0o644).unwrap();
        files.keep(node).unwrap();
        node
    };
    let (stays, goes) = (make(&mut files, "stays"), make(&mut files, "goes"));
    files.write(stays, 0, &[1; 100_000]).unwrap();
    files.snapshot("one").unwrap();
    assert!(differences(&mut files, "one").is_empty());
    files.write(stays, 50_000, &[2; 10]).unwrap();
    files.unlink(root, "goes").unwrap();
    files.close(goes).unwrap();
    let new = make(&mut files, "new");
    assert_eq!(
        differences(&mut files, "one"),
        ["-/goes", "+/new", "~/stays"]
    );
    assert!(files.snapshots().unwrap()[0].kept <= 16 * 1024);

    // What is open and was there goes on with what it was; what was not there is told.
    assert_eq!(files.restore("one"), Ok(vec![new]));
    let mut bytes = vec![0; 100_000];
    assert_eq!(files.read(stays, 0, &mut bytes), Ok(100_000));
    assert!(bytes.iter().all(|byte| *byte == 1));
    assert_eq!(files.read(new, 0, &mut bytes), Err(Error::BadHandle));
    // And back again.
    files.restore(UNDONE).unwrap();
    files.read(stays, 50_000, &mut bytes[..10]).unwrap();
    assert_eq!(bytes[..10], [2; 10]);
    assert_eq!(files.snapshot("one"), Err(Error::AlreadyExists));
    assert_eq!(files.snapshot("a/b"), Err(Error::InvalidFilename));
    assert_eq!(files.restore("none").err(), Some(Error::NotFound));
    assert_eq!(files.remove_snapshot("none"), Err(Error::NotFound));
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let node = files
        .create(files.root(), "large", Kind::File, 0o644)
        .unwrap();
    files.keep(node).unwrap();
    let part = vec![7; 64 * 1024];
    let mut len = 0;
    while files.write(node, len, &part).is_ok() {
        len += part.len() as u64;
        if len > 9 << 20 {
            break;
        }
    }
    files.snapshot("before").unwrap();
    // Each changed chunk is kept: the disk is full before all are changed.
    let other = vec![8; 64 * 1024];
    let mut changed = 0;
    while changed < len && files.write(node, changed, &other).is_ok() {
        changed += other.len() as u64;
    }
    assert!(changed < len, "{changed} of {len}");
    files.sync().unwrap();
    let mut found = vec![0; 64 * 1024];
    files.read(node, 0, &mut found).unwrap();
    assert!(found == other);
    // Forgetting makes room.
    files.remove_snapshot("before").unwrap();
    files.write(node, changed, &other).unwrap();
    files.sync().unwrap();
    assert_eq!(files.check().unwrap(), None);
}

#[test]
fn a_disk_of_before_gets_what_it_lacks() {
    let disks = Disks::new();
    let mut files = disks.mount();
    files
        .create(files.root(), "old", Kind::File, 0o644)
        .unwrap();
    files.sync().unwrap();
    files
        .execute_for_tests(
            "drop table snapshot; drop table old_node; drop table old_entry; drop table old_chunk; \
             drop table orphan; \
             pragma user_version = 1;",
        )
        .unwrap();
    drop(files);
    let mut files = disks.mount();
    files.lookup(files.root(), "old").unwrap();
    files.snapshot("now").unwrap();
    drop(files);
    assert_eq!(
        disks.mount().snapshots().unwrap().len(),
        0,
        "not synchronised"
    );
}

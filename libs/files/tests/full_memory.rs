//! A cache that may have more pages than there is memory for: it makes do with those that it has. A test binary of its own, since SQLite
//! is told of the failing memory before its first use and for good.

use files::{DiskStorage, Files, Kind, Options};
use sqlite::failing_memory::{install, refuse_from};

#[allow(dead_code)] // It is for other tests as well.
#[path = "files/common.rs"]
mod common;

use common::{DATA_LEN, Disks, LOG_LEN, Ticking};

/// What the pages of so many files' names and attributes are many more than.
const FILES: usize = 10_000;
/// As many as are looked for before memory runs out: the cache has some pages then.
const BEFORE: usize = 1000;

/// Opens the file system with a cache that has room for all of it.
fn mount(disks: &Disks) -> Files {
    let options = Options {
        data_len: DATA_LEN as u64,
        log_len: LOG_LEN as u64,
        cache_len: DATA_LEN,
    };
    let clock = || Box::new(Ticking(1_700_000_000_000_000_000));
    let (data, log) = (Box::new(disks.data.clone()), Box::new(disks.log.clone()));
    let storage = DiskStorage::new(data, log, clock());
    Files::open(Box::new(storage), clock(), options).unwrap()
}

#[test]
fn pages_are_read_although_there_is_no_memory_for_more_of_them() {
    install();
    let disks = Disks::new();
    let mut files = mount(&disks);
    let root = files.root();
    for i in 0..FILES {
        files
            .create(root, &i.to_string(), Kind::File, 0o644)
            .unwrap();
    }
    files.sync().unwrap();
    drop(files);

    let mut files = mount(&disks);
    let mut look = |i: usize| {
        let node = files.lookup(root, &i.to_string());
        node.and_then(|node| files.attributes(node)).map(drop)
    };
    (0..BEFORE).try_for_each(&mut look).unwrap();
    refuse_from(4096);
    for i in 0..FILES {
        assert_eq!(look(i), Ok(()), "{i}");
    }
    // It may have more again.
    refuse_from(i64::MAX);
    assert_eq!(files.check(), Ok(None));
}

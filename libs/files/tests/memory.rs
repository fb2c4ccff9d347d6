//! Memory that runs out: SQLite's allocations fail, one after the other, at every place where it makes any.
//!
//! What is refused says so, has changed nothing, and works when it is tried again; what was done before
//! is still there, also after the next start. A test binary of its own, because SQLite is told of the failing memory
//! before its first use and for good. `FTL_LONG=1` fails each allocation; else it is each of a sample.
//!
//! Deliberately absent: allocations of Rust. They end the server: see `rust_memory.rs`.

use abi::Error;
use sqlite::failing_memory::{arm, at_ease, has_failed, install};

#[allow(dead_code)] // It is for other tests as well.
#[path = "files/common.rs"]
mod common;

#[path = "files/steps.rs"]
mod steps;

use common::{Disks, long};
use steps::{STEPS, picture};

/// What there is after each step, if nothing fails.
fn expected() -> Vec<String> {
    let disks = Disks::new();
    let mut files = disks.mount();
    let mut pictures = vec![picture(&mut files)];
    for (name, step) in STEPS {
        step(&mut files).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        files.sync().unwrap();
        pictures.push(picture(&mut files));
    }
    pictures
}

/// Does all steps, while an allocation fails. Answers whether one did.
fn run(number: i64, stays: bool, pictures: &[String]) -> bool {
    let disks = Disks::new();
    let mut files = disks.mount();
    files.sync().unwrap();
    arm(number, stays);
    let mut failed = false;
    for (i, (name, step)) in STEPS.iter().enumerate() {
        let say = || format!("allocation {number}, stays: {stays}, {name}");
        loop {
            let result = step(&mut files).and_then(|()| files.sync());
            let Err(error) = result else {
                break;
            };
            assert!(has_failed(), "{}: {error:?}", say());
            assert_eq!(error, Error::OutOfMemory, "{}", say());
            failed = true;
            arm(-1, false);
            // What was lost with it is said once.
            if let Err(lost) = files.sync() {
                assert!(matches!(lost, Error::OutOfMemory | Error::Io), "{}", say());
                assert_eq!(files.sync(), Ok(()), "{}", say());
            }
            match picture(&mut files) {
                now if now == pictures[i + 1] => break,
                now => assert_eq!(now, pictures[i], "{}", say()),
            }
        }
        // A failure that SQLite could do without.
        if stays && has_failed() {
            arm(-1, false);
            failed = true;
        }
        let now = at_ease(|| picture(&mut files));
        assert_eq!(now, pictures[i + 1], "{}", say());
    }
    failed |= has_failed();
    arm(-1, false);
    assert_eq!(files.check(), Ok(None));
    drop(files);
    let mut files = disks.mount();
    assert_eq!(
        picture(&mut files),
        pictures[STEPS.len()],
        "allocation {number}"
    );
    assert_eq!(files.check(), Ok(None));
    failed
}

/// Mounts a disk with something on it. Answers whether an allocation failed.
fn mount(disks: &Disks, number: i64, stays: bool, expected: &str) -> bool {
    arm(number, stays);
    let found = disks.try_mount();
    let failed = has_failed();
    arm(-1, false);
    match found {
        Ok(mut files) => assert_eq!(picture(&mut files), expected, "allocation {number}"),
        Err(error) => assert_eq!(error, Error::OutOfMemory, "allocation {number}"),
    }
    let mut files = disks.mount();
    assert_eq!(picture(&mut files), expected, "allocation {number}");
    assert_eq!(files.check(), Ok(None));
    failed
}

#[test]
fn whatever_allocation_fails_nothing_is_damaged() {
    install();
    let pictures = expected();
    let (step, mut counts) = (if long() { 1 } else { 37 }, [0; 2]);
    for stays in [false, true] {
        let mut number = 0;
        while run(number, stays, &pictures) {
            number += step;
        }
        assert!(number > 100, "only {number} allocations");
        counts[0] += number;

        let disks = Disks::new();
        let mut files = disks.mount();
        for (_, step) in STEPS {
            step(&mut files).unwrap();
        }
        files.sync().unwrap();
        drop(files);
        let mut number = 0;
        while mount(&disks, number, stays, &pictures[STEPS.len()]) {
            number += step;
        }
        assert!(number > 100, "only {number} allocations of a start");
        counts[1] += number;
    }
    println!("{} allocations of work, {} of starts", counts[0], counts[1]);
}

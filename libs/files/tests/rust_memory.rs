//! Memory that runs out at an allocation of Rust: that ends the server. What was acknowledged before is on the disk then,
//! what was under way is there as a whole or not at all, and whoever goes on with a server that was started anew gets everything
//! done that was to be done.
//!
//! A server is a process of this computer here, this same program, with disks that are files; Rust ends it as it would end the component
//! (that ends by a panic, and init starts it again: `tests/tests/file_kills.rs` has what clients see of that). Each allocation fails in turn.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use files::{Disk, DiskError, DiskStorage, Files, Options};
use sqlite::failing_memory::{RustMemory, arm_rust, rust_left};

#[allow(dead_code)] // It is for other tests as well.
#[path = "files/common.rs"]
mod common;
#[path = "files/steps.rs"]
mod steps;

use common::{DATA_LEN, LOG_LEN, Ticking};
use steps::{STEPS, picture};

#[global_allocator]
static MEMORY: RustMemory = RustMemory;

/// A disk that is a file.
struct FileDisk(File, u64);

impl FileDisk {
    fn open(path: &Path, len: usize) -> FileDisk {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.open(path).expect("a disk");
        file.set_len(len as u64).expect("its length");
        FileDisk(file, len as u64)
    }
}

impl Disk for FileDisk {
    fn len(&self) -> u64 {
        self.1
    }
    fn read(&mut self, offset: u64, to: &mut [u8]) -> Result<(), DiskError> {
        self.0.read_exact_at(to, offset).map_err(|_| DiskError)
    }
    fn write(&mut self, offset: u64, from: &[u8]) -> Result<(), DiskError> {
        self.0.write_all_at(from, offset).map_err(|_| DiskError)
    }
    // The program ends and not the machine.
    fn flush(&mut self) -> Result<(), DiskError> {
        Ok(())
    }
}

fn mount(folder: &Path) -> abi::Result<Files> {
    let options = Options {
        data_len: DATA_LEN as u64,
        log_len: LOG_LEN as u64,
        cache_len: 256 * 1024,
    };
    let clock = || Box::new(Ticking(1_700_000_000_000_000_000));
    let data = Box::new(FileDisk::open(&folder.join("data"), DATA_LEN));
    let log = Box::new(FileDisk::open(&folder.join("log"), LOG_LEN));
    let storage = Box::new(DiskStorage::new(data, log, clock()));
    Files::open(storage, clock(), options).map_err(|refused| refused.error)
}

const FOLDER: &str = "FTL_TEST_FOLDER";
const NUMBER: &str = "FTL_TEST_NUMBER";
/// The status of a server in which memory did not run out.
const ENOUGH: i32 = 7;

/// Not a test by itself: the server, if it was started as one. It writes down each step that it acknowledges.
#[test]
fn server() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let number = std::env::var(NUMBER).expect("a number");
    let number: i64 = number.parse().expect("a number");
    let mut acknowledged = File::create(folder.join("acknowledged")).expect("a file");
    arm_rust(number);
    // An allocation that may fail is an error, and the client's to ask again: here it is an end like the other.
    let work = || -> abi::Result<()> {
        let mut files = mount(&folder)?;
        for (_, step) in STEPS {
            step(&mut files)?;
            files.sync()?;
            let _ = acknowledged.write_all(b".");
        }
        Ok(())
    };
    let mut work = work;
    let done = work();
    let enough = rust_left() >= 0;
    arm_rust(-1);
    assert!(!enough || done.is_ok(), "{done:?}");
    std::process::exit(if enough { ENOUGH } else { 0 });
}

/// A folder, removed at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn whatever_allocation_of_rust_ends_the_server_nothing_is_lost() {
    let folder = std::env::temp_dir().join(format!("ftl-rust-memory-{}", std::process::id()));
    let folder = Folder(folder);
    let pictures = {
        std::fs::create_dir_all(&folder.0).expect("a folder");
        let mut files = mount(&folder.0).expect("to be mounted");
        let mut pictures = vec![picture(&mut files)];
        for (name, step) in STEPS {
            step(&mut files).expect(name);
            files.sync().expect(name);
            pictures.push(picture(&mut files));
        }
        pictures
    };
    let (mut number, mut ends) = (0, 0);
    loop {
        std::fs::remove_dir_all(&folder.0).expect("to be removed");
        std::fs::create_dir_all(&folder.0).expect("a folder");
        let server = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "server", "--nocapture"])
            .env(FOLDER, &folder.0)
            .env(NUMBER, number.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("to be started");
        if server.code() == Some(ENOUGH) {
            break;
        }
        ends += usize::from(server.code().is_none());
        let acknowledged = std::fs::read(folder.0.join("acknowledged"));
        let acknowledged = acknowledged.map_or(0, |steps| steps.len());
        let mut files = mount(&folder.0).unwrap_or_else(|error| panic!("{number}: {error:?}"));
        assert_eq!(files.check(), Ok(None), "allocation {number}");
        let now = picture(&mut files);
        let under_way = pictures.get(acknowledged + 1) == Some(&now);
        assert!(
            under_way || now == pictures[acknowledged],
            "allocation {number}, after {acknowledged} steps:\n{now}"
        );
        for (name, step) in &STEPS[acknowledged + usize::from(under_way)..] {
            step(&mut files).unwrap_or_else(|error| panic!("{number}, {name}: {error:?}"));
            files.sync().expect(name);
        }
        let now = picture(&mut files);
        assert_eq!(
            &now,
            pictures.last().expect("a picture"),
            "allocation {number}"
        );
        number += 1;
    }
    assert!(ends > 50, "{number} allocations, {ends} ends");
    println!("{number} allocations of Rust, of which {ends} ended the server");
}

//! Writes files in one run, and finds them in the next.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use ftl::io::{Read, Write};
use ftl::prelude::*;
use interfaces::files::{Dir, OpenOptions};

mod boundary;
#[rustfmt::skip]
mod spec;
mod transactions;
mod watching;

use spec::*;

/// Bytes of the large file.
const LARGE: usize = 700_000;
/// Files in the directory with many.
const MANY: usize = 100;

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let (all, www) = (Dir::new(env.fs), Dir::new(env.www));
    match env.settings.run {
        1 => {
            boundary::check(&all, &www)?;
            watching::check(&all)?;
            transactions::check(&all)?;
            write(&all)?;
        }
        _ => {
            check(&all)?;
            measure(&all, env.settings.reads)?;
        }
    }
    info!("run {} is done", env.settings.run);
    Ok(())
}

/// What the large file has at a place.
fn byte(i: usize) -> u8 {
    (i * 31 + i / 4096) as u8
}

fn write(files: &Dir) -> Result<()> {
    files.create_dir("/etc")?;
    files.create_dir("/many")?;
    files.write("/etc/greeting", "hello")?;
    let mut file = OpenOptions::new()
        .append(true)
        .open(files, "/etc/greeting")?;
    file.write_all(b" world")?;
    drop(file);
    let bytes: Vec<u8> = (0..LARGE).map(byte).collect();
    files.write("/large", &bytes)?;
    for i in 0..MANY {
        let path = format!("/many/file number {i:03}");
        files.write(&path, &path)?;
    }
    files.symlink("../etc", "/many/link")?;
    files.rename("/large", "/etc/large")?;
    files.hard_link("/etc/greeting", "/other name")?;
    // What must not work.
    for (refused, error) in [
        (files.create_dir("/etc").err(), Error::AlreadyExists),
        (files.remove_dir("/many").err(), Error::DirectoryNotEmpty),
        (files.remove_dir("/etc/large").err(), Error::NotADirectory),
        (files.remove_file("/etc").err(), Error::IsADirectory),
        (files.metadata("/none").err(), Error::NotFound),
        (files.open("/etc").err(), Error::IsADirectory),
    ] {
        assert_eq!(refused, Some(error));
    }
    // What most programs do: all of it, under the names of `std`.
    files.create_dir_all("a/b/../c/d")?;
    files.create_dir_all("a/b/../c/d")?;
    assert_eq!(files.copy("/etc/greeting", "a/c/d/copy")?, 11);
    assert_eq!(files.read_to_string("a/c/d/copy")?, "hello world");
    let mut copy = OpenOptions::new()
        .read(true)
        .write(true)
        .open(files, "a/c/d/copy")?;
    copy.set_len(4)?;
    copy.seek_to(4);
    copy.write_all(b"!")?;
    assert_eq!(copy.metadata()?.len(), 5);
    files.remove_dir_all("a")?;
    // Without a name it is there as long as somebody has it open.
    copy.seek_to(0);
    let mut found = ftl::String::new();
    copy.read_to_string(&mut found)?;
    assert_eq!(
        (found.as_str(), files.try_exists("a")),
        ("hell!", Ok(false))
    );
    files.sync()?;
    // This may be lost, and must not be found half.
    files.create_dir("/after")?;
    files.remove_dir("/after")
}

fn check(files: &Dir) -> Result<()> {
    assert_eq!(files.read_to_string("/other name")?, "hello world");
    let mut file = files.open("/other name")?;
    assert_eq!(file.write(b"x"), Err(Error::PermissionDenied));
    let mut file = files.open("/many/link/large")?;
    assert_eq!(file.metadata()?.len(), LARGE as u64);
    let mut part = vec![0; 50_000];
    let mut at = 0;
    loop {
        let len = file.read(&mut part)?;
        if len == 0 {
            break;
        }
        for (i, found) in part[..len].iter().enumerate() {
            assert_eq!(*found, byte(at + i), "byte {}", at + i);
        }
        at += len;
    }
    assert_eq!(at, LARGE);
    assert_eq!(files.read_dir("/many")?.count(), MANY + 1);
    assert_eq!(files.read_link("/many/link")?, "../etc");
    Ok(())
}

/// Says how long things take: with `--icount` a nanosecond is an instruction.
fn measure(files: &Dir, times: u32) -> Result<()> {
    let report = |what: &str, began: Instant| {
        let each = began.elapsed().as_nanos() / u128::from(times.max(1));
        info!("{what}: {each} ns");
    };
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(files, "/etc/large")?;
    let mut page = vec![0; 4096];
    file.read_at(&mut page, 8192)?;
    let began = Instant::now();
    for _ in 0..times {
        file.read_at(&mut page, 8192)?;
    }
    report("warm read of 4 KiB", began);
    let began = Instant::now();
    for i in 0..times {
        file.write_at(&page, u64::from(i) * 4096)?;
        file.sync_all()?;
    }
    report("durable write of 4 KiB", began);
    files.write("/small", "first")?;
    let small = OpenOptions::new().write(true).open(files, "/small")?;
    small.sync_all()?;
    let began = Instant::now();
    for _ in 0..times {
        small.write_at(b"again", 0)?;
        small.sync_all()?;
    }
    report("durable write of one row", began);
    let began = Instant::now();
    for _ in 0..times {
        files.metadata("/many/link/large")?;
    }
    report("lookup of three components", began);
    Ok(())
}

//! Writes files in one run, and finds them in the next.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::fs::{Blocking as _, file::Blocking as _};
use ring::SharedMemory;

#[rustfmt::skip]
mod spec;

use spec::*;

/// Bytes of the large file, and of the memory that it travels through.
const LARGE: usize = 700_000;
const SHARED: usize = 64 * 1024;
/// Files in the directory with many.
const MANY: usize = 100;

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let fs = &mut env.fs;
    let memory = Folio::new(SHARED)?;
    let shared = memory.map()?;
    fs.share(memory)?;
    match env.settings.run {
        1 => write(fs, &shared)?,
        _ => {
            check(fs, &shared)?;
            measure(fs, env.settings.reads)?;
        }
    }
    info!("run {} is done", env.settings.run);
    Ok(())
}

/// What the large file has at a place.
fn byte(i: usize) -> u8 {
    (i * 31 + i / 4096) as u8
}

fn write(fs: &mut fs::Client, shared: &SharedBytes) -> Result<()> {
    fs.create_dir("/etc")?;
    fs.create_dir("/many")?;
    let mut file = fs
        .open("/etc/greeting", false, true, false, true, false)?
        .file;
    file.write(0, b"hello")?;
    assert_eq!(file.append(b" world")?, 5);
    drop(file);
    let mut file = fs.open("/large", true, true, true, false, false)?.file;
    let bytes: Vec<u8> = (0..LARGE).map(byte).collect();
    for (i, part) in bytes.chunks(SHARED).enumerate() {
        shared.write(0, part);
        file.write_shared((i * SHARED) as u64, 0, part.len() as u32)?;
    }
    for i in 0..MANY {
        let path = format!("/many/file number {i:03}");
        let mut file = fs.open(&path, false, true, true, false, false)?.file;
        file.write(0, path.as_bytes())?;
    }
    fs.symlink("../etc", "/many/link")?;
    fs.rename("/large", "/etc/large")?;
    fs.hard_link("/etc/greeting", "/other name")?;
    // What must not work.
    for (refused, error) in [
        (fs.create_dir("/etc").err(), Error::AlreadyExists),
        (fs.remove_dir("/many").err(), Error::DirectoryNotEmpty),
        (fs.remove_dir("/etc/large").err(), Error::NotADirectory),
        (fs.remove_file("/etc").err(), Error::IsADirectory),
        (fs.metadata("/none", true).err(), Error::NotFound),
        (
            fs.open("/etc", true, false, false, false, false).err(),
            Error::IsADirectory,
        ),
    ] {
        assert_eq!(refused, Some(error));
    }
    fs.sync()?;
    // This may be lost, and must not be found half.
    fs.create_dir("/after")?;
    fs.remove_dir("/after")
}

fn check(fs: &mut fs::Client, shared: &SharedBytes) -> Result<()> {
    let mut file = fs
        .open("/other name", true, false, false, false, false)?
        .file;
    assert_eq!(file.read(0, 100)?, b"hello world");
    assert_eq!(file.write(0, b"x").err(), Some(Error::PermissionDenied));
    let opened = fs.open("/many/link/large", true, false, false, false, false)?;
    assert_eq!(opened.metadata.len, LARGE as u64);
    let mut file = opened.file;
    let mut at = 0;
    let mut part = vec![0; SHARED];
    loop {
        let len = file.read_shared(at as u64, 0, SHARED as u32)? as usize;
        if len == 0 {
            break;
        }
        shared.read(0, &mut part[..len]);
        for (i, found) in part[..len].iter().enumerate() {
            assert_eq!(*found, byte(at + i), "byte {}", at + i);
        }
        at += len;
    }
    assert_eq!(at, LARGE);
    let (mut count, mut after) = (0, ftl::String::new());
    loop {
        let listed = fs.read_dir("/many", &after)?;
        let Some(last) = listed.iter().last() else {
            break;
        };
        count += listed.iter().count();
        after = last.name.into();
    }
    assert_eq!(count, MANY + 1);
    assert_eq!(fs.read_link("/many/link")?, "../etc");
    Ok(())
}

/// Says how long things take: with `--icount` a nanosecond is an instruction.
fn measure(fs: &mut fs::Client, times: u32) -> Result<()> {
    let mut file = fs.open("/etc/large", true, true, false, false, false)?.file;
    file.read_shared(8192, 0, 4096)?;
    let report = |what: &str, began: Instant| {
        let each = began.elapsed().as_nanos() / u128::from(times.max(1));
        info!("{what}: {each} ns");
    };
    let began = Instant::now();
    for _ in 0..times {
        file.read_shared(8192, 0, 4096)?;
    }
    report("warm read of 4 KiB", began);
    let began = Instant::now();
    for i in 0..times {
        file.write_shared(u64::from(i) * 4096, 0, 4096)?;
        file.sync()?;
    }
    report("durable write of 4 KiB", began);
    let mut small = fs.open("/small", true, true, true, false, false)?.file;
    small.write(0, b"first")?;
    small.sync()?;
    let began = Instant::now();
    for _ in 0..times {
        small.write(0, b"again")?;
        small.sync()?;
    }
    report("durable write of one row", began);
    let began = Instant::now();
    for _ in 0..times {
        fs.metadata("/many/link/large", true)?;
    }
    report("lookup of three components", began);
    Ok(())
}

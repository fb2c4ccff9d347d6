//! Measures what files cost: one CPU, and time that counts instructions (`--icount`).
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::files::{Dir, OpenOptions};

#[rustfmt::skip]
mod spec;

use spec::*;

/// Entries of the large directory.
const ENTRIES: usize = 10_000;
/// Lookups in a directory that was made on the host.
const LOOKUPS: u32 = 1000;
const MIB: usize = 1 << 20;
/// Sizes of files that are written and read as a whole, and how many of each.
const SIZES: [usize; 5] = [1024, 16 * 1024, 128 * 1024, MIB, 4 * MIB];
const FILES: u32 = 5;

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let files = Dir::new(env.fs);
    let samples = env.settings.samples;
    let measure = Measure {
        wall: env.settings.wall,
        repeat: env.settings.repeat,
    };
    // A disk that was made on the host, with a large directory and nothing else.
    if let Ok(entries) = files.read_to_string("/entries") {
        let entries = entries.trim().parse().map_err(|_| Error::InvalidData)?;
        return measure.look(&files, &mut env.system, entries);
    }
    files.create_dir_all("/a/b")?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);

    // Sequential, a MiB at a time; synchronised within what is measured.
    let large = options.open(&files, "/a/b/large")?;
    let bytes = vec![7; MIB];
    measure.run("fs_write_mib", &mut env.system, 8, |i| {
        large.write_at(&bytes, u64::from(i) * MIB as u64)?;
        large.sync_all()
    })?;
    let mut found = vec![0; MIB];
    measure.run("fs_read_mib", &mut env.system, 8, |i| {
        let mut at = 0;
        while at < MIB {
            at += large.read_at(&mut found[at..], u64::from(i) * MIB as u64 + at as u64)?;
        }
        Ok(())
    })?;
    // Random, in pages.
    let mut page = vec![0; 4096];
    let mut state = 1_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % (8 * MIB as u64 / 4096) * 4096
    };
    measure.run("fs_read_random_mib", &mut env.system, 4, |_| {
        (0..MIB / 4096).try_for_each(|_| large.read_at(&mut page, random()).map(drop))
    })?;
    measure.run("fs_write_random_mib", &mut env.system, 4, |_| {
        (0..MIB / 4096).try_for_each(|_| large.write_at(&page, random()))?;
        large.sync_all()
    })?;
    large.read_at(&mut page, 8192)?;
    measure.run("fs_read_4k", &mut env.system, samples, |_| {
        large.read_at(&mut page, 8192).map(drop)
    })?;

    // Durable: each with a synchronisation of its own.
    let mut end = 0;
    let appended = options.open(&files, "/appended")?;
    measure.run("fs_append_4k_durable", &mut env.system, samples, |_| {
        appended.write_at(&page, end)?;
        end += 4096;
        appended.sync_all()
    })?;
    files.write("/small", "first")?;
    let small = options.open(&files, "/small")?;
    small.sync_all()?;
    measure.run("fs_write_row_durable", &mut env.system, samples, |_| {
        small.write_at(b"again", 0)?;
        small.sync_all()
    })?;
    measure.run("fs_lookup_3", &mut env.system, samples, |_| {
        files.metadata("/a/b/large").map(drop)
    })?;

    files.create_dir("/many")?;
    measure.run("fs_create", &mut env.system, ENTRIES as u32, |i| {
        files.create(&format!("/many/file number {i}")).map(drop)
    })?;
    files.sync()?;
    measure.run("fs_readdir_10000", &mut env.system, 3, |_| {
        let count = files.read_dir("/many")?.count();
        match count {
            ENTRIES => Ok(()),
            _ => Err(Error::InvalidData),
        }
    })?;
    measure.run("fs_lookup_in_10000", &mut env.system, samples, |i| {
        files
            .metadata(&format!("/many/file number {}", i * 61 % ENTRIES as u32))
            .map(drop)
    })?;
    measure.whole_files(&files, &mut env.system)
}

/// What is measured.
struct Measure {
    /// Time by the clock instead of instructions.
    wall: bool,
    /// The figure whose operation goes on without end, for a profile.
    repeat: String,
}

impl Measure {
    /// Writes files of several sizes, each durably, and reads them: from opening them to closing them.
    fn whole_files(&self, files: &Dir, system: &mut system::Client) -> Result<()> {
        for len in SIZES {
            let bytes = vec![5; len];
            let name = |i: u32| format!("/a/{len} bytes, number {i}");
            self.run(&format!("fs_write_file_{len}"), system, FILES, |i| {
                let file = files.create(&name(i))?;
                file.write_at(&bytes, 0)?;
                file.sync_all()
            })?;
            self.run(&format!("fs_read_file_{len}"), system, FILES, |i| {
                match files.read(&name(i % FILES))?.len() == len {
                    true => Ok(()),
                    false => Err(Error::InvalidData),
                }
            })?;
        }
        Ok(())
    }

    /// Looks for files here and there in a directory of so many.
    fn look(&self, files: &Dir, system: &mut system::Client, entries: u32) -> Result<()> {
        let mut state = 1_u64;
        let mut random = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u32 % entries
        };
        let mut find = |_| {
            let name = format!("/many/file number {}", random());
            files.metadata(&name).map(drop)
        };
        let mean = |samples: &[u128]| samples.iter().sum::<u128>() / u128::from(LOOKUPS);
        // First when nothing has been read, so that most of what is needed comes from the disk.
        let samples = self.each(system, LOOKUPS, &mut find)?;
        let first = mean(&samples);
        self.report(&format!("fs_lookup_first_among_{entries}"), vec![first]);
        // And when somebody has listed the directory.
        let count = files.read_dir("/many")?.count();
        if count != entries as usize {
            return Err(Error::InvalidData);
        }
        let samples = self.each(system, LOOKUPS, &mut find)?;
        let mean = mean(&samples);
        if self.repeat == format!("fs_lookup_among_{entries}") {
            info!("FTL-BENCH-REPEATS {mean}");
            (0..).try_for_each(&mut find)?;
        }
        self.report(&format!("fs_lookup_among_{entries}"), samples);
        // Of those that find everything in memory the median tells nothing about the others.
        self.report(&format!("fs_lookup_mean_among_{entries}"), vec![mean]);
        Ok(())
    }

    /// Does something so often and reports what it took; goes on with it without end if that is wanted.
    fn run(
        &self,
        name: &str,
        system: &mut system::Client,
        count: u32,
        mut what: impl FnMut(u32) -> Result<()>,
    ) -> Result<()> {
        let mut samples = self.each(system, count, &mut what)?;
        if self.repeat == name {
            samples.sort_unstable();
            info!("FTL-BENCH-REPEATS {}", samples[samples.len() / 2]);
            (count..).try_for_each(&mut what)?;
        }
        self.report(name, samples);
        Ok(())
    }

    /// Does something so often; how long it took each time.
    fn each(
        &self,
        system: &mut system::Client,
        count: u32,
        mut what: impl FnMut(u32) -> Result<()>,
    ) -> Result<Vec<u128>> {
        let mut samples = Vec::new();
        for i in 0..count {
            let idle_before = system.statistics()?.idle_ns;
            let began = Instant::now();
            what(i)?;
            let taken = began.elapsed().as_nanos();
            // While the disk is at work nobody executes anything, and the clock goes by the host's.
            let idle = match self.wall {
                true => 0,
                false => system.statistics()?.idle_ns - idle_before,
            };
            samples.push(taken.saturating_sub(idle.into()));
        }
        Ok(samples)
    }

    /// Writes the line that `./ftl bench` reads.
    fn report(&self, name: &str, mut samples: Vec<u128>) {
        samples.sort_unstable();
        let (Some(min), Some(max)) = (samples.first(), samples.last()) else {
            return;
        };
        let (name, unit) = match (self.wall, name.strip_prefix("fs_")) {
            (true, Some(rest)) => (format!("fs_time_{rest}"), "ns"),
            _ => (name.into(), "instructions"),
        };
        info!(
            "FTL-BENCH {{\"name\":\"{name}\",\"case\":\"\",\"unit\":\"{unit}\",\
         \"samples\":{},\"min\":{min},\"median\":{},\"max\":{max}}}",
            samples.len(),
            samples[samples.len() / 2],
        );
    }
}

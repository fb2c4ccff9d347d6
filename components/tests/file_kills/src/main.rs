//! Writes a file while others are killed. The status is 0 if nothing that was synchronised was lost.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::files::{Dir, File, OpenOptions};

mod pair;
#[rustfmt::skip]
mod spec;

use spec::*;

/// Whom the kills are for, in turn.
const VICTIMS: [&str; 2] = ["sqlitefs", "virtio_blk"];
/// Bytes that are synchronised at once.
const BLOCK: usize = 48 * 1024;
/// Bytes of a write that is under way when somebody is killed: the bound of a message in `fs.yml`.
const PIECE: usize = 4000;
/// How long what was killed may take to be back.
const PATIENCE: Duration = Duration::from_secs(60);

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let files = Dir::new(env.fs.clone());
    let settings = env.settings.clone();
    let file = again(|| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .open(&files, "/journal")
    })?;
    let mut journal = Journal {
        file,
        synchronised: settings.synchronised,
    };
    journal.check()?;
    pair::check(&files)?;
    if settings.endless {
        loop {
            // Not synchronised for itself: the journal's synchronisation may find it or not, but not half.
            pair::write(&files, journal.synchronised)?;
            journal.write()?;
            info!("synchronised {}", journal.synchronised);
        }
    }
    for round in 0..settings.rounds {
        journal.write()?;
        let transaction = again(|| pair::begin(&env.fs, round.into()))?;
        // Nobody listens to these answers: the writes are under way when the kill comes.
        let under_way = again(|| {
            use fs::Blocking as _;
            env.fs
                .open("/journal", false, true, false, false, false)
                .map(|opened| opened.file)
        })?;
        for _ in 0..3 {
            // The same each time: one that fails before another would leave a hole.
            let at = journal.synchronised;
            let _ = under_way.write_start(at, &bytes(at, PIECE));
        }
        let _ = under_way.sync_start();
        let _ = transaction.commit_start();
        let victim = VICTIMS[round as usize % VICTIMS.len()];
        env.system.kill(victim)?;
        drop((under_way, transaction));
        journal.check()?;
        pair::check(&files)?;
    }
    info!("nothing was lost in {} kills", settings.rounds);
    Ok(())
}

/// What the file has at a place, whoever wrote it there.
fn bytes(at: u64, len: usize) -> Vec<u8> {
    (at..at + len as u64)
        .map(|i| (i.wrapping_mul(31) ^ (i >> 12)) as u8)
        .collect()
}

/// Tries something until whoever was killed is back. There is no event for that: a client of the file server
/// does not see its driver.
fn again<T>(mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(Error::PeerRestarted | Error::Closed | Error::Io) if Instant::now() < deadline => {
                ftl::time::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

struct Journal {
    file: File,
    /// So many bytes must be there.
    synchronised: u64,
}

impl Journal {
    /// Writes a block behind what is synchronised, and synchronises that.
    fn write(&mut self) -> Result<()> {
        let at = self.synchronised;
        let block = bytes(at, BLOCK);
        // The answer to a synchronisation says whether all since the last one is there.
        again(|| {
            self.file.write_at(&block, at)?;
            self.file.sync_all()
        })?;
        self.synchronised = at + BLOCK as u64;
        Ok(())
    }

    /// All that was synchronised is there, and what is behind it is no garbage.
    fn check(&self) -> Result<()> {
        let len = again(|| self.file.metadata())?.len();
        if len < self.synchronised {
            error!(
                "{} bytes were synchronised, {len} are there",
                self.synchronised
            );
            return Err(Error::InvalidData);
        }
        let mut found = vec![0; BLOCK];
        let mut at = 0;
        while at < len {
            let count = again(|| self.file.read_at(&mut found, at))?;
            if count == 0 || found[..count] != bytes(at, count) {
                error!("the file is not what was written, behind byte {at}");
                return Err(Error::InvalidData);
            }
            at += count as u64;
        }
        Ok(())
    }
}

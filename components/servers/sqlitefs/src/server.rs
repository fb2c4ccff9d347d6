//! The server's state: the file system and who uses it. Mounting, synchronising, losses.
//!
//! What clients ask for is answered in [`names`](crate::names) and [`open`](crate::open).

use alloc::boxed::Box;
use alloc::vec::Vec;

use files::{Clock, DataDisk, DiskStorage, Files, Options};
use ftl::prelude::*;
use interfaces::clock::Blocking as _;
use interfaces::{block, clock};

use crate::answers::Answers;
use crate::cache;
use crate::clients::{Clients, Key};
use crate::disks::{self, DriverLost};
use crate::open::Opened;
use crate::spec::Settings;
use crate::transactions::Transactions;
use crate::watches::Watches;

/// Answers a call with what came of it: nothing, or what `found` makes of it.
macro_rules! answer {
    ($reply:ident, $result:expr) => {
        match $result {
            Ok(()) => $reply.ok(),
            Err(error) => $reply.error(error),
        }
    };
    ($reply:ident, $result:expr, $found:pat => $($value:expr),+) => {
        match $result {
            Ok($found) => $reply.ok($($value),+),
            Err(error) => $reply.error(error),
        }
    };
}
pub(crate) use answer;

/// The file server.
pub struct Server {
    block: Option<block::Client>,
    clock: Option<clock::Client>,
    settings: Settings,
    random: Random,
    /// Whether files lie in memory, and so do not depend on the driver.
    in_memory: bool,
    /// Not there while the disk's driver is away.
    pub(crate) files: Option<Files>,
    /// The disk that they lie on.
    data: Option<DataDisk>,
    /// How often what was not synchronised was lost.
    pub(crate) losses: u32,
    pub(crate) clients: Clients,
    pub(crate) opened: Opened,
    pub(crate) answers: Answers,
    /// What is on its way from a file to a client.
    pub(crate) scratch: Vec<u8>,
    pub(crate) watches: Watches,
    pub(crate) transactions: Transactions,
}

/// The time: the clock's, counted on from when it was asked.
struct Wall {
    unix_ns: u64,
    asked: Instant,
    random: Random,
    /// When init's heartbeat was answered last in the middle of something.
    answered: Instant,
}

/// Between two pieces of something that takes long, init is answered when so much has passed: a part of the heartbeat's time.
const ANSWER_EVERY: Duration = Duration::from_secs(2);

impl Clock for Wall {
    fn unix_ns(&mut self) -> u64 {
        let passed = u64::try_from(self.asked.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.unix_ns.saturating_add(passed)
    }
    fn random(&mut self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }
    fn go_on(&mut self) {
        if self.answered.elapsed() >= ANSWER_EVERY {
            self.answered = Instant::now();
            if let Err(error) = ftl::process::answer_heartbeat() {
                warn!("init may not hear that this goes on: {error}");
            }
        }
    }
}

impl Server {
    /// A server that has no file system yet.
    pub fn new(
        block: Option<block::Client>,
        clock: Option<clock::Client>,
        settings: Settings,
        random: Random,
    ) -> Server {
        Server {
            block,
            clock,
            settings,
            random,
            in_memory: false,
            files: None,
            data: None,
            losses: 0,
            clients: Clients::default(),
            opened: Opened::default(),
            answers: Answers::default(),
            scratch: Vec::new(),
            watches: Watches::default(),
            transactions: Transactions::default(),
        }
    }

    /// Opens the file system; files that were open stay so.
    pub fn mount(&mut self) {
        if self.in_memory && self.files.is_some() {
            return;
        }
        (self.files, self.data) = (None, None);
        let lost = DriverLost::default();
        let ((data, log), in_memory) = match disks::open(
            self.block.as_mut(),
            (&self.settings.data, &self.settings.log),
            (self.settings.memory_disk as usize) << 20,
            &lost,
        ) {
            Ok(disks) => disks,
            Err(reason) if lost.get() => return debug!("{reason}"),
            Err(reason) => return error!("{reason}"),
        };
        self.in_memory = in_memory;
        let unix_ns = match &mut self.clock {
            Some(clock) => clock.now().unwrap_or(0),
            None => 0,
        };
        let mut wall = || {
            Box::new(Wall {
                unix_ns,
                asked: Instant::now(),
                random: self.random.split(),
                answered: Instant::now(),
            })
        };
        let options = Options {
            data_len: data.len(),
            log_len: log.len(),
            cache_len: cache::len(self.settings.cache, in_memory),
        };
        files::limit_memory(options.cache_len);
        let storage = Box::new(DiskStorage::new(data, log, wall()));
        self.data = Some(storage.data());
        match Files::open(storage, wall(), options) {
            Ok(mut files) => {
                self.opened.mounted(&mut files);
                self.clients.mounted(&mut files);
                self.watches.mounted(&mut files);
                if let Ok((total, free)) = files.space() {
                    info!("{} MiB, {} MiB free", total >> 20, free >> 20);
                }
                self.files = Some(files);
            }
            Err(error) if lost.get() => debug!("the file system cannot be used: {error}"),
            Err(error) => error!("the file system cannot be used: {error}"),
        }
    }

    /// The disk's driver is gone, and with it what was not synchronised.
    pub fn lost_disk(&mut self) {
        if self.in_memory {
            return;
        }
        if self.files.take().is_some_and(|files| files.is_dirty()) {
            self.losses += 1;
            error!("the disk's driver was lost, and with it what was not synchronised");
        } else {
            warn!("the disk's driver was lost; files can be used again when it is back");
        }
    }

    /// Whether there is something to be synchronised.
    pub fn is_dirty(&self) -> bool {
        self.files.as_ref().is_some_and(Files::is_dirty)
    }

    /// Synchronises without anybody asking.
    pub fn settle(&mut self) {
        let _ = self.sync();
    }

    /// Whether something is left to be removed.
    pub fn wants_tidying(&self) -> bool {
        self.files.as_ref().is_some_and(Files::wants_tidying)
    }

    /// Removes a piece of what nobody needs any more.
    pub fn tidy(&mut self) {
        if let Ok(files) = self.files()
            && let Err(error) = files.tidy()
        {
            warn!("what was deleted stays on the disk: {error}");
        }
    }

    /// Gives up what deleted files have left on the disk, if it is much. Nobody waits for that but who asks next.
    pub fn trim(&mut self) {
        let (Some(files), Some(data)) = (&mut self.files, &self.data) else {
            return;
        };
        if files.wants_trim() {
            match files.trim(data) {
                Ok(given) => debug!("{} KiB of the disk are given up", given >> 10),
                Err(error) => warn!("what is free on the disk stays there: {error}"),
            }
        }
    }

    /// A client came, with what the system's file says about it.
    pub fn connected(&mut self, connection: Connection, grant: &[u8]) {
        self.clients.connected(connection, grant, self.losses);
    }

    /// A client is gone. Its open files close by themselves.
    pub fn left(&mut self, key: Key) {
        self.clients.left(key, self.files.as_mut());
    }

    pub(crate) fn files(&mut self) -> Result<&mut Files> {
        self.files.as_mut().ok_or(Error::Io)
    }

    fn sync(&mut self) -> Result<()> {
        let result = self.files().and_then(Files::sync);
        if let Err(error) = result {
            error!("synchronising: {error}");
            self.losses += 1;
        }
        result
    }

    /// Synchronises for a client, and tells it what was lost since it asked last.
    pub(crate) fn sync_for(&mut self, key: Key) -> Result<()> {
        let synchronised = self.sync();
        let losses = self.losses;
        match self.clients.get(key) {
            Ok(client) if client.losses_told != losses => {
                // Once, whichever way it is told.
                client.losses_told = losses;
                synchronised.and(Err(Error::Io))
            }
            _ => synchronised,
        }
    }
}

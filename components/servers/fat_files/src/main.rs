//! Files on a disk with FAT or exFAT: answers `fs`.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;
use interfaces::clock::Blocking as _;
use interfaces::disk::Disk;
use interfaces::files::serve::{FileServer, Heard, Key};

#[rustfmt::skip]
mod spec;
mod volume;

use spec::*;
use volume::{FatVolume, Wall};

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Client(Key),
    /// An open file, by its place.
    File(usize),
    Block,
    Clock,
    /// What has been changed is old enough to be synchronised without anybody asking.
    Settle,
}

/// Changes are synchronised after this long at the latest, even if nobody asks.
const SETTLE: Duration = Duration::from_secs(5);

/// The time for what is written: the clock's, counted on from when it was asked.
static WALL: Wall = Wall::new();

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let Some(mut block) = env.block else {
        debug!("there are no disks");
        return Ok(());
    };
    let Some(disk) = Disk::open(&mut block, &env.settings.disk)? else {
        debug!("there is no disk `{}`", env.settings.disk);
        return Ok(());
    };
    let mut events = EventLoop::new()?;
    events.add_each(env.fs, |client| Source::Client(Key::Connected(client)))?;
    events.add(&block, Source::Block)?;
    let mut clock = env.clock;
    if let Some(clock) = &mut clock {
        WALL.set(clock.now().unwrap_or(0));
        events.add(&*clock, Source::Clock)?;
    }
    let settle = events.timer(Source::Settle);
    let mut server = FileServer::new(FatVolume::open(disk, &WALL));
    loop {
        match events.next()? {
            Event::Message(Source::Client(client), Message::Fs(request)) => {
                match server.request(client, request)? {
                    Some(Heard::File(file, place)) => events.add(&file, Source::File(place))?,
                    Some(Heard::Directory(directory, key)) => {
                        events.add(&directory, Source::Client(key))?
                    }
                    None => {}
                }
            }
            Event::Message(Source::File(place), Message::File(request)) => {
                server.file(place, request)?;
            }
            Event::Connected(Source::Client(Key::Connected(client))) => {
                server.connected(client, events.grant(client));
            }
            Event::Connected(_) => {}
            Event::Closed(Source::Client(client)) => server.left(client),
            Event::Closed(Source::File(place)) => server.closed(place),
            Event::Timer(Source::Settle) => {
                if let Err(error) = server.sync() {
                    error!("synchronising: {error}");
                }
            }
            Event::Closed(Source::Block) => {
                // What the disk holds now, and what was on its way, nobody knows: to begin anew is safe, and clients
                // open their files again.
                warn!("the disk's driver was lost");
                return Err(Error::Io);
            }
            Event::Closed(_) | Event::Restarted(_) | Event::Writable(_) => {}
            Event::Shutdown => {
                if server.is_dirty()
                    && let Err(error) = server.sync()
                {
                    error!("synchronising: {error}");
                }
                return Ok(());
            }
            other => warn!("unexpected: {other:?}"),
        }
        match server.is_dirty() {
            true if !settle.is_set() => settle.set(SETTLE),
            true => {}
            false => settle.cancel(),
        }
    }
}

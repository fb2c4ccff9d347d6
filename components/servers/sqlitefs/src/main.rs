//! The file server: answers `fs`, with a SQLite database on two disks.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;

mod answers;
mod cache;
mod changes;
mod clients;
mod disks;
mod names;
mod open;
mod server;
mod snapshots;
#[rustfmt::skip]
mod spec;
mod sql;
mod transactions;
mod watches;

use clients::Key;
use names::Heard;
use server::Server;
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Client(Key),
    /// Who asks questions in SQL.
    Questioner(Connection),
    /// Who takes snapshots.
    Photographer(Connection),
    /// An open file, by its place.
    File(usize),
    /// Who is told of changes, by its number.
    Watch(u32),
    /// A transaction, by its number.
    Transaction(u32),
    Block,
    Clock,
    /// Others have been served since a piece of what nobody needs was removed.
    Tidy,
    /// What has been changed is old enough to be synchronised without anybody asking.
    Settle,
}

/// Changes are synchronised after this long at the latest, even if nobody asks.
const SETTLE: Duration = Duration::from_secs(5);

/// So long the server listens to others between two pieces of what it removes.
const BETWEEN_PIECES: Duration = Duration::from_millis(1);

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    cache::check(env.settings.cache)?;
    let mut events = EventLoop::new()?;
    events.add_each(env.fs, |client| Source::Client(Key::Connected(client)))?;
    events.add_each(env.sql, Source::Questioner)?;
    events.add_each(env.snapshots, Source::Photographer)?;
    if let Some(block) = &env.block {
        events.add(block, Source::Block)?;
    }
    if let Some(clock) = &env.clock {
        events.add(clock, Source::Clock)?;
    }
    let settle = events.timer(Source::Settle);
    let tidy = events.timer(Source::Tidy);
    let mut server = Server::new(env.block, env.clock, env.settings, env.random);
    server.mount();
    loop {
        match events.next()? {
            Event::Message(Source::Client(client), Message::Fs(request)) => {
                match server.client(client, request)? {
                    Some(Heard::File(file, place)) => events.add(&file, Source::File(place))?,
                    Some(Heard::Directory(directory, key)) => {
                        events.add(&directory, Source::Client(key))?
                    }
                    Some(Heard::Watch(watch, number)) => {
                        events.add(&watch, Source::Watch(number))?
                    }
                    Some(Heard::Transaction(transaction, number)) => {
                        events.add(&transaction, Source::Transaction(number))?
                    }
                    None => {}
                }
            }
            Event::Message(Source::Questioner(client), Message::Sql(request)) => {
                server.asked(client, request)?;
            }
            Event::Message(Source::Photographer(client), Message::Snapshots(request)) => {
                server.snapshots(client, request)?;
            }
            Event::Closed(Source::Questioner(client) | Source::Photographer(client)) => {
                server.answers.left(client)
            }
            Event::Message(Source::File(place), Message::File(request)) => {
                server.file(place, request)?;
            }
            Event::Message(Source::Transaction(number), Message::Transaction(request)) => {
                server.change(number, request)?;
            }
            Event::Closed(Source::Transaction(number)) => server.transactions.dropped(number),
            Event::Connected(Source::Client(Key::Connected(client))) => {
                server.connected(client, events.grant(client));
            }
            Event::Connected(_) => {}
            Event::Closed(Source::Client(client)) => server.left(client),
            Event::Closed(Source::File(place)) => server.closed(place),
            Event::Closed(Source::Watch(number)) => server.unwatch(number),
            Event::Writable(Source::Watch(number)) => server.watches.writable(number),
            Event::Timer(Source::Settle) => server.settle(),
            Event::Timer(Source::Tidy) => server.tidy(),
            Event::Closed(Source::Block) => server.lost_disk(),
            Event::Restarted(Source::Block) => server.mount(),
            Event::Closed(_) | Event::Restarted(_) | Event::Writable(_) => {}
            Event::Shutdown => {
                server.settle();
                // Closing the database would tidy up; it is whole as it is, and the machine waits.
                ftl::process::exit(0);
            }
            other => warn!("unexpected: {other:?}"),
        }
        // Clients may have let go of them in this moment.
        for ended in server.watches.take_ended() {
            let _ = events.remove_channel(&ended);
        }
        for ended in server.transactions.take_ended() {
            let _ = events.remove_channel(&ended);
        }
        if server.wants_tidying() && !tidy.is_set() {
            tidy.set(BETWEEN_PIECES);
        }
        server.trim();
        if server.is_dirty() {
            if !settle.is_set() {
                settle.set(SETTLE);
            }
        } else {
            settle.cancel();
        }
    }
}

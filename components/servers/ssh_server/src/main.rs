//! Lets people in over the network, by `ssh` with a key.
//!
//! The protocol is in `libs/ssh`; the terminals that it leads to are desks (`interfaces::desk`), as the serial line's is. Here
//! is what joins them with the machine:
//!
//! - [`server`]: the listener, and the table of visitors;
//! - [`visitor`]: one connection, from its acceptance to its end, with its deadlines;
//! - [`session`]: a shell or a command on a connection;
//! - [`keys`]: by what the machine is known, and who may come in;
//! - [`patience`]: how slow refusals are;
//! - [`crowd`]: who makes room when all places are taken.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;
use interfaces::desk::Seat;
use interfaces::tcpip::tcp_listener;

mod crowd;
mod keys;
mod patience;
mod server;
mod session;
#[rustfmt::skip]
mod spec;
mod visitor;

use keys::Keys;
use patience::Patience;
use server::Server;
use spec::*;
use visitor::House;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Tcpip,
    Files,
    Launcher,
    Listener,
    /// A connection.
    Visitor(u32),
    /// Part of a session.
    Session(Place, Part),
    /// Something is due.
    Due,
}

/// Where a session is: the numbers of its visitor and of itself, of which none comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    visitor: u32,
    session: u32,
}

/// What belongs to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Its terminal.
    Desk(Seat),
    /// Its streams, if it has no terminal.
    Stdin,
    Stdout,
    Stderr,
    /// The shell that runs there.
    Job,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut random = env.random;
    if !random.is_seeded() {
        error!("refuses to start: the machine has no randomness, and keys could be foreseen");
        return Err(Error::Unsupported);
    }
    let mut events = EventLoop::new()?;
    events.add(&env.tcpip, Source::Tcpip)?;
    events.add(&env.launcher, Source::Launcher)?;
    if let Some(fs) = &env.fs {
        events.add(fs, Source::Files)?;
    }
    let due = events.timer(Source::Due);
    let (host_key, keys) = Keys::new(env.fs, &env.settings.keys, &mut random)?;
    let house = House {
        host_key,
        keys,
        patience: Patience::new(Instant::now()),
        launcher: env.launcher,
        shell: env.settings.shell,
        next_session: 0,
    };
    let mut server = Server::new(
        env.tcpip,
        house,
        random,
        env.settings.port,
        env.settings.connections,
    )?;
    server.share()?;
    let mut is_ending = false;
    loop {
        match events.next()? {
            Event::Message(Source::Tcpip, Message::Tcpip(message)) => server.tcpip(message)?,
            Event::Message(Source::Listener, Message::TcpListener(message)) => {
                let tcp_listener::ToClient::Accept(transaction, result) = message;
                server.accepted(transaction, result, &mut events)?;
            }
            Event::Message(Source::Visitor(id), Message::TcpConnection(message)) => {
                server.connection(id, message);
            }
            Event::Message(Source::Session(place, part), message) => {
                // It may have ended while this was on its way.
                let Some(session) = server.session(place) else {
                    continue;
                };
                match message {
                    Message::Terminal(message) => session.asked(part, message, &mut events)?,
                    Message::StreamReceiver(stream::ToReceiver::Data(data)) => {
                        session.came(part, data.bytes);
                    }
                    Message::StreamReceiver(stream::ToReceiver::Join(join)) => {
                        let stream = join.stream;
                        session.joined(part, stream, &mut events)?;
                    }
                    Message::StreamSender(stream::ToSender::Want(want)) => {
                        session.wanted(part, want);
                    }
                    Message::Running(launcher::running::ToOwner::Ended(ended)) => {
                        session.ended(ended.status);
                    }
                    other => warn!("unexpected from {part:?}: {other:?}"),
                }
            }
            Event::Closed(Source::Session(place, part)) => {
                if let Some(session) = server.session(place) {
                    session.closed(part, &mut events)?;
                }
            }
            Event::Closed(Source::Visitor(id)) => server.gone(id),
            Event::Closed(Source::Tcpip) => {
                warn!("tcpip is gone, and all connections with it");
                server.end(&mut events);
            }
            Event::Restarted(Source::Tcpip) => server.share()?,
            // Files are asked for when they are needed; who starts commands lives as long as the system.
            Event::Closed(_) | Event::Restarted(_) | Event::Timer(_) | Event::Writable(_) => {}
            // Clients still hear what was printed, and that it has ended.
            Event::Shutdown => {
                server.terminate();
                is_ending = true;
            }
            other => warn!("unexpected: {other:?}"),
        }
        server.settle(&mut events, &due)?;
        if is_ending && !server.has_sessions() {
            return Ok(());
        }
    }
}

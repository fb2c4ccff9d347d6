//! Serves a page that shows the running system.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;

mod client;
mod directory;
mod page;
mod server;
mod sha256;
mod site;
#[rustfmt::skip]
mod spec;
mod system_json;
#[cfg(test)]
mod tests;

use server::Server;
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Tcpip,
    System,
    Files,
    Listener,
    /// A slot.
    Client(usize),
    /// Once a second while there are clients: slow ones are sorted out.
    Tick,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.tcpip, Source::Tcpip)?;
    events.add(&env.system, Source::System)?;
    if let Some(fs) = &env.fs {
        events.add(fs, Source::Files)?;
    }
    let tick = events.timer(Source::Tick);
    let mut server = Server::new(env.tcpip, env.system, env.fs, env.settings)?;
    server.begin()?;
    loop {
        match events.next()? {
            Event::Message(Source::Tcpip, Message::Tcpip(message)) => server.tcpip(message)?,
            Event::Message(Source::Listener, Message::TcpListener(message)) => {
                server.accepted(message)
            }
            Event::Message(Source::Client(slot), Message::TcpConnection(message)) => {
                server.client(slot, message)
            }
            Event::Closed(Source::Client(slot)) => server.closed(slot),
            Event::Timer(Source::Tick) => server.tick(),
            Event::Closed(Source::Listener)
            | Event::Closed(Source::System)
            | Event::Restarted(Source::System)
            | Event::Closed(Source::Files)
            | Event::Restarted(Source::Files) => {}
            Event::Closed(Source::Tcpip) => {
                warn!("tcpip is gone");
                server.end(&mut events);
            }
            Event::Restarted(Source::Tcpip) => server.begin()?,
            Event::Writable(_) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
        server.introduce(&mut events);
        // A server without clients sleeps.
        match (server.has_clients(), tick.is_set()) {
            (true, false) => tick.set_every(Duration::from_secs(1)),
            (false, true) => tick.cancel(),
            _ => {}
        }
    }
}

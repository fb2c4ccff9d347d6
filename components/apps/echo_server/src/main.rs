//! Sends back what it gets over TCP (RFC 862). The smallest server of the network.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;
use interfaces::tcpip::{tcp_connection, tcp_listener};

mod server;
#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use server::Server;
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Tcpip,
    Listener,
    /// A connection, by its place in the server's table.
    Connection(usize),
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.tcpip, Source::Tcpip)?;
    let mut server = Server::new(env.settings.connections)?;
    server.share(&env.tcpip)?;
    loop {
        match events.next()? {
            // tcpip has our memory now: listen.
            Event::Message(Source::Tcpip, Message::Tcpip(tcpip::ToClient::Share(_, Ok(())))) => {
                env.tcpip.listen_start(env.settings.port, 16)?;
            }
            // It lets us listen.
            Event::Message(
                Source::Tcpip,
                Message::Tcpip(tcpip::ToClient::Listen(_, Ok(listener))),
            ) => {
                info!("listens on port {}", env.settings.port);
                server.listen(listener);
            }
            Event::Message(Source::Tcpip, Message::Tcpip(refused)) => {
                warn!("tcpip does not let us listen: {refused:?}");
            }
            // Somebody has connected.
            Event::Message(
                Source::Listener,
                Message::TcpListener(tcp_listener::ToClient::Accept(transaction, result)),
            ) => server.accepted(transaction, result),
            // There are bytes, or there is room for some.
            Event::Message(Source::Connection(index), Message::TcpConnection(message)) => {
                match message {
                    tcp_connection::ToClient::News => server.echo(index),
                    tcp_connection::ToClient::Ended => server.ended(index),
                    tcp_connection::ToClient::Closed(_) => server.close(index),
                }
            }
            Event::Closed(Source::Connection(index)) => server.close(index),
            // Connections do not outlive tcpip, but this server does.
            Event::Closed(Source::Tcpip) => server.close_all(),
            Event::Restarted(Source::Tcpip) => server.share(&env.tcpip)?,
            Event::Closed(Source::Listener) | Event::Writable(_) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
        server.settle(&mut events)?;
    }
}

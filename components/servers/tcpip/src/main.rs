//! Speaks TCP/IP on a network device, for all components.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;

mod clients;
mod lease;
mod link;
mod local;
mod server;
#[rustfmt::skip]
mod spec;
mod stream;
#[cfg(test)]
mod tests;

use server::Server;
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// The driver.
    Net,
    /// The driver has put frames into its ring, or taken some out of ours.
    Bell,
    /// The stack's next deadline.
    Timer,
    Client(Connection),
    /// Places in the server's tables.
    Listener(usize),
    Stream(usize),
    Udp(usize),
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.net, Source::Net)?;
    events.add_each(env.tcpip, Source::Client)?;
    let bell = Doorbell::new()?;
    events.add(&bell, Source::Bell)?;
    let timer = events.timer(Source::Timer);

    let mut attaching = attach(&env.net, &bell);
    let mut server = Server::new(&env.settings, env.state, &mut env.random)?;
    loop {
        let event = events.next()?;
        server.now = server::now();
        match event {
            Event::Message(
                Source::Net,
                Message::Net(net::ToClient::Attach(transaction, result)),
            ) => {
                if Some(transaction) == attaching {
                    attaching = None;
                    match result {
                        Ok(device) => server.connect_link(device)?,
                        Err(Error::PeerRestarted) => {}
                        Err(error) => error!("the driver refuses us: {error}"),
                    }
                }
            }
            Event::Message(Source::Net, Message::Net(net::ToClient::LinkChanged(link))) => {
                info!("link {}", if link.up { "up" } else { "down" });
            }
            Event::Closed(Source::Net) => server.disconnect_link(),
            Event::Restarted(Source::Net) => attaching = attach(&env.net, &bell),
            Event::Message(Source::Client(client), Message::Tcpip(message)) => {
                server.client_message(client, message)
            }
            Event::Closed(Source::Client(client)) => server.client_left(client, &mut events),
            Event::Message(Source::Listener(index), Message::TcpListener(message)) => {
                server.listener_message(index, message)
            }
            Event::Closed(Source::Listener(index)) => server.close_listener(index),
            Event::Message(Source::Stream(index), Message::TcpConnection(message)) => {
                server.stream_message(index, message)
            }
            Event::Closed(Source::Stream(index)) => server.close_stream(index),
            Event::Message(Source::Udp(index), Message::UdpSocket(message)) => {
                server.udp_message(index, message)
            }
            Event::Closed(Source::Udp(index)) => server.close_udp(index),
            Event::Doorbell(..) => server.rung(),
            Event::Connected(_) | Event::Timer(_) | Event::Writable(_) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
        server.run(&mut events);
        match server.deadline() {
            Some(deadline) => timer.set_at(deadline),
            None => timer.cancel(),
        }
    }
}

/// Asks the driver for its rings. If that fails it is gone, and tells when it is back.
fn attach(net: &net::Client, bell: &Doorbell) -> Option<ftl::Transaction> {
    net.attach_start(bell.ringer().ok()?).ok()
}

//! Sends a line to an echo server, and says what comes back. The smallest client of the network.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;
use core::net::SocketAddrV4;

use ftl::prelude::*;
use interfaces::tcp::{Streams, TcpStream};
use interfaces::tcpip::tcp_connection;

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Tcpip,
    Server,
    /// It is time to try again.
    Again,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let server: SocketAddrV4 = env.settings.server.parse().map_err(|_| {
        error!("`{}` is no address and port", env.settings.server);
        Error::InvalidArgument
    })?;
    let line = env.settings.line.as_bytes();
    let mut events = EventLoop::new()?;
    events.add(&env.tcpip, Source::Tcpip)?;
    let again = events.timer(Source::Again);
    let mut streams = Streams::new(1)?;
    streams.share(&env.tcpip)?;
    let mut attempts = env.settings.attempts;
    let mut stream: Option<TcpStream> = None;
    let mut answer = Vec::new();
    loop {
        let mut gone = false;
        let mut connected = false;
        match events.next()? {
            Event::Message(Source::Tcpip, Message::Tcpip(message)) => match message {
                tcpip::ToClient::Share(_, result) => {
                    result?;
                    streams.connect(&env.tcpip, server)?;
                }
                tcpip::ToClient::Connect(transaction, result) => {
                    match streams.connected(transaction, result) {
                        Ok(mut new) => {
                            new.write(line)?;
                            stream = Some(new);
                            connected = true;
                        }
                        Err(error) => {
                            info!("{server}: {error}");
                            gone = true;
                        }
                    }
                }
                other => warn!("unexpected: {other:?}"),
            },
            Event::Message(Source::Server, Message::TcpConnection(message)) => {
                if let Some(stream) = &mut stream {
                    let mut piece = [0; 64];
                    while let len @ 1.. = stream.read(&mut piece)? {
                        answer.extend_from_slice(&piece[..len]);
                    }
                }
                gone = !matches!(message, tcp_connection::ToClient::News);
            }
            Event::Closed(Source::Server) => gone = true,
            Event::Timer(Source::Again) => {
                streams.connect(&env.tcpip, server)?;
            }
            Event::Closed(Source::Tcpip) => {
                error!("tcpip is gone");
                return Err(Error::PeerRestarted);
            }
            Event::Writable(_) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
        if connected && let Some(stream) = &stream {
            events.add(stream.channel(), Source::Server)?;
        }
        if answer.len() >= line.len() {
            let text = core::str::from_utf8(&answer).unwrap_or("bytes that are no text");
            info!("{server} answers: {text}");
            return if answer == line {
                Ok(())
            } else {
                Err(Error::InvalidData)
            };
        }
        if gone {
            // Perhaps it has not started yet.
            if let Some(stream) = stream.take() {
                let _ = events.remove_channel(stream.channel());
            }
            answer.clear();
            attempts -= 1;
            if attempts == 0 {
                error!("{server} does not answer");
                return Err(Error::Unreachable);
            }
            again.set(Duration::from_secs(1));
        }
    }
}

//! A TCP connection for a command: what is to be sent goes there, what comes is handed over.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use ftl::io::{Inlet, Stdin};
use ftl::prelude::*;
use interfaces::tcp::{Streams, TcpStream};
use interfaces::tcpip::tcp_connection;

use crate::spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Tcpip,
    Listener,
    Remote,
    Stdin,
}

/// Who is at the other end.
pub enum Peer {
    /// Whom we connect to.
    Remote(SocketAddrV4),
    /// The first who connects to this port.
    Listen(u16),
}

/// Finds a host: an address, or a name.
pub fn find(tcpip: &mut tcpip::Client, host: &str) -> Result<Ipv4Addr, String> {
    if let Ok(ip) = host.parse() {
        return Ok(ip);
    }
    let found = tcpip
        .resolve(host)
        .map_err(|error| format!("{host}: {error}"))?;
    let first = found.iter().next();
    first
        .map(Ipv4Addr::from)
        .ok_or_else(|| format!("{host} has no address"))
}

/// Sends `first` and then what `input` has, and hands what comes to `take`, until the other side ends or `take` answers
/// false. Fails with the reason.
pub fn exchange(
    tcpip: &tcpip::Client,
    peer: &Peer,
    first: &[u8],
    input: Option<Stdin>,
    take: &mut dyn FnMut(&[u8]) -> Result<bool>,
) -> Result<(), String> {
    let ended = run(tcpip, peer, first, input, take).map_err(|error| format!("{error}"))?;
    match ended {
        End::Done => Ok(()),
        End::Failed(error) => Err(format!("{error}")),
    }
}

enum End {
    Done,
    Failed(Error),
}

fn run(
    tcpip: &tcpip::Client,
    peer: &Peer,
    first: &[u8],
    input: Option<Stdin>,
    take: &mut dyn FnMut(&[u8]) -> Result<bool>,
) -> Result<End> {
    let mut events = EventLoop::new()?;
    events.add(tcpip, Source::Tcpip)?;
    let mut streams = Streams::new(1)?;
    streams.share(tcpip)?;
    let mut listener = None;
    let mut stream: Option<TcpStream> = None;
    let mut to_send = Vec::from(first);
    // Who has an input passes its end on; who has none only wants an answer.
    let mut finished = input.is_none();
    let mut input = match input.and_then(Stdin::into_inner) {
        Some(reader) => {
            let inlet = Inlet::new(reader.into_end()?);
            inlet.add(&mut events, Source::Stdin)?;
            Some(inlet)
        }
        None => None,
    };
    loop {
        let mut connected = None;
        let mut over = None;
        let mut joined = None;
        let mut input_closed = false;
        match events.next()? {
            Event::Message(Source::Tcpip, Message::Tcpip(message)) => match message {
                tcpip::ToClient::Share(_, result) => {
                    result?;
                    match peer {
                        Peer::Remote(remote) => drop(streams.connect(tcpip, *remote)?),
                        Peer::Listen(port) => drop(tcpip.listen_start(*port, 1)?),
                    }
                }
                tcpip::ToClient::Listen(_, result) => listener = Some(result?),
                tcpip::ToClient::Connect(transaction, result) => {
                    connected = Some(streams.connected(transaction, result)?);
                }
                _ => {}
            },
            Event::Message(Source::Listener, Message::TcpListener(message)) => {
                let tcpip::tcp_listener::ToClient::Accept(transaction, result) = message;
                connected = Some(streams.accepted(transaction, result)?.0);
            }
            Event::Message(Source::Remote, Message::TcpConnection(message)) => match message {
                tcp_connection::ToClient::News => {}
                tcp_connection::ToClient::Ended => over = Some(End::Done),
                tcp_connection::ToClient::Closed(closed) => {
                    let error = Error::from_code(closed.error);
                    over = Some(error.map_or(End::Done, End::Failed));
                }
            },
            Event::Message(
                Source::Stdin,
                Message::StreamReceiver(stream::ToReceiver::Data(data)),
            ) => {
                to_send.extend_from_slice(data.bytes);
                if let Some(input) = &mut input {
                    input.received(data.bytes.len());
                }
            }
            Event::Message(
                Source::Stdin,
                Message::StreamReceiver(stream::ToReceiver::Join(join)),
            ) => joined = Some(join.stream),
            Event::Closed(Source::Stdin) => input_closed = true,
            Event::Closed(_) => over = Some(End::Failed(Error::Closed)),
            Event::Shutdown => over = Some(End::Done),
            _ => {}
        }
        if let Some(listener) = &listener
            && stream.is_none()
            && streams.asked() == 0
            && connected.is_none()
        {
            events.add(listener, Source::Listener)?;
            streams.accept(listener)?;
        }
        if let Some(new) = connected {
            events.add(new.channel(), Source::Remote)?;
            stream = Some(new);
        }
        if let (Some(inlet), Some(stream)) = (&mut input, joined) {
            inlet.joined(stream, &mut events, Source::Stdin)?;
        }
        if input_closed
            && let Some(inlet) = &mut input
            && !inlet.closed(&mut events, Source::Stdin)?
        {
            input = None;
        }
        let Some(stream) = &mut stream else {
            match over {
                Some(end) => return Ok(end),
                None => continue,
            }
        };
        let mut piece = [0; 1024];
        while let len @ 1.. = stream.read(&mut piece)? {
            if !take(&piece[..len])? {
                return Ok(End::Done);
            }
        }
        if let Some(end) = over {
            return Ok(end);
        }
        let sent = stream.write(&to_send)?;
        to_send.drain(..sent);
        if to_send.is_empty() {
            match &mut input {
                Some(input) => input.ask(),
                None if !finished => {
                    finished = true;
                    stream.shutdown_write()?;
                }
                None => {}
            }
        }
    }
}

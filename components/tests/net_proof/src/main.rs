//! Does on the network what tests tell it to. On TCP port 81 it takes one line at a time:
//!
//! | line | what it does, and what it answers |
//! |---|---|
//! | `kill NAME` | has init kill a component: `ok` |
//! | `udp IP:PORT TEXT` | sends a datagram, and waits for one: its text |
//! | `resolve NAME` | asks for a name's addresses: all of them |
//! | `connect IP:PORT TEXT` | connects, sends the text, and waits for as many bytes: those |
//!
//! An error is answered with `error:` and its name. One thing is done at a time.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use ftl::prelude::*;
use interfaces::tcp::{Streams, TcpStream};
use interfaces::tcpip::{tcp_connection, tcp_listener, udp_socket};

#[rustfmt::skip]
mod spec;

use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Tcpip,
    System,
    Listener,
    /// Who tells us what to do.
    Master,
    /// Whom we were told to connect to.
    Peer,
    Udp,
}

/// Channels that the event loop is to hear of, or to forget.
#[derive(Default)]
struct Changes {
    listener: bool,
    master: Option<TcpStream>,
    peer: Option<TcpStream>,
    udp: Option<udp_socket::Client>,
    over: Vec<TcpStream>,
    udp_over: Option<udp_socket::Client>,
}

struct Proof {
    env: Environ,
    streams: Streams,
    listener: Option<tcp_listener::Client>,
    master: Option<TcpStream>,
    line: Vec<u8>,
    peer: Option<TcpStream>,
    text: Vec<u8>,
    answer: Vec<u8>,
    udp: Option<udp_socket::Client>,
    changes: Changes,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.tcpip, Source::Tcpip)?;
    events.add(&env.system, Source::System)?;
    let mut streams = Streams::new(4)?;
    streams.share(&env.tcpip)?;
    let mut proof = Proof {
        env,
        streams,
        listener: None,
        master: None,
        line: Vec::new(),
        peer: None,
        text: Vec::new(),
        answer: Vec::new(),
        udp: None,
        changes: Changes::default(),
    };
    loop {
        match events.next()? {
            Event::Message(Source::Tcpip, Message::Tcpip(message)) => proof.tcpip(message)?,
            Event::Message(
                _,
                Message::TcpListener(tcp_listener::ToClient::Accept(transaction, result)),
            ) => {
                if let Ok((stream, _)) = proof.streams.accepted(transaction, result) {
                    proof.changes.over.extend(proof.master.take());
                    proof.changes.master = Some(stream);
                }
            }
            Event::Message(Source::Master, Message::TcpConnection(message)) => {
                proof.hear_master(!matches!(message, tcp_connection::ToClient::News))?;
            }
            Event::Message(Source::Peer, Message::TcpConnection(message)) => {
                proof.hear_peer(!matches!(message, tcp_connection::ToClient::News))?;
            }
            Event::Message(_, Message::UdpSocket(udp_socket::ToClient::Datagram(datagram))) => {
                let text = String::from_utf8_lossy(datagram.data).into_owned();
                proof.changes.udp_over = proof.udp.take();
                proof.reply(&text)?;
            }
            Event::Message(_, Message::UdpSocket(udp_socket::ToClient::Send(_, Err(error)))) => {
                proof.reply(&format!("error: {error:?}"))?;
            }
            Event::Message(Source::System, Message::System(system::ToClient::Kill(_, result))) => {
                let text =
                    result.map_or_else(|error| format!("error: {error:?}"), |()| "ok".into());
                proof.reply(&text)?;
            }
            Event::Closed(Source::Tcpip) => {
                proof.listener = None;
                proof.changes.udp_over = proof.udp.take();
                proof.changes.over.extend(proof.master.take());
                proof.changes.over.extend(proof.peer.take());
            }
            Event::Restarted(Source::Tcpip) => {
                let _ = proof.streams.share(&proof.env.tcpip);
            }
            Event::Shutdown => return Ok(()),
            _ => {}
        }
        proof.settle(&mut events)?;
    }
}

impl Proof {
    fn tcpip(&mut self, message: tcpip::ToClient<'_>) -> Result<()> {
        match message {
            tcpip::ToClient::Share(_, Ok(())) => {
                let _ = self.env.tcpip.listen_start(self.env.settings.port, 4);
                Ok(())
            }
            tcpip::ToClient::Listen(_, Ok(listener)) => {
                info!("listens on port {}", self.env.settings.port);
                self.listener = Some(listener);
                self.changes.listener = true;
                Ok(())
            }
            tcpip::ToClient::Bind(_, Ok(bound)) => {
                self.changes.udp = Some(bound.socket);
                Ok(())
            }
            tcpip::ToClient::Connect(transaction, result) => {
                match self.streams.connected(transaction, result) {
                    Ok(mut stream) => {
                        stream.write(&self.text)?;
                        self.changes.peer = Some(stream);
                        Ok(())
                    }
                    Err(error) => self.reply(&format!("error: {error:?}")),
                }
            }
            tcpip::ToClient::Resolve(_, Ok(addresses)) => {
                let found: Vec<String> = addresses
                    .iter()
                    .map(|ip| Ipv4Addr::from_bits(ip).to_string())
                    .collect();
                self.reply(&found.join(" "))
            }
            tcpip::ToClient::Resolve(_, Err(error)) | tcpip::ToClient::Bind(_, Err(error)) => {
                self.reply(&format!("error: {error:?}"))
            }
            _ => Ok(()),
        }
    }

    /// Answers the line.
    fn reply(&mut self, text: &str) -> Result<()> {
        if let Some(master) = &mut self.master {
            master.write(format!("{text}\n").as_bytes())?;
        }
        Ok(())
    }

    fn hear_master(&mut self, over: bool) -> Result<()> {
        let mut piece = [0; 256];
        while let Some(master) = &mut self.master
            && let len @ 1.. = master.read(&mut piece)?
        {
            self.line.extend_from_slice(&piece[..len]);
            while let Some(end) = self.line.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.line.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim().to_string();
                if let Err(error) = self.obey(&line) {
                    self.reply(&format!("error: {error:?}"))?;
                }
            }
        }
        if over {
            self.line.clear();
            self.changes.over.extend(self.master.take());
        }
        Ok(())
    }

    /// Begins to do what a line says.
    fn obey(&mut self, line: &str) -> Result<()> {
        let (word, rest) = line.split_once(' ').ok_or(Error::InvalidArgument)?;
        let (to, text) = rest.split_once(' ').unwrap_or((rest, ""));
        let address = || {
            to.parse::<SocketAddrV4>()
                .map_err(|_| Error::InvalidArgument)
        };
        self.text = text.into();
        match word {
            "kill" => self.env.system.kill_start(to).map(drop),
            "resolve" => self.env.tcpip.resolve_start(to).map(drop),
            "udp" => {
                // The text is sent when the port is there.
                self.answer = to.into();
                address()?;
                self.env.tcpip.bind_start(0).map(drop)
            }
            "connect" => {
                self.answer.clear();
                self.streams.connect(&self.env.tcpip, address()?).map(drop)
            }
            _ => Err(Error::InvalidArgument),
        }
    }

    fn hear_peer(&mut self, over: bool) -> Result<()> {
        let mut piece = [0; 256];
        while let Some(peer) = &mut self.peer
            && let len @ 1.. = peer.read(&mut piece)?
        {
            self.answer.extend_from_slice(&piece[..len]);
        }
        if self.peer.is_some() && (over || self.answer.len() >= self.text.len()) {
            self.changes.over.extend(self.peer.take());
            let text = String::from_utf8_lossy(&self.answer).into_owned();
            self.reply(&text)?;
        }
        Ok(())
    }

    /// Tells the event loop which channels there are now.
    fn settle(&mut self, events: &mut EventLoop<Source>) -> Result<()> {
        for stream in self.changes.over.drain(..) {
            let _ = events.remove_channel(stream.channel());
        }
        if let Some(socket) = self.changes.udp_over.take() {
            let _ = events.remove_channel(&socket);
        }
        if core::mem::take(&mut self.changes.listener)
            && let Some(listener) = &self.listener
        {
            events.add(listener, Source::Listener)?;
        }
        if let Some(stream) = self.changes.master.take() {
            events.add(stream.channel(), Source::Master)?;
            self.master = Some(stream);
            self.hear_master(false)?;
        }
        if let Some(stream) = self.changes.peer.take() {
            events.add(stream.channel(), Source::Peer)?;
            self.peer = Some(stream);
            self.hear_peer(false)?;
        }
        if let Some(socket) = self.changes.udp.take() {
            events.add(&socket, Source::Udp)?;
            let to = String::from_utf8_lossy(&self.answer).parse::<SocketAddrV4>();
            let to = to.map_err(|_| Error::InvalidArgument)?;
            socket.send_start(to.into(), &self.text)?;
            self.udp = Some(socket);
        }
        if let Some(listener) = &self.listener
            && self.streams.asked() == 0
        {
            let _ = self.streams.accept(listener);
        }
        Ok(())
    }
}

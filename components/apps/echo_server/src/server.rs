//! The listener, and the table of connections.

use alloc::vec::Vec;

use ftl::Transaction;
use ftl::prelude::*;
use interfaces::tcp::{Streams, TcpStream};
use interfaces::tcpip::{self, tcp_listener};

use crate::Source;
use crate::spec::EventLoop;

/// Connections asked for ahead.
const ACCEPTS: usize = 4;

/// The server.
pub struct Server {
    streams: Streams,
    listener: Option<tcp_listener::Client>,
    /// Whether the event loop knows the listener.
    listener_is_known: bool,
    connections: Vec<Option<Connection>>,
}

/// One connection, and the bytes that are on their way back.
struct Connection {
    stream: TcpStream,
    piece: [u8; 1024],
    /// Which of the piece's bytes have not been written yet.
    rest: core::ops::Range<usize>,
    /// The other side sends nothing more.
    ended: bool,
    state: State,
}

#[derive(PartialEq)]
enum State {
    /// The event loop does not know it yet.
    Fresh,
    Open,
    /// We send nothing more.
    Finished,
    /// The event loop is to forget it.
    Over,
}

impl Server {
    /// A server for so many connections.
    pub fn new(connections: u32) -> Result<Server> {
        Ok(Server {
            streams: Streams::new(connections)?,
            listener: None,
            listener_is_known: false,
            connections: Vec::new(),
        })
    }

    /// Shares memory with a `tcpip` that has just started.
    pub fn share(&mut self, tcpip: &tcpip::Client) -> Result<()> {
        match self.streams.share(tcpip) {
            // Gone again already; it will be back.
            Ok(_) | Err(Error::PeerRestarted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    pub fn listen(&mut self, listener: tcp_listener::Client) {
        self.listener = Some(listener);
        self.listener_is_known = false;
    }

    pub fn accepted(
        &mut self,
        transaction: Transaction,
        result: Result<tcp_listener::AcceptReply>,
    ) {
        let (stream, remote) = match self.streams.accepted(transaction, result) {
            Ok(accepted) => accepted,
            Err(error) => return debug!("a connection did not come about: {error}"),
        };
        debug!("{remote} has connected");
        let connection = Connection {
            stream,
            piece: [0; 1024],
            rest: 0..0,
            ended: false,
            state: State::Fresh,
        };
        let free = self.connections.iter().position(Option::is_none);
        match free {
            Some(index) => self.connections[index] = Some(connection),
            None => self.connections.push(Some(connection)),
        }
    }

    /// Goes on with a connection as far as there are bytes, and room for them.
    pub fn echo(&mut self, index: usize) {
        if let Some(Some(connection)) = self.connections.get_mut(index)
            && let Err(error) = connection.echo()
        {
            debug!("let go of a connection: {error}");
            connection.state = State::Over;
        }
    }

    /// The other side sends nothing more than what is in the stream.
    pub fn ended(&mut self, index: usize) {
        if let Some(Some(connection)) = self.connections.get_mut(index) {
            connection.ended = true;
        }
        self.echo(index);
    }

    pub fn close(&mut self, index: usize) {
        if let Some(Some(connection)) = self.connections.get_mut(index) {
            connection.state = State::Over;
        }
    }

    pub fn close_all(&mut self) {
        self.listener = None;
        (0..self.connections.len()).for_each(|index| self.close(index));
    }

    /// Tells the event loop which channels there are now, and asks for more connections.
    pub fn settle(&mut self, events: &mut EventLoop<Source>) -> Result<()> {
        for index in 0..self.connections.len() {
            match &mut self.connections[index] {
                Some(connection) if connection.state == State::Fresh => {
                    connection.state = State::Open;
                    events.add(connection.stream.channel(), Source::Connection(index))?;
                    self.echo(index);
                }
                Some(connection) if connection.state == State::Over => {
                    let _ = events.remove_channel(connection.stream.channel());
                    self.connections[index] = None;
                }
                _ => {}
            }
        }
        let Some(listener) = &self.listener else {
            return Ok(());
        };
        if !core::mem::replace(&mut self.listener_is_known, true) {
            events.add(listener, Source::Listener)?;
        }
        while self.streams.asked() < ACCEPTS {
            match self.streams.accept(listener) {
                Ok(true) => {}
                // All slots are in use; or tcpip is gone, and `Closed` comes.
                Ok(false) | Err(_) => break,
            }
        }
        Ok(())
    }
}

impl Connection {
    fn echo(&mut self) -> Result<()> {
        loop {
            self.rest.start += self.stream.write(&self.piece[self.rest.clone()])?;
            if !self.rest.is_empty() {
                return Ok(());
            }
            let len = self.stream.read(&mut self.piece)?;
            self.rest = 0..len;
            if len == 0 {
                if self.ended && self.state != State::Finished {
                    self.state = State::Finished;
                    self.stream.shutdown_write()?;
                }
                return Ok(());
            }
        }
    }
}

//! Stands in for `tcpip` and the network behind it when a client is tested on the host, with `libs/testkit`.
//!
//! The test holds the server's end of the client's channel in a [`FakeTcpip`], plays everybody out in
//! the world, and lets the client run in between with [`FakeTcpip::run`].

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddrV4;
use std::vec::Vec;

use ftl::event_loop::{Hears, Messages};
use ftl::memory::SharedBytes;
use ftl::time::Duration;
use ftl::{Error, Event, EventLoop, Result, Timer, Transaction};
use ring::{StreamConsumer, StreamLayout, StreamProducer};

use crate::tcpip::{self, ConnectReplier, tcp_connection, tcp_listener};

/// Where a connection is: counted from 0 in the order in which they were made.
pub type Remote = usize;

/// What this side hears.
pub enum Heard {}

/// See [`Heard`].
pub enum Message<'a> {
    /// On the client's main channel.
    Tcpip(tcpip::ToServer<'a>),
    /// On a listener's.
    Listener(tcp_listener::ToServer),
    /// On a connection's.
    Connection(tcp_connection::ToServer),
}

impl Messages for Heard {
    type Message<'a> = Message<'a>;
    fn decode<'a>(tag: u16, incoming: ftl::end::Incoming<'a>) -> Result<Message<'a>> {
        match tag {
            0 => tcpip::ToServer::decode(incoming).map(Message::Tcpip),
            1 => tcp_listener::ToServer::decode(incoming).map(Message::Listener),
            _ => tcp_connection::ToServer::decode(incoming).map(Message::Connection),
        }
    }
    fn ended<'a>(_: u16, _: u32, _: Transaction, _: Error) -> Option<Message<'a>> {
        None
    }
}

impl Hears<tcpip::Server> for Heard {
    const TAG: u16 = 0;
}
impl Hears<tcp_listener::Server> for Heard {
    const TAG: u16 = 1;
}
impl Hears<tcp_connection::Server> for Heard {
    const TAG: u16 = 2;
}

#[derive(Clone, Copy)]
enum Who {
    Client,
    Listener(u16),
    Connection(Remote),
    /// The time that the client was given is over.
    Pause,
}

/// A connection, as somebody far away sees it.
struct Connection {
    channel: tcp_connection::Server,
    received: StreamProducer<SharedBytes>,
    to_send: StreamConsumer<SharedBytes>,
    /// Received from the client, and not taken by the test.
    got: Vec<u8>,
    /// Sent by the test, and not fitting into the stream yet.
    waiting: VecDeque<u8>,
    finished: bool,
}

/// A connection that a client waits for in a slot.
type Waiting = VecDeque<(u32, tcp_listener::AcceptReplier)>;

/// `tcpip`, as far as its client can tell.
pub struct FakeTcpip {
    events: EventLoop<Who, Heard>,
    pause: Timer,
    server: tcpip::Server,
    memory: Option<(SharedBytes, u32, u32)>,
    listeners: HashMap<u16, (tcp_listener::Server, Waiting)>,
    connects: VecDeque<(SocketAddrV4, u32, ConnectReplier)>,
    connections: Vec<Option<Connection>>,
    /// Which of the client's slots have been asked for again while they were in use.
    pub reused: Vec<u32>,
    slots: HashMap<u32, Remote>,
}

impl FakeTcpip {
    /// Serves this client.
    pub fn new(server: tcpip::Server) -> FakeTcpip {
        let mut events = EventLoop::new().expect("memory is there");
        events.add(&server, Who::Client).expect("added only here");
        FakeTcpip {
            pause: events.timer(Who::Pause),
            events,
            server,
            memory: None,
            listeners: HashMap::new(),
            connects: VecDeque::new(),
            connections: Vec::new(),
            reused: Vec::new(),
            slots: HashMap::new(),
        }
    }

    /// Whether the client listens on this port.
    pub fn listens(&self, port: u16) -> bool {
        self.listeners.contains_key(&port)
    }

    /// Lets the client run for so long, of which it has as much as it wants.
    pub fn run(&mut self, time: Duration) {
        self.pause.set(time);
        loop {
            match self.events.next().expect("the loop is the test's own") {
                Event::Timer(Who::Pause) => return,
                Event::Message(_, Message::Tcpip(message)) => {
                    let asked = serve(message);
                    self.note(asked);
                }
                Event::Message(Who::Listener(port), Message::Listener(message)) => {
                    let tcp_listener::ToServer::Accept(request, reply) = message;
                    if let Some((_, waiting)) = self.listeners.get_mut(&port) {
                        waiting.push_back((request.slot, reply));
                    }
                }
                Event::Message(Who::Connection(remote), Message::Connection(message)) => {
                    self.pump(remote);
                    if let (tcp_connection::ToServer::Finish, Some(Some(connection))) =
                        (message, self.connections.get_mut(remote))
                    {
                        connection.finished = true;
                    }
                }
                Event::Closed(Who::Connection(remote)) => {
                    self.pump(remote);
                    self.slots.retain(|_, holder| *holder != remote);
                    self.connections[remote] = None;
                }
                Event::Closed(Who::Listener(port)) => {
                    self.listeners.remove(&port);
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, asked: Asked) {
        match asked {
            Asked::Share(memory, receive_len, send_len) => {
                self.memory = Some((memory, receive_len, send_len));
            }
            Asked::Listen(port, listener) => {
                self.events
                    .add(&listener, Who::Listener(port))
                    .expect("it is new");
                self.listeners.insert(port, (listener, VecDeque::new()));
            }
            Asked::Connect(remote, slot, reply) => self.connects.push_back((remote, slot, reply)),
            Asked::Nothing => {}
        }
    }

    /// Somebody connects to the client's port.
    pub fn connect(&mut self, port: u16) -> Option<Remote> {
        let (_, waiting) = self.listeners.get_mut(&port)?;
        let (slot, reply) = waiting.pop_front()?;
        let (theirs, remote) = self.open(slot);
        let address = SocketAddrV4::new([10, 0, 2, 2].into(), 50_000 + remote as u16);
        reply
            .ok(theirs, address.into())
            .expect("the client hears it");
        Some(remote)
    }

    /// Where the client wants to connect to, if it does.
    pub fn wanted(&self) -> Option<SocketAddrV4> {
        self.connects.front().map(|connect| connect.0)
    }

    /// Lets the client's wish come true, or not.
    pub fn answer(&mut self, result: Result<()>) -> Option<Remote> {
        let (_, slot, reply) = self.connects.pop_front()?;
        if let Err(error) = result {
            reply.error(error).expect("the client hears it");
            return None;
        }
        let (theirs, remote) = self.open(slot);
        let local = SocketAddrV4::new([10, 0, 2, 15].into(), 50_000);
        reply.ok(theirs, local.into()).expect("the client hears it");
        Some(remote)
    }

    fn open(&mut self, slot: u32) -> (tcp_connection::Client, Remote) {
        let (memory, receive_len, send_len) = self.memory.clone().expect("the client has shared");
        let len = StreamLayout::bytes(receive_len) + StreamLayout::bytes(send_len);
        let received = StreamLayout::new(slot as usize * len, receive_len).expect("the client's");
        let to_send = StreamLayout::new(received.end(), send_len).expect("the client's");
        received.clear(&memory);
        to_send.clear(&memory);
        let (theirs, ours) = tcp_connection::channel().expect("memory is there");
        let remote = self.connections.len();
        if self.slots.insert(slot, remote).is_some() {
            self.reused.push(slot);
        }
        self.events
            .add(&ours, Who::Connection(remote))
            .expect("it is new");
        self.connections.push(Some(Connection {
            channel: ours,
            received: StreamProducer::new(memory.clone(), received),
            to_send: StreamConsumer::new(memory, to_send),
            got: Vec::new(),
            waiting: VecDeque::new(),
            finished: false,
        }));
        self.pump(remote);
        (theirs, remote)
    }

    /// Moves bytes both ways, and asks to be told when there are more.
    fn pump(&mut self, remote: Remote) {
        let Some(Some(connection)) = self.connections.get_mut(remote) else {
            return;
        };
        let mut wake = false;
        loop {
            let mut piece = [0; 1000];
            let len = connection
                .to_send
                .read(&mut piece)
                .expect("the client keeps the rules");
            connection.got.extend_from_slice(&piece[..len]);
            let bytes = connection.waiting.make_contiguous();
            let sent = connection
                .received
                .write(bytes)
                .expect("the client keeps the rules");
            connection.waiting.drain(..sent);
            wake |= connection.to_send.release() | connection.received.publish();
            let asleep = connection.to_send.prepare_wait().expect("as above")
                && (connection.waiting.is_empty()
                    || connection.received.prepare_wait(1).expect("as above"));
            if asleep {
                break;
            }
        }
        if wake {
            let _ = connection.channel.news();
        }
    }

    /// Somebody far away sends bytes.
    pub fn send(&mut self, remote: Remote, data: &[u8]) {
        if let Some(Some(connection)) = self.connections.get_mut(remote) {
            connection.waiting.extend(data);
        }
        self.pump(remote);
    }

    /// What has come from the client since the last call.
    pub fn take(&mut self, remote: Remote) -> Vec<u8> {
        self.pump(remote);
        let connection = self.connections.get_mut(remote).and_then(Option::as_mut);
        connection
            .map(|c| core::mem::take(&mut c.got))
            .unwrap_or_default()
    }

    /// Whether the client has let go of the connection.
    pub fn is_gone(&self, remote: Remote) -> bool {
        self.connections[remote].is_none()
    }

    /// Whether the client has said that it will send nothing more, or is gone.
    pub fn is_finished(&self, remote: Remote) -> bool {
        self.connections[remote].as_ref().is_none_or(|c| c.finished)
    }

    /// Somebody far away sends nothing more.
    pub fn end(&mut self, remote: Remote) {
        if let Some(Some(connection)) = self.connections.get(remote) {
            connection.channel.ended().expect("the client hears it");
        }
    }

    /// The connection is over.
    pub fn close(&mut self, remote: Remote, error: Option<Error>) {
        if let Some(Some(connection)) = self.connections.get(remote) {
            let code = error.map_or(0, Error::code);
            connection
                .channel
                .closed(code)
                .expect("the client hears it");
        }
    }

    /// Dies, with all that it had.
    pub fn die(mut self) {
        let _ = self.events.remove_channel(&self.server);
    }
}

/// What is to be remembered of a request.
enum Asked {
    Share(SharedBytes, u32, u32),
    Listen(u16, tcp_listener::Server),
    Connect(SocketAddrV4, u32, ConnectReplier),
    Nothing,
}

/// Answers a request.
fn serve(message: tcpip::ToServer<'_>) -> Asked {
    const HEARD: &str = "the client hears it";
    match message {
        tcpip::ToServer::Share(request, reply) => {
            let memory = request.memory.map().expect("memory is there");
            reply.ok().expect(HEARD);
            Asked::Share(memory, request.receive_len, request.send_len)
        }
        tcpip::ToServer::Listen(request, reply) => {
            let (theirs, ours) = tcp_listener::channel().expect("memory is there");
            reply.ok(theirs).expect(HEARD);
            Asked::Listen(request.port, ours)
        }
        tcpip::ToServer::Connect(request, reply) => {
            Asked::Connect(request.remote.into(), request.slot, reply)
        }
        tcpip::ToServer::Status(reply) => {
            let ip = u32::from_be_bytes([10, 0, 2, 15]);
            reply.ok(ip, 24, 0, 1, 2, 3, 4, 5, 6, 7).expect(HEARD);
            Asked::Nothing
        }
        _ => Asked::Nothing,
    }
}

//! Clients, listeners and connections on one side, the stack on the other.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use ftl::prelude::*;
use interfaces::net::AttachReply;
use interfaces::tcpip::{
    Address, PingReplier, ResolveReplier, ShareRequest, ToServer, tcp_connection, tcp_listener,
    udp_socket,
};
use net::{
    Addressing, Budget, Config, ConnectionId, EchoId, ListenerId, OwnerId, QueryId, Stack,
    TcpOptions, UdpId,
};

use crate::Source;
use crate::clients::{Client, Memory};
use crate::lease;
use crate::link::Link;
use crate::spec::{EventLoop, Settings};
use crate::stream::{Piece, Stream, Which};

mod connections;
mod listeners;
mod requests;

use listeners::Listener;

/// The time since boot, as the stack wants it.
pub fn now() -> Duration {
    Instant::now() - Instant::default()
}

/// Everything that this component keeps.
pub struct Server {
    /// When the event that is being handled came. Reading the clock once for each is enough.
    pub now: Duration,
    config: Config,
    budget: Budget,
    tcp: TcpOptions,
    /// What an earlier life of this component left behind.
    inherited: Vec<u8>,
    /// There once the driver has told its address; it outlives the driver.
    pub(crate) stack: Option<Stack>,
    /// Until when the stack has nothing to do by itself, once that is known.
    rests_until: Option<Duration>,
    link: Option<Link>,
    clients: Vec<Client>,
    listeners: Vec<Option<Listener>>,
    pub(crate) streams: Vec<Option<Stream>>,
    udp: Vec<Option<Udp>>,
    queries: Vec<(QueryId, ResolveReplier)>,
    pings: Vec<(EchoId, PingReplier)>,
    /// What clients asked before there was a stack.
    early: VecDeque<(Connection, EarlyMessage)>,
    /// Channels that the event loop is to listen to: it cannot be told while a message is handled
    /// whose bytes it lends us.
    fresh: VecDeque<Fresh>,
    /// Places of connections of this machine with itself that have more to pass on: others go first.
    pub(crate) again: Vec<usize>,
    /// For copies of what is passed on.
    pub(crate) piece: Box<Piece>,
    /// Channels of connections that we ended ourselves, to be forgotten by the event loop.
    doomed: Vec<tcp_connection::Server>,
}

/// A channel that was just made, and its place in the table.
enum Fresh {
    Listener(tcp_listener::Server, usize),
    Stream(tcp_connection::Server, usize),
    Udp(udp_socket::Server, usize),
}

/// A request that has to wait for the stack.
enum EarlyMessage {
    Listen {
        port: u16,
        backlog: u16,
        reply: interfaces::tcpip::ListenReplier,
    },
    Bind {
        port: u16,
        reply: interfaces::tcpip::BindReplier,
    },
    Share {
        request: ShareRequest,
        reply: interfaces::tcpip::ShareReplier,
    },
}

struct Udp {
    id: UdpId,
    client: OwnerId,
    channel: udp_socket::Server,
}

impl Server {
    /// A server without a link.
    pub fn new(settings: &Settings, inherited: Vec<u8>, random: &mut Random) -> Result<Server> {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        if !random.is_seeded() {
            warn!("the machine gave no seed: sequence numbers can be foreseen");
        }
        let addressing = addressing(settings).inspect_err(|_| {
            error!("the settings `address`, `gateway` or `dns` are no addresses");
        })?;
        Ok(Server {
            now: now(),
            config: Config {
                mac: [0; 6],
                mtu: 1500,
                addressing,
                seed,
                limits: net::Limits::default(),
            },
            budget: Budget {
                bytes: (settings.client_memory as usize) << 20,
                sockets: 4096,
            },
            tcp: TcpOptions {
                receive_buffer: settings.receive_buffer as usize,
                send_buffer: settings.send_buffer as usize,
                ..TcpOptions::default()
            },
            inherited,
            stack: None,
            rests_until: None,
            link: None,
            clients: Vec::new(),
            listeners: Vec::new(),
            streams: Vec::new(),
            udp: Vec::new(),
            queries: Vec::new(),
            pings: Vec::new(),
            early: VecDeque::new(),
            fresh: VecDeque::new(),
            again: Vec::new(),
            piece: Box::new(Piece::EMPTY),
            doomed: Vec::new(),
        })
    }

    /// Goes on with a driver that has just started.
    pub fn connect_link(&mut self, device: AttachReply) -> Result<()> {
        let mac: [u8; 6] = core::array::from_fn(|i| (device.mac >> (8 * i)) as u8);
        let mtu = device.mtu;
        match Link::new(device) {
            Ok(link) => self.link = Some(link),
            Err(error) => {
                error!("what the driver shares cannot be used: {error}");
                return Ok(());
            }
        }
        if self.stack.is_none() {
            self.config.mac = mac;
            self.config.mtu = mtu;
            if let Addressing::Dhcp(lease) = &mut self.config.addressing {
                *lease = lease::decode(&self.inherited, mac);
            }
            self.stack = Some(Stack::new(self.config.clone(), self.now));
        }
        self.rests_until = None;
        if let (Some(stack), Some(link)) = (&mut self.stack, &self.link) {
            stack.leave_checksums(link.checksums);
            stack.leave_segmentation(link.batch_len);
        }
        Ok(())
    }

    /// The driver is gone. The stack goes on as if the cable were unplugged.
    pub fn disconnect_link(&mut self) {
        self.link = None;
    }

    /// The driver has put frames into its ring, or taken some out of ours.
    pub fn rung(&mut self) {
        if let Some(link) = &mut self.link {
            link.rung();
        }
    }

    /// When the stack wants to be polled.
    pub fn deadline(&mut self) -> Option<Instant> {
        let deadline = self.stack.as_ref()?.deadline();
        self.rests_until = Some(deadline.unwrap_or(Duration::MAX));
        if !self.again.is_empty() {
            return Some(Instant::now());
        }
        Some(Instant::default() + deadline?)
    }

    /// Moves frames, bytes and events until there is nothing left to do.
    pub fn run(&mut self, events: &mut EventLoop<Source>) {
        if self.stack.is_none() {
            return;
        }
        self.introduce(events);
        while let Some((client, message)) = self.early.pop_front() {
            let _ = self.early_message(client, message);
        }
        for index in core::mem::take(&mut self.again) {
            self.pump(index, Which::ToSend);
        }
        loop {
            let now = self.now;
            let Some(stack) = &mut self.stack else { return };
            // What becomes due by what happens here is found out when it is asked for the next deadline.
            if self.rests_until.is_none_or(|until| until <= now) {
                stack.poll(now);
            }
            if let Some(Err(error)) = self.link.as_mut().map(|link| link.receive(stack, now)) {
                error!("left the driver: {error}");
                self.link = None;
            }
            self.handle_events();
            self.introduce(events);
            let Some(stack) = &mut self.stack else { return };
            let Some(link) = &mut self.link else { return };
            if let Err(error) = link.transmit(stack, now) {
                error!("left the driver: {error}");
                self.link = None;
                return;
            }
            if !stack.has_events() && !matches!(link.rest(), Ok(false)) {
                return;
            }
        }
    }

    /// Tells the event loop which channels there are now.
    #[inline]
    fn introduce(&mut self, events: &mut EventLoop<Source>) {
        if !self.fresh.is_empty() || !self.doomed.is_empty() {
            self.introduce_each(events);
        }
    }

    #[inline(never)]
    fn introduce_each(&mut self, events: &mut EventLoop<Source>) {
        while let Some(fresh) = self.fresh.pop_front() {
            let added = match &fresh {
                Fresh::Listener(channel, index) => events.add(channel, Source::Listener(*index)),
                Fresh::Stream(channel, index) => events.add(channel, Source::Stream(*index)),
                Fresh::Udp(channel, index) => events.add(channel, Source::Udp(*index)),
            };
            if let Err(error) = added {
                // It is closed with the table's entry when the client notices nothing happens.
                error!("cannot listen to a channel: {error}");
            }
        }
        for channel in self.doomed.drain(..) {
            let _ = events.remove_channel(&channel);
        }
    }

    fn handle_events(&mut self) {
        while let Some(event) = self.stack.as_mut().and_then(Stack::next_event) {
            match event {
                net::Event::Incoming(id) => {
                    let found = self
                        .listeners
                        .iter()
                        .position(|l| l.as_ref().is_some_and(|l| l.id == id));
                    if let Some(index) = found {
                        self.accept(index);
                    }
                }
                net::Event::Connected(id) => self.connected(id),
                net::Event::Readable(id) => {
                    self.readable(id.index());
                    self.pump(id.index(), Which::Received);
                }
                net::Event::Writable(id) => self.pump(id.index(), Which::ToSend),
                net::Event::Closed(id, result) => {
                    let index = id.index();
                    self.readable(index);
                    self.pump(index, Which::Both);
                    let Some(stream) = self.streams.get_mut(index).and_then(Option::as_mut) else {
                        continue;
                    };
                    stream.closed = Some(result);
                    match stream.connecting.take() {
                        Some(reply) => {
                            let _ = reply.error(result.err().unwrap_or(Error::ConnectionReset));
                            self.drop_stream(index);
                        }
                        None => stream.tell_closed(),
                    }
                }
                net::Event::Datagram(id) => self.datagrams(id),
                net::Event::Undelivered(_) => {}
                net::Event::Resolved(id, result) => self.resolved(id, result),
                net::Event::Echoed(id, result) => self.echoed(id, result),
                net::Event::AddressChanged => match self.stack.as_ref().and_then(Stack::address) {
                    Some(address) => info!("address {}/{}", address.ip, address.prefix_len),
                    None => {
                        warn!("lost the address");
                        lease::save(None, self.config.mac);
                    }
                },
                net::Event::LeaseChanged => {
                    let lease = self.stack.as_ref().and_then(Stack::lease);
                    lease::save(lease.as_ref(), self.config.mac);
                }
            }
        }
    }

    fn client(&mut self, connection: Connection) -> Result<usize> {
        if let Some(index) = self
            .clients
            .iter()
            .position(|client| client.connection == connection)
        {
            return Ok(index);
        }
        let budget = self.budget;
        let stack = self.stack.as_mut().ok_or(Error::Unreachable)?;
        let owner = stack.add_owner(budget)?;
        self.clients.push(Client {
            connection,
            owner,
            memory: Memory::default(),
        });
        Ok(self.clients.len() - 1)
    }

    /// A request on a client's main channel.
    pub fn client_message(&mut self, from: Connection, message: ToServer<'_>) {
        // An answer that cannot be sent is one to a client that is gone.
        let _ = self.answer(from, message);
    }

    fn answer(&mut self, from: Connection, message: ToServer<'_>) -> Result<()> {
        if self.stack.is_none() {
            return match message {
                ToServer::Listen(request, reply) => {
                    let (port, backlog) = (request.port, request.backlog);
                    self.early.push_back((
                        from,
                        EarlyMessage::Listen {
                            port,
                            backlog,
                            reply,
                        },
                    ));
                    Ok(())
                }
                ToServer::Bind(request, reply) => {
                    self.early.push_back((
                        from,
                        EarlyMessage::Bind {
                            port: request.port,
                            reply,
                        },
                    ));
                    Ok(())
                }
                ToServer::Status(reply) => reply.ok(0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                ToServer::Share(request, reply) => {
                    self.early
                        .push_back((from, EarlyMessage::Share { request, reply }));
                    Ok(())
                }
                ToServer::Connect(_, reply) => reply.error(Error::Unreachable),
                ToServer::Resolve(_, reply) => reply.error(Error::Unreachable),
                ToServer::Ping(_, reply) => reply.error(Error::Unreachable),
            };
        }
        let index = self.client(from)?;
        match message {
            ToServer::Share(request, reply) => {
                self.early_message(from, EarlyMessage::Share { request, reply })
            }
            ToServer::Listen(request, reply) => self.early_message(
                from,
                EarlyMessage::Listen {
                    port: request.port,
                    backlog: request.backlog,
                    reply,
                },
            ),
            ToServer::Bind(request, reply) => self.early_message(
                from,
                EarlyMessage::Bind {
                    port: request.port,
                    reply,
                },
            ),
            ToServer::Connect(request, reply) => {
                match self.connect(index, request.remote, request.slot) {
                    Ok(id) => {
                        if let Some(stream) = self.streams[id.index()].as_mut() {
                            stream.connecting = Some(reply);
                        }
                        Ok(())
                    }
                    Err(error) => reply.error(error),
                }
            }
            ToServer::Resolve(request, reply) => {
                let Some(stack) = &mut self.stack else {
                    return Ok(());
                };
                match stack.resolve(request.name, self.now) {
                    Ok(id) => {
                        self.queries.push((id, reply));
                        Ok(())
                    }
                    Err(error) => reply.error(error),
                }
            }
            ToServer::Ping(request, reply) => {
                let Some(stack) = &mut self.stack else {
                    return reply.error(Error::Unreachable);
                };
                match stack.ping(request.ip.into(), self.now) {
                    Ok(id) => {
                        self.pings.push((id, reply));
                        Ok(())
                    }
                    Err(error) => reply.error(error),
                }
            }
            ToServer::Status(reply) => {
                let Some(stack) = &self.stack else {
                    return Ok(());
                };
                let statistics = stack.statistics();
                let address = stack.address();
                let s = &statistics;
                let dropped = s.malformed
                    + s.fragments
                    + s.unknown_port
                    + s.replies_dropped
                    + s.unresolved
                    + s.half_open_evicted
                    + s.half_open_expired
                    + s.backlog_refused
                    + s.budget_refused
                    + s.datagrams_dropped;
                reply.ok(
                    address.map_or(0, |address| address.ip.to_bits()),
                    address.map_or(0, |address| address.prefix_len),
                    address
                        .and_then(|address| address.gateway)
                        .map_or(0, Ipv4Addr::to_bits),
                    stack.socket_count() as u32,
                    s.frames_received,
                    s.frames_sent,
                    s.bytes_received,
                    s.bytes_sent,
                    s.accepted,
                    dropped,
                )
            }
        }
    }

    fn early_message(&mut self, from: Connection, message: EarlyMessage) -> Result<()> {
        let index = self.client(from)?;
        match message {
            EarlyMessage::Listen {
                port,
                backlog,
                reply,
            } => match self.listen(self.clients[index].owner, port, backlog) {
                Ok(channel) => reply.ok(channel),
                Err(error) => reply.error(error),
            },
            EarlyMessage::Share { request, reply } => {
                match self.clients[index].memory.add(
                    &request.memory,
                    request.slots,
                    request.receive_len,
                    request.send_len,
                ) {
                    Ok(()) => reply.ok(),
                    Err(error) => reply.error(error),
                }
            }
            EarlyMessage::Bind { port, reply } => {
                match self.bind(self.clients[index].owner, port) {
                    Ok((channel, port)) => reply.ok(channel, port),
                    Err(error) => reply.error(error),
                }
            }
        }
    }

    /// A client is gone, and with it all that it had.
    pub fn client_left(&mut self, from: Connection, events: &mut EventLoop<Source>) {
        self.early.retain(|early| early.0 != from);
        let Some(index) = self
            .clients
            .iter()
            .position(|client| client.connection == from)
        else {
            return;
        };
        let owner = self.clients[index].owner;
        // Channels first: their ends at the client are closed already, or soon.
        for listener in &mut self.listeners {
            if listener
                .as_ref()
                .is_some_and(|listener| listener.client == owner)
                && let Some(listener) = listener.take()
            {
                let _ = events.remove_channel(&listener.channel);
            }
        }
        for stream in &mut self.streams {
            if stream.as_ref().is_some_and(|stream| stream.client == index)
                && let Some(channel) = stream.take().and_then(|stream| stream.channel)
            {
                let _ = events.remove_channel(&channel);
            }
        }
        for udp in &mut self.udp {
            if udp.as_ref().is_some_and(|udp| udp.client == owner)
                && let Some(udp) = udp.take()
            {
                let _ = events.remove_channel(&udp.channel);
            }
        }
        if let Some(stack) = &mut self.stack {
            stack.remove_owner(owner, self.now);
        }
        self.clients.swap_remove(index);
        // The last client has moved to this one's place.
        let moved = self.clients.len();
        for stream in self.streams.iter_mut().flatten() {
            if stream.client == moved {
                stream.client = index;
            }
        }
    }
}

/// Puts a value at its place, making room for it.
fn put<T>(table: &mut Vec<Option<T>>, index: usize, value: T) {
    if table.len() <= index {
        table.resize_with(index + 1, || None);
    }
    table[index] = Some(value);
}

fn address(address: SocketAddrV4) -> Address {
    Address {
        ip: address.ip().to_bits(),
        port: address.port(),
    }
}

/// What the settings say about the address.
fn addressing(settings: &Settings) -> Result<Addressing> {
    if settings.address == "dhcp" {
        return Ok(Addressing::Dhcp(None));
    }
    let (ip, prefix_len) = settings
        .address
        .split_once('/')
        .ok_or(Error::InvalidArgument)?;
    let parse = |text: &str| text.parse::<Ipv4Addr>().map_err(|_| Error::InvalidArgument);
    let optional = |text: &str| {
        if text.is_empty() {
            Ok(None)
        } else {
            parse(text).map(Some)
        }
    };
    Ok(Addressing::Static(net::Address {
        ip: parse(ip)?,
        prefix_len: prefix_len
            .parse()
            .ok()
            .filter(|&len| len <= 32)
            .ok_or(Error::InvalidArgument)?,
        gateway: optional(&settings.gateway)?,
        dns_servers: optional(&settings.dns)?.into_iter().collect(),
    }))
}

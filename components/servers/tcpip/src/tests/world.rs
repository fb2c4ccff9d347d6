//! What the tests play: the driver on one side of tcpip and a client on the other. The far end of
//! the driver's wire is a second stack of `libs/net`.

use super::std::collections::{HashMap, VecDeque};
use super::std::prelude::rust_2024::{ToString, Vec};
use super::std::{format, vec};

use ::net::{Address, Addressing, Budget, Config, Limits, OwnerId, Stack};
use core::net::{Ipv4Addr, SocketAddrV4};
use ring::{
    Consumer, Descriptor, Layout, Producer, SharedMemory, StreamConsumer, StreamLayout,
    StreamProducer,
};
use testkit::{Running, System};

use crate::spec::{Settings, net, tcpip};
use ftl::prelude::*;
use ftl::{EventLoop, Transaction};
use interfaces::tcpip::{Blocking as _, tcp_connection, tcp_listener, udp_socket};

pub const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const REMOTE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const REMOTE_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const SLOTS: u32 = 32;
/// A frame just fits: what the driver may offer at least.
const SLOT_LEN: u32 = 1514;
const TRANSMIT_AT: u32 = SLOTS * SLOT_LEN;
/// Bytes of each of a client's streams.
pub const RECEIVE_LEN: u32 = 8192;
pub const SEND_LEN: u32 = 16384;

/// What the test hears.
pub enum Heard {}

pub enum Message<'a> {
    Net(net::ToServer),
    Tcpip(tcpip::ToClient<'a>),
    Listener(tcp_listener::ToClient),
    Connection(tcp_connection::ToClient),
    Udp(udp_socket::ToClient<'a>),
}

impl ftl::event_loop::Messages for Heard {
    type Message<'a> = Message<'a>;
    fn decode<'a>(tag: u16, incoming: ftl::end::Incoming<'a>) -> Result<Message<'a>> {
        match tag {
            0 => net::ToServer::decode(incoming).map(Message::Net),
            1 => tcpip::ToClient::decode(incoming).map(Message::Tcpip),
            2 => tcp_listener::ToClient::decode(incoming).map(Message::Listener),
            3 => tcp_connection::ToClient::decode(incoming).map(Message::Connection),
            _ => udp_socket::ToClient::decode(incoming).map(Message::Udp),
        }
    }
    fn ended<'a>(
        tag: u16,
        ordinal: u32,
        transaction: Transaction,
        error: Error,
    ) -> Option<Message<'a>> {
        match tag {
            1 => tcpip::ToClient::ended(ordinal, transaction, error).map(Message::Tcpip),
            2 => tcp_listener::ToClient::ended(ordinal, transaction, error).map(Message::Listener),
            _ => None,
        }
    }
}

macro_rules! hears {
    ($($end:ty = $tag:literal),+) => {$(
        impl ftl::event_loop::Hears<$end> for Heard {
            const TAG: u16 = $tag;
        }
    )+};
}
hears!(
    net::Server = 0,
    tcpip::Client = 1,
    tcp_listener::Client = 2,
    tcp_connection::Client = 3,
    udp_socket::Client = 4
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Driver,
    Tcpip,
    Listener,
    Connection(u32),
    Udp,
    /// A step is over.
    Step,
}

/// The driver's end of the rings, as long as there is a driver.
pub struct Cable {
    pub received: Producer<SharedBytes>,
    pub to_send: Consumer<SharedBytes>,
    pub frames: SharedBytes,
    pub bell: Doorbell,
}

/// A connection, as the client sees it.
pub struct Held {
    pub channel: tcp_connection::Client,
    pub received: StreamConsumer<SharedBytes>,
    pub to_send: StreamProducer<SharedBytes>,
    pub ended: bool,
    pub closed: Option<u16>,
}

pub struct World {
    pub running: Running,
    pub system: System,
    events: EventLoop<Who, Heard>,
    step: Timer,
    driver: Option<net::Server>,
    our_bell: Doorbell,
    pub cable: Option<Cable>,
    pub remote: Stack,
    pub owner: OwnerId,
    pub remote_events: VecDeque<::net::Event>,
    pub tcpip: tcpip::Client,
    pub listener: Option<tcp_listener::Client>,
    /// The client's memory for streams.
    pub memory: SharedBytes,
    folio: Folio,
    /// Accepts and connects under way: which slot each is for.
    asked: Vec<(Transaction, u32)>,
    pub held: HashMap<u32, Held>,
    pub refused: Vec<Error>,
    pub udp: Option<udp_socket::Client>,
    pub datagrams: Vec<(SocketAddrV4, Vec<u8>)>,
    /// Every frame that tcpip sent.
    pub sent: Vec<Vec<u8>>,
}

/// The time since the machine's start.
pub fn now() -> Duration {
    Instant::now() - Instant::default()
}

pub fn slot_layouts(slot: u32) -> (StreamLayout, StreamLayout) {
    let len = StreamLayout::bytes(RECEIVE_LEN) + StreamLayout::bytes(SEND_LEN);
    let received = StreamLayout::new(slot as usize * len, RECEIVE_LEN).unwrap();
    let to_send = StreamLayout::new(received.end(), SEND_LEN).unwrap();
    (received, to_send)
}

impl World {
    /// tcpip with an address of its own, a driver, and a client that shares memory for 4 connections.
    pub fn new() -> World {
        let settings = Settings {
            address: format!("{OWN}/24"),
            gateway: REMOTE.to_string(),
            dns: REMOTE.to_string(),
            ..Settings::default()
        };
        let mut world = World::start(settings, None);
        world.plug_in();
        world.share(4);
        world
    }

    /// tcpip without a driver that answers yet.
    pub fn start(settings: Settings, state: Option<&[u8]>) -> World {
        let system = System::new();
        let (client, driver) = net::channel().unwrap();
        let mut given = system
            .component("tcpip", crate::main)
            .need(net::HASH, client)
            .provide(tcpip::HASH)
            .settings(settings.encode());
        if let Some(state) = state {
            given = given.state(state);
        }
        let running = given.run();
        let (tcpip, server) = tcpip::channel().unwrap();
        running.connect(0, server).unwrap();
        let mut events = EventLoop::new().unwrap();
        events.add(&driver, Who::Driver).unwrap();
        events.add(&tcpip, Who::Tcpip).unwrap();
        let step = events.timer(Who::Step);
        let config = Config {
            mac: REMOTE_MAC,
            mtu: 1500,
            addressing: Addressing::Static(Address {
                ip: REMOTE,
                prefix_len: 24,
                gateway: None,
                dns_servers: vec![],
            }),
            seed: [9; 32],
            limits: Limits::default(),
        };
        let mut remote = Stack::new(config, now());
        let owner = remote
            .add_owner(Budget {
                bytes: 1 << 28,
                sockets: 10_000,
            })
            .unwrap();
        let folio = Folio::new(slot_layouts(3).1.end()).unwrap();
        World {
            running,
            events,
            step,
            driver: Some(driver),
            our_bell: Doorbell::new().unwrap(),
            cable: None,
            remote,
            owner,
            remote_events: VecDeque::new(),
            tcpip,
            listener: None,
            memory: folio.map().unwrap(),
            folio,
            asked: Vec::new(),
            held: HashMap::new(),
            refused: Vec::new(),
            udp: None,
            datagrams: Vec::new(),
            sent: Vec::new(),
            system,
        }
    }

    /// Waits until tcpip has attached to the driver.
    pub fn plug_in(&mut self) {
        self.until("tcpip attaches", |world| world.cable.is_some());
    }

    /// The driver dies.
    pub fn unplug(&mut self) {
        if let Some(driver) = self.driver.take() {
            self.events.remove_channel(&driver).unwrap();
        }
        self.cable = None;
    }

    /// Init has started another driver.
    pub fn replace_driver(&mut self) {
        let (client, driver) = net::channel().unwrap();
        self.running.restarted(0, client).unwrap();
        self.events.add(&driver, Who::Driver).unwrap();
        self.driver = Some(driver);
        self.plug_in();
    }

    pub fn share(&mut self, slots: u32) {
        let folio = self.folio.duplicate(ftl::abi::Rights::ALL).unwrap();
        self.tcpip
            .share(folio, slots, RECEIVE_LEN, SEND_LEN)
            .unwrap();
    }

    pub fn listen(&mut self, port: u16) {
        let listener = self.tcpip.listen(port, 16).unwrap();
        self.events.add(&listener, Who::Listener).unwrap();
        self.listener = Some(listener);
    }

    /// Asks for a connection in this slot.
    pub fn accept(&mut self, slot: u32) {
        let listener = self.listener.as_ref().unwrap();
        self.asked
            .push((listener.accept_start(slot).unwrap(), slot));
    }

    pub fn connect(&mut self, remote: SocketAddrV4, slot: u32) {
        let remote = interfaces::tcpip::Address {
            ip: remote.ip().to_bits(),
            port: remote.port(),
        };
        let transaction = self.tcpip.connect_start(remote, slot).unwrap();
        self.asked.push((transaction, slot));
    }

    pub fn bind(&mut self, port: u16) {
        let bound = self.tcpip.bind(port).unwrap();
        assert_eq!(bound.port, port);
        self.events.add(&bound.socket, Who::Udp).unwrap();
        self.udp = Some(bound.socket);
    }

    /// The remote end connects to a port of tcpip's.
    pub fn remote_connect(&mut self, port: u16) -> ::net::ConnectionId {
        let options = ::net::TcpOptions::default();
        self.remote
            .connect(self.owner, SocketAddrV4::new(OWN, port), options, now())
            .unwrap()
    }

    /// Lets go of a connection without a word, as a client may at any time.
    pub fn drop_connection(&mut self, slot: u32) {
        let held = self.held.remove(&slot).unwrap();
        self.events.remove_channel(&held.channel).unwrap();
    }

    /// Puts a frame into the driver's ring, as it is.
    pub fn push_frame(&mut self, frame: &[u8]) {
        self.push_piece(frame, false);
    }

    /// The same for a piece of a frame, behind which there are more or not.
    pub fn push_piece(&mut self, frame: &[u8], more: bool) {
        let cable = self.cable.as_mut().expect("there is a driver");
        let at = cable.received.pushed() % SLOTS * SLOT_LEN;
        cable.frames.write(at as usize, frame);
        let descriptor = Descriptor {
            offset: at,
            len: frame.len() as u32,
            cookie: u64::from(more) << 1,
        };
        cable.received.push(descriptor).expect("room in the ring");
    }

    /// Shows tcpip the frames that were pushed.
    pub fn publish_frames(&mut self) {
        if let Some(cable) = &mut self.cable
            && cable.received.publish()
        {
            cable.bell.ring().unwrap();
        }
    }

    /// Moves everything once: the remote end's frames to tcpip, time, tcpip's frames to the remote end.
    pub fn step(&mut self) {
        self.remote.poll(now());
        while self
            .cable
            .as_mut()
            .is_some_and(|cable| cable.received.space().unwrap() > 0)
            && let Some(frame) = self.remote.next_transmit(now()).map(<[u8]>::to_vec)
        {
            self.push_frame(&frame);
        }
        self.publish_frames();
        self.let_run(Duration::from_micros(200));
        let Some(cable) = &mut self.cable else { return };
        while let Ok(Some(frame)) = cable.to_send.pop() {
            let mut bytes = vec![0; frame.len as usize];
            cable.frames.read(frame.offset as usize, &mut bytes);
            self.remote.receive(now(), &bytes);
            self.sent.push(bytes);
        }
        if cable.to_send.release() {
            cable.bell.ring().unwrap();
        }
        // From now on tcpip rings for each batch; nobody waits for it, since steps look by themselves.
        let _ = cable.to_send.prepare_wait();
        while let Some(event) = self.remote.next_event() {
            self.remote_events.push_back(event);
        }
    }

    /// Lets tcpip run, and hears what it says.
    pub fn let_run(&mut self, time: Duration) {
        self.step.set(time);
        loop {
            match self.events.next().unwrap() {
                Event::Timer(Who::Step) => return,
                Event::Message(_, Message::Net(net::ToServer::Attach(request, reply))) => {
                    let (cable, rings, frames) = Cable::new(request.bell);
                    self.cable = Some(cable);
                    let bell = self.our_bell.ringer().unwrap();
                    let mac = u64::from_le_bytes([2, 0, 0, 0, 0, 1, 0, 0]);
                    reply
                        .ok(
                            mac,
                            1500,
                            true,
                            SLOTS,
                            SLOT_LEN,
                            TRANSMIT_AT,
                            rings,
                            frames,
                            bell,
                            None,
                            None,
                        )
                        .unwrap();
                }
                Event::Message(
                    _,
                    Message::Listener(tcp_listener::ToClient::Accept(transaction, result)),
                ) => {
                    let result = result.map(|answer| answer.connection);
                    self.connected(transaction, result);
                }
                Event::Message(
                    _,
                    Message::Tcpip(tcpip::ToClient::Connect(transaction, result)),
                ) => {
                    let result = result.map(|answer| answer.connection);
                    self.connected(transaction, result);
                }
                Event::Message(_, Message::Tcpip(tcpip::ToClient::Listen(_, result))) => {
                    self.listener = Some(result.unwrap());
                }
                Event::Message(Who::Connection(slot), Message::Connection(message)) => {
                    if let Some(held) = self.held.get_mut(&slot) {
                        match message {
                            tcp_connection::ToClient::News => {}
                            tcp_connection::ToClient::Ended => held.ended = true,
                            tcp_connection::ToClient::Closed(closed) => {
                                held.closed = Some(closed.error)
                            }
                        }
                    }
                }
                Event::Closed(Who::Connection(slot)) => {
                    self.held.remove(&slot);
                }
                Event::Message(_, Message::Udp(udp_socket::ToClient::Datagram(datagram))) => {
                    let from = datagram.remote;
                    let from = SocketAddrV4::new(Ipv4Addr::from_bits(from.ip), from.port);
                    self.datagrams.push((from, datagram.data.to_vec()));
                }
                _ => {}
            }
        }
    }

    fn connected(&mut self, transaction: Transaction, result: Result<tcp_connection::Client>) {
        let at = self.asked.iter().position(|asked| asked.0 == transaction);
        let (_, slot) = self.asked.swap_remove(at.expect("it was asked for"));
        match result {
            Ok(channel) => {
                self.events.add(&channel, Who::Connection(slot)).unwrap();
                let (received, to_send) = slot_layouts(slot);
                let held = Held {
                    channel,
                    received: StreamConsumer::new(self.memory.clone(), received),
                    to_send: StreamProducer::new(self.memory.clone(), to_send),
                    ended: false,
                    closed: None,
                };
                self.held.insert(slot, held);
            }
            Err(error) => self.refused.push(error),
        }
    }

    /// Steps until `done`; an hour of the machine's time is enough for anything.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut World) -> bool) {
        let end = now() + Duration::from_secs(3600);
        let mut quiet = Duration::from_micros(200);
        while !done(self) {
            assert!(
                now() < end,
                "not seen: {what}; the log:\n{}",
                self.system.log()
            );
            let frames = self.sent.len();
            self.step();
            // Nothing moves: what is awaited is a time-out.
            quiet = if self.sent.len() > frames {
                Duration::from_micros(200)
            } else {
                (quiet * 2).min(Duration::from_millis(500))
            };
            self.let_run(quiet);
        }
    }

    /// A connection from the remote end that the client holds in `slot`.
    pub fn accepted(&mut self, port: u16, slot: u32) -> ::net::ConnectionId {
        self.accept(slot);
        let id = self.remote_connect(port);
        self.until("a connection", |world| {
            world.held.contains_key(&slot)
                && world.remote_events.contains(&::net::Event::Connected(id))
        });
        id
    }

    /// The remote end sends, and the client takes it.
    pub fn send_to_client(&mut self, id: ::net::ConnectionId, slot: u32, data: &[u8]) {
        let mut sent = 0;
        let mut got = Vec::new();
        self.until("all bytes come", |world| {
            sent += world.remote.send(id, &data[sent..], now()).unwrap();
            let held = world.held.get_mut(&slot).expect("the connection is there");
            let mut piece = [0; 1000];
            loop {
                let len = held
                    .received
                    .read(&mut piece)
                    .expect("tcpip keeps the rules");
                got.extend_from_slice(&piece[..len]);
                if len == 0 {
                    break;
                }
            }
            if held.received.release() {
                held.channel.more().unwrap();
            }
            let _ = held.received.prepare_wait();
            got.len() >= data.len()
        });
        assert!(got == data, "the bytes are not what was sent");
    }

    /// The client sends in one slot what it receives in another: both ends of a connection are here.
    pub fn send_within(&mut self, from: u32, to: u32, data: &[u8]) {
        let mut sent = 0;
        let mut got = Vec::new();
        self.until("all bytes come around", |world| {
            let held = world.held.get_mut(&from).expect("one end is there");
            sent += held
                .to_send
                .write(&data[sent..])
                .expect("tcpip keeps the rules");
            if held.to_send.publish() {
                held.channel.more().unwrap();
            }
            let held = world.held.get_mut(&to).expect("the other end is there");
            let mut piece = [0; 1000];
            while let Ok(len @ 1..) = held.received.read(&mut piece) {
                got.extend_from_slice(&piece[..len]);
            }
            if held.received.release() {
                held.channel.more().unwrap();
            }
            let _ = held.received.prepare_wait();
            got.len() >= data.len()
        });
        assert!(got == data, "the bytes are not what was sent");
    }

    /// A connection of the client with itself: accepted in one slot, asked for in another.
    pub fn joined(&mut self, port: u16, accepted: u32, asked: u32) {
        self.accept(accepted);
        self.connect(SocketAddrV4::new(OWN, port), asked);
        self.until("both ends", |world| {
            world.held.contains_key(&accepted) && world.held.contains_key(&asked)
        });
    }

    /// The client sends, and the remote end takes it.
    pub fn send_to_remote(&mut self, id: ::net::ConnectionId, slot: u32, data: &[u8]) {
        let mut sent = 0;
        let mut got = Vec::new();
        self.until("all bytes arrive", |world| {
            let held = world.held.get_mut(&slot).expect("the connection is there");
            sent += held
                .to_send
                .write(&data[sent..])
                .expect("tcpip keeps the rules");
            if held.to_send.publish() {
                held.channel.more().unwrap();
            }
            let mut piece = [0; 4096];
            while let Ok(Some(len)) = world.remote.receive_from(id, &mut piece, now())
                && len > 0
            {
                got.extend_from_slice(&piece[..len]);
            }
            got.len() >= data.len()
        });
        assert!(got == data, "the bytes are not what was sent");
    }

    pub fn status(&mut self) -> tcpip::StatusReply {
        self.tcpip.status().unwrap()
    }
}

impl Cable {
    fn new(bell: Doorbell) -> (Cable, Folio, Folio) {
        let first = Layout::new(0, SLOTS, 2 * TRANSMIT_AT).unwrap();
        let second = Layout::new(first.end(), SLOTS, 2 * TRANSMIT_AT).unwrap();
        let rings = Folio::new(second.end()).unwrap();
        let frames = Folio::new(2 * TRANSMIT_AT as usize).unwrap();
        let memory = rings.map().unwrap();
        let cable = Cable {
            received: Producer::new(memory.clone(), first),
            to_send: Consumer::new(memory, second),
            frames: frames.map().unwrap(),
            bell,
        };
        (cable, rings, frames)
    }
}

pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 256) as u8).collect()
}

impl World {
    /// The client takes what comes without anything more being sent.
    pub fn send_to_client_after(&mut self, slot: u32, data: &[u8]) {
        let mut got = Vec::new();
        self.until("all bytes come", |world| {
            let held = world.held.get_mut(&slot).expect("the connection is there");
            let mut piece = [0; 1000];
            let len = held
                .received
                .read(&mut piece)
                .expect("tcpip keeps the rules");
            got.extend_from_slice(&piece[..len]);
            got.len() >= data.len()
        });
        assert!(got == data, "the bytes are not what was sent");
    }

    /// A client's end of its main channel goes, and all that it had with it.
    pub fn forget_client(&mut self, client: tcpip::Client) {
        self.events.remove_channel(&client).unwrap();
        if let Some(listener) = self.listener.take() {
            self.events.remove_channel(&listener).unwrap();
        }
        for (_, held) in self.held.drain() {
            self.events.remove_channel(&held.channel).unwrap();
        }
    }
}

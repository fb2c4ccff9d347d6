//! Two stacks and a wire between them that loses, doubles, delays and reorders frames by a seed.
#![allow(dead_code, unused_imports)]

use std::collections::VecDeque;
pub use std::net::{Ipv4Addr, SocketAddrV4};
pub use std::time::Duration;

pub use net::*;

pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
pub const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
pub const PLENTY: Budget = Budget {
    bytes: 1 << 30,
    sockets: 100_000,
};

/// A small generator for tests (splitmix64).
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

pub fn config(mac: [u8; 6], ip: Ipv4Addr, limits: Limits) -> Config {
    Config {
        mac,
        mtu: 1500,
        addressing: Addressing::Static(Address {
            ip,
            prefix_len: 24,
            gateway: Some(SERVER),
            dns_servers: vec![CLIENT],
        }),
        seed: [mac[5]; 32],
        limits,
    }
}

pub fn server(limits: Limits) -> Stack {
    Stack::new(config(SERVER_MAC, SERVER, limits), Duration::ZERO)
}

pub fn client(limits: Limits) -> Stack {
    Stack::new(config(CLIENT_MAC, CLIENT, limits), Duration::ZERO)
}

/// What the wire does to frames, in parts of a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wire {
    pub lose: u64,
    pub double: u64,
    pub delay: u64,
    /// It never leaves the machine: nobody finishes TCP's checksums, and nobody looks at them.
    pub inside: bool,
    /// It cuts frames of many segments up. Only together with `inside`.
    pub batches: bool,
}

/// Cuts a frame into TCP segments, as a device does.
pub fn cut(frame: &[u8], segments: net::Segments) -> Vec<Vec<u8>> {
    let (headers, payload) = frame.split_at(segments.headers.into());
    let count = payload.len().div_ceil(segments.len.into());
    payload
        .chunks(segments.len.into())
        .enumerate()
        .map(|(i, bytes)| {
            let mut piece = [headers, bytes].concat();
            let len = (piece.len() - 14) as u16;
            piece[16..18].copy_from_slice(&len.to_be_bytes());
            piece[24..26].fill(0);
            let sum: u32 = piece[14..34]
                .chunks(2)
                .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
                .sum();
            let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
            piece[24..26].copy_from_slice(&sum.to_be_bytes());
            let number = u32::from_be_bytes(piece[38..42].try_into().unwrap())
                .wrapping_add(i as u32 * u32::from(segments.len));
            piece[38..42].copy_from_slice(&number.to_be_bytes());
            if i + 1 < count {
                // FIN and PSH are the last one's.
                piece[47] &= !9;
            }
            piece
        })
        .collect()
}

/// Two stacks, the wire, and the time.
pub struct World {
    pub now: Duration,
    pub stacks: [Stack; 2],
    pub owners: [OwnerId; 2],
    pub wire: Wire,
    pub rng: Rng,
    flying: Vec<(Duration, u64, usize, Vec<u8>)>,
    sequence: u64,
    pub events: [VecDeque<Event>; 2],
    pub frames: u64,
    /// Those of many segments.
    pub batches: u64,
}

impl World {
    pub fn new(wire: Wire, seed: u64) -> World {
        World::with_limits(wire, seed, Limits::default())
    }

    pub fn with_limits(wire: Wire, seed: u64, limits: Limits) -> World {
        let mut stacks = [server(limits), client(limits)];
        for stack in &mut stacks {
            stack.leave_checksums(wire.inside);
            stack.leave_segmentation(if wire.batches { 16384 - 2 } else { 0 });
        }
        let owners = [0, 1].map(|i| stacks[i].add_owner(PLENTY).unwrap());
        World {
            now: Duration::from_millis(1),
            stacks,
            owners,
            wire,
            rng: Rng(seed),
            flying: Vec::new(),
            sequence: 0,
            events: Default::default(),
            frames: 0,
            batches: 0,
        }
    }

    /// Moves frames and time on by one step. False if nothing will ever happen again.
    pub fn step(&mut self) -> bool {
        self.step_until(Duration::MAX)
    }

    fn step_until(&mut self, end: Duration) -> bool {
        for i in 0..2 {
            self.stacks[i].poll(self.now);
            while let Some(frame) = self.stacks[i].next_transmit(self.now) {
                self.frames += 1;
                let frame = frame.to_vec();
                if std::env::var("TRACE").is_ok() && frame[12] == 8 && frame[13] == 0 {
                    let be = |a: usize| u32::from_be_bytes(frame[a..a + 4].try_into().unwrap());
                    println!(
                        "{:?} from {i} seq {} ack {} flags {:x} win {} len {} opt {}",
                        self.now,
                        be(38),
                        be(42),
                        frame[47],
                        u16::from_be_bytes([frame[48], frame[49]]),
                        frame.len() - 34 - (frame[46] >> 4) as usize * 4,
                        frame[46] >> 4
                    );
                }
                let frames = match self.stacks[i].segments() {
                    Some(segments) => {
                        assert!(self.wire.batches);
                        self.batches += 1;
                        cut(&frame, segments)
                    }
                    None => vec![frame],
                };
                for frame in frames {
                    assert!(frame.len() <= 1514, "{} bytes", frame.len());
                    self.fly(i, frame);
                }
            }
            while let Some(event) = self.stacks[i].next_event() {
                self.events[i].push_back(event);
            }
        }
        let next_frame = self.flying.iter().map(|f| f.0).min();
        let deadlines = self.stacks.iter().filter_map(|stack| stack.deadline());
        let Some(next) = next_frame.into_iter().chain(deadlines).min() else {
            return false;
        };
        self.now = next.max(self.now + Duration::from_micros(1)).min(end);
        let now = self.now;
        let mut due: Vec<_> = Vec::new();
        self.flying.retain(|f| {
            if f.0 <= now {
                due.push(f.clone());
            }
            f.0 > now
        });
        due.sort_by_key(|f| (f.0, f.1));
        for (_, _, to, mut frame) in due {
            if self.wire.inside {
                self.stacks[to].receive_trusted(now, &mut frame);
            } else {
                self.stacks[to].receive(now, &frame);
            }
        }
        true
    }

    /// Sends a frame on its way, if nothing happens to it.
    fn fly(&mut self, from: usize, frame: Vec<u8>) {
        if self.rng.below(1000) < self.wire.lose {
            return;
        }
        let copies = 1 + (self.rng.below(1000) < self.wire.double) as u64;
        for _ in 0..copies {
            let mut delay = 200;
            if self.rng.below(1000) < self.wire.delay {
                delay += self.rng.below(20_000);
            }
            self.sequence += 1;
            self.flying.push((
                self.now + Duration::from_micros(delay),
                self.sequence,
                1 - from,
                frame.clone(),
            ));
        }
    }

    /// Steps until `done`, or fails after `limit` of simulated time.
    pub fn until(&mut self, limit: Duration, what: &str, mut done: impl FnMut(&mut World) -> bool) {
        let end = self.now + limit;
        while !done(self) {
            assert!(self.now < end, "not within {limit:?}: {what}");
            if !self.step() {
                // At rest; `done` may do something about that.
                self.now += Duration::from_millis(1);
            }
        }
    }

    /// Steps for a while.
    pub fn rest(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end && self.step_until(end) {}
        self.now = self.now.max(end);
    }

    /// A connection from the client to a listener on `port` of the server.
    pub fn connected(
        &mut self,
        port: u16,
        options: TcpOptions,
    ) -> (ListenerId, ConnectionId, ConnectionId) {
        let listener = self.stacks[0]
            .listen(self.owners[0], port, options)
            .unwrap();
        let (server, client) = self.connect(listener, port, options);
        (listener, server, client)
    }

    pub fn connect(
        &mut self,
        listener: ListenerId,
        port: u16,
        options: TcpOptions,
    ) -> (ConnectionId, ConnectionId) {
        let remote = SocketAddrV4::new(SERVER, port);
        let client = self.stacks[1]
            .connect(self.owners[1], remote, options, self.now)
            .unwrap();
        let mut server = None;
        self.until(Duration::from_secs(60), "a connection", |world| {
            if server.is_none() {
                server = world.stacks[0].accept(listener, world.now).unwrap();
            }
            server.is_some() && world.events[1].contains(&Event::Connected(client))
        });
        (server.unwrap(), client)
    }
}

pub fn pattern(len: usize, seed: u64) -> Vec<u8> {
    let mut rng = Rng(seed);
    (0..len).map(|_| rng.next() as u8).collect()
}

//! Measures what a packet costs `libs/net` while many connections are open: two stacks in one component,
//! one the server and one its clients, exchange frames without any driver. A packet of 64 bytes comes
//! for one connection after the other, in an order that no cache likes; what counts is all the server's
//! stack does about it: take the frame in, hand out the bytes, and acknowledge them.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use ftl::prelude::*;
use ftl::time::instructions;
use net::{
    Address, Addressing, Budget, Config, ConnectionId, Limits, ListenerId, OwnerId, Stack,
    TcpOptions,
};

#[rustfmt::skip]
mod spec;

use spec::*;

/// How many connections are open.
const CONNECTIONS: [usize; 4] = [10, 100, 1000, 10_000];
/// The parts of a packet's cost: taking the frame in, handing out its bytes, and acknowledging them.
const PARTS: [&str; 3] = ["part_take", "part_hand_out", "part_acknowledge"];
const PORT: u16 = 9;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// Connections of one client. There are several one after the other, because the memory of all would be
/// too much; the connections of those before stay open at the server, and packets come for the last one's.
const CLIENT_CONNECTIONS: usize = 1000;
/// Bytes of each packet.
const LEN: usize = 64;
/// As small as they may be: there are many.
const OPTIONS: TcpOptions = TcpOptions {
    receive_buffer: 1024,
    send_buffer: 1024,
    backlog: 64,
    // Nothing is to happen by itself while packets are counted.
    keep_alive: Duration::from_secs(7200),
    timeout: Duration::from_secs(14_400),
};

/// Two machines with a cable between them.
struct Pair {
    server: Stack,
    client: Stack,
    client_owner: OwnerId,
    listener: ListenerId,
    /// Both ends of each connection.
    connections: Vec<(ConnectionId, ConnectionId)>,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    for count in CONNECTIONS {
        let mut costs = measure(count, env.settings.samples as usize, &mut env.random)?;
        report(&format!("among_{count}"), &mut costs.whole);
        if count == CONNECTIONS[0] {
            for (name, part) in PARTS.into_iter().zip(&mut costs.parts) {
                report(name, part);
            }
        }
    }
    Ok(())
}

/// Writes the line that `./ftl bench` reads.
fn report(name: &str, samples: &mut [u64]) {
    samples.sort_unstable();
    let (Some(min), Some(max)) = (samples.first(), samples.last()) else {
        return;
    };
    info!(
        "FTL-BENCH {{\"name\":\"packet_{name}\",\"case\":\"\",\"unit\":\"instructions\",\
         \"samples\":{},\"min\":{min},\"median\":{},\"max\":{max}}}",
        samples.len(),
        samples[samples.len() / 2],
    );
}

/// What a packet costs, and its parts.
#[derive(Default)]
struct Costs {
    whole: Vec<u64>,
    parts: [Vec<u64>; 3],
}

fn now() -> Duration {
    Instant::now() - Instant::default()
}

/// Opens so many connections, and measures packets.
fn measure(count: usize, samples: usize, random: &mut Random) -> Result<Costs> {
    let mut pair = Pair::new(count, random)?;
    for number in 0..count {
        if number > 0 && number.is_multiple_of(CLIENT_CONNECTIONS) {
            pair.replace_client((number / CLIENT_CONNECTIONS) as u8, random)?;
        }
        pair.open()?;
    }
    let count = pair.connections.len();
    let mut costs = Costs::default();
    let data = [b'x'; LEN];
    for packet in 0..samples {
        // A stride without a common factor with any of the numbers goes through all of them.
        let (client, server) = pair.connections[packet * 7919 % count];
        if pair.client.send(client, &data, now())? != LEN {
            return Err(Error::QueueFull);
        }
        let frame = pair.client.next_transmit(now()).ok_or(Error::Internal)?;
        let begin = instructions();
        pair.server.receive(now(), frame);
        let taken = instructions();
        let mut got = [0; LEN];
        while pair.server.next_event().is_some() {}
        if pair.server.receive_from(server, &mut got, now())? != Some(LEN) {
            return Err(Error::Internal);
        }
        let handed_out = instructions();
        let answer = pair.server.next_transmit(now());
        let end = instructions();
        costs.whole.push(end - begin);
        let parts = [taken - begin, handed_out - taken, end - handed_out];
        for (samples, part) in costs.parts.iter_mut().zip(parts) {
            samples.push(part);
        }
        if let Some(answer) = answer {
            pair.client.receive(now(), answer);
        }
        pair.settle();
    }
    Ok(costs)
}

/// A stack with an address that ends with this number.
fn stack(number: u8, sockets: usize, random: &mut Random) -> Result<(Stack, OwnerId)> {
    let mut seed = [0; 32];
    random.fill(&mut seed);
    let config = Config {
        mac: [2, 0, 0, 0, 0, number],
        mtu: 1500,
        addressing: Addressing::Static(Address {
            ip: Ipv4Addr::new(10, 0, 2, number),
            prefix_len: 24,
            gateway: None,
            dns_servers: Vec::new(),
        }),
        seed,
        limits: Limits {
            sockets_max: sockets + 1,
            ..Limits::default()
        },
    };
    let mut stack = Stack::new(config, now());
    let owner = stack.add_owner(Budget {
        bytes: usize::MAX / 2,
        sockets: sockets + 1,
    })?;
    Ok((stack, owner))
}

impl Pair {
    fn new(count: usize, random: &mut Random) -> Result<Pair> {
        let (mut server, server_owner) = stack(SERVER.octets()[3], count, random)?;
        let (client, client_owner) = stack(100, CLIENT_CONNECTIONS, random)?;
        let listener = server.listen(server_owner, PORT, OPTIONS)?;
        Ok(Pair {
            server,
            client,
            client_owner,
            listener,
            connections: Vec::new(),
        })
    }

    /// Another client instead of the one before, which falls silent.
    fn replace_client(&mut self, number: u8, random: &mut Random) -> Result<()> {
        (self.client, self.client_owner) = stack(100 + number, CLIENT_CONNECTIONS, random)?;
        self.connections.clear();
        Ok(())
    }

    /// One more connection.
    fn open(&mut self) -> Result<()> {
        let remote = SocketAddrV4::new(SERVER, PORT);
        let client = self
            .client
            .connect(self.client_owner, remote, OPTIONS, now())?;
        self.settle();
        let server = self.server.accept(self.listener, now())?;
        self.connections
            .push((client, server.ok_or(Error::NotConnected)?));
        Ok(())
    }

    /// Carries frames to and fro until nobody has any.
    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(frame) = self.client.next_transmit(now()) {
                self.server.receive(now(), frame);
                quiet = false;
            }
            while let Some(frame) = self.server.next_transmit(now()) {
                self.client.receive(now(), frame);
                quiet = false;
            }
            while self.server.next_event().is_some() || self.client.next_event().is_some() {}
            if quiet {
                return;
            }
        }
    }
}

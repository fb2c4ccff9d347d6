//! Runs on your own machine: `./ftl test tcpip`. Frames, rings, streams and messages are the real
//! ones; the driver and the client are played by the test.

extern crate std;

use std::format;
use std::prelude::rust_2024::Vec;

use core::net::SocketAddrV4;
use ring::SharedMemory;

use super::*;
use interfaces::tcpip::Blocking as _;
use interfaces::tcpip::udp_socket::Blocking as _;
use world::{OWN, RECEIVE_LEN, REMOTE, World, now, pattern, slot_layouts};

mod world;

const PORT: u16 = 80;

#[test]
fn bytes_travel_both_ways_and_the_end_is_told() {
    let mut world = World::new();
    world.listen(PORT);
    let id = world.accepted(PORT, 2);
    world.send_to_client(id, 2, &pattern(100_000));
    world.send_to_remote(id, 2, &pattern(200_000));
    world.remote.shutdown_write(id, now()).unwrap();
    world.until("the remote side's end", |world| world.held[&2].ended);
    world.held[&2].channel.finish().unwrap();
    world.until("the connection's end", |world| {
        world.held[&2].closed == Some(0)
    });
    let status = world.status();
    assert_eq!((status.accepted, status.dropped), (1, 0));
}

/// The client lets go of a connection and asks for another one in the same slot, and tcpip has to
/// look at the old one before it can know: a frame for it comes first.
#[test]
fn a_slot_is_given_back_by_agreement() {
    let mut world = World::new();
    world.listen(PORT);
    let old = world.accepted(PORT, 0);
    world.send_to_client(old, 0, &pattern(3000));
    world.send_to_remote(old, 0, &pattern(5000));
    let new = world.remote_connect(PORT);
    world.until("the handshake is done", |world| {
        world.remote_events.contains(&::net::Event::Connected(new))
    });
    world.remote.send(old, &pattern(1000), now()).unwrap();
    world.remote.send(new, &pattern(1000), now()).unwrap();
    // In this order tcpip will hear of it: frames, the new wish, the old connection's end.
    let frames: Vec<Vec<u8>> =
        core::iter::from_fn(|| world.remote.next_transmit(now()).map(<[u8]>::to_vec)).collect();
    assert!(frames.len() >= 2);
    frames.iter().for_each(|frame| world.push_frame(frame));
    world.publish_frames();
    world.accept(0);
    world.drop_connection(0);
    world.until("the new connection", |world| world.held.contains_key(&0));
    let mut got = Vec::new();
    world.until("its first bytes", |world| {
        let mut piece = [0; 100];
        let held = world.held.get_mut(&0).expect("the new one stays");
        while let Ok(len @ 1..) = held.received.read(&mut piece) {
            got.extend_from_slice(&piece[..len]);
        }
        got.len() >= 1000
    });
    assert!(got == pattern(1000), "bytes of another connection");
    world.send_to_remote(new, 0, &pattern(50_000));
    let log = world.system.log();
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

/// Frames of many segments come in pieces, and are whole again for the stack.
#[test]
fn frames_in_pieces_are_put_together() {
    let mut world = World::new();
    world.listen(PORT);
    let id = world.accepted(PORT, 0);
    for (sent, lens) in [
        (100, &[80, 30][..]),
        (700, &[20, 300, 300]),
        (1000, &[1, 1, 1]),
    ] {
        let data = pattern(sent);
        world.remote.send(id, &data, now()).unwrap();
        let frame = world.remote.next_transmit(now()).unwrap().to_vec();
        let mut rest = &frame[..];
        for &len in lens {
            let (piece, after) = rest.split_at(len);
            world.push_piece(piece, true);
            rest = after;
        }
        world.push_piece(rest, false);
        world.publish_frames();
        world.send_to_client_after(0, &data);
    }
    // One that has no end is no more than wrong, and the next one is right.
    let before = world.status().dropped;
    for _ in 0..31 {
        world.push_piece(&[7; 2048], true);
    }
    world.publish_frames();
    world.let_run(Duration::from_millis(1));
    for _ in 0..4 {
        world.push_piece(&[7; 2048], true);
    }
    world.push_piece(&[7; 2048], false);
    world.publish_frames();
    world.let_run(Duration::from_millis(1));
    assert!(world.status().dropped >= before);
    world.send_to_client(id, 0, &pattern(3000));
}

/// Both ends of a connection are here: bytes, and the end of them, go from one to the other in order.
#[test]
fn the_machine_talks_with_itself() {
    let mut world = World::new();
    world.listen(PORT);
    world.joined(PORT, 0, 1);
    world.send_within(1, 0, &pattern(100_000));
    world.send_within(0, 1, &pattern(200_000));
    // More than fits at once, and then the end: all of it arrives before the end does.
    let data = pattern(20_000);
    let held = world.held.get_mut(&1).unwrap();
    let sent = held.to_send.write(&data).unwrap();
    assert!(sent > RECEIVE_LEN as usize);
    assert!(held.to_send.publish());
    held.channel.more().unwrap();
    held.channel.finish().unwrap();
    world.let_run(Duration::from_millis(10));
    assert!(!world.held[&0].ended, "not all has come");
    let mut got = Vec::new();
    world.until("the end", |world| {
        let held = world.held.get_mut(&0).unwrap();
        let mut piece = [0; 100];
        while let Ok(len @ 1..) = held.received.read(&mut piece) {
            got.extend_from_slice(&piece[..len]);
        }
        if held.received.release() {
            held.channel.more().unwrap();
        }
        let _ = held.received.prepare_wait();
        held.ended
    });
    assert!(got == data[..sent]);
    // The other direction goes on.
    world.send_within(0, 1, &pattern(3000));
    world.held[&0].channel.finish().unwrap();
    world.until("both are over", |world| {
        world.held[&0].closed == Some(0) && world.held[&1].closed == Some(0)
    });
    assert!(
        world.sent.iter().all(|frame| frame.len() < 100),
        "a segment left"
    );
}

/// What is sent before the other end is accepted goes through the stack, and what follows does not overtake it.
#[test]
fn what_came_first_of_the_machine_itself_stays_first() {
    let mut world = World::new();
    world.listen(PORT);
    world.connect(SocketAddrV4::new(core::net::Ipv4Addr::LOCALHOST, PORT), 1);
    world.until("the end that asked", |world| world.held.contains_key(&1));
    let data = pattern(12_000);
    let put = |world: &mut World, bytes: &[u8]| {
        let held = world.held.get_mut(&1).unwrap();
        assert_eq!(held.to_send.write(bytes), Ok(bytes.len()));
        if held.to_send.publish() {
            held.channel.more().unwrap();
        }
    };
    put(&mut world, &data[..1000]);
    world.let_run(Duration::from_millis(1));
    world.accept(0);
    put(&mut world, &data[1000..1500]);
    world.until("the other end", |world| world.held.contains_key(&0));
    put(&mut world, &data[1500..2000]);
    let mut got = Vec::new();
    let mut sent = 2000;
    world.until("all bytes come around", |world| {
        if sent < data.len() {
            put(world, &data[sent..sent + 500]);
            sent += 500;
        }
        let held = world.held.get_mut(&0).unwrap();
        let mut piece = [0; 100];
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
    world.send_within(0, 1, &pattern(30_000));
}

/// Who lets go of one end, or breaks its rules, ends that connection, and no other.
#[test]
fn one_end_of_two_that_are_here_is_lost() {
    let mut world = World::new();
    world.listen(PORT);
    world.joined(PORT, 0, 1);
    world.joined(PORT, 2, 3);
    world.drop_connection(1);
    world.until("the end is told", |world| world.held[&0].ended);
    // What is sent now has nobody to go to.
    let held = world.held.get_mut(&0).unwrap();
    held.to_send.write(&[1; 100]).unwrap();
    assert!(held.to_send.publish());
    held.channel.more().unwrap();
    world.until("it is over", |world| {
        world.held[&0].closed.is_some_and(|error| error != 0)
    });
    // The index of what was taken of the received bytes: more than there were.
    let (received, _) = slot_layouts(2);
    let head = received.end() - RECEIVE_LEN as usize - 64;
    world
        .memory
        .store_u32(head, 0x7fff_0000, core::sync::atomic::Ordering::SeqCst);
    // It is looked at when there is no room.
    let held = world.held.get_mut(&3).unwrap();
    held.to_send.write(&[1; RECEIVE_LEN as usize + 1]).unwrap();
    assert!(held.to_send.publish());
    held.channel.more().unwrap();
    world.until("it is reset", |world| {
        world.held.get(&3).is_some_and(|held| held.closed.is_some())
    });
    assert!(world.system.log().contains("breaks the rules"));
    let id = world.accepted(PORT, 1);
    world.send_to_client(id, 1, &pattern(2000));
}

#[test]
fn a_client_that_breaks_a_streams_rules_loses_that_connection_only() {
    let mut world = World::new();
    world.listen(PORT);
    let good = world.accepted(PORT, 0);
    let bad = world.accepted(PORT, 1);
    // The producer's index of the stream of bytes to be sent: further than the stream is long.
    let (received, _) = slot_layouts(1);
    world.memory.store_u32(
        received.end(),
        0x7fff_0000,
        core::sync::atomic::Ordering::SeqCst,
    );
    world.held[&1].channel.more().unwrap();
    world.until("the bad one is reset", |world| {
        world
            .remote_events
            .iter()
            .any(|event| *event == ::net::Event::Closed(bad, Err(Error::ConnectionReset)))
    });
    assert!(world.system.log().contains("breaks the rules"));
    world.send_to_client(good, 0, &pattern(2000));
}

#[test]
fn connections_outlive_the_driver() {
    let mut world = World::new();
    world.listen(PORT);
    let id = world.accepted(PORT, 0);
    world.send_to_client(id, 0, &pattern(1000));
    // Bytes are under way in both directions when it dies.
    world.remote.send(id, &pattern(4000), now()).unwrap();
    world
        .held
        .get_mut(&0)
        .unwrap()
        .to_send
        .write(&[1; 100])
        .unwrap();
    world.unplug();
    world.let_run(Duration::from_secs(3));
    world.replace_driver();
    let mut got = Vec::new();
    world.until("what was lost comes again", |world| {
        let mut piece = [0; 1000];
        let held = world.held.get_mut(&0).expect("the connection lives");
        while let Ok(len @ 1..) = held.received.read(&mut piece) {
            got.extend_from_slice(&piece[..len]);
        }
        got.len() >= 4000
    });
    assert!(got == pattern(4000));
}

#[test]
fn a_driver_that_breaks_the_rings_rules_is_left() {
    let mut world = World::new();
    let cable = world.cable.as_mut().unwrap();
    let beyond = cable.received.memory().clone();
    // Frames in the ring: more than it holds.
    beyond.store_u32(0, 0x1000_0000, core::sync::atomic::Ordering::SeqCst);
    cable.bell.ring().unwrap();
    world.let_run(Duration::from_millis(1));
    assert!(world.system.log().contains("left the driver"));
    // It is still there for its clients, and takes the next driver.
    world.unplug();
    world.replace_driver();
    world.listen(PORT);
    let id = world.accepted(PORT, 0);
    world.send_to_client(id, 0, &pattern(1000));
}

#[test]
fn what_a_client_leaves_behind_is_cleared_away() {
    let mut world = World::new();
    world.listen(PORT);
    let id = world.accepted(PORT, 0);
    assert_eq!(world.status().sockets, 1);
    // Another client may not have its port ...
    let (mut other, server) = tcpip::channel().unwrap();
    world.running.connect(0, server).unwrap();
    assert_eq!(other.listen(PORT, 1).err(), Some(Error::AddrInUse));
    // ... until the first one is gone.
    let (replacement, _unused) = tcpip::channel().unwrap();
    let gone = core::mem::replace(&mut world.tcpip, replacement);
    world.forget_client(gone);
    world.until("the connection is reset", |world| {
        world
            .remote_events
            .iter()
            .any(|event| *event == ::net::Event::Closed(id, Err(Error::ConnectionReset)))
    });
    assert!(other.listen(PORT, 1).is_ok());
    assert_eq!(other.status().unwrap().sockets, 0);
}

#[test]
fn requests_before_there_is_a_driver_wait_for_it() {
    let settings = Settings {
        address: format!("{OWN}/24"),
        ..Settings::default()
    };
    let mut world = World::start(settings, None);
    world.tcpip.listen_start(PORT, 4).unwrap();
    world.plug_in();
    let id = world.remote_connect(PORT);
    world.until("it listens", |world| {
        world.remote_events.contains(&::net::Event::Connected(id))
    });
}

#[test]
fn connecting_out_is_answered_when_it_is_done_or_refused() {
    let mut world = World::new();
    let owner = world.owner;
    let listener = world
        .remote
        .listen(owner, 7, ::net::TcpOptions::default())
        .unwrap();
    world.connect(SocketAddrV4::new(REMOTE, 7), 3);
    world.until("connected", |world| world.held.contains_key(&3));
    let id = world.remote.accept(listener, now()).unwrap().expect("one");
    world.send_to_remote(id, 3, &pattern(3000));
    world.send_to_client(id, 3, &pattern(3000));
    world.connect(SocketAddrV4::new(REMOTE, 8), 2);
    world.until("refused", |world| !world.refused.is_empty());
    assert_eq!(world.refused, [Error::ConnectionRefused]);
    // A slot that was not shared, and one of nobody's memory.
    world.refused.clear();
    world.connect(SocketAddrV4::new(REMOTE, 7), 4);
    world.until("no such slot", |world| !world.refused.is_empty());
    assert_eq!(world.refused, [Error::InvalidArgument]);
}

#[test]
fn datagrams_go_both_ways() {
    let mut world = World::new();
    world.bind(5000);
    let owner = world.owner;
    let id = world.remote.udp_bind(owner, 6000).unwrap();
    world
        .remote
        .udp_send(id, SocketAddrV4::new(OWN, 5000), b"hello", now())
        .unwrap();
    world.until("a datagram", |world| !world.datagrams.is_empty());
    let (from, data) = world.datagrams.pop().unwrap();
    assert_eq!(
        (from, &data[..]),
        (SocketAddrV4::new(REMOTE, 6000), &b"hello"[..])
    );
    let to = interfaces::tcpip::Address {
        ip: REMOTE.to_bits(),
        port: 6000,
    };
    world.udp.as_mut().unwrap().send(to, b"and back").unwrap();
    let mut buffer = [0; 100];
    let mut got = None;
    world.until("the answer", |world| {
        got = world.remote.udp_receive(id, &mut buffer).unwrap();
        got.is_some()
    });
    assert_eq!(got, Some((SocketAddrV4::new(OWN, 5000), 8)));
}

#[test]
fn noise_is_counted_and_harms_nobody() {
    let mut world = World::new();
    world.listen(PORT);
    let id = world.accepted(PORT, 0);
    let before = world.status().dropped;
    // Cut at every length: a good frame for the connection, of which nothing may pass that is not whole.
    world.remote.send(id, &pattern(100), now()).unwrap();
    let frame = world.remote.next_transmit(now()).unwrap().to_vec();
    for len in 0..frame.len() {
        world.push_frame(&frame[..len]);
        world.publish_frames();
        world.let_run(Duration::from_micros(100));
    }
    let dropped = world.status().dropped - before;
    assert!(dropped > 30, "{dropped}");
    world.push_frame(&frame);
    world.send_to_client_after(0, &pattern(100));
}

#[test]
fn a_lease_is_used_at_once_by_the_next_life() {
    let mac = [2, 0, 0, 0, 0, 1];
    let lease = ::net::Lease {
        address: ::net::Address {
            ip: OWN,
            prefix_len: 24,
            gateway: None,
            dns_servers: Vec::new(),
        },
        until: Duration::from_secs(1000),
    };
    let state = lease::encode(&lease, mac);
    let mut world = World::start(Settings::default(), Some(&state));
    world.plug_in();
    world.share(4);
    world.listen(PORT);
    // Nobody answers DHCP here.
    let id = world.accepted(PORT, 0);
    world.send_to_client(id, 0, &pattern(1000));
    assert!(world.system.log().contains("address 10.0.0.1/24"));
}

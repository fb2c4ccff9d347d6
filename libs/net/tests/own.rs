//! A machine that talks with itself.

mod common;
use common::*;

const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Connects the client's machine with itself at `ip`; answers the server's end and the client's.
fn connect(world: &mut World, ip: Ipv4Addr, port: u16) -> (ConnectionId, ConnectionId) {
    let (owner, now) = (world.owners[1], world.now);
    let options = TcpOptions::default();
    let stack = &mut world.stacks[1];
    let listener = stack.listen(owner, port, options).unwrap();
    let remote = SocketAddrV4::new(ip, port);
    let client = stack.connect(owner, remote, options, now).unwrap();
    let mut server = None;
    world.until(Duration::from_secs(1), "a connection", |world| {
        if server.is_none() {
            server = world.stacks[1].accept(listener, world.now).unwrap();
        }
        server.is_some() && world.events[1].contains(&Event::Connected(client))
    });
    (server.unwrap(), client)
}

#[test]
fn bytes_go_both_ways_and_no_frame_leaves() {
    for ip in [LOCAL, CLIENT] {
        let mut world = World::new(Wire::default(), 1);
        let (server, client) = connect(&mut world, ip, 80);
        let ids = [server, client];
        let data = [pattern(300_000, 1), pattern(200_000, 2)];
        let (mut sent, mut received) = ([0, 0], [Vec::new(), Vec::new()]);
        world.until(Duration::from_secs(60), "the exchange", |world| {
            let (stack, now) = (&mut world.stacks[1], world.now);
            for i in 0..2 {
                sent[i] += stack.send(ids[i], &data[i][sent[i]..], now).unwrap();
                let mut buffer = [0; 5000];
                while let Some(len @ 1..) = stack.receive_from(ids[i], &mut buffer, now).unwrap() {
                    received[i].extend_from_slice(&buffer[..len]);
                }
            }
            received[0].len() == data[1].len() && received[1].len() == data[0].len()
        });
        assert!(received[0] == data[1] && received[1] == data[0], "{ip}");
        let info = world.stacks[1].connection(server).unwrap();
        assert_eq!(*info.remote.ip(), ip);
        for id in ids {
            world.stacks[1].close(id, world.now);
        }
        world.rest(Duration::from_secs(400));
        assert_eq!(world.frames, 0, "{ip}");
        assert_eq!(world.stacks[1].socket_count(), 0, "{ip}");
    }
}

#[test]
fn others_are_found_where_they_were_afterwards() {
    let mut world = World::new(Wire::default(), 1);
    connect(&mut world, LOCAL, 80);
    connect(&mut world, CLIENT, 81);
    // The server is the gateway, too.
    let (_, _, client) = world.connected(80, TcpOptions::default());
    let sent = world.stacks[1].send(client, b"hello", world.now).unwrap();
    assert_eq!(sent, 5);
}

#[test]
fn a_port_that_nobody_listens_on_refuses() {
    let mut world = World::new(Wire::default(), 1);
    for ip in [LOCAL, CLIENT] {
        let (owner, now) = (world.owners[1], world.now);
        let remote = SocketAddrV4::new(ip, 80);
        let options = TcpOptions::default();
        let client = world.stacks[1]
            .connect(owner, remote, options, now)
            .unwrap();
        let refused = Event::Closed(client, Err(Error::ConnectionRefused));
        world.until(Duration::from_secs(1), "a refusal", |world| {
            world.events[1].contains(&refused)
        });
    }
}

#[test]
fn datagrams_go_there_too_and_there_is_a_name() {
    let mut world = World::new(Wire::default(), 1);
    let (owner, now) = (world.owners[1], world.now);
    let stack = &mut world.stacks[1];
    let a = stack.udp_bind(owner, 7).unwrap();
    let b = stack.udp_bind(owner, 0).unwrap();
    for ip in [LOCAL, CLIENT] {
        let sent = stack.udp_send(b, SocketAddrV4::new(ip, 7), b"hello", now);
        assert_eq!(sent, Ok(true));
    }
    let query = stack.resolve("localhost", now).unwrap();
    world.rest(Duration::from_millis(10));
    let stack = &mut world.stacks[1];
    let mut buffer = [0; 100];
    for _ in 0..2 {
        let (_, len) = stack.udp_receive(a, &mut buffer).unwrap().unwrap();
        assert_eq!(&buffer[..len], b"hello");
    }
    let resolved = Event::Resolved(query, Ok(vec![LOCAL]));
    assert!(world.events[1].contains(&resolved));
    assert_eq!(world.frames, 0);
}

#[test]
fn it_works_before_there_is_an_address() {
    let config = Config {
        addressing: Addressing::Dhcp(None),
        ..config(CLIENT_MAC, CLIENT, Limits::default())
    };
    let mut world = World::new(Wire::default(), 1);
    world.stacks[1] = Stack::new(config, Duration::ZERO);
    world.owners[1] = world.stacks[1].add_owner(PLENTY).unwrap();
    connect(&mut world, LOCAL, 80);
}

#[test]
fn from_outside_nobody_gets_there() {
    let mut world = World::new(Wire::default(), 1);
    let options = TcpOptions::default();
    let owner = world.owners[1];
    world.stacks[1].listen(owner, 80, options).unwrap();
    // A SYN from the server for 127.0.0.1 at the client's Ethernet address.
    let mut frame = vec![0; 54];
    frame[..6].copy_from_slice(&CLIENT_MAC);
    frame[6..12].copy_from_slice(&SERVER_MAC);
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[14..34].copy_from_slice(&[
        0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 127, 0, 0, 1,
    ]);
    frame[34..38].copy_from_slice(&[0xc0, 0, 0, 80]);
    frame[46..48].copy_from_slice(&[0x50, 2]);
    let before = world.stacks[1].statistics().not_for_us;
    world.stacks[1].receive(world.now, &frame);
    // Nor with an address of ours, or 127.0.0.1, as where it came from.
    for source in [[10, 0, 0, 2], [127, 0, 0, 1]] {
        frame[26..30].copy_from_slice(&source);
        frame[30..34].copy_from_slice(&[10, 0, 0, 2]);
        world.stacks[1].receive(world.now, &frame);
    }
    assert_eq!(world.stacks[1].statistics().not_for_us, before + 3);
    world.rest(Duration::from_millis(10));
    assert_eq!(world.stacks[1].statistics().syn_received, 0);
}

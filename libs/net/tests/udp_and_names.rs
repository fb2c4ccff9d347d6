//! UDP, DHCP and DNS, against a server played by hand.

mod common;
use common::*;

#[test]
fn datagrams_arrive_whole_and_queues_are_bounded() {
    let mut world = World::new(Wire::default(), 1);
    let a = world.stacks[0].udp_bind(world.owners[0], 7).unwrap();
    let b = world.stacks[1].udp_bind(world.owners[1], 0).unwrap();
    let port = world.stacks[1].udp_port(b).unwrap();
    assert_eq!(
        world.stacks[0].udp_bind(world.owners[0], 7),
        Err(Error::AddrInUse)
    );
    let to = SocketAddrV4::new(SERVER, 7);
    assert_eq!(
        world.stacks[1].udp_send(b, to, &[1; 1472], world.now),
        Ok(true)
    );
    assert_eq!(
        world.stacks[1].udp_send(b, to, &[1; 1473], world.now),
        Err(Error::MessageTooLong)
    );
    world.rest(Duration::from_millis(10));
    assert!(world.events[0].contains(&Event::Datagram(a)));
    let mut buffer = [0; 2000];
    let got = world.stacks[0].udp_receive(a, &mut buffer).unwrap();
    assert_eq!(got, Some((SocketAddrV4::new(CLIENT, port), 1472)));
    assert_eq!(world.stacks[0].udp_receive(a, &mut buffer), Ok(None));
    for _ in 0..100 {
        world.stacks[1].udp_send(b, to, b"drop", world.now).unwrap();
        world.rest(Duration::from_millis(1));
    }
    assert_eq!(world.stacks[0].statistics().datagrams_dropped, 100 - 32);
    world.stacks[0].udp_close(a);
    world.stacks[1]
        .udp_send(b, to, b"nobody there", world.now)
        .unwrap();
    world.rest(Duration::from_millis(10));
    assert!(world.events[1].contains(&Event::Undelivered(b)));
    world.stacks[1].udp_close(b);
    assert_eq!(
        world.stacks[1].usage(world.owners[1]),
        Some(Budget {
            bytes: 0,
            sockets: 0
        })
    );
}

#[test]
fn names_are_asked_for_and_answered() {
    let mut world = World::new(Wire::default(), 1);
    // The client's address is the server's name server: it is played through a plain UDP port.
    let dns = world.stacks[1].udp_bind(world.owners[1], 53).unwrap();
    assert_eq!(
        world.stacks[0].resolve("", world.now),
        Err(Error::InvalidArgument)
    );
    let literal = world.stacks[0].resolve("192.0.2.1", world.now).unwrap();
    let found = world.stacks[0].resolve("ftl.example", world.now).unwrap();
    let missing = world.stacks[0]
        .resolve("missing.example", world.now)
        .unwrap();
    for _ in 0..20 {
        world.rest(Duration::from_millis(20));
        let mut query = [0; 600];
        while let Some((from, len)) = world.stacks[1].udp_receive(dns, &mut query).unwrap() {
            let mut answer = query[..len].to_vec();
            answer[2..4].copy_from_slice(&[0x81, 0x80]);
            if answer.windows(3).any(|w| w == b"ftl") {
                answer[7] = 1;
                answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 7]);
            } else {
                answer[3] |= 3;
            }
            world.stacks[1]
                .udp_send(dns, from, &answer, world.now)
                .unwrap();
        }
    }
    let expect = |id, result| {
        assert!(
            world.events[0].contains(&Event::Resolved(id, result)),
            "{:?}",
            world.events[0]
        )
    };
    expect(literal, Ok(vec![Ipv4Addr::new(192, 0, 2, 1)]));
    expect(found, Ok(vec![Ipv4Addr::new(192, 0, 2, 7)]));
    expect(missing, Err(Error::NotFound));
    // No answer at all.
    world.stacks[1].udp_close(dns);
    let silent = world.stacks[0]
        .resolve("silent.example", world.now)
        .unwrap();
    let cancelled = world.stacks[0]
        .resolve("cancelled.example", world.now)
        .unwrap();
    world.stacks[0].cancel_resolve(cancelled);
    world.wire.lose = 1000;
    world.rest(Duration::from_secs(60));
    assert!(
        world.events[0]
            .iter()
            .any(|e| matches!(e, Event::Resolved(id, Err(_)) if *id == silent))
    );
    assert!(
        !world.events[0]
            .iter()
            .any(|e| matches!(e, Event::Resolved(id, _) if *id == cancelled))
    );
}

/// Answers DHCP questions as QEMU's user network does.
fn dhcp_answer(frame: &[u8]) -> Option<Vec<u8>> {
    if frame.len() < 286 || frame[12..14] != [8, 0] || frame[23] != 17 || frame[36..38] != [0, 67] {
        return None;
    }
    let kind = frame[14 + 28 + 236 + 4..]
        .windows(3)
        .find(|w| w[..2] == [53, 1])?[2];
    let mut dhcp = vec![2, 1, 6, 0];
    dhcp.extend_from_slice(&frame[46..50]); // the transaction
    dhcp.extend_from_slice(&[0; 8]);
    dhcp.extend_from_slice(&[10, 0, 2, 15, 10, 0, 2, 2, 0, 0, 0, 0]);
    dhcp.extend_from_slice(&SERVER_MAC);
    dhcp.resize(236, 0);
    dhcp.extend_from_slice(&[0x63, 0x82, 0x53, 0x63, 53, 1, if kind == 1 { 2 } else { 5 }]);
    dhcp.extend_from_slice(&[
        54, 4, 10, 0, 2, 2, 51, 4, 0, 0, 0, 60, 1, 4, 255, 255, 255, 0,
    ]);
    dhcp.extend_from_slice(&[3, 4, 10, 0, 2, 2, 6, 4, 10, 0, 2, 3, 255]);
    let udp_len = 8 + dhcp.len() as u16;
    let mut udp = Vec::new();
    for word in [67, 68, udp_len, 0] {
        udp.extend_from_slice(&u16::to_be_bytes(word));
    }
    udp.extend_from_slice(&dhcp);
    let total = 20 + udp.len() as u16;
    let mut answer = [&SERVER_MAC[..], &[0x52, 0x55, 10, 0, 2, 2, 8, 0]].concat();
    let mut ip = vec![
        0x45,
        0,
        (total >> 8) as u8,
        total as u8,
        0,
        0,
        0,
        0,
        64,
        17,
        0,
        0,
        10,
        0,
        2,
        2,
        255,
        255,
        255,
        255,
    ];
    let mut sum: u32 = ip.chunks(2).map(|c| (c[0] as u32) << 8 | c[1] as u32).sum();
    sum = (sum & 0xffff) + (sum >> 16);
    ip[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    answer.extend_from_slice(&ip);
    answer.extend_from_slice(&udp);
    Some(answer)
}

/// Lets a stack and a DHCP server talk until then; how many questions there were.
fn run_dhcp(stack: &mut Stack, now: &mut Duration, until: Duration, answering: bool) -> u32 {
    let mut questions = 0;
    while *now < until {
        stack.poll(*now);
        let mut replies = Vec::new();
        while let Some(frame) = stack.next_transmit(*now) {
            if let Some(answer) = dhcp_answer(frame) {
                questions += 1;
                if answering {
                    replies.push(answer);
                }
            } else if answering && frame[12..14] == [8, 6] && frame[21] == 1 {
                // Who has 10.0.2.2?
                let mut arp = [
                    &SERVER_MAC[..],
                    &[0x52, 0x55, 10, 0, 2, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2],
                ]
                .concat();
                arp.extend_from_slice(&[0x52, 0x55, 10, 0, 2, 2, 10, 0, 2, 2]);
                arp.extend_from_slice(&SERVER_MAC);
                arp.extend_from_slice(&[10, 0, 2, 15]);
                replies.push(arp);
            }
        }
        if !replies.is_empty() {
            replies.iter().for_each(|reply| stack.receive(*now, reply));
            // There may be something to say to that at once.
            continue;
        }
        *now = stack
            .deadline()
            .unwrap_or(until)
            .max(*now + Duration::from_micros(10));
    }
    questions
}

fn dhcp_client(lease: Option<Lease>, now: Duration) -> Stack {
    let config = Config {
        addressing: Addressing::Dhcp(lease),
        ..config(SERVER_MAC, SERVER, Limits::default())
    };
    Stack::new(config, now)
}

#[test]
fn dhcp_gets_an_address_keeps_it_and_loses_it() {
    let mut now = Duration::ZERO;
    let mut stack = dhcp_client(None, now);
    assert_eq!(stack.address(), None);
    run_dhcp(&mut stack, &mut now, Duration::from_secs(5), true);
    let address = stack.address().unwrap();
    assert_eq!(address.ip, Ipv4Addr::new(10, 0, 2, 15));
    assert_eq!(address.gateway, Some(Ipv4Addr::new(10, 0, 2, 2)));
    assert_eq!(address.dns_servers, [Ipv4Addr::new(10, 0, 2, 3)]);
    assert_eq!(stack.next_event(), Some(Event::AddressChanged));
    assert_eq!(stack.next_event(), Some(Event::LeaseChanged));
    assert_eq!(stack.next_event(), None);
    // The lease is renewed, many times over.
    let until = stack.lease().unwrap().until;
    assert!(run_dhcp(&mut stack, &mut now, Duration::from_secs(600), true) >= 10);
    assert!(stack.address().is_some());
    assert!(stack.lease().unwrap().until > until + Duration::from_secs(500));
    assert_eq!(stack.next_event(), Some(Event::LeaseChanged));
    // Nobody answers any more.
    run_dhcp(&mut stack, &mut now, Duration::from_secs(800), false);
    assert_eq!((stack.address(), stack.lease()), (None, None));
    run_dhcp(&mut stack, &mut now, Duration::from_secs(900), true);
    assert!(stack.address().is_some());
}

#[test]
fn a_lease_outlives_the_stack_and_is_not_used_for_longer_than_it_was_lent() {
    let mut now = Duration::ZERO;
    let mut first = dhcp_client(None, now);
    run_dhcp(&mut first, &mut now, Duration::from_secs(5), true);
    let lease = first.lease().unwrap();
    let ip = lease.address.ip;
    now = Duration::from_secs(10);
    // Used at once, without an answer, until it ends.
    let mut second = dhcp_client(Some(lease.clone()), now);
    assert_eq!(second.address().map(|address| address.ip), Some(ip));
    let just_before = lease.until - Duration::from_millis(1);
    run_dhcp(&mut second, &mut now, just_before, false);
    assert_eq!(second.address().map(|address| address.ip), Some(ip));
    run_dhcp(
        &mut second,
        &mut now,
        lease.until + Duration::from_millis(20),
        false,
    );
    assert_eq!(second.address(), None);
    // Confirmed, it never changes; and an old one is not taken over at all.
    now = Duration::from_secs(10);
    let mut third = dhcp_client(Some(lease.clone()), now);
    run_dhcp(&mut third, &mut now, Duration::from_secs(300), true);
    assert_eq!(third.address().map(|address| address.ip), Some(ip));
    let changes = std::iter::from_fn(|| third.next_event());
    assert_eq!(changes.filter(|e| *e == Event::AddressChanged).count(), 1);
    assert_eq!(dhcp_client(Some(lease), now).address(), None);
}

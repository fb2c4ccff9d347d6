//! Floods, forged packets and frames that are broken in every layer.

mod common;
use common::*;

use proptest::prelude::*;

/// An IPv4 packet in an Ethernet frame, with right checksums.
fn frame(source: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    frame_to(SERVER, source, protocol, payload)
}

fn frame_to(destination: Ipv4Addr, source: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend_from_slice(&SERVER_MAC);
    frame.extend_from_slice(&[2, 0, 0, 0, 9, 9, 8, 0]);
    let total = 20 + payload.len() as u16;
    let mut ip = vec![
        0x45,
        0,
        (total >> 8) as u8,
        total as u8,
        0,
        0,
        0x40,
        0,
        64,
        protocol,
        0,
        0,
    ];
    ip.extend_from_slice(&source.octets());
    ip.extend_from_slice(&destination.octets());
    let sum = checksum(&[&ip]);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    frame.extend_from_slice(&ip);
    frame.extend_from_slice(payload);
    frame
}

fn checksum(parts: &[&[u8]]) -> u16 {
    let bytes: Vec<u8> = parts.concat();
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|c| (c[0] as u32) << 8 | *c.get(1).unwrap_or(&0) as u32)
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn pseudo(source: Ipv4Addr, protocol: u8, len: usize) -> Vec<u8> {
    let mut p = source.octets().to_vec();
    p.extend_from_slice(&SERVER.octets());
    p.extend_from_slice(&[0, protocol, (len >> 8) as u8, len as u8]);
    p
}

fn segment(
    source: Ipv4Addr,
    from: u16,
    to: u16,
    seq: u32,
    ack: u32,
    flags: u8,
    data: &[u8],
) -> Vec<u8> {
    let mut tcp = Vec::new();
    tcp.extend_from_slice(&from.to_be_bytes());
    tcp.extend_from_slice(&to.to_be_bytes());
    tcp.extend_from_slice(&seq.to_be_bytes());
    tcp.extend_from_slice(&ack.to_be_bytes());
    tcp.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    tcp.extend_from_slice(data);
    let sum = checksum(&[&pseudo(source, 6, tcp.len()), &tcp]);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    frame(source, 6, &tcp)
}

fn datagram(source: Ipv4Addr, from: u16, to: u16, data: &[u8]) -> Vec<u8> {
    let len = 8 + data.len() as u16;
    let mut udp = Vec::new();
    for word in [from, to, len, 0] {
        udp.extend_from_slice(&word.to_be_bytes());
    }
    udp.extend_from_slice(data);
    let sum = checksum(&[&pseudo(source, 17, udp.len()), &udp]);
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    frame(source, 17, &udp)
}

fn icmp(source: Ipv4Addr, kind: u8, code: u8, data: &[u8]) -> Vec<u8> {
    let mut icmp = vec![kind, code, 0, 0, 0, 1, 0, 2];
    icmp.extend_from_slice(data);
    let sum = checksum(&[&icmp]);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    frame(source, 1, &icmp)
}

fn answers(stack: &mut Stack, now: Duration) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some(frame) = stack.next_transmit(now) {
        frames.push(frame.to_vec());
    }
    frames
}

const NOW: Duration = Duration::from_secs(1);
const FAR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

#[test]
fn ping_is_answered_to_where_it_came_from() {
    let mut stack = server(Limits::default());
    stack.receive(NOW, &icmp(FAR, 8, 0, b"hello"));
    let frames = answers(&mut stack, NOW);
    assert_eq!(frames.len(), 1);
    assert_eq!(
        frames[0][..6],
        [2, 0, 0, 0, 9, 9],
        "no ARP needed for an answer"
    );
    assert_eq!(frames[0][34], 0, "echo reply");
    assert!(frames[0].ends_with(b"hello"));
}

#[test]
fn ports_that_nobody_has_say_so() {
    let mut stack = server(Limits::default());
    stack.receive(NOW, &segment(FAR, 5000, 80, 7, 0, 2, b""));
    let frames = answers(&mut stack, NOW);
    assert_eq!((frames.len(), frames[0][47] & 4), (1, 4), "RST");
    stack.receive(NOW, &segment(FAR, 5000, 80, 7, 0, 4, b""));
    assert_eq!(answers(&mut stack, NOW).len(), 0, "a RST is not answered");
    stack.receive(NOW, &datagram(FAR, 5000, 80, b"x"));
    let frames = answers(&mut stack, NOW);
    assert_eq!((frames[0][34], frames[0][35]), (3, 3), "port unreachable");
    assert_eq!(stack.statistics().unknown_port, 3);
}

#[test]
fn a_flood_of_syns_takes_no_buffers_and_shuts_nobody_out() {
    let limits = Limits {
        half_open_max: 100,
        ..Limits::default()
    };
    let mut world = World::with_limits(Wire::default(), 1, limits);
    let listener = world.stacks[0]
        .listen(world.owners[0], 80, TcpOptions::default())
        .unwrap();
    for i in 0..50_000u32 {
        let source = Ipv4Addr::from_bits(0xcb00_7100 + i % 5000);
        world.stacks[0].receive(
            world.now,
            &segment(source, 1000 + (i % 60_000) as u16, 80, i, 0, 2, b""),
        );
        if i % 8 == 0 {
            answers(&mut world.stacks[0], world.now);
        }
    }
    let statistics = world.stacks[0].statistics();
    assert!(statistics.half_open_evicted > 1000, "{statistics:?}");
    assert_eq!(world.stacks[0].socket_count(), 0);
    assert_eq!(
        world.stacks[0].usage(world.owners[0]),
        Some(Budget {
            bytes: 0,
            sockets: 0
        })
    );
    world.connect(listener, 80, TcpOptions::default());
    world.rest(Duration::from_secs(30));
    assert!(world.stacks[0].statistics().half_open_expired > 0);
    assert_eq!(world.stacks[0].socket_count(), 1);
}

#[test]
fn half_open_connections_are_told_again_then_forgotten() {
    let mut stack = server(Limits::default());
    let owner = stack.add_owner(PLENTY).unwrap();
    stack.listen(owner, 80, TcpOptions::default()).unwrap();
    stack.receive(NOW, &segment(FAR, 5000, 80, 7, 0, 2, b""));
    let first = answers(&mut stack, NOW);
    assert_eq!(first[0][47], 0x12, "SYN|ACK");
    stack.receive(NOW, &segment(FAR, 5000, 80, 7, 0, 2, b""));
    assert_eq!(
        answers(&mut stack, NOW),
        first,
        "the same answer to the same SYN"
    );
    let mut sent = 0;
    let mut now = NOW;
    while let Some(deadline) = stack.deadline() {
        now = deadline;
        stack.poll(now);
        sent += answers(&mut stack, now).len();
    }
    assert!((1..=4).contains(&sent), "{sent}");
    assert!(now < Duration::from_secs(20));
    assert_eq!(stack.statistics().half_open_expired, 1);
    // The third packet comes far too late.
    let ack = u32::from_be_bytes(first[0][38..42].try_into().unwrap()) + 1;
    stack.receive(now, &segment(FAR, 5000, 80, 8, ack, 0x10, b""));
    assert_eq!(answers(&mut stack, now)[0][47] & 4, 4, "RST");
}

#[test]
fn only_the_right_third_packet_completes_a_handshake() {
    let mut stack = server(Limits::default());
    let owner = stack.add_owner(PLENTY).unwrap();
    let listener = stack.listen(owner, 80, TcpOptions::default()).unwrap();
    stack.receive(NOW, &segment(FAR, 5000, 80, 7, 0, 2, b""));
    let syn_ack = answers(&mut stack, NOW).remove(0);
    let ack = u32::from_be_bytes(syn_ack[38..42].try_into().unwrap()) + 1;
    stack.receive(NOW, &segment(FAR, 5000, 80, 8, ack + 1, 0x10, b""));
    assert_eq!(answers(&mut stack, NOW)[0][47] & 4, 4, "RST");
    assert_eq!(stack.accept(listener, NOW), Ok(None));
    // With data in it, as some do.
    stack.receive(NOW, &segment(FAR, 5000, 80, 8, ack, 0x18, b"GET /"));
    let id = stack.accept(listener, NOW).unwrap().unwrap();
    let mut buffer = [0; 10];
    assert_eq!(stack.receive_from(id, &mut buffer, NOW), Ok(Some(5)));
    assert_eq!(&buffer[..5], b"GET /");
    // A reset for a half-open connection counts only with the right number.
    stack.receive(NOW, &segment(FAR, 5001, 80, 7, 0, 2, b""));
    stack.receive(NOW, &segment(FAR, 5001, 80, 99, 0, 4, b""));
    answers(&mut stack, NOW);
    assert!(stack.deadline().unwrap() <= NOW + Duration::from_secs(1));
}

/// There was no room for it when it was completed, and its first bytes were thrown away, too. They come again, behind an
/// acknowledgement whose number is behind theirs.
#[test]
fn what_is_sent_while_the_backlog_is_full_is_not_lost() {
    for first in [&b""[..], b"later"] {
        let mut stack = server(Limits::default());
        let owner = stack.add_owner(PLENTY).unwrap();
        let options = TcpOptions {
            backlog: 1,
            ..TcpOptions::default()
        };
        let listener = stack.listen(owner, 80, options).unwrap();
        let open = |stack: &mut Stack, from| {
            stack.receive(NOW, &segment(FAR, from, 80, 7, 0, 2, b""));
            let syn_ack = answers(stack, NOW).remove(0);
            let ack = u32::from_be_bytes(syn_ack[38..42].try_into().unwrap()) + 1;
            stack.receive(NOW, &segment(FAR, from, 80, 8, ack, 0x10, b""));
            ack
        };
        open(&mut stack, 5000);
        let ack = open(&mut stack, 5001);
        stack.receive(NOW, &segment(FAR, 5001, 80, 8, ack, 0x18, b"hello"));
        assert_eq!(stack.statistics().backlog_refused, 2);
        assert!(stack.accept(listener, NOW).unwrap().is_some());
        // Answered again, and acknowledged again.
        let now = NOW + Duration::from_millis(1100);
        stack.poll(now);
        answers(&mut stack, now);
        stack.receive(now, &segment(FAR, 5001, 80, 13, ack, 0x10, first));
        let id = stack.accept(listener, now).unwrap().unwrap();
        let mut buffer = [0; 16];
        assert_eq!(stack.receive_from(id, &mut buffer, now), Ok(None));
        answers(&mut stack, now);
        stack.receive(now, &segment(FAR, 5001, 80, 8, ack, 0x18, b"hello"));
        let all = [b"hello", first].concat();
        assert_eq!(
            stack.receive_from(id, &mut buffer, now),
            Ok(Some(all.len()))
        );
        assert_eq!(&buffer[..all.len()], all);
    }
}

#[test]
fn icmp_errors_end_only_a_connection_that_is_being_made_and_is_quoted_right() {
    let mut stack = server(Limits::default());
    let owner = stack.add_owner(PLENTY).unwrap();
    let remote = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80);
    let id = stack
        .connect(owner, remote, TcpOptions::default(), NOW)
        .unwrap();
    answers(&mut stack, NOW); // ARP
    let mut arp = vec![];
    arp.extend_from_slice(&SERVER_MAC);
    arp.extend_from_slice(&CLIENT_MAC);
    arp.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
    arp.extend_from_slice(&CLIENT_MAC);
    arp.extend_from_slice(&CLIENT.octets());
    arp.extend_from_slice(&SERVER_MAC);
    arp.extend_from_slice(&SERVER.octets());
    stack.receive(NOW, &arp);
    let syn = answers(&mut stack, NOW).remove(0);
    assert_eq!(syn[..6], CLIENT_MAC, "the SYN waited for the answer");
    let mut forged = syn[14..42].to_vec();
    forged[24] ^= 1;
    stack.receive(NOW, &icmp(FAR, 3, 1, &forged));
    assert_eq!(stack.next_event(), Some(Event::AddressChanged));
    assert_eq!(stack.next_event(), None);
    stack.receive(NOW, &icmp(FAR, 3, 1, &syn[14..42]));
    assert_eq!(
        stack.next_event(),
        Some(Event::Closed(id, Err(Error::Unreachable)))
    );
    stack.close(id, NOW);
    assert_eq!(stack.socket_count(), 0);
    let statistics = stack.statistics();
    assert_eq!(
        (statistics.icmp_errors, statistics.icmp_errors_ignored),
        (1, 1)
    );
}

#[test]
fn time_wait_is_bounded() {
    let limits = Limits {
        time_wait_max: 10,
        ..Limits::default()
    };
    let mut world = World::with_limits(Wire::default(), 1, limits);
    let options = TcpOptions::default();
    let listener = world.stacks[0]
        .listen(world.owners[0], 80, options)
        .unwrap();
    for _ in 0..50 {
        let (server, client) = world.connect(listener, 80, options);
        world.stacks[0].close(server, world.now);
        world.rest(Duration::from_millis(5));
        world.stacks[1].close(client, world.now);
        world.rest(Duration::from_millis(5));
    }
    assert_eq!(world.stacks[0].socket_count(), 0);
    assert_eq!(world.stacks[0].statistics().time_wait_evicted, 40);
}

#[test]
fn arp_floods_and_lost_answers_do_not_stop_others() {
    let mut world = World::new(Wire::default(), 1);
    // Datagrams to forty neighbours that do not exist.
    let port = world.stacks[1].udp_bind(world.owners[1], 0).unwrap();
    for i in 10..50 {
        let to = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, i), 9);
        world.stacks[1].udp_send(port, to, b"x", world.now).unwrap();
        world.rest(Duration::from_micros(10));
    }
    let started = world.now;
    world.connected(80, TcpOptions::default());
    assert!(world.now - started < Duration::from_secs(6));
    world.rest(Duration::from_secs(20));
    assert!(world.stacks[1].statistics().unresolved >= 40);
}

#[test]
fn a_server_needs_no_arp_for_those_who_come_to_it() {
    let mut stack = server(Limits::default());
    let owner = stack.add_owner(PLENTY).unwrap();
    let listener = stack.listen(owner, 80, TcpOptions::default()).unwrap();
    let mut answered = 0;
    for port in 5000..5100 {
        stack.receive(NOW, &segment(CLIENT, port, 80, 7, 0, 2, b""));
        let syn_ack = answers(&mut stack, NOW).remove(0);
        let ack = u32::from_be_bytes(syn_ack[38..42].try_into().unwrap()) + 1;
        stack.receive(NOW, &segment(CLIENT, port, 80, 8, ack, 0x18, b"GET /"));
        let id = stack.accept(listener, NOW).unwrap().unwrap();
        stack.send(id, b"hello", NOW).unwrap();
        let frames = answers(&mut stack, NOW);
        answered += frames
            .iter()
            .filter(|frame| frame.ends_with(b"hello") && frame[..6] == [2, 0, 0, 0, 9, 9])
            .count();
    }
    assert_eq!(answered, 100);
    assert_eq!(stack.statistics().unresolved, 0);
}

/// A server with one of each, and a client's connection open.
fn busy() -> (Stack, Vec<Vec<u8>>) {
    let mut stack = server(Limits {
        half_open_max: 20,
        ..Limits::default()
    });
    let owner = stack.add_owner(PLENTY).unwrap();
    let listener = stack.listen(owner, 80, TcpOptions::default()).unwrap();
    stack.udp_bind(owner, 7).unwrap();
    stack.receive(NOW, &segment(FAR, 5000, 80, 7, 0, 2, b""));
    let syn_ack = answers(&mut stack, NOW).remove(0);
    let ack = u32::from_be_bytes(syn_ack[38..42].try_into().unwrap()) + 1;
    stack.receive(NOW, &segment(FAR, 5000, 80, 8, ack, 0x10, b""));
    stack.accept(listener, NOW).unwrap().unwrap();
    let _ = stack.resolve("example.org", NOW);
    answers(&mut stack, NOW);
    let mut quoted = syn_ack[14..42].to_vec();
    quoted[24..28].copy_from_slice(&(ack - 1).to_be_bytes());
    let frames = vec![
        segment(FAR, 5000, 80, 8, ack, 0x18, b"some data"),
        segment(FAR, 5000, 80, 17, ack, 0x11, b""),
        segment(FAR, 5001, 80, 1, 0, 2, b""),
        segment(FAR, 5000, 80, 8, ack, 0x04, b""),
        datagram(FAR, 9, 7, b"datagram"),
        datagram(
            CLIENT,
            53,
            4000,
            &[
                0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1,
            ],
        ),
        icmp(FAR, 8, 0, b"ping"),
        icmp(FAR, 3, 3, &quoted),
        frame(FAR, 99, b"another protocol"),
        frame_to(
            Ipv4Addr::new(10, 0, 0, 255),
            FAR,
            17,
            &[0, 9, 0, 9, 0, 8, 0, 0],
        ),
    ];
    (stack, frames)
}

proptest! {
    #![proptest_config(trials::cases(600))]

    /// Frames with some bytes changed, cut or lengthened; checksums mended or not.
    #[test]
    fn broken_frames_do_no_harm(
        picks in proptest::collection::vec((any::<prop::sample::Index>(), proptest::collection::vec((0usize..80, any::<u8>()), 0..4), 0usize..90, any::<bool>()), 1..40)
    ) {
        let (mut stack, frames) = busy();
        let mut now = NOW;
        for (which, changes, len, mend) in picks {
            let mut frame = frames[which.index(frames.len())].clone();
            for (at, value) in changes {
                if at < frame.len() {
                    frame[at] = value;
                }
            }
            if len < 60 {
                frame.truncate(14 + len);
            }
            if mend && frame.len() >= 34 {
                mend_checksums(&mut frame);
            }
            stack.receive(now, &frame);
            while stack.next_event().is_some() {}
            prop_assert!(answers(&mut stack, now).len() < 100);
            now += Duration::from_millis(700);
            stack.poll(now);
        }
        prop_assert!(stack.socket_count() <= 60);
        // It still works.
        stack.receive(now, &icmp(Ipv4Addr::new(198, 51, 100, 1), 8, 0, b"alive?"));
        prop_assert!(answers(&mut stack, now).iter().any(|frame| frame.ends_with(b"alive?")));
    }

    /// Nothing but noise.
    #[test]
    fn noise_does_no_harm(frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..120), 1..60), typed in any::<bool>()) {
        let (mut stack, _) = busy();
        for mut frame in frames {
            if typed && frame.len() > 14 {
                frame[..6].copy_from_slice(&SERVER_MAC);
                frame[6] &= !1;
                let kind: [u8; 2] = if frame[13] & 1 == 0 { [8, 0] } else { [8, 6] };
                frame[12..14].copy_from_slice(&kind);
            }
            stack.receive(NOW, &frame);
            answers(&mut stack, NOW);
        }
    }
}

fn mend_checksums(frame: &mut [u8]) {
    let header = ((frame[14] & 15) as usize * 4).max(20);
    if frame.len() < 14 + header {
        return;
    }
    let total = (frame.len() - 14) as u16;
    frame[16..18].copy_from_slice(&total.to_be_bytes());
    frame[24..26].fill(0);
    let sum = checksum(&[&frame[14..14 + header]]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    let source = Ipv4Addr::new(frame[26], frame[27], frame[28], frame[29]);
    let protocol = frame[23];
    let payload = &mut frame[14 + header..];
    let at = match protocol {
        6 => 16,
        17 => 6,
        1 => 2,
        _ => return,
    };
    if payload.len() < at + 2 {
        return;
    }
    payload[at..at + 2].fill(0);
    let pseudo = if protocol == 1 {
        vec![]
    } else {
        pseudo(source, protocol, payload.len())
    };
    let sum = checksum(&[&pseudo, payload]);
    payload[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

//! Messages: order, room, replies, and ends.

use abi::{Call, Error, EventKind, MessageKind, Rights};

use crate::common::ends::{between, one_way, reply, request};
use crate::common::{Sim, info, pair, params};

const FOREVER: usize = abi::call::FOREVER;

#[test]
fn messages_come_in_the_order_they_were_sent() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (a, b) = sim.channel(root, 4, 64);
    let queue = sim.queue(root);
    sim.attach(root, queue, b, 5);
    for round in 0..10 {
        for number in 0..4 {
            sim.send(root, a, round * 4 + number);
        }
        let refused = sim.refused(root, Call::Send, &[a, one_way(0)]);
        assert_eq!(refused, Error::QueueFull);
        for number in 0..4 {
            let event = sim.poll(root, queue).expect("a message is there");
            assert_eq!((event.kind, event.key), (EventKind::Message, 5));
            assert_eq!(sim.got(root), round * 4 + number);
        }
        assert_eq!(sim.poll(root, queue), None);
    }
}

#[test]
fn a_message_goes_straight_to_who_waits() {
    let mut p = between(4, params("client"), params("server"));
    let ((a, _), (_, queue)) = (p.ends[0], p.ends[1]);
    p.sim.blocks(p.server.thread, Call::Wait, &[queue, FOREVER]);
    p.sim.send(p.client.thread, a, 77);
    assert_eq!(p.sim.woken(p.server.thread).kind, EventKind::Message);
    assert_eq!(p.sim.got(p.server.thread), 77);
}

#[test]
fn a_refused_send_is_told_once_when_there_is_room() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (a, b) = sim.channel(root, 1, 64);
    let (qa, qb) = (sim.queue(root), sim.queue(root));
    sim.attach(root, qa, a, 1);
    sim.attach(root, qb, b, 2);
    sim.send(root, a, 1);
    for _ in 0..3 {
        let refused = sim.refused(root, Call::Send, &[a, one_way(0)]);
        assert_eq!(refused, Error::QueueFull);
    }
    assert_eq!(sim.poll(root, qa), None);
    assert_eq!(
        sim.poll(root, qb).map(|event| event.kind),
        Some(EventKind::Message)
    );
    assert_eq!(
        sim.poll(root, qa).map(|event| event.kind),
        Some(EventKind::Writable)
    );
    assert_eq!(sim.poll(root, qa), None);
    sim.send(root, a, 2);
}

#[test]
fn a_request_keeps_the_slot_for_its_reply() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (a, b) = sim.channel(root, 1, 64);
    let (qa, qb) = (sim.queue(root), sim.queue(root));
    sim.attach(root, qa, a, 1);
    sim.attach(root, qb, b, 2);
    sim.ok(root, Call::Send, &[a, request(0), 11]);
    // The slot is taken: by nothing from B but the reply.
    let refused = sim.refused(root, Call::Send, &[b, one_way(0)]);
    assert_eq!(refused, Error::QueueFull);
    assert_eq!(sim.poll(root, qb).map(|event| event.transaction), Some(11));
    // There is room for another request, but not for its reply.
    let refused = sim.refused(root, Call::Send, &[a, request(0), 12]);
    assert_eq!(refused, Error::QueueFull);
    sim.ok(root, Call::Send, &[b, reply(0), 11]);
    let refused = sim.refused(root, Call::Send, &[b, reply(0), 11]);
    assert_eq!(refused, Error::UnexpectedReply);
    // The reply lies where it was to lie: nobody is told of room that is not there.
    let event = sim.poll(root, qa).expect("the reply");
    assert_eq!((event.kind, event.transaction), (EventKind::Message, 11));
    // Now there is room, for both who were refused.
    assert_eq!(
        sim.poll(root, qa).map(|event| event.kind),
        Some(EventKind::Writable)
    );
    assert_eq!(
        sim.poll(root, qb).map(|event| event.kind),
        Some(EventKind::Writable)
    );
    sim.ok(root, Call::Send, &[a, request(0), 12]);
}

#[test]
fn the_end_comes_after_the_last_message() {
    let mut p = between(4, params("client"), params("server"));
    let ((a, _), (b, queue)) = (p.ends[0], p.ends[1]);
    p.sim.send(p.client.thread, a, 1);
    p.sim.send(p.client.thread, a, 2);
    p.sim.ok(p.client.thread, Call::HandleClose, &[a]);
    for expected in [EventKind::Message, EventKind::Message, EventKind::Closed] {
        let event = p.sim.poll(p.server.thread, queue).expect("an event");
        assert_eq!(event.kind, expected);
    }
    assert_eq!(p.sim.poll(p.server.thread, queue), None);
    let refused = p.sim.refused(p.server.thread, Call::Send, &[b, one_way(0)]);
    assert_eq!(refused, Error::Closed);
}

#[test]
fn the_end_of_the_owner_is_told_to_both() {
    let mut sim = Sim::new(4);
    let owner = sim.spawn(params("owner"));
    let root = sim.root;
    let (up, down) = sim.channel(root, 4, 64);
    let maker = sim.spawn_with(params("maker"), up);
    let queue = sim.queue(root);
    sim.attach(root, queue, down, 1);
    let first = abi::Handle::new(0, 1).raw() as usize;
    let (a, b) = sim.channel(maker.thread, 4, 64);
    let two = info(MessageKind::OneWay, 0, 2);
    sim.ok(maker.thread, Call::Send, &[first, two, 0, pair(a, b)]);
    let event = sim.poll(root, queue).expect("two ends came");
    let (a, b) = (event.handles[0], event.handles[1]);
    sim.attach(root, queue, a, 2);
    sim.attach(root, queue, b, 3);
    sim.send(root, a, 1);
    sim.ok(root, Call::ProcessKill, &[maker.handle, 1]);
    sim.collect();
    let mut keys = Vec::new();
    while let Some(event) = sim.poll(root, queue) {
        assert_eq!(event.kind, EventKind::Closed);
        keys.push(event.key);
    }
    keys.sort_unstable();
    assert_eq!(keys, [1, 2, 3]);
    let refused = sim.refused(root, Call::Send, &[a, one_way(0)]);
    assert_eq!(refused, Error::Closed);
    let _ = owner;
}

#[test]
fn bodies_have_a_limit() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (a, _) = sim.channel(root, 4, 64);
    sim.ok(root, Call::Send, &[a, info(MessageKind::OneWay, 64, 0)]);
    for len in [65, 4096, 8191] {
        let refused = sim.refused(root, Call::Send, &[a, info(MessageKind::OneWay, len, 0)]);
        assert_eq!(refused, Error::MessageTooLong, "{len}");
    }
    for (slots, body_max) in [(0, 64), (1025, 64), (1, 4097), (1024, 4096)] {
        let refused = sim.refused(root, Call::ChannelCreate, &[slots, body_max]);
        assert_eq!(refused, Error::InvalidArgument, "{slots} {body_max}");
    }
}

#[test]
fn odd_headers_are_refused() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (a, b) = sim.channel(root, 4, 64);
    let check = |sim: &mut Sim, info: usize, handles: usize, expected: Error| {
        let before = sim.footprint();
        let refused = sim.refused(root, Call::Send, &[a, info, 0, handles]);
        assert_eq!(refused, expected, "{info:#x}");
        assert_eq!(sim.footprint(), before);
    };
    let queue = sim.queue(root);
    check(&mut sim, 3 << 20, 0, Error::InvalidArgument);
    check(&mut sim, 7 << 16, 0, Error::InvalidArgument);
    check(&mut sim, one_way(1), 0, Error::BadHandle);
    check(
        &mut sim,
        one_way(2),
        pair(queue, queue),
        Error::InvalidArgument,
    );
    check(
        &mut sim,
        one_way(2),
        pair(queue, 0x7fff_ffff),
        Error::BadHandle,
    );
    check(&mut sim, reply(0), 0, Error::UnexpectedReply);
    let rights = usize::from(Rights::ALL.bits() & !Rights::TRANSFER.bits());
    let stays = sim.ok(root, Call::HandleDuplicate, &[queue, rights]);
    check(&mut sim, one_way(1), stays, Error::MissingRight);
    // Nothing was moved by what was refused.
    sim.attach(root, queue, b, 1);
}

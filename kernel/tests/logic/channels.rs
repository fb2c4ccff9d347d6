//! Messages: order, room, replies, ends, and handles that travel.

use abi::{Call, Error, EventKind, MessageKind, ProcessParams, Rights};

use kernel::memory::Id;
use kernel::object::{Thread, ThreadState};

use crate::common::{Child, Outcome, Sim, info, pair, params};

const FOREVER: usize = abi::call::FOREVER;

fn one_way(handles: usize) -> usize {
    info(MessageKind::OneWay, 0, handles)
}
fn request(handles: usize) -> usize {
    info(MessageKind::Request, 0, handles)
}
fn reply(handles: usize) -> usize {
    info(MessageKind::Reply, 0, handles)
}

/// A client and a server on CPUs of their own, and what each holds of the channel between them.
struct Pair {
    sim: Sim,
    client: Child,
    server: Child,
    /// The client's end and queue, and the server's.
    ends: [(usize, usize); 2],
}

/// The root makes the channel, so it ends with the root; the ends are the two's first handles.
fn between(slots: usize, client: ProcessParams, server: ProcessParams) -> Pair {
    let mut sim = Sim::new(3);
    let root = sim.root;
    let (a, b) = sim.channel(root, slots, 64);
    let client = sim.spawn_with(client, a);
    let server = sim.spawn_with(server, b);
    let ends = [client, server].map(|child| {
        let end = abi::Handle::new(0, 1).raw() as usize;
        let queue = sim.queue(child.thread);
        sim.attach(child.thread, queue, end, 1);
        (end, queue)
    });
    Pair {
        sim,
        client,
        server,
        ends,
    }
}

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
fn a_reply_to_a_call_makes_room_for_the_server() {
    let mut p = between(1, params("client"), params("server"));
    let ((a, _), (b, queue)) = (p.ends[0], p.ends[1]);
    p.sim.blocks(
        p.client.thread,
        Call::Call,
        &[a, request(0), 9, 0, 0, FOREVER],
    );
    assert_eq!(
        p.sim
            .poll(p.server.thread, queue)
            .map(|event| event.transaction),
        Some(9)
    );
    let refused = p.sim.refused(p.server.thread, Call::Send, &[b, one_way(0)]);
    assert_eq!(refused, Error::QueueFull);
    p.sim.ok(p.server.thread, Call::Send, &[b, reply(0), 9]);
    assert_eq!(p.sim.woken(p.client.thread).transaction, 9);
    let event = p
        .sim
        .poll(p.server.thread, queue)
        .expect("there is room now");
    assert_eq!(event.kind, EventKind::Writable);
    p.sim.ok(p.server.thread, Call::Send, &[b, one_way(0)]);
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

#[test]
fn handles_move() {
    let mut p = between(4, params("client"), params("server"));
    let ((a, _), (_, queue)) = (p.ends[0], p.ends[1]);
    let client = p.client.thread;
    let bell = p.sim.ok(client, Call::DoorbellCreate, &[]);
    let limited = usize::from((Rights::WRITE.union(Rights::TRANSFER)).bits());
    let given = p.sim.ok(client, Call::HandleDuplicate, &[bell, limited]);
    p.sim.give(client, a, given);
    assert_eq!(
        p.sim.refused(client, Call::DoorbellRing, &[given]),
        Error::BadHandle
    );
    let event = p.sim.poll(p.server.thread, queue).expect("it came");
    let theirs = event.handles[0];
    assert_eq!(event.handles[1..], [0, 0, 0]);
    p.sim.ok(p.server.thread, Call::DoorbellRing, &[theirs]);
    let refused = p
        .sim
        .refused(p.server.thread, Call::HandleDuplicate, &[theirs, limited]);
    assert_eq!(refused, Error::MissingRight);
    let own = p.sim.queue(client);
    p.sim.attach(client, own, bell, 3);
    assert_eq!(
        p.sim.poll(client, own).map(|event| event.kind),
        Some(EventKind::Doorbell)
    );
}

#[test]
fn a_message_waits_for_room_in_the_handle_table() {
    // Whether the receiver waits or asks later.
    for waiting in [false, true] {
        let server = ProcessParams {
            handles_max: 3,
            ..params("server")
        };
        let mut p = between(4, params("client"), server);
        let ((a, _), (_, queue)) = (p.ends[0], p.ends[1]);
        let extra = p.sim.ok(p.server.thread, Call::DoorbellCreate, &[]);
        let bell = p.sim.ok(p.client.thread, Call::DoorbellCreate, &[]);
        if waiting {
            p.sim.blocks(p.server.thread, Call::Wait, &[queue, FOREVER]);
        }
        p.sim.give(p.client.thread, a, bell);
        if waiting {
            assert_eq!(p.sim.woken_by(p.server.thread), Error::HandleLimit);
        }
        let refused = p
            .sim
            .refused(p.server.thread, Call::Wait, &[queue, FOREVER]);
        assert_eq!(refused, Error::HandleLimit);
        p.sim.ok(p.server.thread, Call::HandleClose, &[extra]);
        let event = p
            .sim
            .poll(p.server.thread, queue)
            .expect("the message stayed");
        p.sim
            .ok(p.server.thread, Call::DoorbellRing, &[event.handles[0]]);
    }
}

#[test]
fn a_call_gets_its_reply_and_nothing_else() {
    let mut p = between(4, params("client"), params("server"));
    let ((a, qa), (b, qb)) = (p.ends[0], p.ends[1]);
    let (client, server) = (p.client.thread, p.server.thread);
    p.sim.send(server, b, 5);
    p.sim
        .blocks(client, Call::Call, &[a, request(0), 20, 0, 0, FOREVER]);
    p.sim.poll(server, qb).expect("the request");
    p.sim.send(server, b, 6);
    p.sim.put(server, 99);
    let reply_8 = info(MessageKind::Reply, 8, 0);
    p.sim.ok(server, Call::Send, &[b, reply_8, 20]);
    assert_eq!(p.sim.woken(client).transaction, 20);
    assert_eq!(p.sim.got(client), 99);
    for number in [5, 6] {
        p.sim.poll(client, qa).expect("what was queued");
        assert_eq!(p.sim.got(client), number);
    }
}

#[test]
fn a_late_reply_is_an_ordinary_message() {
    let mut p = between(4, params("client"), params("server"));
    let ((a, qa), (b, qb)) = (p.ends[0], p.ends[1]);
    let deadline = p.sim.now() as usize + 500;
    p.sim.blocks(
        p.client.thread,
        Call::Call,
        &[a, request(0), 20, 0, 0, deadline],
    );
    p.sim.poll(p.server.thread, qb).expect("the request");
    p.sim.advance(1000);
    assert_eq!(p.sim.woken_by(p.client.thread), Error::TimedOut);
    p.sim.ok(p.server.thread, Call::Send, &[b, reply(0), 20]);
    let event = p.sim.poll(p.client.thread, qa).expect("the late reply");
    assert_eq!(event.transaction, 20);
}

#[test]
fn one_thread_calls_on_a_channel_at_a_time() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let (a, _b) = sim.channel(root, 4, 64);
    let (second, _) = sim.thread(root);
    sim.blocks(second, Call::Call, &[a, request(0), 1, 0, 0, FOREVER]);
    let refused = sim.refused(root, Call::Call, &[a, request(0), 2, 0, 0, FOREVER]);
    assert_eq!(refused, Error::Busy);
    let refused = sim.refused(root, Call::Call, &[a, one_way(0), 2, 0, 0, FOREVER]);
    assert_eq!(refused, Error::Busy);
}

#[test]
fn a_call_ends_with_the_other_side() {
    for kill in [false, true] {
        let mut p = between(4, params("client"), params("server"));
        let ((a, _), (b, _)) = (p.ends[0], p.ends[1]);
        p.sim.blocks(
            p.client.thread,
            Call::Call,
            &[a, request(0), 20, 0, 0, FOREVER],
        );
        if kill {
            let root = p.sim.root;
            p.sim.ok(root, Call::ProcessKill, &[p.server.handle, 1]);
        } else {
            p.sim.ok(p.server.thread, Call::HandleClose, &[b]);
        }
        p.sim.collect();
        assert_eq!(p.sim.woken_by(p.client.thread), Error::Closed);
    }
}

#[test]
fn a_reply_that_does_not_fit_ends_the_call() {
    let client = ProcessParams {
        handles_max: 3,
        ..params("client")
    };
    let mut p = between(4, client, params("server"));
    let ((a, qa), (b, _)) = (p.ends[0], p.ends[1]);
    let extra = p.sim.ok(p.client.thread, Call::DoorbellCreate, &[]);
    p.sim.blocks(
        p.client.thread,
        Call::Call,
        &[a, request(0), 20, 0, 0, FOREVER],
    );
    let bell = p.sim.ok(p.server.thread, Call::DoorbellCreate, &[]);
    p.sim
        .ok(p.server.thread, Call::Send, &[b, reply(1), 20, bell]);
    assert_eq!(p.sim.woken_by(p.client.thread), Error::HandleLimit);
    // The reply stays where a late one would be (rule 9), and comes once there is room.
    assert_eq!(p.sim.kernel.doorbells.len(), 2);
    let refused = p.sim.refused(p.client.thread, Call::Wait, &[qa, 0]);
    assert_eq!(refused, Error::HandleLimit);
    p.sim.ok(p.client.thread, Call::HandleClose, &[extra]);
    let late = p.sim.poll(p.client.thread, qa).expect("it stayed");
    assert_eq!((late.kind, late.transaction), (EventKind::Message, 20));
    p.sim
        .ok(p.client.thread, Call::DoorbellRing, &[late.handles[0]]);
}

/// What a process has sent and nobody received counts against its own limit (rule 9).
#[test]
fn handles_under_way_count_against_their_sender() {
    let mut sim = Sim::new(2);
    let (_, theirs) = {
        let root = sim.root;
        sim.channel(root, 4, 64)
    };
    let limited = ProcessParams {
        handles_max: 8,
        ..params("hoarder")
    };
    let thread = sim.spawn_with(limited, theirs).thread;
    let (a, b) = sim.channel(thread, 8, 0);
    for _ in 0..5 {
        let bell = sim.ok(thread, Call::DoorbellCreate, &[]);
        sim.give(thread, a, bell);
    }
    let refused = sim.refused(thread, Call::DoorbellCreate, &[]);
    assert_eq!(refused, Error::HandleLimit);
    // To receive what one has sent oneself takes no more room than it had.
    let queue = {
        sim.ok(
            thread,
            Call::HandleClose,
            &[abi::Handle::new(0, 1).raw() as usize],
        );
        let queue = sim.queue(thread);
        sim.attach(thread, queue, b, 1);
        queue
    };
    let event = sim.poll(thread, queue).expect("it is there");
    sim.ok(thread, Call::DoorbellRing, &[event.handles[0]]);
    // What ends under way counts no more.
    sim.ok(thread, Call::HandleClose, &[event.handles[0]]);
    sim.ok(thread, Call::HandleClose, &[a]);
    sim.ok(thread, Call::HandleClose, &[b]);
    sim.collect();
    for _ in 1..8 {
        sim.ok(thread, Call::DoorbellCreate, &[]);
    }
}

/// A send that failed and a wait that failed after a send are told apart.
#[test]
fn send_wait_tells_what_has_failed() {
    let mut p = between(1, params("client"), params("server"));
    let ((a, qa), (b, _)) = (p.ends[0], p.ends[1]);
    let thread = p.client.thread;
    let full = info(MessageKind::OneWay, 0, 0);
    let both = crate::common::pair(a, qa);
    let now = Outcome::Done(abi::event::wait_failed(Error::TimedOut));
    assert_eq!(
        p.sim
            .call(thread, Call::SendWait, &[both, full, 0, 0, 0, 0]),
        now
    );
    match p
        .sim
        .call(thread, Call::SendWait, &[both, full, 0, 0, 0, 0])
    {
        Outcome::Done([error, 0, ..]) => assert_eq!(error, Error::QueueFull.to_register()),
        other => panic!("{other:?}"),
    }
    p.sim.poll(p.server.thread, p.ends[1].1);
    // Later, too, once it has heard that there is room.
    p.sim.poll(thread, qa).expect("it can be written again");
    let until = p.sim.now() as usize + 10;
    p.sim
        .blocks(thread, Call::SendWait, &[both, full, 0, 0, 0, until]);
    p.sim.advance(10);
    assert_eq!(
        p.sim.results(thread),
        abi::event::wait_failed(Error::TimedOut)
    );
    let _ = b;
}

#[test]
fn a_message_may_carry_the_end_that_it_goes_to() {
    // With a thread of the same process waiting there, and without.
    for waiting in [true, false] {
        let mut sim = Sim::new(2);
        let root = sim.root;
        let before = sim.footprint();
        let (second, thread_handle) = sim.thread(root);
        let (a, b) = sim.channel(root, 4, 64);
        let queue = sim.queue(root);
        sim.attach(root, queue, b, 1);
        if waiting {
            sim.blocks(second, Call::Wait, &[queue, FOREVER]);
        }
        sim.give(root, a, b);
        // The channel has swallowed its own end: it goes when the other end does, or its owner.
        let (c, d) = sim.channel(root, 4, 64);
        sim.give(root, c, c);
        sim.attach(root, queue, d, 2);
        let event = match waiting {
            true => sim.woken(second),
            false => sim.poll(root, queue).expect("it came"),
        };
        assert_eq!(event.key, 2);
        let again = event.handles[0];
        sim.send(root, again, 3);
        for handle in [a, again, d, queue] {
            sim.ok(root, Call::HandleClose, &[handle]);
        }
        assert_eq!(sim.call(second, Call::ThreadExit, &[]), Outcome::Gone);
        sim.ok(root, Call::HandleClose, &[thread_handle]);
        sim.collect();
        let after = sim.footprint();
        // Of the first channel, one end is in its own queue; that one goes with its owner.
        assert_eq!(after[4], before[4] + 1);
        assert_eq!(after[2..4], before[2..4]);
    }
}

#[test]
fn an_end_under_way_is_on_no_queue() {
    let mut p = between(4, params("client"), params("server"));
    let ((a, qa), (_, qb)) = (p.ends[0], p.ends[1]);
    let (client, server) = (p.client.thread, p.server.thread);
    let (x, y) = p.sim.channel(client, 4, 64);
    p.sim.attach(client, qa, x, 8);
    p.sim.send(client, y, 1);
    p.sim.give(client, a, x);
    assert_eq!(p.sim.poll(client, qa), None);
    let x = p.sim.poll(server, qb).expect("the end came").handles[0];
    p.sim.attach(server, qb, x, 9);
    let event = p.sim.poll(server, qb).expect("and the message in it");
    assert_eq!(event.key, 9);
    assert_eq!(p.sim.got(server), 1);
}

/// Channels 0 to n-1, each with an end of the next one in its queue; `ring`: the last one has
/// one of the first.
fn linked(sim: &mut Sim, count: usize, ring: bool) {
    let root = sim.root;
    let (first_in, first_out) = sim.channel(root, 1, 0);
    let mut into = first_in;
    for _ in 1..count {
        let (a, b) = sim.channel(root, 1, 0);
        sim.give(root, into, b);
        sim.ok(root, Call::HandleClose, &[into]);
        into = a;
    }
    if ring {
        sim.give(root, into, first_out);
        sim.ok(root, Call::HandleClose, &[into]);
    } else {
        sim.ok(root, Call::HandleClose, &[into]);
        sim.ok(root, Call::HandleClose, &[first_out]);
    }
}

#[test]
fn rings_of_channels_go_with_their_owner() {
    for count in [1, 2, 1000] {
        let mut sim = Sim::new(2);
        sim.checked = count < 100;
        let warm = sim.spawn(params("maker"));
        let root = sim.root;
        sim.ok(root, Call::ProcessKill, &[warm.handle, 0]);
        sim.ok(root, Call::HandleClose, &[warm.handle]);
        sim.collect();
        let maker = sim.spawn(params("maker"));
        let root = std::mem::replace(&mut sim.root, maker.thread);
        linked(&mut sim, count, true);
        sim.root = root;
        assert_eq!(sim.kernel.channels.len(), count);
        sim.ok(root, Call::ProcessKill, &[maker.handle, 0]);
        sim.collect();
        assert_eq!(sim.kernel.channels.len(), 0);
        crate::common::invariants::check(&sim.kernel);
    }
}

/// A chain of 100,000 channels, each in a message of the one before it. A process can have as many
/// handles under way as it may have handles, so it takes several of them. Each entry takes
/// apart one channel, whatever hangs on it.
#[test]
fn a_deep_chain_is_taken_apart_in_bounded_steps() {
    const DEPTH: usize = 100_000;
    let mut sim = Sim::with_memory(2, 768 << 20);
    sim.checked = false;
    sim.eager = false;
    let root = sim.root;
    let before = sim.kernel.channels.len();
    let (first_in, first_out) = sim.channel(root, 1, 0);
    let (mut into, mut depth) = (first_in, 1);
    while depth < DEPTH {
        let child = sim.spawn(params("link"));
        let moved = sim.kernel.lookup(
            sim.kernel.threads[root].process,
            abi::Handle::from_raw(into as u32),
            abi::Rights::NONE,
        );
        let moved = moved.expect("the root has the end of the chain");
        // As if it had come in a message.
        let root_process = sim.kernel.threads[root].process;
        let table = &mut sim.kernel.processes[root_process].handles;
        table
            .remove(abi::Handle::from_raw(into as u32))
            .expect("looked up just now");
        let given = sim
            .kernel
            .add_handle(child.process, moved.object, moved.rights)
            .expect("it has none yet");
        let mut end = given.raw() as usize;
        for _ in 0..16_000.min(DEPTH - depth) {
            let (a, b) = sim.channel(child.thread, 1, 0);
            sim.give(child.thread, end, b);
            sim.ok(child.thread, Call::HandleClose, &[end]);
            end = a;
            depth += 1;
        }
        let last = sim.object(child.thread, end);
        let table = &mut sim.kernel.processes[child.process].handles;
        table
            .remove(abi::Handle::from_raw(end as u32))
            .expect("it holds the end of the chain");
        into = sim
            .kernel
            .add_handle(root_process, last, abi::Rights::ALL)
            .expect("there is room")
            .raw() as usize;
        let queue = sim.queue(child.thread);
        sim.blocks(child.thread, Call::Wait, &[queue, FOREVER]);
    }
    sim.ok(root, Call::HandleClose, &[into]);
    assert_eq!(sim.kernel.channels.len(), before + DEPTH);
    crate::common::invariants::check(&sim.kernel);
    sim.ok(root, Call::HandleClose, &[first_out]);
    let mut left = sim.kernel.channels.len();
    while left > before {
        assert!(sim.kernel.has_garbage());
        sim.ok(root, Call::Nop, &[]);
        let now = sim.kernel.channels.len();
        assert!(now < left && left - now <= 2, "{} in one step", left - now);
        left = now;
    }
    crate::common::invariants::check(&sim.kernel);
}

#[test]
fn handles_in_a_dropped_message_are_closed() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let before = {
        let bell = sim.ok(root, Call::DoorbellCreate, &[]);
        let (a, b) = sim.channel(root, 8, 0);
        for handle in [bell, a, b] {
            sim.ok(root, Call::HandleClose, &[handle]);
        }
        sim.collect();
        sim.footprint()
    };
    let (a, b) = sim.channel(root, 8, 0);
    for _ in 0..8 {
        let bell = sim.ok(root, Call::DoorbellCreate, &[]);
        sim.give(root, a, bell);
    }
    sim.ok(root, Call::HandleClose, &[a]);
    sim.ok(root, Call::HandleClose, &[b]);
    sim.collect();
    assert_eq!(sim.footprint(), before);
}

/// A ring or an event goes along with its sender's wait, straight to whoever waits for it.
#[test]
fn rings_and_events_go_along_with_a_wait() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (other, _) = sim.thread(root);
    let [ours, theirs] = [0; 2].map(|_| sim.queue(root));
    let bell = sim.ok(root, Call::DoorbellCreate, &[]);
    sim.attach(root, theirs, bell, 7);
    let (a, b) = sim.channel(root, 2, 64);
    sim.attach(root, ours, b, 8);
    let ring = abi::MessageInfo::RING.bits() as usize;
    sim.bring(other);
    sim.blocks(other, Call::Wait, &[theirs, FOREVER]);
    for round in 0..3 {
        let both = [pair(bell, ours), ring, 0, 0, 0, FOREVER];
        sim.blocks(root, Call::SendWait, &both);
        let event = sim.woken(other);
        assert_eq!(
            (event.kind, event.key, event.data),
            (EventKind::Doorbell, 7, 1)
        );
        assert_eq!(state(&sim, other), ThreadState::Running);
        sim.put(other, round);
        let event = info(MessageKind::OneWay, 8, 0);
        let both = [pair(a, theirs), event, 0, 0, 0, FOREVER];
        sim.blocks(other, Call::SendWait, &both);
        let event = sim.woken(root);
        assert_eq!((event.kind, event.key), (EventKind::Message, 8));
        assert_eq!(sim.got(root), round);
        assert_eq!(state(&sim, root), ThreadState::Running);
    }
    // Rung although the wait is over at once; and heard once more than that, since nobody waited the second time.
    let both = [pair(bell, ours), ring, 0, 0, 0, 0];
    let over = Outcome::Done(abi::event::wait_failed(Error::TimedOut));
    assert_eq!(sim.call(root, Call::SendWait, &both), over);
    assert_eq!(sim.woken(other).data, 1);
    for _ in 0..2 {
        assert_eq!(sim.call(root, Call::SendWait, &both), over);
    }
    sim.bring(other);
    assert_eq!(sim.poll(other, theirs).expect("it was rung").data, 2);
    sim.bring(root);
    // An end of a channel cannot be rung, and then nothing is waited for.
    match sim.call(
        root,
        Call::SendWait,
        &[pair(a, ours), ring, 0, 0, 0, FOREVER],
    ) {
        Outcome::Done([error, 0, ..]) => assert_eq!(error, Error::WrongKind.to_register()),
        other => panic!("{other:?}"),
    }
}

/// Two that wake each other in turn do not keep a third from running.
#[test]
fn who_is_woken_along_with_a_wait_lines_up() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (other, _) = sim.thread(root);
    let (third, _) = sim.thread(root);
    let [ours, theirs] = [0; 2].map(|_| sim.queue(root));
    let bell = sim.ok(root, Call::DoorbellCreate, &[]);
    sim.attach(root, theirs, bell, 7);
    sim.bring(other);
    sim.blocks(other, Call::Wait, &[theirs, FOREVER]);
    sim.bring(root);
    assert_eq!(state(&sim, third), ThreadState::Ready);
    let ring = abi::MessageInfo::RING.bits() as usize;
    let both = [pair(bell, ours), ring, 0, 0, 0, FOREVER];
    sim.blocks(root, Call::SendWait, &both);
    assert_eq!(state(&sim, third), ThreadState::Running);
    assert_eq!(state(&sim, other), ThreadState::Ready);
}

fn state(sim: &Sim, thread: Id<Thread>) -> ThreadState {
    sim.kernel.threads[thread].state
}

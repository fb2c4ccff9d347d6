//! Handles in messages: how they move, what they count as under way, and how chains and rings of them end.

use abi::{Call, Error, EventKind, ProcessParams, Rights};

use crate::common::ends::between;
use crate::common::{Outcome, Sim, params};

const FOREVER: usize = abi::call::FOREVER;

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

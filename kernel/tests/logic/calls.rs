//! Waits that belong to a message: calls, and what is sent along with a wait.

use abi::{Call, Error, EventKind, MessageKind, ProcessParams};

use kernel::memory::Id;
use kernel::object::{Thread, ThreadState};

use crate::common::ends::{between, one_way, reply, request};
use crate::common::{Outcome, Sim, info, pair, params};

const FOREVER: usize = abi::call::FOREVER;

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

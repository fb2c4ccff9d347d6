//! What the kernel tells of a process to who holds a handle to it: what it does, and its channels.

use abi::{
    Call, ChannelEnd, ChannelEnds, CrashReport, Doing, Error, MessageKind, ProcessInfo,
    ProcessState, Rights,
};

use crate::common::{Child, Sim, info, params};

const FOREVER: usize = abi::call::FOREVER;

/// What lies in init's receive page.
fn answer<T: Copy>(sim: &Sim) -> T {
    let page = sim.kernel.threads[sim.root].receive_page();
    // SAFETY: a page of the simulated machine's memory, where the kernel has just written a `T`.
    unsafe { sim.kernel.memory.machine.memory(page).cast::<T>().read() }
}

fn ends(sim: &mut Sim, child: &Child) -> Vec<ChannelEnd> {
    let root = sim.root;
    let (mut found, mut position) = (Vec::new(), 0);
    loop {
        position = sim.ok(root, Call::ProcessChannels, &[child.handle, position]);
        let part: ChannelEnds = answer(sim);
        found.extend_from_slice(&part.ends[..part.count as usize]);
        if position == 0 {
            return found;
        }
    }
}

fn doing(sim: &mut Sim, child: &Child) -> (Doing, u64) {
    let root = sim.root;
    sim.ok(root, Call::ProcessInfo, &[child.handle]);
    let info: ProcessInfo = answer(sim);
    (Doing::from_u32(info.doing), info.calls_over)
}

#[test]
fn messages_are_counted_where_they_were_sent() {
    for is_waited_for in [false, true] {
        let mut sim = Sim::new(4);
        let child = sim.spawn(params("child"));
        let (near, far) = sim.channel(child.thread, 4, 64);
        let queue = sim.queue(child.thread);
        sim.attach(child.thread, queue, far, 9);
        let (caller, _) = sim.thread(child.thread);
        if is_waited_for {
            sim.blocks(child.thread, Call::Wait, &[queue, FOREVER]);
            assert_eq!(doing(&mut sim, &child), (Doing::Waiting, 0));
        }
        sim.bring(caller);
        let request = info(MessageKind::Request, 0, 0);
        sim.blocks(caller, Call::Call, &[near, request, 1, 0, 0, FOREVER]);
        let [here, there] = ends(&mut sim, &child)[..] else {
            panic!("there are two ends")
        };
        assert_eq!((here.sent, here.came), (1, 0));
        assert_eq!((there.sent, there.came), (0, 1));
        assert_eq!((here.queued, there.queued), (0, u16::from(!is_waited_for)));
        assert_eq!((here.channel, here.side, there.side), (there.channel, 0, 1));

        // A reply is none that counts; what the server says by itself is.
        if !is_waited_for {
            assert!(sim.poll(child.thread, queue).is_some());
        }
        let reply = info(MessageKind::Reply, 0, 0);
        sim.ok(child.thread, Call::Send, &[far, reply, 1]);
        sim.send(child.thread, far, 5);
        let found = ends(&mut sim, &child);
        assert_eq!((found[0].sent, found[1].sent), (1, 1));
        assert_eq!(found[0].queued, 1);
    }
}

#[test]
fn a_call_tells_over_which_channel() {
    let mut sim = Sim::new(4);
    let child = sim.spawn(params("child"));
    let (near, _) = sim.channel(child.thread, 4, 64);
    // It is the first thread that counts.
    sim.thread(child.thread);
    sim.bring(child.thread);
    assert_eq!(doing(&mut sim, &child), (Doing::Running, 0));
    let request = info(MessageKind::Request, 0, 0);
    sim.blocks(child.thread, Call::Call, &[near, request, 1, 0, 0, FOREVER]);
    let channel = ends(&mut sim, &child)[0].channel;
    assert_eq!(doing(&mut sim, &child), (Doing::Calling, channel));
    let root = sim.root;
    sim.ok(root, Call::ProcessKill, &[child.handle, 5]);
    sim.collect();
    assert_eq!(doing(&mut sim, &child), (Doing::Nothing, 0));
    assert_eq!(ends(&mut sim, &child), []);
}

#[test]
fn many_channels_are_told_in_parts() {
    let mut sim = Sim::new(4);
    let child = sim.spawn(params("child"));
    for _ in 0..150 {
        sim.channel(child.thread, 1, 64);
    }
    let mut numbers: Vec<(u64, u16)> = ends(&mut sim, &child)
        .iter()
        .map(|end| (end.channel, end.side))
        .collect();
    assert_eq!(numbers.len(), 300);
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 300, "each once");

    let root = sim.root;
    for position in [16384, usize::MAX] {
        assert_eq!(
            sim.ok(root, Call::ProcessChannels, &[child.handle, position]),
            0
        );
        assert_eq!(answer::<ChannelEnds>(&sim).count, 0);
    }
}

#[test]
fn only_who_may_read_a_process_is_told() {
    let mut sim = Sim::new(4);
    let root = sim.root;
    let child = sim.spawn(params("child"));
    let blind = Rights::ALL.bits() & !Rights::READ.bits();
    let blind = sim.ok(root, Call::HandleDuplicate, &[child.handle, blind.into()]);
    assert_eq!(
        sim.refused(root, Call::ProcessChannels, &[blind, 0]),
        Error::MissingRight
    );
    let queue = sim.queue(root);
    assert_eq!(
        sim.refused(root, Call::ProcessChannels, &[queue, 0]),
        Error::WrongKind
    );
}

/// What the kernel remembers of the first crash after one.
fn crash(sim: &mut Sim, after: usize) -> CrashReport {
    let (root, system) = (sim.root, sim.system);
    sim.ok(root, Call::CrashRead, &[system, after]);
    answer(sim)
}

#[test]
fn crashes_are_remembered_as_they_were() {
    let mut sim = Sim::new(2);
    let (root, system) = (sim.root, sim.system);
    let none = |sim: &mut Sim, after: usize| {
        assert_eq!(
            sim.refused(root, Call::CrashRead, &[system, after]),
            Error::NotFound
        );
    };
    none(&mut sim, 0);
    let child = sim.spawn(params("clumsy"));
    sim.bring(child.thread);
    sim.touch(child.thread, 0x123, true);
    let report = crash(&mut sim, 0);
    assert_eq!((report.number, report.name.as_str()), (1, "clumsy"));
    assert_eq!(report.status, ProcessState::EXIT_FAULT as u64);
    let message = &report.message[..report.message_len as usize];
    assert_eq!(message, b"it writes to 0x123, which it may not");
    assert!(report.frame_count >= 1);
    none(&mut sim, 1);
    none(&mut sim, usize::MAX);

    // A panic says it itself; what is not said is empty, and not what somebody else has said before.
    let child = sim.spawn(params("sorry"));
    sim.bring(child.thread);
    for (at, word) in b"no more\nmain.rs:7-------".chunks_exact(8).enumerate() {
        let page = sim.kernel.threads[child.thread].send_page();
        let word = u64::from_le_bytes(word.try_into().unwrap());
        sim.kernel.memory.write_u64(page.offset(at * 8), word);
    }
    sim.call(child.thread, Call::ProcessPanic, &[17, 0]);
    let report = crash(&mut sim, 1);
    assert_eq!((report.number, report.name.as_str()), (2, "sorry"));
    assert_eq!(report.status, ProcessState::EXIT_PANIC as u64);
    assert_eq!(&report.message[..20], b"no more\nmain.rs:7\0\0\0");
    assert_eq!((report.message_len, report.register_count), (17, 0));

    // Who ends otherwise has not crashed; and of many crashes the last eight are remembered.
    let child = sim.spawn(params("quiet"));
    sim.call(child.thread, Call::ProcessExit, &[3]);
    none(&mut sim, 2);
    for _ in 0..20 {
        let child = sim.spawn(params("again"));
        sim.bring(child.thread);
        sim.touch(child.thread, 0x123, false);
    }
    assert_eq!(crash(&mut sim, 2).number, 15);
    assert_eq!(crash(&mut sim, 21).number, 22);
    none(&mut sim, 22);
}

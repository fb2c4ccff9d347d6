//! Who runs where, and for how long.

use abi::{Call, MessageKind, ProcessParams};
use kernel::memory::Id;
use kernel::object::{Thread, ThreadState};

use crate::common::{Sim, info, params};

const FOREVER: usize = abi::call::FOREVER;
const SLICE: u64 = 10_000_000;

fn with_priority(priority: u32) -> ProcessParams {
    ProcessParams {
        priority,
        ..params("child")
    }
}

fn with_share(priority: u32, cpu_share_percent: u32) -> ProcessParams {
    ProcessParams {
        cpu_share_percent,
        ..with_priority(priority)
    }
}

fn state(sim: &Sim, thread: Id<Thread>) -> ThreadState {
    sim.kernel.threads[thread].state
}

#[test]
fn the_more_important_thread_runs() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let low = sim.spawn(with_priority(5)).thread;
    assert_eq!(state(&sim, low), ThreadState::Ready);
    let queue = sim.queue(root);
    let timer = sim.ok(root, Call::TimerCreate, &[]);
    sim.attach(root, queue, timer, 1);
    let at = sim.now() as usize + 100;
    sim.ok(root, Call::TimerSet, &[timer, at, 0]);
    sim.blocks(root, Call::Wait, &[queue, FOREVER]);
    assert_eq!(state(&sim, low), ThreadState::Running);
    // A timer that fires takes the CPU away from the less important one.
    sim.advance(100);
    assert_eq!(state(&sim, root), ThreadState::Running);
    assert_eq!(state(&sim, low), ThreadState::Ready);
    // Yielding is for equals.
    sim.ok(root, Call::Yield, &[]);
    assert_eq!(state(&sim, root), ThreadState::Running);
}

#[test]
fn equals_share_a_cpu_by_slices() {
    let all = |priority| with_share(priority, 100);
    let mut sim = Sim::with_root(1, 32 << 20, all(3));
    let root = sim.root;
    let other = sim.spawn(all(3)).thread;
    let third = sim.spawn(all(3)).thread;
    let mut ran = vec![sim.kernel.current(0)];
    for _ in 0..5 {
        sim.advance(SLICE - 1);
        assert_eq!(
            Some(&sim.kernel.current(0)),
            ran.last(),
            "before its slice is over"
        );
        sim.advance(1);
        ran.push(sim.kernel.current(0));
    }
    assert_eq!(ran, [root, other, third, root, other, third]);
}

/// However often somebody more important takes the CPU for a moment, a slice is not longer for it.
#[test]
fn who_is_overtaken_again_and_again_keeps_its_slice() {
    let all = |priority| with_share(priority, 100);
    let mut sim = Sim::with_root(1, 32 << 20, all(0));
    let root = sim.root;
    let queue = sim.queue(root);
    let timer = sim.ok(root, Call::TimerCreate, &[]);
    sim.attach(root, queue, timer, 1);
    let one = sim.spawn(all(3)).thread;
    let other = sim.spawn(all(3)).thread;
    const EVERY: u64 = SLICE / 5;
    let mut had = [0; 2];
    for _ in 0..30 {
        let at = (sim.now() + EVERY) as usize;
        sim.ok(root, Call::TimerSet, &[timer, at, 0]);
        sim.blocks(root, Call::Wait, &[queue, FOREVER]);
        let [first, second] = watch(&mut sim, EVERY, [one, other]);
        had[0] += first;
        had[1] += second;
        // A timer that fires takes the CPU away from both.
        assert_eq!(sim.kernel.current(0), root);
        assert_eq!(sim.woken(root).kind, abi::EventKind::Timer);
    }
    let [first, second] = had;
    assert!(
        first.abs_diff(second) <= SLICE,
        "{first} and {second} of {}",
        30 * EVERY
    );
    assert!(first + second >= 29 * EVERY);
}

#[test]
fn a_thread_alone_is_not_interrupted() {
    let mut sim = Sim::new(1);
    let before = sim.entries;
    sim.advance(100 * SLICE);
    assert!(sim.entries - before <= 1, "nothing ticks");
}

#[test]
fn idle_cpus_get_work_and_take_it() {
    let mut sim = Sim::new(3);
    let one = sim.spawn(with_priority(3)).thread;
    let two = sim.spawn(with_priority(3)).thread;
    assert!(sim.cpu_of(one).is_some() && sim.cpu_of(two).is_some());
    let three = sim.spawn(with_priority(3));
    assert_eq!(state(&sim, three.thread), ThreadState::Ready);
    // A CPU that runs out of threads takes it from the one that it waits on.
    sim.call(two, Call::ThreadExit, &[]);
    assert_eq!(state(&sim, three.thread), ThreadState::Running);
}

/// A sender that blocks hands its CPU to the receiver, unless somebody goes before him (rule 14).
#[test]
fn a_receiver_is_switched_to_unless_others_go_first() {
    for (receiver, bystander, direct) in [(3, 3, true), (4, 3, false), (2, 3, true), (5, 6, true)] {
        let mut sim = Sim::new(1);
        let root = sim.root;
        let (a, b) = sim.channel(root, 4, 8);
        let own = sim.queue(root);
        let receiver = sim.spawn_with(with_priority(receiver), b);
        // Lets the receiver run and wait.
        let until = sim.now() as usize + 10;
        if sim.cpu_of(root).is_some() {
            sim.blocks(root, Call::Wait, &[own, until]);
        }
        let theirs = sim.queue(receiver.thread);
        let end = abi::Handle::new(0, 1).raw() as usize;
        sim.attach(receiver.thread, theirs, end, 1);
        sim.blocks(receiver.thread, Call::Wait, &[theirs, FOREVER]);
        sim.advance(10);
        let other = sim.spawn(with_priority(bystander)).thread;
        let request = info(MessageKind::Request, 8, 0);
        sim.bring(root);
        sim.blocks(root, Call::Call, &[a, request, 1, 0, 0, FOREVER]);
        let first = sim.kernel.current(0);
        assert_eq!(first, if direct { receiver.thread } else { other });
    }
}

/// Whoever is switched to directly runs on the sender's slice, and not for ever.
#[test]
fn a_direct_switch_does_not_starve_the_receivers_equals() {
    let mut sim = Sim::with_root(1, 32 << 20, with_priority(2));
    let root = sim.root;
    let (a, b) = sim.channel(root, 4, 8);
    let receiver = sim.spawn_with(with_priority(3), b).thread;
    let own = sim.queue(root);
    let until = sim.now() as usize + 10;
    sim.blocks(root, Call::Wait, &[own, until]);
    let theirs = sim.queue(receiver);
    let end = abi::Handle::new(0, 1).raw() as usize;
    sim.attach(receiver, theirs, end, 1);
    sim.blocks(receiver, Call::Wait, &[theirs, FOREVER]);
    sim.advance(10);
    let equal = sim.spawn(with_priority(3)).thread;
    let request = info(MessageKind::Request, 8, 0);
    sim.blocks(root, Call::Call, &[a, request, 1, 0, 0, FOREVER]);
    assert_eq!(sim.kernel.current(0), receiver);
    sim.advance(SLICE);
    assert_eq!(sim.kernel.current(0), equal);
}

/// "Writable" wakes a more important thread in the middle of the receiver's call.
#[test]
fn who_is_woken_on_the_side_runs_at_once() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (a, b) = sim.channel(root, 1, 8);
    let receiver = sim.spawn_with(with_priority(6), b).thread;
    let queue = sim.queue(root);
    sim.attach(root, queue, a, 1);
    sim.send(root, a, 1);
    let full = info(MessageKind::OneWay, 0, 0);
    sim.refused(root, Call::Send, &[a, full]);
    sim.blocks(root, Call::Wait, &[queue, FOREVER]);
    let theirs = sim.queue(receiver);
    let end = abi::Handle::new(0, 1).raw() as usize;
    sim.attach(receiver, theirs, end, 1);
    assert!(sim.poll(receiver, theirs).is_some());
    assert_eq!(sim.woken(root).kind, abi::EventKind::Writable);
    assert_eq!(sim.kernel.current(0), root);
}

/// How many ticks of the next ones each of some threads has a CPU.
fn watch<const N: usize>(sim: &mut Sim, ticks: u64, threads: [Id<Thread>; N]) -> [u64; N] {
    const STEP: u64 = 50_000;
    let mut had = [0; N];
    for _ in 0..ticks / STEP {
        sim.advance(STEP);
        for (had, thread) in had.iter_mut().zip(threads) {
            *had += STEP * u64::from(sim.cpu_of(thread).is_some());
        }
    }
    had
}

/// The first process waits for ever, so that the others have the CPUs.
fn rest(sim: &mut Sim) {
    let root = sim.root;
    let queue = sim.queue(root);
    sim.blocks(root, Call::Wait, &[queue, FOREVER]);
}

/// Rule 14: whoever spins leaves the rest of each 10 ms to those that are less important.
#[test]
fn a_spinning_driver_leaves_the_rest_of_its_share() {
    for share in [10, 50, 90] {
        let mut sim = Sim::with_root(1, 32 << 20, with_priority(0));
        let driver = sim.spawn(with_share(2, share)).thread;
        let app = sim.spawn(with_share(5, 100)).thread;
        rest(&mut sim);
        let [driver, app] = watch(&mut sim, 100 * SLICE, [driver, app]);
        let expected = 100 * SLICE * u64::from(share) / 100;
        assert!(driver.abs_diff(expected) <= SLICE, "{driver} of {expected}");
        assert_eq!(driver + app, 100 * SLICE);
    }
}

/// An equal that wants little gets it soon, although somebody spins.
#[test]
fn a_spinning_component_does_not_keep_its_equals_waiting() {
    let mut sim = Sim::with_root(1, 32 << 20, with_priority(0));
    let spinner = sim.spawn(with_share(3, 60)).thread;
    let other = sim.spawn(with_share(3, 60)).thread;
    rest(&mut sim);
    let [spinner, other] = watch(&mut sim, 100 * SLICE, [spinner, other]);
    assert!(
        spinner.abs_diff(other) <= 2 * SLICE,
        "{spinner} and {other}"
    );
}

#[test]
fn a_share_is_no_limit_while_nobody_waits() {
    let mut sim = Sim::with_root(2, 32 << 20, with_priority(0));
    let spinner = sim.spawn(with_share(2, 10)).thread;
    rest(&mut sim);
    let before = sim.entries;
    sim.advance(50 * SLICE);
    assert_eq!(state(&sim, spinner), ThreadState::Running);
    assert!(sim.entries - before <= 1, "nothing ticks");
    // Nor is it held against anybody later: it has its share from now on.
    let other = sim.spawn_by(spinner, with_share(2, 100));
    let third = sim.spawn_by(spinner, with_share(2, 100));
    let had = watch(&mut sim, SLICE, [spinner, other, third]);
    assert!(had[0] >= SLICE * 9 / 100, "{had:?}");
}

/// The threads of a component have one share together, and it is of one CPU.
#[test]
fn threads_do_not_multiply_a_share() {
    let mut sim = Sim::with_root(2, 32 << 20, with_priority(0));
    let driver = sim.spawn(with_share(2, 50)).thread;
    let (second, _) = sim.thread(driver);
    let apps = [4, 5].map(|priority| sim.spawn(with_share(priority, 100)).thread);
    rest(&mut sim);
    let [a, b, c, d] = watch(&mut sim, 100 * SLICE, [driver, second, apps[0], apps[1]]);
    assert!((a + b).abs_diff(50 * SLICE) <= 2 * SLICE, "{a} and {b}");
    assert_eq!(a + b + c + d, 200 * SLICE);
}

/// Four that spin on four CPUs leave somebody less important what their shares leave, on whichever CPU that is.
#[test]
fn spinning_drivers_on_all_cpus_leave_their_rest() {
    let mut sim = Sim::with_root(4, 32 << 20, with_priority(0));
    let drivers = [(); 4].map(|()| sim.spawn(with_share(2, 90)).thread);
    let app = sim.spawn(with_share(5, 90)).thread;
    rest(&mut sim);
    let [a, b, c, d] = drivers;
    let had = watch(&mut sim, 100 * SLICE, [a, b, c, d, app]);
    // The CPU that it waits on is idle for it in a tenth of the time, and others may fetch it.
    assert!(had[4] >= 9 * SLICE, "{had:?}");
    for driver in &had[..4] {
        assert!(*driver >= 88 * SLICE, "{had:?}");
    }
    assert_eq!(had.iter().sum::<u64>(), 400 * SLICE);
}

/// Threads that spin on all CPUs have one share together: an equal of theirs has its own, and who is more important
/// all that it wants.
#[test]
fn threads_on_all_cpus_slow_nobody_beyond_their_share() {
    let check = |spinner: u32, other: u32, least: u64| {
        let mut sim = Sim::with_root(4, 32 << 20, with_priority(0));
        let first = sim.spawn(with_share(spinner, 90)).thread;
        let more = [(); 3].map(|()| sim.thread(first).0);
        let other = sim.spawn(with_share(other, 90)).thread;
        rest(&mut sim);
        let [a, b, c] = more;
        let had = watch(&mut sim, 100 * SLICE, [first, a, b, c, other]);
        assert!(had[4] >= least * SLICE, "{spinner}: {had:?}");
        assert_eq!(had.iter().sum::<u64>(), 400 * SLICE, "no CPU is idle");
    };
    check(3, 3, 90);
    check(3, 2, 100);
    // Even one less important: the spinner's share is spent in a quarter of the time.
    check(3, 5, 10);
}

/// Sending messages back and forth is no way around the share.
#[test]
fn calls_do_not_renew_a_share() {
    let mut sim = Sim::with_root(1, 32 << 20, with_priority(0));
    let root = sim.root;
    let (a, b) = sim.channel(root, 4, 8);
    let busy = sim.spawn_with(with_share(2, 50), a).thread;
    let server = sim.spawn_with(with_share(2, 100), b).thread;
    let app = sim.spawn(with_share(5, 100)).thread;
    rest(&mut sim);
    let end = abi::Handle::new(0, 1).raw() as usize;
    let queue = {
        sim.bring(server);
        let queue = sim.queue(server);
        sim.attach(server, queue, end, 1);
        sim.blocks(server, Call::Wait, &[queue, FOREVER]);
        queue
    };
    let begin = sim.now();
    let (mut had, mut total) = (0, 0);
    while sim.now() < begin + 50 * SLICE {
        // Whoever has the CPU uses 0.7 ms, then calls or answers.
        let current = sim.kernel.current(0);
        sim.advance(700_000);
        total += 700_000;
        had += 700_000 * u64::from(current != app);
        if sim.cpu_of(busy).is_some() {
            let request = info(MessageKind::Request, 8, 0);
            sim.blocks(busy, Call::Call, &[end, request, 1, 0, 0, FOREVER]);
        } else if sim.cpu_of(server).is_some() {
            let reply = info(MessageKind::Reply, 8, 0);
            let both = crate::common::pair(end, queue);
            sim.blocks(server, Call::SendWait, &[both, reply, 1, 0, 0, FOREVER]);
        }
    }
    // Half for the busy one, as much again for its server, which it keeps busy just as long.
    assert!(had < total, "the app had nothing of {total}");
    let busy = sim
        .kernel
        .process_cpu_ticks(sim.kernel.threads[busy].process);
    assert!(busy <= total * 60 / 100, "{busy} of {total}");
}

/// The timer may come late, as it does on a busy host. What a component has had too much of then counts in the next
/// 10 ms, so that over time it has its share.
#[test]
fn a_late_timer_gives_nobody_more_than_its_share() {
    for late in [500_000, 3_000_000, 7_000_000, 25_000_000] {
        let mut sim = Sim::with_root(1, 32 << 20, with_priority(0));
        let driver = sim.spawn(with_share(2, 60)).thread;
        let app = sim.spawn(with_share(5, 100)).thread;
        rest(&mut sim);
        let (begin, mut had) = (sim.now(), 0);
        while sim.now() < begin + 200 * SLICE {
            let current = sim.kernel.current(0);
            let before = sim.now();
            let (at, cpu) = sim
                .kernel
                .memory
                .machine
                .next_timer()
                .expect("it is shared");
            sim.kernel.memory.machine.advance_to(at.max(before) + late);
            had += (sim.now() - before) * u64::from(current == driver);
            sim.interrupt(cpu, true);
            sim.settle();
        }
        let all = sim.now() - begin;
        let most = all * 60 / 100;
        assert!(
            had <= most + 2 * (SLICE + late),
            "{had} of {all}, {late} late"
        );
        let _ = app;
    }
}

/// A thread's last run, from when it was put on its CPU to its end, is its process's as well: otherwise a component that
/// does all its work in threads that end soon would never use up its share.
#[test]
fn what_a_thread_ran_last_counts_when_it_ends() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let process = sim.kernel.threads[root].process;
    for _ in 0..3 {
        let (short, _) = sim.thread(root);
        sim.bring(short);
        let before = sim.kernel.process_cpu_ticks(process);
        sim.kernel.memory.machine.advance_to(sim.now() + 1_000_000);
        assert_eq!(sim.kernel.process_cpu_ticks(process), before + 1_000_000);
        sim.call(short, Call::ThreadExit, &[]);
        assert_eq!(sim.kernel.process_cpu_ticks(process), before + 1_000_000);
        sim.bring(root);
    }
}

/// A CPU that sleeps counts as idle while it does, not only once it wakes.
#[test]
fn idle_time_counts_while_it_lasts() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let queue = sim.queue(root);
    // The other CPU has nothing to do; then this one, too.
    sim.blocks(root, Call::Wait, &[queue, FOREVER]);
    let before = sim.kernel.current_statistics().idle_ticks;
    sim.advance(1000);
    let both = sim.kernel.current_statistics().idle_ticks - before;
    assert_eq!(both, 2000);
}

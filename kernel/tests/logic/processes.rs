//! The end of processes and threads, whatever they are doing.

use abi::{Call, Error, Isolation, MessageKind, ProcessParams, ProcessState};
use kernel::kernel::Shutdown;

use crate::common::{Child, Outcome, Sim, info, params};

const FOREVER: usize = abi::call::FOREVER;

/// Makes a child with one of everything, brings it into some state, ends it, and expects
/// memory and objects to be as before; three times, so that what only grows once is grown.
fn check_end(isolation: u32, busy: fn(&mut Sim, Child), end: fn(&mut Sim, Child)) {
    let mut sim = Sim::new(3);
    let root = sim.root;
    let mut before = None;
    for _ in 0..3 {
        let child = sim.spawn(ProcessParams {
            isolation,
            ..params("child")
        });
        let thread = child.thread;
        let (a, b) = sim.channel(thread, 4, 64);
        let queue = sim.queue(thread);
        sim.attach(thread, queue, b, 1);
        sim.send(thread, a, 1);
        let bell = sim.ok(thread, Call::DoorbellCreate, &[]);
        sim.attach(thread, queue, bell, 2);
        let timer = sim.ok(thread, Call::TimerCreate, &[]);
        sim.attach(thread, queue, timer, 3);
        let late = sim.now() as usize + 1_000_000_000;
        sim.ok(thread, Call::TimerSet, &[timer, late, 7]);
        sim.give(thread, a, timer);
        let folio = sim.ok(thread, Call::FolioCreate, &[600 << 12, 0]);
        let address = sim.ok(thread, Call::FolioMap, &[folio, 0, 600 << 12, 1]);
        sim.touch(thread, address + 5000, true);
        sim.touch(thread, address + (599 << 12), true);
        busy(&mut sim, child);
        end(&mut sim, child);
        sim.collect();
        let process = &sim.kernel.processes[child.process];
        assert_eq!(
            (process.state, process.memory_pages),
            (ProcessState::Ended, 0)
        );
        sim.ok(root, Call::HandleClose, &[child.handle]);
        sim.collect();
        let footprint = sim.footprint();
        if let Some(before) = before.replace(footprint) {
            assert_eq!(footprint, before);
        }
    }
}

pub fn kill(sim: &mut Sim, child: Child) {
    let root = sim.root;
    sim.ok(root, Call::ProcessKill, &[child.handle, 5]);
    sim.ok(root, Call::ProcessKill, &[child.handle, 6]);
    assert_eq!(
        sim.kernel.processes[child.process].status, 5,
        "the first kill counts"
    );
}

fn wait(sim: &mut Sim, child: Child) {
    let queue = sim.queue(child.thread);
    let until = sim.now() as usize + 1_000_000;
    sim.blocks(child.thread, Call::Wait, &[queue, until]);
}

fn call(sim: &mut Sim, child: Child) {
    let (a, _) = sim.channel(child.thread, 1, 64);
    let request = info(MessageKind::Request, 0, 0);
    sim.blocks(child.thread, Call::Call, &[a, request, 1, 0, 0, FOREVER]);
}

fn threads(sim: &mut Sim, child: Child) {
    let (second, handle) = sim.thread(child.thread);
    sim.thread(child.thread);
    sim.bring(second);
    sim.ok(second, Call::HandleClose, &[handle]);
    wait(
        sim,
        Child {
            thread: second,
            ..child
        },
    );
}

#[test]
fn a_process_ends_while_it_runs_waits_or_calls() {
    for isolation in [0, 1] {
        check_end(isolation, |_, _| (), kill);
        check_end(isolation, wait, kill);
        check_end(isolation, call, kill);
        check_end(isolation, threads, kill);
    }
}

#[test]
fn a_process_ends_itself() {
    for isolation in [0, 1] {
        check_end(
            isolation,
            |_, _| (),
            |sim, child| {
                assert_eq!(
                    sim.call(child.thread, Call::ProcessExit, &[3]),
                    Outcome::Gone
                );
                assert_eq!(sim.kernel.processes[child.process].status, 3);
            },
        );
        check_end(
            isolation,
            |_, _| (),
            |sim, child| {
                assert_eq!(
                    sim.call(child.thread, Call::ProcessPanic, &[usize::MAX, usize::MAX]),
                    Outcome::Gone
                );
                assert_eq!(
                    sim.kernel.processes[child.process].status,
                    ProcessState::EXIT_PANIC
                );
            },
        );
        check_end(
            isolation,
            |_, _| (),
            |sim, child| {
                sim.touch(child.thread, 0x123, true);
                assert_eq!(
                    sim.kernel.processes[child.process].status,
                    ProcessState::EXIT_FAULT
                );
            },
        );
        check_end(
            isolation,
            |_, _| (),
            |sim, child| {
                let bottom = sim.kernel.threads[child.thread].stack_top - 16384;
                sim.touch(child.thread, bottom - (200 << 10), true);
                assert_eq!(
                    sim.kernel.processes[child.process].status,
                    ProcessState::EXIT_STACK_OVERFLOW
                );
            },
        );
        check_end(
            isolation,
            |_, _| (),
            |sim, child| {
                assert_eq!(sim.call(child.thread, Call::ThreadExit, &[]), Outcome::Gone);
            },
        );
    }
}

/// The killed thread's CPU has not heard of it when the last handle to the thread goes.
#[test]
fn a_killed_thread_stays_until_its_cpu_has_let_go() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let (up, down) = sim.channel(root, 4, 64);
    let queue = sim.queue(root);
    sim.attach(root, queue, down, 1);
    let child = sim.spawn_with(params("child"), up);
    let up = abi::Handle::new(0, 1).raw() as usize;
    let (second, handle) = sim.thread(child.thread);
    sim.give(child.thread, up, handle);
    let handle = sim.poll(root, queue).expect("a thread's handle").handles[0];
    sim.bring(second);
    let (mine, theirs) = (
        sim.cpu_of(root).expect("runs"),
        sim.cpu_of(second).expect("runs"),
    );
    sim.call_on(mine, Call::ProcessKill as usize, &[child.handle, 1]);
    sim.call_on(mine, Call::HandleClose as usize, &[handle]);
    assert_eq!(sim.call_on(theirs, Call::Nop as usize, &[]), Outcome::Gone);
    sim.settle();
    sim.collect();
    assert_eq!(sim.kernel.threads.len(), 1);
}

#[test]
fn a_start_that_is_refused_changes_nothing() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let bell = sim.ok(root, Call::DoorbellCreate, &[]);
    let least = kernel::arch::PageTable::OWN_FRAMES as u32 + 1;
    for memory_pages_max in least..24 {
        let (process, handle) = sim.create(ProcessParams {
            memory_pages_max,
            ..params("small")
        });
        let result = sim.call(root, Call::ProcessStart, &[handle, bell]);
        let Outcome::Done([value, ..]) = result else {
            panic!("{result:?}")
        };
        if value == 0 {
            return; // Enough at last; the bell is the child's.
        }
        assert_eq!(Error::from_register(value), Err(Error::MemoryLimit));
        assert_eq!(sim.kernel.processes[process].thread_count, 0);
        sim.ok(root, Call::DoorbellRing, &[bell]);
        sim.ok(root, Call::ProcessKill, &[handle, 0]);
        sim.collect();
        let free = sim.footprint()[0];
        // Nothing is given to who has ended.
        assert_eq!(
            sim.refused(root, Call::ProcessStart, &[handle, bell]),
            Error::InvalidArgument
        );
        assert_eq!(sim.footprint()[0], free);
        sim.ok(root, Call::HandleClose, &[handle]);
    }
    panic!("no limit is enough");
}

#[test]
fn the_end_of_init_is_the_systems() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    assert_eq!(sim.call(root, Call::ProcessExit, &[4]), Outcome::Gone);
    assert_eq!(
        sim.kernel.memory.machine.ended(),
        Some(Shutdown::InitEnded(4))
    );
}

/// A process with ten thousand objects is taken apart in steps, none of which does much.
#[test]
fn a_process_with_ten_thousand_objects_ends_in_steps() {
    for isolation in [0, 1] {
        let mut sim = Sim::with_memory(2, 128 << 20);
        sim.checked = false;
        let child = sim.spawn(ProcessParams {
            isolation,
            ..params("hoarder")
        });
        let thread = child.thread;
        let queue = sim.queue(thread);
        for i in 0..2000 {
            let (a, _) = sim.channel(thread, 2, 16);
            sim.attach(thread, queue, a, i);
            sim.send(thread, a, 1);
            let timer = sim.ok(thread, Call::TimerCreate, &[]);
            sim.attach(thread, queue, timer, i);
            let late = sim.now() as usize + 1_000_000_000 + i;
            sim.ok(thread, Call::TimerSet, &[timer, late, 0]);
            let folio = sim.ok(thread, Call::FolioCreate, &[8192, 0]);
            if i < 1000 {
                let address = sim.ok(thread, Call::FolioMap, &[folio, 0, 8192, 1]);
                sim.touch(thread, address, true);
            }
        }
        let large = sim.ok(thread, Call::FolioCreate, &[4000 << 12, 0]);
        let address = sim.ok(thread, Call::FolioMap, &[large, 0, 4000 << 12, 1]);
        for page in 0..4000 {
            sim.touch(thread, address + page * 4096, true);
        }
        crate::common::invariants::check(&sim.kernel);
        sim.eager = false;
        kill(&mut sim, child);
        let count = |sim: &Sim| {
            let footprint = sim.footprint();
            let objects: usize = footprint[2..13].iter().sum();
            (objects, footprint[0])
        };
        let mut before = count(&sim);
        let mut steps = 0;
        while sim.kernel.has_garbage() {
            sim.interrupt(0, false);
            sim.interrupt(1, false);
            let now = count(&sim);
            // Two entries: handles closed, channels and mappings ended, pages given back.
            let (objects, frames) = (before.0 - now.0, now.1 - before.1);
            assert!(
                objects <= 2 * 200 && frames <= 2 * 600,
                "{objects} objects, {frames} frames in a step"
            );
            before = now;
            steps += 1;
        }
        assert!(steps > 100);
        crate::common::invariants::check(&sim.kernel);
        let process = &sim.kernel.processes[child.process];
        assert_eq!(
            (process.state, process.memory_pages),
            (ProcessState::Ended, 0)
        );
    }
}

#[test]
fn one_idle_cpu_takes_apart_what_is_dead() {
    let mut sim = Sim::new(4);
    sim.eager = false;
    let root = sim.root;
    let child = sim.spawn(params("child"));
    let folio = sim.ok(child.thread, Call::FolioCreate, &[600 << 12, 0]);
    let address = sim.ok(child.thread, Call::FolioMap, &[folio, 0, 600 << 12, 1]);
    sim.touch(child.thread, address, true);
    sim.ok(root, Call::ProcessKill, &[child.handle, 5]);
    let queue = sim.queue(root);
    sim.blocks(root, Call::Wait, &[queue, FOREVER]);
    for cpu in 0..4 {
        sim.interrupt(cpu, false);
    }
    assert!(sim.kernel.has_garbage());
    let idle = |sim: &Sim, cpu: usize| sim.kernel.cpus[cpu].current.is_none();
    let going_on = (0..4)
        .filter(|&cpu| idle(&sim, cpu) && sim.kernel.goes_on_collecting(cpu))
        .count();
    assert_eq!(going_on, 1);
    sim.collect();
    for cpu in 0..4 {
        assert!(!sim.kernel.goes_on_collecting(cpu));
    }
    assert_eq!(sim.kernel.collector, None);
}

/// While another CPU still has the address space of the dead, nobody comes by again and again: it would find the kernel
/// taken nearly always. It is interrupted once, lets go, and has an idle CPU go on.
#[test]
fn who_has_the_address_space_of_the_dead_is_waited_for() {
    let mut sim = Sim::new(3);
    let child = sim.spawn(params("child"));
    let (there, here) = (sim.cpu_of(child.thread).unwrap(), 0);
    assert_ne!(there, here, "the root runs here");
    let queue = sim.queue(child.thread);
    sim.blocks(child.thread, Call::Wait, &[queue, FOREVER]);
    // Somebody without an address space of its own runs there now, and the third CPU is idle.
    let in_kernel = || ProcessParams {
        isolation: Isolation::Kernel as u32,
        ..params("other")
    };
    let others = [sim.spawn(in_kernel()), sim.spawn(in_kernel())];
    for other in others {
        if sim.cpu_of(other.thread) != Some(there) {
            let queue = sim.queue(other.thread);
            sim.blocks(other.thread, Call::Wait, &[queue, FOREVER]);
        }
    }
    let idle = 3 - there;
    assert!(sim.kernel.cpus[there].current.is_some());
    assert_eq!(sim.kernel.idle_cpus, 1 << idle);
    // As if it had switched to that one without having been interrupted.
    sim.kernel.cpus[there].active_space = Some(sim.kernel.processes[child.process].space);
    sim.kernel.end_process(child.process, 5, here);
    let collect = |sim: &mut Sim| {
        sim.kernel.memory.machine.set_current_cpu(here);
        sim.kernel.collect_garbage(here);
        sim.kernel.memory.machine.take_interrupted(there)
    };
    assert_eq!((0..200).filter(|_| collect(&mut sim)).count(), 1);
    assert!(sim.kernel.has_garbage());
    assert!(!sim.kernel.goes_on_collecting(idle));
    sim.kernel.memory.machine.set_current_cpu(there);
    sim.kernel.let_go_of_space(there);
    assert!(sim.kernel.memory.machine.take_interrupted(idle));
    assert_eq!((0..200).filter(|_| collect(&mut sim)).count(), 0);
    let state = sim.kernel.processes[child.process].state;
    assert_eq!(state, ProcessState::Ended);
}

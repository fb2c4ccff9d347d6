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

fn kill(sim: &mut Sim, child: Child) {
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

#[test]
fn limits_are_named() {
    let mut sim = Sim::new(2);
    let child = sim.spawn(ProcessParams {
        handles_max: 10,
        threads_max: 2,
        memory_pages_max: 60,
        ..params("limited")
    });
    let thread = child.thread;
    assert_eq!(
        sim.refused(thread, Call::FolioCreate, &[60 << 12, 0]),
        Error::MemoryLimit
    );
    assert_eq!(
        sim.refused(thread, Call::ChannelCreate, &[1024, 64]),
        Error::MemoryLimit
    );
    sim.thread(thread);
    assert_eq!(
        sim.refused(thread, Call::ThreadCreate, &[1, 1, 16384]),
        Error::ThreadLimit
    );
    let bell = sim.ok(thread, Call::DoorbellCreate, &[]);
    for _ in 2..10 {
        sim.ok(thread, Call::HandleDuplicate, &[bell, 0x7f]);
    }
    let calls = [
        (Call::HandleDuplicate, [bell, 0]),
        (Call::DoorbellCreate, [0, 0]),
        (Call::QueueCreate, [0, 0]),
        (Call::TimerCreate, [0, 0]),
        (Call::ChannelCreate, [1, 8]),
        (Call::FolioCreate, [1, 0]),
        (Call::FolioCreate, [1, 1]),
    ];
    // Slabs may have grown, for whoever comes next.
    let objects = |sim: &Sim| sim.footprint()[2..].to_vec();
    let before = objects(&sim);
    for (call, arguments) in calls {
        assert_eq!(
            sim.refused(thread, call, &arguments),
            Error::HandleLimit,
            "{call:?}"
        );
        assert_eq!(objects(&sim), before, "{call:?} was refused");
    }
}

#[test]
fn handles_that_were_closed_mean_nothing() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let mut stale = Vec::new();
    for _ in 0..300 {
        let bell = sim.ok(root, Call::DoorbellCreate, &[]);
        sim.ok(root, Call::HandleClose, &[bell]);
        stale.push(bell);
    }
    sim.ok(root, Call::DoorbellCreate, &[]);
    for handle in stale
        .into_iter()
        .chain([0, 0xffff, 0xffff_ffff, 0x7fff_0000])
    {
        assert_eq!(
            sim.refused(root, Call::DoorbellRing, &[handle]),
            Error::BadHandle
        );
        assert_eq!(
            sim.refused(root, Call::HandleClose, &[handle]),
            Error::BadHandle
        );
    }
}

#[test]
fn a_large_table_of_handles_grows_and_goes() {
    let mut sim = Sim::new(2);
    sim.checked = false;
    let child = sim.spawn(params("collector"));
    let bell = sim.ok(child.thread, Call::DoorbellCreate, &[]);
    for _ in 1..16384 {
        sim.ok(child.thread, Call::HandleDuplicate, &[bell, 0x7f]);
    }
    assert_eq!(
        sim.refused(child.thread, Call::HandleDuplicate, &[bell, 0]),
        Error::HandleLimit
    );
    crate::common::invariants::check(&sim.kernel);
    kill(&mut sim, child);
    sim.collect();
    crate::common::invariants::check(&sim.kernel);
    assert_eq!(sim.kernel.doorbells.len(), 0);
}

#[test]
fn a_folio_is_mapped_a_thousand_times_and_unmapped_in_steps() {
    let mut sim = Sim::with_memory(2, 64 << 20);
    sim.checked = false;
    let child = sim.spawn(params("mapper"));
    let thread = child.thread;
    // Upper tables stay.
    let charged = |sim: &Sim| {
        let process = &sim.kernel.processes[child.process];
        process.memory_pages - process.space_pages
    };
    let before = charged(&sim);
    let small = sim.ok(thread, Call::FolioCreate, &[4096, 0]);
    let all: Vec<usize> = (0..1000)
        .map(|_| sim.ok(thread, Call::FolioMap, &[small, 0, 4096, 1]))
        .collect();
    sim.touch(thread, all[500], true);
    crate::common::invariants::check(&sim.kernel);
    for address in all {
        sim.ok(thread, Call::FolioUnmap, &[address]);
        assert_eq!(
            sim.refused(thread, Call::FolioUnmap, &[address]),
            Error::NotFound
        );
    }
    let large = sim.ok(thread, Call::FolioCreate, &[2000 << 12, 0]);
    let address = sim.ok(thread, Call::FolioMap, &[large, 0, 2000 << 12, 0]);
    let mut steps = 1;
    while let Outcome::Done([value, ..]) = sim.call(thread, Call::FolioUnmap, &[address])
        && value == Error::Again.to_register()
    {
        steps += 1;
    }
    assert_eq!(steps, 4);
    for handle in [small, large] {
        sim.ok(thread, Call::HandleClose, &[handle]);
    }
    sim.collect();
    crate::common::invariants::check(&sim.kernel);
    // The table of handles, one frame, is all that is left.
    assert!(charged(&sim) <= before + 1);
}

/// Promised memory is there when it is touched, whoever asked for more in between.
#[test]
fn promises_are_kept() {
    let mut sim = Sim::with_memory(1, 8 << 20);
    let root = sim.root;
    let left = sim.kernel.memory.available() - 40;
    let folio = sim.ok(root, Call::FolioCreate, &[left << 12, 0]);
    let address = sim.ok(root, Call::FolioMap, &[folio, 0, left << 12, 1]);
    let mut refused = 0;
    for _ in 0..3000 {
        let made = sim.call(root, Call::TimerCreate, &[]);
        let Outcome::Done([value, ..]) = made else {
            panic!("{made:?}")
        };
        refused += usize::from(value == Error::OutOfMemory.to_register());
        sim.checked = false;
    }
    assert!(refused > 0);
    for page in 0..left {
        sim.touch(root, address + page * 4096, true);
    }
    crate::common::invariants::check(&sim.kernel);
    assert!(sim.cpu_of(root).is_some(), "it lives");
}

fn console(sim: &Sim) -> String {
    sim.kernel.memory.machine.console()
}

/// The limit is named once in the log, with what raises it, under the name of whose limit it is.
#[test]
fn a_limit_that_is_reached_is_named_once() {
    let mut sim = Sim::new(2);
    let child = sim.spawn(ProcessParams {
        memory_pages_max: 64,
        messages_max: 8,
        handles_max: 8,
        threads_max: 1,
        ..params("glutton")
    });
    let thread = child.thread;
    for _ in 0..3 {
        sim.refused(thread, Call::FolioCreate, &[64 << 12, 0]);
        sim.refused(thread, Call::ChannelCreate, &[5, 0]);
        sim.refused(thread, Call::ThreadCreate, &[1, 1, 16384]);
    }
    while let Outcome::Done([value, ..]) = sim.call(thread, Call::DoorbellCreate, &[])
        && Error::from_register(value).is_ok()
    {}
    let log = console(&sim);
    for limit in ["memory: 256K", "messages: 8", "threads: 1", "handles: 8"] {
        let line = format!(
            "glutton: WARN reached its limit `{limit}`; `limits` in the system file raises it"
        );
        assert_eq!(log.matches(&line).count(), 1, "{line} in\n{log}");
    }
    assert!(!log.contains("root: WARN"), "{log}");
}

#[test]
fn messages_that_channels_can_hold_are_limited() {
    let mut sim = Sim::new(2);
    let thread = sim
        .spawn(ProcessParams {
            messages_max: 20,
            ..params("talker")
        })
        .thread;
    let (a, b) = sim.channel(thread, 8, 0);
    let refused = sim.refused(thread, Call::ChannelCreate, &[3, 0]);
    assert_eq!(refused, Error::MessageLimit);
    sim.channel(thread, 2, 0);
    // A channel that has ended counts no more, though its memory may not be free yet.
    sim.eager = false;
    sim.ok(thread, Call::HandleClose, &[a]);
    sim.ok(thread, Call::HandleClose, &[b]);
    sim.channel(thread, 8, 0);
}

/// The handle table's own memory counts, too.
#[test]
fn a_handle_table_grows_within_the_memory_limit() {
    let mut sim = Sim::new(2);
    let (process, handle) = sim.create(params("small"));
    let root = sim.root;
    sim.ok(root, Call::ProcessStart, &[handle, 0]);
    let thread = sim.kernel.processes[process].threads.expect("started");
    let bell = sim.ok(thread, Call::DoorbellCreate, &[]);
    sim.kernel.processes[process].memory_pages_max = sim.kernel.processes[process].memory_pages;
    for _ in 1..256 {
        sim.ok(thread, Call::HandleDuplicate, &[bell, 0x7f]);
    }
    let refused = sim.refused(thread, Call::HandleDuplicate, &[bell, 0x7f]);
    assert_eq!(refused, Error::MemoryLimit);
}

/// What was given back can be had again at once, though the frames come back in steps.
#[test]
fn freed_memory_is_not_charged() {
    let mut sim = Sim::with_memory(1, 64 << 20);
    sim.eager = false;
    let thread = sim
        .spawn(ProcessParams {
            memory_pages_max: 3000,
            priority: 2,
            ..params("churner")
        })
        .thread;
    sim.checked = false;
    for _ in 0..50 {
        let folio = sim.ok(thread, Call::FolioCreate, &[2500 << 12, 0]);
        sim.ok(thread, Call::HandleClose, &[folio]);
        let channel = sim.channel(thread, 100, 4096);
        sim.ok(thread, Call::HandleClose, &[channel.0]);
        sim.ok(thread, Call::HandleClose, &[channel.1]);
    }
    crate::common::invariants::check(&sim.kernel);
}

/// A component in the kernel's address space cannot take all of that.
#[test]
fn addresses_in_the_kernel_are_shared_out() {
    let mut sim = Sim::with_memory(2, 64 << 20);
    sim.checked = false;
    let child = sim.spawn(ProcessParams {
        isolation: 0,
        ..params("spread")
    });
    let thread = child.thread;
    let folio = sim.ok(thread, Call::FolioCreate, &[4096, 0]);
    let mut mapped = Vec::new();
    loop {
        match sim.call(thread, Call::FolioMap, &[folio, 0, 4096, 0]) {
            Outcome::Done([value, ..]) => match Error::from_register(value) {
                Ok(address) => mapped.push(address),
                Err(error) => break assert_eq!(error, Error::OutOfAddresses),
            },
            other => panic!("{other:?}"),
        }
    }
    assert!((2000..2048).contains(&mapped.len()), "{}", mapped.len());
    // The next one has as much.
    let other = sim.spawn(ProcessParams {
        isolation: 0,
        ..params("other")
    });
    sim.bring(other.thread);
    let folio = sim.ok(other.thread, Call::FolioCreate, &[4096, 0]);
    sim.ok(other.thread, Call::FolioMap, &[folio, 0, 4096, 0]);
    sim.bring(thread);
    sim.ok(thread, Call::FolioUnmap, &[mapped[7]]);
    let folio = sim.ok(thread, Call::FolioCreate, &[4096, 0]);
    sim.ok(thread, Call::FolioMap, &[folio, 0, 4096, 0]);
    crate::common::invariants::check(&sim.kernel);
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

/// A contiguous folio is zeroed in steps, one a call, however many threads want one.
#[test]
fn contiguous_folios_are_zeroed_in_steps() {
    let mut sim = Sim::new(2);
    let child = sim.spawn(params("dma"));
    let thread = child.thread;
    let free = sim.footprint()[0];
    let calls = |sim: &mut Sim, pages: usize| {
        let mut calls = 1;
        loop {
            match sim.call(thread, Call::FolioCreate, &[pages << 12, 1]) {
                Outcome::Done([value, ..]) => match Error::from_register(value) {
                    Ok(handle) => return (calls, handle),
                    Err(error) => assert_eq!(error, Error::Again),
                },
                other => panic!("{other:?}"),
            }
            calls += 1;
        }
    };
    assert_eq!(calls(&mut sim, 1).0, 1);
    let (steps, handle) = calls(&mut sim, 256);
    assert_eq!(steps, 16);
    assert_eq!(sim.ok(thread, Call::FolioSize, &[handle]), 256 << 12);
    // One is begun and never fetched: it makes way for the next.
    assert_eq!(
        sim.refused(thread, Call::FolioCreate, &[200 << 12, 1]),
        Error::Again
    );
    let (steps, _) = calls(&mut sim, 64);
    assert!(steps <= 20, "{steps}");
    // And one that is begun goes with its process.
    assert_eq!(
        sim.refused(thread, Call::FolioCreate, &[100 << 12, 1]),
        Error::Again
    );
    kill(&mut sim, child);
    sim.collect();
    assert!(sim.footprint()[0] > free);
}

/// The tree of mappings against a model.
#[test]
fn mappings_are_found_among_many() {
    use kernel::arch::{Machine, Permission};
    use kernel::memory::Slab;
    use kernel::object::{Mapping, Purpose, mapping};
    use std::collections::BTreeMap;

    let mut sim = Sim::new(1);
    let root = sim.root;
    let folio = sim.ok(root, Call::FolioCreate, &[4096, 0]);
    let kernel::object::Object::Folio(folio) = sim.object(root, folio) else {
        panic!("a folio was made")
    };
    let (machine, mut frames) = Machine::new(8 << 20);
    let mut all = Slab::new();
    let (mut tree, mut model) = (None, BTreeMap::new());
    let mut random = 12345u64;
    for round in 0..20_000usize {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
        let address = ((random >> 40) as usize % 3000) * 0x4000;
        if let Some(id) = model.remove(&address) {
            mapping::remove(&mut all, &mut tree, id);
            all.remove(id);
        } else {
            all.reserve(&machine, &mut frames).expect("memory");
            let id = all.insert(Mapping {
                address,
                pages: 1 + round % 4,
                folio,
                first_page: 0,
                permission: Permission::Read,
                revoked: false,
                purpose: Purpose::Component,
                region: None,
                node: Default::default(),
            });
            mapping::insert(&mut all, &mut tree, id);
            model.insert(address, id);
        }
        let height = f64::from(mapping::height(&all, tree));
        assert!(height <= 1.45 * ((model.len() + 2) as f64).log2());
        for probe in [
            address,
            address + 0x3fff,
            address.wrapping_sub(1),
            address ^ 0x3_0000,
        ] {
            let expected = model.range(..=probe).next_back();
            let expected = expected.filter(|&(start, &id)| probe < start + (all[id].pages << 12));
            assert_eq!(
                mapping::find(&all, tree, probe),
                expected.map(|(_, &id)| id)
            );
            let above = model.range(probe.saturating_add(1)..).next();
            assert_eq!(mapping::above(&all, tree, probe), above.map(|(_, &id)| id));
        }
        let highest = model.last_key_value().map(|(_, &id)| id);
        assert_eq!(mapping::highest(&all, tree), highest);
    }
    assert!(model.len() > 1000);
}

/// The TLB of some machine tells fewer address spaces apart than there could be: no two ever have one identifier.
#[test]
fn there_are_no_more_address_spaces_than_identifiers() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let taken = sim.kernel.spaces.ids().count() as u32;
    sim.kernel.memory.machine.set_identifiers(taken + 3);
    let user = ProcessParams {
        isolation: 1,
        ..params("user")
    };
    let living: Vec<_> = (0..3).map(|_| sim.spawn(user)).collect();
    let before = sim.footprint();
    sim.set_params(root, user);
    let system = sim.system;
    assert_eq!(
        sim.refused(root, Call::ProcessCreate, &[system]),
        Error::OutOfMemory
    );
    assert_eq!(sim.footprint(), before);
    // Those under `kernel` need none.
    sim.spawn(ProcessParams {
        isolation: 0,
        ..params("kernel")
    });
    // What one leaves behind, the next one takes.
    for child in living {
        sim.ok(root, Call::ProcessKill, &[child.handle, 5]);
        sim.collect();
        sim.spawn(user);
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

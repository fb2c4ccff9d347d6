//! Handle tables and what a process may have at most: handles, memory, messages, threads, addresses.

use abi::{Call, Error, ProcessParams};

use crate::common::{Outcome, Sim, params};
use crate::processes::kill;

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

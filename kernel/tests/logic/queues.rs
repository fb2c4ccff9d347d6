//! Event queues and what reports to them: timers, doorbells, interrupts, processes.

use abi::{Call, Error, EventKind, MessageKind, ProcessParams};
use kernel::memory::PhysAddr;
use kernel::object::Device;

use crate::common::{Sim, info, params};

const FOREVER: usize = abi::call::FOREVER;

fn bell(sim: &mut Sim, queue: usize, key: usize) -> usize {
    let root = sim.root;
    let bell = sim.ok(root, Call::DoorbellCreate, &[]);
    sim.attach(root, queue, bell, key);
    bell
}

#[test]
fn one_thread_waits_on_a_queue() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let queue = sim.queue(root);
    let (second, _) = sim.thread(root);
    sim.blocks(second, Call::Wait, &[queue, FOREVER]);
    assert_eq!(
        sim.refused(root, Call::Wait, &[queue, FOREVER]),
        Error::Busy
    );
    assert_eq!(sim.refused(root, Call::Wait, &[queue, 0]), Error::Busy);
}

#[test]
fn a_source_is_on_one_queue() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (one, two) = (sim.queue(root), sim.queue(root));
    let bell = bell(&mut sim, one, 1);
    for queue in [one, two] {
        let refused = sim.refused(root, Call::QueueAttach, &[queue, bell, 2]);
        assert_eq!(refused, Error::AlreadyExists);
    }
    assert_eq!(
        sim.refused(root, Call::QueueAttach, &[one, two, 2]),
        Error::WrongKind
    );
    assert_eq!(
        sim.refused(root, Call::QueueAttach, &[bell, bell, 2]),
        Error::WrongKind
    );
    sim.ok(root, Call::DoorbellRing, &[bell]);
    sim.ok(root, Call::QueueDetach, &[bell]);
    assert_eq!(
        sim.refused(root, Call::QueueDetach, &[bell]),
        Error::NotFound
    );
    assert_eq!(sim.poll(root, one), None);
    sim.attach(root, two, bell, 3);
    let event = sim.poll(root, two).expect("it was rung before");
    assert_eq!(
        (event.kind, event.key, event.data),
        (EventKind::Doorbell, 3, 1)
    );
}

#[test]
fn attaching_serves_who_waits() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let queue = sim.queue(root);
    let (second, _) = sim.thread(root);
    let bell = sim.ok(root, Call::DoorbellCreate, &[]);
    sim.ok(root, Call::DoorbellRing, &[bell]);
    sim.ok(root, Call::DoorbellRing, &[bell]);
    sim.blocks(second, Call::Wait, &[queue, FOREVER]);
    sim.attach(root, queue, bell, 9);
    let event = sim.woken(second);
    assert_eq!(
        (event.kind, event.key, event.data),
        (EventKind::Doorbell, 9, 2)
    );
}

/// Both ends on one queue: taking a message makes room, which the same queue is to hear of.
#[test]
fn one_event_wakes_one_thread_once() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let (a, b) = sim.channel(root, 1, 64);
    let queue = sim.queue(root);
    sim.send(root, a, 1);
    let full = info(MessageKind::OneWay, 0, 0);
    assert_eq!(sim.refused(root, Call::Send, &[a, full]), Error::QueueFull);
    sim.attach(root, queue, a, 1);
    let (second, _) = sim.thread(root);
    sim.blocks(second, Call::Wait, &[queue, FOREVER]);
    sim.attach(root, queue, b, 2);
    let event = sim.woken(second);
    assert_eq!((event.kind, event.key), (EventKind::Message, 2));
    let event = sim.poll(second, queue).expect("there is room");
    assert_eq!((event.kind, event.key), (EventKind::Writable, 1));
    assert_eq!(sim.poll(second, queue), None);
}

#[test]
fn nobody_starves() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let queue = sim.queue(root);
    let bells: Vec<usize> = (0..5).map(|key| bell(&mut sim, queue, key)).collect();
    let mut served = [0; 5];
    for &bell in &bells {
        sim.ok(root, Call::DoorbellRing, &[bell]);
    }
    for _ in 0..50 {
        let event = sim.poll(root, queue).expect("all are rung again at once");
        served[event.key] += 1;
        sim.ok(root, Call::DoorbellRing, &[bells[event.key]]);
    }
    assert_eq!(served, [10; 5]);
}

#[test]
fn many_messages_do_not_keep_others_waiting() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let queue = sim.queue(root);
    let (a, b) = sim.channel(root, 16, 8);
    sim.attach(root, queue, b, 7);
    for number in 0..16 {
        sim.send(root, a, number);
    }
    let bell = bell(&mut sim, queue, 1);
    sim.ok(root, Call::DoorbellRing, &[bell]);
    let kinds: Vec<EventKind> = (0..3)
        .filter_map(|_| sim.poll(root, queue))
        .map(|event| event.kind)
        .collect();
    assert_eq!(
        kinds,
        [EventKind::Message, EventKind::Doorbell, EventKind::Message]
    );
}

#[test]
fn a_queue_closed_under_a_waiter_goes_with_it() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let child = sim.spawn(params("child"));
    let thread = child.thread;
    let queue = sim.queue(thread);
    sim.ok(root, Call::ProcessKill, &[child.handle, 0]);
    sim.collect();
    let _ = queue;
    assert_eq!(sim.kernel.queues.len(), 0);

    let (second, _) = sim.thread(root);
    let queue = sim.queue(root);
    let until = sim.now() as usize + 1000;
    sim.blocks(second, Call::Wait, &[queue, until]);
    sim.ok(root, Call::HandleClose, &[queue]);
    assert_eq!(sim.kernel.queues.len(), 1);
    sim.advance(2000);
    assert_eq!(sim.woken_by(second), Error::TimedOut);
    assert_eq!(sim.kernel.queues.len(), 0);
}

#[test]
fn timers_fire_once_or_again_and_again() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let queue = sim.queue(root);
    let timer = sim.ok(root, Call::TimerCreate, &[]);
    sim.attach(root, queue, timer, 4);
    let now = sim.now() as usize;
    sim.ok(root, Call::TimerSet, &[timer, now + 100, 0]);
    sim.advance(99);
    assert_eq!(sim.poll(root, queue), None);
    sim.advance(1);
    let event = sim.poll(root, queue).expect("it is time");
    assert_eq!(
        (event.kind, event.key, event.data),
        (EventKind::Timer, 4, 1)
    );
    sim.advance(1000);
    assert_eq!(sim.poll(root, queue), None);

    let now = sim.now() as usize;
    sim.ok(root, Call::TimerSet, &[timer, now + 10, 10]);
    sim.advance(35);
    assert_eq!(sim.poll(root, queue).map(|event| event.data), Some(3));
    sim.advance(5);
    assert_eq!(sim.poll(root, queue).map(|event| event.data), Some(1));
    // Stopped, also if it has fired and was not heard.
    sim.advance(10);
    sim.ok(root, Call::TimerSet, &[timer, 0, 0]);
    assert_eq!(sim.poll(root, queue), None);
    sim.advance(100);
    assert_eq!(sim.poll(root, queue), None);
}

#[test]
fn missed_ticks_are_counted() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let queue = sim.queue(root);
    let timer = sim.ok(root, Call::TimerCreate, &[]);
    sim.attach(root, queue, timer, 4);
    let start = sim.now();
    sim.ok(root, Call::TimerSet, &[timer, start as usize + 10, 10]);
    // The interrupt comes late, as if it had been off for long.
    sim.kernel.memory.machine.advance_to(start + 1005);
    sim.interrupt(0, true);
    assert_eq!(sim.poll(root, queue).map(|event| event.data), Some(100));
    sim.advance(5);
    assert_eq!(sim.poll(root, queue).map(|event| event.data), Some(1));
}

#[test]
fn periods_without_end_do_no_harm() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let queue = sim.queue(root);
    let timer = sim.ok(root, Call::TimerCreate, &[]);
    sim.attach(root, queue, timer, 4);
    for (deadline, period) in [
        (1, usize::MAX),
        (usize::MAX, 1),
        (usize::MAX, usize::MAX),
        (1, 1 << 63),
    ] {
        sim.ok(root, Call::TimerSet, &[timer, deadline, period]);
        sim.advance(10_000);
        let fired = sim.poll(root, queue).map(|event| event.data);
        assert_eq!(fired, (deadline == 1).then_some(1));
    }
    sim.ok(root, Call::TimerSet, &[timer, 1, 1]);
    sim.interrupt(0, true);
    let fired = sim.poll(root, queue).expect("often").data;
    assert_eq!(fired as u64, sim.now());
}

#[test]
fn a_timer_that_nobody_hears_fires_once() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let queue = sim.queue(root);
    let timer = sim.ok(root, Call::TimerCreate, &[]);
    sim.attach(root, queue, timer, 4);
    let start = sim.now() as usize;
    sim.ok(root, Call::TimerSet, &[timer, start + 1, 1]);
    sim.advance(1);
    // A period of one tick is shorter than any interrupt: until its event is taken it must not fire again.
    let first = |sim: &Sim| sim.kernel.deadlines.first(&sim.kernel.memory);
    assert_eq!(first(&sim), None);
    sim.kernel.memory.machine.advance_to(start as u64 + 1000);
    // All the same no firing is lost, and it goes on.
    assert_eq!(sim.poll(root, queue).map(|event| event.data), Some(1000));
    assert!(first(&sim).is_some());
    sim.advance(10);
    assert_eq!(sim.poll(root, queue).map(|event| event.data), Some(10));
    // Setting it anew forgets what was.
    let now = sim.now() as usize;
    sim.ok(root, Call::TimerSet, &[timer, now + 50, 0]);
    sim.advance(49);
    assert_eq!(sim.poll(root, queue).map(|event| event.data), None);
    sim.advance(1);
    assert_eq!(sim.poll(root, queue).map(|event| event.data), Some(1));
}

#[test]
fn one_cpu_is_armed_for_a_deadline() {
    let mut sim = Sim::new(4);
    let root = sim.root;
    let queue = sim.queue(root);
    let until = sim.now() as usize + 500;
    sim.blocks(root, Call::Wait, &[queue, until]);
    // Everybody goes to sleep, which looks at what is due next.
    for cpu in 0..4 {
        sim.interrupt(cpu, false);
        sim.kernel.arm_timer(cpu);
    }
    let armed = sim
        .kernel
        .cpus
        .iter()
        .filter(|cpu| cpu.armed == until as u64);
    assert_eq!(armed.count(), 1);
    // An earlier one is not overlooked, whoever makes it.
    sim.advance(500);
    assert_eq!(sim.woken_by(root), Error::TimedOut);
}

#[test]
fn many_timers_at_once_are_handled_in_steps() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let queue = sim.queue(root);
    let at = sim.now() as usize + 100;
    for key in 0..300 {
        let timer = sim.ok(root, Call::TimerCreate, &[]);
        sim.attach(root, queue, timer, key);
        sim.ok(root, Call::TimerSet, &[timer, at, 0]);
    }
    sim.kernel.memory.machine.advance_to(at as u64);
    let fired = |sim: &Sim| {
        let timers = &sim.kernel.timers;
        timers.ids().filter(|&id| timers[id].count > 0).count()
    };
    sim.interrupt(0, true);
    assert!(fired(&sim) > 0 && fired(&sim) < 300);
    sim.advance(0);
    assert_eq!(fired(&sim), 300);
}

#[test]
fn waiting_ends_at_its_deadline() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let queue = sim.queue(root);
    let bell = bell(&mut sim, queue, 1);
    assert_eq!(sim.refused(root, Call::Wait, &[queue, 0]), Error::TimedOut);
    let until = sim.now() as usize + 50;
    sim.blocks(root, Call::Wait, &[queue, until]);
    sim.advance(49);
    assert_eq!(sim.cpu_of(root), None);
    sim.advance(1);
    assert_eq!(sim.woken_by(root), Error::TimedOut);
    // A deadline that has passed.
    sim.blocks(root, Call::Wait, &[queue, 1]);
    sim.advance(0);
    assert_eq!(sim.woken_by(root), Error::TimedOut);
    sim.ok(root, Call::DoorbellRing, &[bell]);
    assert!(sim.poll(root, queue).is_some());
}

fn add_device(sim: &mut Sim, interrupt: u32) {
    let mut info = abi::DeviceInfo {
        compatible: [0; abi::DEVICE_COMPATIBLE_LEN],
        compatible_len: 12,
        mmio_count: 1,
        interrupt_count: 1,
        virtio_id: 0,
        unit_address: 0x1000_0000,
    };
    info.compatible[..12].copy_from_slice(b"virtio,mmio\0");
    let memory = &mut sim.kernel.memory;
    sim.kernel
        .devices
        .reserve(&memory.machine, &mut memory.frames)
        .expect("memory");
    let mut device = Device::new(info);
    device.ranges[0] = (PhysAddr(0x1000_0000), 0x200);
    device.interrupts[0] = interrupt;
    sim.kernel.devices.insert(device);
}

/// The interrupt controller's part.
fn fire(sim: &mut Sim, cpu: usize, line: u32) -> bool {
    let machine = &sim.kernel.memory.machine;
    if !machine.is_unmasked(line) {
        return false;
    }
    machine.mask_interrupt(line);
    machine.set_current_cpu(cpu);
    sim.kernel.device_interrupt(cpu, line);
    sim.interrupt(cpu, false);
    sim.settle();
    true
}

#[test]
fn an_interrupt_stays_masked_until_it_is_acknowledged() {
    let mut sim = Sim::new(1);
    add_device(&mut sim, 5);
    let (root, system) = (sim.root, sim.system);
    let device = sim.ok(root, Call::DeviceOpen, &[system, 0]);
    let line = sim.ok(root, Call::DeviceInterrupt, &[device, 0]);
    let queue = sim.queue(root);
    sim.attach(root, queue, line, 6);
    assert!(fire(&mut sim, 0, 5));
    assert!(!fire(&mut sim, 0, 5));
    let event = sim.poll(root, queue).expect("it fired");
    assert_eq!(
        (event.kind, event.key, event.data),
        (EventKind::Interrupt, 6, 1)
    );
    assert!(!fire(&mut sim, 0, 5));
    sim.ok(root, Call::InterruptAck, &[line]);
    assert!(fire(&mut sim, 0, 5));
    assert_eq!(sim.poll(root, queue).map(|event| event.data), Some(1));
    // Nobody holds it: masked, whatever was acknowledged.
    sim.ok(root, Call::InterruptAck, &[line]);
    sim.ok(root, Call::HandleClose, &[line]);
    assert!(!fire(&mut sim, 0, 5));
    assert_eq!(sim.kernel.interrupts.len(), 0);
}

#[test]
fn a_device_has_one_holder_and_is_reset_when_he_dies() {
    let mut sim = Sim::new(2);
    add_device(&mut sim, 5);
    let (root, system) = (sim.root, sim.system);
    let device = sim.ok(root, Call::DeviceOpen, &[system, 0]);
    assert_eq!(
        sim.refused(root, Call::DeviceOpen, &[system, 0]),
        Error::Busy
    );
    assert_eq!(
        sim.refused(root, Call::DeviceOpen, &[system, 1]),
        Error::NotFound
    );
    assert_eq!(
        sim.refused(root, Call::HandleDuplicate, &[device, 0x7f]),
        Error::WrongKind
    );
    let driver = sim.spawn_with(params("driver"), device);
    let device = abi::Handle::new(0, 1).raw() as usize;
    let status = PhysAddr(0x1000_0070);
    sim.kernel.memory.machine.write_device(status, 15);
    sim.ok(driver.thread, Call::DeviceMap, &[device, 0]);
    let line = sim.ok(driver.thread, Call::DeviceInterrupt, &[device, 0]);
    let contiguous = sim.ok(
        driver.thread,
        Call::FolioCreate,
        &[8192, abi::call::FOLIO_CONTIGUOUS],
    );
    let scattered = sim.ok(driver.thread, Call::FolioCreate, &[8192, 0]);
    let address = sim.ok(driver.thread, Call::DeviceDma, &[device, contiguous]);
    let refused = sim.refused(driver.thread, Call::DeviceDma, &[device, scattered]);
    assert_eq!(refused, Error::InvalidArgument);
    // The device reaches the folio although the driver has let go of it.
    sim.ok(driver.thread, Call::HandleClose, &[contiguous]);
    sim.collect();
    let folios = &sim.kernel.folios;
    assert!(folios.ids().any(|id| {
        folios[id]
            .page(&sim.kernel.memory, 0)
            .is_some_and(|page| page.frame.0 as usize == address)
    }));
    let _ = line;
    sim.ok(root, Call::ProcessKill, &[driver.handle, 1]);
    sim.collect();
    assert_eq!(
        sim.kernel.memory.machine.read_device(status),
        0,
        "it was reset"
    );
    assert!(!sim.kernel.memory.machine.is_unmasked(5));
    sim.ok(root, Call::DeviceOpen, &[system, 0]);
}

#[test]
fn the_end_of_a_process_is_told_once() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let queue = sim.queue(root);
    let child = sim.spawn(ProcessParams { ..params("child") });
    sim.attach(root, queue, child.handle, 3);
    sim.call(child.thread, Call::ProcessExit, &[42]);
    sim.collect();
    let event = sim.poll(root, queue).expect("it has ended");
    assert_eq!(
        (event.kind, event.key, event.data),
        (EventKind::Exited, 3, 42)
    );
    assert_eq!(sim.poll(root, queue), None);
    // Also to who asks later, if nobody was told.
    let child = sim.spawn(params("child"));
    sim.call(child.thread, Call::ThreadExit, &[]);
    sim.collect();
    sim.attach(root, queue, child.handle, 4);
    assert_eq!(
        sim.poll(root, queue).map(|event| (event.key, event.data)),
        Some((4, 0))
    );
}

/// Registers and interrupts do not outlive the handle to their device, whether that is closed or moved.
#[test]
fn what_a_device_gave_ends_with_its_handle() {
    for moved in [false, true] {
        let mut sim = Sim::new(2);
        add_device(&mut sim, 5);
        let root = sim.root;
        let device = sim.ok(root, Call::DeviceOpen, &[sim.system, 0]);
        let address = sim.ok(root, Call::DeviceMap, &[device, 0]);
        let twice = sim.refused(root, Call::DeviceMap, &[device, 0]);
        assert_eq!(twice, Error::AlreadyExists);
        let line = sim.ok(root, Call::DeviceInterrupt, &[device, 0]);
        let queue = sim.queue(root);
        sim.attach(root, queue, line, 1);
        let (a, b) = sim.channel(root, 1, 0);
        match moved {
            false => assert_eq!(sim.ok(root, Call::HandleClose, &[device]), 0),
            true => sim.give(root, a, device),
        }
        assert!(!fire(&mut sim, 0, 5), "the line is masked");
        assert_eq!(
            sim.refused(root, Call::InterruptAck, &[line]),
            Error::Closed
        );
        assert!(!sim.kernel.memory.machine.is_unmasked(5));
        let process = sim.kernel.threads[root].process;
        let seen = |sim: &Sim| {
            let space = sim.kernel.processes[process].space;
            let all = sim.kernel.spaces[space]
                .table
                .translations(&sim.kernel.memory);
            all.iter().any(|(at, _)| *at == address)
        };
        assert!(!seen(&sim));
        // Nothing else comes to lie there.
        let folio = sim.ok(root, Call::FolioCreate, &[4096, 0]);
        assert_ne!(sim.ok(root, Call::FolioMap, &[folio, 0, 4096, 0]), address);
        sim.ok(root, Call::HandleClose, &[line]);
        if moved {
            sim.attach(root, queue, b, 2);
            let event = sim.poll(root, queue).expect("the device comes");
            let device = event.handles[0];
            let again = sim.ok(root, Call::DeviceMap, &[device, 0]);
            assert_ne!(again, address);
            sim.ok(root, Call::DeviceInterrupt, &[device, 0]);
            assert!(fire(&mut sim, 0, 5));
        }
        sim.ok(root, Call::FolioUnmap, &[address]);
    }
}

/// Decision 0063: a line of the log is shown once, by the kernel or by the driver of the UART.
#[test]
fn the_driver_of_the_console_shows_the_log_in_the_kernels_place() {
    let mut sim = Sim::new(1);
    add_device(&mut sim, 5);
    add_device(&mut sim, 6);
    let console = sim.kernel.devices.at(0).expect("added just now");
    sim.kernel.devices[console].is_console = true;
    let (root, system) = (sim.root, sim.system);
    let device = sim.ok(root, Call::DeviceOpen, &[system, 0]);
    let other = sim.ok(root, Call::DeviceOpen, &[system, 1]);
    let line = sim.ok(root, Call::DeviceInterrupt, &[device, 0]);
    let queue = sim.queue(root);
    sim.attach(root, queue, line, 6);
    let say = |sim: &mut Sim, text: &str| {
        sim.kernel
            .log_line(kernel::log::Level::Info, "test", format_args!("{text}"));
        sim.interrupt(0, false);
        sim.settle();
    };
    let shown = |sim: &Sim, text: &str| sim.kernel.memory.machine.console().matches(text).count();

    // Not yet: the kernel shows lines, and nobody is told.
    say(&mut sim, "one");
    assert_eq!(shown(&sim, "one"), 1);
    assert!(sim.poll(root, queue).is_none());
    assert_eq!(
        sim.refused(root, Call::ConsoleLog, &[other]),
        Error::Unsupported
    );
    // What was shown is not handed out; what comes from now on is, once.
    assert_eq!(sim.ok(root, Call::ConsoleLog, &[device]), 0);
    say(&mut sim, "two");
    assert_eq!(shown(&sim, "two"), 0);
    let event = sim.poll(root, queue).expect("it is told");
    assert_eq!((event.kind, event.key), (EventKind::Interrupt, 6));
    assert!(sim.ok(root, Call::ConsoleLog, &[device]) > 3);
    assert_eq!(sim.ok(root, Call::ConsoleLog, &[device]), 0);
    // The driver goes: what it has not been given is shown by the kernel, and what comes after.
    say(&mut sim, "three");
    sim.ok(root, Call::HandleClose, &[device]);
    say(&mut sim, "four");
    assert_eq!(
        ["two", "three", "four"].map(|text| shown(&sim, text)),
        [0, 1, 1]
    );
}

//! Random interleavings of everything that components can do, however hostile.
//!
//! Up to four processes, on up to four CPUs, make any call with arguments that are mostly
//! plausible. After each step all invariants hold, and messages are where a simple model says:
//! each in one place, in the order of sending, none lost, none twice.

use std::collections::{HashMap, HashSet};

use abi::{Call, MessageInfo, ProcessParams};
use kernel::arch::Permission;
use kernel::memory::{Id, PhysAddr};
use kernel::object::{Channel, Device, LoadStage, Object, Side, SlotHeader, Thread, ThreadState};
use proptest::prelude::*;

use crate::common::{Outcome, Sim, info, params};

/// One random step: what, where, and numbers to choose with.
type Step = (u8, u8, u8, [u32; 6]);

/// Kinds of object, as bits, for choosing handles.
fn kind(object: Object) -> u32 {
    match object {
        Object::Free(_) => 0,
        Object::System => 1,
        Object::Channel(..) => 2,
        Object::Queue(_) => 4,
        Object::Folio(_) => 8,
        Object::Process(_) => 16,
        Object::Thread(_) => 32,
        Object::Timer(_) => 64,
        Object::Doorbell(_) => 128,
        Object::Interrupt(_) => 256,
        Object::Device(_) => 512,
    }
}
const SYSTEM: u32 = 1;
const CHANNEL: u32 = 2;
const QUEUE: u32 = 4;
const FOLIO: u32 = 8;
const PROCESS: u32 = 16;
const TIMER: u32 = 64;
const BELL: u32 = 128;
const LINE: u32 = 256;
const DEVICE: u32 = 512;
const SOURCE: u32 = CHANNEL | PROCESS | TIMER | BELL | LINE;
const ANY: u32 = 0x3ff;

/// Which messages are where, by the numbers in their bodies.
#[derive(Default)]
struct Model {
    queued: HashMap<(Id<Channel>, Side), Vec<u64>>,
    /// What each thread's receive page shows.
    seen: HashMap<Id<Thread>, u64>,
    delivered: HashSet<u64>,
    next: u64,
}

impl Model {
    fn queues(sim: &Sim) -> HashMap<(Id<Channel>, Side), Vec<u64>> {
        let kernel = &sim.kernel;
        let mut all = HashMap::new();
        for id in kernel.channels.ids() {
            let channel = &kernel.channels[id];
            if channel.ended {
                continue;
            }
            for side in [Side::A, Side::B] {
                let end = &channel.ends[side as usize];
                let numbers = (0..end.count).map(|i| {
                    let slot = channel.slot(side, (end.head + i) % channel.slots);
                    kernel.memory.read_u64(slot.offset(size_of::<SlotHeader>()))
                });
                all.insert((id, side), numbers.collect());
            }
        }
        all
    }

    /// After a step in which number `sent` may have been sent. `accepted`: whether it surely
    /// was, or surely was not.
    fn observe(
        &mut self,
        sim: &Sim,
        sent: Option<u64>,
        accepted: Option<bool>,
        answered: Option<Id<Thread>>,
    ) {
        let now = Model::queues(sim);
        let mut arrived = HashSet::new();
        for thread in sim.kernel.threads.ids() {
            if sim.kernel.threads[thread].state == ThreadState::Dead {
                continue; // Its buffer may be gone.
            }
            let number = sim.got(thread);
            let before = self.seen.insert(thread, number).unwrap_or(0);
            if before != number && answered != Some(thread) {
                assert!(arrived.insert(number), "{number} came to two threads");
                assert!(self.delivered.insert(number), "{number} came twice");
            }
        }
        let mut places = usize::from(sent.is_some_and(|sent| arrived.contains(&sent)));
        let mut left: HashSet<u64> = HashSet::new();
        for (end, queue) in &now {
            assert!(queue.is_sorted(), "{end:?} holds {queue:?}");
            let before = self.queued.get(end).map_or(&[][..], |queue| queue);
            let kept: Vec<u64> = queue.iter().copied().filter(|&n| Some(n) != sent).collect();
            places += queue.len() - kept.len();
            let gone = before.len().checked_sub(kept.len());
            let gone = gone.unwrap_or_else(|| panic!("{end:?} grew from {before:?} to {queue:?}"));
            assert_eq!(
                before[gone..],
                kept,
                "{end:?} had {before:?} and has {queue:?}"
            );
            left.extend(&before[..gone]);
        }
        for number in &left {
            assert!(arrived.contains(number), "{number} is lost");
        }
        // A message may be taken in the step at whose end its channel ends.
        for (end, queue) in &self.queued {
            if !now.contains_key(end) {
                left.extend(queue);
            }
        }
        for &number in &arrived {
            assert!(
                left.contains(&number) || Some(number) == sent,
                "{number} came from nowhere"
            );
        }
        assert!(places <= 1, "a message is in {places} places");
        match accepted {
            // Unless the channel has just ended, with all that is in it.
            Some(true) => assert!(
                places == 1 || self.queued.len() > now.len(),
                "a sent message is nowhere"
            ),
            Some(false) => assert_eq!(places, 0, "a refused message was sent"),
            None => {}
        }
        self.queued = now;
    }
}

/// A system under random calls.
struct World {
    sim: Sim,
    model: Model,
    interrupts: Vec<u32>,
}

impl World {
    fn new(cpus: usize, processes: usize) -> World {
        let mut sim = Sim::with_memory(cpus, 8 << 20);
        let root = sim.root;
        for number in 0..2u32 {
            let mut info = abi::DeviceInfo {
                compatible: [0; abi::DEVICE_COMPATIBLE_LEN],
                compatible_len: 12,
                mmio_count: 2,
                interrupt_count: 1,
                virtio_id: 0,
                unit_address: 0,
            };
            info.compatible[..12].copy_from_slice(b"virtio,mmio\0");
            let memory = &mut sim.kernel.memory;
            sim.kernel
                .devices
                .reserve(&memory.machine, &mut memory.frames)
                .expect("memory");
            let at = |offset: u64| PhysAddr(0x1000_0000 + u64::from(number) * 0x1_0000 + offset);
            let mut device = Device::new(info);
            device.ranges[0] = (at(0), 0x200);
            device.ranges[1] = (at(0x4e00), 0x400);
            // Half of them share a wire.
            device.interrupts[0] = 5 + number / 2;
            sim.kernel.devices.insert(device);
        }
        for number in 1..processes {
            let (a, b) = sim.channel(root, 2, 64);
            let queue = sim.queue(root);
            sim.attach(root, queue, a, number);
            let params = ProcessParams {
                isolation: (number % 2) as u32,
                memory_pages_max: 120,
                handles_max: 12,
                threads_max: 3,
                messages_max: 40,
                ..params("child")
            };
            sim.spawn_with(params, b);
        }
        sim.eager = false;
        let mut world = World {
            sim,
            model: Model {
                next: 1 << 40,
                ..Model::default()
            },
            interrupts: vec![5, 6],
        };
        world.model.queued = Model::queues(&world.sim);
        for thread in world.sim.kernel.threads.ids() {
            world.model.seen.insert(thread, world.sim.got(thread));
        }
        world
    }

    /// The call, or one that makes what the call needs, if the process has none.
    fn possible(&self, thread: Id<Thread>, call: Call) -> Call {
        let (needed, maker) = match call {
            Call::Wait | Call::QueueAttach => (QUEUE, Call::QueueCreate),
            Call::Send | Call::SendWait | Call::Call => (CHANNEL, Call::ChannelCreate),
            Call::FolioMap | Call::FolioSize | Call::DeviceDma => (FOLIO, Call::FolioCreate),
            Call::TimerSet => (TIMER, Call::TimerCreate),
            Call::DoorbellRing => (BELL, Call::DoorbellCreate),
            Call::DeviceMap | Call::DeviceInterrupt => (DEVICE, Call::DeviceOpen),
            Call::InterruptAck => (LINE, Call::DeviceInterrupt),
            Call::ProcessLoad
            | Call::ProcessStart
            | Call::ProcessKill
            | Call::ProcessInfo
            | Call::ProcessChannels => (PROCESS, Call::ProcessCreate),
            _ => return call,
        };
        match self.handle(thread, needed, 0) {
            0 => maker,
            _ => call,
        }
    }

    /// A transaction that is owed on a channel end, if the handle names one.
    fn owed(&self, thread: Id<Thread>, channel: usize) -> bool {
        let kernel = &self.sim.kernel;
        let process = kernel.threads[thread].process;
        let handle = abi::Handle::from_raw(channel as u32);
        match kernel
            .lookup(process, handle, abi::Rights::NONE)
            .map(|entry| entry.object)
        {
            Ok(Object::Channel(side, id)) => kernel.channels[id].ends[side as usize].owed > 0,
            _ => false,
        }
    }

    fn edge(&self, number: u32) -> usize {
        let now = self.sim.now() as usize;
        let edges = [
            0,
            1,
            2,
            7,
            8,
            63,
            64,
            4095,
            4096,
            4097,
            0xffff,
            0x1_0000,
            usize::MAX,
            usize::MAX - 1,
            1 << 63,
            1 << 31,
            now,
            now + 100,
            now.wrapping_sub(1),
            1 << 44,
            0x8000_0000,
        ];
        edges[number as usize % edges.len()]
    }

    fn handle(&self, thread: Id<Thread>, kinds: u32, number: u32) -> usize {
        if number & 15 == 15 {
            return self.edge(number >> 4);
        }
        let kernel = &self.sim.kernel;
        let table = &kernel.processes[kernel.threads[thread].process].handles;
        let entries: Vec<_> = (0..table.capacity())
            .filter_map(|i| table.at(i))
            .filter(|entry| kind(entry.object) & kinds != 0)
            .collect();
        match entries.len() {
            0 => 0,
            count => entries[(number >> 4) as usize % count].handle.raw() as usize,
        }
    }

    /// One of a process's mappings' addresses.
    fn address(&self, thread: Id<Thread>, number: u32) -> usize {
        let kernel = &self.sim.kernel;
        let all: Vec<_> = kernel.mappings_of(kernel.threads[thread].process).collect();
        match all.len() {
            0 => 0,
            count => {
                let mapping = &kernel.mappings[all[number as usize % count]];
                let page = (number >> 8) as usize % mapping.pages.max(1);
                mapping.address + page * 4096
            }
        }
    }

    fn deadline(&self, number: u32) -> usize {
        match number % 4 {
            0 => 0,
            1 => usize::MAX,
            2 => self.sim.now() as usize + 1 + (number >> 2) as usize % 2000,
            _ => self.edge(number >> 2),
        }
    }

    /// Arguments for a call, mostly plausible.
    fn arguments(&mut self, thread: Id<Thread>, call: Call, r: [u32; 6]) -> [usize; 6] {
        let pair = |a: usize, b: usize| (a & 0xffff_ffff) | b << 32;
        let h = |kinds, number| self.handle(thread, kinds, number);
        let message = |channel: usize| {
            let handles = match r[1] >> 8 & 7 {
                5 => 1,
                6 => 2,
                7 => (r[1] >> 12 & 7) as usize,
                _ => 0,
            };
            let kinds = [
                abi::MessageKind::OneWay,
                abi::MessageKind::Request,
                abi::MessageKind::Reply,
            ];
            let len = [8, 8, 8, 8, 8, 16, 16, 64, 65, 4096][(r[1] >> 4) as usize % 10];
            let reply = self.owed(thread, channel) && r[1] >> 16 & 3 != 0;
            let kind = if reply {
                2
            } else {
                [0, 0, 0, 1, 1, 1, 2][r[1] as usize % 7]
            };
            info(kinds[kind], len, handles)
        };
        let two = |number: u32| {
            pair(
                h(ANY & !CHANNEL | CHANNEL, number),
                h(ANY, number.rotate_left(9)),
            )
        };
        match call {
            Call::Wait => [h(QUEUE, r[0]), self.deadline(r[1]), 0, 0, 0, 0],
            Call::Send => {
                let channel = h(CHANNEL, r[0]);
                [
                    channel,
                    message(channel),
                    r[2] as usize % 2,
                    two(r[3]),
                    two(r[4]),
                    0,
                ]
            }
            Call::SendWait => {
                let channel = h(CHANNEL, r[0]);
                let (both, until) = (pair(channel, h(QUEUE, r[5])), self.deadline(r[2] >> 4));
                [
                    both,
                    message(channel),
                    r[2] as usize % 2,
                    two(r[3]),
                    two(r[4]),
                    until,
                ]
            }
            Call::Call => {
                let channel = h(CHANNEL, r[0]);
                let request = MessageInfo::from_bits(message(channel) as u64);
                let kind = abi::MessageKind::Request;
                let info = info(kind, request.len(), request.handle_count());
                [
                    channel,
                    info,
                    r[2] as usize % 2,
                    two(r[3]),
                    two(r[4]),
                    self.deadline(r[5]),
                ]
            }
            Call::HandleClose => [h(ANY & !SYSTEM, r[0]), 0, 0, 0, 0, 0],
            Call::HandleDuplicate => [h(ANY, r[0]), r[1] as usize, 0, 0, 0, 0],
            Call::ChannelCreate => [
                r[0] as usize % 4,
                [0, 64, 64, 4096][r[1] as usize % 4],
                0,
                0,
                0,
                0,
            ],
            Call::QueueAttach => [h(QUEUE, r[0]), h(SOURCE, r[1]), r[2] as usize, 0, 0, 0],
            Call::QueueDetach => [h(SOURCE, r[0]), 0, 0, 0, 0, 0],
            Call::FolioCreate => {
                let bytes = [1, 4096, 5000, 20 << 12, 100 << 12, 520 << 12][r[0] as usize % 6];
                [bytes, (r[1] & 3 == 1) as usize, 0, 0, 0, 0]
            }
            Call::FolioMap => {
                let offset = (r[1] as usize % 4) * 4096;
                let len = [1, 4096, 8192, 16 << 12][r[2] as usize % 4];
                [h(FOLIO, r[0]), offset, len, r[3] as usize % 2, 0, 0]
            }
            Call::FolioUnmap => [self.address(thread, r[0]) & !0xfff, 0, 0, 0, 0, 0],
            Call::FolioSize => [h(FOLIO, r[0]), 0, 0, 0, 0, 0],
            Call::TimerSet => {
                let period = [0, 0, 100, 1, usize::MAX][r[2] as usize % 5];
                [h(TIMER, r[0]), self.deadline(r[1]), period, 0, 0, 0]
            }
            Call::DoorbellRing => [h(BELL, r[0]), 0, 0, 0, 0, 0],
            Call::InterruptAck => [h(LINE, r[0]), 0, 0, 0, 0, 0],
            Call::DeviceInfo | Call::DeviceOpen => [h(SYSTEM, r[0]), r[1] as usize % 3, 0, 0, 0, 0],
            Call::DeviceMap | Call::DeviceInterrupt => {
                [h(DEVICE, r[0]), r[1] as usize % 3, 0, 0, 0, 0]
            }
            Call::DeviceDma => [h(DEVICE, r[0]), h(FOLIO, r[1]), 0, 0, 0, 0],
            Call::ProcessCreate => [h(SYSTEM, r[0]), 0, 0, 0, 0, 0],
            Call::ProcessLoad => [
                h(PROCESS, r[0]),
                h(FOLIO, r[1]),
                0,
                r[2] as usize % 4096,
                0,
                0,
            ],
            Call::ProcessStart => [h(PROCESS, r[0]), h(ANY, r[1]), 0, 0, 0, 0],
            Call::ProcessKill => [h(PROCESS, r[0]), 9, 0, 0, 0, 0],
            Call::ProcessInfo => [h(PROCESS, r[0]), 0, 0, 0, 0, 0],
            Call::ProcessChannels => [h(PROCESS, r[0]), r[1] as usize % 40, 0, 0, 0, 0],
            Call::ThreadCreate => [
                0x1000,
                1,
                [16384, 16384, 1 << 20, 5][r[0] as usize % 4],
                0,
                0,
                0,
            ],
            Call::SystemStatistics | Call::LogRead | Call::CrashRead => {
                [h(SYSTEM, r[0]), self.edge(r[1]), 0, 0, 0, 0]
            }
            Call::Log | Call::ProcessPanic => [r[0] as usize % 8, self.edge(r[1]), 0, 0, 0, 0],
            _ => [r[0] as usize, r[1] as usize, 0, 0, 0, 0],
        }
    }

    fn step(&mut self, (what, cpu, number, r): Step) {
        let cpu = cpu as usize % self.sim.cpus();
        let due = self
            .sim
            .kernel
            .memory
            .machine
            .timer(cpu)
            .is_some_and(|at| at <= self.sim.now());
        let interrupted = self.sim.kernel.memory.machine.is_interrupted(cpu);
        match (what % 32, self.sim.kernel.cpus[cpu].current) {
            (0..=2, _) => {
                let now = self.sim.now() + u64::from(r[0] % 700);
                self.sim.kernel.memory.machine.advance_to(now);
                self.after(None, None, None);
            }
            (3, _) => {
                let line = self.interrupts[r[0] as usize % self.interrupts.len()];
                let machine = &self.sim.kernel.memory.machine;
                if machine.is_unmasked(line) {
                    machine.mask_interrupt(line);
                    machine.set_current_cpu(cpu);
                    self.sim.kernel.device_interrupt(cpu, line);
                    self.sim.interrupt(cpu, false);
                    self.after(None, None, None);
                }
            }
            (4..=6, Some(thread)) if !self.dead(thread) => self.fault(cpu, thread, r),
            (7, _) => {
                // Stands for a loader that is trusted to have done its work.
                let ids: Vec<_> = self.sim.kernel.processes.ids().collect();
                for id in ids {
                    let process = &mut self.sim.kernel.processes[id];
                    if process.state == abi::ProcessState::New
                        && process.load.stage == LoadStage::Empty
                    {
                        process.load.stage = LoadStage::Done;
                    }
                }
            }
            (8..=31, Some(thread)) if !interrupted || what & 64 == 0 => {
                self.call(cpu, thread, number, r);
            }
            _ => {
                self.sim.interrupt(cpu, due);
                self.after(None, None, None);
            }
        }
    }

    fn dead(&self, thread: Id<Thread>) -> bool {
        self.sim.kernel.threads[thread].state == ThreadState::Dead
    }

    fn fault(&mut self, cpu: usize, thread: Id<Thread>, r: [u32; 6]) {
        use kernel::fault::Fault;
        let at = self.address(thread, r[0]) + (r[1] as usize & 0xff8);
        let process = self.sim.kernel.threads[thread].process;
        let allowed = self
            .sim
            .kernel
            .mapping_at(process, at)
            .map(|id| self.sim.kernel.mappings[id].permission);
        let write = r[2] & 1 == 1 && allowed != Some(Permission::Read);
        let fault = match r[3] % 256 {
            0 => Fault::Execute(at),
            1 => Fault::Read(self.edge(r[4])),
            2 => Fault::Instruction(at),
            _ if write => Fault::Write(at),
            _ => Fault::Read(at),
        };
        self.sim.kernel.memory.machine.set_current_cpu(cpu);
        let exit = self.sim.kernel.fault(cpu, fault);
        self.sim.left(cpu, exit);
        self.after(None, None, None);
    }

    fn call(&mut self, cpu: usize, thread: Id<Thread>, number: u8, r: [u32; 6]) {
        const OFTEN: [Call; 40] = [
            Call::Send,
            Call::Send,
            Call::Send,
            Call::Send,
            Call::Send,
            Call::Send,
            Call::SendWait,
            Call::SendWait,
            Call::SendWait,
            Call::Call,
            Call::Call,
            Call::Call,
            Call::Wait,
            Call::Wait,
            Call::Wait,
            Call::Wait,
            Call::Wait,
            Call::Wait,
            Call::QueueAttach,
            Call::QueueAttach,
            Call::QueueAttach,
            Call::ChannelCreate,
            Call::ChannelCreate,
            Call::QueueCreate,
            Call::DoorbellCreate,
            Call::TimerCreate,
            Call::DoorbellRing,
            Call::DoorbellRing,
            Call::TimerSet,
            Call::TimerSet,
            Call::HandleClose,
            Call::HandleClose,
            Call::FolioCreate,
            Call::FolioMap,
            Call::FolioUnmap,
            Call::HandleDuplicate,
            Call::ThreadCreate,
            Call::Yield,
            Call::Yield,
            Call::QueueDetach,
        ];
        let call = match number {
            0..180 => Some(OFTEN[number as usize % OFTEN.len()]),
            180..250 => Call::from_number(number as usize % Call::COUNT),
            _ => None,
        };
        // What ends things is rarer than what makes them.
        let call =
            match call {
                Some(
                    Call::ProcessExit | Call::ProcessPanic | Call::ThreadExit | Call::ProcessKill,
                ) if !r[5].is_multiple_of(4) => Some(Call::Nop),
                Some(Call::SystemShutdown) => Some(Call::ProcessCreate),
                call => call,
            };
        let call = call.map(|call| self.possible(thread, call));
        let sends = matches!(call, Some(Call::Send | Call::SendWait | Call::Call));
        self.model.next += 1;
        let mut sent = None;
        if sends {
            self.sim.put(thread, self.model.next);
            sent = Some(self.model.next);
        }
        if call == Some(Call::ProcessCreate) {
            let params = ProcessParams {
                isolation: r[2] % 3,
                priority: r[3] % 9,
                memory_pages_max: r[4] % 200,
                handles_max: r[5] % 20,
                threads_max: 2,
                messages_max: 2 + r[1] % 64,
                ..params("grandchild")
            };
            self.sim.set_params(thread, params);
        }
        let arguments = match call {
            Some(call) if r[5] % 32 != 31 => self.arguments(thread, call, r),
            _ => r.map(|number| self.edge(number)),
        };
        if sends && (MessageInfo::from_bits(arguments[1] as u64).len() < 8) {
            return; // The model tells messages apart by their bodies.
        }
        let number = call.map_or(r[0] as usize, |call| call as usize);
        let outcome = self.sim.call_on(cpu, number, &arguments);
        let accepted = match (call, outcome) {
            (Some(Call::Send), Outcome::Done(results)) => Some(results[0] == 0),
            _ => None,
        };
        let answers = matches!(
            call,
            Some(
                Call::ProcessInfo
                    | Call::ProcessChannels
                    | Call::Random
                    | Call::LogRead
                    | Call::CrashRead
                    | Call::ConsoleLog
                    | Call::SystemStatistics
                    | Call::DeviceInfo
                    | Call::DeviceMap
            )
        );
        self.after(sent, accepted, answers.then_some(thread));
    }

    fn after(&mut self, sent: Option<u64>, accepted: Option<bool>, answered: Option<Id<Thread>>) {
        self.model.observe(&self.sim, sent, accepted, answered);
    }

    /// Ends everything. Nothing is left then but the record of init.
    fn end(mut self) {
        let sim = &mut self.sim;
        for id in sim.kernel.processes.ids().collect::<Vec<_>>() {
            if sim.kernel.processes.get(id).is_some() {
                sim.kernel.memory.machine.set_current_cpu(0);
                sim.kernel.end_process(id, 1, 0);
            }
        }
        sim.eager = true;
        for cpu in 0..sim.cpus() {
            sim.interrupt(cpu, false);
        }
        sim.settle();
        sim.collect();
        let kernel = &sim.kernel;
        assert_eq!(kernel.processes.len(), 1, "processes");
        assert_eq!(kernel.spaces.len(), 1, "spaces");
        let left = [
            kernel.threads.len(),
            kernel.channels.len(),
            kernel.queues.len(),
            kernel.sources.len(),
            kernel.folios.len(),
            kernel.mappings.len(),
            kernel.timers.len(),
            kernel.doorbells.len(),
            kernel.interrupts.len(),
        ];
        assert_eq!(left, [0; 9], "threads to interrupts");
        assert_eq!(kernel.memory.frames.free_count(), kernel.memory.available());
    }
}

fn cases() -> u32 {
    match trials::is_long() {
        true => 20_000,
        false => 150,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        max_shrink_iters: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_calls_in_any_order(
        cpus in 1usize..=4,
        processes in 1usize..=3,
        steps in prop::collection::vec(any::<Step>(), 1..600),
    ) {
        let mut world = World::new(cpus, processes);
        for step in steps {
            world.step(step);
        }
        world.end();
    }
}

//! Small systems, explored completely: every order in which two CPUs can enter the kernel, up to a
//! depth, with every call that matters to the subject at each step.
//!
//! A state is reached by its path: a fresh system is built, and the path's steps are done again. After the
//! last one all invariants are checked. States that look the same to the kernel (a fingerprint of
//! all its objects, without names that only count) are looked at once, in the order of their distance from
//! the start, so nothing within the depth is missed but for a collision of 64 bits.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use abi::{Call, MessageKind, PAGE_SIZE, ProcessParams};
use kernel::arch::{PageTable, Permission};
use kernel::fault::Fault;
use kernel::memory::Id;
use kernel::object::{Mapping, Object, Process, Purpose, Thread, ThreadState};

use crate::common::{Sim, info, invariants, pair, params};

pub const FOREVER: usize = abi::call::FOREVER;

/// One entry into the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Whoever is on this CPU does one of the things that it may do.
    Act(usize, usize),
    /// The CPU enters for another reason: an interrupt, or its idle loop.
    Interrupt(usize),
    /// Time goes on to the next timer, which fires.
    Timer,
}

/// Something that a thread may do.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// A call with its arguments.
    Call(Call, [usize; 6]),
    /// A call whose argument is the first folio that its process holds, if it holds one.
    Folio(Call, [usize; 6]),
    /// The same with the first thread.
    Thread(Call, [usize; 6]),
    /// It removes its process's last mapping.
    Unmap,
    /// It reads or writes a page of that mapping, and the kernel hears of it.
    Touch {
        /// Which page.
        page: usize,
        /// Whether it writes.
        write: bool,
    },
}

/// What may be done by one thread, or by all of a process that have no list of their own.
pub enum Who {
    /// This thread.
    Thread(Id<Thread>),
    /// All threads that this process has or will have.
    Process(Id<Process>),
}

/// A system in its first state, and what each of its threads may do.
pub struct World {
    /// The system.
    pub sim: Sim,
    /// Who may do what.
    pub menus: Vec<(Who, Vec<Act>)>,
}

/// Calls as what a thread may do.
pub fn calls(of: Id<Thread>, calls: Vec<(Call, [usize; 6])>) -> (Who, Vec<Act>) {
    let acts = calls.into_iter().map(|(call, with)| Act::Call(call, with));
    (Who::Thread(of), acts.collect())
}

impl World {
    /// What could come next.
    fn steps(&self) -> Vec<Step> {
        let kernel = &self.sim.kernel;
        let mut steps = Vec::new();
        for cpu in 0..self.sim.cpus() {
            let interrupted = kernel.memory.machine.is_interrupted(cpu);
            match kernel.cpus[cpu].current {
                Some(thread) => {
                    let count = self.menu(thread).len();
                    let possible = (0..count).filter(|&which| self.is_possible(thread, which));
                    steps.extend(possible.map(|which| Step::Act(cpu, which)));
                    if interrupted {
                        steps.push(Step::Interrupt(cpu));
                    }
                }
                None if interrupted || kernel.has_garbage() => steps.push(Step::Interrupt(cpu)),
                None => {}
            }
        }
        if kernel.memory.machine.next_timer().is_some() {
            steps.push(Step::Timer);
        }
        steps
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Act(cpu, which) => {
                let thread = self.sim.kernel.current(cpu);
                let act = self.menu(thread)[which];
                self.act(cpu, thread, act);
            }
            Step::Interrupt(cpu) => self.sim.interrupt(cpu, false),
            Step::Timer => {
                let machine = &self.sim.kernel.memory.machine;
                let (at, cpu) = machine.next_timer().expect("one is set");
                machine.advance_to(at.max(machine.now()));
                self.sim.interrupt(cpu, true);
            }
        }
    }

    fn menu(&self, thread: Id<Thread>) -> &[Act] {
        let process = self.sim.kernel.threads[thread].process;
        let of = |who: &Who| match *who {
            Who::Thread(id) => id == thread,
            Who::Process(id) => id == process,
        };
        let menu = self.menus.iter().find(|(who, _)| of(who));
        menu.map_or(&[], |(_, menu)| menu)
    }

    /// Whether there is what an act is about.
    fn is_possible(&self, thread: Id<Thread>, which: usize) -> bool {
        let kernel = &self.sim.kernel;
        match self.menu(thread)[which] {
            Act::Call(..) => true,
            Act::Folio(..) => self.held(thread, is_folio).is_some(),
            Act::Thread(..) => self.held(thread, is_thread).is_some(),
            Act::Unmap => self.last_mapping(thread).is_some(),
            Act::Touch { page, write } => self.last_mapping(thread).is_some_and(|mapping| {
                // What the CPU knows already it does not ask the kernel for.
                let mapping = &kernel.mappings[mapping];
                let known = self.translations(kernel.threads[thread].process);
                let at = mapping.address + page * PAGE_SIZE;
                let known = known.iter().find(|(address, _)| *address == at);
                page < mapping.pages
                    && known.is_none_or(|(_, p)| write && *p != Permission::ReadWrite)
            }),
        }
    }

    fn act(&mut self, cpu: usize, thread: Id<Thread>, act: Act) {
        let mapping = self.last_mapping(thread);
        let address = mapping.map_or(0, |id| self.sim.kernel.mappings[id].address);
        match act {
            Act::Call(call, arguments) => {
                self.sim.call_on(cpu, call as usize, &arguments);
            }
            Act::Folio(call, mut arguments) | Act::Thread(call, mut arguments) => {
                let kind = match act {
                    Act::Folio(..) => is_folio,
                    _ => is_thread,
                };
                let held = self.held(thread, kind).expect("else it is not possible");
                let place = arguments.iter().position(|&word| word == HELD);
                arguments[place.expect("one argument is it")] = held;
                self.sim.call_on(cpu, call as usize, &arguments);
            }
            Act::Unmap => {
                self.sim.call_on(cpu, Call::FolioUnmap as usize, &[address]);
            }
            Act::Touch { page, write } => {
                let at = address + page * PAGE_SIZE;
                let fault = match write {
                    true => Fault::Write(at),
                    false => Fault::Read(at),
                };
                self.sim.kernel.memory.machine.set_current_cpu(cpu);
                let exit = self.sim.kernel.fault(cpu, fault);
                self.sim.left(cpu, exit);
            }
        }
    }

    fn held(&self, thread: Id<Thread>, kind: fn(Object) -> bool) -> Option<usize> {
        let process = self.sim.kernel.threads[thread].process;
        let table = &self.sim.kernel.processes[process].handles;
        let mut entries = (0..table.capacity()).filter_map(|index| table.at(index));
        let found = entries.find(|entry| kind(entry.object))?;
        Some(found.handle.raw() as usize)
    }

    fn last_mapping(&self, thread: Id<Thread>) -> Option<Id<Mapping>> {
        let kernel = &self.sim.kernel;
        let mappings = kernel.mappings_of(kernel.threads[thread].process);
        mappings
            .filter(|&id| kernel.mappings[id].purpose == Purpose::Component)
            .last()
    }

    /// What CPUs find in a process's page table of what it has mapped itself.
    fn translations(&self, process: Id<Process>) -> Vec<(usize, Permission)> {
        let kernel = &self.sim.kernel;
        let space = kernel.processes[process].space;
        let table = &kernel.spaces[space].table;
        let all = table.translations(&kernel.memory).into_iter();
        let own = |address: &usize| {
            let mapping = kernel.mapping_at(process, *address);
            mapping.is_some_and(|id| kernel.mappings[id].purpose == Purpose::Component)
        };
        all.map(|(address, (_, permission, _))| (address, permission))
            .filter(|(address, _)| own(address))
            .collect()
    }

    /// Folios, where they are mapped, what of them was touched, and what is held in handle tables.
    fn memory_fingerprint(&self, hash: &mut DefaultHasher) {
        let kernel = &self.sim.kernel;
        for id in kernel.folios.ids() {
            let folio = &kernel.folios[id];
            let charged_to = folio.charged_to.and_then(|id| kernel.processes.number(id));
            (kernel.folios.number(id), folio.pages, folio.untouched).hash(hash);
            (charged_to, folio.references, folio.freed_pages).hash(hash);
        }
        for id in kernel.processes.ids() {
            let table = &kernel.processes[id].handles;
            for entry in (0..table.capacity()).filter_map(|index| table.at(index)) {
                let number = match entry.object {
                    Object::Folio(id) => kernel.folios.number(id),
                    Object::Thread(id) => kernel.threads.number(id),
                    Object::Channel(_, id) => kernel.channels.number(id),
                    Object::Queue(id) => kernel.queues.number(id),
                    Object::Doorbell(id) => kernel.doorbells.number(id),
                    Object::Process(id) => kernel.processes.number(id),
                    _ => None,
                };
                (std::mem::discriminant(&entry.object), number).hash(hash);
            }
            if kernel.processes[id].unlinked_below != 0 {
                kernel.processes[id].unlinked_below.hash(hash);
                continue;
            }
            for mapping in kernel.mappings_of(id) {
                let mapping = &kernel.mappings[mapping];
                let folio = kernel.folios.number(mapping.folio);
                (folio, mapping.first_page, mapping.pages).hash(hash);
                (mapping.permission as u32, mapping.revoked).hash(hash);
            }
            for (address, permission) in self.translations(id) {
                let mapping = kernel.mapping_at(id, address).expect("it is mapped");
                let page = (address - kernel.mappings[mapping].address) / PAGE_SIZE;
                (page, permission as u32).hash(hash);
            }
        }
        for cpu in 0..self.sim.cpus() {
            let space = kernel.cpus[cpu].active_space;
            space.and_then(|id| kernel.spaces.number(id)).hash(hash);
        }
        PageTable::stale_frames(&kernel.memory.machine)
            .len()
            .hash(hash);
    }

    /// All that the kernel can tell apart, but for generations, times and bodies of messages.
    fn fingerprint(&self) -> u64 {
        let kernel = &self.sim.kernel;
        let mut hash = DefaultHasher::new();
        let thread = |id: Id<Thread>| kernel.threads.number(id);
        for cpu in 0..self.sim.cpus() {
            let state = &kernel.cpus[cpu];
            state.current.and_then(thread).hash(&mut hash);
            kernel.memory.machine.is_interrupted(cpu).hash(&mut hash);
            kernel.memory.machine.timer(cpu).is_some().hash(&mut hash);
            for level in 0..9 {
                let mut next = state.first_ready(level);
                while let Some(id) = next {
                    (level, thread(id)).hash(&mut hash);
                    next = kernel.threads[id].next;
                }
            }
        }
        kernel.idle_cpus.hash(&mut hash);
        kernel.condemned_threads.hash(&mut hash);
        for id in kernel.threads.ids() {
            let node = &kernel.threads[id];
            thread(id).hash(&mut hash);
            (
                node.cpu,
                node.priority,
                node.heap_place != 0,
                node.deadline != u64::MAX,
                node.references,
            )
                .hash(&mut hash);
            match node.state {
                ThreadState::Waiting(queue) => (1, kernel.queues.number(queue)).hash(&mut hash),
                ThreadState::Calling(channel, side) => {
                    (2, kernel.channels.number(channel), side).hash(&mut hash);
                }
                ThreadState::New => 3.hash(&mut hash),
                ThreadState::Ready => 4.hash(&mut hash),
                ThreadState::Running => 5.hash(&mut hash),
                ThreadState::Dead => 6.hash(&mut hash),
            }
            // What its last call answered decides nothing here: menus are fixed.
        }
        for id in kernel.channels.ids() {
            let channel = &kernel.channels[id];
            kernel.channels.number(id).hash(&mut hash);
            (channel.ended, channel.memory.is_some()).hash(&mut hash);
            for end in &channel.ends {
                (end.open, end.writable_armed, end.writable).hash(&mut hash);
                (end.count, end.reserved, end.owed).hash(&mut hash);
                end.source
                    .and_then(|id| kernel.sources.number(id))
                    .hash(&mut hash);
                let caller = end
                    .caller
                    .map(|(id, transaction)| (thread(id), transaction));
                caller.hash(&mut hash);
            }
        }
        for id in kernel.queues.ids() {
            let queue = &kernel.queues[id];
            kernel.queues.number(id).hash(&mut hash);
            (
                queue.references,
                queue.attached,
                queue.waiter.and_then(thread),
            )
                .hash(&mut hash);
            let mut next = queue.head;
            while let Some(id) = next {
                kernel.sources.number(id).hash(&mut hash);
                next = kernel.sources[id].next;
            }
        }
        for id in kernel.processes.ids() {
            let process = &kernel.processes[id];
            kernel.processes.number(id).hash(&mut hash);
            (
                process.state as u32,
                process.references,
                process.thread_count,
            )
                .hash(&mut hash);
            (
                process.end_reported,
                process.handles.len(),
                process.handles.in_flight,
            )
                .hash(&mut hash);
            (process.memory_pages, process.teardown_cursor).hash(&mut hash);
        }
        for id in kernel.doorbells.ids() {
            let bell = &kernel.doorbells[id];
            (
                kernel.doorbells.number(id),
                bell.count.min(2),
                bell.references,
            )
                .hash(&mut hash);
        }
        self.memory_fingerprint(&mut hash);
        (kernel.mappings.len(), kernel.has_garbage()).hash(&mut hash);
        hash.finish()
    }
}

/// What stands in an act's arguments for what is held.
pub const HELD: usize = usize::MAX;

fn is_folio(object: Object) -> bool {
    matches!(object, Object::Folio(_))
}

fn is_thread(object: Object) -> bool {
    matches!(object, Object::Thread(_))
}

/// Explores a system to a depth. Returns how many states there are.
pub fn explore(build: fn() -> World, depth: usize) -> usize {
    let mut seen = HashSet::new();
    let mut frontier: Vec<Vec<Step>> = vec![Vec::new()];
    seen.insert(build().fingerprint());
    for _ in 0..depth {
        let mut next = Vec::new();
        for path in frontier {
            let at = |path: &[Step]| {
                let mut world = build();
                path.iter().for_each(|&step| world.take(step));
                world
            };
            let steps = at(&path).steps();
            for step in steps {
                let mut world = at(&path);
                let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    world.take(step);
                    invariants::check(&world.sim.kernel);
                    world.fingerprint()
                }));
                let Ok(fingerprint) = tried else {
                    panic!("after {path:?}, then {step:?}: see above")
                };
                if seen.insert(fingerprint) {
                    let mut longer = path.clone();
                    longer.push(step);
                    next.push(longer);
                }
            }
        }
        frontier = next;
        if frontier.is_empty() {
            break; // All that there is.
        }
    }
    seen.len()
}

/// So deep in CI, and so deep with `--long`.
pub fn depth(short: usize, long: usize) -> usize {
    match std::env::var_os("FTL_LONG") {
        Some(_) => long,
        None => short,
    }
}

/// A machine with little memory, whose first process is the root.
pub fn small(cpus: usize) -> Sim {
    let mut sim = Sim::with_root(
        cpus,
        4 << 20,
        ProcessParams {
            priority: 3,
            ..params("root")
        },
    );
    sim.checked = false;
    sim
}

/// A process with as little as can be.
pub fn child() -> ProcessParams {
    ProcessParams {
        heap_len: 0,
        cpu_share_percent: 100,
        ..params("child")
    }
}

/// The first handle that a child has: what it was given.
pub const GIVEN: usize = 1 << 16;

/// A client and a server on two CPUs, with one channel of one slot. The first process may kill either.
fn client_and_server() -> World {
    let mut sim = small(2);
    let root = sim.root;
    let (a, b) = sim.channel(root, 1, 8);
    let client = sim.spawn_with(child(), a);
    let server = sim.spawn_with(child(), b);
    let own = sim.queue(root);
    sim.attach(root, own, client.handle, 1);
    sim.attach(root, own, server.handle, 2);
    let mut ready = |thread: Id<Thread>| {
        sim.bring(thread);
        let queue = sim.queue(thread);
        sim.attach(thread, queue, GIVEN, 7);
        queue
    };
    let (theirs, serves) = (ready(client.thread), ready(server.thread));
    let message = |kind| info(kind, 8, 0);
    let (one_way, request, reply) = (
        message(MessageKind::OneWay),
        message(MessageKind::Request),
        message(MessageKind::Reply),
    );
    let menus = vec![
        calls(
            client.thread,
            vec![
                (Call::Send, [GIVEN, one_way, 0, 0, 0, 0]),
                (Call::Call, [GIVEN, request, 1, 0, 0, FOREVER]),
                (Call::Wait, [theirs, FOREVER, 0, 0, 0, 0]),
                (Call::HandleClose, [GIVEN, 0, 0, 0, 0, 0]),
            ],
        ),
        calls(
            server.thread,
            vec![
                (Call::Wait, [serves, FOREVER, 0, 0, 0, 0]),
                (Call::Send, [GIVEN, reply, 1, 0, 0, 0]),
                (
                    Call::SendWait,
                    [pair(GIVEN, serves), reply, 1, 0, 0, FOREVER],
                ),
                (Call::ProcessExit, [0; 6]),
            ],
        ),
        calls(
            root,
            vec![
                (Call::ProcessKill, [client.handle, 1, 0, 0, 0, 0]),
                (Call::Wait, [own, FOREVER, 0, 0, 0, 0]),
            ],
        ),
    ];
    World { sim, menus }
}

#[test]
fn a_client_and_a_server() {
    let states = explore(client_and_server, depth(7, 9));
    assert!(states > 300, "{states} states");
    println!("{states} states");
}

/// Two threads of one process and a third of another, which wait on queues with a deadline, ring a bell
/// and hand its handle over, and end.
fn bells_and_deadlines() -> World {
    let mut sim = small(2);
    let root = sim.root;
    let (a, b) = sim.channel(root, 2, 8);
    let other = sim.spawn_with(child(), b);
    let (second, second_handle) = sim.thread(root);
    let bell = sim.ok(root, Call::DoorbellCreate, &[]);
    let queue = sim.queue(root);
    sim.attach(root, queue, bell, 1);
    sim.attach(root, queue, a, 2);
    sim.bring(other.thread);
    let theirs = sim.queue(other.thread);
    sim.attach(other.thread, theirs, GIVEN, 3);
    let soon = sim.now() as usize + 1000;
    let with_handle = info(MessageKind::OneWay, 0, 1);
    let plain = info(MessageKind::OneWay, 8, 0);
    let menus = vec![
        calls(
            root,
            vec![
                (Call::DoorbellRing, [bell, 0, 0, 0, 0, 0]),
                (Call::Send, [a, with_handle, 0, bell, 0, 0]),
                (Call::Wait, [queue, soon, 0, 0, 0, 0]),
                (Call::HandleClose, [second_handle, 0, 0, 0, 0, 0]),
            ],
        ),
        calls(
            second,
            vec![
                (Call::Wait, [queue, FOREVER, 0, 0, 0, 0]),
                (Call::QueueDetach, [bell, 0, 0, 0, 0, 0]),
                (Call::ThreadExit, [0; 6]),
            ],
        ),
        calls(
            other.thread,
            vec![
                (Call::Wait, [theirs, FOREVER, 0, 0, 0, 0]),
                (Call::Send, [GIVEN, plain, 0, 0, 0, 0]),
                (Call::HandleClose, [theirs, 0, 0, 0, 0, 0]),
                (Call::ProcessExit, [0; 6]),
            ],
        ),
    ];
    World { sim, menus }
}

#[test]
fn two_threads_a_bell_and_a_deadline() {
    let states = explore(bells_and_deadlines, depth(7, 9));
    assert!(states > 300, "{states} states");
    println!("{states} states");
}

/// Two channels between two processes: each end is sent through the other channel, through itself, and
/// closed, in every order.
fn channels_in_channels() -> World {
    let mut sim = small(2);
    let root = sim.root;
    let (a, b) = sim.channel(root, 1, 0);
    let (c, d) = sim.channel(root, 1, 0);
    let queue = sim.queue(root);
    sim.attach(root, queue, c, 1);
    let (second, _) = sim.thread(root);
    let carry = info(MessageKind::OneWay, 0, 1);
    let menus = vec![
        calls(
            root,
            vec![
                (Call::Send, [a, carry, 0, d, 0, 0]),
                (Call::Send, [a, carry, 0, b, 0, 0]),
                (Call::Send, [a, carry, 0, a, 0, 0]),
                (Call::HandleClose, [a, 0, 0, 0, 0, 0]),
            ],
        ),
        calls(
            second,
            vec![
                (Call::Send, [c, carry, 0, b, 0, 0]),
                (Call::Send, [d, carry, 0, c, 0, 0]),
                (Call::QueueAttach, [queue, b, 2, 0, 0, 0]),
                (Call::Wait, [queue, 0, 0, 0, 0, 0]),
                (Call::HandleClose, [b, 0, 0, 0, 0, 0]),
                (Call::HandleClose, [d, 0, 0, 0, 0, 0]),
            ],
        ),
    ];
    let world = World { sim, menus };
    let holds = |handle: usize| matches!(world.sim.object(root, handle), Object::Channel(..));
    assert!([a, b, c, d].into_iter().all(holds));
    world
}

#[test]
fn channels_sent_through_each_other_and_themselves() {
    let states = explore(channels_in_channels, depth(6, 12));
    assert!(states > 100, "{states} states");
    println!("{states} states");
}

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

use abi::{Call, MessageKind, ProcessParams};
use kernel::memory::Id;
use kernel::object::{Object, Thread, ThreadState};

use crate::common::{Sim, info, invariants, pair, params};

const FOREVER: usize = abi::call::FOREVER;

/// One entry into the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Whoever is on this CPU makes one of its calls.
    Call(usize, usize),
    /// The CPU enters for another reason: an interrupt, or its idle loop.
    Interrupt(usize),
    /// Time goes on to the next timer, which fires.
    Timer,
}

/// A call with its arguments.
type CallOf = (Call, [usize; 6]);

/// A system in its first state, and what each of its threads may do.
struct World {
    sim: Sim,
    menus: Vec<(Id<Thread>, Vec<CallOf>)>,
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
                    let menu = self.menus.iter().find(|(of, _)| *of == thread);
                    let count = menu.map_or(0, |(_, menu)| menu.len());
                    steps.extend((0..count).map(|which| Step::Call(cpu, which)));
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
            Step::Call(cpu, which) => {
                let thread = self.sim.kernel.current(cpu);
                let menu = self.menus.iter().find(|(of, _)| *of == thread);
                let (call, arguments) = menu.expect("only those with a menu call").1[which];
                self.sim.call_on(cpu, call as usize, &arguments);
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
        (
            kernel.folios.len(),
            kernel.mappings.len(),
            kernel.has_garbage(),
        )
            .hash(&mut hash);
        hash.finish()
    }
}

/// Explores a system to a depth. Returns how many states there are.
fn explore(build: fn() -> World, depth: usize) -> usize {
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
fn depth(short: usize, long: usize) -> usize {
    match std::env::var_os("FTL_LONG") {
        Some(_) => long,
        None => short,
    }
}

fn small(cpus: usize) -> Sim {
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

fn child() -> ProcessParams {
    ProcessParams {
        heap_len: 0,
        cpu_share_percent: 100,
        ..params("child")
    }
}

/// The first handle that a child has: what it was given.
const GIVEN: usize = 1 << 16;

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
        (
            client.thread,
            vec![
                (Call::Send, [GIVEN, one_way, 0, 0, 0, 0]),
                (Call::Call, [GIVEN, request, 1, 0, 0, FOREVER]),
                (Call::Wait, [theirs, FOREVER, 0, 0, 0, 0]),
                (Call::HandleClose, [GIVEN, 0, 0, 0, 0, 0]),
            ],
        ),
        (
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
        (
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
    let states = explore(client_and_server, depth(7, 14));
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
        (
            root,
            vec![
                (Call::DoorbellRing, [bell, 0, 0, 0, 0, 0]),
                (Call::Send, [a, with_handle, 0, bell, 0, 0]),
                (Call::Wait, [queue, soon, 0, 0, 0, 0]),
                (Call::HandleClose, [second_handle, 0, 0, 0, 0, 0]),
            ],
        ),
        (
            second,
            vec![
                (Call::Wait, [queue, FOREVER, 0, 0, 0, 0]),
                (Call::QueueDetach, [bell, 0, 0, 0, 0, 0]),
                (Call::ThreadExit, [0; 6]),
            ],
        ),
        (
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
    let states = explore(bells_and_deadlines, depth(7, 12));
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
        (
            root,
            vec![
                (Call::Send, [a, carry, 0, d, 0, 0]),
                (Call::Send, [a, carry, 0, b, 0, 0]),
                (Call::Send, [a, carry, 0, a, 0, 0]),
                (Call::HandleClose, [a, 0, 0, 0, 0, 0]),
            ],
        ),
        (
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

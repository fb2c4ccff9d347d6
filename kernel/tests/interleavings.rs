//! Every order in which several CPUs can do what they do at the same time, tried by `loom` (and for more CPUs than it
//! can do, random ones by `shuttle`): the kernel's lock itself, and what is touched without it.
//!
//! What is under the lock needs no model: the lock makes it one thing after the other, and `logic/` explores
//! that. Without the lock a CPU touches
//!
//! - the registers of the thread that it runs, in the thread's context: saved on the way in, before the lock is taken
//!   (`arch/*/entry.rs`) or at the first floating-point instruction, and loaded on the way out, after the lock was
//!   released. So a thread that goes on elsewhere must find all that was written;
//! - its sleep: between the release of the lock and `wfi` work may come for it, and the interrupt that tells it
//!   so must not be lost;
//! - the word that says that somebody reports the end of the kernel.
//!
//! The CPU's own block is nobody else's, and the console's place is written once, at boot.
//!
//! A CPU that waits looks at the lock's words [`relax`](Word::relax)ing in between; here that lets other threads go on.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use abi::Call;
use kernel::crash::is_first;
use kernel::idle::{IdleCpu, idle};
use kernel::kernel::{Exit, Kernel};
use kernel::lock::{Lock, Word};
use kernel::memory::Id;
use kernel::object::Thread;
use loom::cell::UnsafeCell;
use loom::sync::atomic::AtomicU32;

#[path = "logic/common/mod.rs"]
#[allow(dead_code)] // `logic` uses all of it.
mod common;

/// A word of the model.
struct Modelled(AtomicU32);

impl Word for Modelled {
    fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }
    fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.0.swap(value, order)
    }
    fn fetch_or(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_or(value, order)
    }
    fn fetch_and(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_and(value, order)
    }
    fn compare_exchange_weak(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.0.compare_exchange_weak(current, new, success, failure)
    }
    fn relax(&self) {
        loom::thread::yield_now();
    }
}

/// A lock around a value.
fn lock<T>(value: T) -> Arc<Lock<T, Modelled>> {
    let word = || Modelled(AtomicU32::new(0));
    let lock = Lock::of_words(word(), word());
    // SAFETY: once, before anybody else has the lock.
    unsafe { lock.set(value) };
    Arc::new(lock)
}

/// Does something with the value, as one CPU, between taking the lock and releasing it.
fn with<T, R>(lock: &Lock<T, Modelled>, cpu: usize, act: impl FnOnce(&mut T) -> R) -> R {
    // SAFETY: the value was set, and is not used after the release.
    unsafe {
        let result = act(lock.acquire(cpu));
        lock.release();
        result
    }
}

/// Tries every order, in which at most so many threads are interrupted.
fn model(preemptions: usize, run: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check(run);
}

/// So many CPUs take the lock so often each. `loom` fails if two are inside at once, if one does not see what
/// the other has written, and if one is left out for ever.
fn check_lock(cpus: usize, turns: usize, preemptions: usize) {
    model(preemptions, move || {
        let lock = lock(UnsafeCell::new(0));
        let threads: Vec<_> = (1..cpus)
            .map(|cpu| {
                let lock = lock.clone();
                loom::thread::spawn(move || take_turns(&lock, cpu, turns))
            })
            .collect();
        take_turns(&lock, 0, turns);
        for thread in threads {
            thread.join().unwrap();
        }
        // SAFETY: as in `take_turns`.
        let all = with(&lock, 0, |count| count.with(|count| unsafe { *count }));
        assert_eq!(all, cpus * turns);
    });
}

fn take_turns(lock: &Lock<UnsafeCell<usize>, Modelled>, cpu: usize, turns: usize) {
    for _ in 0..turns {
        with(lock, cpu, |count| {
            // SAFETY: the lock is held; `loom` checks that nobody else is here.
            count.with_mut(|count| unsafe { *count += 1 });
        });
    }
}

#[test]
fn two_cpus_are_never_inside_at_once() {
    check_lock(2, 3, 3);
}

/// A word for the random orders below.
struct Shuffled(shuttle::sync::atomic::AtomicU32);

impl Word for Shuffled {
    fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }
    fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.0.swap(value, order)
    }
    fn fetch_or(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_or(value, order)
    }
    fn fetch_and(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_and(value, order)
    }
    fn compare_exchange_weak(
        &self,
        current: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.0.compare_exchange_weak(current, new, success, failure)
    }
    fn relax(&self) {
        shuttle::thread::yield_now();
    }
}

/// With more CPUs, two that wait can look in turn for ever while the third does not run, so orders cannot all be
/// tried. Random ones are; none of them leaves a CPU out.
#[test]
fn nor_are_four() {
    let times = trials::cases(500).cases as usize;
    shuttle::check_random(
        || {
            let word = || Shuffled(shuttle::sync::atomic::AtomicU32::new(0));
            let lock = Lock::of_words(word(), word());
            // SAFETY: once, before anybody else has the lock.
            unsafe { lock.set((false, 0)) };
            let lock = Arc::new(lock);
            let threads: Vec<_> = (0..4)
                .map(|cpu| {
                    let lock = lock.clone();
                    shuttle::thread::spawn(move || {
                        for _ in 0..3 {
                            // SAFETY: the value was set, and is not used after the release.
                            unsafe {
                                let (inside, count) = lock.acquire(cpu);
                                assert!(!*inside, "two are inside");
                                *inside = true;
                                shuttle::thread::yield_now();
                                *inside = false;
                                *count += 1;
                                lock.release();
                            }
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            // SAFETY: as above.
            let (_, count) = unsafe { lock.acquire(0) };
            assert_eq!(*count, 4 * 3);
        },
        times,
    );
}

/// Bytes of a modelled CPU's stack: the kernel's own code runs on it.
const STACK_LEN: usize = 4 << 20;

/// The machine of these models: the whole kernel behind its lock, and what CPUs touch without it.
struct Machine {
    kernel: Lock<Kernel, Modelled>,
    /// For each CPU whether an interrupt is pending: until it is taken, whether the CPU sleeps already or not.
    pending: Vec<(loom::sync::Mutex<bool>, loom::sync::Condvar)>,
    /// The registers of each thread that is not on a CPU, by its number: `loom` fails if one CPU reads or writes them
    /// without being sure of what another one has done there.
    registers: Vec<UnsafeCell<u64>>,
    /// How far each thread has come.
    steps: Mutex<HashMap<u32, usize>>,
}

// SAFETY: the models' threads run one at a time, and `loom` checks what they do with the registers.
unsafe impl Sync for Machine {}

/// A CPU of it. What assembly does on the real ones it does in the same order.
struct Cpu {
    machine: Arc<Machine>,
    index: usize,
}

impl Machine {
    /// The machine of a system that was made beforehand.
    fn of(sim: common::Sim) -> Arc<Machine> {
        let cpus = sim.cpus();
        let threads = sim.kernel.threads.capacity() as usize;
        let word = || Modelled(AtomicU32::new(0));
        let kernel = Lock::of_words(word(), word());
        // SAFETY: once, before anybody else has the lock.
        unsafe { kernel.set(sim.kernel) };
        Arc::new(Machine {
            kernel,
            pending: (0..cpus).map(|_| Default::default()).collect(),
            registers: (0..threads).map(|_| UnsafeCell::new(0)).collect(),
            steps: Mutex::default(),
        })
    }

    fn cpu(self: &Arc<Machine>, index: usize) -> Cpu {
        Cpu {
            machine: self.clone(),
            index,
        }
    }
}

impl Cpu {
    /// The kernel has interrupted other CPUs: they hear of it, which needs no lock.
    fn deliver(&self, kernel: &Kernel) {
        for (cpu, (pending, wakes)) in self.machine.pending.iter().enumerate() {
            if kernel.memory.machine.take_interrupted(cpu) {
                *pending.lock().unwrap() = true;
                wakes.notify_one();
            }
        }
    }

    fn take_interrupt(&self) -> bool {
        std::mem::take(&mut *self.machine.pending[self.index].0.lock().unwrap())
    }

    fn save(&self, number: u32, value: u64) {
        let registers = &self.machine.registers[number as usize];
        // SAFETY: the thread is on this CPU; `loom` checks it.
        registers.with_mut(|registers| unsafe { *registers = value });
    }

    fn load(&self, number: u32) -> u64 {
        let registers = &self.machine.registers[number as usize];
        // SAFETY: as in `save`.
        registers.with(|registers| unsafe { *registers })
    }

    /// A call of the thread that is on this CPU: into the kernel, and out of it, perhaps to another thread,
    /// whose number this returns, or none. Before it another interrupt that is pending is seen to.
    fn call(&self, call: Call, arguments: &[usize]) -> Option<u32> {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        // SAFETY: released below, after which `kernel` is not used.
        let kernel = unsafe { self.machine.kernel.acquire(self.index) };
        kernel.memory.machine.set_current_cpu(self.index);
        let caller = kernel.current(self.index);
        let caller = kernel.threads.number(caller).expect("it runs");
        let exit = kernel.syscall(self.index, call as usize, all);
        let next = match exit {
            Exit::Value(_) => Some(caller),
            Exit::Run(thread) => kernel.threads.number(thread),
            Exit::Idle => {
                kernel.arm_timer(self.index);
                None
            }
        };
        if next != Some(caller) {
            // What another thread's going on makes necessary is stored while the lock is held still.
            self.save(caller, LEFT_WITH + u64::from(caller));
        }
        self.deliver(kernel);
        // SAFETY: acquired above.
        unsafe { self.machine.kernel.release() };
        if let Some(next) = next.filter(|&next| next != caller) {
            self.found(next);
        }
        next
    }

    /// A thread goes on here: with what it left with, if it ran before.
    fn found(&self, number: u32) {
        let registers = self.load(number);
        assert!([0, LEFT_WITH + u64::from(number)].contains(&registers));
        self.save(number, IN_USE);
    }

    /// Idles until there is a thread.
    fn idle(&mut self) -> u32 {
        let machine = self.machine.clone();
        let number = idle(&machine.kernel, self.index, self);
        self.found(number);
        number
    }
}

/// What is in a thread's registers once it has left a CPU, with its number added, and while it is on one.
const LEFT_WITH: u64 = 1 << 32;
const IN_USE: u64 = 1;

impl IdleCpu for Cpu {
    type Ready = u32;
    fn wake(&mut self, kernel: &mut Kernel) {
        kernel.memory.machine.set_current_cpu(self.index);
    }
    fn handle_pending(&mut self, kernel: &mut Kernel) {
        if self.take_interrupt() {
            kernel.let_go_of_space(self.index);
        }
    }
    fn prepare(&mut self, kernel: &mut Kernel, thread: Id<Thread>) -> u32 {
        self.deliver(kernel);
        kernel.threads.number(thread).expect("it runs")
    }
    fn rest(&mut self, kernel: &mut Kernel) {
        self.deliver(kernel);
    }
    fn sleep(&mut self) {
        let (pending, wakes) = &self.machine.pending[self.index];
        let mut pending = pending.lock().unwrap();
        while !*pending {
            pending = wakes.wait(pending).unwrap();
        }
    }
}

/// Runs one CPU, on a stack that is large enough.
fn on_cpu(run: impl FnOnce() + Send + 'static) -> loom::thread::JoinHandle<()> {
    let builder = loom::thread::Builder::new().stack_size(STACK_LEN / size_of::<usize>());
    builder.spawn(run).expect("there is memory for its stack")
}

/// What a thread does, as calls with their arguments. A CPU whose thread has done all of it stops.
type Program = Vec<(Call, Vec<usize>)>;

/// A system in its first state, what its root thread does, and what any other one does.
struct System {
    sim: common::Sim,
    root: Program,
    others: Program,
}

impl Cpu {
    /// Lives until a thread has come to its end here. `current` is the thread that is on this CPU now, if one is.
    fn live(mut self, current: Option<u32>, root: u32, programs: &[Program; 2]) {
        let mut current = current;
        loop {
            let number = match current {
                Some(number) => number,
                None => self.idle(),
            };
            let program = &programs[usize::from(number != root)];
            let step = {
                // No lock of the model: a thread is on one CPU at a time.
                let mut steps = self.machine.steps.lock().unwrap();
                let step = steps.entry(number).or_insert(0);
                *step += 1;
                *step - 1
            };
            let Some((call, arguments)) = program.get(step) else {
                return;
            };
            current = self.call(*call, arguments);
        }
    }
}

/// Tries every order of what two CPUs do with a system, the first of which runs its root at the beginning, while
/// the second one has nothing to do. Each has to come to a thread's end: `loom` reports one that sleeps for ever.
fn machine_model(preemptions: usize, build: fn() -> System) {
    model(preemptions, move || {
        let run = move || {
            let system = build();
            let root = system.sim.root;
            let root = system.sim.kernel.threads.number(root).expect("it lives");
            assert_eq!(system.sim.cpu_of(system.sim.root), Some(0));
            assert_eq!(system.sim.kernel.cpus[1].current, None);
            let programs = Arc::new([system.root, system.others]);
            let machine = Machine::of(system.sim);
            let (first, second) = (machine.cpu(0), machine.cpu(1));
            let other = {
                let programs = programs.clone();
                on_cpu(move || second.live(None, root, &programs))
            };
            first.live(Some(root), root, &programs);
            other.join().unwrap();
        };
        on_cpu(run).join().unwrap();
    });
}

/// Two processes on two CPUs, and a channel between them. The second one waits for messages, so its CPU has nothing to do.
fn a_sender_and_a_sleeper() -> System {
    let mut sim = common::Sim::with_memory(2, 4 << 20);
    sim.checked = false;
    let root = sim.root;
    let (a, b) = sim.channel(root, 4, 8);
    let other = sim.spawn_with(common::params("sleeper"), b);
    sim.bring(other.thread);
    let queue = sim.queue(other.thread);
    sim.attach(other.thread, queue, 1 << 16, 1);
    let wait = (Call::Wait, vec![queue, abi::call::FOREVER]);
    sim.blocks(other.thread, wait.0, &wait.1);
    sim.settle();
    let info = common::info(abi::MessageKind::OneWay, 8, 0);
    let send = (Call::Send, vec![a, info, 0]);
    System {
        sim,
        root: vec![send.clone(), send],
        others: vec![wait],
    }
}

/// A CPU that finds nothing to do says so under the lock, releases it, and sleeps; another one that has work
/// for it interrupts it. What is sent while it works, or looks for work, is found, too.
#[test]
fn no_work_is_left_to_a_cpu_that_sleeps() {
    machine_model(2, a_sender_and_a_sleeper);
}

/// A thread that starts another one and waits for a bell, which that one rings.
fn a_waiter_and_a_ringer() -> System {
    let mut sim = common::Sim::with_memory(2, 4 << 20);
    sim.checked = false;
    let root = sim.root;
    let bell = sim.ok(root, Call::DoorbellCreate, &[]);
    let queue = sim.queue(root);
    sim.attach(root, queue, bell, 1);
    System {
        sim,
        root: vec![
            (Call::ThreadCreate, vec![0x1000, 0, 16384]),
            (Call::Wait, vec![queue, abi::call::FOREVER]),
        ],
        others: vec![(Call::DoorbellRing, vec![bell])],
    }
}

/// A thread's registers are written without the lock by the CPU that it leaves, and read without the lock by the
/// one that it goes on on, which is where the kernel's own scheduler puts it.
#[test]
fn a_thread_finds_its_registers_on_another_cpu() {
    machine_model(2, a_waiter_and_a_ringer);
}

/// Of several CPUs that fail at once, one reports.
#[test]
fn one_cpu_reports_the_end() {
    model(3, || {
        let reporting = Arc::new(Modelled(AtomicU32::new(0)));
        let other = {
            let reporting = reporting.clone();
            loom::thread::spawn(move || is_first(&*reporting))
        };
        let here = is_first(&*reporting);
        assert!(here != other.join().unwrap());
    });
}

//! A kernel on the simulated machine, and tests in the place of components.
//!
//! A test decides what each thread does next, by issuing calls as the thread that is on a CPU.
//! After every entry into the kernel all invariants are checked ([`invariants::check`]), so a
//! test fails at the entry that did the damage and not where it is noticed.

pub mod ends;
pub mod invariants;

use abi::{Call, Error, EventKind, Handle, MessageInfo, MessageKind, Name, ProcessParams, Rights};
use kernel::arch::Machine;
use kernel::kernel::{Exit, Kernel};
use kernel::memory::Id;
use kernel::object::{LoadStage, Object, Process, Thread, ThreadState};

/// What a call came to, as the thread sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It answered.
    Done([usize; 6]),
    /// The thread waits.
    Blocked,
    /// The thread is no more.
    Gone,
}

/// A kernel with its CPUs.
pub struct Sim {
    /// The kernel.
    pub kernel: Kernel,
    /// Whether idle CPUs work garbage off between two calls.
    pub eager: bool,
    /// Whether all invariants are checked after each entry.
    pub checked: bool,
    /// The first process's thread.
    pub root: Id<Thread>,
    /// Its handle to the system.
    pub system: usize,
    /// Entries into the kernel so far.
    pub entries: usize,
}

/// A process that the root made.
#[derive(Clone, Copy)]
pub struct Child {
    /// The process.
    #[allow(dead_code)] // For tests of what a process is charged.
    pub process: Id<Process>,
    /// Its first thread.
    pub thread: Id<Thread>,
    /// The root's handle to it.
    pub handle: usize,
}

/// An event, taken apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its kind.
    pub kind: EventKind,
    /// Its source's key.
    pub key: usize,
    /// A message's header, or a count or status.
    pub data: usize,
    /// A message's transaction.
    pub transaction: usize,
    /// A message's handles.
    pub handles: [usize; 4],
}

/// Ordinary parameters of a process.
pub fn params(name: &str) -> ProcessParams {
    ProcessParams {
        name: Name::new(name),
        isolation: 1,
        priority: 3,
        memory_pages_max: 1 << 20,
        handles_max: 16384,
        threads_max: 8,
        heap_len: 8192,
        stack_len: 16384,
        cpu_share_percent: 90,
        messages_max: 1 << 20,
    }
}

/// A message's header.
pub fn info(kind: MessageKind, len: usize, handles: usize) -> usize {
    MessageInfo::new(kind, 7, len, handles).bits() as usize
}

/// Takes an event apart.
pub fn event(results: [usize; 6]) -> Event {
    let (a, b) = abi::unpack_handles(results[4]);
    let (c, d) = abi::unpack_handles(results[5]);
    Event {
        kind: EventKind::from_register(results[0])
            .unwrap_or_else(|| panic!("no event: {:?}", Error::from_register(results[0]))),
        key: results[1],
        data: results[2],
        transaction: results[3],
        handles: [a, b, c, d].map(|handle| handle.raw() as usize),
    }
}

/// Two handles in one register.
pub fn pair(first: usize, second: usize) -> usize {
    first | second << 32
}

impl Sim {
    /// So many CPUs and 32 MiB.
    pub fn new(cpus: usize) -> Sim {
        Sim::with_memory(cpus, 32 << 20)
    }

    /// So many CPUs and bytes.
    pub fn with_memory(cpus: usize, len: usize) -> Sim {
        Sim::with_root(
            cpus,
            len,
            ProcessParams {
                priority: 3,
                ..params("root")
            },
        )
    }

    /// The same with a first process of one's own choice.
    pub fn with_root(cpus: usize, len: usize, params: ProcessParams) -> Sim {
        let (machine, frames) = Machine::new(len);
        // So that no moment is 0, which stands for "never" and "none" in places.
        machine.advance_to(1000);
        let mut kernel = Kernel::new(machine, frames, Some([7; 32])).expect("enough memory");
        for cpu in 0..cpus {
            kernel.cpu_online(cpu);
            kernel.memory.machine.set_current_cpu(cpu);
            assert_eq!(kernel.idle_step(cpu), Exit::Idle);
            kernel.arm_timer(cpu);
        }
        let process = kernel.process_create(&params).expect("enough memory");
        kernel.init = Some(process);
        kernel.processes[process].load.stage = LoadStage::Done;
        let first = kernel.prepare_start(process).expect("enough memory");
        let root = first.thread;
        let system = kernel
            .add_handle(process, Object::System, Rights::ALL)
            .expect("enough memory");
        kernel.memory.machine.set_current_cpu(0);
        kernel.process_start(process, first, Handle::NONE, Default::default(), 0);
        let mut sim = Sim {
            kernel,
            eager: true,
            checked: true,
            root,
            system: system.raw() as usize,
            entries: 0,
        };
        let exit = sim.kernel.idle_step(0);
        sim.left(0, exit);
        sim.settle();
        sim
    }

    /// How many CPUs there are.
    pub fn cpus(&self) -> usize {
        self.kernel.cpu_count
    }

    /// Makes a process with one thread, which is runnable.
    pub fn spawn(&mut self, params: ProcessParams) -> Child {
        self.spawn_with(params, 0)
    }

    /// The same, with a handle of the root's that is moved to it.
    pub fn spawn_with(&mut self, params: ProcessParams, bootstrap: usize) -> Child {
        let (process, handle) = self.create(params);
        self.ok(self.root, Call::ProcessStart, &[handle, bootstrap]);
        let thread = self.kernel.processes[process]
            .threads
            .expect("it was started");
        Child {
            process,
            thread,
            handle,
        }
    }

    /// A process as if another thread than the root had made it, so that the root may wait.
    #[allow(dead_code)] // As above.
    pub fn spawn_by(&mut self, thread: Id<Thread>, params: ProcessParams) -> Id<Thread> {
        let cpu = self.cpu_of(thread).expect("it runs");
        let process = self.kernel.process_create(&params).expect("memory");
        self.kernel.processes[process].load.stage = LoadStage::Done;
        let first = self.kernel.prepare_start(process).expect("memory");
        let root = self.kernel.threads[self.root].process;
        let handle = Object::Process(process);
        self.kernel
            .add_handle(root, handle, Rights::ALL)
            .expect("memory");
        let started = first.thread;
        self.kernel.memory.machine.set_current_cpu(cpu);
        self.kernel
            .process_start(process, first, Handle::NONE, Default::default(), cpu);
        self.interrupt(cpu, false);
        self.settle();
        started
    }

    /// Makes a process that could be started.
    pub fn create(&mut self, params: ProcessParams) -> (Id<Process>, usize) {
        self.set_params(self.root, params);
        let handle = self.ok(self.root, Call::ProcessCreate, &[self.system]);
        let Object::Process(process) = self.object(self.root, handle) else {
            panic!("a process was made")
        };
        self.kernel.processes[process].load.stage = LoadStage::Done;
        (process, handle)
    }

    /// Writes parameters into a thread's send page.
    pub fn set_params(&mut self, thread: Id<Thread>, params: ProcessParams) {
        let page = self.kernel.threads[thread].send_page();
        // SAFETY: the page is a whole one, and only this test's one thread uses it.
        unsafe {
            self.kernel
                .memory
                .machine
                .memory(page)
                .cast::<ProcessParams>()
                .write(params)
        };
    }

    /// What a thread's handle refers to.
    pub fn object(&self, thread: Id<Thread>, handle: usize) -> Object {
        let process = self.kernel.threads[thread].process;
        let handle = Handle::from_raw(handle as u32);
        self.kernel
            .lookup(process, handle, Rights::NONE)
            .expect("the handle is good")
            .object
    }

    /// Another thread of a thread's process.
    pub fn thread(&mut self, of: Id<Thread>) -> (Id<Thread>, usize) {
        let handle = self.ok(of, Call::ThreadCreate, &[0x1000, 0, 16384]);
        match self.object(of, handle) {
            Object::Thread(id) => (id, handle),
            other => panic!("{other:?} is no thread"),
        }
    }

    /// On which CPU a thread is.
    pub fn cpu_of(&self, thread: Id<Thread>) -> Option<usize> {
        (0..self.cpus()).find(|&cpu| self.kernel.cpus[cpu].current == Some(thread))
    }

    /// Brings a ready thread onto its CPU, by letting others of its priority yield.
    #[allow(dead_code)] // As above.
    pub fn bring(&mut self, thread: Id<Thread>) {
        for _ in 0..1000 {
            if self.cpu_of(thread).is_some() {
                return;
            }
            let state = self.kernel.threads[thread].state;
            assert_eq!(state, ThreadState::Ready, "{thread:?} cannot run");
            let cpu = self.kernel.threads[thread].cpu as usize;
            let other = self.kernel.cpus[cpu].current.expect("else it would run");
            self.call(other, Call::Yield, &[]);
        }
        panic!("{thread:?} never gets a CPU");
    }

    /// A call by a thread that is on a CPU.
    pub fn call(&mut self, thread: Id<Thread>, call: Call, arguments: &[usize]) -> Outcome {
        self.raw_call(thread, call as usize, arguments)
    }

    /// The same with any number.
    pub fn raw_call(&mut self, thread: Id<Thread>, number: usize, arguments: &[usize]) -> Outcome {
        let cpu = self.cpu_of(thread).unwrap_or_else(|| {
            let state = self.kernel.threads.get(thread).map(|thread| thread.state);
            panic!("{thread:?} is on no CPU but {state:?}")
        });
        let outcome = self.call_on(cpu, number, arguments);
        self.settle();
        outcome
    }

    /// A call by whoever is on this CPU, and nothing after it.
    pub fn call_on(&mut self, cpu: usize, number: usize, arguments: &[usize]) -> Outcome {
        let thread = self.kernel.current(cpu);
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        self.kernel.memory.machine.set_current_cpu(cpu);
        let exit = self.kernel.syscall(cpu, number, all);
        let outcome = match exit {
            Exit::Value(value) => {
                assert_eq!(self.kernel.cpus[cpu].current, Some(thread));
                Outcome::Done([value, 0, 0, 0, 0, 0])
            }
            Exit::Run(_) | Exit::Idle => match self.kernel.threads.get(thread) {
                None => Outcome::Gone,
                Some(node) => match node.state {
                    ThreadState::Dead => Outcome::Gone,
                    ThreadState::Waiting(_) | ThreadState::Calling(..) => Outcome::Blocked,
                    ThreadState::Ready | ThreadState::Running => {
                        Outcome::Done(node.context.results)
                    }
                    ThreadState::New => panic!("a new thread has called"),
                },
            },
        };
        self.left(cpu, exit);
        outcome
    }

    /// A CPU has left the kernel: what the architecture does then.
    pub fn left(&mut self, cpu: usize, exit: Exit) {
        match exit {
            Exit::Value(_) => {}
            Exit::Run(thread) => {
                assert_eq!(self.kernel.cpus[cpu].current, Some(thread));
                let node = &self.kernel.threads[thread];
                assert_eq!(node.state, ThreadState::Running, "{thread:?} goes on");
                if let Some(space) = node.space {
                    self.kernel.cpus[cpu].active_space = Some(space);
                }
            }
            Exit::Idle => {
                assert_eq!(self.kernel.cpus[cpu].current, None);
                self.kernel.arm_timer(cpu);
            }
        }
        self.entries += 1;
        if self.checked {
            invariants::check(&self.kernel);
        }
    }

    /// A CPU enters because of an interrupt, or goes round its idle loop.
    pub fn interrupt(&mut self, cpu: usize, timer: bool) {
        self.kernel.memory.machine.set_current_cpu(cpu);
        if self.kernel.memory.machine.take_interrupted(cpu) {
            self.kernel.let_go_of_space(cpu);
        }
        if timer {
            self.kernel.memory.machine.clear_timer(cpu);
            self.kernel.timer_interrupt(cpu);
        }
        let exit = match self.kernel.cpus[cpu].current {
            Some(_) => self.kernel.leave(cpu),
            None => self.kernel.idle_step(cpu),
        };
        self.left(cpu, exit);
    }

    /// Lets all CPUs answer interrupts, and idle ones work, until nothing is left to do.
    pub fn settle(&mut self) {
        for _ in 0..2_000_000 {
            let interrupted =
                (0..self.cpus()).find(|&cpu| self.kernel.memory.machine.is_interrupted(cpu));
            let idle = || (0..self.cpus()).find(|&cpu| self.kernel.cpus[cpu].current.is_none());
            let worker = || {
                (self.eager && self.kernel.has_garbage())
                    .then(idle)
                    .flatten()
            };
            match interrupted.or_else(worker) {
                Some(cpu) => self.interrupt(cpu, false),
                None => return,
            }
        }
        panic!("there is no end to it");
    }

    /// Lets a CPU enter the kernel until there is no garbage. Returns how often.
    pub fn collect(&mut self) -> usize {
        let before = self.entries;
        while self.kernel.has_garbage() {
            self.interrupt(0, false);
            self.settle();
        }
        self.entries - before
    }

    /// Moves the clock, and lets timers fire on the way.
    pub fn advance(&mut self, ticks: u64) {
        let end = self.now() + ticks;
        while let Some((at, cpu)) = self.kernel.memory.machine.next_timer()
            && at <= end
        {
            let at = at.max(self.now());
            self.kernel.memory.machine.advance_to(at);
            self.interrupt(cpu, true);
            self.settle();
        }
        self.kernel.memory.machine.advance_to(end);
    }

    /// The clock.
    pub fn now(&self) -> u64 {
        self.kernel.memory.machine.now()
    }

    /// A call that answers with a value.
    #[track_caller]
    pub fn ok(&mut self, thread: Id<Thread>, call: Call, arguments: &[usize]) -> usize {
        match self.call(thread, call, arguments) {
            Outcome::Done(results) => match Error::from_register(results[0]) {
                Ok(value) => value,
                Err(error) => panic!("{call:?} was refused: {error:?}"),
            },
            other => panic!("{call:?}: {other:?}"),
        }
    }

    /// A call that is refused.
    #[track_caller]
    pub fn refused(&mut self, thread: Id<Thread>, call: Call, arguments: &[usize]) -> Error {
        match self.call(thread, call, arguments) {
            Outcome::Done(results) => match Error::from_register(results[0]) {
                Ok(value) => panic!("{call:?} answered {value:#x}"),
                Err(error) => error,
            },
            other => panic!("{call:?}: {other:?}"),
        }
    }

    /// A call that makes the thread wait.
    #[track_caller]
    pub fn blocks(&mut self, thread: Id<Thread>, call: Call, arguments: &[usize]) {
        assert_eq!(self.call(thread, call, arguments), Outcome::Blocked);
    }

    /// What the call that a thread waited in has answered.
    #[track_caller]
    pub fn results(&self, thread: Id<Thread>) -> [usize; 6] {
        let node = &self.kernel.threads[thread];
        assert!(
            matches!(node.state, ThreadState::Ready | ThreadState::Running),
            "the thread is still {:?}",
            node.state
        );
        node.context.results
    }

    /// The event that a thread waited for and got.
    #[track_caller]
    pub fn woken(&self, thread: Id<Thread>) -> Event {
        event(self.results(thread))
    }

    /// The error that a thread's wait has ended with.
    #[track_caller]
    pub fn woken_by(&self, thread: Id<Thread>) -> Error {
        Error::from_register(self.results(thread)[0]).expect_err("the wait was to fail")
    }

    /// An event that is there already.
    #[track_caller]
    pub fn poll(&mut self, thread: Id<Thread>, queue: usize) -> Option<Event> {
        match self.call(thread, Call::Wait, &[queue, 0]) {
            Outcome::Done(results) if results[0] == Error::TimedOut.to_register() => None,
            Outcome::Done(results) => Some(event(results)),
            other => panic!("{other:?}"),
        }
    }

    /// Two ends of a new channel.
    #[track_caller]
    pub fn channel(&mut self, thread: Id<Thread>, slots: usize, body_max: usize) -> (usize, usize) {
        let packed = self.ok(thread, Call::ChannelCreate, &[slots, body_max]);
        (packed & 0xffff_ffff, packed >> 32)
    }

    /// A new queue.
    #[track_caller]
    pub fn queue(&mut self, thread: Id<Thread>) -> usize {
        self.ok(thread, Call::QueueCreate, &[])
    }

    /// Attaches.
    #[track_caller]
    pub fn attach(&mut self, thread: Id<Thread>, queue: usize, source: usize, key: usize) {
        self.ok(thread, Call::QueueAttach, &[queue, source, key]);
    }

    /// Sends a one-way message with a number as body.
    #[track_caller]
    pub fn send(&mut self, thread: Id<Thread>, channel: usize, number: u64) {
        self.put(thread, number);
        self.ok(
            thread,
            Call::Send,
            &[channel, info(MessageKind::OneWay, 8, 0), 0],
        );
    }

    /// Moves a handle through a channel.
    #[track_caller]
    pub fn give(&mut self, thread: Id<Thread>, channel: usize, handle: usize) {
        let info = info(MessageKind::OneWay, 0, 1);
        self.ok(thread, Call::Send, &[channel, info, 0, handle]);
    }

    /// Writes a number into a thread's send page.
    pub fn put(&mut self, thread: Id<Thread>, number: u64) {
        let page = self.kernel.threads[thread].send_page();
        self.kernel.memory.write_u64(page, number);
    }

    /// The number in a thread's receive page.
    pub fn got(&self, thread: Id<Thread>) -> u64 {
        self.kernel
            .memory
            .read_u64(self.kernel.threads[thread].receive_page())
    }

    /// Touches memory as a thread on a CPU, as far as the kernel takes part in that.
    #[allow(dead_code)] // As above.
    pub fn touch(&mut self, thread: Id<Thread>, address: usize, write: bool) {
        use kernel::fault::Fault;
        let cpu = self.cpu_of(thread).expect("it runs");
        self.kernel.memory.machine.set_current_cpu(cpu);
        let fault = match write {
            true => Fault::Write(address),
            false => Fault::Read(address),
        };
        let exit = self.kernel.fault(cpu, fault);
        self.left(cpu, exit);
        self.settle();
    }

    /// What must be the same after everything that was made is gone.
    pub fn footprint(&self) -> [usize; 14] {
        let kernel = &self.kernel;
        [
            kernel.memory.frames.free_count(),
            kernel.memory.available(),
            kernel.processes.len(),
            kernel.threads.len(),
            kernel.channels.len(),
            kernel.queues.len(),
            kernel.sources.len(),
            kernel.folios.len(),
            kernel.mappings.len(),
            kernel.spaces.len(),
            kernel.timers.len(),
            kernel.doorbells.len(),
            kernel.interrupts.len(),
            kernel.condemned_threads as usize,
        ]
    }
}

//! Runs components on the kernel's real logic, on the developer's own machine (rule 29).
//!
//! A test makes a [`System`]; from then on the test's own thread is a process of it and may use
//! the whole API. [`System::start`] starts a component's `main` as another process, on a thread
//! of the host. Only one of these threads runs at a time, chosen by the kernel's scheduler, and
//! time is virtual: when everybody waits, the clock jumps to the next thing due. So a test is
//! as repeatable as the kernel is, and a time-out of an hour passes at once.
//!
//! ```text
//! let system = testkit::System::new();
//! let pong = system.start("pong", |info| ftl::runtime::run(info, pong::main));
//! // `pong.bootstrap` is the test's end of its bootstrap channel.
//! ```
//!
//! [`System::component`] starts a component with typed channels and settings, as init would.
//!
//! What differs from a machine: components share the host's heap, folios lie in one piece, there
//! are no devices unless a test plays one, and code is not loaded but linked.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use abi::{Call, Error, Handle, Isolation, Name, ProcessParams, Rights, StartInfo};
use kernel::arch::Machine;
use kernel::kernel::{Exit, Kernel};
use kernel::memory::Id;
use kernel::object::{Backing, LoadStage, Object, Process, Thread, ThreadState};

mod command;
mod component;

pub use command::{Done, TestCommand};
pub use component::{Given, Running, pass};

/// Memory of the simulated machine.
const MEMORY_LEN: usize = 64 << 20;
const CPU: usize = 0;

/// A simulated machine with the calling thread as its first process.
pub struct System {
    shared: Arc<Shared>,
    me: Id<Thread>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
}

/// A component that was started.
pub struct Component {
    /// The process, as the test holds it.
    pub process: Handle,
    /// The test's end of the component's bootstrap channel.
    pub bootstrap: Handle,
}

struct Shared {
    state: Mutex<State>,
    turn: Condvar,
}

struct State {
    kernel: Kernel,
    /// Who may run. `None` once the system was taken down.
    running: Option<Id<Thread>>,
    /// Why nobody can run any more.
    stuck: Option<String>,
    /// What is mapped: by whom, where the component sees it, and the address that the kernel gave.
    /// Whoever maps the same folio sees it at the same place, since that is the folio itself.
    mapped: Vec<(Id<Process>, usize, usize)>,
}

/// What a thread unwinds with when its process was ended.
struct Ended;

thread_local! {
    static CURRENT: std::cell::RefCell<Option<(Arc<Shared>, Id<Thread>)>> = const { std::cell::RefCell::new(None) };
    static GONE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl Default for System {
    fn default() -> Self {
        System::new()
    }
}

impl System {
    /// A machine with one CPU. Its random numbers repeat from test to test.
    pub fn new() -> System {
        System::with_seed(1)
    }

    /// A machine whose random numbers come from `seed`.
    pub fn with_seed(seed: u64) -> System {
        let (machine, frames) = Machine::new(MEMORY_LEN);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut kernel = Kernel::new(machine, frames, Some(bytes)).expect("memory is there");
        kernel.cpu_online(CPU);
        let process = new_process(&mut kernel, "test", 0);
        kernel.init = Some(process);
        let me = kernel.new_main_thread(process).expect("memory is there");
        kernel.processes[process].state = abi::ProcessState::Running;
        kernel.run(me, CPU);
        let buffer = kernel.memory.machine.memory(kernel.threads[me].buffer);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                kernel,
                running: Some(me),
                stuck: None,
                mapped: Vec::new(),
            }),
            turn: Condvar::new(),
        });
        enter(&shared, me, buffer);
        let info = leak_info(&shared.lock().kernel, me, Handle::NONE);
        ftl::runtime::adopt(info);
        System {
            shared,
            me,
            threads: Mutex::default(),
        }
    }

    /// Starts a component: `main` gets what the kernel tells a component at its start, and
    /// answers with its status. It runs when the test waits for something.
    pub fn start(
        &self,
        name: &str,
        main: impl FnOnce(&'static StartInfo) -> usize + Send + 'static,
    ) -> Component {
        let (mine, its) =
            ftl::sys::channel_create(64, abi::MESSAGE_LEN_MAX).expect("memory is there");
        let mut state = self.shared.lock();
        let kernel = &mut state.kernel;
        let test = kernel.threads[self.me].process;
        let process = new_process(kernel, name, 4);
        let handle = kernel
            .add_handle(test, Object::Process(process), Rights::ALL)
            .expect("memory is there");
        let thread = kernel.new_main_thread(process).expect("memory is there");
        let entry = kernel.processes[test]
            .handles
            .remove(its)
            .expect("made above");
        let bootstrap = kernel
            .add_handle(process, entry.object, entry.rights)
            .expect("memory is there");
        kernel.processes[process].state = abi::ProcessState::Running;
        kernel.make_ready(thread, CPU);
        let info = leak_info(kernel, thread, bootstrap);
        let buffer = SendPointer(kernel.memory.machine.memory(kernel.threads[thread].buffer));
        drop(state);
        let shared = self.shared.clone();
        let run = move || {
            let buffer = buffer;
            enter(&shared, thread, buffer.0);
            let ended = catch_unwind(AssertUnwindSafe(|| {
                drop(shared.wait_for_turn(shared.lock(), thread));
                main(info)
            }));
            finish(ended);
        };
        let host = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        self.threads
            .lock()
            .expect("no panic under it")
            .push(host.expect("a thread of the host"));
        Component {
            process: handle,
            bootstrap: mine,
        }
    }

    /// What the kernel and the components have logged.
    pub fn log(&self) -> String {
        self.shared.lock().kernel.memory.machine.console()
    }

    /// Looks at, or changes, the kernel's state between two calls.
    pub fn kernel<R>(&self, look: impl FnOnce(&mut Kernel) -> R) -> R {
        look(&mut self.shared.lock().kernel)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        GONE.set(true);
        let mut state = self.shared.lock();
        state.running = None;
        drop(state);
        self.shared.turn.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().expect("no panic under it"));
        for thread in threads {
            let _ = thread.join();
        }
        CURRENT.set(None);
        GONE.set(false);
    }
}

/// Moves a pointer to the thread that it is for.
struct SendPointer(*mut u8);
// SAFETY: the message buffer belongs to the thread that gets it, and to nobody else.
unsafe impl Send for SendPointer {}

fn new_process(kernel: &mut Kernel, name: &str, priority: u32) -> Id<Process> {
    let params = ProcessParams {
        name: Name::new(name),
        isolation: Isolation::Kernel as u32,
        priority,
        memory_pages_max: u32::MAX,
        handles_max: 4096,
        threads_max: 64,
        heap_len: 0,
        stack_len: 64 << 10,
        cpu_share_percent: 100,
        messages_max: 1 << 20,
    };
    let process = kernel.process_create(&params).expect("memory is there");
    kernel.processes[process].load.stage = LoadStage::Done;
    process
}

fn leak_info(kernel: &Kernel, thread: Id<Thread>, bootstrap: Handle) -> &'static StartInfo {
    let process = kernel.threads[thread].process;
    Box::leak(Box::new(StartInfo {
        abi_version: abi::ABI_VERSION,
        isolation: Isolation::Kernel as u32,
        gate: 0,
        message_buffer: kernel.threads[thread].buffer_address,
        heap: 0,
        heap_len: 0,
        image_base: 0,
        ticks_per_second: kernel.memory.machine.ticks_per_second(),
        boot_ticks: 0,
        bootstrap,
        system: Handle::NONE,
        archive: Handle::NONE,
        archive_len: 0,
        log_level: 3,
        memory_len: kernel.statistics.pages_total * abi::PAGE_SIZE as u64,
        name: kernel.processes[process].name,
        random_seed: [7; 32],
    }))
}

/// Makes the calling thread of the host a thread of the system.
fn enter(shared: &Arc<Shared>, thread: Id<Thread>, buffer: *mut u8) {
    CURRENT.set(Some((shared.clone(), thread)));
    // SAFETY: the buffer is the thread's message buffer: two pages that live as long as the
    // thread does in the kernel, which outlives this thread of the host.
    unsafe { ftl::gate::install(gate, buffer) };
    ftl::gate::set_counter(counter);
}

/// A component's `main` has returned or unwound: tells the kernel.
fn finish(ended: Result<usize, Box<dyn Any + Send>>) {
    let outcome = catch_unwind(AssertUnwindSafe(|| match ended {
        Ok(status) => ftl::sys::process_exit(status),
        Err(cause) if cause.is::<Ended>() => {}
        Err(cause) => {
            let text = cause
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| cause.downcast_ref::<&str>().copied())
                .unwrap_or("a panic");
            let len = ftl::buffer::write_send(text.as_bytes());
            ftl::sys::process_panic(len);
        }
    }));
    drop(outcome); // `Ended`: there is nobody to tell.
}

fn counter() -> u64 {
    CURRENT.with_borrow(|current| {
        let Some((shared, _)) = current else { return 0 };
        shared.lock().kernel.memory.machine.now()
    })
}

/// The gate: a call into the kernel's logic, on the host thread that makes it.
fn gate(number: usize, arguments: [usize; 6]) -> [usize; 6] {
    let closed = [Error::Closed.to_register(), 0, 0, 0, 0, 0];
    if GONE.get() {
        return closed; // Destructors of a thread that is being taken down.
    }
    let current = CURRENT.with_borrow(Clone::clone);
    let Some((shared, me)) = current else {
        return closed;
    };
    shared.call(me, number, arguments)
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn call(&self, me: Id<Thread>, number: usize, mut arguments: [usize; 6]) -> [usize; 6] {
        let mut state = self.lock();
        let mut unmapping = None;
        let call = Call::from_number(number);
        let process = state.kernel.threads[me].process;
        match call {
            // On the host a mapping is the folio's own memory, so that has to be in one piece.
            Some(Call::FolioCreate) => arguments[1] |= abi::call::FOLIO_CONTIGUOUS,
            Some(Call::FolioUnmap) => {
                let (who, what) = (process, arguments[0]);
                let wanted = |mapped: &(_, usize, _)| (mapped.0, mapped.1) == (who, what);
                if let Some(at) = state.mapped.iter().position(wanted) {
                    arguments[0] = state.mapped[at].2;
                    unmapping = Some(at);
                }
            }
            _ => {}
        }
        let exit = state.kernel.syscall(CPU, number, arguments);
        match exit {
            // In-kernel components' addresses are "negative", and are no errors for that.
            Exit::Value(value)
                if call == Some(Call::FolioMap) && Error::from_register(value).is_ok() =>
            {
                let pointer = state.pointer_to(process, value);
                state.mapped.push((process, pointer, value));
                [pointer, 0, 0, 0, 0, 0]
            }
            Exit::Value(value) => {
                if let Some(at) = unmapping
                    && Error::from_register(value).is_ok()
                {
                    state.mapped.swap_remove(at);
                }
                [value, 0, 0, 0, 0, 0]
            }
            exit => {
                state.follow(exit);
                self.turn.notify_all();
                let state = self.wait_for_turn(state, me);
                state.kernel.threads[me].context.results
            }
        }
    }

    /// Waits until the kernel's scheduler has chosen this thread.
    fn wait_for_turn<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        me: Id<Thread>,
    ) -> MutexGuard<'a, State> {
        loop {
            let dead = state
                .kernel
                .threads
                .get(me)
                .is_none_or(|thread| thread.state == ThreadState::Dead);
            if state.running.is_none() || dead {
                drop(state);
                GONE.set(true);
                resume_unwind(Box::new(Ended));
            }
            if let Some(why) = state.stuck.clone() {
                // Only the test's own thread reports it; the others are taken down after.
                let is_test =
                    state.kernel.threads[me].process == state.kernel.init.expect("set in `new`");
                drop(state);
                GONE.set(true);
                if is_test {
                    GONE.set(false);
                    panic!("{why}");
                }
                resume_unwind(Box::new(Ended));
            }
            if state.running == Some(me) {
                return state;
            }
            state = self
                .turn
                .wait(state)
                .unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }
}

impl State {
    /// Follows the kernel's decision until somebody can run.
    fn follow(&mut self, mut exit: Exit) {
        loop {
            match exit {
                Exit::Run(thread) => {
                    self.running = Some(thread);
                    return;
                }
                Exit::Value(_) => unreachable!("a value goes to the caller"),
                Exit::Idle => {
                    while self.kernel.has_garbage() {
                        self.kernel.collect_garbage(CPU);
                    }
                    exit = self.kernel.idle_step(CPU);
                    if exit != Exit::Idle {
                        continue;
                    }
                    self.kernel.arm_timer(CPU);
                    let Some((at, cpu)) = self.kernel.memory.machine.next_timer() else {
                        let log = self.kernel.memory.machine.console();
                        self.stuck = Some(format!(
                            "everybody waits and nothing is due; the log:\n{log}"
                        ));
                        return;
                    };
                    let machine = &self.kernel.memory.machine;
                    machine.advance_to(at.max(machine.now()));
                    machine.clear_timer(cpu);
                    exit = self.kernel.interrupt(CPU, true);
                }
            }
        }
    }

    /// Where on the host the memory is that a component sees at an address.
    fn pointer_to(&self, process: Id<Process>, address: usize) -> usize {
        let kernel = &self.kernel;
        let mapping = &kernel.mappings[kernel
            .mapping_at(process, address)
            .expect("mapped just now")];
        let Backing::Block(base) = kernel.folios[mapping.folio].backing else {
            panic!("folios on the host are in one piece")
        };
        let offset = mapping.first_page * abi::PAGE_SIZE + (address - mapping.address);
        kernel.memory.machine.memory(base.offset(offset)) as usize
    }
}

#[cfg(test)]
mod tests;

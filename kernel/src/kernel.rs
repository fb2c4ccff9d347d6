//! The kernel's whole state, and how a CPU enters and leaves it.
//!
//! [`Kernel`] is one state machine under one lock (rule 5): an entry (a call, an interrupt, a
//! fault) changes objects in a bounded number of steps and says with an [`Exit`] who runs next.
//! It knows nothing of registers or page-table bits; [`crate::arch`] does. So the same logic
//! runs on the host, where tests drive it step by step.

use core::ops::Range;

use abi::{Error, Handle, KernelStatistics, Result, Rights, TraceKind};

use crate::arch::Machine;
use crate::check::Walks;
use crate::crash::LastCrash;
use crate::crash_reports::Crashes;
use crate::log::Log;
use crate::memory::{Frames, Id, Memory, Regions, Slab};
use crate::object::{
    Channel, DeadlineHeap, Device, Doorbell, Entry, Folio, Interrupt, Mapping, Object, Process,
    Queue, Source, Space, Thread, Timer,
};
use crate::random::Random;
use crate::scheduler::{CpuState, SLICE_NS};
use crate::trace::Trace;

/// CPUs that one kernel can run on.
pub const CPUS_MAX: usize = 8;

/// Devices that can share an interrupt.
const SHARERS_MAX: usize = 32;

/// How a CPU leaves the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// The calling thread goes on, with this in its first result register.
    Value(usize),
    /// This thread goes on with the registers in its context. It may be the calling thread.
    Run(Id<Thread>),
    /// Nothing is to be done until an interrupt comes.
    Idle,
}

/// The state of the kernel. In this order because a field within the first 2 KiB can be reached
/// by one instruction: what each message needs comes first, what is large last.
#[repr(C)]
pub struct Kernel {
    /// Bit n: CPU n has nothing to do.
    pub idle_cpus: u32,
    /// Whether a call has to look further before it does anything: there is garbage, a thread was
    /// ended while it runs, or what happens is traced.
    pub attention: bool,
    /// Whether any CPU writes down what it does ([`crate::trace`]).
    pub tracing: bool,
    /// Messages that went the direct way from threads that have ended; each was a call and a switch, too.
    pub direct_messages: u64,
    /// CPUs that take part.
    pub cpu_count: usize,
    /// Processes.
    pub processes: Slab<Process>,
    /// Threads.
    pub threads: Slab<Thread>,
    /// Channels.
    pub channels: Slab<Channel>,
    /// Event queues.
    pub queues: Slab<Queue>,
    /// Sources.
    pub sources: Slab<Source>,
    /// Memory objects.
    pub folios: Slab<Folio>,
    /// Mappings.
    pub mappings: Slab<Mapping>,
    /// Address spaces.
    pub spaces: Slab<Space>,
    /// Timers.
    pub timers: Slab<Timer>,
    /// Doorbells.
    pub doorbells: Slab<Doorbell>,
    /// Interrupts.
    pub interrupts: Slab<Interrupt>,
    /// Devices.
    pub devices: Slab<Device>,
    /// The kernel's own address space, where components under `kernel` isolation live too.
    pub kernel_space: Id<Space>,
    /// Whether the hardware timer may have to be set anew before leaving.
    pub deadlines_changed: bool,
    /// Whether a thread became ready that may have to go before the one on this CPU.
    pub woke_first: bool,
    /// [`SLICE_NS`] in ticks of the counter.
    pub slice_ticks: u64,
    /// Threads that were ended while they ran, and whose CPU has not left the kernel since.
    pub condemned_threads: u32,
    /// Processes to tear down.
    pub dead_processes: Option<Id<Process>>,
    /// Channels to take apart.
    pub dead_channels: Option<Id<Channel>>,
    /// Folios to give back.
    pub dead_folios: Option<Id<Folio>>,
    /// Whether all that is dead waits for another CPU, which was interrupted: to let go of an address space, or to stop a
    /// thread. That CPU goes on with it, or wakes one that does ([`Kernel::have_garbage_collected`]).
    pub garbage_waits: bool,
    /// The idle CPU that works off what is dead instead of sleeping.
    pub collector: Option<usize>,
    /// Counters.
    pub statistics: KernelStatistics,
    /// The log.
    pub log: Log,
    /// The last crashes of components.
    pub crashes: Crashes,
    /// Random numbers.
    pub random: Random,
    /// The first process: its end is the system's.
    pub init: Option<Id<Process>>,
    /// Where the boot archive lies. Nobody writes it, and in the kernel's map of all memory it cannot be written.
    pub archive: Range<u64>,
    /// What walks of the page tables have seen, if they are asked for.
    pub walks: Option<Walks>,
    /// Who crashed last, for debuggers: a thread's context may be older than its crash.
    pub last_crash: LastCrash,
    /// Whether the kernel panics when a component crashes, so that everything stays as it was.
    pub panics_at_crash: bool,
    /// How the system is to end, once that is decided.
    pub shutdown: Option<Shutdown>,
    /// Per CPU: current thread and run queues.
    pub cpus: [CpuState; CPUS_MAX],
    /// Everything that is due some time.
    pub deadlines: DeadlineHeap,
    /// Where what happens is written down.
    pub trace: Trace,
    /// Memory and the machine.
    pub memory: Memory,
}

/// How the system ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shutdown {
    /// As init asked, with this status.
    Ordered(usize),
    /// Init ended by itself, with this status.
    InitEnded(usize),
    /// The machine is reset, as init asked, and starts anew.
    Reset {
        /// Whether memory is lost, where the machine can tell.
        cold: bool,
    },
}

impl Kernel {
    /// A kernel without processes on `machine`, with the free memory in `frames`.
    pub fn new(machine: Machine, frames: Frames, seed: Option<[u8; 32]>) -> Result<Kernel> {
        let mut memory = Memory::new(machine, frames);
        let mut spaces = Slab::new();
        spaces.reserve(&memory.machine, &mut memory.frames)?;
        let (area, area_len) = crate::arch::KERNEL_COMPONENT_AREA;
        let mut random = Random::new(seed);
        let start = random.next() as usize;
        let regions = Regions::new(&memory.machine, &mut memory.frames, area, area_len, start)
            .ok_or(Error::OutOfMemory)?;
        let table = memory.machine.kernel_table();
        let kernel_space = spaces.insert(Space { table, regions });
        let log = Log::new(&mut memory)?;
        let crashes = Crashes::new(&mut memory)?;
        let statistics = KernelStatistics {
            pages_total: memory.frames.total() as u64,
            ..Default::default()
        };
        let slice_ticks = SLICE_NS * memory.machine.ticks_per_second() / 1_000_000_000;
        Ok(Kernel {
            memory,
            slice_ticks,
            cpus: [const { CpuState::new() }; CPUS_MAX],
            idle_cpus: 0,
            attention: false,
            tracing: false,
            trace: Trace::new(),
            direct_messages: 0,
            cpu_count: 0,
            processes: Slab::new(),
            threads: Slab::new(),
            channels: Slab::new(),
            queues: Slab::new(),
            sources: Slab::new(),
            folios: Slab::new(),
            mappings: Slab::new(),
            spaces,
            timers: Slab::new(),
            doorbells: Slab::new(),
            interrupts: Slab::new(),
            devices: Slab::new(),
            kernel_space,
            deadlines: DeadlineHeap::new(),
            deadlines_changed: false,
            woke_first: false,
            condemned_threads: 0,
            dead_processes: None,
            dead_channels: None,
            dead_folios: None,
            garbage_waits: false,
            collector: None,
            statistics,
            log,
            crashes,
            random,
            init: None,
            archive: 0..0,
            walks: None,
            last_crash: LastCrash::default(),
            panics_at_crash: false,
            shutdown: None,
        })
    }

    /// The system is over: real machines do not come back from here.
    pub fn machine_off(&mut self) {
        if let Some(how) = self.shutdown {
            self.show_log_again(None);
            self.report_walks();
            self.memory.machine.shut_down(how);
        }
    }

    /// A CPU takes part from now on.
    pub fn cpu_online(&mut self, cpu: usize) {
        self.cpus[cpu].online = true;
        self.cpu_count += 1;
    }

    /// The thread on this CPU, which has just entered the kernel.
    #[inline]
    pub fn current(&self, cpu: usize) -> Id<Thread> {
        self.cpus[cpu]
            .current
            .expect("only a running thread enters the kernel")
    }

    /// A CPU without a thread looks for work: what it does first, and after each idle spell.
    pub fn idle_step(&mut self, cpu: usize) -> Exit {
        self.collect_garbage(cpu);
        let exit = self.pick(cpu);
        if self.tracing {
            self.record_switch(cpu);
        }
        if self.collector == Some(cpu) && exit != Exit::Idle {
            self.collector = None;
            if !self.garbage_waits {
                self.have_garbage_collected();
            }
        }
        exit
    }

    /// Whether an idle CPU goes on with garbage rather than sleep. One does; several would spend the time
    /// waiting for each other at the kernel's door, each step one turn. None does while it could only wait for another
    /// CPU: that one has to come through the same door, and on a host that runs few CPUs at once would find it
    /// taken nearly always.
    pub fn goes_on_collecting(&mut self, cpu: usize) -> bool {
        let goes_on = self.has_garbage()
            && !self.garbage_waits
            && self.collector.is_none_or(|other| other == cpu);
        if goes_on {
            self.collector = Some(cpu);
        } else if self.collector == Some(cpu) {
            self.collector = None;
        }
        goes_on
    }

    /// After something was worked off: is there more?
    pub fn review_attention(&mut self) {
        self.attention = self.has_garbage() || self.condemned_threads > 0 || self.tracing;
    }

    /// Whether something dead has not been taken apart completely, or a driver has not been told of the log.
    pub fn has_garbage(&self) -> bool {
        self.dead_processes.is_some()
            || self.dead_channels.is_some()
            || self.dead_folios.is_some()
            || self.log.shown.has_news()
    }

    /// A timer interrupt, or one from another CPU that has work for this one.
    pub fn interrupt(&mut self, cpu: usize, timer: bool) -> Exit {
        if self.tracing {
            let thread = self.traced_current(cpu);
            self.record(cpu, TraceKind::Interrupt, 0, thread, u64::MAX);
        }
        if timer {
            self.timer_interrupt(cpu);
        }
        self.leave(cpu)
    }

    /// A device's interrupt has fired, and is masked now.
    pub fn device_interrupt(&mut self, cpu: usize, number: u32) {
        self.statistics.interrupts += 1;
        if self.tracing {
            let thread = self.traced_current(cpu);
            self.record(cpu, TraceKind::Interrupt, 0, thread, number.into());
        }
        if self.iommu_interrupt(number) {
            return;
        }
        // Devices may share a wire: each of them is told.
        let mut lines = heapless::Vec::<_, SHARERS_MAX>::new();
        for id in self.interrupts.ids() {
            if self.interrupts[id].number == number && lines.push(id).is_err() {
                break;
            }
        }
        // By reference: a copy of the list would cost more than all the rest.
        for &line in &lines {
            let line = &mut self.interrupts[line];
            line.count = line.count.saturating_add(1);
            line.unacknowledged = true;
            let source = line.source;
            self.notify_and_wake(source, cpu);
        }
    }

    /// The end of every entry that did not come from a call: who goes on.
    pub fn leave(&mut self, cpu: usize) -> Exit {
        self.collect_garbage(cpu);
        self.end_condemned(cpu);
        let exit = match self.preemption(cpu) {
            Some(exit) => exit,
            None => Exit::Run(self.current(cpu)),
        };
        if self.tracing {
            self.record_switch(cpu);
        }
        // Another CPU may have started this one's slice, or given it somebody to share with.
        self.arm_timer(cpu);
        exit
    }

    /// Rule 11: death takes effect when the kernel is left.
    pub fn end_condemned(&mut self, cpu: usize) {
        if self.current_is_condemned(cpu) {
            let current = self.current(cpu);
            self.cpus[cpu].current = None;
            // What it ran last counts, too; else a component of short-lived threads would have no end of CPU time.
            let now = self.memory.machine.now();
            let node = &mut self.threads[current];
            node.cpu_ticks += now - node.running_since;
            self.condemned_threads -= 1;
            self.forget_thread(current);
            self.review_attention();
            self.have_garbage_collected();
        }
    }

    /// Whether the thread on this CPU was ended while it ran.
    pub fn current_is_condemned(&self, cpu: usize) -> bool {
        self.condemned_threads > 0
            && self.cpus[cpu].current.is_some_and(|current| {
                self.threads[current].state == crate::object::ThreadState::Dead
            })
    }

    /// What a handle of the calling process refers to, if it allows `rights`.
    pub fn lookup(&self, process: Id<Process>, handle: Handle, rights: Rights) -> Result<Entry> {
        let entry = self.processes[process].handles.get(handle)?;
        if !entry.rights.contains(rights) {
            return Err(Error::MissingRight);
        }
        Ok(entry)
    }

    /// Adds a handle to a process's table; it fails before anything changed.
    pub fn add_handle(
        &mut self,
        process: Id<Process>,
        object: Object,
        rights: Rights,
    ) -> Result<Handle> {
        self.reserve_process_handles(process, 1)?;
        Ok(self.processes[process].handles.insert(object, rights))
    }
}

//! Processes as their parent sees them.

/// Most bytes of a component's name.
pub const NAME_LEN: usize = 32;

/// A component's name: up to [`NAME_LEN`] bytes of UTF-8, filled up with zeros.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Name(pub [u8; NAME_LEN]);

impl Name {
    /// The name, cut after [`NAME_LEN`] bytes.
    pub const fn new(text: &str) -> Name {
        let bytes = text.as_bytes();
        let mut name = [0; NAME_LEN];
        let mut i = 0;
        while i < bytes.len() && i < NAME_LEN {
            name[i] = bytes[i];
            i += 1;
        }
        Name(name)
    }
    /// The name as text; what is not UTF-8 becomes `?`.
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|&b| b == 0).unwrap_or(NAME_LEN);
        core::str::from_utf8(&self.0[..len]).unwrap_or("?")
    }
}

impl core::fmt::Debug for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a component is kept apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Isolation {
    /// In the kernel's address space, kept apart by safe Rust.
    Kernel = 0,
    /// In its own address space, kept apart by the MMU.
    User = 1,
}

/// What a new process is to be like. Lies in the send page of [`crate::Call::ProcessCreate`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ProcessParams {
    /// The component's name.
    pub name: Name,
    /// An [`Isolation`].
    pub isolation: u32,
    /// 0 (runs first) to 7.
    pub priority: u32,
    /// Most pages of memory that it may be charged for.
    pub memory_pages_max: u32,
    /// Most handles it may hold.
    pub handles_max: u32,
    /// Most threads it may have.
    pub threads_max: u32,
    /// Bytes of heap that it starts with.
    pub heap_len: u32,
    /// Bytes of its first thread's stack.
    pub stack_len: u32,
    /// Share of a CPU in per cent (each 10 ms), 1 to 100.
    pub cpu_share_percent: u32,
    /// Most messages that the queues of the channels it makes may hold, all together.
    pub messages_max: u32,
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ProcessState {
    /// Created; not loaded or not started.
    New = 0,
    /// Its threads run or wait.
    Running = 1,
    /// Ended; its memory is being given back.
    Ending = 2,
    /// Ended, and nothing of it is left but this.
    Ended = 3,
}

impl ProcessState {
    /// Status of a process that panicked.
    pub const EXIT_PANIC: usize = 101;
    /// Status of a process that made a fault (memory access, illegal instruction).
    pub const EXIT_FAULT: usize = 139;
    /// Status of a process that overflowed its stack.
    pub const EXIT_STACK_OVERFLOW: usize = 138;
    /// Status of a process that was killed without another status.
    pub const EXIT_KILLED: usize = 137;
    /// Status of a command that wrote to somebody who is gone.
    pub const EXIT_PIPE: usize = 141;
}

/// What [`crate::Call::ProcessInfo`] tells.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ProcessInfo {
    /// The component's name.
    pub name: Name,
    /// A [`ProcessState`].
    pub state: u32,
    /// An [`Isolation`].
    pub isolation: u32,
    /// Its status, once it has ended.
    pub status: u64,
    /// Pages charged to it now.
    pub memory_pages: u32,
    /// Handles it holds now.
    pub handles: u32,
    /// Threads it has now.
    pub threads: u32,
    /// What its first thread does, a [`Doing`].
    pub doing: u32,
    /// CPU time it has used, in ticks.
    pub cpu_ticks: u64,
    /// Messages it has sent.
    pub messages_sent: u64,
    /// Address at which its image was loaded.
    pub image_base: u64,
    /// The channel whose other end owes its first thread a reply, if that is what it waits for, as
    /// [`ChannelEnd::channel`]; else 0.
    pub calls_over: u64,
}

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Doing {
    /// Nothing: it has not begun, or has ended.
    Nothing = 0,
    /// It runs, or would if a CPU were free.
    Running = 1,
    /// It waits for an event.
    Waiting = 2,
    /// It waits for the reply to a call.
    Calling = 3,
}

impl Doing {
    /// From its number; a number that stands for nothing is [`Doing::Nothing`].
    pub const fn from_u32(number: u32) -> Doing {
        match number {
            1 => Doing::Running,
            2 => Doing::Waiting,
            3 => Doing::Calling,
            _ => Doing::Nothing,
        }
    }
}

/// Ends of channels in one answer to [`crate::Call::ProcessChannels`].
pub const CHANNEL_ENDS_MAX: usize = 64;

/// What [`crate::Call::ProcessChannels`] tells.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ChannelEnds {
    /// How many there are.
    pub count: u64,
    /// The ends; those after the first `count` are all 0.
    pub ends: [ChannelEnd; CHANNEL_ENDS_MAX],
}

/// One end of a channel, to which a process has a handle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ChannelEnd {
    /// The channel's number, the same for both ends. No other channel has it, or has had it.
    pub channel: u64,
    /// Which end: 0 or 1.
    pub side: u16,
    /// Messages that have come in and were not received yet.
    pub queued: u16,
    /// Requests and one-way messages that were sent from here, modulo 2³²; not replies.
    pub sent: u32,
    /// Those that were sent from the other end, received or not.
    pub came: u32,
    /// 0.
    pub reserved: u32,
}

/// What [`crate::Call::SystemStatistics`] tells.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct KernelStatistics {
    /// Pages of memory that the kernel manages.
    pub pages_total: u64,
    /// Pages that are free.
    pub pages_free: u64,
    /// CPUs that run.
    pub cpus: u64,
    /// Processes that exist.
    pub processes: u64,
    /// Threads that exist.
    pub threads: u64,
    /// Channels that exist.
    pub channels: u64,
    /// Folios that exist.
    pub folios: u64,
    /// System calls since boot.
    pub calls: u64,
    /// Messages sent since boot.
    pub messages: u64,
    /// Interrupts since boot.
    pub interrupts: u64,
    /// Switches between threads since boot.
    pub switches: u64,
    /// Page faults answered since boot.
    pub page_faults: u64,
    /// Counter ticks since boot during which a CPU had nothing to do, over all CPUs.
    pub idle_ticks: u64,
    /// Handles that processes hold, and that are in messages under way.
    pub handles: u64,
    /// Event queues that exist.
    pub queues: u64,
    /// Sources of events that exist: ends of channels, timers, doorbells, interrupts, processes.
    pub sources: u64,
    /// Mappings of memory that exist.
    pub mappings: u64,
    /// Timers that exist.
    pub timers: u64,
    /// Doorbells that exist.
    pub doorbells: u64,
    /// Pages of memory that the machine has: beyond `pages_total` are firmware, kernel and boot archive.
    pub pages_machine: u64,
    /// Pages that processes are charged for, promised ones with them.
    pub pages_charged: u64,
    /// Those of them that the first process is charged for.
    pub pages_init: u64,
    /// Pages that were promised to processes and are taken at their first touch.
    pub pages_promised: u64,
    /// Pages that the kernel's own objects take, which stay the kernel's.
    pub pages_objects: u64,
    /// Pages of the largest block of free memory.
    pub pages_largest: u64,
}

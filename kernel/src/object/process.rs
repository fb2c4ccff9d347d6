//! Processes: what a component holds, and what it may hold.

use abi::{Isolation, Name, ProcessState};

use crate::memory::{Id, PhysAddr};
use crate::object::{Channel, Folio, HandleTable, Mapping, Source, Space, Thread};

/// One running component.
pub struct Process {
    /// The component's name.
    pub name: Name,
    /// How it is kept apart.
    pub isolation: Isolation,
    /// Where it is in its life.
    pub state: ProcessState,
    /// How it ended.
    pub status: usize,
    /// Its threads' priority: 0 runs first.
    pub priority: u8,
    /// Its address space: its own, or the kernel's.
    pub space: Id<Space>,
    /// What it may reach.
    pub handles: HandleTable,
    /// Pages charged to it.
    pub memory_pages: usize,
    /// Most pages that may be.
    pub memory_pages_max: usize,
    /// Of those pages, the ones that go with its address space.
    pub space_pages: usize,
    /// Addresses that it has taken, in bytes.
    pub addresses: usize,
    /// Messages that the queues of its channels can hold.
    pub messages: usize,
    /// Most messages that may be.
    pub messages_max: usize,
    /// Limits that it has reached once: bits of [`crate::limits::Limit`].
    pub limits_reported: u8,
    /// A contiguous block that is being zeroed for it.
    pub zeroing: Option<Zeroing>,
    /// Its threads.
    pub threads: Option<Id<Thread>>,
    /// How many those are.
    pub thread_count: u32,
    /// Most threads it may have.
    pub threads_max: u32,
    /// Of how many of them the log is still to say where they were when they ended.
    pub ends_to_show: u8,
    /// Its mappings: the root of their tree.
    pub mappings: Option<Id<Mapping>>,
    /// Channels that it pays for.
    pub channels: Option<Id<Channel>>,
    /// Where its end is reported.
    pub source: Option<Id<Source>>,
    /// Whether its end was reported.
    pub end_reported: bool,
    /// Handles to it.
    pub references: u32,
    /// Bytes of heap to start with.
    pub heap_len: usize,
    /// Bytes of stack for its first thread.
    pub stack_len: usize,
    /// How far loading has come, and what was loaded.
    pub load: Load,
    /// Ticks that its threads that have ended spent on CPUs.
    pub cpu_ticks: u64,
    /// Its share of a CPU in per cent of each 10 ms (rule 14).
    pub cpu_share_percent: u8,
    /// When the 10 ms began that are counted now.
    pub share_since: u64,
    /// Ticks that it had spent on CPUs then.
    pub share_mark: u64,
    /// Messages that its threads that have ended sent.
    pub messages_sent: u64,
    /// When the trace last named it ([`crate::trace`]).
    pub traced_epoch: u32,
    /// How far teardown has come in its handle table.
    pub teardown_cursor: usize,
    /// How far it has come with cutting off what the process could see: all mappings up to the one at this
    /// address; `usize::MAX` when no CPU can see any of it any more.
    pub unlinked_below: usize,
    /// The next process on the list of those to tear down.
    pub next_dead: Option<Id<Process>>,
}

/// A contiguous folio in the making: its block is zeroed in steps, one a call.
#[derive(Clone, Copy)]
pub struct Zeroing {
    /// The block.
    pub block: PhysAddr,
    /// Its pages.
    pub pages: usize,
    /// How many of them are zeroed.
    pub done: usize,
}

/// A program image in a process.
#[derive(Clone, Copy)]
pub struct Load {
    /// What comes next.
    pub stage: LoadStage,
    /// Which image it is: where it lies and its bytes. All steps must name the same.
    pub source: (PhysAddr, usize),
    /// Pages copied, relocations made or segments mapped in this stage.
    pub progress: usize,
    /// The folio that the image is copied to.
    pub folio: Option<Id<Folio>>,
    /// Where the image is.
    pub base: usize,
    /// Its bytes, in whole pages.
    pub len: usize,
    /// Where it starts.
    pub entry: usize,
}

/// The steps of loading an image; each call does a bounded part of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadStage {
    /// Nothing is loaded.
    Empty,
    /// Pages are taken from the archive, or copied.
    Gather,
    /// Addresses are filled in.
    Relocate,
    /// Segments are mapped.
    Map,
    /// It is mapped and can be started.
    Done,
}

impl Load {
    /// Nothing loaded.
    pub const EMPTY: Load = Load {
        stage: LoadStage::Empty,
        source: (PhysAddr(0), 0),
        progress: 0,
        folio: None,
        base: 0,
        len: 0,
        entry: 0,
    };
}

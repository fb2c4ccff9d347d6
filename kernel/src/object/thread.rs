//! Threads.

use crate::arch::Context;
use crate::memory::{Id, PhysAddr};
use crate::object::{Channel, Folio, Process, Queue, Side, Space};

/// What a thread is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ThreadState {
    /// Not started.
    New,
    /// On a run queue.
    Ready,
    /// On a CPU.
    Running,
    /// Waits for an event of a queue.
    Waiting(Id<Queue>),
    /// Waits for the reply to one call.
    Calling(Id<Channel>, Side),
    /// Ended.
    Dead,
}

/// A thread of a component.
#[repr(C)]
pub struct Thread {
    /// Its registers while it is not on a CPU. First, because assembly finds it by its address.
    pub context: Context,
    /// What it is doing.
    pub state: ThreadState,
    /// Whose it is.
    pub process: Id<Process>,
    /// Its own address space; none if it runs in the kernel's.
    pub space: Option<Id<Space>>,
    /// 0 runs first. [`crate::share::SPENT`] while its component has no share of the CPU left.
    pub priority: u8,
    /// Its priority while there is some left.
    pub own_priority: u8,
    /// The CPU that it runs on or ran on last.
    pub cpu: u16,
    /// Its message buffer: two pages, one after the other.
    pub buffer: PhysAddr,
    /// The folio of that buffer, which the kernel keeps alive.
    pub buffer_folio: Id<Folio>,
    /// Where its process sees that buffer.
    pub buffer_address: usize,
    /// One past the highest address of its stack.
    pub stack_top: usize,
    /// When its wait ends, in ticks; `u64::MAX` for never.
    pub deadline: u64,
    /// Its place in the heap of deadlines plus one, or 0. What is there may be older than
    /// `deadline`, and so earlier: see [`crate::scheduler`].
    pub heap_place: u32,
    /// The moment that is noted in the heap, or `u64::MAX`.
    pub heap_at: u64,
    /// When it was put on its CPU, in ticks.
    pub running_since: u64,
    /// Ticks that it has spent on CPUs.
    pub cpu_ticks: u64,
    /// Ticks that it had used of its slice when a more important thread took the CPU.
    pub slice_used: u64,
    /// Messages that it has sent the direct way, which counts nothing else.
    pub direct_messages: u64,
    /// Messages that it has sent in the general way, or tried to.
    pub general_messages: u64,
    /// Neighbour on the run queue.
    pub next: Option<Id<Thread>>,
    /// Neighbour on the run queue.
    pub previous: Option<Id<Thread>>,
    /// The process's other threads.
    pub sibling: Option<Id<Thread>>,
    /// Handles to it.
    pub references: u32,
}

impl Thread {
    /// Where received bodies go.
    #[inline]
    pub fn receive_page(&self) -> PhysAddr {
        self.buffer
    }
    /// Where bodies are sent from.
    #[inline]
    pub fn send_page(&self) -> PhysAddr {
        // Within the buffer, so it cannot overflow, and each message asks.
        PhysAddr(self.buffer.0.wrapping_add(abi::MESSAGE_LEN_MAX as u64))
    }
}

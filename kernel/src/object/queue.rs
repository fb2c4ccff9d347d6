//! Event queues and the sources on them (rule 7).
//!
//! A queue holds sources that have something to say, not events: each source is on the list at
//! most once, so a queue cannot overflow and nothing is allocated when something happens.

use crate::memory::Id;
use crate::object::{Object, Thread};

/// A list of sources with something to say, and perhaps a thread that waits for one.
pub struct Queue {
    /// First source on the list.
    pub head: Option<Id<Source>>,
    /// Last source on the list.
    pub tail: Option<Id<Source>>,
    /// The thread that waits. Only while the list is empty.
    pub waiter: Option<Id<Thread>>,
    /// How many sources are attached.
    pub attached: u32,
    /// How many handles there are to it.
    pub references: u32,
}

impl Queue {
    /// An empty queue with one handle.
    pub const fn new() -> Queue {
        Queue {
            head: None,
            tail: None,
            waiter: None,
            attached: 0,
            references: 1,
        }
    }
}

/// The tie between an object and the queue that it reports to.
pub struct Source {
    /// The queue.
    pub queue: Id<Queue>,
    /// What its events carry to tell them apart.
    pub key: usize,
    /// The object.
    pub object: Object,
    /// Whether it is on the queue's list.
    pub listed: bool,
    /// Neighbour on the list.
    pub next: Option<Id<Source>>,
    /// Neighbour on the list.
    pub previous: Option<Id<Source>>,
}

//! The kernel's objects, and how a process names them.

mod channel;
mod device;
mod folio;
mod handle;
pub mod mapping;
mod process;
mod queue;
mod space;
mod thread;
mod timer;

pub use channel::{Channel, End, Side, SlotHeader};
pub use device::{Device, INTERRUPTS_MAX, Interrupt, RANGES_MAX};
pub use folio::{Backing, Folio, Origin, Page};
pub use handle::{Entry, HandleTable, Place};
pub use mapping::{Mapping, Purpose};
pub use process::{Load, LoadStage, Process, Zeroing};
pub use queue::{Queue, Source};
pub use space::Space;
pub use thread::{Thread, ThreadState};
pub use timer::{Deadline, DeadlineHeap, Timer};

use crate::memory::Id;

/// A doorbell: a count that wakes its queue.
pub struct Doorbell {
    /// How often it was rung since its last event.
    pub count: u32,
    /// Where it is attached.
    pub source: Option<Id<Source>>,
    /// How many handles there are to it.
    pub references: u32,
}

/// What a handle refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Object {
    /// Nothing: the entry is free, and this is the next free one.
    Free(u16),
    /// The right to manage the system.
    System,
    /// One end of a channel.
    Channel(Side, Id<Channel>),
    /// An event queue.
    Queue(Id<Queue>),
    /// A memory object.
    Folio(Id<Folio>),
    /// A process.
    Process(Id<Process>),
    /// A thread.
    Thread(Id<Thread>),
    /// A timer.
    Timer(Id<Timer>),
    /// A doorbell.
    Doorbell(Id<Doorbell>),
    /// A device's interrupt.
    Interrupt(Id<Interrupt>),
    /// A device.
    Device(Id<Device>),
}

impl Object {
    /// Its kind, as components know it; `None` for what is no object.
    pub fn kind(self) -> Option<abi::ObjectKind> {
        use abi::ObjectKind as Kind;
        Some(match self {
            Object::Free(_) => return None,
            Object::System => Kind::System,
            Object::Channel(..) => Kind::Channel,
            Object::Queue(_) => Kind::Queue,
            Object::Folio(_) => Kind::Folio,
            Object::Process(_) => Kind::Process,
            Object::Thread(_) => Kind::Thread,
            Object::Timer(_) => Kind::Timer,
            Object::Doorbell(_) => Kind::Doorbell,
            Object::Interrupt(_) => Kind::Interrupt,
            Object::Device(_) => Kind::Device,
        })
    }
}

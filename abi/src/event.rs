//! What `wait` answers with.
//!
//! | register | content |
//! |---|---|
//! | 0 | [`EventKind`], or an error |
//! | 1 | the key given when the source was attached |
//! | 2 | a message's [`crate::MessageInfo`]; a count for timer, interrupt and doorbell; a process's status |
//! | 3 | a message's transaction number |
//! | 4, 5 | a message's handles, two in each (see [`crate::pack_handles`]) |

/// The kinds of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum EventKind {
    /// A message came; its body is in the receive half of the thread's message buffer.
    Message = 0,
    /// The other end of a channel is gone, and all its messages have been delivered.
    Closed = 1,
    /// A send that was refused for lack of space may be tried again. Fires once.
    Writable = 2,
    /// An interrupt fired. It stays masked until acknowledged.
    Interrupt = 3,
    /// A timer fired; the count says how often since the last event.
    Timer = 4,
    /// A doorbell was rung; the count says how often since the last event.
    Doorbell = 5,
    /// A process has ended and everything it held is gone. The data is its status: the
    /// number it exited with, or one of `EXIT_…` in [`crate::ProcessState`].
    Exited = 6,
}

impl EventKind {
    /// The kind with this number.
    pub const fn from_register(value: usize) -> Option<EventKind> {
        Some(match value {
            0 => EventKind::Message,
            1 => EventKind::Closed,
            2 => EventKind::Writable,
            3 => EventKind::Interrupt,
            4 => EventKind::Timer,
            5 => EventKind::Doorbell,
            6 => EventKind::Exited,
            _ => return None,
        })
    }
}

//! Handles, and the rights that come with them.

/// A process's name for an object: an index into its own handle table and a generation, so
/// that a handle that was closed does not come to mean something else.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Handle(u32);

impl Handle {
    /// Not a handle. Stands for "none" in messages.
    pub const NONE: Handle = Handle(0);
    /// How many bits of a handle are its index; the 15 above are the generation.
    pub const INDEX_BITS: u32 = 16;

    /// A handle from the number that crossed the gate.
    pub const fn from_raw(raw: u32) -> Handle {
        Handle(raw)
    }
    /// The number that crosses the gate.
    pub const fn raw(self) -> u32 {
        self.0
    }
    /// A handle from its parts. Generation 0 is never given out, so no handle is [`Self::NONE`].
    pub const fn new(index: u16, generation: u16) -> Handle {
        Handle(index as u32 | (generation as u32 & 0x7fff) << Handle::INDEX_BITS)
    }
    /// The place in the handle table.
    pub const fn index(self) -> usize {
        (self.0 & 0xffff) as usize
    }
    /// The generation that the place must have.
    pub const fn generation(self) -> u16 {
        (self.0 >> Handle::INDEX_BITS) as u16
    }
    /// Whether this is [`Self::NONE`].
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl core::fmt::Debug for Handle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "h{}.{}", self.index(), self.generation())
    }
}

/// What a handle allows. Rights can be given up when a handle is duplicated, never gained.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Rights(u16);

impl Rights {
    /// Nothing.
    pub const NONE: Rights = Rights(0);
    /// Read a folio's content; look at a process.
    pub const READ: Rights = Rights(1);
    /// Write a folio's content; send on a channel; signal a doorbell; set a timer.
    pub const WRITE: Rights = Rights(2);
    /// Use a folio as a program image.
    pub const EXECUTE: Rights = Rights(4);
    /// Attach to an event queue, and wait.
    pub const WAIT: Rights = Rights(8);
    /// Move the handle through a channel.
    pub const TRANSFER: Rights = Rights(16);
    /// Make another handle to the same object.
    pub const DUPLICATE: Rights = Rights(32);
    /// Start, kill and configure; open devices; shut the system down.
    pub const MANAGE: Rights = Rights(64);
    /// Everything.
    pub const ALL: Rights = Rights(0x7f);

    /// Rights from the number that crossed the gate; unknown bits are dropped.
    pub const fn from_bits(bits: u16) -> Rights {
        Rights(bits & Rights::ALL.0)
    }
    /// The number that crosses the gate.
    pub const fn bits(self) -> u16 {
        self.0
    }
    /// Both sets together.
    pub const fn union(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }
    /// What both sets have.
    pub const fn intersection(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }
    /// Whether `other` is all in here.
    pub const fn contains(self, other: Rights) -> bool {
        self.0 & other.0 == other.0
    }
}

macro_rules! object_kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// What kind of object a handle names.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum ObjectKind { $($(#[doc = $doc])+ $name = $number,)+ }

        impl ObjectKind {
            /// All of them.
            pub const ALL: &'static [ObjectKind] = &[$(ObjectKind::$name),+];

            /// The kind with this number, if there is one.
            pub const fn from_bits(bits: u8) -> Option<ObjectKind> {
                match bits { $($number => Some(ObjectKind::$name),)+ _ => None }
            }
        }
    };
}

object_kinds! {
    /// The right to manage the system.
    System = 1,
    /// One end of a channel.
    Channel = 2,
    /// An event queue.
    Queue = 3,
    /// A memory object.
    Folio = 4,
    /// A process.
    Process = 5,
    /// A thread.
    Thread = 6,
    /// A timer.
    Timer = 7,
    /// A doorbell.
    Doorbell = 8,
    /// A device's interrupt.
    Interrupt = 9,
    /// A device.
    Device = 10,
}

/// What a handle is: the kind of its object, and what it allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HandleType {
    /// The kind of object.
    pub kind: ObjectKind,
    /// What may be done with it.
    pub rights: Rights,
}

//! Messages: a header in registers, a body in the thread's message buffer, a few handles.

/// Most bytes of a message's body. A channel may allow less (see [`crate::Call::ChannelCreate`]).
pub const MESSAGE_LEN_MAX: usize = 4096;
/// Most handles that one message carries.
pub const HANDLES_MAX: usize = 4;
/// Size of a thread's message buffer in bytes: first the page that received bodies are copied
/// to, then the page that bodies are sent from. They are apart so that a view of a request
/// stays valid while its reply is written.
pub const MESSAGE_BUFFER_LEN: usize = 2 * MESSAGE_LEN_MAX;

/// What part a message plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageKind {
    /// One way: nothing is answered.
    OneWay = 0,
    /// Wants exactly one [`MessageKind::Reply`] with the same transaction number. Sending it
    /// reserves the place for the reply in the sender's own queue.
    Request = 1,
    /// Answers one request; never refused for lack of space.
    Reply = 2,
}

impl MessageKind {
    /// The kind with this number.
    pub const fn from_bits(bits: u8) -> Option<MessageKind> {
        match bits {
            0 => Some(MessageKind::OneWay),
            1 => Some(MessageKind::Request),
            2 => Some(MessageKind::Reply),
            _ => None,
        }
    }
}

/// A message's header, packed into one register.
///
/// | bits | what |
/// |---|---|
/// | 0..13 | length of the body in bytes, 0 to 4096 |
/// | 16..19 | number of handles, 0 to 4 |
/// | 20..22 | [`MessageKind`]; 3 for [`MessageInfo::RING`] |
/// | 32..64 | ordinal: which message of the interface this is; the kernel passes it through |
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct MessageInfo(u64);

impl MessageInfo {
    /// A header from its parts.
    pub const fn new(kind: MessageKind, ordinal: u32, len: usize, handles: usize) -> MessageInfo {
        MessageInfo(
            (len as u64 & 0x1fff)
                | (handles as u64 & 7) << 16
                | (kind as u64) << 20
                | (ordinal as u64) << 32,
        )
    }
    /// A header as it crossed the gate. The parts may be out of range: the kernel checks.
    pub const fn from_bits(bits: u64) -> MessageInfo {
        MessageInfo(bits)
    }
    /// As it crosses the gate.
    pub const fn bits(self) -> u64 {
        self.0
    }
    /// Length of the body in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(self) -> usize {
        (self.0 & 0x1fff) as usize
    }
    /// Number of handles.
    pub const fn handle_count(self) -> usize {
        (self.0 >> 16 & 7) as usize
    }
    /// What part the message plays; `None` if the bits are none of the known ones.
    pub const fn kind(self) -> Option<MessageKind> {
        MessageKind::from_bits((self.0 >> 20 & 3) as u8)
    }
    /// The bits of [`MessageInfo::bits`] that tell the number of handles.
    pub const HANDLE_BITS: u64 = 7 << 16;
    /// Whether it is of this kind, and carries no handles.
    #[inline(always)]
    pub const fn is_plain(self, kind: MessageKind) -> bool {
        self.0 & (3 << 20 | 7 << 16) == (kind as u64) << 20
    }
    /// Whether it is of this kind, and carries handles, not more than a message can.
    #[inline(always)]
    pub const fn carries(self, kind: MessageKind) -> bool {
        let count = self.handle_count();
        self.0 & (3 << 20) == (kind as u64) << 20 && count > 0 && count <= HANDLES_MAX
    }
    /// Stands in the place of a header and says that there is no message: [`crate::Call::SendWait`] rings a doorbell.
    pub const RING: MessageInfo = MessageInfo(3 << 20);
    /// Whether it is [`MessageInfo::RING`], as far as the kernel cares.
    #[inline(always)]
    pub const fn is_ring(self) -> bool {
        self.0 & (3 << 20 | 7 << 16) == MessageInfo::RING.0
    }
    /// Which message of the interface this is.
    pub const fn ordinal(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

impl core::fmt::Debug for MessageInfo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MessageInfo")
            .field("kind", &self.kind())
            .field("ordinal", &self.ordinal())
            .field("len", &self.len())
            .field("handles", &self.handle_count())
            .finish()
    }
}

//! What the kernel writes down while it traces ([`crate::Call::Trace`]).
//!
//! Each CPU has a ring of its own in a folio: a [`TraceHeader`], then [`TraceRecord`]s, the oldest of
//! which are written over. Record `n`, counted from 0 since the start, lies in place `n % capacity`.

/// The beginning of a ring. Words in the machine's byte order, which is little-endian.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct TraceHeader {
    /// [`TRACE_MAGIC`].
    pub magic: u64,
    /// Records written since the start. Set after each record, so what is before it can be read.
    pub written: u64,
    /// Records that the ring has room for.
    pub capacity: u64,
    /// Whose ring it is.
    pub cpu: u64,
    /// How fast the ticks of the records go.
    pub ticks_per_second: u64,
    /// The counter at the start.
    pub started: u64,
    /// 0.
    pub reserved: [u64; 2],
}

/// The first word of a ring: `FTLtrace`, read as a little-endian number.
pub const TRACE_MAGIC: u64 = u64::from_le_bytes(*b"FTLtrace");

/// Something that happened on a CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct TraceRecord {
    /// When, in ticks of the counter.
    pub ticks: u64,
    /// A [`TraceKind`] in the lowest 8 bits, and in the others what that one says.
    pub what: u64,
    /// The number of the thread or process concerned. Numbers are never used twice.
    pub subject: u64,
    /// What the kind says.
    pub value: u64,
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TraceKind {
    /// From now on the CPU runs the thread `subject` of the process `value`; 0 and 0 if none.
    Switch = 1,
    /// Eight bytes of the name of process `subject`; the number above the kind says which eight. Comes
    /// before a switch to a process that was not named for a while.
    Name = 2,
    /// The thread `subject` made the system call `value`.
    Call = 3,
    /// That call has answered with `value`, without another thread in between.
    Return = 4,
    /// The thread `subject` sent a message over the channel `value`; above the kind its
    /// [`TraceMessage`].
    Sent = 5,
    /// The thread `subject` got a message, with the same words as when it was sent.
    Received = 6,
    /// An interrupt came: that of a device has the number `value`, the timer and other CPUs have
    /// `u64::MAX`. `subject` is the thread that it interrupted, or 0.
    Interrupt = 7,
    /// The thread `subject` touched a page at `value` that was not there yet.
    PageFault = 8,
    /// The process `subject` was made to end with the status `value`.
    Ended = 9,
}

impl TraceKind {
    /// The kind with this number.
    pub const fn from_number(number: u8) -> Option<TraceKind> {
        Some(match number {
            1 => TraceKind::Switch,
            2 => TraceKind::Name,
            3 => TraceKind::Call,
            4 => TraceKind::Return,
            5 => TraceKind::Sent,
            6 => TraceKind::Received,
            7 => TraceKind::Interrupt,
            8 => TraceKind::PageFault,
            9 => TraceKind::Ended,
            _ => return None,
        })
    }
}

impl TraceRecord {
    /// What kind of record it is, if this version knows it.
    pub const fn kind(&self) -> Option<TraceKind> {
        TraceKind::from_number(self.what as u8)
    }

    /// What stands above the kind.
    pub const fn extra(&self) -> u64 {
        self.what >> 8
    }

    /// As four words, the way it lies in memory.
    pub const fn from_words(words: [u64; 4]) -> TraceRecord {
        TraceRecord {
            ticks: words[0],
            what: words[1],
            subject: words[2],
            value: words[3],
        }
    }
}

/// What a record tells of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceMessage {
    /// Its transaction.
    pub transaction: u32,
    /// Its length in bytes.
    pub len: u16,
    /// The number of its [`crate::MessageKind`].
    pub kind: u8,
}

impl TraceMessage {
    /// As it stands above the kind: transaction, then length, then kind.
    pub const fn to_extra(self) -> u64 {
        self.transaction as u64 | (self.len as u64) << 32 | (self.kind as u64) << 48
    }

    /// The reverse of [`TraceMessage::to_extra`].
    pub const fn from_extra(extra: u64) -> TraceMessage {
        TraceMessage {
            transaction: extra as u32,
            len: (extra >> 32) as u16,
            kind: (extra >> 48) as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_fits_above_the_kind() {
        let message = TraceMessage {
            transaction: u32::MAX - 1,
            len: 4096,
            kind: 3,
        };
        let record = TraceRecord {
            what: message.to_extra() << 8 | TraceKind::Sent as u64,
            ..TraceRecord::default()
        };
        assert_eq!(record.kind(), Some(TraceKind::Sent));
        assert_eq!(TraceMessage::from_extra(record.extra()), message);
    }

    #[test]
    fn every_kind_has_its_number() {
        let known = (0..=u8::MAX).filter_map(|n| Some((n, TraceKind::from_number(n)?)));
        for (number, kind) in known {
            assert_eq!(kind as u8, number);
        }
        assert_eq!(TraceKind::from_number(0), None);
    }
}

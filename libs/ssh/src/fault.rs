//! Why a connection ends before its time.

use core::fmt;

/// A reason to end the connection. What it shows fits behind "the connection ended: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The peer said that it ends.
    Disconnected,
    /// What came is not SSH 2.
    NotSsh,
    /// Something does not have the form that it should.
    Malformed(&'static str),
    /// A message that has no place here.
    OutOfPlace(u8),
    /// The peer has no method in common with us.
    NoCommon(&'static str),
    /// A packet was damaged, or was made by somebody without the keys.
    Damaged,
    /// The peer takes more than it may.
    Limit(&'static str),
    /// Too many tries to log in.
    TooManyTries,
}

impl Fault {
    /// The reason's code in `SSH_MSG_DISCONNECT` (RFC 4253, section 11.1).
    pub(crate) fn code(self) -> u32 {
        match self {
            Fault::NoCommon(_) => 3,
            Fault::Damaged => 5,
            Fault::TooManyTries => 14,
            Fault::Disconnected => 11,
            _ => 2,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Disconnected => f.write_str("the other side ended it"),
            Fault::NotSsh => f.write_str("the other side does not speak SSH 2"),
            Fault::Malformed(what) => write!(f, "malformed {what}"),
            Fault::OutOfPlace(number) => write!(f, "message {number} has no place here"),
            Fault::NoCommon(what) => write!(f, "no common {what}"),
            Fault::Damaged => f.write_str("a damaged packet"),
            Fault::Limit(what) => write!(f, "too much: {what}"),
            Fault::TooManyTries => f.write_str("too many tries to log in"),
        }
    }
}

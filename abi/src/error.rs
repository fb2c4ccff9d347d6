//! The one error type of the whole system.

macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// Why something was refused. One list for kernel, servers and components, so that an
        /// error can be passed on unchanged and looked up in one place.
        ///
        /// A whole word, although a byte would do: what a `Result` holds besides is then moved word by
        /// word. With less, compilers split a piece off and move the rest byte by byte.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u64)]
        pub enum Error { $($(#[doc = $doc])+ $name = $code,)+ }

        impl Error {
            /// Every error there is, in the order of their codes.
            pub const ALL: &'static [Error] = &[$(Error::$name),+];

            /// The error with this code, if there is one.
            pub const fn from_code(code: u16) -> Option<Error> {
                match code { $($code => Some(Error::$name),)+ _ => None }
            }

            /// What went wrong, as a sentence part for people.
            pub const fn describe(self) -> &'static str {
                match self { $(Error::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

errors! {
    /// the handle names nothing (any more)
    BadHandle = 1,
    /// the handle names an object of another kind
    WrongKind = 2,
    /// the handle lacks a right that this call needs
    MissingRight = 3,
    /// an argument is out of its range
    InvalidArgument = 4,
    /// no system call has this number
    UnknownCall = 5,
    /// the other side is gone
    Closed = 6,
    /// the queue on the other side is full; wait for `Writable`
    QueueFull = 7,
    /// the message is longer than this channel allows
    MessageTooLong = 8,
    /// the time limit passed first
    TimedOut = 9,
    /// there is nothing by that name
    NotFound = 10,
    /// it exists already, or is attached already
    AlreadyExists = 11,
    /// this is not supported here
    Unsupported = 12,
    /// somebody else is using it, or has changed it meanwhile
    Busy = 13,
    /// the component reached its limit `memory`; raise it in the system file
    MemoryLimit = 14,
    /// the component reached its limit `handles`; raise it in the system file
    HandleLimit = 15,
    /// the component reached its limit `threads`; raise it in the system file
    ThreadLimit = 16,
    /// the machine has no memory left; give it more with `--mem`
    OutOfMemory = 17,
    /// no free range of addresses is large enough
    OutOfAddresses = 18,
    /// the image is not a valid program for this machine
    BadImage = 19,
    /// a message did not follow its interface
    Malformed = 20,
    /// the server restarted while the call was under way
    PeerRestarted = 21,
    /// the server dropped the request without an answer
    NoReply = 22,
    /// a reply was sent that nobody asked for
    UnexpectedReply = 23,
    /// the operation is not finished; call again to go on
    Again = 24,
    /// permission denied
    PermissionDenied = 25,
    /// the address is in use
    AddrInUse = 26,
    /// the connection was refused
    ConnectionRefused = 27,
    /// the connection was reset
    ConnectionReset = 28,
    /// not connected
    NotConnected = 29,
    /// the host or network cannot be reached
    Unreachable = 30,
    /// invalid data
    InvalidData = 31,
    /// unexpected end of the data
    UnexpectedEof = 32,
    /// the device reported an error
    Io = 33,
    /// it was interrupted or cancelled
    Cancelled = 34,
    /// a limit of the server was reached
    ServerLimit = 35,
    /// an internal error: a bug in the component that answered
    Internal = 36,
    /// the two sides were built from different versions of the interface
    VersionMismatch = 37,
    /// both sides wait for each other
    WouldBlock = 38,
    /// not a directory
    NotADirectory = 39,
    /// is a directory
    IsADirectory = 40,
    /// the directory is not empty
    DirectoryNotEmpty = 41,
    /// there is no room left on the disk
    StorageFull = 42,
    /// the file system is read-only
    ReadOnlyFilesystem = 43,
    /// the file is too large
    FileTooLarge = 44,
    /// the name is not allowed for a file
    InvalidFilename = 45,
    /// too many links, or symbolic links that lead in a circle
    TooManyLinks = 46,
    /// the component reached its limit `messages`; raise it in the system file
    MessageLimit = 47,
    /// the two are on different disks
    CrossesDevices = 48,
}

impl Error {
    /// The number that crosses the gate.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// How an error stands in a result register: its negated code.
    pub const fn to_register(self) -> usize {
        (self as usize).wrapping_neg()
    }

    /// Splits a result register into value and error. Only the topmost 64 KiB of numbers are
    /// errors: addresses of in-kernel components are "negative", too.
    pub const fn from_register(value: usize) -> Result<usize, Error> {
        if value.wrapping_neg() > u16::MAX as usize || value == 0 {
            return Ok(value);
        }
        match Error::from_code(value.wrapping_neg() as u16) {
            Some(error) => Err(error),
            None => Err(Error::Internal),
        }
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.describe())
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_cross_the_gate_and_addresses_are_none() {
        for error in Error::ALL {
            assert_eq!(Error::from_register(error.to_register()), Err(*error));
            assert_eq!(Error::from_code(error.code()), Some(*error));
        }
        for value in [0, 1, usize::MAX / 2, 1 << 63, 0xffff_ffc0_0000_0000] {
            assert_eq!(Error::from_register(value), Ok(value));
        }
        assert_eq!(
            Error::from_register(usize::MAX - 60_000),
            Err(Error::Internal)
        );
    }
}

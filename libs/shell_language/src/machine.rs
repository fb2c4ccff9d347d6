//! What the language needs of the machine under it.

use alloc::string::String;
use alloc::vec::Vec;
use core::task::Poll;

/// A command that was launched. The machine gives the number, and never the same one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u64);

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(u8),
    /// It crashed. The text says how.
    Crashed(String),
    /// Somebody killed it.
    Killed,
    /// There is no such command.
    NotFound,
    /// It could not be started. The text says why.
    NotStarted(String),
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reading.
    Read,
    /// Writing, from its begin; what was in it is gone.
    Write,
    /// Writing, at its end.
    Append,
}

/// A command to launch.
#[derive(Debug)]
pub struct Launch<'a, S> {
    /// Its name and its arguments.
    pub arguments: &'a [String],
    /// Its environment.
    pub environment: &'a [(String, String)],
    /// Its input, its output, and where its errors go.
    pub streams: [S; 3],
}

/// Why nothing could be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// Nobody reads it any more: that ends whoever writes, as it ends commands.
    Closed,
    /// The file does not take it, which the machine has told: what was to write has failed.
    Refused,
}

/// The machine. Nothing here waits: what is not ready yet is asked for again, after the machine has
/// said that something happened (that is, whenever [`Shell::run`](crate::Shell::run) is called again).
pub trait Machine {
    /// An end of a stream. It closes when the last clone is dropped.
    type Stream: Clone;

    /// A new stream: the end to read from, and the one to write to.
    fn pipe(&mut self) -> Result<(Self::Stream, Self::Stream), String>;

    /// A stream that gives nothing and takes everything.
    fn null(&mut self) -> Self::Stream;

    /// Opens a file. The error says why not, without the file's name.
    fn open(&mut self, path: &str, mode: Mode) -> Result<Self::Stream, String>;

    /// Whether there is a directory, to be the current one. The error says why not, without its name. Paths that
    /// the machine gets begin with `/` once the variable `PWD` is set.
    fn directory(&mut self, path: &str) -> Result<(), String>;

    /// The names in a directory, and whether each is a directory; empty if there is no such directory.
    fn list(&mut self, directory: &str) -> Vec<(String, bool)>;

    /// Launches a command. Whether that worked is told by [`Self::end`].
    fn launch(&mut self, launch: Launch<'_, Self::Stream>) -> ProcessId;

    /// How a command ended. Once told, the machine forgets it.
    fn end(&mut self, process: ProcessId) -> Poll<End>;

    /// Ends a command. Its end still has to be asked for, or left with [`Self::forget`].
    fn kill(&mut self, process: ProcessId);

    /// Nobody is going to ask for this command's end.
    fn forget(&mut self, process: ProcessId);

    /// Writes some of the bytes and says how many.
    fn write(&mut self, stream: &Self::Stream, bytes: &[u8]) -> Poll<Result<usize, Unwritten>>;

    /// Reads what is there, at most `len` bytes; nothing means that the stream has ended.
    fn read(&mut self, stream: &Self::Stream, len: usize) -> Poll<Vec<u8>>;

    /// Names of all commands, for suggestions.
    fn commands(&mut self) -> Vec<String>;

    /// Milliseconds since some point in the past.
    fn now_ms(&mut self) -> u64;

    /// Whether a stream is a terminal.
    fn is_terminal(&mut self, stream: &Self::Stream) -> bool;
}

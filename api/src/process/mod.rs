//! Starting commands: `std::process` as far as a component has it.
//!
//! A command is started by init, which is asked over `launcher` (`interfaces/launcher.yml`). It gets
//! the arguments, the environment and the standard streams that are said here, the channels that
//! its own file names, and nothing else. It belongs to the [`Child`]: dropping that ends it.
//!
//! Absent: anything that is inherited without being said.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use abi::{Error, EventKind, ProcessState, Result, Rights};

use crate::end::Incoming;
use crate::event_loop::TypedEnd;
use crate::handle::{AsHandle, Channel, Folio, OwnedHandle, Queue};
use crate::io::{PipeReader, PipeWriter};
use crate::launcher::running::{Owner, ToOwner};
use crate::launcher::{Blocking as _, Client, StartReply};
use crate::memory::SharedBytes;
use crate::{sys, wire};

pub mod words;

pub use words::Variables;

/// Answers the heartbeat of init if it has come: for those who are at work for seconds without waiting for anything. The event loop
/// does so by itself, and so does a call that blocks. It takes some system calls, so once in a second or so is enough.
pub fn answer_heartbeat() -> Result<()> {
    crate::long_wait::answer_init()
}

/// A command that is about to be started.
#[derive(Debug)]
pub struct Command {
    name: String,
    arguments: Vec<String>,
    variables: Variables,
    streams: [Stdio; 3],
    terminal: Stdio,
    directory: Stdio,
    mounts: Vec<(String, Stdio)>,
}

impl Command {
    /// The command with this name. It will have no arguments, an empty environment, no input,
    /// and output that vanishes.
    pub fn new(name: impl Into<String>) -> Command {
        Command {
            name: name.into(),
            arguments: Vec::new(),
            variables: Variables::default(),
            streams: [Stdio::null(), Stdio::null(), Stdio::null()],
            terminal: Stdio::null(),
            directory: Stdio::null(),
            mounts: Vec::new(),
        }
    }
    /// Adds an argument.
    pub fn arg(&mut self, argument: impl Into<String>) -> &mut Command {
        self.arguments.push(argument.into());
        self
    }
    /// Adds arguments.
    pub fn args(&mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> &mut Command {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }
    /// Sets a variable of its environment.
    pub fn variable(&mut self, name: &str, value: &str) -> &mut Command {
        self.variables.set(name, value);
        self
    }
    /// Sets its whole environment.
    pub fn variables(&mut self, variables: Variables) -> &mut Command {
        self.variables = variables;
        self
    }
    /// Sets where its input comes from.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Command {
        self.streams[0] = stdin.into();
        self
    }
    /// Sets where its output goes to.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Command {
        self.streams[1] = stdout.into();
        self
    }
    /// Sets where its complaints go to.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Command {
        self.streams[2] = stderr.into();
        self
    }
    /// Gives it a client's end of a `terminal`, which it gets if its file asks for one.
    pub fn terminal(&mut self, terminal: &impl TypedEnd) -> &mut Command {
        self.terminal = Stdio::from_end(terminal.end().clone().into());
        self
    }

    /// Gives it a client's end of an `fs`, which it gets if its file asks for a directory. The end should allow no
    /// more than that file asks for: see `directory` in what `launcher` lists.
    pub fn directory(&mut self, directory: &impl TypedEnd) -> &mut Command {
        self.directory = Stdio::from_end(directory.end().clone().into());
        self
    }

    /// Lets another directory be seen under a name in the one that it is given.
    pub fn mount(&mut self, name: &str, directory: &impl TypedEnd) -> &mut Command {
        let directory = Stdio::from_end(directory.end().clone().into());
        self.mounts.push((name.into(), directory));
        self
    }

    /// Starts it. Streams are handed over: a second start would have none.
    pub fn spawn(&mut self, launcher: &mut Client) -> crate::Result<Child, SpawnError> {
        let words = words::encode(&self.arguments, &self.variables)?;
        let mut token = 0;
        let short = match words.len() <= words::WORDS_LEN_SHORT {
            true => words.as_slice(),
            false => {
                let (folio, len) = long_words(&words)?;
                token = launcher.long_words(folio, len)?;
                &[]
            }
        };
        let [stdin, stdout, stderr] = core::mem::replace(
            &mut self.streams,
            [Stdio::null(), Stdio::null(), Stdio::null()],
        );
        let terminal = core::mem::replace(&mut self.terminal, Stdio::null());
        let directory = core::mem::replace(&mut self.directory, Stdio::null());
        let directory = match directory.0 {
            Some(directory) => launcher.directory(Channel::from(directory))?,
            None => 0,
        };
        for (name, mount) in core::mem::take(&mut self.mounts) {
            if let Some(mount) = mount.0 {
                launcher.mount(directory, &name, Channel::from(mount))?;
            }
        }
        let StartReply {
            job,
            number,
            error,
            reason,
        } = launcher.start(
            &self.name,
            short,
            token,
            directory,
            stdin.0.map(Channel::from),
            stdout.0.map(Channel::from),
            stderr.0.map(Channel::from),
            terminal.0.map(Channel::from),
        )?;
        match job {
            Some(job) => Ok(Child {
                job,
                number,
                status: None,
            }),
            None => Err(SpawnError {
                error: Error::from_code(error).unwrap_or(Error::Internal),
                reason: reason.into(),
            }),
        }
    }
}

/// A folio with these bytes that nobody will be able to change.
fn long_words(words: &[u8]) -> Result<(Folio, u32)> {
    use ring::SharedMemory;

    let folio = Folio::new(words.len())?;
    folio.map()?.write(0, words);
    let sealed = folio.duplicate(
        Rights::READ
            .union(Rights::TRANSFER)
            .union(Rights::DUPLICATE),
    )?;
    Ok((sealed, words.len() as u32))
}

/// The words in a folio that came from somebody.
pub(crate) fn read_long_words(folio: &Folio, len: u32) -> Result<Vec<u8>> {
    use ring::SharedMemory;

    let len = len as usize;
    if len > words::WORDS_LEN_MAX || len > folio.len()? {
        return Err(Error::InvalidData);
    }
    let mapped: SharedBytes = folio.map_read_only()?;
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(len)
        .map_err(|_| Error::OutOfMemory)?;
    bytes.resize(len, 0);
    mapped.read(0, &mut bytes);
    Ok(bytes)
}

/// Why a command was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnError {
    /// The kind of error: [`Error::NotFound`] if there is no such command.
    pub error: Error,
    /// What to tell people; empty if the error says it all.
    pub reason: String,
}

impl From<Error> for SpawnError {
    fn from(error: Error) -> SpawnError {
        SpawnError {
            error,
            reason: String::new(),
        }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason.is_empty() {
            true => self.error.fmt(f),
            false => f.write_str(&self.reason),
        }
    }
}

impl core::error::Error for SpawnError {}

/// What a command gets for one of its standard streams.
#[derive(Debug)]
pub struct Stdio(Option<OwnedHandle>);

impl Stdio {
    /// Nothing: input is at its end, output vanishes.
    pub fn null() -> Stdio {
        Stdio(None)
    }
    pub(crate) fn from_end(end: OwnedHandle) -> Stdio {
        Stdio(Some(end))
    }
}

impl From<crate::stream::Receiver> for Stdio {
    fn from(end: crate::stream::Receiver) -> Stdio {
        Stdio::from_end(end.into())
    }
}

impl From<crate::stream::Sender> for Stdio {
    fn from(end: crate::stream::Sender) -> Stdio {
        Stdio::from_end(end.into())
    }
}

impl TryFrom<PipeReader> for Stdio {
    type Error = Error;
    /// [`Error::Busy`] if something was read already.
    fn try_from(reader: PipeReader) -> Result<Stdio> {
        reader.into_end().map(Stdio::from)
    }
}

impl TryFrom<PipeWriter> for Stdio {
    type Error = Error;
    /// [`Error::Busy`] if something was written already.
    fn try_from(writer: PipeWriter) -> Result<Stdio> {
        writer.into_end().map(Stdio::from)
    }
}

/// A command that was started. Dropping it ends the command.
#[derive(Debug)]
pub struct Child {
    job: Owner,
    number: u32,
    status: Option<ExitStatus>,
}

impl Child {
    /// Its number, as lists of commands have it.
    pub fn id(&self) -> u32 {
        self.number
    }

    /// What to listen to in an event loop: `ToOwner::Ended` has the status.
    pub fn job(&self) -> &Owner {
        &self.job
    }

    /// Ends it at once, with the status [`ProcessState::EXIT_KILLED`]. Its end is still to be waited for.
    pub fn kill(&self) -> Result<()> {
        self.job.end().keep_when_gone();
        self.job.kill(ProcessState::EXIT_KILLED as u32)
    }

    /// Asks it to end: its event loop has the event `Shutdown`. One that has no event loop goes on.
    pub fn terminate(&self) -> Result<()> {
        self.job.end().keep_when_gone();
        self.job.terminate()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let queue = Queue::new()?;
        queue.attach(self.job.end(), 0)?;
        loop {
            let raw = queue.wait(None)?;
            match raw.kind {
                EventKind::Message => {
                    let incoming = Incoming {
                        page: &mut None,
                        channel: self.job.end().handle(),
                        info: raw.info(),
                        transaction: raw.transaction,
                        handles: raw.handles,
                        types: raw.types,
                        stage: None,
                    };
                    let ToOwner::Ended(ended) = ToOwner::decode(incoming)?;
                    let status = ExitStatus(ended.status);
                    self.status = Some(status);
                    Queue::detach(self.job.end())?;
                    return Ok(status);
                }
                EventKind::Writable => self.job.end().inner.flush_kept(),
                _ => {
                    wire::close_all(raw.handles);
                    return Err(Error::Closed);
                }
            }
        }
    }
}

/// What a command ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitStatus(u64);

impl ExitStatus {
    /// The status with this number.
    pub fn new(code: u64) -> ExitStatus {
        ExitStatus(code)
    }
    /// Whether it is 0.
    pub fn success(self) -> bool {
        self.0 == 0
    }
    /// The number: 0 is success.
    pub fn code(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match usize::try_from(self.0) {
            Ok(ProcessState::EXIT_PANIC) => "panicked",
            Ok(ProcessState::EXIT_FAULT) => "made a fault",
            Ok(ProcessState::EXIT_STACK_OVERFLOW) => "overflowed its stack",
            Ok(ProcessState::EXIT_KILLED) => "was killed",
            Ok(ProcessState::EXIT_PIPE) => "had nobody left to write to",
            _ => return write!(f, "ended with status {}", self.0),
        };
        f.write_str(what)
    }
}

/// Ends the calling component at once with this status. What was printed is sent before.
pub fn exit(status: usize) -> ! {
    crate::stage::flush();
    sys::process_exit(status)
}

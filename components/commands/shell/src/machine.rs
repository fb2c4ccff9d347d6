//! The machine under the language: commands are started through `launcher`, and bytes are passed on.
//!
//! A stream that only one command uses is handed to it, and the shell sees nothing of it: so `a | b` costs the
//! shell nothing. Where several use the same one (the commands of a script and their output, a
//! job and the terminal), each gets a stream of its own, and a [`Pump`] here passes the bytes on, as fast as
//! they are taken. A command has ended when its pumps are dry: so what it printed stands before what
//! comes next.
//!
//! [`language`] is what the language asks for, [`launching`] starts commands, [`passing`] moves bytes, [`window`] is the terminal.

mod language;
mod launching;
mod passing;
mod window;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;
use core::task::Poll;

use ftl::abi::ProcessState;
use ftl::io::{Inlet, Outlet, Read, Stderr, Stdin, Stdout, Write};
use ftl::launcher::running;
use ftl::prelude::*;
use ftl::process::{Child, Command, ExitStatus, Stdio, Variables};
use ftl::stream::{Receiver, Sender, ToReceiver, ToSender};
use interfaces::files::{Dir, OpenOptions};
use shell_language::{End, Launch, Machine, Mode, ProcessId, Unwritten};

use launching::end_of;
use passing::is_closed;

use crate::spec::*;
use crate::streams::{Dead, DiskFile, Graveyard, Reader, ReaderState, Stream, Writer, WriterState};

/// Bytes of the files that lie in the shell's memory, all together.
const FILES_MAX: usize = 512 * 1024;
/// Bytes that are read ahead of whoever wants them.
const AHEAD_MAX: usize = 4096;

/// Who an event concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Reader(u32),
    Writer(u32),
    Job(u64),
    Terminal,
    Again,
}

/// What happened, as far as the loop has to see to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Something that the machine has seen to.
    Nothing,
    /// Ctrl-C.
    Interrupted,
    /// The terminal has another size.
    Resized,
    /// Bytes were typed at the prompt.
    Typed,
    /// The terminal is gone.
    TerminalLost,
}

struct Process {
    /// None if it could not be started.
    child: Option<Child>,
    end: Option<End>,
    /// Pumps that carry what it prints.
    pumps: usize,
}

/// Passes bytes on from one stream to another.
struct Pump {
    from: Stream,
    to: Stream,
    /// Whose output it is.
    process: Option<ProcessId>,
}

/// See the [module](self).
pub struct FtlMachine {
    events: EventLoop<Source>,
    launcher: launcher::Client,
    system: Option<system::Client>,
    terminal: Option<terminal::Client>,
    variables: Variables,
    /// What the shell was given, until [`Self::standard_streams`] takes it.
    given: Option<(Stdin, Stdout, Stderr)>,
    /// Where the shell's own errors go, if that is not the terminal. Not held, so that it can still be handed on.
    errors: Option<Weak<Writer>>,
    /// What they have not taken yet.
    complaints: VecDeque<u8>,
    /// Where everything is written that belongs on the terminal.
    screen: Option<Rc<Writer>>,
    /// What is typed at the prompt.
    keys: Option<Rc<Reader>>,
    /// Lines of the log, to be shown where they do no harm, and the begin of one.
    notices: Option<Rc<Reader>>,
    notice: Vec<u8>,
    /// What is typed while the shell itself reads lines: `read`.
    lines: Option<Rc<Reader>>,
    readers: BTreeMap<u32, Weak<Reader>>,
    writers: BTreeMap<u32, Weak<Writer>>,
    processes: BTreeMap<ProcessId, Process>,
    pumps: Vec<Pump>,
    graveyard: Graveyard,
    /// The directory that the system's file gives the shell. Without one, files lie in memory.
    disk: Option<Dir>,
    files: BTreeMap<String, Rc<RefCell<Vec<u8>>>>,
    commands: Vec<(String, String)>,
    /// Which of them are given a directory, and for what.
    given_directories: BTreeMap<String, launcher::Directory>,
    again: Timer,
    next: u64,
    /// The prompt is shown: what jobs print goes to `beside`.
    pub prompt_shown: bool,
    /// What jobs printed while the prompt is shown.
    pub beside: Vec<u8>,
    /// Bytes for the terminal that it has not taken yet.
    waiting: VecDeque<u8>,
    /// Whether the cursor is at the begin of a line.
    pub at_line_start: bool,
    /// The Ctrl-C that is being seen to.
    interrupt: Option<u32>,
    /// Whether the shell was asked to end.
    pub is_ending: bool,
}

impl FtlMachine {
    pub fn new(env: Environ) -> Result<FtlMachine> {
        let mut events = EventLoop::new()?;
        let again = events.timer(Source::Again);
        let mut machine = FtlMachine {
            events,
            launcher: env.launcher,
            system: env.system,
            terminal: env.terminal,
            variables: env.variables,
            given: Some((env.stdin, env.stdout, env.stderr)),
            errors: None,
            complaints: VecDeque::new(),
            screen: None,
            keys: None,
            notices: None,
            notice: Vec::new(),
            lines: None,
            readers: BTreeMap::new(),
            writers: BTreeMap::new(),
            processes: BTreeMap::new(),
            pumps: Vec::new(),
            graveyard: Graveyard::default(),
            disk: env
                .fs
                .map(|fs| with_others(Dir::new(fs), [("boot", env.boot), ("fat", env.fat)])),
            files: BTreeMap::new(),
            commands: Vec::new(),
            given_directories: BTreeMap::new(),
            again,
            next: 1,
            prompt_shown: false,
            beside: Vec::new(),
            waiting: VecDeque::new(),
            at_line_start: true,
            interrupt: None,
            is_ending: false,
        };
        machine.refresh_commands();
        if let Some(terminal) = &machine.terminal {
            machine.events.add(terminal, Source::Terminal)?;
        }
        Ok(machine)
    }

    /// Whether there is a terminal and nothing else to read from.
    pub fn is_interactive(&self) -> bool {
        self.screen.is_some()
    }

    /// The environment that the shell was started with.
    pub fn variables(&self) -> Vec<(String, String)> {
        let all = self.variables.iter();
        all.map(|(name, value)| (name.to_string(), value.to_string()))
            .collect()
    }

    /// The streams that commands get if nothing else is said: those that the shell got, or the terminal.
    pub fn standard_streams(&mut self) -> Result<[Stream; 3]> {
        let Some((stdin, stdout, stderr)) = self.given.take() else {
            return Err(Error::AlreadyExists);
        };
        let (stdin, stdout, stderr) = (stdin.into_inner(), stdout.take(), stderr.take());
        let on_terminal = stdin.is_none() && stdout.is_none() && stderr.is_none();
        if on_terminal && let Some(terminal) = &mut self.terminal {
            let sender = Sender::from(ftl::handle::OwnedHandle::from(terminal.output()?));
            let keys = Receiver::from(ftl::handle::OwnedHandle::from(
                terminal.input(terminal::Mode::Keys)?,
            ));
            // Opened after the keys: these are not what fills the screen.
            let notices = terminal.notices().ok();
            // What is typed after Ctrl-C waits until we have seen to that.
            terminal.heard(0)?;
            let screen = self.writer(sender);
            self.open_writer(&screen)?;
            if let Some(notices) = notices {
                let notices = Receiver::from(ftl::handle::OwnedHandle::from(notices));
                let notices = self.reader(notices);
                self.open_reader(&notices)?;
                self.notices = Some(notices);
            }
            let keys = self.reader(keys);
            self.open_reader(&keys)?;
            self.screen = Some(screen.clone());
            self.keys = Some(keys);
            let screen = Stream::Writer(screen);
            return Ok([Stream::Keyboard, screen.clone(), screen]);
        }
        let stdin = match stdin {
            Some(reader) => Stream::Reader(self.reader(reader.into_end()?)),
            None => Stream::Null,
        };
        let mut output = |writer: Option<ftl::io::PipeWriter>| -> Result<Stream> {
            Ok(match writer {
                Some(writer) => Stream::Writer(self.writer(writer.into_end()?)),
                None => Stream::Null,
            })
        };
        let streams = [stdin, output(stdout)?, output(stderr)?];
        if let Stream::Writer(writer) = &streams[2] {
            self.errors = Some(Rc::downgrade(writer));
        }
        Ok(streams)
    }

    /// The commands' names, and what they do.
    pub fn known_commands(&self) -> &[(String, String)] {
        &self.commands
    }

    /// The components' names.
    pub fn components(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        let Some(system) = &mut self.system else {
            return names;
        };
        while let Ok(reply) = system.components(names.len() as u16) {
            let before = names.len();
            names.extend(
                reply
                    .components
                    .iter()
                    .map(|component| component.name.to_string()),
            );
            if names.len() == before || names.len() >= usize::from(reply.total) {
                break;
            }
        }
        names
    }

    /// Asks for the list of commands.
    pub fn refresh_commands(&mut self) {
        if !self.commands.is_empty() {
            return;
        }
        let mut found = Vec::new();
        while let Ok(reply) = self.launcher.commands(found.len() as u16) {
            let before = found.len();
            for command in reply.commands.iter() {
                found.push((command.name.to_string(), command.doc.to_string()));
                if command.directory != launcher::Directory::None {
                    self.given_directories
                        .insert(command.name.to_string(), command.directory);
                }
            }
            if found.len() == before || found.len() >= usize::from(reply.total) {
                break;
            }
        }
        self.commands = found;
    }

    /// The directory that the shell was given.
    pub fn disk(&self) -> Option<&Dir> {
        self.disk.as_ref()
    }

    /// Names of the files that lie in the shell's memory.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Lets the next [`Self::wait`] not wait.
    pub fn hurry(&self) {
        self.again.set(Duration::ZERO);
    }

    /// Waits for the next event, sees to it, and passes bytes on.
    pub fn wait(&mut self) -> Result<Happened> {
        self.bury();
        self.pump();
        if let Some(number) = self.interrupt.take()
            && self.keys.is_some()
            && let Some(terminal) = &self.terminal
        {
            // Who does not hear it is gone, which is heard of as `Closed`.
            let _ = terminal.heard(number);
        }
        let happened = match self.events.next()? {
            Event::Message(Source::Terminal, Message::Terminal(message)) => match message {
                terminal::ToClient::Interrupt(interrupt) => {
                    self.interrupt = Some(interrupt.number);
                    Happened::Interrupted
                }
                terminal::ToClient::Resized => Happened::Resized,
                _ => Happened::Nothing,
            },
            Event::Message(Source::Reader(id), Message::StreamReceiver(message)) => {
                let mut joined = None;
                let reader = self.readers.get(&id).and_then(Weak::upgrade);
                let typed = match (&reader, &self.keys) {
                    (Some(reader), Some(keys)) => Rc::ptr_eq(reader, keys),
                    _ => false,
                };
                if let Some(reader) = &reader
                    && let ReaderState::Open { inlet, bytes, .. } = &mut *reader.state.borrow_mut()
                {
                    match message {
                        ToReceiver::Data(data) => {
                            bytes.extend(data.bytes);
                            inlet.received(data.bytes.len());
                        }
                        ToReceiver::Join(join) => joined = Some(join.stream),
                    }
                }
                if let (Some(stream), Some(reader)) = (joined, reader)
                    && let ReaderState::Open { inlet, .. } = &mut *reader.state.borrow_mut()
                {
                    inlet.joined(stream, &mut self.events, Source::Reader(id))?;
                }
                match typed {
                    true => Happened::Typed,
                    false => Happened::Nothing,
                }
            }
            Event::Message(Source::Writer(id), Message::StreamSender(ToSender::Want(want))) => {
                if let Some(writer) = self.writers.get(&id).and_then(Weak::upgrade)
                    && let WriterState::Open { outlet, .. } = &mut *writer.state.borrow_mut()
                {
                    outlet.heard(want);
                }
                Happened::Nothing
            }
            Event::Message(Source::Job(id), Message::Running(running::ToOwner::Ended(ended))) => {
                self.job_ended(ProcessId(id), end_of(ExitStatus::new(ended.status)));
                Happened::Nothing
            }
            Event::Closed(Source::Reader(id)) => {
                let mut lost = false;
                if let Some(reader) = self.readers.get(&id).and_then(Weak::upgrade) {
                    let mut state = reader.state.borrow_mut();
                    if let ReaderState::Open { inlet, ended, .. } = &mut *state
                        && !inlet.closed(&mut self.events, Source::Reader(id))?
                    {
                        *ended = true;
                        lost = self
                            .keys
                            .as_ref()
                            .is_some_and(|keys| Rc::ptr_eq(keys, &reader));
                    }
                }
                match lost {
                    true => Happened::TerminalLost,
                    false => Happened::Nothing,
                }
            }
            Event::Closed(Source::Writer(id)) => {
                if let Some(writer) = self.writers.get(&id).and_then(Weak::upgrade)
                    && let WriterState::Open { closed, .. } = &mut *writer.state.borrow_mut()
                {
                    *closed = true;
                }
                Happened::Nothing
            }
            Event::Closed(Source::Job(id)) => {
                self.job_ended(ProcessId(id), End::Killed);
                Happened::Nothing
            }
            Event::Closed(Source::Terminal) => Happened::TerminalLost,
            Event::Shutdown => {
                self.is_ending = true;
                Happened::Nothing
            }
            _ => Happened::Nothing,
        };
        self.pump();
        Ok(happened)
    }

    /// Waits until everything that was printed has been taken.
    pub fn drain(&mut self) -> Result<()> {
        while !self.waiting.is_empty()
            || !self.complaints.is_empty()
            || self.pumps.iter().any(|pump| pump.process.is_some())
        {
            self.wait()?;
            let closed = self.screen.as_ref().is_some_and(|screen| is_closed(screen));
            if closed {
                break;
            }
        }
        Ok(())
    }

    /// Writes something short, waiting for nobody.
    pub fn print(&mut self, stream: &Stream, bytes: &[u8]) {
        let mut left = bytes;
        while !left.is_empty() {
            match self.write(stream, left) {
                Poll::Ready(Ok(len)) => left = &left[len..],
                Poll::Ready(Err(_)) => return,
                Poll::Pending => {
                    if self.wait().is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Reads a stream to its end, or until the shell is to end.
    pub fn read_all(&mut self, stream: &Stream) -> Result<String> {
        let mut bytes = Vec::new();
        loop {
            match self.read(stream, AHEAD_MAX) {
                Poll::Ready(found) if found.is_empty() => break,
                Poll::Ready(found) => bytes.extend(found),
                Poll::Pending if self.is_ending => break,
                Poll::Pending => drop(self.wait()?),
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// The directory with others in it, as far as they are there: the second disk may be missing.
fn with_others<const N: usize>(
    disk: Dir,
    others: [(&str, Option<interfaces::fs::Client>); N],
) -> Dir {
    let others = others
        .into_iter()
        .filter_map(|(name, fs)| Some((name, Dir::new(fs?))));
    let there = others.filter(|(_, other)| other.metadata("/").is_ok());
    there.fold(disk, |disk, (name, other)| disk.with_mount(name, &other))
}

/// The names in a directory, and whether each is a directory; nothing if there is no such directory.
pub fn list(disk: &Dir, directory: &str) -> Vec<(String, bool)> {
    let Ok(entries) = disk.read_dir(directory) else {
        return Vec::new();
    };
    let entries = entries.map_while(Result::ok);
    entries
        .map(|entry| {
            let is_directory = match entry.file_type().is_symlink() {
                true => disk
                    .metadata(&entry.path())
                    .is_ok_and(|found| found.is_dir()),
                false => entry.file_type().is_dir(),
            };
            (entry.file_name().to_string(), is_directory)
        })
        .collect()
}

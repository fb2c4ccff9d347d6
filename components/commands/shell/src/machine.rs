//! The machine under the language: commands are started through `launcher`, and bytes are passed on.
//!
//! A stream that only one command uses is handed to it, and the shell sees nothing of it: so `a | b` costs the
//! shell nothing. Where several use the same one (the commands of a script and their output, a
//! job and the terminal), each gets a stream of its own, and a [`Pump`] here passes the bytes on, as fast as
//! they are taken. A command has ended when its pumps are dry: so what it printed stands before what
//! comes next.

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
use shell_language::{End, Launch, Machine, Mode, ProcessId};

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
            disk: env.fs.map(Dir::new),
            files: BTreeMap::new(),
            commands: Vec::new(),
            given_directories: BTreeMap::new(),
            again,
            next: 1,
            prompt_shown: false,
            beside: Vec::new(),
            waiting: VecDeque::new(),
            at_line_start: true,
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

    /// What is known about the terminal.
    pub fn size(&mut self) -> Option<terminal::SizeReply> {
        self.terminal.as_mut()?.size().ok()
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
        let happened = match self.events.next()? {
            Event::Message(Source::Terminal, Message::Terminal(message)) => match message {
                terminal::ToClient::Interrupt => Happened::Interrupted,
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
            Event::Shutdown => Happened::TerminalLost,
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
                Poll::Ready(Err(())) => return,
                Poll::Pending => {
                    if self.wait().is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Writes to the terminal, past everything.
    pub fn print_terminal(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let text = bytes.iter().rev().find(|byte| **byte != b'\r');
        self.at_line_start = text == Some(&b'\n');
        self.waiting.extend(bytes);
        self.flush_terminal();
    }

    fn flush_terminal(&mut self) {
        let Some(screen) = self.screen.clone() else {
            return;
        };
        let mut state = screen.state.borrow_mut();
        let WriterState::Open { outlet, .. } = &mut *state else {
            return;
        };
        while !self.waiting.is_empty() {
            let bytes = self.waiting.make_contiguous();
            match outlet.send(bytes) {
                Ok(0) => return,
                Ok(len) => drop(self.waiting.drain(..len)),
                Err(_) => self.waiting.clear(),
            }
        }
    }

    /// Says what went wrong with a command's files, where the shell's errors go.
    fn complain(&mut self, message: &str) {
        self.complaints
            .extend(alloc::format!("shell: {message}\n").bytes());
        self.flush_complaints();
    }

    /// Writes what is taken. If nobody is there to take it, it stands in the log.
    fn flush_complaints(&mut self) {
        while !self.complaints.is_empty() {
            let errors = self.screen.clone();
            let errors = errors.or_else(|| self.errors.as_ref().and_then(Weak::upgrade));
            let bytes: Vec<u8> = self.complaints.iter().copied().collect();
            let written = errors.map(|errors| self.write(&Stream::Writer(errors), &bytes));
            match written {
                Some(Poll::Pending) => return,
                Some(Poll::Ready(Ok(len))) => drop(self.complaints.drain(..len)),
                Some(Poll::Ready(Err(()))) | None => {
                    warn!("{}", String::from_utf8_lossy(&bytes).trim_end());
                    self.complaints.clear();
                }
            }
        }
    }

    /// Reads a stream to its end.
    pub fn read_all(&mut self, stream: &Stream) -> Result<String> {
        let mut bytes = Vec::new();
        loop {
            match self.read(stream, AHEAD_MAX) {
                Poll::Ready(found) if found.is_empty() => break,
                Poll::Ready(found) => bytes.extend(found),
                Poll::Pending => drop(self.wait()?),
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whole lines of the log that came since the last time; asks for more.
    pub fn noticed(&mut self) -> Vec<u8> {
        let Some(notices) = self.notices.clone() else {
            return Vec::new();
        };
        while let Poll::Ready(bytes) = self.read(&Stream::Reader(notices.clone()), AHEAD_MAX) {
            if bytes.is_empty() {
                // Its end.
                self.notices = None;
                break;
            }
            self.notice.extend(bytes);
        }
        let end = self.notice.iter().rposition(|byte| *byte == b'\n');
        self.notice.drain(..end.map_or(0, |at| at + 1)).collect()
    }

    /// What was typed at the prompt since the last time; asks for more.
    pub fn typed(&mut self) -> Vec<u8> {
        let Some(keys) = self.keys.clone() else {
            return Vec::new();
        };
        let mut state = keys.state.borrow_mut();
        match &mut *state {
            ReaderState::Open {
                inlet,
                bytes,
                ended,
            } => {
                if !*ended && bytes.is_empty() {
                    inlet.ask();
                }
                bytes.drain(..).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Puts back what was typed after the line's end.
    pub fn untyped(&mut self, rest: &[u8]) {
        if let Some(keys) = &self.keys
            && let ReaderState::Open { bytes, .. } = &mut *keys.state.borrow_mut()
        {
            for byte in rest.iter().rev() {
                bytes.push_front(*byte);
            }
        }
    }

    /// The line has ended: what is typed belongs to the prompt again.
    pub fn line_ended(&mut self) {
        self.lines = None;
    }

    /// The input for `read`, at the terminal.
    fn lines(&mut self) -> Option<Rc<Reader>> {
        if self.lines.is_none() {
            let channel = self.terminal.as_mut()?.input(terminal::Mode::Lines).ok()?;
            let end = Receiver::from(ftl::handle::OwnedHandle::from(channel));
            self.lines = Some(self.reader(end));
        }
        self.lines.clone()
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn reader(&mut self, end: Receiver) -> Rc<Reader> {
        Rc::new(Reader {
            id: self.number() as u32,
            state: RefCell::new(ReaderState::Whole(end)),
            graveyard: self.graveyard.clone(),
        })
    }

    fn writer(&mut self, end: Sender) -> Rc<Writer> {
        Rc::new(Writer {
            id: self.number() as u32,
            state: RefCell::new(WriterState::Whole(end)),
            graveyard: self.graveyard.clone(),
        })
    }

    /// From now on the shell reads it itself.
    fn open_reader(&mut self, reader: &Rc<Reader>) -> Result<()> {
        let mut state = reader.state.borrow_mut();
        if let ReaderState::Whole(end) = &*state {
            let inlet = Inlet::new(end.clone());
            inlet.add(&mut self.events, Source::Reader(reader.id))?;
            *state = ReaderState::Open {
                inlet,
                bytes: VecDeque::new(),
                ended: false,
            };
            self.readers.insert(reader.id, Rc::downgrade(reader));
        }
        Ok(())
    }

    /// From now on the shell writes to it itself.
    fn open_writer(&mut self, writer: &Rc<Writer>) -> Result<()> {
        let mut state = writer.state.borrow_mut();
        if let WriterState::Whole(end) = &*state {
            let outlet = Outlet::new(end.clone());
            self.events.add(outlet.end(), Source::Writer(writer.id))?;
            *state = WriterState::Open {
                outlet,
                closed: false,
            };
            self.writers.insert(writer.id, Rc::downgrade(writer));
        }
        Ok(())
    }

    /// Takes ends that were dropped out of the event loop, which closes them.
    fn bury(&mut self) {
        let dead = core::mem::take(&mut *self.graveyard.borrow_mut());
        if dead.is_empty() {
            return;
        }
        for end in dead {
            match end {
                Dead::Inlet(inlet) => inlet.close(&mut self.events),
                // It may have been closed by the other side in this moment.
                Dead::Outlet(outlet) => drop(self.events.remove_channel(outlet.end())),
            }
        }
        self.readers.retain(|_, reader| reader.strong_count() > 0);
        self.writers.retain(|_, writer| writer.strong_count() > 0);
    }

    /// Passes on what can be passed on.
    fn pump(&mut self) {
        self.flush_terminal();
        let mut pumps = core::mem::take(&mut self.pumps);
        pumps.retain(|pump| {
            let more = self.pump_one(pump);
            if !more && let Some(process) = pump.process.and_then(|id| self.processes.get_mut(&id))
            {
                process.pumps -= 1;
            }
            more
        });
        pumps.append(&mut self.pumps);
        self.pumps = pumps;
        self.flush_complaints();
        self.bury();
    }

    /// Passes on what one pump can. Says whether it goes on.
    fn pump_one(&mut self, pump: &Pump) -> bool {
        loop {
            match self.room(&pump.to) {
                Err(()) => return false,
                Ok(0) => return true,
                Ok(room) => match self.read(&pump.from, room.min(AHEAD_MAX)) {
                    Poll::Pending => return true,
                    Poll::Ready(bytes) if bytes.is_empty() => return false,
                    Poll::Ready(bytes) => {
                        // There is room for all of them, as was asked.
                        if self.write(&pump.to, &bytes) == Poll::Ready(Err(())) {
                            return false;
                        }
                    }
                },
            }
        }
    }

    /// How many bytes a stream takes now.
    fn room(&mut self, stream: &Stream) -> Result<usize, ()> {
        match stream {
            Stream::Writer(writer) if self.is_screen(writer) => {
                let held = self.waiting.len() + self.beside.len();
                match is_closed(writer) {
                    true => Err(()),
                    false => Ok(AHEAD_MAX.saturating_sub(held)),
                }
            }
            Stream::Writer(writer) => {
                if self.open_writer(writer).is_err() {
                    return Err(());
                }
                match &*writer.state.borrow() {
                    WriterState::Open { closed: true, .. } | WriterState::Gone => Err(()),
                    WriterState::Open { outlet, .. } => Ok(outlet.room()),
                    WriterState::Whole(_) => Ok(0),
                }
            }
            Stream::File(_) | Stream::DiskFile(_) | Stream::Null => Ok(AHEAD_MAX),
            _ => Err(()),
        }
    }

    fn is_screen(&self, writer: &Rc<Writer>) -> bool {
        self.screen
            .as_ref()
            .is_some_and(|screen| Rc::ptr_eq(screen, writer))
    }

    fn job_ended(&mut self, id: ProcessId, end: End) {
        if let Some(process) = self.processes.get_mut(&id)
            && process.end.is_none()
        {
            process.end = Some(end);
        }
    }

    /// What a command gets as its input.
    fn input_for(&mut self, stream: Stream) -> Result<Stdio> {
        match stream {
            Stream::Keyboard => match &mut self.terminal {
                Some(terminal) => {
                    let channel = terminal.input(terminal::Mode::Lines)?;
                    Ok(Stdio::from(Receiver::from(ftl::handle::OwnedHandle::from(
                        channel,
                    ))))
                }
                None => Ok(Stdio::null()),
            },
            Stream::Reader(reader) => {
                if Rc::strong_count(&reader) == 1 {
                    match reader.state.replace(ReaderState::Gone) {
                        ReaderState::Whole(end) => return Ok(Stdio::from(end)),
                        state => drop(reader.state.replace(state)),
                    }
                }
                self.open_reader(&reader)?;
                self.feed(Stream::Reader(reader))
            }
            Stream::FileReader(_) | Stream::DiskFile(_) => self.feed(stream),
            _ => Ok(Stdio::null()),
        }
    }

    /// A stream for a command, into which this one is passed on.
    fn feed(&mut self, from: Stream) -> Result<Stdio> {
        let (reader, writer) = ftl::io::pipe()?;
        let writer = self.writer(writer.into_end()?);
        self.open_writer(&writer)?;
        self.pumps.push(Pump {
            from,
            to: Stream::Writer(writer),
            process: None,
        });
        Ok(Stdio::from(reader.into_end()?))
    }

    /// What a command gets as one of its outputs.
    fn output_for(&mut self, stream: Stream, process: ProcessId) -> Result<(Stdio, bool)> {
        if let Stream::Writer(writer) = &stream
            && Rc::strong_count(writer) == 1
        {
            match writer.state.replace(WriterState::Gone) {
                WriterState::Whole(end) => return Ok((Stdio::from(end), false)),
                state => drop(writer.state.replace(state)),
            }
        }
        if matches!(stream, Stream::Null) {
            return Ok((Stdio::null(), false));
        }
        let (reader, writer) = ftl::io::pipe()?;
        let reader = self.reader(reader.into_end()?);
        self.open_reader(&reader)?;
        self.pumps.push(Pump {
            from: Stream::Reader(reader),
            to: stream,
            process: Some(process),
        });
        Ok((Stdio::from(writer.into_end()?), true))
    }

    /// A command gets the shell's directory, with the rights that its own file asks for.
    fn directory_for(&self, command: &str) -> Option<interfaces::fs::Client> {
        let write = match self.given_directories.get(command)? {
            launcher::Directory::None => return None,
            launcher::Directory::Read => false,
            launcher::Directory::Write => true,
        };
        let disk = self.disk.as_ref()?;
        match disk.channel("/", write) {
            // The shell itself may only read: then that is what the command can have.
            Err(Error::PermissionDenied) if write => disk.channel("/", false).ok(),
            channel => channel.ok(),
        }
    }

    fn spawn(&mut self, id: ProcessId, launch: Launch<'_, Stream>) -> Result<Process, End> {
        let failed = |error: Error| End::NotStarted(error.to_string());
        let Some((name, arguments)) = launch.arguments.split_first() else {
            return Err(End::NotFound);
        };
        if !self.commands.iter().any(|(known, _)| known == name) {
            return Err(End::NotFound);
        }
        let mut command = Command::new(name.as_str());
        command.args(arguments.iter().cloned());
        for (name, value) in launch.environment {
            command.variable(name, value);
        }
        let [stdin, stdout, stderr] = launch.streams;
        let mut pumps = 0;
        command.stdin(self.input_for(stdin).map_err(failed)?);
        let (stdout, pumped) = self.output_for(stdout, id).map_err(failed)?;
        pumps += usize::from(pumped);
        command.stdout(stdout);
        let (stderr, pumped) = self.output_for(stderr, id).map_err(failed)?;
        pumps += usize::from(pumped);
        command.stderr(stderr);
        if self.screen.is_some()
            && let Some(terminal) = &mut self.terminal
            && let Ok(shared) = terminal.share()
        {
            command.terminal(&shared);
        }
        if let Some(channel) = self.directory_for(name) {
            command.directory(&channel);
        }
        match command.spawn(&mut self.launcher) {
            Ok(child) => {
                self.events
                    .add(child.job(), Source::Job(id.0))
                    .map_err(failed)?;
                Ok(Process {
                    child: Some(child),
                    end: None,
                    pumps,
                })
            }
            Err(error) if error.error == Error::NotFound => Err(End::NotFound),
            Err(error) => Err(End::NotStarted(error.to_string())),
        }
    }
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

fn is_closed(writer: &Writer) -> bool {
    matches!(
        &*writer.state.borrow(),
        WriterState::Open { closed: true, .. } | WriterState::Gone
    )
}

fn end_of(status: ExitStatus) -> End {
    match usize::try_from(status.code()) {
        Ok(ProcessState::EXIT_KILLED) => End::Killed,
        Ok(
            ProcessState::EXIT_PANIC | ProcessState::EXIT_FAULT | ProcessState::EXIT_STACK_OVERFLOW,
        ) => End::Crashed(status.to_string()),
        Ok(code) => End::Exited(u8::try_from(code).unwrap_or(255)),
        Err(_) => End::Exited(255),
    }
}

impl Machine for FtlMachine {
    type Stream = Stream;

    fn pipe(&mut self) -> Result<(Stream, Stream), String> {
        let make = || -> Result<(Receiver, Sender)> {
            let (reader, writer) = ftl::io::pipe()?;
            Ok((reader.into_end()?, writer.into_end()?))
        };
        let (receiver, sender) = make().map_err(|error| error.to_string())?;
        Ok((
            Stream::Reader(self.reader(receiver)),
            Stream::Writer(self.writer(sender)),
        ))
    }

    fn null(&mut self) -> Stream {
        Stream::Null
    }

    fn open(&mut self, path: &str, mode: Mode) -> Result<Stream, String> {
        if path == "/dev/null" {
            return Ok(Stream::Null);
        }
        if let Some(disk) = &self.disk {
            let mut options = OpenOptions::new();
            match mode {
                Mode::Read => options.read(true),
                Mode::Write => options.write(true).create(true).truncate(true),
                Mode::Append => options.append(true).create(true),
            };
            let file = options.open(disk, path).map_err(|error| match error {
                Error::NotFound => "there is no such file".into(),
                error => error.to_string(),
            })?;
            return Ok(Stream::DiskFile(Rc::new(DiskFile {
                path: path.into(),
                file: RefCell::new(file),
            })));
        }
        match (mode, self.files.get(path)) {
            (Mode::Read, Some(file)) => {
                let bytes = file.borrow().iter().copied().collect();
                Ok(Stream::FileReader(Rc::new(RefCell::new(bytes))))
            }
            (Mode::Read, None) => Err("there is no such file".into()),
            (Mode::Append, Some(file)) => Ok(Stream::File(file.clone())),
            (_, Some(file)) => {
                file.borrow_mut().clear();
                Ok(Stream::File(file.clone()))
            }
            (_, None) => {
                let file = Rc::new(RefCell::new(Vec::new()));
                self.files.insert(path.to_string(), file.clone());
                Ok(Stream::File(file))
            }
        }
    }

    fn directory(&mut self, path: &str) -> Result<(), String> {
        let Some(disk) = &self.disk else {
            return Err("there are no directories here".into());
        };
        match disk.metadata(path) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err("it is no directory".into()),
            Err(Error::NotFound) => Err("there is no such directory".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn list(&mut self, directory: &str) -> Vec<(String, bool)> {
        if let Some(disk) = &self.disk {
            return list(disk, directory);
        }
        let base = match directory {
            "." => String::new(),
            directory => alloc::format!("{}/", directory.trim_end_matches('/')),
        };
        let mut names: BTreeMap<String, bool> = BTreeMap::new();
        for path in self.files.keys() {
            if let Some(rest) = path.strip_prefix(&base)
                && !rest.is_empty()
            {
                match rest.split_once('/') {
                    Some((name, _)) => names.insert(name.to_string(), true),
                    None => names.insert(rest.to_string(), false),
                };
            }
        }
        names.into_iter().collect()
    }

    fn launch(&mut self, launch: Launch<'_, Stream>) -> ProcessId {
        let id = ProcessId(self.number());
        let process = self.spawn(id, launch).unwrap_or_else(|end| Process {
            child: None,
            end: Some(end),
            pumps: 0,
        });
        self.processes.insert(id, process);
        id
    }

    fn end(&mut self, id: ProcessId) -> Poll<End> {
        match self.processes.get(&id) {
            Some(process) if process.end.is_none() || process.pumps > 0 => Poll::Pending,
            Some(_) => match self.processes.remove(&id).and_then(|process| process.end) {
                Some(end) => Poll::Ready(end),
                None => Poll::Pending,
            },
            None => Poll::Ready(End::Killed),
        }
    }

    fn kill(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get(&id)
            && let Some(child) = &process.child
        {
            // One that ends in this moment needs no killing.
            let _ = child.kill();
        }
    }

    fn forget(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.remove(&id)
            && let Some(child) = &process.child
        {
            let _ = self.events.remove_channel(child.job());
        }
    }

    fn write(&mut self, stream: &Stream, bytes: &[u8]) -> Poll<Result<usize, ()>> {
        match stream {
            Stream::Null => Poll::Ready(Ok(bytes.len())),
            Stream::File(file) => {
                let all: usize = self.files.values().map(|file| file.borrow().len()).sum();
                if all + bytes.len() > FILES_MAX {
                    self.complain("there is no room left for files in the shell's memory");
                    return Poll::Ready(Err(()));
                }
                file.borrow_mut().extend_from_slice(bytes);
                Poll::Ready(Ok(bytes.len()))
            }
            Stream::DiskFile(file) => {
                let written = file.file.borrow_mut().write(bytes);
                match written {
                    Ok(len) => Poll::Ready(Ok(len)),
                    Err(error) => {
                        self.complain(&alloc::format!("{}: {error}", file.path));
                        Poll::Ready(Err(()))
                    }
                }
            }
            Stream::Writer(writer) if self.is_screen(writer) => match self.room(stream) {
                Err(()) => Poll::Ready(Err(())),
                Ok(0) => Poll::Pending,
                Ok(room) => {
                    let len = room.min(bytes.len());
                    match self.prompt_shown {
                        true => self.beside.extend_from_slice(&bytes[..len]),
                        false => self.print_terminal(&bytes[..len]),
                    }
                    Poll::Ready(Ok(len))
                }
            },
            Stream::Writer(writer) => {
                if self.open_writer(writer).is_err() {
                    return Poll::Ready(Err(()));
                }
                match &mut *writer.state.borrow_mut() {
                    WriterState::Open {
                        outlet,
                        closed: false,
                    } => match outlet.send(bytes) {
                        Ok(0) => Poll::Pending,
                        Ok(len) => Poll::Ready(Ok(len)),
                        Err(_) => Poll::Ready(Err(())),
                    },
                    _ => Poll::Ready(Err(())),
                }
            }
            _ => Poll::Ready(Err(())),
        }
    }

    fn read(&mut self, stream: &Stream, len: usize) -> Poll<Vec<u8>> {
        match stream {
            Stream::Reader(reader) => {
                if self.open_reader(reader).is_err() {
                    return Poll::Ready(Vec::new());
                }
                match &mut *reader.state.borrow_mut() {
                    ReaderState::Open {
                        inlet,
                        bytes,
                        ended,
                    } => {
                        if bytes.is_empty() {
                            if *ended {
                                return Poll::Ready(Vec::new());
                            }
                            inlet.ask();
                            return Poll::Pending;
                        }
                        let len = len.min(bytes.len());
                        Poll::Ready(bytes.drain(..len).collect())
                    }
                    _ => Poll::Ready(Vec::new()),
                }
            }
            Stream::FileReader(bytes) => {
                let mut bytes = bytes.borrow_mut();
                let len = len.min(bytes.len());
                Poll::Ready(bytes.drain(..len).collect())
            }
            Stream::DiskFile(file) => {
                let mut bytes = alloc::vec![0; len.min(AHEAD_MAX)];
                let read = file.file.borrow_mut().read(&mut bytes);
                bytes.truncate(read.unwrap_or(0));
                if let Err(error) = read {
                    self.complain(&alloc::format!("{}: {error}", file.path));
                }
                Poll::Ready(bytes)
            }
            Stream::Keyboard => match self.lines() {
                Some(lines) => self.read(&Stream::Reader(lines), len),
                None => Poll::Ready(Vec::new()),
            },
            _ => Poll::Ready(Vec::new()),
        }
    }

    fn commands(&mut self) -> Vec<String> {
        self.commands.iter().map(|(name, _)| name.clone()).collect()
    }

    fn now_ms(&mut self) -> u64 {
        Instant::now().as_nanos() / 1_000_000
    }

    fn is_terminal(&mut self, stream: &Stream) -> bool {
        match stream {
            Stream::Keyboard => true,
            Stream::Writer(writer) => self.is_screen(writer),
            _ => false,
        }
    }
}

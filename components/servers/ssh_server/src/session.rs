//! A shell or a command on a connection: with a terminal of its own, or with three streams.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::io::{Inlet, Outlet};
use ftl::prelude::*;
use ftl::process::{Child, Command};
use interfaces::desk::Desk;
use ssh::{Connection, Output};
use terminal_text::Heard;

use crate::spec::{EventLoop, launcher, stream, terminal};
use crate::{Part, Place, Source};

/// No more is asked for while so many bytes wait.
const WAITING_MAX: usize = 8 * 1024;
/// Statuses of a shell that could not be started, or that is gone without having told one.
const STATUS_NOT_STARTED: u64 = 126;
const STATUS_NOT_FOUND: u64 = 127;
const STATUS_LOST: u64 = 137;
/// What the client's end of input is at a terminal.
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;

/// See the [module](self).
pub struct Session {
    pub place: Place,
    /// Its number on the connection.
    pub channel: usize,
    /// Its terminal, what kind it is, and its size.
    desk: Option<Desk<Source>>,
    kind: String,
    size: (u16, u16),
    /// What runs there. Dropping it ends it.
    job: Option<Child>,
    status: Option<u64>,
    /// Bytes of input that the connection does not know to be taken yet.
    untold: usize,
    stdin: Option<Outlet>,
    input: Vec<u8>,
    input_ended: bool,
    stdout: Option<Inlet>,
    stderr: Option<Inlet>,
    out: Vec<u8>,
    errors: Vec<u8>,
    /// The client knows the status.
    is_finished: bool,
}

impl Session {
    /// A session of which nothing is known yet.
    pub fn new(place: Place, channel: usize) -> Session {
        Session {
            place,
            channel,
            desk: None,
            kind: String::new(),
            size: (0, 0),
            job: None,
            status: None,
            untold: 0,
            stdin: None,
            input: Vec::new(),
            input_ended: false,
            stdout: None,
            stderr: None,
            out: Vec::new(),
            errors: Vec::new(),
            is_finished: false,
        }
    }

    fn source(&self, part: Part) -> Source {
        Source::Session(self.place, part)
    }

    /// It has a terminal.
    pub fn give_terminal(&mut self, kind: String, columns: u16, rows: u16) {
        let place = self.place;
        let source = move |seat| Source::Session(place, Part::Desk(seat));
        self.desk = Some(Desk::new(source));
        self.kind = kind;
        self.size = (columns, rows);
    }

    /// Its terminal has another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
        if let Some(desk) = &self.desk {
            desk.tell(terminal::Server::resized);
        }
    }

    /// Starts the shell, or lets it run a command.
    pub fn start(
        &mut self,
        shell: &str,
        command: Option<&str>,
        launcher: &mut launcher::Client,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        let mut start = Command::new(shell);
        if let Some(command) = command {
            start.args(["-c", command]);
        }
        if !self.kind.is_empty() {
            start.variable("TERM", &self.kind);
        }
        let started = match &mut self.desk {
            Some(desk) => {
                let terminal = desk.share(events)?;
                start.terminal(&terminal).spawn(launcher)
            }
            None => {
                let (stdin, stdin_theirs) = stream::channel()?;
                let (stdout_theirs, stdout) = stream::channel()?;
                let (stderr_theirs, stderr) = stream::channel()?;
                let started = start
                    .stdin(stdin_theirs)
                    .stdout(stdout_theirs)
                    .stderr(stderr_theirs)
                    .spawn(launcher);
                if started.is_ok() {
                    let stdin = Outlet::new(stdin);
                    events.add(stdin.end(), self.source(Part::Stdin))?;
                    self.stdin = Some(stdin);
                    self.stdout = Some(self.inlet_of(stdout, Part::Stdout, events)?);
                    self.stderr = Some(self.inlet_of(stderr, Part::Stderr, events)?);
                }
                started
            }
        };
        match started {
            Ok(child) => {
                events.add(child.job(), self.source(Part::Job))?;
                self.job = Some(child);
            }
            Err(refused) => {
                self.errors = format!("{shell}: {refused}\n").into_bytes();
                self.status = Some(match refused.error {
                    Error::NotFound => STATUS_NOT_FOUND,
                    _ => STATUS_NOT_STARTED,
                });
            }
        }
        Ok(())
    }

    fn inlet_of(
        &self,
        end: stream::Receiver,
        part: Part,
        events: &mut EventLoop<Source>,
    ) -> Result<Inlet> {
        let mut inlet = Inlet::new(end);
        inlet.add(events, self.source(part))?;
        inlet.ask();
        Ok(inlet)
    }

    /// Input came from the client.
    pub fn input(&mut self, bytes: &[u8]) {
        self.untold += bytes.len();
        match &mut self.desk {
            Some(desk) => {
                if desk.typed(bytes).contains(&Heard::Interrupt) {
                    let number = desk.interrupts();
                    desk.tell(|client| client.interrupt(number));
                }
            }
            None => self.input.extend_from_slice(bytes),
        }
    }

    /// No more input comes.
    pub fn end_input(&mut self) {
        self.input_ended = true;
        if let Some(desk) = &mut self.desk {
            desk.typed(&[CTRL_D]);
        }
    }

    /// The client sends a signal.
    pub fn signal(&mut self, name: &str) {
        match (&mut self.desk, name) {
            (Some(desk), "INT") => {
                // As if it was typed.
                desk.typed(&[CTRL_C]);
                let number = desk.interrupts();
                desk.tell(|client| client.interrupt(number));
            }
            (None, "INT") | (_, "TERM" | "KILL" | "HUP" | "QUIT") => {
                if let Some(job) = &self.job {
                    // It may have ended by itself in this moment.
                    let _ = job.kill();
                }
            }
            _ => {}
        }
    }

    /// Whoever uses the terminal asks for something.
    pub fn asked(
        &mut self,
        part: Part,
        message: terminal::ToServer,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        if let (Some(desk), Part::Desk(seat)) = (&mut self.desk, part)
            && let Some(reply) = desk.asked(Some(seat), message, events)?
        {
            let has_colours = !matches!(self.kind.as_str(), "" | "dumb");
            reply.ok(self.size.0, self.size.1, has_colours)?;
        }
        Ok(())
    }

    /// Output came.
    pub fn came(&mut self, part: Part, bytes: &[u8]) {
        match part {
            Part::Desk(seat) => {
                if let Some(desk) = &mut self.desk {
                    desk.came(seat, bytes);
                }
            }
            Part::Stdout => self.out.extend_from_slice(bytes),
            _ => self.errors.extend_from_slice(bytes),
        }
        if let Some(inlet) = self.inlet(part) {
            inlet.received(bytes.len());
        }
    }

    /// Somebody asks for input.
    pub fn wanted(&mut self, part: Part, want: stream::Want) {
        match (part, &mut self.desk, &mut self.stdin) {
            (Part::Desk(seat), Some(desk), _) => desk.wanted(seat, want),
            (Part::Stdin, _, Some(stdin)) => stdin.heard(want),
            _ => {}
        }
    }

    /// What runs there has ended.
    pub fn ended(&mut self, status: u64) {
        self.status = Some(status);
    }

    fn inlet(&mut self, part: Part) -> Option<&mut Inlet> {
        match part {
            Part::Stdout => self.stdout.as_mut(),
            Part::Stderr => self.stderr.as_mut(),
            _ => None,
        }
    }

    /// Another stream takes the place of one of them for a while.
    pub fn joined(
        &mut self,
        part: Part,
        stream: stream::Receiver,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        let source = self.source(part);
        match part {
            Part::Desk(seat) => match &mut self.desk {
                Some(desk) => desk.joined(seat, stream, events),
                None => Ok(()),
            },
            part => match self.inlet(part) {
                Some(inlet) => inlet.joined(stream, events, source),
                None => Ok(()),
            },
        }
    }

    /// One of the session's own channels is closed.
    pub fn closed(&mut self, part: Part, events: &mut EventLoop<Source>) -> Result<()> {
        let source = self.source(part);
        if let Some(inlet) = self.inlet(part)
            && inlet.closed(events, source)?
        {
            return Ok(());
        }
        match part {
            Part::Desk(seat) => {
                if let Some(desk) = &mut self.desk {
                    desk.closed(seat, events)?;
                }
            }
            Part::Stdin => self.stdin = None,
            Part::Stdout => self.stdout = None,
            Part::Stderr => self.stderr = None,
            Part::Job => {
                // Its end was told before, unless init is gone.
                self.status.get_or_insert(STATUS_LOST);
                self.job = None;
            }
        }
        Ok(())
    }

    /// Goes on with everything that can go on.
    pub fn pump(&mut self, connection: &mut Connection, events: &mut EventLoop<Source>) {
        match &mut self.desk {
            Some(desk) => {
                desk.pump(events);
                let screen = desk.screen();
                let sent = connection.output(self.channel, Output::Out, screen.waiting());
                screen.sent(sent);
                if desk.keyboard().has_room() {
                    connection.took(self.channel, core::mem::take(&mut self.untold));
                }
            }
            None => self.pump_streams(connection, events),
        }
        let sent = connection.output(self.channel, Output::Errors, &self.errors);
        self.errors.drain(..sent);
        if let Some(status) = self.status
            && self.has_said_all()
            && !core::mem::replace(&mut self.is_finished, true)
        {
            connection.finish(self.channel, status as u32);
        }
    }

    fn pump_streams(&mut self, connection: &mut Connection, events: &mut EventLoop<Source>) {
        let taken = match &mut self.stdin {
            Some(stdin) => stdin.send(&self.input).unwrap_or(self.input.len()),
            // It is not there yet; or nobody wants the input, and it is thrown away.
            None if self.job.is_none() && self.status.is_none() => 0,
            None => self.input.len(),
        };
        self.input.drain(..taken);
        if taken > 0 {
            self.untold -= taken;
            connection.took(self.channel, taken);
        }
        if self.input_ended
            && self.input.is_empty()
            && let Some(stdin) = self.stdin.take()
        {
            stdin.close(events);
        }
        let sent = connection.output(self.channel, Output::Out, &self.out);
        self.out.drain(..sent);
        for (waiting, inlet) in [
            (&self.out, &mut self.stdout),
            (&self.errors, &mut self.stderr),
        ] {
            if let Some(inlet) = inlet
                && waiting.len() < WAITING_MAX
            {
                inlet.ask();
            }
        }
    }

    /// Asks what runs there to end, because the machine goes off.
    pub fn terminate(&self) {
        if let Some(job) = &self.job {
            // It may have ended by itself in this moment.
            let _ = job.terminate();
        }
    }

    fn has_said_all(&self) -> bool {
        let desk_is_done = self.desk.as_ref().is_none_or(Desk::has_shown_all);
        let streams_are_done = self.stdout.is_none() && self.stderr.is_none();
        desk_is_done && streams_are_done && self.out.is_empty() && self.errors.is_empty()
    }

    /// Ends it, and all that runs there: the client is gone.
    pub fn close(self, events: &mut EventLoop<Source>) {
        if let Some(desk) = self.desk {
            desk.close(events);
        }
        if let Some(stdin) = self.stdin {
            stdin.close(events);
        }
        for inlet in [self.stdout, self.stderr].into_iter().flatten() {
            inlet.close(events);
        }
        if let Some(job) = self.job {
            // It may have ended by itself in this moment.
            let _ = events.remove_channel(job.job());
        }
    }
}

//! What goes between the port and the commands, in both directions, and how it ends.
//!
//! The order at the end: the commands have ended; all that they said has gone into the port, the
//! status behind it; the port is closed, and when all has really gone out its input ends, too.

use alloc::string::String;
use alloc::vec::Vec;

use ftl::io::{Inlet, Outlet};
use ftl::prelude::*;
use ftl::process::{Child, Command};
use host_port::Kind;

use crate::spec::system::CrashReply;
use crate::spec::{EventLoop, launcher, stream};
use crate::{Source, report};

/// No more is taken in for a direction while so many bytes wait there.
const WAITING_MAX: usize = 8 * 1024;
/// Statuses of a shell that could not be started.
const STATUS_NOT_STARTED: u64 = 126;
const STATUS_NOT_FOUND: u64 = 127;
/// The status if the port was closed before the commands had ended.
const STATUS_LOST: u64 = 1;

/// What is to be done next.
pub enum Side {
    /// Nothing.
    Nothing,
    /// To run these commands.
    Run(String),
}

/// Everything that is under way.
pub struct Relay {
    from_host: Inlet,
    /// None once the port is being closed.
    to_host: Option<Outlet>,
    frames: host_port::Reader,
    commands: Vec<u8>,
    /// Frames that wait to go out.
    outgoing: Vec<u8>,
    job: Option<Child>,
    stdin: Option<Outlet>,
    /// Input that nobody has asked for yet, and whether that is all.
    input: Vec<u8>,
    input_ended: bool,
    stdout: Option<Inlet>,
    stderr: Option<Inlet>,
    /// With which status the commands have ended, and whether the host knows.
    status: Option<u64>,
    status_told: bool,
    /// The system goes off: no status is told.
    is_ending: bool,
    /// The number of the last crash that the host was told of.
    crashes: u64,
}

impl Relay {
    /// Nothing came yet.
    pub fn new(
        input: stream::Receiver,
        output: stream::Sender,
        events: &mut EventLoop<Source>,
    ) -> Result<Relay> {
        let mut from_host = Inlet::new(input);
        from_host.add(events, Source::FromHost)?;
        from_host.ask();
        let to_host = Outlet::new(output);
        events.add(to_host.end(), Source::ToHost)?;
        Ok(Relay {
            from_host,
            to_host: Some(to_host),
            frames: host_port::Reader::default(),
            commands: Vec::new(),
            outgoing: Vec::new(),
            job: None,
            stdin: None,
            input: Vec::new(),
            input_ended: false,
            stdout: None,
            stderr: None,
            status: None,
            status_told: false,
            is_ending: false,
            crashes: 0,
        })
    }

    fn inlet(&mut self, from: Source) -> Option<&mut Inlet> {
        match from {
            Source::FromHost => Some(&mut self.from_host),
            Source::Stdout => self.stdout.as_mut(),
            Source::Stderr => self.stderr.as_mut(),
            _ => None,
        }
    }

    /// Bytes came out of one of the streams.
    pub fn came(&mut self, from: Source, bytes: &[u8]) {
        if let Some(inlet) = self.inlet(from) {
            inlet.received(bytes.len());
        }
        match from {
            Source::FromHost => self.frames.push(bytes),
            Source::Stdout => host_port::write(Kind::Output, bytes, &mut self.outgoing),
            Source::Stderr => host_port::write(Kind::Errors, bytes, &mut self.outgoing),
            _ => {}
        }
    }

    /// Another stream takes the place of one of them for a while.
    pub fn joined(
        &mut self,
        from: Source,
        stream: stream::Receiver,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        match self.inlet(from) {
            Some(inlet) => inlet.joined(stream, events, from),
            None => Ok(()),
        }
    }

    /// Somebody asks for bytes.
    pub fn wanted(&mut self, from: Source, want: stream::Want) {
        let outlet = match from {
            Source::ToHost => &mut self.to_host,
            _ => &mut self.stdin,
        };
        if let Some(outlet) = outlet {
            outlet.heard(want);
        }
    }

    /// A component or a command has crashed.
    pub fn crashed(&mut self, crash: &CrashReply<'_>) {
        // It may have been told in two ways.
        if crash.number > self.crashes && !self.status_told {
            self.crashes = crash.number;
            let mut text = String::new();
            report::write(&mut text, crash);
            host_port::write(Kind::Report, text.as_bytes(), &mut self.outgoing);
            host_port::write(Kind::ReportEnd, &[], &mut self.outgoing);
        }
    }

    /// The number of the last crash that the host was told of, 0 if it was told of none.
    pub fn crashes(&self) -> u64 {
        self.crashes
    }

    /// Whether nothing is left but to tell the status.
    pub fn is_over(&self) -> bool {
        self.status.is_some() && self.stdout.is_none() && self.stderr.is_none() && !self.status_told
    }

    /// The system goes off because somebody says so: with their status, and not the commands'. Asks these to end. Answers
    /// whether they run; then what they have said still goes out.
    pub fn terminate(&mut self) -> bool {
        self.is_ending = true;
        let job = self.job.as_ref().filter(|_| self.status.is_none());
        job.is_some_and(|job| job.terminate().is_ok())
    }

    /// The commands have ended.
    pub fn ended(&mut self, status: u64) {
        self.status = Some(status);
    }

    /// A stream has ended. Answers with the status if that is the end of everything.
    pub fn closed(&mut self, from: Source, events: &mut EventLoop<Source>) -> Result<Option<u64>> {
        if let Some(inlet) = self.inlet(from)
            && inlet.closed(events, from)?
        {
            return Ok(None);
        }
        match from {
            Source::FromHost => return Ok(Some(self.status.unwrap_or(STATUS_LOST))),
            Source::ToHost => self.to_host = None,
            Source::Stdin => {
                self.stdin = None;
                self.input.clear();
            }
            Source::Stdout => self.stdout = None,
            Source::Stderr => self.stderr = None,
            Source::Job => {
                // Its end was told before, unless init is gone.
                self.status.get_or_insert(STATUS_LOST);
                self.job = None;
            }
            // Init is gone, and everything with it.
            Source::System => {}
        }
        Ok(None)
    }

    /// Goes on with everything that can go on.
    pub fn pump(&mut self, events: &mut EventLoop<Source>) -> Side {
        let mut side = Side::Nothing;
        while self.input.len() < WAITING_MAX {
            match self.frames.next_frame() {
                Ok(Some((kind, bytes))) => match kind {
                    Kind::Commands => self.commands.extend_from_slice(bytes),
                    Kind::Run => {
                        let commands = core::mem::take(&mut self.commands);
                        side = Side::Run(String::from_utf8_lossy(&commands).into_owned());
                    }
                    Kind::Input if self.status.is_none() => self.input.extend_from_slice(bytes),
                    Kind::InputEnd => self.input_ended = true,
                    _ => {}
                },
                Ok(None) => {
                    self.from_host.ask();
                    break;
                }
                Err(error) => {
                    error!("{error}");
                    self.status.get_or_insert(STATUS_LOST);
                    self.close_port(events);
                    break;
                }
            }
        }
        self.pump_input(events);
        self.pump_output(events);
        side
    }

    /// Says nothing more to the host. The end of its input tells when all has gone out.
    fn close_port(&mut self, events: &mut EventLoop<Source>) {
        if let Some(to_host) = self.to_host.take() {
            to_host.close(events);
        }
    }

    fn pump_input(&mut self, events: &mut EventLoop<Source>) {
        let Some(stdin) = &mut self.stdin else { return };
        match stdin.send(&self.input) {
            Ok(sent) => drop(self.input.drain(..sent)),
            // Nobody wants it: what else comes is thrown away.
            Err(_) => self.input.clear(),
        }
        if self.input_ended
            && self.input.is_empty()
            && let Some(stdin) = self.stdin.take()
        {
            stdin.close(events);
        }
    }

    fn pump_output(&mut self, events: &mut EventLoop<Source>) {
        if let Some(status) = self.status
            && self.is_over()
        {
            self.status_told = true;
            if !self.is_ending {
                host_port::write(Kind::Status, &status.to_le_bytes(), &mut self.outgoing);
            }
        }
        if let Some(to_host) = &mut self.to_host {
            match to_host.send(&self.outgoing) {
                Ok(sent) => drop(self.outgoing.drain(..sent)),
                Err(_) => self.outgoing.clear(),
            }
        }
        if self.status_told && self.outgoing.is_empty() {
            self.close_port(events);
        }
        if self.outgoing.len() < WAITING_MAX {
            for inlet in [&mut self.stdout, &mut self.stderr].into_iter().flatten() {
                inlet.ask();
            }
        }
    }

    /// Starts the shell with these commands.
    pub fn run(
        &mut self,
        commands: &str,
        shell: &str,
        launcher: &mut launcher::Client,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        let (stdin, stdin_theirs) = stream::channel()?;
        let (stdout_theirs, stdout) = stream::channel()?;
        let (stderr_theirs, stderr) = stream::channel()?;
        let started = Command::new(shell)
            .args(["-c", commands])
            .stdin(stdin_theirs)
            .stdout(stdout_theirs)
            .stderr(stderr_theirs)
            .spawn(launcher);
        match started {
            Ok(child) => {
                events.add(child.job(), Source::Job)?;
                self.job = Some(child);
                let stdin = Outlet::new(stdin);
                events.add(stdin.end(), Source::Stdin)?;
                self.stdin = Some(stdin);
                for (place, end, source) in [
                    (&mut self.stdout, stdout, Source::Stdout),
                    (&mut self.stderr, stderr, Source::Stderr),
                ] {
                    let mut inlet = Inlet::new(end);
                    inlet.add(events, source)?;
                    inlet.ask();
                    *place = Some(inlet);
                }
                // Its input may be here already.
                self.pump_input(events);
            }
            Err(refused) => {
                let reason = alloc::format!("{shell}: {refused}\n");
                host_port::write(Kind::Errors, reason.as_bytes(), &mut self.outgoing);
                let status = match refused.error {
                    Error::NotFound => STATUS_NOT_FOUND,
                    _ => STATUS_NOT_STARTED,
                };
                self.status = Some(status);
                self.pump_output(events);
            }
        }
        Ok(())
    }
}

//! The line, the log, and whoever has them open.

use alloc::vec::Vec;

use ftl::handle::OwnedHandle;
use ftl::io::{Inlet, Outlet};
use ftl::memory::Registers;
use ftl::prelude::*;

use crate::Source;
use crate::line::Line;
use crate::spec::{EventLoop, ports, stream};

/// No more is taken in for a direction while so many bytes wait there.
const WAITING_MAX: usize = 4096;
/// Bytes that are received at once.
const RECEIVE_LEN: usize = 256;
/// How often the line is looked at for room at the end, before the rest is given up.
const PATIENCE: usize = 100_000;

/// See the [module](self).
pub struct Serial {
    device: Device,
    line: Line<Registers>,
    /// Who has `console` open: received bytes go to the one, bytes to be sent come from the other.
    input: Option<Outlet>,
    output: Option<Inlet>,
    /// Bytes that wait to be sent, and whether the last that was put there ended a line.
    to_send: Vec<u8>,
    at_line_start: bool,
    /// Who has `log` open, and what waits for them.
    log: Option<Outlet>,
    lines: Vec<u8>,
}

impl Serial {
    pub fn new(device: Device, line: Line<Registers>) -> Serial {
        Serial {
            device,
            line,
            input: None,
            output: None,
            to_send: Vec::new(),
            at_line_start: true,
            log: None,
            lines: Vec::new(),
        }
    }

    /// Somebody wants to open a port.
    pub fn open(
        &mut self,
        name: &str,
        reply: ports::OpenReplier,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        let (source, place) = match name {
            "console" => (Source::Input, &mut self.input),
            "log" => (Source::Log, &mut self.log),
            _ => return reply.error(ports::PortError::Unknown),
        };
        if place.is_some() || source == Source::Input && self.output.is_some() {
            return reply.error(ports::PortError::Taken);
        }
        let (input, input_theirs) = stream::channel()?;
        let (output_theirs, output) = stream::channel()?;
        let input = Outlet::new(input);
        events.add(input.end(), source)?;
        *place = Some(input);
        // What is sent to the log goes nowhere: the receiver's end is dropped.
        if source == Source::Input {
            let output = Inlet::new(output);
            output.add(events, Source::Output)?;
            self.output = Some(output);
        }
        let input = Channel::from(OwnedHandle::from(input_theirs));
        let output = Channel::from(OwnedHandle::from(output_theirs));
        reply.ok(input, output)
    }

    /// The line's interrupt has fired, or there are lines of the log.
    pub fn interrupted(&mut self) {
        self.line.acknowledge();
    }

    /// Lines of the log came.
    pub fn logged(&mut self, lines: &[u8]) {
        if self.log.is_some() {
            self.lines.extend_from_slice(lines);
            return;
        }
        if !self.at_line_start && !lines.is_empty() {
            self.to_send.extend_from_slice(b"\r\n");
        }
        for &byte in lines {
            if byte == b'\n' {
                self.to_send.push(b'\r');
            }
            self.to_send.push(byte);
        }
        self.at_line_start |= !lines.is_empty();
    }

    /// A client sends bytes.
    pub fn output(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.at_line_start = *last == b'\n';
        }
        self.to_send.extend_from_slice(bytes);
        if let Some(output) = &mut self.output {
            output.received(bytes.len());
        }
    }

    /// A client lets somebody else send for a while.
    pub fn joined(
        &mut self,
        stream: stream::Receiver,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        match &mut self.output {
            Some(output) => output.joined(stream, events, Source::Output),
            None => Ok(()),
        }
    }

    /// A client asks for bytes.
    pub fn wanted(&mut self, from: Source, want: stream::Want) {
        let outlet = match from {
            Source::Log => &mut self.log,
            _ => &mut self.input,
        };
        if let Some(outlet) = outlet {
            outlet.heard(want);
        }
    }

    /// A client's stream of bytes to be sent has ended: the port is closed, as far as they are concerned.
    pub fn output_closed(&mut self, events: &mut EventLoop<Source>) -> Result<()> {
        if let Some(output) = &mut self.output
            && !output.closed(events, Source::Output)?
        {
            self.output = None;
        }
        Ok(())
    }

    /// A client wants no more bytes.
    pub fn input_closed(&mut self, from: Source) {
        match from {
            Source::Log => self.log_lost(),
            Source::Input => self.input = None,
            _ => {}
        }
    }

    /// What nobody has taken goes out on the line.
    fn log_lost(&mut self) {
        self.log = None;
        let lines = core::mem::take(&mut self.lines);
        self.logged(&lines);
    }

    /// Goes on with everything that can go on, and says what the line's interrupt is to wake us for.
    pub fn pump(&mut self, events: &mut EventLoop<Source>) {
        let waits = self.receive();
        self.pass_log();
        let sent = self.line.send(&self.to_send);
        self.to_send.drain(..sent);
        if self.to_send.len() < WAITING_MAX {
            match &mut self.output {
                Some(output) => output.ask(),
                // The port is closed once all that was sent is out, which the end of the input tells.
                None if self.to_send.is_empty() => {
                    if let Some(input) = self.input.take() {
                        input.close(events);
                    }
                }
                None => {}
            }
        }
        self.line.listen(waits, !self.to_send.is_empty());
    }

    /// Passes received bytes on. Answers whether there may be more that somebody waits for.
    fn receive(&mut self) -> bool {
        let Some(input) = &mut self.input else {
            return false;
        };
        loop {
            let room = input.room().min(RECEIVE_LEN);
            if room == 0 {
                return false;
            }
            let mut bytes = [0; RECEIVE_LEN];
            let mut len = 0;
            while len < room
                && let Some(byte) = self.line.receive()
            {
                bytes[len] = byte;
                len += 1;
            }
            if len == 0 {
                return true;
            }
            if input.send(&bytes[..len]).is_err() {
                self.input = None;
                return false;
            }
        }
    }

    /// Passes on what the kernel has logged.
    fn pass_log(&mut self) {
        while self.lines.len() < WAITING_MAX && self.to_send.len() < WAITING_MAX {
            match self.device.console_log() {
                Ok(lines) if lines.is_empty() => break,
                Ok(lines) => self.logged(&lines),
                Err(error) => {
                    // Not logged: that would be one line more.
                    debug_assert!(false, "{error}");
                    break;
                }
            }
        }
        if let Some(log) = &mut self.log {
            match log.send(&self.lines) {
                Ok(sent) => drop(self.lines.drain(..sent)),
                Err(_) => self.log_lost(),
            }
        }
    }

    /// The last there is to be sent, before the kernel has the line to itself.
    pub fn finish(&mut self) {
        self.log_lost();
        self.pass_log();
        let mut patience = PATIENCE;
        while !self.to_send.is_empty() && patience > 0 {
            let sent = self.line.send(&self.to_send);
            self.to_send.drain(..sent);
            patience = if sent > 0 { PATIENCE } else { patience - 1 };
        }
    }
}

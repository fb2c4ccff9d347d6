//! The terminal's clients, their inputs and outputs, and the port behind them.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ftl::handle::OwnedHandle;
use ftl::io::{Inlet, Outlet};
use ftl::prelude::*;

use crate::Source;
use crate::keyboard::{Heard, Keyboard, Lines};
use crate::screen::Screen;
use crate::spec::{EventLoop, ports, stream, terminal};

/// No more is asked of outputs while so many bytes wait to be shown.
const WAITING_MAX: usize = 8 * 1024;
/// Bytes of the log that wait for a place to be shown at; of more, the first are dropped.
const LOG_MAX: usize = 16 * 1024;
/// Inputs, outputs and clients at once.
const STREAMS_MAX: usize = 200;
/// How long a terminal may take to say how large its window is.
const PATIENCE: Duration = Duration::from_millis(200);
/// xterm's "Report the size of the text area in characters".
const ASK_SIZE: &[u8] = b"\x1b[18t";

/// Somebody who reads what is typed.
struct Input {
    id: u32,
    outlet: Outlet,
    /// None if they want keys.
    lines: Option<Lines>,
}

/// See the [module](self).
pub struct Desk {
    /// None while the driver is away.
    typed: Option<Inlet>,
    shown: Option<Outlet>,
    log: Option<Inlet>,
    keyboard: Keyboard,
    screen: Screen,
    /// What was logged and is not shown yet.
    lines: Vec<u8>,
    connections: Vec<Connection>,
    shared: BTreeMap<u32, terminal::Server>,
    /// The last one gets what is typed.
    inputs: Vec<Input>,
    outputs: BTreeMap<u32, Inlet>,
    notices: Option<(u32, Outlet)>,
    /// The window's columns and rows, if it has told them.
    size: Option<(u16, u16)>,
    /// Who waits to hear it.
    asking: Vec<terminal::SizeReplier>,
    /// It was asked, and has not answered: so it is not asked again.
    is_mute: bool,
    patience: Timer,
    next: u32,
}

impl Desk {
    /// A terminal whose port is not open yet.
    pub fn new(patience: Timer) -> Desk {
        Desk {
            typed: None,
            shown: None,
            log: None,
            keyboard: Keyboard::default(),
            screen: Screen::default(),
            lines: Vec::new(),
            connections: Vec::new(),
            shared: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: BTreeMap::new(),
            notices: None,
            size: None,
            asking: Vec::new(),
            is_mute: false,
            patience,
            next: 0,
        }
    }

    /// The driver has opened the port.
    pub fn port_opened(
        &mut self,
        port: ports::OpenReply,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        let typed = Inlet::new(stream::Receiver::from(OwnedHandle::from(port.input)));
        typed.add(events, Source::Typed)?;
        let shown = Outlet::new(stream::Sender::from(OwnedHandle::from(port.output)));
        events.add(shown.end(), Source::Shown)?;
        self.typed = Some(typed);
        self.shown = Some(shown);
        Ok(())
    }

    /// The driver has opened the log.
    pub fn log_opened(
        &mut self,
        port: ports::OpenReply,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        let log = Inlet::new(stream::Receiver::from(OwnedHandle::from(port.input)));
        log.add(events, Source::Log)?;
        self.log = Some(log);
        Ok(())
    }

    /// A component that needs a terminal is there.
    pub fn connected(&mut self, client: Connection) {
        self.connections.push(client);
    }

    /// A client asks for something.
    pub fn asked(
        &mut self,
        from: Source,
        message: terminal::ToServer,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        if let Source::Client(client) = from
            && !self.connections.contains(&client)
        {
            self.connections.push(client);
        }
        let id = self.next;
        self.next += 1;
        let is_full = self.inputs.len() + self.outputs.len() + self.shared.len() >= STREAMS_MAX;
        match message {
            terminal::ToServer::Share(reply) if is_full => reply.error(Error::OutOfMemory),
            terminal::ToServer::Input(_, reply) if is_full => reply.error(Error::OutOfMemory),
            terminal::ToServer::Output(reply) if is_full => reply.error(Error::OutOfMemory),
            terminal::ToServer::Share(reply) => {
                let (theirs, ours) = terminal::channel()?;
                events.add(&ours, Source::Shared(id))?;
                self.shared.insert(id, ours);
                reply.ok(theirs)
            }
            terminal::ToServer::Input(request, reply) => {
                let (ours, theirs) = stream::channel()?;
                events.add(&ours, Source::Input(id))?;
                let lines = matches!(request.mode, terminal::Mode::Lines).then(Lines::default);
                self.inputs.push(Input {
                    id,
                    outlet: Outlet::new(ours),
                    lines,
                });
                reply.ok(Channel::from(OwnedHandle::from(theirs)))
            }
            terminal::ToServer::Output(reply) => {
                let (theirs, ours) = stream::channel()?;
                let inlet = Inlet::new(ours);
                inlet.add(events, Source::Output(id))?;
                self.outputs.insert(id, inlet);
                reply.ok(Channel::from(OwnedHandle::from(theirs)))
            }
            terminal::ToServer::Notices(reply) => {
                if let Some((_, before)) = self.notices.take() {
                    before.close(events);
                }
                let (ours, theirs) = stream::channel()?;
                events.add(&ours, Source::Notices)?;
                self.notices = Some((id, Outlet::new(ours)));
                reply.ok(Channel::from(OwnedHandle::from(theirs)))
            }
            terminal::ToServer::Size(reply) => {
                if self.is_mute || self.shown.is_none() {
                    return self.tell_size(reply);
                }
                if self.asking.is_empty() {
                    self.screen.show(ASK_SIZE);
                    self.keyboard.await_report();
                    self.patience.set(PATIENCE);
                }
                self.asking.push(reply);
                Ok(())
            }
        }
    }

    fn tell_size(&self, reply: terminal::SizeReplier) -> Result<()> {
        let (columns, rows) = self.size.unwrap_or_default();
        reply.ok(columns, rows, self.size.is_some())
    }

    /// The window does not say how large it is.
    pub fn give_up_size(&mut self) -> Result<()> {
        self.keyboard.give_up_report();
        self.is_mute = true;
        self.size_known()
    }

    fn size_known(&mut self) -> Result<()> {
        self.patience.cancel();
        for reply in core::mem::take(&mut self.asking) {
            self.tell_size(reply)?;
        }
        Ok(())
    }

    /// Tells all clients something.
    fn tell_all(&self, events: &EventLoop<Source>, tell: impl Fn(&terminal::Server) -> Result<()>) {
        for client in &self.connections {
            if let Some(client) = events.client::<terminal::Server>(*client) {
                // Who is gone is heard of as `Closed`.
                let _ = tell(&client);
            }
        }
        for client in self.shared.values() {
            let _ = tell(client);
        }
    }

    /// Bytes came out of a stream. Answers what else was in them, for [`Desk::heard`].
    pub fn came(&mut self, from: Source, bytes: &[u8]) -> Vec<Heard> {
        if let Some(inlet) = self.inlet(from) {
            inlet.received(bytes.len());
        }
        match from {
            Source::Typed => return self.keyboard.typed(bytes),
            Source::Log => {
                self.lines.extend_from_slice(bytes);
                if self.lines.len() > LOG_MAX {
                    let over = self.lines.len() - LOG_MAX;
                    let line = self.lines[over..].iter().position(|byte| *byte == b'\n');
                    self.lines.drain(..over + line.map_or(0, |at| at + 1));
                }
            }
            _ => self.screen.show(bytes),
        }
        Vec::new()
    }

    /// Sees to what was typed besides bytes for readers.
    pub fn heard(&mut self, heard: Vec<Heard>, events: &EventLoop<Source>) -> Result<()> {
        for heard in heard {
            match heard {
                Heard::Interrupt => {
                    if let Some(Input {
                        lines: Some(lines), ..
                    }) = self.inputs.last_mut()
                    {
                        *lines = Lines::default();
                    }
                    self.tell_all(events, terminal::Server::interrupt);
                }
                Heard::Size(columns, rows) => {
                    let known = self.size.replace((columns, rows));
                    if known.is_some_and(|known| known != (columns, rows)) {
                        self.tell_all(events, terminal::Server::resized);
                    }
                    self.size_known()?;
                }
            }
        }
        Ok(())
    }

    fn inlet(&mut self, from: Source) -> Option<&mut Inlet> {
        match from {
            Source::Typed => self.typed.as_mut(),
            Source::Log => self.log.as_mut(),
            Source::Output(id) => self.outputs.get_mut(&id),
            _ => None,
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
            Source::Shown => self.shown.as_mut(),
            Source::Notices => self.notices.as_mut().map(|(_, outlet)| outlet),
            Source::Input(id) => {
                let mut inputs = self.inputs.iter_mut();
                inputs
                    .find(|input| input.id == id)
                    .map(|input| &mut input.outlet)
            }
            _ => None,
        };
        if let Some(outlet) = outlet {
            outlet.heard(want);
        }
    }

    /// Somebody is gone, or a stream has ended.
    pub fn closed(&mut self, from: Source, events: &mut EventLoop<Source>) -> Result<()> {
        if let Some(inlet) = self.inlet(from)
            && inlet.closed(events, from)?
        {
            return Ok(());
        }
        match from {
            Source::Typed => self.typed = None,
            Source::Shown => self.shown = None,
            Source::Log => self.log = None,
            Source::Client(client) => self.connections.retain(|other| *other != client),
            Source::Shared(id) => drop(self.shared.remove(&id)),
            Source::Output(id) => drop(self.outputs.remove(&id)),
            Source::Notices => self.notices = None,
            Source::Input(id) => {
                if let Some(at) = self.inputs.iter().position(|input| input.id == id) {
                    let input = self.inputs.remove(at);
                    self.keyboard
                        .untake(&input.lines.map(Lines::left).unwrap_or_default());
                }
            }
            // The driver is gone: its streams tell that, too.
            Source::Ports | Source::Patience => {}
        }
        Ok(())
    }

    /// Goes on with everything that can go on.
    pub fn pump(&mut self, events: &mut EventLoop<Source>) {
        self.pass_typed(events);
        self.pass_log();
        if let Some(shown) = &mut self.shown
            && let Ok(sent) = shown.send(self.screen.waiting())
        {
            self.screen.sent(sent);
        }
        if self.screen.waiting().len() < WAITING_MAX {
            for output in self.outputs.values_mut() {
                output.ask();
            }
        }
        if self.keyboard.has_room()
            && let Some(typed) = &mut self.typed
        {
            typed.ask();
        }
        if self.lines.len() < LOG_MAX / 2
            && let Some(log) = &mut self.log
        {
            log.ask();
        }
    }

    /// Hands what was typed to whoever reads it.
    fn pass_typed(&mut self, events: &mut EventLoop<Source>) {
        while let Some(input) = self.inputs.last_mut() {
            let room = input.outlet.room();
            let bytes = match &mut input.lines {
                None => self.keyboard.take_keys(room),
                Some(lines) => {
                    let echo = lines.mend(&mut self.keyboard);
                    self.screen.show(&echo);
                    if lines.is_over() {
                        if let Some(input) = self.inputs.pop() {
                            input.outlet.close(events);
                        }
                        continue;
                    }
                    lines.next(room)
                }
            };
            // A reader that is gone is heard of as `Closed`.
            if bytes.is_empty() || input.outlet.send(&bytes).is_err() {
                return;
            }
        }
    }

    /// Shows what was logged, or hands it to whoever does.
    fn pass_log(&mut self) {
        let Some((opened, notices)) = &mut self.notices else {
            // Whole lines; the rest of the last one is on its way.
            let end = self.lines.iter().rposition(|byte| *byte == b'\n');
            let lines: Vec<u8> = self.lines.drain(..end.map_or(0, |at| at + 1)).collect();
            self.screen.show_lines(&lines);
            return;
        };
        let last = self.inputs.last();
        if last.is_some_and(|input| input.lines.is_none() && input.id > *opened) {
            return;
        }
        if let Ok(sent) = notices.send(&self.lines) {
            self.lines.drain(..sent);
        }
    }
}

//! The serial line: the port with the bytes, that with the log, and the desk that is reached over them.

use alloc::vec::Vec;

use ftl::handle::OwnedHandle;
use ftl::io::{Inlet, Outlet};
use ftl::prelude::*;
use interfaces::desk::Desk;
use terminal_text::Heard;

use crate::Source;
use crate::spec::{EventLoop, ports, stream, terminal};

/// How long a terminal may take to say how large its window is.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long an answer that has begun may take to go on: a line can be slow, and a computer busy.
const HOLD: Duration = Duration::from_secs(2);
/// xterm's "Report the size of the text area in characters".
const ASK_SIZE: &[u8] = b"\x1b[18t";

/// See the [module](self).
pub struct Line {
    desk: Desk<Source>,
    /// None while the driver is away.
    typed: Option<Inlet>,
    shown: Option<Outlet>,
    log: Option<Inlet>,
    /// Components that need the terminal.
    connections: Vec<Connection>,
    /// The window's columns and rows, if it has told them.
    size: Option<(u16, u16)>,
    /// Who waits to hear it.
    asking: Vec<terminal::SizeReplier>,
    /// Whether the port was open before.
    was_open: bool,
    /// It was asked, and has not answered: so it is not asked again before it does.
    is_mute: bool,
    patience: Timer,
}

impl Line {
    /// A terminal whose port is not open yet.
    pub fn new(patience: Timer) -> Line {
        Line {
            desk: Desk::new(Source::Desk),
            typed: None,
            shown: None,
            log: None,
            connections: Vec::new(),
            size: None,
            asking: Vec::new(),
            was_open: false,
            is_mute: false,
            patience,
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
        if self.was_open {
            // Another window, maybe: who draws on it does so anew.
            self.is_mute = false;
            self.tell_all(events, terminal::Server::resized);
        }
        self.was_open = true;
        Ok(())
    }

    /// Whether what is typed comes in.
    pub fn is_open(&self) -> bool {
        self.typed.is_some()
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
        let seat = match from {
            Source::Desk(seat) => Some(seat),
            _ => None,
        };
        let Some(reply) = self.desk.asked(seat, message, events)? else {
            return Ok(());
        };
        // A port that is opened again is told of; one that is opened at last finds the question waiting.
        let is_away = self.shown.is_none() && self.was_open;
        if self.is_mute || is_away {
            return self.tell_size(reply);
        }
        if self.asking.is_empty() {
            self.desk.screen().show(ASK_SIZE);
            self.desk.keyboard().await_report();
            self.patience.set(PATIENCE);
        }
        self.asking.push(reply);
        Ok(())
    }

    fn tell_size(&self, reply: terminal::SizeReplier) -> Result<()> {
        let (columns, rows) = self.size.unwrap_or_default();
        reply.ok(columns, rows, self.size.is_some())
    }

    /// The window does not say how large it is, or not yet.
    pub fn give_up_size(&mut self) -> Result<()> {
        self.desk.keyboard().release();
        if !self.asking.is_empty() {
            self.is_mute = true;
        }
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
        self.desk.tell(tell);
    }

    /// Bytes came out of a stream. Answers what else was in them, for [`Line::heard`].
    pub fn came(&mut self, from: Source, bytes: &[u8]) -> Vec<Heard> {
        if let Some(inlet) = self.inlet(from) {
            inlet.received(bytes.len());
        }
        match from {
            Source::Typed => {
                let heard = self.desk.typed(bytes);
                match self.desk.keyboard().held_back() {
                    0 => {}
                    // It may be the key Escape, which is to be seen soon.
                    1 => self.patience.set(PATIENCE),
                    _ => self.patience.set(HOLD),
                }
                return heard;
            }
            Source::Log => self.desk.notice(bytes),
            Source::Desk(seat) => self.desk.came(seat, bytes),
            _ => {}
        }
        Vec::new()
    }

    /// Sees to what was typed besides bytes for readers.
    pub fn heard(&mut self, heard: Vec<Heard>, events: &EventLoop<Source>) -> Result<()> {
        for heard in heard {
            match heard {
                Heard::Interrupt => {
                    let number = self.desk.interrupts();
                    self.tell_all(events, |client| client.interrupt(number));
                }
                Heard::Size(columns, rows) => {
                    let known = self.size.replace((columns, rows));
                    let is_late = core::mem::take(&mut self.is_mute);
                    if (known.is_some() || is_late) && known != self.size {
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
        match (self.inlet(from), from) {
            (Some(inlet), _) => inlet.joined(stream, events, from),
            (None, Source::Desk(seat)) => self.desk.joined(seat, stream, events),
            (None, _) => Ok(()),
        }
    }

    /// Somebody asks for bytes.
    pub fn wanted(&mut self, from: Source, want: stream::Want) {
        match from {
            Source::Shown => {
                if let Some(shown) = &mut self.shown {
                    shown.heard(want);
                }
            }
            Source::Desk(seat) => self.desk.wanted(seat, want),
            _ => {}
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
            Source::Client(client) => {
                self.connections.retain(|other| *other != client);
                self.desk.client_left(None);
            }
            Source::Desk(seat) => self.desk.closed(seat, events)?,
            // The driver is gone: its streams tell that, too.
            Source::Ports | Source::Patience => {}
        }
        Ok(())
    }

    /// Whether everything was passed on that came, or nobody is there to take it.
    pub fn has_shown_all(&self) -> bool {
        self.shown.is_none() || self.desk.has_shown_all()
    }

    /// Goes on with everything that can go on.
    pub fn pump(&mut self, events: &mut EventLoop<Source>) {
        self.desk.pump(events);
        if let Some(shown) = &mut self.shown
            && let Ok(sent) = shown.send(self.desk.screen().waiting())
        {
            self.desk.screen().sent(sent);
        }
        if self.desk.keyboard().has_room()
            && let Some(typed) = &mut self.typed
        {
            typed.ask();
        }
        if self.desk.wants_notices()
            && let Some(log) = &mut self.log
        {
            log.ask();
        }
    }
}

//! The server's half of `terminal.yml` that all terminals have in common: who types to whom, and who shows what.
//!
//! A [`Desk`] is one terminal: its clients, their inputs and outputs. The component around it has the wire that leads to
//! the person: it gives what comes there to [`Desk::typed`], and sends what [`Desk::screen`] holds. Events of the desk's own
//! channels carry a [`Seat`]; the component's `Source` says, too, which desk it is.
//!
//! ```ignore
//! let mut desk = Desk::new(Source::Desk);
//! // Event::Message(Source::Desk(seat), Message::Terminal(message)):
//! //     if let Some(reply) = desk.asked(message, &mut events)? { tell the size }
//! // Event::Message(Source::Desk(seat), Message::StreamReceiver(Data(data))): desk.came(seat, data.bytes)
//! // and so on; after each event: desk.pump(&mut events)
//! ```
//!
//! Deliberately absent: how large the window is, which each kind of terminal finds out in its own way.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ftl::event_loop::{EventLoop, Hears, Messages};
use ftl::handle::{Channel, OwnedHandle};
use ftl::io::{Inlet, Outlet};
use ftl::{Error, Result};
use terminal_text::{Heard, Keyboard, Lines, Screen};

use crate::{stream, terminal};

/// No more is asked of outputs while so many bytes wait to be shown.
const WAITING_MAX: usize = 8 * 1024;
/// Bytes of notices that wait for a place to be shown at; of more, the first are dropped.
const NOTICES_MAX: usize = 16 * 1024;
/// Inputs, outputs and clients at once.
const STREAMS_MAX: usize = 200;

/// Which of a desk's channels an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seat {
    /// A client that was made by `share`.
    Shared(u32),
    /// Somebody who reads what is typed.
    Input(u32),
    /// Somebody who shows something.
    Output(u32),
    /// Whoever shows notices.
    Notices,
}

/// An event loop's messages that do for a desk.
pub trait Hearing:
    Messages + Hears<terminal::Server> + Hears<stream::Sender> + Hears<stream::Receiver>
{
}

impl<M> Hearing for M where
    M: Messages + Hears<terminal::Server> + Hears<stream::Sender> + Hears<stream::Receiver>
{
}

/// Somebody who reads what is typed.
struct Input {
    id: u32,
    outlet: Outlet,
    /// None if they want keys.
    lines: Option<Lines>,
}

/// See the [module](self).
pub struct Desk<S> {
    source: Box<dyn Fn(Seat) -> S>,
    keyboard: Keyboard,
    screen: Screen,
    /// Notices that are not shown yet.
    lines: Vec<u8>,
    shared: BTreeMap<u32, terminal::Server>,
    /// The last one gets what is typed.
    inputs: Vec<Input>,
    outputs: BTreeMap<u32, Inlet>,
    notices: Option<(u32, Outlet)>,
    next: u32,
    /// How often Ctrl-C was typed, and who heard which of them last, if anybody tells that.
    interrupts: u32,
    heard: Option<(Option<Seat>, u32)>,
}

impl<S: Copy> Desk<S> {
    /// A terminal that nobody uses yet. `source` makes the component's source of a seat.
    pub fn new(source: impl Fn(Seat) -> S + 'static) -> Desk<S> {
        Desk {
            source: Box::new(source),
            keyboard: Keyboard::default(),
            screen: Screen::default(),
            lines: Vec::new(),
            shared: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: BTreeMap::new(),
            notices: None,
            next: 0,
            interrupts: 0,
            heard: None,
        }
    }

    /// What is typed and waits.
    pub fn keyboard(&mut self) -> &mut Keyboard {
        &mut self.keyboard
    }

    /// What waits to be shown.
    pub fn screen(&mut self) -> &mut Screen {
        &mut self.screen
    }

    /// Makes a client.
    pub fn share<M: Hearing>(&mut self, events: &mut EventLoop<S, M>) -> Result<terminal::Client> {
        let id = self.new_id();
        let (theirs, ours) = terminal::channel()?;
        events.add(&ours, (self.source)(Seat::Shared(id)))?;
        self.shared.insert(id, ours);
        Ok(theirs)
    }

    fn new_id(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// A client asks for something; `from` is its seat if `share` made it. Answers whom to tell the size, if that is it.
    pub fn asked<M: Hearing>(
        &mut self,
        from: Option<Seat>,
        message: terminal::ToServer,
        events: &mut EventLoop<S, M>,
    ) -> Result<Option<terminal::SizeReplier>> {
        let is_full = self.inputs.len() + self.outputs.len() + self.shared.len() >= STREAMS_MAX;
        match message {
            terminal::ToServer::Share(reply) if is_full => reply.error(Error::OutOfMemory)?,
            terminal::ToServer::Input(_, reply) if is_full => reply.error(Error::OutOfMemory)?,
            terminal::ToServer::Output(reply) if is_full => reply.error(Error::OutOfMemory)?,
            terminal::ToServer::Share(reply) => reply.ok(self.share(events)?)?,
            terminal::ToServer::Input(request, reply) => {
                let id = self.new_id();
                let (ours, theirs) = stream::channel()?;
                events.add(&ours, (self.source)(Seat::Input(id)))?;
                let lines = matches!(request.mode, terminal::Mode::Lines).then(Lines::default);
                self.inputs.push(Input {
                    id,
                    outlet: Outlet::new(ours),
                    lines,
                });
                reply.ok(Channel::from(OwnedHandle::from(theirs)))?;
            }
            terminal::ToServer::Output(reply) => {
                let id = self.new_id();
                let (theirs, ours) = stream::channel()?;
                let inlet = Inlet::new(ours);
                inlet.add(events, (self.source)(Seat::Output(id)))?;
                self.outputs.insert(id, inlet);
                reply.ok(Channel::from(OwnedHandle::from(theirs)))?;
            }
            terminal::ToServer::Notices(reply) => {
                if let Some((_, before)) = self.notices.take() {
                    before.close(events);
                }
                let id = self.new_id();
                let (ours, theirs) = stream::channel()?;
                events.add(&ours, (self.source)(Seat::Notices))?;
                self.notices = Some((id, Outlet::new(ours)));
                reply.ok(Channel::from(OwnedHandle::from(theirs)))?;
            }
            terminal::ToServer::Size(reply) => return Ok(Some(reply)),
            terminal::ToServer::Heard(heard) => {
                // What was before somebody's time is not waited for.
                let number = match heard.number {
                    0 => self.interrupts,
                    number => number,
                };
                self.heard = Some((from, number));
            }
        }
        Ok(None)
    }

    /// Tells all clients that `share` made something. Who is gone is heard of as `Closed`.
    pub fn tell(&self, tell: impl Fn(&terminal::Server) -> Result<()>) {
        for client in self.shared.values() {
            let _ = tell(client);
        }
    }

    /// Takes what was typed. Answers what else was in it; of Ctrl-C nobody was told yet.
    pub fn typed(&mut self, bytes: &[u8]) -> Vec<Heard> {
        let heard = self.keyboard.typed(bytes);
        let interrupts = heard.iter().filter(|heard| **heard == Heard::Interrupt);
        self.interrupts = self.interrupts.wrapping_add(interrupts.count() as u32);
        if heard.contains(&Heard::Interrupt)
            && let Some(input) = self.inputs.last_mut()
            && let Some(lines) = &mut input.lines
        {
            *lines = Lines::default();
        }
        heard
    }

    /// The number of the newest Ctrl-C, which clients are told.
    pub fn interrupts(&self) -> u32 {
        self.interrupts
    }

    /// A client is gone: nobody waits for it to hear something.
    pub fn client_left(&mut self, seat: Option<Seat>) {
        if self.heard.is_some_and(|(by, _)| by == seat) {
            self.heard = None;
        }
    }

    /// Takes lines that belong to nobody.
    pub fn notice(&mut self, bytes: &[u8]) {
        self.lines.extend_from_slice(bytes);
        if self.lines.len() > NOTICES_MAX {
            let over = self.lines.len() - NOTICES_MAX;
            let line = self.lines[over..].iter().position(|byte| *byte == b'\n');
            self.lines.drain(..over + line.map_or(0, |at| at + 1));
        }
    }

    /// Whether more notices should be asked for.
    pub fn wants_notices(&self) -> bool {
        self.lines.len() < NOTICES_MAX / 2
    }

    /// Bytes came from an output.
    pub fn came(&mut self, seat: Seat, bytes: &[u8]) {
        if let Seat::Output(id) = seat
            && let Some(inlet) = self.outputs.get_mut(&id)
        {
            inlet.received(bytes.len());
            self.screen.show(bytes);
        }
    }

    /// Another stream takes the place of an output for a while.
    pub fn joined<M: Hearing>(
        &mut self,
        seat: Seat,
        stream: stream::Receiver,
        events: &mut EventLoop<S, M>,
    ) -> Result<()> {
        let source = (self.source)(seat);
        match seat {
            Seat::Output(id) => match self.outputs.get_mut(&id) {
                Some(inlet) => inlet.joined(stream, events, source),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Somebody asks for bytes.
    pub fn wanted(&mut self, seat: Seat, want: stream::Want) {
        let outlet = match seat {
            Seat::Notices => self.notices.as_mut().map(|(_, outlet)| outlet),
            Seat::Input(id) => {
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
    pub fn closed<M: Hearing>(&mut self, seat: Seat, events: &mut EventLoop<S, M>) -> Result<()> {
        match seat {
            Seat::Shared(id) => {
                self.shared.remove(&id);
                self.client_left(Some(seat));
            }
            Seat::Notices => self.notices = None,
            Seat::Output(id) => {
                if let Some(inlet) = self.outputs.get_mut(&id)
                    && !inlet.closed(events, (self.source)(seat))?
                {
                    self.outputs.remove(&id);
                }
            }
            Seat::Input(id) => {
                if let Some(at) = self.inputs.iter().position(|input| input.id == id) {
                    let input = self.inputs.remove(at);
                    self.keyboard
                        .untake(&input.lines.map(Lines::left).unwrap_or_default());
                }
            }
        }
        Ok(())
    }

    /// Whether all that was to be shown was taken from the screen, and nobody is left who could say more.
    pub fn has_shown_all(&self) -> bool {
        self.outputs.is_empty() && self.screen.waiting().is_empty()
    }

    /// Goes on with everything that can go on.
    pub fn pump<M: Hearing>(&mut self, events: &mut EventLoop<S, M>) {
        self.pass_typed(events);
        self.pass_notices();
        if self.screen.waiting().len() < WAITING_MAX {
            for output in self.outputs.values_mut() {
                output.ask();
            }
        }
    }

    /// Hands what was typed to whoever reads it.
    fn pass_typed<M: Hearing>(&mut self, events: &mut EventLoop<S, M>) {
        // What comes after Ctrl-C is not for whoever has not heard of it.
        if self
            .heard
            .is_some_and(|(_, heard)| heard != self.interrupts)
        {
            return;
        }
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

    /// Shows notices, or hands them to whoever does.
    fn pass_notices(&mut self) {
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

    /// Lets go of everybody: the terminal is gone.
    pub fn close<M: Hearing>(self, events: &mut EventLoop<S, M>) {
        for client in self.shared.into_values() {
            // It may have gone by itself in this moment.
            let _ = events.remove_channel(&client);
        }
        for input in self.inputs {
            input.outlet.close(events);
        }
        for output in self.outputs.into_values() {
            output.close(events);
        }
        if let Some((_, notices)) = self.notices {
            notices.close(events);
        }
    }
}

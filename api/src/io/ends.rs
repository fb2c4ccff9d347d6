//! The two ends of a stream: who may send how much. Neither waits; for that there are pipes.
//!
//! The receiver asks for one piece, and for more ahead while pieces come full; a short piece
//! takes it back to one. Numbers of pieces count from the stream's beginning and wrap around.

use alloc::vec::Vec;

use abi::{Error, Result};

use crate::event_loop::{EventLoop, Hears, Messages, TypedEnd};
use crate::stream::{QUEUE_LEN, Receiver, Sender, Want};

/// Most bytes of a piece: the bound in `interfaces/stream.yml`.
pub const PIECE_LEN: usize = 1024;
/// Most pieces that are asked for at once: as many as the channel holds.
const AHEAD_MAX: u32 = QUEUE_LEN as u32;

/// The sender's end of a stream, for an event loop: `events.add(outlet.end(), source)`, and then
/// [`Outlet::heard`] with each message.
///
/// [`Outlet::close`] is the end of the bytes. If no loop listens to it, dropping it is.
#[derive(Debug)]
pub struct Outlet {
    end: Sender,
    sent: u32,
    until: u32,
}

impl Outlet {
    /// Nothing was sent yet, and nothing asked for.
    pub fn new(end: Sender) -> Outlet {
        Outlet {
            end,
            sent: 0,
            until: 0,
        }
    }

    /// What to listen to.
    pub fn end(&self) -> &Sender {
        &self.end
    }

    /// The channel, for handing it on. Only before anything was sent.
    pub fn into_end(self) -> Sender {
        self.end
    }

    /// Ends the bytes.
    pub fn close<S: Copy, M: Messages + Hears<Sender>>(self, events: &mut EventLoop<S, M>) {
        // The loop holds the end, too. It has let go of it if the receiver went first.
        let _ = events.remove_channel(&self.end);
    }

    /// The receiver asks for pieces.
    pub fn heard(&mut self, want: Want) {
        // More than the channel holds makes no sense, and less than before changes nothing.
        let most = self.sent.wrapping_add(AHEAD_MAX);
        let until = if want.until.wrapping_sub(most) as i32 > 0 {
            most
        } else {
            want.until
        };
        if until.wrapping_sub(self.until) as i32 > 0 {
            self.until = until;
        }
    }

    /// How many bytes [`Outlet::send`] takes now.
    pub fn room(&self) -> usize {
        self.until.wrapping_sub(self.sent) as usize * PIECE_LEN
    }

    /// Sends as many bytes as were asked for; answers how many. [`Error::Closed`]: nobody wants
    /// them any more.
    pub fn send(&mut self, bytes: &[u8]) -> Result<usize> {
        if !self.end.end().is_connected() {
            return Err(Error::Closed);
        }
        let mut taken = 0;
        for piece in bytes.chunks(PIECE_LEN) {
            if self.sent == self.until {
                break;
            }
            self.end.data(piece).map_err(gone)?;
            self.sent = self.sent.wrapping_add(1);
            taken += piece.len();
        }
        Ok(taken)
    }

    /// Lets another stream take this one's place until it ends. [`Error::QueueFull`] if nothing
    /// was asked for: then try again after the next [`Outlet::heard`].
    pub fn join(&mut self, stream: Receiver) -> Result<()> {
        if self.sent == self.until {
            return Err(Error::QueueFull);
        }
        self.end.join(stream).map_err(gone)?;
        self.sent = self.sent.wrapping_add(1);
        Ok(())
    }
}

/// A channel that the crate itself closed has no handle any more: that is the same to the caller.
fn gone(error: Error) -> Error {
    match error {
        Error::BadHandle => Error::Closed,
        error => error,
    }
}

/// How many pieces came through a receiver's end, and were asked for.
#[derive(Debug)]
pub(super) struct Asking {
    pub end: Receiver,
    received: u32,
    asked: u32,
    window: u32,
}

impl Asking {
    pub fn new(end: Receiver) -> Asking {
        Asking {
            end,
            received: 0,
            asked: 0,
            window: 1,
        }
    }

    /// Notes a piece of this length; a joined stream counts as an empty one.
    pub fn received(&mut self, len: usize) {
        self.received = self.received.wrapping_add(1);
        if self.received.wrapping_sub(self.asked) as i32 > 0 {
            // Not asked for here, so whoever made the pipe did: see `pipe`.
            self.asked = AHEAD_MAX;
        }
        self.window = match len {
            PIECE_LEN => (self.window * 2).min(AHEAD_MAX),
            _ => 1,
        };
    }

    /// Asks for more unless enough is on its way.
    pub fn ask(&mut self) {
        let under_way = self.asked.wrapping_sub(self.received);
        if under_way > self.window / 2 {
            return;
        }
        self.asked = self.received.wrapping_add(self.window);
        // A sender that is gone is heard of as `Closed`, after what it has sent.
        let _ = self.end.want(self.asked);
    }
}

/// Asks for as many pieces as the channel holds, for a receiver to come: so a sender can
/// begin, and mostly end, before anybody reads.
pub(super) fn ask_ahead(end: &Receiver) -> Result<()> {
    end.want(AHEAD_MAX)
}

/// The receiver's end of a stream, for an event loop, with the streams that have joined it.
///
/// ```ignore
/// let mut inlet = Inlet::new(receiver);
/// inlet.add(&mut events, Source::Input)?;
/// inlet.ask();
/// // Event::Message(Source::Input, Message::Stream(ToReceiver::Data(piece))):
/// //     use piece.bytes; inlet.received(len); then, when there is room for more: inlet.ask()
/// // Event::Message(Source::Input, Message::Stream(ToReceiver::Join(join))):
/// //     inlet.joined(join.stream, &mut events, Source::Input)?
/// // Event::Closed(Source::Input):
/// //     if !inlet.closed(&mut events, Source::Input)? { it is over }
/// ```
#[derive(Debug)]
pub struct Inlet {
    /// The last one is read now; each stands in for the one before.
    streams: Vec<Asking>,
}

/// Streams that join a stream that joined a stream, and so on: more than this is an attack.
pub(super) const DEPTH_MAX: usize = 64;

impl Inlet {
    /// Nothing came yet.
    pub fn new(end: Receiver) -> Inlet {
        Inlet {
            streams: Vec::from([Asking::new(end)]),
        }
    }

    /// Listens to it, under this source, which no other stream may have.
    pub fn add<S: Copy, M: Messages + Hears<Receiver>>(
        &self,
        events: &mut EventLoop<S, M>,
        source: S,
    ) -> Result<()> {
        match self.streams.last() {
            Some(top) => events.add(&top.end, source),
            None => Err(Error::Closed),
        }
    }

    /// Asks for bytes, unless enough of them are on their way.
    pub fn ask(&mut self) {
        if let Some(top) = self.streams.last_mut() {
            top.ask();
        }
    }

    /// Notes that a piece of so many bytes came.
    pub fn received(&mut self, len: usize) {
        if let Some(top) = self.streams.last_mut() {
            top.received(len);
        }
    }

    /// A stream takes this one's place for a while.
    pub fn joined<S: Copy, M: Messages + Hears<Receiver>>(
        &mut self,
        stream: Receiver,
        events: &mut EventLoop<S, M>,
        source: S,
    ) -> Result<()> {
        self.received(0);
        if self.streams.len() >= DEPTH_MAX {
            // Dropping it tells its sender.
            return Ok(());
        }
        if let Some(top) = self.streams.last() {
            events.remove_channel(&top.end)?;
        }
        self.streams.push(Asking::new(stream));
        self.add(events, source)?;
        self.ask();
        Ok(())
    }

    /// The stream that is read now has ended. Answers whether there is more to come.
    pub fn closed<S: Copy, M: Messages + Hears<Receiver>>(
        &mut self,
        events: &mut EventLoop<S, M>,
        source: S,
    ) -> Result<bool> {
        self.streams.pop();
        if self.streams.is_empty() {
            return Ok(false);
        }
        self.add(events, source)?;
        self.ask();
        Ok(true)
    }

    /// Stops it: nobody wants the bytes any more.
    pub fn close<S: Copy, M: Messages + Hears<Receiver>>(self, events: &mut EventLoop<S, M>) {
        if let Some(top) = self.streams.last() {
            // It may have ended by itself in this moment.
            let _ = events.remove_channel(&top.end);
        }
    }
}

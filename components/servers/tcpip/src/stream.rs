//! A TCP connection on one side, two streams in a client's memory on the other.

use ftl::prelude::*;
use interfaces::tcpip::{ConnectReplier, tcp_connection};
use net::{ConnectionId, Stack};
use ring::{Malformed, StreamConsumer, StreamLayout, StreamProducer};

/// In which direction bytes are to be moved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Received,
    ToSend,
    Both,
}

/// Bytes that are passed on from one client to another before others have their turn.
const PASSED_MAX: usize = 256 * 1024;
/// Bytes that are copied at once.
const PIECE_LEN: usize = 2048;

/// A copy of bytes on their way.
#[repr(align(8))]
pub struct Piece([u8; PIECE_LEN + 8]);

impl Piece {
    pub const EMPTY: Piece = Piece([0; PIECE_LEN + 8]);
}

/// A connection that a client holds, or has asked for.
pub struct Stream {
    pub id: ConnectionId,
    /// The client's place in the server's table.
    pub client: usize,
    /// Where in the client's memory its bytes are.
    pub slot: u32,
    /// Our end of its channel, once the client has the other.
    pub channel: Option<tcp_connection::Server>,
    /// Who waits for it to be there.
    pub connecting: Option<ConnectReplier>,
    /// Its other end, if that is another client's of ours, or the same one's.
    pub other_end: Option<ConnectionId>,
    /// Whether bytes wait here until the other end has room for them.
    pub stalled: bool,
    /// The rules that its client was seen to break while the other end was looked at.
    pub broken: Option<Malformed>,
    received: StreamProducer<SharedBytes>,
    to_send: StreamConsumer<SharedBytes>,
    /// The client sends nothing more than what is in its stream.
    finishing: bool,
    /// The remote side's end has been told.
    ended: bool,
    /// The stack has no received bytes, and tells when it has.
    drained: bool,
    /// How it ended, once it has; told when all received bytes are in the stream.
    pub closed: Option<Result<()>>,
}

impl Stream {
    /// The streams of a slot.
    pub fn new(
        id: ConnectionId,
        client: usize,
        slot: u32,
        memory: &SharedBytes,
        received: StreamLayout,
        to_send: StreamLayout,
    ) -> Stream {
        Stream {
            id,
            client,
            slot,
            channel: None,
            connecting: None,
            other_end: None,
            stalled: false,
            broken: None,
            received: StreamProducer::new(memory.clone(), received),
            to_send: StreamConsumer::new(memory.clone(), to_send),
            finishing: false,
            ended: false,
            drained: false,
            closed: None,
        }
    }

    /// The stack has something to tell about what was received.
    pub fn readable(&mut self) {
        self.drained = false;
    }

    /// The client will send nothing more.
    pub fn finish(&mut self) {
        self.finishing = true;
    }

    /// Moves bytes, as many as there are and fit, and asks for what wakes us
    /// when there is more to move.
    pub fn pump(
        &mut self,
        stack: &mut Stack,
        now: Duration,
        which: Which,
    ) -> core::result::Result<(), Malformed> {
        let mut wake = false;
        if which != Which::ToSend {
            wake |= self.pump_received(stack, now)?;
        }
        if which != Which::Received {
            wake |= self.pump_to_send(stack, now)?;
        }
        let Some(channel) = &self.channel else {
            return Ok(());
        };
        // These are kept and sent later if the client's queue is full, or the client is gone.
        if wake {
            let _ = channel.news_soon();
        }
        Ok(())
    }

    fn pump_received(
        &mut self,
        stack: &mut Stack,
        now: Duration,
    ) -> core::result::Result<bool, Malformed> {
        let mut broken = None;
        while !self.ended && !self.drained {
            let space = self.received.space()?;
            if space == 0 {
                // Not for each byte that the client takes.
                if self.received.prepare_wait(1024)? {
                    break;
                }
                continue;
            }
            let received = &mut self.received;
            let taken = stack.receive_some(
                self.id,
                |bytes| {
                    let len = bytes.len().min(space);
                    received.write(&bytes[..len]).unwrap_or_else(|error| {
                        broken = Some(error);
                        0
                    })
                },
                now,
            );
            if let Some(error) = broken {
                return Err(error);
            }
            match taken {
                Ok(Some((0, _))) => {
                    self.ended = true;
                    let wake = self.received.publish();
                    if let Some(channel) = &self.channel {
                        let _ = channel.ended();
                    }
                    return Ok(wake);
                }
                Ok(Some((_, has_more))) => self.drained = !has_more,
                // The stack tells when there is more, or why it is over.
                Ok(None) => self.drained = true,
                Err(_) => break,
            }
        }
        Ok(self.received.publish())
    }

    fn pump_to_send(
        &mut self,
        stack: &mut Stack,
        now: Duration,
    ) -> core::result::Result<bool, Malformed> {
        let mut broken = None;
        loop {
            if self.to_send.available()? == 0 {
                if self.finishing && self.closed.is_none() {
                    let _ = stack.shutdown_write(self.id, now);
                    self.finishing = false;
                }
                if self.to_send.prepare_wait()? {
                    break;
                }
                continue;
            }
            let to_send = &mut self.to_send;
            let taken = stack.send_with(
                self.id,
                |space| {
                    to_send.read(space).unwrap_or_else(|error| {
                        broken = Some(error);
                        0
                    })
                },
                now,
            );
            if let Some(error) = broken {
                return Err(error);
            }
            match taken {
                Ok(0) => {
                    stack.wait_writable(self.id);
                    break;
                }
                Ok(_) => {}
                // Over. The client is told by `closed`.
                Err(_) => break,
            }
        }
        Ok(self.to_send.release())
    }

    /// Hands what the client has sent straight to the client of the other end, without any segments. To be called
    /// only while nothing lies between the two ends in the stack. True if there is more, after so much
    /// that others are to have their turn.
    pub fn pass_on(
        &mut self,
        other: &mut Stream,
        piece: &mut Piece,
        stack: &mut Stack,
        now: Duration,
    ) -> core::result::Result<bool, Malformed> {
        let mut left = PASSED_MAX;
        self.stalled = false;
        loop {
            let available = self.to_send.available()?;
            if available == 0 {
                if self.finishing && self.closed.is_none() {
                    let _ = stack.shutdown_write(self.id, now);
                    self.finishing = false;
                }
                if self.to_send.prepare_wait()? {
                    break;
                }
                continue;
            }
            if left == 0 {
                break;
            }
            let taken = other.take(&mut self.to_send, available.min(left), piece)?;
            self.stalled = taken.is_none();
            let Some(taken) = taken else { break };
            left -= taken;
        }
        if other.received.publish()
            && let Some(channel) = &other.channel
        {
            let _ = channel.news_soon();
        }
        if self.to_send.release()
            && let Some(channel) = &self.channel
        {
            let _ = channel.news_soon();
        }
        Ok(left == 0)
    }

    /// Takes bytes of the other end as received ones: how many. `None` if there is no room; then the client will tell when
    /// there is.
    fn take(
        &mut self,
        from: &mut StreamConsumer<SharedBytes>,
        len: usize,
        piece: &mut Piece,
    ) -> core::result::Result<Option<usize>, Malformed> {
        let start = from.place() % 8;
        let piece = &mut piece.0[start..start + len.min(PIECE_LEN)];
        let len = from.peek(piece)?;
        let written = self.received.write(&piece[..len]).and_then(|written| {
            // Not for each byte that the client takes.
            let full = written == 0 && self.received.prepare_wait(1024)?;
            Ok((!full).then_some(written))
        });
        match written {
            Ok(written) => {
                from.skip(written.unwrap_or(0));
                Ok(written)
            }
            Err(error) => {
                self.broken = Some(error);
                Ok(None)
            }
        }
    }

    /// Tells the client that it is over, when it has been told everything else.
    pub fn tell_closed(&mut self) {
        if let (Some(result), Some(channel)) = (self.closed, &self.channel) {
            let _ = channel.closed(result.map_or_else(|error| error.code(), |()| 0));
        }
    }
}

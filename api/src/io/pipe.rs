//! Streams for code that waits: each end has an event queue of its own, and waits there for the other.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use abi::{Error, EventKind, Result};

use super::ends::{Asking, DEPTH_MAX, ask_ahead};
use super::{BufRead, Outlet, PIECE_LEN, Read, Write};
use crate::end::Incoming;
use crate::event_loop::TypedEnd;
use crate::handle::{AsHandle, Queue};
use crate::stream::{self, Receiver, Sender, ToReceiver, ToSender};
use crate::sys::RawEvent;
use crate::time::Instant;
use crate::wire::{self, Aligned};

/// A stream. What is written into the one end is read out of the other. The first 7 KiB go in
/// without waiting for a reader.
pub fn pipe() -> Result<(PipeReader, PipeWriter)> {
    let (sender, receiver) = stream::channel()?;
    ask_ahead(&receiver)?;
    Ok((PipeReader::new(receiver), PipeWriter::new(sender)))
}

/// A stream into which nothing goes before somebody reads: for what several read, one after the other, so that one who
/// reads nothing takes nothing along.
pub fn pipe_on_demand() -> Result<(PipeReader, PipeWriter)> {
    let (sender, receiver) = stream::channel()?;
    Ok((PipeReader::new(receiver), PipeWriter::new(sender)))
}

/// The end of a stream that bytes come out at. Streams that join it are read in their place.
pub struct PipeReader {
    /// The last one is read now; each stands in for the one before.
    streams: Vec<Asking>,
    /// Listens to that one; made when first needed.
    queue: Option<Queue>,
    page: Option<Box<Aligned>>,
    piece: Vec<u8>,
    position: usize,
}

impl PipeReader {
    /// Reads a stream that came from somewhere else.
    pub fn new(end: Receiver) -> PipeReader {
        PipeReader {
            streams: Vec::from([Asking::new(end)]),
            queue: None,
            page: None,
            piece: Vec::new(),
            position: 0,
        }
    }

    /// The channel, for handing it on. [`Error::Busy`] if something was read already.
    pub fn into_end(mut self) -> Result<Receiver> {
        match (self.queue.is_none(), self.streams.pop()) {
            (true, Some(stream)) => Ok(stream.end),
            _ => Err(Error::Busy),
        }
    }

    /// Waits for the next piece. False at the end.
    fn next_piece(&mut self) -> Result<bool> {
        loop {
            let Some(top) = self.streams.last_mut() else {
                return Ok(false);
            };
            let queue = match &self.queue {
                Some(queue) => queue,
                None => {
                    let queue = self.queue.insert(Queue::new()?);
                    listen(queue, &top.end)?;
                    queue
                }
            };
            top.ask();
            let raw = queue.wait(None)?;
            match raw.kind {
                EventKind::Message => {
                    let incoming = incoming(&mut self.page, top.end.end(), raw);
                    let joined = match ToReceiver::decode(incoming)? {
                        ToReceiver::Data(data) => {
                            top.received(data.bytes.len());
                            self.piece.clear();
                            self.piece.extend_from_slice(data.bytes);
                            self.position = 0;
                            match self.piece.is_empty() {
                                true => continue,
                                false => return Ok(true),
                            }
                        }
                        ToReceiver::Join(join) => join.stream,
                    };
                    top.received(0);
                    // One that goes too deep is dropped, which tells its sender.
                    if self.streams.len() < DEPTH_MAX {
                        self.listen_to(Some(joined))?;
                    }
                }
                EventKind::Writable => top.end.end().inner.flush_kept(),
                _ => {
                    wire::close_all(raw.handles);
                    self.listen_to(None)?;
                }
            }
        }
    }

    /// Goes on with a stream that joined, or, if there is none, with the one before.
    fn listen_to(&mut self, joined: Option<Receiver>) -> Result<()> {
        match joined {
            Some(stream) => {
                if let Some(top) = self.streams.last() {
                    Queue::detach(top.end.end())?;
                }
                self.streams.push(Asking::new(stream));
            }
            None => {
                self.streams.pop();
            }
        }
        if let (Some(queue), Some(top)) = (&self.queue, self.streams.last()) {
            listen(queue, &top.end)?;
        }
        Ok(())
    }
}

/// Attaches a stream to a reader's queue. Its end must not close itself when asking finds the sender
/// gone: what that has sent is still to be read.
fn listen(queue: &Queue, end: &Receiver) -> Result<()> {
    end.end().keep_when_gone();
    queue.attach(end.end(), 0)
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let available = self.fill_buf()?;
        let len = available.len().min(buffer.len());
        buffer[..len].copy_from_slice(&available[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl BufRead for PipeReader {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.position == self.piece.len() && !self.next_piece()? {
            return Ok(&[]);
        }
        Ok(&self.piece[self.position..])
    }
    fn consume(&mut self, len: usize) {
        self.position = (self.position + len).min(self.piece.len());
    }
}

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PipeReader({:?})", self.streams)
    }
}

/// The end of a stream that bytes go in at. What is written is collected into pieces; [`Write::flush`]
/// sends what there is. Dropping it does that, too, and is then the end of the bytes.
#[derive(Debug)]
pub struct PipeWriter {
    outlet: Outlet,
    queue: Option<Queue>,
    collected: Vec<u8>,
}

impl PipeWriter {
    /// Writes to a stream that came from somewhere else.
    pub fn new(end: Sender) -> PipeWriter {
        PipeWriter {
            outlet: Outlet::new(end),
            queue: None,
            collected: Vec::new(),
        }
    }

    /// The channel, for handing it on. [`Error::Busy`] if something was written already.
    pub fn into_end(self) -> Result<Sender> {
        if self.queue.is_some() || !self.collected.is_empty() {
            return Err(Error::Busy);
        }
        Ok(self.outlet.end().clone())
    }

    /// Lets another stream take this one's place until it ends.
    pub fn join(&mut self, stream: Receiver) -> Result<()> {
        self.flush()?;
        while self.outlet.room() == 0 {
            self.wait_until_wanted()?;
        }
        self.outlet.join(stream)
    }

    /// Waits until then, or until the reader goes away; whether it has. For whoever has nothing to write for a
    /// while: a writer hears of its reader's end only when it writes.
    pub fn wait_closed(&mut self, until: Instant) -> Result<bool> {
        self.flush()?;
        loop {
            match self.hear(Some(until)) {
                Ok(()) => {}
                Err(Error::TimedOut) => return Ok(false),
                Err(Error::Closed) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    fn wait_until_wanted(&mut self) -> Result<()> {
        self.hear(None)
    }

    /// Waits for what the reader says next.
    fn hear(&mut self, deadline: Option<Instant>) -> Result<()> {
        let end = self.outlet.end().end().clone();
        let queue = match &self.queue {
            Some(queue) => queue,
            None => {
                let queue = Queue::new()?;
                queue.attach(&end, 0)?;
                self.queue.insert(queue)
            }
        };
        let raw = queue.wait(deadline)?;
        match raw.kind {
            EventKind::Message => {
                let ToSender::Want(want) = ToSender::decode(incoming(&mut None, &end, raw))?;
                self.outlet.heard(want);
                Ok(())
            }
            EventKind::Writable => Ok(()),
            _ => Err(Error::Closed),
        }
    }

    fn send_all(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match self.outlet.send(bytes)? {
                0 => self.wait_until_wanted()?,
                len => bytes = &bytes[len..],
            }
        }
        Ok(())
    }

    /// How many bytes wait for [`Write::flush`].
    pub(super) fn collected(&self) -> usize {
        self.collected.len()
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.collected.is_empty() && bytes.len() >= PIECE_LEN {
            let whole = bytes.len() / PIECE_LEN * PIECE_LEN;
            self.send_all(&bytes[..whole])?;
            return Ok(whole);
        }
        let len = bytes.len().min(PIECE_LEN - self.collected.len());
        self.collected
            .try_reserve_exact(PIECE_LEN - self.collected.len())
            .map_err(|_| Error::OutOfMemory)?;
        self.collected.extend_from_slice(&bytes[..len]);
        if self.collected.len() == PIECE_LEN {
            self.flush()?;
        }
        Ok(len)
    }

    fn flush(&mut self) -> Result<()> {
        // Taken out first: what fails once is not sent again.
        let mut collected = core::mem::take(&mut self.collected);
        let result = self.send_all(&collected);
        collected.clear();
        self.collected = collected;
        result
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        // A reader that is gone does not miss it.
        let _ = self.flush();
    }
}

fn incoming<'a>(
    page: &'a mut Option<Box<Aligned>>,
    end: &crate::end::End,
    raw: RawEvent,
) -> Incoming<'a> {
    Incoming {
        page,
        channel: end.handle(),
        info: raw.info(),
        transaction: raw.transaction,
        handles: raw.handles,
        types: raw.types,
        stage: None,
    }
}

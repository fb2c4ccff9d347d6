//! What a blocking call does when its answer takes long.
//!
//! A call that blocks waits for its answer alone, which costs one system call and leaves
//! everything else in its queue: the heartbeat of init, too. So after a moment ([`patience`]) the
//! call stops waiting that way, and waits here for both: its channel and the one to init are
//! moved to a private queue, heartbeats are answered (rule 19), and whatever else arrives is put
//! aside for the event loop, which gets it first when it comes to wait again. Then both channels
//! go back to where they were.
//!
//! What was put aside lies in the [`End`](crate::end::End) that it came from, or in
//! [`told`](crate::gate::Local) if init said it, so that it is not lost if there is no loop yet.

use alloc::boxed::Box;
use alloc::vec::Vec;

use abi::{Error, EventKind, Handle, MessageKind, Result};

use crate::end::Inner;
use crate::handle::{AsHandle, Queue};
use crate::sys::{self, RawEvent};
use crate::wire::Aligned;
use crate::{bootstrap, buffer, gate, wire};

/// Where a source belongs: the event loop's queue, and the key that it has there.
#[derive(Clone, Copy)]
pub(crate) struct Home {
    pub queue: Handle,
    pub key: usize,
}

/// An event that came while a call waited for something else.
pub(crate) struct Aside {
    raw: RawEvent,
    body: Vec<u8>,
}

const ANSWER: usize = 0;
const INIT: usize = 1;

/// How long a blocking call waits for its answer alone, in ticks: half a second. Heartbeats
/// leave components more time than that.
#[inline(always)]
pub(crate) fn patience() -> usize {
    (gate::local().ticks_per_second.get() / 2) as usize
}

/// Waits for the reply to a request that was sent before.
#[cold]
#[inline(never)]
pub(crate) fn reply(inner: &Inner, transaction: usize, deadline: usize) -> Result<RawEvent> {
    let queue = Queue::new()?;
    let mut page: Option<Box<Aligned>> = None;
    // They go back when this function ends, init's last.
    let mut init = bootstrap::channel()
        .and_then(|channel| Borrowed::new(channel, bootstrap::home(), &queue, INIT).ok());
    let _channel = Borrowed::new(inner.handle(), inner.home(), &queue, ANSWER)?;
    loop {
        let raw = sys::wait(queue.handle(), deadline)?;
        match (raw.key, raw.kind) {
            (ANSWER, EventKind::Message) => {
                let is_reply = raw.info().kind() == Some(MessageKind::Reply);
                if is_reply && raw.transaction == transaction {
                    return Ok(raw);
                }
                inner.put_aside(Aside::new(raw));
            }
            // It is still so when the channel is back in its loop, which hears it then.
            (ANSWER, EventKind::Closed) => return Err(Error::Closed),
            (ANSWER, _) => inner.put_aside(Aside::new(raw)),
            (INIT, EventKind::Message) => {
                if let Some(told) = bootstrap::decode(&mut page, raw) {
                    bootstrap::put_aside(told);
                }
            }
            // Init is gone; that is for the loop to hear.
            _ => drop(init.take()),
        }
    }
}

/// Answers init's heartbeat if it has come, without waiting. What else init says is put aside for the event loop.
pub(crate) fn answer_init() -> Result<()> {
    let Some(channel) = bootstrap::channel() else {
        return Ok(());
    };
    let queue = Queue::new()?;
    let _init = Borrowed::new(channel, bootstrap::home(), &queue, INIT)?;
    let mut page: Option<Box<Aligned>> = None;
    loop {
        match sys::wait(queue.handle(), 0) {
            Ok(raw) if raw.kind == EventKind::Message => {
                if let Some(told) = bootstrap::decode(&mut page, raw) {
                    bootstrap::put_aside(told);
                }
            }
            // Init is gone; that is for the loop to hear.
            Ok(_) | Err(Error::TimedOut) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

impl Aside {
    fn new(raw: RawEvent) -> Aside {
        let mut body = Vec::new();
        if raw.kind == EventKind::Message {
            body.resize(raw.info().len(), 0);
            buffer::read_received(&mut body);
        }
        Aside { raw, body }
    }

    /// Puts the message back to where a message is after a wait.
    pub fn restore(mut self, key: usize) -> RawEvent {
        buffer::write_received(&self.body);
        self.raw.key = key;
        let raw = self.raw;
        // Whoever handles the event owns its handles.
        self.raw.handles = sys::NO_HANDLES;
        raw
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        wire::close_all(self.raw.handles);
    }
}

/// A source that is on another queue for a while.
struct Borrowed {
    source: Handle,
    home: Option<Home>,
}

impl Borrowed {
    fn new(source: Handle, home: Option<Home>, queue: &Queue, key: usize) -> Result<Borrowed> {
        if home.is_some() {
            sys::queue_detach(source)?;
        }
        let borrowed = Borrowed { source, home };
        // If this fails, dropping it puts the source back.
        sys::queue_attach(queue.handle(), source, key)?;
        Ok(borrowed)
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        let _ = sys::queue_detach(self.source);
        if let Some(home) = self.home
            && let Err(error) = sys::queue_attach(home.queue, self.source, home.key)
        {
            // It was there before, so there was room; all that is left to do is to say so.
            crate::error!("a channel is lost to its event loop: {error}");
        }
    }
}

//! One end of a typed channel: sending calls and events, and matching replies to calls.
//!
//! Generated types (`ping::Client` and the like) are this with typed methods.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::{Cell, OnceCell, RefCell};
use core::fmt;

use abi::{Error, EventKind, Handle, MessageInfo, MessageKind, Result};

use crate::event_loop::Shared;
use crate::handle::{AsHandle, Channel, OwnedHandle};
use crate::long_wait::{self, Aside, Home};
use crate::stage::Stage;
use crate::sys::{self, RawEvent};
use crate::time::Duration;
use crate::wire::{self, Aligned, Writer};
use crate::{buffer, gate};

mod calls;
mod incoming;
mod kept;

use calls::Calls;
pub use incoming::Incoming;
use kept::Kept;

/// Names a call that was started: the event that answers it carries the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Transaction(usize);

/// What is done with a one-way event when the receiver's queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// It is kept, and replaces an earlier one of its kind that is still kept.
    Coalesce,
    /// It is kept, and the oldest is thrown away beyond a handful.
    DropOldest,
    /// The receiver is too slow: the channel is closed.
    Close,
    /// It is not sent: the sender is told [`Error::QueueFull`], and by `Event::Writable` when to go on.
    Refuse,
}

/// Set in the transaction number of a blocking call, which has no place in the table.
const BLOCKING: usize = 1 << 63;
/// How long a blocking call waits unless told otherwise.
const TIMEOUT_DEFAULT_S: u64 = 30;
const NO_NEED: u16 = u16::MAX;
/// The slot of an end that is on a queue of its own: none that an event loop has.
const OWN_QUEUE: usize = usize::MAX - 1;

/// One end of a channel. Clones are the same end; the last one dropped closes it.
pub struct End {
    pub(crate) inner: Rc<Inner>,
    /// Where the reply of a blocking call is copied if it has views. Not shared with clones.
    page: Option<Box<Aligned>>,
}

pub(crate) struct Inner {
    /// Owned; [`Handle::NONE`] while the peer is gone.
    channel: Cell<Handle>,
    /// The place under `needs` that this came from: such a peer comes back.
    pub(crate) need: Cell<u16>,
    /// Ticks that a blocking call waits.
    timeout: Cell<usize>,
    serial: Cell<u32>,
    calls: OnceCell<Box<Calls>>,
    kept: RefCell<VecDeque<Kept>>,
    /// Where the event loop has it, or `usize::MAX`.
    pub(crate) slot: Cell<usize>,
    /// The event loop that has it.
    pub(crate) event_loop: RefCell<Option<Rc<Shared>>>,
    /// What came while a blocking call waited.
    aside: RefCell<VecDeque<Aside>>,
}

impl End {
    /// The end that this channel is.
    pub fn new(channel: Channel) -> End {
        let second = usize::try_from(gate::local().ticks_per_second.get()).unwrap_or(usize::MAX);
        End {
            inner: Rc::new(Inner {
                channel: Cell::new(OwnedHandle::from(channel).into_raw()),
                need: Cell::new(NO_NEED),
                timeout: Cell::new(second.saturating_mul(TIMEOUT_DEFAULT_S as usize)),
                serial: Cell::new(0),
                calls: OnceCell::new(),
                kept: RefCell::new(VecDeque::new()),
                slot: Cell::new(usize::MAX),
                event_loop: RefCell::new(None),
                aside: RefCell::new(VecDeque::new()),
            }),
            page: None,
        }
    }

    /// Sets how long a blocking call waits before it ends with [`Error::TimedOut`].
    pub fn set_timeout(&self, timeout: Duration) {
        self.inner.timeout.set(crate::time::duration_ticks(timeout));
    }

    /// Keeps the channel when a send finds the peer gone, as an event loop would: messages may wait
    /// in it. For those who listen to it on a queue of their own; no event loop can take it then.
    pub(crate) fn keep_when_gone(&self) {
        if self.inner.slot.get() == usize::MAX {
            self.inner.slot.set(OWN_QUEUE);
        }
    }

    /// Whether the peer is there, as far as is known.
    pub fn is_connected(&self) -> bool {
        !self.inner.channel.get().is_none()
    }

    /// Sends a request; the answer comes as an event.
    #[inline]
    pub fn start(&self, ordinal: u32, writer: Writer) -> Result<Transaction> {
        self.inner.let_kept_go_first()?;
        let transaction = self.inner.begin(ordinal)?;
        let (len, handles, count) = writer.finish();
        let info = MessageInfo::new(MessageKind::Request, ordinal, len, count);
        match sys::send(self.inner.channel.get(), info, transaction, handles) {
            Ok(()) => Ok(Transaction(transaction)),
            Err(error) => {
                wire::close_all(handles);
                self.inner.end(transaction, ordinal);
                Err(self.inner.error(error))
            }
        }
    }

    /// Sends a request and waits for its answer. If the peer was gone already, as an earlier call
    /// has told, it is first waited for.
    #[inline]
    pub fn call(&mut self, ordinal: u32, writer: Writer) -> Result<Incoming<'_>> {
        if self.inner.channel.get().is_none() {
            self.wait_for_peer();
        }
        let event = self.inner.call(ordinal, writer)?;
        Ok(self.answer(event))
    }

    /// The same for a call that may be done twice: if the peer restarts, it is asked again.
    #[inline]
    pub fn call_again(
        &mut self,
        ordinal: u32,
        write: impl Fn() -> Result<Writer>,
    ) -> Result<Incoming<'_>> {
        if self.inner.channel.get().is_none() {
            self.wait_for_peer();
        }
        let event = match self.inner.call(ordinal, write()?) {
            Err(Error::PeerRestarted) if self.wait_restarted() => {
                self.inner.call(ordinal, write()?)?
            }
            result => result?,
        };
        Ok(self.answer(event))
    }

    #[inline(always)]
    fn answer(&mut self, event: RawEvent) -> Incoming<'_> {
        Incoming {
            page: &mut self.page,
            channel: self.inner.channel.get(),
            info: event.info(),
            transaction: event.transaction,
            handles: event.handles,
            types: event.types,
            stage: None,
        }
    }

    /// Waits for a peer that comes back, before anything is sent. If it does not, the call fails.
    #[cold]
    #[inline(never)]
    fn wait_for_peer(&self) {
        // The request lies in the send page already, and init may have to be answered meanwhile.
        let mut page = Aligned::new();
        page.fill_send();
        self.wait_restarted();
        buffer::write_send(page.as_bytes());
    }

    /// After [`Error::PeerRestarted`]: waits until the peer is back, if this component has no event
    /// loop that would hear of it. Answers whether the call may be tried again.
    #[cold]
    fn wait_restarted(&self) -> bool {
        let need = self.inner.need.get();
        let deadline = (gate::counter() as usize).saturating_add(self.inner.timeout.get());
        need != NO_NEED && crate::bootstrap::wait_restarted(need, deadline)
    }

    /// Sends a one-way event.
    #[inline]
    pub fn event(&self, ordinal: u32, writer: Writer, on_full: OnFull) -> Result<()> {
        self.inner.flush_kept();
        let (len, handles, count) = writer.finish();
        let info = MessageInfo::new(MessageKind::OneWay, ordinal, len, count);
        let result = if self.inner.kept.borrow().is_empty() {
            sys::send(self.inner.channel.get(), info, 0, handles)
        } else {
            // What is kept goes first: a channel is first in, first out.
            Err(Error::QueueFull)
        };
        match result {
            Ok(()) => Ok(()),
            Err(error) => self.inner.event_failed(error, info, handles, on_full),
        }
    }

    /// Sends a one-way event without handles when the calling thread waits next, or sends anything else: no entry
    /// into the kernel of its own. How that goes is not told; what [`OnFull`] says holds as ever.
    #[inline]
    pub fn event_soon(&self, ordinal: u32, writer: Writer, on_full: OnFull) {
        self.inner.flush_kept();
        let (len, handles, _) = writer.finish();
        let info = MessageInfo::new(MessageKind::OneWay, ordinal, len, 0);
        if self.inner.kept.borrow().is_empty() {
            let teller = Rc::downgrade(&self.inner);
            Stage::of_thread().put_event(teller, on_full, self.inner.channel.get(), info);
        } else {
            let _ = self
                .inner
                .event_failed(Error::QueueFull, info, handles, on_full);
        }
    }
}

impl Inner {
    /// Sends a request and waits for its answer, which is still to be decoded.
    #[inline]
    fn call(&self, ordinal: u32, writer: Writer) -> Result<RawEvent> {
        self.let_kept_go_first()?;
        let serial = self.serial.get().wrapping_add(1);
        self.serial.set(serial);
        let (now, timeout) = (gate::counter() as usize, self.timeout.get());
        let patience = long_wait::patience();
        let (len, handles, count) = writer.finish();
        let info = MessageInfo::new(MessageKind::Request, ordinal, len, count);
        let transaction = BLOCKING | serial as usize;
        match sys::call_and_wait(
            self.channel.get(),
            info,
            transaction,
            handles,
            now.saturating_add(timeout.min(patience)),
        ) {
            Ok(event) if event.kind == EventKind::Message && event.info().ordinal() == ordinal => {
                Ok(event)
            }
            Ok(event) => {
                wire::close_all(event.handles);
                Err(Error::Malformed)
            }
            // The request was sent, and its handles with it.
            Err(Error::TimedOut) if timeout > patience => {
                let late = self.late_reply(ordinal, transaction, now.saturating_add(timeout))?;
                // Field by field, so that only this one is in memory, and not the answer that
                // comes at once.
                Ok(RawEvent {
                    kind: late.kind,
                    key: late.key,
                    data: late.data,
                    transaction: late.transaction,
                    handles: late.handles,
                    types: late.types,
                })
            }
            Err(error) => {
                // If the request was sent before the call failed they are gone already, and
                // closing them does nothing: a handle's number is not given out again soon.
                wire::close_all(handles);
                Err(self.error(error))
            }
        }
    }

    /// Goes on waiting for the reply to a request, in a way that leaves init answered.
    #[cold]
    #[inline(never)]
    fn late_reply(&self, ordinal: u32, transaction: usize, deadline: usize) -> Result<RawEvent> {
        match long_wait::reply(self, transaction, deadline) {
            Ok(event) if event.info().ordinal() == ordinal => Ok(event),
            Ok(event) => {
                wire::close_all(event.handles);
                Err(Error::Malformed)
            }
            Err(error) => Err(self.error(error)),
        }
    }

    /// Where the event loop has it.
    pub(crate) fn home(&self) -> Option<Home> {
        let queue = self.event_loop.borrow().as_ref()?.queue.handle();
        let key = self.slot.get();
        (key != usize::MAX).then_some(Home { queue, key })
    }

    /// Keeps an event for the event loop that has this end now, or will have it.
    pub(crate) fn put_aside(&self, event: Aside) {
        self.aside.borrow_mut().push_back(event);
        if let Some(shared) = &*self.event_loop.borrow() {
            shared.note_aside(self.slot.get());
        }
    }

    /// The end is this event loop's from now on, at this key; or nobody's.
    pub(crate) fn settle(&self, event_loop: Option<Rc<Shared>>, key: usize) {
        self.slot.set(key);
        *self.event_loop.borrow_mut() = event_loop;
        if let Some(shared) = &*self.event_loop.borrow() {
            for _ in 0..self.aside.borrow().len() {
                shared.note_aside(self.slot.get());
            }
        }
    }

    /// Takes back the first event that was put aside, as if it came now.
    pub(crate) fn take_aside(&self) -> Option<RawEvent> {
        let event = self.aside.borrow_mut().pop_front()?;
        Some(event.restore(self.slot.get()))
    }

    /// The channel, [`Handle::NONE`] while the peer is gone.
    pub(crate) fn handle(&self) -> Handle {
        self.channel.get()
    }

    /// What an error means for this end: a peer that will come back restarts rather than closes.
    fn error(&self, error: Error) -> Error {
        let gone = matches!(error, Error::Closed)
            || matches!(error, Error::BadHandle) && self.channel.get().is_none();
        if gone && self.slot.get() == usize::MAX {
            // No event loop will do it.
            self.close();
        }
        match (gone, self.need.get()) {
            (true, NO_NEED) => Error::Closed,
            (true, _) => Error::PeerRestarted,
            (false, _) => error,
        }
    }

    /// Closes the channel.
    pub(crate) fn close(&self) {
        let handle = self.channel.replace(Handle::NONE);
        self.kept.borrow_mut().clear();
        if !handle.is_none() {
            drop(OwnedHandle::from_raw(handle));
        }
    }

    /// Lets go of the channel without closing it.
    pub(crate) fn release(&self) {
        self.channel.set(Handle::NONE);
    }

    /// Goes on with a fresh channel to a peer that restarted.
    pub(crate) fn reconnect(&self, channel: Channel) {
        self.close();
        self.channel.set(OwnedHandle::from(channel).into_raw());
    }

    pub(crate) fn will_return(&self) -> bool {
        self.need.get() != NO_NEED
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Clone for End {
    fn clone(&self) -> End {
        End {
            inner: self.inner.clone(),
            page: None,
        }
    }
}

impl AsHandle for End {
    fn handle(&self) -> Handle {
        self.inner.channel.get()
    }
}

impl From<End> for OwnedHandle {
    /// Takes the channel out of the end, which then has none any more: for passing it on.
    fn from(end: End) -> OwnedHandle {
        OwnedHandle::from_raw(end.inner.channel.replace(Handle::NONE))
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.channel.get().fmt(f)
    }
}

impl PartialEq for End {
    fn eq(&self, other: &End) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for End {}

/// For events that a server sends: a client that is gone is no error, since no server should end
/// because a client left. `Event::Closed` tells of it.
#[inline]
pub fn ignore_gone(result: Result<()>) -> Result<()> {
    match result {
        Err(Error::Closed | Error::BadHandle) => Ok(()),
        result => result,
    }
}

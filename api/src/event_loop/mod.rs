//! The loop that every component is: wait for the next event, handle it, again.
//!
//! [`EventLoop`] turns what the kernel reports into typed [`Event`]s under the author's own
//! `Source`, and does by itself what no author should have to think of: it takes in new
//! clients and fresh channels of restarted peers, ends calls whose server died, answers init's
//! heartbeat, and closes peers that break their interface's rules.
//!
//! What an event's key is: the index of a slot, so finding out whom an event concerns is one
//! look into a vector. Timers cost no system call at all: the earliest one is the deadline of the
//! next wait.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::marker::PhantomData;
use core::sync::atomic::Ordering;

use abi::call::FOREVER;
use abi::{Error, EventKind, MessageKind, Result};

use crate::bootstrap;
use crate::end::{End, Incoming};
use crate::handle::{AsHandle, Channel, Queue};
use crate::reply::{self, Asked};
use crate::stage::Stage;
use crate::sys::{self, RawEvent};
use crate::wire::Aligned;
use crate::{gate, wire};

mod clients;
mod slots;
mod source;
mod timers;

use clients::{ClientSource, Clients};
use slots::{Ready, Slot, Slots};
use source::Kind;
pub use source::{Attach, Connection, Hears, Messages, Port, Provider, TypedEnd};
pub use timers::Timer;
use timers::TimerState;

/// What happened, and to whom: `S` is the author's own type, `M` the generated `Message`.
#[derive(Debug)]
pub enum Event<S, M> {
    /// A message came.
    Message(S, M),
    /// A client of a provider that was added with [`EventLoop::add_each`] came.
    Connected(S),
    /// The other side is gone. If it is a component that this one needs, [`Event::Restarted`]
    /// follows when it is back.
    Closed(S),
    /// A component that this one needs is back, with nothing of its earlier state.
    Restarted(S),
    /// A send that was refused with [`Error::QueueFull`] may be tried again.
    Writable(S),
    /// A timer's time has come.
    Timer(S),
    /// An interrupt fired, so many times. It stays masked until acknowledged.
    Interrupt(S, usize),
    /// A doorbell was rung, so many times.
    Doorbell(S, usize),
    /// A process ended, with this status.
    Exited(S, usize),
    /// Init wants this component to end by itself; it will be killed soon.
    Shutdown,
}

/// What timers and the ends of channels know of their loop.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    /// When the loop has to look after something of its own: the earliest timer, or at once.
    nearest: Cell<usize>,
    /// The slots of which something was put aside while a call blocked, in its order.
    aside: RefCell<VecDeque<usize>>,
}

impl Shared {
    /// Something was put aside for the source at this key: see [`crate::long_wait`].
    pub(crate) fn note_aside(&self, key: usize) {
        self.aside.borrow_mut().push_back(key);
        self.nearest.set(0);
    }

    /// Something that init said was put aside.
    pub(crate) fn note_told(&self) {
        self.nearest.set(0);
    }
}

/// What is due without waiting.
enum Due<S> {
    Timer(S),
    Aside(RawEvent),
}

/// Waits for everything that a component hears, in one place: see the [module](self).
///
/// ```
/// # let _system = testkit::System::new();
/// # enum Mine {}
/// # impl ftl::event_loop::Messages for Mine {
/// #     type Message<'a> = ();
/// #     fn decode<'a>(_: u16, incoming: ftl::end::Incoming<'a>) -> ftl::Result<()> {
/// #         Err(incoming.refuse())
/// #     }
/// #     fn ended<'a>(_: u16, _: u32, _: ftl::Transaction, _: ftl::Error) -> Option<Self::Message<'a>> {
/// #         None
/// #     }
/// # }
/// # // In a component this stands in its generated `spec`.
/// # type EventLoop<S> = ftl::EventLoop<S, Mine>;
/// use ftl::prelude::*;
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// enum Source {
///     Bell,
///     Second,
/// }
///
/// let mut events = EventLoop::new()?;
/// let bell = Doorbell::new()?;
/// events.add(&bell, Source::Bell)?;
/// let second = events.timer(Source::Second);
/// second.set_every(Duration::from_secs(1));
/// bell.ring()?;
///
/// let mut heard = Vec::new();
/// while heard.len() < 3 {
///     match events.next()? {
///         Event::Doorbell(source, _) | Event::Timer(source) => heard.push(source),
///         other => warn!("unexpected: {other:?}"),
///     }
/// }
/// assert_eq!(heard, [Source::Bell, Source::Second, Source::Second]);
/// # Ok::<(), Error>(())
/// ```
pub struct EventLoop<S, M> {
    stage: &'static Stage,
    slots: Slots<S>,
    page: Option<Box<Aligned>>,
    ready: VecDeque<Ready<S>>,
    clients: Vec<Clients<S>>,
    /// Clients that came before their provider was added.
    early: Vec<(u16, Channel, Box<[u8]>)>,
    timers: Vec<(Rc<TimerState>, S)>,
    shared: Rc<Shared>,
    messages: PhantomData<fn() -> M>,
}

impl<S: Copy, M: Messages> EventLoop<S, M> {
    /// A loop that hears init already, and nobody else.
    pub fn new() -> Result<EventLoop<S, M>> {
        let mut events = EventLoop {
            stage: Stage::of_thread(),
            slots: Slots::new(),
            page: None,
            ready: VecDeque::new(),
            clients: Vec::new(),
            early: Vec::new(),
            timers: Vec::new(),
            shared: Rc::new(Shared {
                queue: Queue::new()?,
                nearest: Cell::new(FOREVER),
                aside: RefCell::new(VecDeque::new()),
            }),
            messages: PhantomData,
        };
        if let Some(channel) = bootstrap::channel() {
            let key = events.slots.take(Kind::Bootstrap, None);
            let queue = events.shared.queue.handle();
            match sys::queue_attach(queue, channel, key) {
                // Another loop of this component has it.
                Err(Error::AlreadyExists) => events.slots.free(key),
                result => {
                    result?;
                    bootstrap::settle(&events.shared, key);
                }
            }
        }
        Ok(events)
    }

    /// Listens to `what`; its events carry `source`. For a provider that means: to each of its
    /// clients, now and later.
    pub fn add(&mut self, what: impl Attach<M>, source: S) -> Result<()> {
        match what.port().0 {
            Kind::Provider { index, tag } => {
                self.add_clients(index, tag, ClientSource::Same(source))
            }
            Kind::Channel { end, tag } => self.add_end(end, tag, source).map(drop),
            Kind::Object { handle } => {
                let key = self.slots.take(Kind::Object { handle }, Some(source));
                sys::queue_attach(self.shared.queue.handle(), handle, key)
                    .inspect_err(|_| self.slots.free(key))
            }
            Kind::Free { .. } | Kind::Bootstrap => Err(Error::InvalidArgument),
        }
    }

    /// Listens to a provider's clients, each under a source of its own, which `source` makes: a
    /// variant of the author's enum that holds a [`Connection`] will do. Each begins with
    /// [`Event::Connected`] and ends with [`Event::Closed`].
    pub fn add_each<E>(&mut self, provider: Provider<E>, source: fn(Connection) -> S) -> Result<()>
    where
        M: Hears<E>,
    {
        self.add_clients(provider.index, M::TAG, ClientSource::Each(source))
    }

    /// Stops listening to an interrupt, a doorbell, a kernel timer or a process.
    pub fn remove(&mut self, object: &impl AsHandle) -> Result<()> {
        let wanted = object.handle();
        let key = self
            .slots
            .iter()
            .position(|slot| matches!(slot.kind, Kind::Object { handle } if handle == wanted))
            .ok_or(Error::NotFound)?;
        self.slots.free(key);
        sys::queue_detach(wanted)
    }

    /// Stops listening to a channel. It is closed when its last owner drops it.
    pub fn remove_channel(&mut self, channel: &impl TypedEnd) -> Result<()> {
        let end = channel.end().clone();
        let key = end.inner.slot.get();
        match self.slots.get(key).map(|slot| &slot.kind) {
            Some(Kind::Channel { end: there, .. }) if *there == end => {}
            _ => return Err(Error::NotFound),
        }
        self.slots.free(key);
        end.inner.settle(None, usize::MAX);
        sys::queue_detach(end.handle())
    }

    /// The channel to a client, for sending it events and calls.
    pub fn client<E: TypedEnd>(&self, connection: Connection) -> Option<E>
    where
        M: Hears<E>,
    {
        let slot = self.slots.get(connection.slot as usize)?;
        match &slot.kind {
            Kind::Channel { end, tag } if slot.serial == connection.serial && *tag == M::TAG => {
                Some(E::from(end.clone()))
            }
            _ => None,
        }
    }

    /// What the system file says about a client: for `fs`, the directory that it gets. Empty if nothing, and
    /// once the client is gone.
    pub fn grant(&self, connection: Connection) -> &[u8] {
        match self.slots.get(connection.slot as usize) {
            Some(Slot {
                serial,
                grant: Some(grant),
                ..
            }) if *serial == connection.serial => grant,
            _ => &[],
        }
    }

    /// Closes the channel to a client.
    pub fn disconnect(&mut self, connection: Connection) {
        let key = connection.slot as usize;
        if let Some(Slot {
            kind: Kind::Channel { end, .. },
            serial,
            ..
        }) = self.slots.get(key)
            && *serial == connection.serial
        {
            end.inner.close();
            self.slots.free(key);
        }
    }

    /// Waits for the next event.
    ///
    /// Views in the event (texts, bytes, lists) are valid until the loop is used again, which the
    /// compiler checks: read what you need of a request before you add a source to the loop. Errors are the loop's own and leave
    /// nothing to do but end: what goes wrong with one source is an event.
    #[inline]
    #[allow(clippy::should_implement_trait)] // an iterator's items could not borrow from it
    pub fn next(&mut self) -> Result<Event<S, M::Message<'_>>> {
        loop {
            let (key, raw) = loop {
                if let Some(ready) = self.ready.pop_front() {
                    match Self::made(ready) {
                        Some(event) => return Ok(event),
                        None => continue,
                    }
                }
                let due = match self.shared.nearest.get() {
                    FOREVER => None,
                    // 0 stands for what was put aside.
                    nearest if nearest > gate::counter() as usize => None,
                    _ => self.due()?,
                };
                let raw = match due {
                    Some(Due::Timer(source)) => return Ok(Event::Timer(source)),
                    Some(Due::Aside(raw)) => raw,
                    None if !self.ready.is_empty() => continue,
                    None => match self.wait() {
                        Ok(raw) => raw,
                        Err(Error::TimedOut) => continue,
                        Err(error) => return Err(error),
                    },
                };
                if raw.kind == EventKind::Message
                    && let Some(Slot {
                        kind: Kind::Channel { end, .. },
                        ..
                    }) = self.slots.get(raw.key)
                    && (raw.info().kind() != Some(MessageKind::Reply)
                        || end.inner.end(raw.transaction, raw.info().ordinal()))
                {
                    break (raw.key, raw);
                }
                if let Some(event) = self.other(raw)? {
                    return Ok(event);
                }
            };
            let Some(Slot {
                kind: Kind::Channel { end, tag },
                source: Some(source),
                ..
            }) = self.slots.get(key)
            else {
                // The slot was a channel's just now, and all channels have a source.
                return Err(Error::Internal);
            };
            let source = *source;
            let page: *mut Option<Box<Aligned>> = &mut self.page;
            let incoming = Incoming {
                // SAFETY: nothing else uses the page while this reference lives: either the event
                // with its views is returned, and then the caller's borrow of the loop covers it,
                // or decoding failed, and an error holds no views. That second case is what the
                // compiler does not see, hence the pointer.
                page: unsafe { &mut *page },
                channel: end.handle(),
                info: raw.info(),
                transaction: raw.transaction,
                handles: raw.handles,
                types: raw.types,
                stage: Some(self.stage),
            };
            match M::decode(*tag, incoming) {
                Ok(message) => return Ok(Event::Message(source, message)),
                // A message of a later version of the interface: its sender has been told.
                Err(Error::Unsupported) => {
                    crate::debug!("passed over an unknown message: {:?}", raw.info());
                }
                Err(error) => self.refuse(key, raw, error),
            }
        }
    }

    /// A message could not be decoded: its sender is told, and closed.
    #[cold]
    #[inline(never)]
    fn refuse(&mut self, key: usize, raw: RawEvent, error: Error) {
        let Some(Slot {
            kind: Kind::Channel { end, .. },
            ..
        }) = self.slots.get(key)
        else {
            return;
        };
        if raw.info().kind() == Some(MessageKind::Request) {
            reply::no_reply(Asked {
                channel: end.handle(),
                transaction: raw.transaction,
                ordinal: raw.info().ordinal(),
                stage: None,
            });
        }
        crate::warn!(
            "closed a peer that broke its interface's rules: {:?}: {error}",
            raw.info()
        );
        end.inner.close();
        self.ready.extend(self.slots.close(key));
    }

    /// Waits for what the kernel reports next, and sends along what is staged.
    #[inline(always)]
    fn wait(&mut self) -> Result<RawEvent> {
        let (queue, deadline) = (self.shared.queue.handle(), self.shared.nearest.get());
        match self.stage.take() {
            None => sys::wait(queue, deadline),
            Some(staged) => match staged.send_wait(queue, deadline) {
                Ok(raw) => Ok(raw),
                Err(failed) if failed.sent => Err(failed.error),
                Err(failed) => {
                    self.stage.failed(failed.error);
                    sys::wait(queue, deadline)
                }
            },
        }
    }

    /// What happens less often than a message on a channel.
    #[cold]
    #[inline(never)]
    fn other<'a>(&mut self, raw: RawEvent) -> Result<Option<Event<S, M::Message<'a>>>> {
        let key = raw.key;
        let Some(slot) = self.slots.get(key) else {
            wire::close_all(raw.handles);
            return Ok(None);
        };
        let source = slot.source;
        let event = match (raw.kind, &slot.kind) {
            (EventKind::Message, Kind::Bootstrap) => {
                let told = bootstrap::decode(&mut self.page, raw);
                self.obey(told)?;
                None
            }
            (EventKind::Message, _) => {
                // A reply that nobody waits for any more, or a message to a slot that was
                // given up while it was under way.
                wire::close_all(raw.handles);
                None
            }
            (EventKind::Closed, Kind::Channel { end, .. }) => {
                end.inner.close();
                self.ready.extend(self.slots.close(key));
                None
            }
            (EventKind::Closed, Kind::Bootstrap) => {
                self.slots.free(key);
                self.ready.push_back(Ready::Shutdown);
                None
            }
            (EventKind::Writable, Kind::Channel { end, .. }) => {
                end.inner.flush_kept();
                source.map(Event::Writable)
            }
            (EventKind::Interrupt, Kind::Object { .. }) => {
                source.map(|source| Event::Interrupt(source, raw.data))
            }
            (EventKind::Doorbell, Kind::Object { .. }) => {
                source.map(|source| Event::Doorbell(source, raw.data))
            }
            (EventKind::Timer, Kind::Object { .. }) => source.map(Event::Timer),
            (EventKind::Exited, Kind::Object { .. }) => {
                source.map(|source| Event::Exited(source, raw.data))
            }
            _ => None,
        };
        Ok(event)
    }

    fn add_end(&mut self, end: End, tag: u16, source: S) -> Result<usize> {
        if end.inner.slot.get() != usize::MAX {
            return Err(Error::AlreadyExists);
        }
        let key = self.slots.take(
            Kind::Channel {
                end: end.clone(),
                tag,
            },
            Some(source),
        );
        end.inner.settle(Some(self.shared.clone()), key);
        if !end.is_connected() && end.inner.will_return() {
            // It comes back under this source.
            return Ok(key);
        }
        match sys::queue_attach(self.shared.queue.handle(), end.handle(), key) {
            Ok(()) => Ok(key),
            Err(error) => {
                end.inner.settle(None, usize::MAX);
                self.slots.free(key);
                Err(error)
            }
        }
    }

    fn made<'a>(ready: Ready<S>) -> Option<Event<S, M::Message<'a>>> {
        Some(match ready {
            Ready::Ended {
                source,
                tag,
                ordinal,
                transaction,
            } => Event::Message(
                source,
                M::ended(tag, ordinal, transaction, Error::PeerRestarted)?,
            ),
            Ready::Closed(source) => Event::Closed(source),
            Ready::Restarted(source) => Event::Restarted(source),
            Ready::Connected(source) => Event::Connected(source),
            Ready::Shutdown => {
                crate::gate::local().ending.store(true, Ordering::Relaxed);
                Event::Shutdown
            }
        })
    }

    /// What is due without waiting: what was put aside first, then timers. Also finds out when
    /// to look again.
    #[cold]
    #[inline(never)]
    fn due(&mut self) -> Result<Option<Due<S>>> {
        if self.shared.nearest.get() == 0 {
            while let Some(told) = bootstrap::take_aside(&self.shared) {
                self.obey(Some(told))?;
            }
            loop {
                let Some(key) = self.shared.aside.borrow_mut().pop_front() else {
                    break;
                };
                if let Some(Slot {
                    kind: Kind::Channel { end, .. },
                    ..
                }) = self.slots.get(key)
                    && let Some(raw) = end.inner.take_aside()
                {
                    return Ok(Some(Due::Aside(raw)));
                }
            }
            self.look_again();
        }
        Ok(self.fire().map(Due::Timer))
    }
}

impl<S, M> Drop for EventLoop<S, M> {
    fn drop(&mut self) {
        // All of it can be added to another loop. The queue may outlive this loop: timers know it.
        if bootstrap::leave(&self.shared)
            && let Some(channel) = bootstrap::channel()
        {
            let _ = sys::queue_detach(channel);
        }
        for slot in self.slots.iter() {
            // What is closed meanwhile is on no queue.
            match &slot.kind {
                Kind::Channel { end, .. } => {
                    end.inner.settle(None, usize::MAX);
                    let _ = sys::queue_detach(end.handle());
                }
                Kind::Object { handle } => {
                    let _ = sys::queue_detach(*handle);
                }
                Kind::Free { .. } | Kind::Bootstrap | Kind::Provider { .. } => {}
            }
        }
    }
}

//! The channel to init: what a component is given at its start, and what comes later.
//!
//! It speaks `interfaces/component.yml`. At the start [`Start`] collects the messages up to
//! `start`, and generated code makes the `Environ` of it; from then on the event loop handles
//! what comes.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{Error, EventKind, Handle, Result, StartInfo};

use crate::component::{Client, ToClient, ToServer};
use crate::end::{End, Incoming};
use crate::event_loop::{Provider, Shared, TypedEnd};
use crate::handle::{AsHandle, Channel, Device, OwnedHandle, Queue};
use crate::io::{Stderr, Stdin, Stdout};
use crate::long_wait::Home;
use crate::process::read_long_words;
use crate::process::words::{self, Variables};
use crate::random::Random;
use crate::sys::RawEvent;
use crate::wire::{self, Aligned, Reader};
use crate::{gate, sys};

/// What init asks of a component that runs.
pub(crate) enum FromInit {
    /// A new client of the provider with this index.
    Client {
        index: u16,
        channel: Channel,
        grant: Box<[u8]>,
    },
    /// A fresh channel to the needed component with this index.
    Restarted { index: u16, channel: Channel },
    /// The component is to end by itself.
    Shutdown,
}

/// The channel to init, for the thread that `main` runs on.
pub(crate) fn channel() -> Option<Handle> {
    let local = gate::local();
    let channel = local.bootstrap.get();
    (!channel.is_none() && is_first_thread()).then_some(channel)
}

/// The channel to what the component needs under this index.
pub(crate) fn need(index: u16) -> Option<End> {
    if !is_first_thread() {
        return None;
    }
    gate::local().needs.borrow().get(index as usize)?.clone()
}

/// Whether this is the thread that `main` runs on.
pub(crate) fn is_first_thread() -> bool {
    gate::message_buffer() == gate::local().first_thread.get()
}

/// Notes which event loop has the channel to init, and at which key.
pub(crate) fn settle(event_loop: &Rc<Shared>, key: usize) {
    *gate::local().event_loop.borrow_mut() = Some((event_loop.clone(), key));
    if !gate::local().told.borrow().is_empty() {
        event_loop.note_told();
    }
}

/// An event loop ends; answers whether the channel to init was its.
pub(crate) fn leave(event_loop: &Rc<Shared>) -> bool {
    let was_its = is_its(event_loop);
    if was_its {
        *gate::local().event_loop.borrow_mut() = None;
    }
    was_its
}

fn is_its(event_loop: &Rc<Shared>) -> bool {
    let owner = &gate::local().event_loop;
    is_first_thread()
        && matches!(&*owner.borrow(), Some((owner, _)) if Rc::ptr_eq(owner, event_loop))
}

/// Where the channel to init belongs, for the first thread.
pub(crate) fn home() -> Option<Home> {
    let owner = gate::local().event_loop.borrow();
    let (event_loop, key) = owner.as_ref()?;
    Some(Home {
        queue: event_loop.queue.handle(),
        key: *key,
    })
}

/// Keeps what init said while a call blocked for the event loop, now or when there is one.
pub(crate) fn put_aside(told: FromInit) {
    let local = gate::local();
    local.told.borrow_mut().push_back(told);
    if let Some((event_loop, _)) = &*local.event_loop.borrow() {
        event_loop.note_told();
    }
}

/// Takes back what init said first while a call blocked.
pub(crate) fn take_aside(event_loop: &Rc<Shared>) -> Option<FromInit> {
    if !is_its(event_loop) {
        return None;
    }
    gate::local().told.borrow_mut().pop_front()
}

/// Decodes a message from init, and answers at once what needs nobody else.
pub(crate) fn decode(page: &mut Option<Box<Aligned>>, raw: RawEvent) -> Option<FromInit> {
    match ToClient::decode(incoming(page, raw)) {
        Ok(ToClient::NewClient(client)) => Some(FromInit::Client {
            index: client.index,
            channel: client.channel,
            grant: client.grant.into(),
        }),
        Ok(ToClient::Restarted(restarted)) => Some(FromInit::Restarted {
            index: restarted.index,
            channel: restarted.channel,
        }),
        Ok(ToClient::Shutdown) => Some(FromInit::Shutdown),
        Ok(ToClient::Heartbeat(heartbeat)) => {
            // If init's queue is full it hears of this component often enough.
            let _ = init(|client| client.alive(heartbeat.serial));
            None
        }
        Ok(other) => {
            crate::warn!("init sent after the start what belongs before: {other:?}");
            None
        }
        Err(error) => {
            crate::error!("init sent something unknown: {error}");
            None
        }
    }
}

/// What a component's message to init says, if it is the answer to a heartbeat. For `libs/testkit`,
/// which plays init.
#[doc(hidden)]
pub fn heard_alive(raw: RawEvent) -> Option<u32> {
    match ToServer::decode(incoming(&mut None, raw)) {
        Ok(ToServer::Alive(alive)) => Some(alive.serial),
        _ => None,
    }
}

fn incoming(page: &mut Option<Box<Aligned>>, raw: RawEvent) -> Incoming<'_> {
    Incoming {
        page,
        channel: gate::local().bootstrap.get(),
        info: raw.info(),
        transaction: raw.transaction,
        handles: raw.handles,
        types: raw.types,
        stage: None,
    }
}

/// Waits until the needed component with this index is back, for a component that has no event
/// loop to hear of it. Answers whether it is: no if there is a loop, which must hear it itself,
/// and no after the deadline.
pub(crate) fn wait_restarted(index: u16, deadline: usize) -> bool {
    let (Some(bootstrap), Some(end)) = (channel(), need(index)) else {
        return false;
    };
    let Ok(queue) = Queue::new() else {
        return false;
    };
    if sys::queue_attach(queue.handle(), bootstrap, 0).is_err() {
        return false;
    }
    let mut page = None;
    let mut others = VecDeque::new();
    let mut back = false;
    while !back {
        // What init said while the call still waited comes first.
        let earlier = gate::local().told.borrow_mut().pop_front();
        let told = match earlier {
            Some(told) => Some(told),
            None => match sys::wait(queue.handle(), deadline) {
                Ok(raw) if raw.kind == EventKind::Message => decode(&mut page, raw),
                _ => break,
            },
        };
        match told {
            Some(FromInit::Restarted {
                index: which,
                channel,
            }) => {
                if let Some(other) = need(which) {
                    other.inner.reconnect(channel);
                    back = other == end;
                }
            }
            // Not for here: an event loop may come that wants it.
            Some(told) => others.push_back(told),
            None => {}
        }
    }
    let _ = sys::queue_detach(bootstrap);
    others.append(&mut gate::local().told.borrow_mut());
    *gate::local().told.borrow_mut() = others;
    back
}

/// Tells init something.
fn init<T>(tell: impl FnOnce(&Client) -> Result<T>) -> Result<T> {
    let channel = channel().ok_or(Error::NotFound)?;
    let client = Client::from(End::new(OwnedHandle::from_raw(channel).into()));
    let result = tell(&client);
    // The handle stays the runtime's.
    client.end().inner.release();
    result
}

/// Leaves up to 4,000 bytes with init, which a later start of this component finds again: see
/// [`Start::state`]. They are lost when the machine restarts. Only a component that says
/// `keeps_state: true` finds them again, as `env.state`.
pub fn save_state(state: &[u8]) -> Result<()> {
    init(|client| client.save_state(state))
}

/// Restart state: see [`save_state`].
pub type State = Vec<u8>;

/// What a component was given at its start. Generated code makes the `Environ` of it.
pub struct Start {
    needs: Vec<(u64, Option<End>)>,
    provides: Vec<u64>,
    devices: Vec<Vec<Device>>,
    settings: Box<Aligned>,
    state: Vec<u8>,
    seed: [u8; 32],
    words: (Vec<String>, Variables),
    streams: Streams,
}

/// A command's standard streams, as init sent them.
#[derive(Default)]
struct Streams {
    stdin: Option<Channel>,
    stdout: Option<Channel>,
    stderr: Option<Channel>,
    terminal: Option<Channel>,
    directory: Option<Channel>,
    /// Others, and the names under which they are seen in it.
    mounts: Vec<(String, Channel)>,
}

impl Start {
    /// Waits for everything that init sends before the component begins.
    pub fn receive(info: &'static StartInfo) -> Result<Start> {
        let mut start = Start {
            needs: Vec::new(),
            provides: Vec::new(),
            devices: Vec::new(),
            settings: Aligned::boxed(),
            state: Vec::new(),
            seed: info.random_seed,
            words: Default::default(),
            streams: Streams::default(),
        };
        let bootstrap = channel().ok_or(Error::NotFound)?;
        let queue = Queue::new()?;
        sys::queue_attach(queue.handle(), bootstrap, 0)?;
        let mut page = None;
        loop {
            let raw = queue.wait(None)?;
            if raw.kind != EventKind::Message {
                wire::close_all(raw.handles);
                return Err(Error::Closed);
            }
            let message = match ToClient::decode(incoming(&mut page, raw)) {
                // From an init that knows more than this component's crate.
                Err(Error::Unsupported) => continue,
                message => message?,
            };
            match message {
                ToClient::Need(need) => {
                    let end = End::new(need.channel);
                    end.inner.need.set(need.index);
                    let place = place(&mut start.needs, need.index.into(), || (0, None));
                    *place = (need.hash, Some(end));
                }
                ToClient::Provide(provide) => {
                    *place(&mut start.provides, provide.index.into(), || 0) = provide.hash;
                }
                ToClient::Device(device) => {
                    place(&mut start.devices, device.index.into(), Vec::new).push(device.device);
                }
                ToClient::State(state) => start.state = state.state.into(),
                ToClient::Words(message) => {
                    start.words = match &message.folio {
                        None => words::decode(message.words)?,
                        Some(folio) => words::decode(&read_long_words(folio, message.len)?)?,
                    }
                }
                ToClient::Streams(streams) => {
                    start.streams = Streams {
                        stdin: streams.stdin,
                        stdout: streams.stdout,
                        stderr: streams.stderr,
                        terminal: streams.terminal,
                        directory: start.streams.directory.take(),
                        mounts: core::mem::take(&mut start.streams.mounts),
                    }
                }
                ToClient::Directory(message) => {
                    start.streams.directory = Some(message.directory);
                }
                ToClient::Mount(message) => {
                    let name = message.name.into();
                    start.streams.mounts.push((name, message.directory));
                }
                ToClient::Start(message) => {
                    start.settings.fill(message.settings);
                    break;
                }
                _ => return Err(Error::Malformed),
            }
        }
        sys::queue_detach(bootstrap)?;
        *gate::local().needs.borrow_mut() =
            start.needs.iter().map(|(_, end)| end.clone()).collect();
        Ok(start)
    }

    /// The channel to what the component needs as number `index`.
    pub fn need<E: TypedEnd>(&mut self, index: u16, name: &str, hash: u64) -> Result<E> {
        self.need_optional(index, name, hash)?.ok_or_else(|| {
            crate::error!("init gave no channel for the need `{name}`");
            Error::NotFound
        })
    }

    /// The same, for what may be absent from a system.
    pub fn need_optional<E: TypedEnd>(
        &mut self,
        index: u16,
        name: &str,
        hash: u64,
    ) -> Result<Option<E>> {
        let Some((given, end)) = self.needs.get_mut(index as usize) else {
            return Ok(None);
        };
        let Some(end) = end.take() else {
            return Ok(None);
        };
        same_version(name, hash, *given)?;
        Ok(Some(E::from(end)))
    }

    /// The clients of what the component provides as number `index`.
    pub fn provider<E>(&self, index: u16, name: &str, hash: u64) -> Result<Provider<E>> {
        let given = self.provides.get(index as usize).copied().unwrap_or(hash);
        same_version(name, hash, given)?;
        Ok(Provider::new(index))
    }

    /// The device that the component drives as number `index`.
    pub fn device(&mut self, index: u16, name: &str) -> Result<Device> {
        self.devices
            .get_mut(index as usize)
            .and_then(Vec::pop)
            .ok_or_else(|| {
                crate::error!("init gave no device for `{name}`");
                Error::NotFound
            })
    }

    /// All devices that the component drives as number `index`; there may be none.
    pub fn all_devices(&mut self, index: u16) -> Vec<Device> {
        self.devices
            .get_mut(index as usize)
            .map(core::mem::take)
            .unwrap_or_default()
    }

    /// A reader of the settings.
    pub fn settings(&self) -> Reader<'_> {
        Reader::of_bytes(&self.settings)
    }

    /// What an earlier life of this component left with [`save_state`]; empty if nothing.
    pub fn state(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.state)
    }

    /// The name that a command was started under: one image may have several.
    pub fn name(&self) -> String {
        gate::local().name.get().as_str().into()
    }

    /// A command's arguments.
    pub fn arguments(&mut self) -> Vec<String> {
        core::mem::take(&mut self.words.0)
    }

    /// A command's environment.
    pub fn variables(&mut self) -> Variables {
        core::mem::take(&mut self.words.1)
    }

    /// A command's standard input.
    pub fn stdin(&mut self) -> Stdin {
        Stdin::new(self.streams.stdin.take().map(from_channel))
    }

    /// A command's standard output.
    pub fn stdout(&mut self) -> Stdout {
        Stdout::new(self.streams.stdout.take().map(from_channel))
    }

    /// A command's standard error.
    pub fn stderr(&mut self) -> Stderr {
        Stderr::new(self.streams.stderr.take().map(from_channel))
    }

    /// The terminal, for a command that asks for one.
    pub fn terminal<E: TypedEnd>(&mut self) -> Option<E> {
        self.streams.terminal.take().map(from_channel)
    }

    /// The directory that a command was given, if its file asks for one.
    pub fn directory<E: TypedEnd>(&mut self) -> Option<E> {
        self.streams.directory.take().map(from_channel)
    }

    /// Other directories that are seen in it, each under a name.
    pub fn mounts<E: TypedEnd>(&mut self) -> Vec<(String, E)> {
        let mounts = core::mem::take(&mut self.streams.mounts).into_iter();
        mounts
            .map(|(name, channel)| (name, from_channel(channel)))
            .collect()
    }

    /// The value of one of a command's variables.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.words.1.get(name)
    }

    /// The component's random generator.
    pub fn random(&self) -> Random {
        Random::from_seed(self.seed)
    }
}

fn from_channel<E: TypedEnd>(channel: Channel) -> E {
    E::from(End::new(channel))
}

/// The place with this index, after making room for it.
fn place<T>(places: &mut Vec<T>, index: usize, empty: fn() -> T) -> &mut T {
    if places.len() <= index {
        places.resize_with(index + 1, empty);
    }
    &mut places[index]
}

fn same_version(name: &str, built_with: u64, given: u64) -> Result<()> {
    if built_with == given {
        return Ok(());
    }
    crate::error!(
        "`{name}`: this component was built with version {built_with:016x} of the interface, \
         the system's plan has {given:016x}; build again"
    );
    Err(Error::VersionMismatch)
}

// Generated from interfaces/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! How init talks to each component, over the channel that the component is started with.
//! The crate `ftl` speaks the component's side: first `need`, `provide`, `device` and `state`
//! until `start` begins its main, then the rest at any time. No component names this interface
//! in its file.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x86ec5799f211625f;

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 64;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 4004;

const NEED: u32 = 0x451a9a97;
const PROVIDE: u32 = 0x835f35dc;
const DEVICE: u32 = 0x4e7354e3;
const STATE: u32 = 0xabd21bbb;
const WORDS: u32 = 0x3c56b5d4;
const STREAMS: u32 = 0xac8a1591;
const DIRECTORY: u32 = 0xc3855543;
const MOUNT: u32 = 0xe01a5ee8;
const START: u32 = 0xabf0b2b2;
const NEW_CLIENT: u32 = 0xc10abb7a;
const RESTARTED: u32 = 0x78e4522a;
const HEARTBEAT: u32 = 0x67889195;
const SHUTDOWN: u32 = 0x04107ce4;
const ALIVE: u32 = 0x350a0e5d;
const SAVE_STATE: u32 = 0xc36eaef2;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// The channel to something that the component needs.
#[derive(Debug)]
pub struct Need {
    /// Its place under `needs`.
    pub index: u16,
    /// The version of the interface that the other side has.
    pub hash: u64,
    /// The client's end.
    pub channel: ::ftl::handle::Channel,
}

/// Tells which version of an interface the clients of this component have.
#[derive(Clone, Copy, Debug)]
pub struct Provide {
    /// Its place under `provides`.
    pub index: u16,
    /// The version of the interface.
    pub hash: u64,
}

/// A device that the component is to drive.
#[derive(Debug)]
pub struct Device {
    /// Its place under `devices`.
    pub index: u16,
    /// The device.
    pub device: ::ftl::handle::Device,
}

/// What an earlier life of the component left with `save_state`.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// The same bytes.
    pub state: &'a [u8],
}

/// For commands: arguments and environment, see `ftl::process::words`.
#[derive(Debug)]
pub struct Words<'a> {
    /// The words, unless they are in `folio`.
    pub words: &'a [u8],
    /// Where they are if they are long.
    pub folio: Option<::ftl::handle::Folio>,
    /// Bytes of the words in the folio.
    pub len: u32,
}

/// For commands: the standard streams, as far as they are there.
#[derive(Debug)]
pub struct Streams {
    /// The receiver's end of a `stream`.
    pub stdin: Option<::ftl::handle::Channel>,
    /// The sender's end of a `stream`.
    pub stdout: Option<::ftl::handle::Channel>,
    /// The sender's end of a `stream`.
    pub stderr: Option<::ftl::handle::Channel>,
    /// The client's end of a `terminal`.
    pub terminal: Option<::ftl::handle::Channel>,
}

/// For commands: the directory that whoever started it has given it.
#[derive(Debug)]
pub struct Directory {
    /// The client's end of an `fs`.
    pub directory: ::ftl::handle::Channel,
}

/// For commands: another directory, seen under a name at the top of the one that `directory` brought.
#[derive(Debug)]
pub struct Mount<'a> {
    /// The name, without `/`.
    pub name: &'a str,
    /// The client's end of an `fs`.
    pub directory: ::ftl::handle::Channel,
}

/// Everything is there, main begins.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The settings, encoded in the order of the component's file.
    pub settings: &'a [u8],
}

/// A new client of something that the component provides.
#[derive(Debug)]
pub struct NewClient<'a> {
    /// Its place under `provides`.
    pub index: u16,
    /// The server's end.
    pub channel: ::ftl::handle::Channel,
    /// What the system file says about this client, for the provider; mostly nothing.
    pub grant: &'a [u8],
}

/// A component that this one needs was restarted.
#[derive(Debug)]
pub struct Restarted {
    /// Its place under `needs`.
    pub index: u16,
    /// The client's end of a fresh channel.
    pub channel: ::ftl::handle::Channel,
}

/// Asks whether the component still handles events.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    /// Comes back in `alive`.
    pub serial: u32,
}

/// Answers `heartbeat`.
#[derive(Clone, Copy, Debug)]
pub struct Alive {
    /// What the heartbeat said.
    pub serial: u32,
}

/// Something that the component wants to find again after a crash.
#[derive(Clone, Copy, Debug)]
pub struct SaveState<'a> {
    /// Any bytes.
    pub state: &'a [u8],
}

/// The `client`'s end of a `component` channel. Clones are the same end; dropping the last one closes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client(::ftl::end::End);

impl From<::ftl::end::End> for Client {
    fn from(end: ::ftl::end::End) -> Client {
        Client(end)
    }
}

impl From<::ftl::handle::OwnedHandle> for Client {
    fn from(handle: ::ftl::handle::OwnedHandle) -> Client {
        Client(::ftl::end::End::new(handle.into()))
    }
}

impl From<Client> for ::ftl::handle::OwnedHandle {
    fn from(end: Client) -> ::ftl::handle::OwnedHandle {
        end.0.into()
    }
}

impl ::ftl::handle::Object for Client {
    const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
    const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
}

impl ::ftl::event_loop::TypedEnd for Client {
    fn end(&self) -> &::ftl::end::End {
        &self.0
    }
}

impl<M: ::ftl::event_loop::Hears<Client>> ::ftl::event_loop::Attach<M> for &Client {
    fn port(self) -> ::ftl::event_loop::Port {
        ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
    }
}

impl Client {
    /// Answers `heartbeat`.
    #[inline]
    pub fn alive(&self, serial: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(serial)?;
        self.0.event(ALIVE, writer, ::ftl::end::OnFull::Coalesce)
    }

    /// [`Self::alive`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn alive_soon(&self, serial: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(serial)?;
        self.0.event_soon(ALIVE, writer, ::ftl::end::OnFull::Coalesce);
        Ok(())
    }

    /// Something that the component wants to find again after a crash.
    #[inline]
    pub fn save_state(&self, state: &[u8]) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bytes(state, 4000)?;
        self.0.event(SAVE_STATE, writer, ::ftl::end::OnFull::Coalesce)
    }

    /// [`Self::save_state`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn save_state_soon(&self, state: &[u8]) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bytes(state, 4000)?;
        self.0.event_soon(SAVE_STATE, writer, ::ftl::end::OnFull::Coalesce);
        Ok(())
    }
}

/// What arrives at a [`Client`].
#[derive(Debug)]
pub enum ToClient<'a> {
    /// The channel to something that the component needs.
    Need(Need),
    /// Tells which version of an interface the clients of this component have.
    Provide(Provide),
    /// A device that the component is to drive.
    Device(Device),
    /// What an earlier life of the component left with `save_state`.
    State(State<'a>),
    /// For commands: arguments and environment, see `ftl::process::words`.
    Words(Words<'a>),
    /// For commands: the standard streams, as far as they are there.
    Streams(Streams),
    /// For commands: the directory that whoever started it has given it.
    Directory(Directory),
    /// For commands: another directory, seen under a name at the top of the one that `directory` brought.
    Mount(Mount<'a>),
    /// Everything is there, main begins.
    Start(Start<'a>),
    /// A new client of something that the component provides.
    NewClient(NewClient<'a>),
    /// A component that this one needs was restarted.
    Restarted(Restarted),
    /// Asks whether the component still handles events.
    Heartbeat(Heartbeat),
    /// The component is to end by itself; soon it will be killed.
    Shutdown,
}

impl<'a> ToClient<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            NEED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(16)?;
                let event = Need {
                    index: reader.u16()?,
                    hash: reader.u64()?,
                    channel: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToClient::Need(event))
            }
            PROVIDE if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(16)?;
                let event = Provide {
                    index: reader.u16()?,
                    hash: reader.u64()?,
                };
                reader.finish()?;
                Ok(ToClient::Provide(event))
            }
            DEVICE if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(2)?;
                let event = Device {
                    index: reader.u16()?,
                    device: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToClient::Device(event))
            }
            STATE if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read_with_views();
                let event = State {
                    state: reader.bytes(4000)?,
                };
                reader.finish()?;
                Ok(ToClient::State(event))
            }
            WORDS if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read_with_views();
                let event = Words {
                    words: reader.bytes(1024)?,
                    folio: if reader.bool()? {
                        Some(reader.handle_with(::ftl::abi::Rights::READ)?)
                    } else {
                        None
                    },
                    len: reader.u32()?,
                };
                reader.finish()?;
                Ok(ToClient::Words(event))
            }
            STREAMS if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                let event = Streams {
                    stdin: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.handle()?) } else { None }
                    },
                    stdout: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.handle()?) } else { None }
                    },
                    stderr: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.handle()?) } else { None }
                    },
                    terminal: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.handle()?) } else { None }
                    },
                };
                reader.finish()?;
                Ok(ToClient::Streams(event))
            }
            DIRECTORY if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(0)?;
                let event = Directory {
                    directory: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToClient::Directory(event))
            }
            MOUNT if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read_with_views();
                let event = Mount {
                    name: reader.str(32)?,
                    directory: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToClient::Mount(event))
            }
            START if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read_with_views();
                let event = Start {
                    settings: reader.bytes(2048)?,
                };
                reader.finish()?;
                Ok(ToClient::Start(event))
            }
            NEW_CLIENT if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read_with_views();
                let event = NewClient {
                    index: reader.u16()?,
                    channel: reader.handle()?,
                    grant: reader.bytes(256)?,
                };
                reader.finish()?;
                Ok(ToClient::NewClient(event))
            }
            RESTARTED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(2)?;
                let event = Restarted {
                    index: reader.u16()?,
                    channel: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToClient::Restarted(event))
            }
            HEARTBEAT if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let event = Heartbeat { serial: reader.u32()? };
                reader.finish()?;
                Ok(ToClient::Heartbeat(event))
            }
            SHUTDOWN if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToClient::Shutdown)
            }
            _ => Err(incoming.refuse()),
        }
    }

    /// What tells that a call ended because the other side is gone.
    pub fn ended(
        ordinal: u32,
        transaction: ::ftl::Transaction,
        error: ::ftl::Error,
    ) -> Option<Self> {
        let _ = (ordinal, transaction, error);
        None
    }
}

/// The `server`'s end of a `component` channel. Clones are the same end; dropping the last one closes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server(::ftl::end::End);

impl From<::ftl::end::End> for Server {
    fn from(end: ::ftl::end::End) -> Server {
        Server(end)
    }
}

impl From<::ftl::handle::OwnedHandle> for Server {
    fn from(handle: ::ftl::handle::OwnedHandle) -> Server {
        Server(::ftl::end::End::new(handle.into()))
    }
}

impl From<Server> for ::ftl::handle::OwnedHandle {
    fn from(end: Server) -> ::ftl::handle::OwnedHandle {
        end.0.into()
    }
}

impl ::ftl::handle::Object for Server {
    const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
    const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
}

impl ::ftl::event_loop::TypedEnd for Server {
    fn end(&self) -> &::ftl::end::End {
        &self.0
    }
}

impl<M: ::ftl::event_loop::Hears<Server>> ::ftl::event_loop::Attach<M> for &Server {
    fn port(self) -> ::ftl::event_loop::Port {
        ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
    }
}

impl Server {
    /// The channel to something that the component needs.
    #[inline]
    pub fn need(
        &self,
        index: u16,
        hash: u64,
        channel: ::ftl::handle::Channel,
    ) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(index)?;
        writer.u64(hash)?;
        writer.handle(channel)?;
        ::ftl::end::ignore_gone(self.0.event(NEED, writer, ::ftl::end::OnFull::Close))
    }

    /// Tells which version of an interface the clients of this component have.
    #[inline]
    pub fn provide(&self, index: u16, hash: u64) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(index)?;
        writer.u64(hash)?;
        ::ftl::end::ignore_gone(self.0.event(PROVIDE, writer, ::ftl::end::OnFull::Close))
    }

    /// [`Self::provide`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn provide_soon(&self, index: u16, hash: u64) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(index)?;
        writer.u64(hash)?;
        self.0.event_soon(PROVIDE, writer, ::ftl::end::OnFull::Close);
        Ok(())
    }

    /// A device that the component is to drive.
    #[inline]
    pub fn device(
        &self,
        index: u16,
        device: ::ftl::handle::Device,
    ) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(index)?;
        writer.handle(device)?;
        ::ftl::end::ignore_gone(self.0.event(DEVICE, writer, ::ftl::end::OnFull::Close))
    }

    /// What an earlier life of the component left with `save_state`.
    #[inline]
    pub fn state(&self, state: &[u8]) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bytes(state, 4000)?;
        ::ftl::end::ignore_gone(self.0.event(STATE, writer, ::ftl::end::OnFull::Close))
    }

    /// [`Self::state`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn state_soon(&self, state: &[u8]) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bytes(state, 4000)?;
        self.0.event_soon(STATE, writer, ::ftl::end::OnFull::Close);
        Ok(())
    }

    /// For commands: arguments and environment, see `ftl::process::words`.
    #[inline]
    pub fn words(
        &self,
        words: &[u8],
        folio: Option<::ftl::handle::Folio>,
        len: u32,
    ) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bytes(words, 1024)?;
        match folio {
            None => writer.bool(false)?,
            Some(some) => {
                writer.bool(true)?;
                writer.handle(some)?;
            }
        }
        writer.u32(len)?;
        ::ftl::end::ignore_gone(self.0.event(WORDS, writer, ::ftl::end::OnFull::Close))
    }

    /// For commands: the standard streams, as far as they are there.
    #[inline]
    pub fn streams(
        &self,
        stdin: Option<::ftl::handle::Channel>,
        stdout: Option<::ftl::handle::Channel>,
        stderr: Option<::ftl::handle::Channel>,
        terminal: Option<::ftl::handle::Channel>,
    ) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        if stdin.is_some() || stdout.is_some() || stderr.is_some() || terminal.is_some()
        {
            match stdin {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        if stdout.is_some() || stderr.is_some() || terminal.is_some() {
            match stdout {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        if stderr.is_some() || terminal.is_some() {
            match stderr {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        if terminal.is_some() {
            match terminal {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        ::ftl::end::ignore_gone(self.0.event(STREAMS, writer, ::ftl::end::OnFull::Close))
    }

    /// For commands: the directory that whoever started it has given it.
    #[inline]
    pub fn directory(&self, directory: ::ftl::handle::Channel) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(directory)?;
        ::ftl::end::ignore_gone(
            self.0.event(DIRECTORY, writer, ::ftl::end::OnFull::Close),
        )
    }

    /// For commands: another directory, seen under a name at the top of the one that `directory` brought.
    #[inline]
    pub fn mount(
        &self,
        name: &str,
        directory: ::ftl::handle::Channel,
    ) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 32)?;
        writer.handle(directory)?;
        ::ftl::end::ignore_gone(self.0.event(MOUNT, writer, ::ftl::end::OnFull::Close))
    }

    /// Everything is there, main begins.
    #[inline]
    pub fn start(&self, settings: &[u8]) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bytes(settings, 2048)?;
        ::ftl::end::ignore_gone(self.0.event(START, writer, ::ftl::end::OnFull::Close))
    }

    /// [`Self::start`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn start_soon(&self, settings: &[u8]) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bytes(settings, 2048)?;
        self.0.event_soon(START, writer, ::ftl::end::OnFull::Close);
        Ok(())
    }

    /// A new client of something that the component provides.
    #[inline]
    pub fn new_client(
        &self,
        index: u16,
        channel: ::ftl::handle::Channel,
        grant: &[u8],
    ) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(index)?;
        writer.handle(channel)?;
        writer.bytes(grant, 256)?;
        ::ftl::end::ignore_gone(
            self.0.event(NEW_CLIENT, writer, ::ftl::end::OnFull::Close),
        )
    }

    /// A component that this one needs was restarted.
    #[inline]
    pub fn restarted(
        &self,
        index: u16,
        channel: ::ftl::handle::Channel,
    ) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(index)?;
        writer.handle(channel)?;
        ::ftl::end::ignore_gone(
            self.0.event(RESTARTED, writer, ::ftl::end::OnFull::Close),
        )
    }

    /// Asks whether the component still handles events.
    #[inline]
    pub fn heartbeat(&self, serial: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(serial)?;
        ::ftl::end::ignore_gone(
            self.0.event(HEARTBEAT, writer, ::ftl::end::OnFull::Coalesce),
        )
    }

    /// [`Self::heartbeat`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn heartbeat_soon(&self, serial: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(serial)?;
        self.0.event_soon(HEARTBEAT, writer, ::ftl::end::OnFull::Coalesce);
        Ok(())
    }

    /// The component is to end by itself; soon it will be killed.
    #[inline]
    pub fn shutdown(&self) -> ::ftl::Result<()> {
        let writer = ::ftl::wire::Writer::new();
        ::ftl::end::ignore_gone(
            self.0.event(SHUTDOWN, writer, ::ftl::end::OnFull::Close),
        )
    }

    /// [`Self::shutdown`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn shutdown_soon(&self) -> ::ftl::Result<()> {
        let writer = ::ftl::wire::Writer::new();
        self.0.event_soon(SHUTDOWN, writer, ::ftl::end::OnFull::Close);
        Ok(())
    }
}

/// What arrives at a [`Server`].
#[derive(Debug)]
pub enum ToServer<'a> {
    /// Answers `heartbeat`.
    Alive(Alive),
    /// Something that the component wants to find again after a crash.
    SaveState(SaveState<'a>),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            ALIVE if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let event = Alive { serial: reader.u32()? };
                reader.finish()?;
                Ok(ToServer::Alive(event))
            }
            SAVE_STATE if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read_with_views();
                let event = SaveState {
                    state: reader.bytes(4000)?,
                };
                reader.finish()?;
                Ok(ToServer::SaveState(event))
            }
            _ => Err(incoming.refuse()),
        }
    }

    /// What tells that a call ended because the other side is gone.
    pub fn ended(
        ordinal: u32,
        transaction: ::ftl::Transaction,
        error: ::ftl::Error,
    ) -> Option<Self> {
        let _ = (ordinal, transaction, error);
        None
    }
}

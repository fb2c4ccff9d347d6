// Generated from interfaces/ports.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Named ports of a serial device: plain bytes in both directions, to and from a program outside of
//! the machine.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x66a008b9f8507acd;

/// Why a port was not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortError {
    /// The device has no port of this name.
    Unknown,
    /// Somebody has it open.
    Taken,
    /// One of the system's errors.
    System(::ftl::Error),
}

impl PortError {
    fn code(self) -> u32 {
        match self {
            PortError::Unknown => ::ftl::reply::INTERFACE_ERROR + 0,
            PortError::Taken => ::ftl::reply::INTERFACE_ERROR + 1,
            PortError::System(error) => error.code().into(),
        }
    }

    fn from_code(code: u32) -> PortError {
        match code.wrapping_sub(::ftl::reply::INTERFACE_ERROR) {
            0 => PortError::Unknown,
            1 => PortError::Taken,
            _ => PortError::System(::ftl::reply::error_from_code(code)),
        }
    }
}

impl From<::ftl::Error> for PortError {
    fn from(error: ::ftl::Error) -> PortError {
        PortError::System(error)
    }
}

impl ::core::fmt::Display for PortError {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        match self {
            PortError::Unknown => f.write_str("The device has no port of this name"),
            PortError::Taken => f.write_str("Somebody has it open"),
            PortError::System(error) => error.fmt(f),
        }
    }
}

impl ::core::error::Error for PortError {}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 16;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 68;

const OPEN: u32 = 0x9b79e75d;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `open` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct OpenRequest<'a> {
    /// The port's name, for example `ftl.host`.
    pub name: &'a str,
}

/// What the call `open` answers with.
#[derive(Debug)]
pub struct OpenReply {
    /// The receiver's end of a `stream`: what comes from outside.
    pub input: ::ftl::handle::Channel,
    /// The sender's end of a `stream`: what goes there.
    pub output: ::ftl::handle::Channel,
}

/// Answers the call `open`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct OpenReplier(::ftl::reply::Replier);

impl OpenReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        input: ::ftl::handle::Channel,
        output: ::ftl::handle::Channel,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(input)?;
        writer.handle(output)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: impl Into<PortError>) -> ::ftl::Result<()> {
        self.0.fail(error.into().code())
    }
}

/// The `client`'s end of a `ports` channel. Clones are the same end; dropping the last one closes it.
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
    /// Opens a port. It is closed when the output's sender is dropped: what was sent still goes out,
    /// and when all of it has, the input ends.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn open_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        self.0.start(OPEN, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// Opens a port. It is closed when the output's sender is dropped: what was sent still goes out,
    /// and when all of it has, the input ends.
    fn open(&mut self, name: &str) -> ::core::result::Result<OpenReply, PortError>;
}

impl Blocking for Client {
    #[inline]
    fn open(&mut self, name: &str) -> ::core::result::Result<OpenReply, PortError> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        let incoming = self.0.call(OPEN, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(4)?;
                Ok(OpenReply {
                    input: reader.handle()?,
                    output: reader.handle()?,
                })
            }
            Err(code) => Err(PortError::from_code(code)),
        };
        reader.finish()?;
        result
    }
}

/// What arrives at a [`Client`].
#[derive(Debug)]
pub enum ToClient {
    /// The answer to [`Client::open_start`].
    Open(::ftl::Transaction, ::core::result::Result<OpenReply, PortError>),
}

impl ToClient {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            OPEN if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(4)?;
                        Ok(OpenReply {
                            input: reader.handle()?,
                            output: reader.handle()?,
                        })
                    }
                    Err(code) => Err(PortError::from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Open(transaction, result))
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
        match ordinal {
            OPEN => Some(ToClient::Open(transaction, Err(error.into()))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `ports` channel. Clones are the same end; dropping the last one closes it.
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

/// What arrives at a [`Server`].
#[derive(Debug)]
pub enum ToServer<'a> {
    /// Opens a port. It is closed when the output's sender is dropped: what was sent still goes out,
    /// and when all of it has, the input ends.
    Open(OpenRequest<'a>, OpenReplier),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            OPEN if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = OpenRequest {
                    name: reader.str(64)?,
                };
                reader.finish()?;
                Ok(ToServer::Open(request, OpenReplier(asked.into())))
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

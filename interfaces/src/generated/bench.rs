// Generated from interfaces/bench.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the benchmarks send through typed stubs. Each call has 64 bytes of fields each way.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x53bfa73e7ab660f5;

/// Eight numbers, 64 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Eight {
    /// A.
    pub a: u64,
    /// B.
    pub b: u64,
    /// C.
    pub c: u64,
    /// D.
    pub d: u64,
    /// E.
    pub e: u64,
    /// F.
    pub f: u64,
    /// G.
    pub g: u64,
    /// H.
    pub h: u64,
}

impl ::ftl::wire::Wire<'_> for Eight {
    #[inline(always)]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u64(self.a)?;
        writer.u64(self.b)?;
        writer.u64(self.c)?;
        writer.u64(self.d)?;
        writer.u64(self.e)?;
        writer.u64(self.f)?;
        writer.u64(self.g)?;
        writer.u64(self.h)?;
        Ok(())
    }

    #[inline(always)]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        Ok(Eight {
            a: reader.u64()?,
            b: reader.u64()?,
            c: reader.u64()?,
            d: reader.u64()?,
            e: reader.u64()?,
            f: reader.u64()?,
            g: reader.u64()?,
            h: reader.u64()?,
        })
    }
}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 16;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 72;

const ECHO: u32 = 0x1604a404;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `echo` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct EchoRequest {
    /// Numbers.
    pub numbers: Eight,
}

/// Answers the call `echo`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct EchoReplier(::ftl::reply::Replier);

impl EchoReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, numbers: Eight) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        ::ftl::wire::Wire::encode(numbers, &mut writer)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// The `client`'s end of a `bench` channel. Clones are the same end; dropping the last one closes it.
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
    /// Gives back what it is given.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn echo_start(&self, numbers: Eight) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(numbers, &mut writer)?;
        self.0.start(ECHO, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// Gives back what it is given.
    fn echo(&mut self, numbers: Eight) -> ::core::result::Result<Eight, ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn echo(&mut self, numbers: Eight) -> ::core::result::Result<Eight, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(numbers, &mut writer)?;
        let incoming = self.0.call(ECHO, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(72)?;
                Ok(::ftl::wire::Wire::decode(reader.by_ref())?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }
}

/// What arrives at a [`Client`].
#[derive(Debug)]
pub enum ToClient {
    /// The answer to [`Client::echo_start`].
    Echo(::ftl::Transaction, ::core::result::Result<Eight, ::ftl::Error>),
}

impl ToClient {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            ECHO if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(72)?;
                        Ok(::ftl::wire::Wire::decode(reader.by_ref())?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Echo(transaction, result))
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
            ECHO => Some(ToClient::Echo(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `bench` channel. Clones are the same end; dropping the last one closes it.
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
pub enum ToServer {
    /// Gives back what it is given.
    Echo(EchoRequest, EchoReplier),
}

impl ToServer {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            ECHO if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(64)?;
                let request = EchoRequest {
                    numbers: ::ftl::wire::Wire::decode(reader.by_ref())?,
                };
                reader.finish()?;
                Ok(ToServer::Echo(request, EchoReplier(asked.into())))
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

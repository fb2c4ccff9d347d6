// Generated from interfaces/tcpip.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! TCP, UDP and names. A client shares memory with the server once; the bytes of each TCP
//! connection travel there, in a slot of two streams (`libs/ring`), and messages on the connection's
//! channel only wake the other side. What is not taken out of a stream stays there, and closes the
//! window that the remote side may send into.
//!
//! A slot is `receive_len + send_len + 256` bytes: first the stream of received bytes, then that of
//! bytes to be sent, each with 128 bytes of indices in front.
//!
//! A slot belongs to one side at a time. `accept` and `connect` give it to the server, which lets go of
//! whatever connection was there before, clears the indices, and gives it back with the answer; from then
//! on both use it as the streams' two ends. So a client that has dropped a connection's channel may name its slot again at
//! once, and touches its bytes again only after the answer.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x415e75ed98bfa595;

/// An address of version 4 of IP.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// The four bytes, the first one highest.
    pub ip: u32,
    /// Port.
    pub port: u16,
}

impl ::ftl::wire::Wire<'_> for Address {
    #[inline(always)]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self.ip)?;
        writer.u16(self.port)?;
        Ok(())
    }

    #[inline(always)]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        Ok(Address {
            ip: reader.u32()?,
            port: reader.u16()?,
        })
    }
}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 64;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 259;

const SHARE: u32 = 0x54fb0611;
const LISTEN: u32 = 0xe8f90b17;
const CONNECT: u32 = 0x83defb67;
const BIND: u32 = 0x0e759e75;
const RESOLVE: u32 = 0x515b7cd6;
const PING: u32 = 0x7a03e7a4;
const STATUS: u32 = 0xa8144542;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `share` is asked with.
#[derive(Debug)]
pub struct ShareRequest {
    /// Memory.
    pub memory: ::ftl::handle::Folio,
    /// How many slots lie there.
    pub slots: u32,
    /// Bytes of a slot's stream of received bytes: a power of two.
    pub receive_len: u32,
    /// Bytes of a slot's stream of bytes to be sent: a power of two.
    pub send_len: u32,
}

/// Answers the call `share`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ShareReplier(::ftl::reply::Replier);

impl ShareReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self) -> ::ftl::Result<()> {
        let writer = self.0.begin()?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `listen` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ListenRequest {
    /// Port.
    pub port: u16,
    /// Connections that wait for `accept`.
    pub backlog: u16,
}

/// Answers the call `listen`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ListenReplier(::ftl::reply::Replier);

impl ListenReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, listener: crate::tcpip::tcp_listener::Client) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(listener)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `connect` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ConnectRequest {
    /// Remote.
    pub remote: Address,
    /// Where its bytes shall be.
    pub slot: u32,
}

/// What the call `connect` answers with.
#[derive(Debug)]
pub struct ConnectReply {
    /// Connection.
    pub connection: crate::tcpip::tcp_connection::Client,
    /// Local.
    pub local: Address,
}

/// Answers the call `connect`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ConnectReplier(::ftl::reply::Replier);

impl ConnectReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        connection: crate::tcpip::tcp_connection::Client,
        local: Address,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(connection)?;
        ::ftl::wire::Wire::encode(local, &mut writer)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `bind` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct BindRequest {
    /// 0 is any free one.
    pub port: u16,
}

/// What the call `bind` answers with.
#[derive(Debug)]
pub struct BindReply {
    /// Socket.
    pub socket: crate::tcpip::udp_socket::Client,
    /// Port.
    pub port: u16,
}

/// Answers the call `bind`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct BindReplier(::ftl::reply::Replier);

impl BindReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        socket: crate::tcpip::udp_socket::Client,
        port: u16,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(socket)?;
        writer.u16(port)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `resolve` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ResolveRequest<'a> {
    /// Name.
    pub name: &'a str,
}

/// Answers the call `resolve`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ResolveReplier(::ftl::reply::Replier);

impl ResolveReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        addresses: impl Into<::ftl::wire::List<'a, u32>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.list(addresses.into(), 8)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `ping` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct PingRequest {
    /// As in `address`.
    pub ip: u32,
}

/// Answers the call `ping`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct PingReplier(::ftl::reply::Replier);

impl PingReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, round_trip_ns: u64) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u64(round_trip_ns)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `status` answers with.
#[derive(Clone, Copy, Debug)]
pub struct StatusReply {
    /// 0 if there is none yet.
    pub ip: u32,
    /// Prefix len.
    pub prefix_len: u8,
    /// 0 if there is none.
    pub gateway: u32,
    /// TCP connections and UDP ports, those being closed included.
    pub sockets: u32,
    /// Frames received.
    pub frames_received: u64,
    /// Frames sent.
    pub frames_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// TCP connections that were accepted.
    pub accepted: u64,
    /// What was malformed, refused or did not fit, all together.
    pub dropped: u64,
}

/// Answers the call `status`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct StatusReplier(::ftl::reply::Replier);

impl StatusReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        ip: u32,
        prefix_len: u8,
        gateway: u32,
        sockets: u32,
        frames_received: u64,
        frames_sent: u64,
        bytes_received: u64,
        bytes_sent: u64,
        accepted: u64,
        dropped: u64,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u32(ip)?;
        writer.u8(prefix_len)?;
        writer.u32(gateway)?;
        writer.u32(sockets)?;
        writer.u64(frames_received)?;
        writer.u64(frames_sent)?;
        writer.u64(bytes_received)?;
        writer.u64(bytes_sent)?;
        writer.u64(accepted)?;
        writer.u64(dropped)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// The `client`'s end of a `tcpip` channel. Clones are the same end; dropping the last one closes it.
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
    /// Shares memory for streams, before the first connection, and again for more of them. Slots are then numbered on.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn share_start(
        &self,
        memory: ::ftl::handle::Folio,
        slots: u32,
        receive_len: u32,
        send_len: u32,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(memory)?;
        writer.u32(slots)?;
        writer.u32(receive_len)?;
        writer.u32(send_len)?;
        self.0.start(SHARE, writer)
    }

    /// Listens on a TCP port.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn listen_start(
        &self,
        port: u16,
        backlog: u16,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(port)?;
        writer.u16(backlog)?;
        self.0.start(LISTEN, writer)
    }

    /// Connects to a TCP port. Answered when the connection is there.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn connect_start(
        &self,
        remote: Address,
        slot: u32,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(remote, &mut writer)?;
        writer.u32(slot)?;
        self.0.start(CONNECT, writer)
    }

    /// Takes a UDP port.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn bind_start(&self, port: u16) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(port)?;
        self.0.start(BIND, writer)
    }

    /// Finds the addresses of a name.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn resolve_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 255)?;
        self.0.start(RESOLVE, writer)
    }

    /// Asks an address for an echo (ICMP). Answered when it has come; `TimedOut` after 3 s without one, `Unreachable` if
    /// somebody on the way says so.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn ping_start(&self, ip: u32) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(ip)?;
        self.0.start(PING, writer)
    }

    /// What the stack is like now.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn status_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(STATUS, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// Shares memory for streams, before the first connection, and again for more of them. Slots are then numbered on.
    fn share(
        &mut self,
        memory: ::ftl::handle::Folio,
        slots: u32,
        receive_len: u32,
        send_len: u32,
    ) -> ::core::result::Result<(), ::ftl::Error>;

    /// Listens on a TCP port.
    fn listen(
        &mut self,
        port: u16,
        backlog: u16,
    ) -> ::core::result::Result<crate::tcpip::tcp_listener::Client, ::ftl::Error>;

    /// Connects to a TCP port. Answered when the connection is there.
    fn connect(
        &mut self,
        remote: Address,
        slot: u32,
    ) -> ::core::result::Result<ConnectReply, ::ftl::Error>;

    /// Takes a UDP port.
    fn bind(&mut self, port: u16) -> ::core::result::Result<BindReply, ::ftl::Error>;

    /// Finds the addresses of a name.
    fn resolve<'s>(
        &'s mut self,
        name: &str,
    ) -> ::core::result::Result<::ftl::wire::List<'s, u32>, ::ftl::Error>;

    /// Asks an address for an echo (ICMP). Answered when it has come; `TimedOut` after 3 s without one, `Unreachable` if
    /// somebody on the way says so.
    fn ping(&mut self, ip: u32) -> ::core::result::Result<u64, ::ftl::Error>;

    /// What the stack is like now.
    fn status(&mut self) -> ::core::result::Result<StatusReply, ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn share(
        &mut self,
        memory: ::ftl::handle::Folio,
        slots: u32,
        receive_len: u32,
        send_len: u32,
    ) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(memory)?;
        writer.u32(slots)?;
        writer.u32(receive_len)?;
        writer.u32(send_len)?;
        let incoming = self.0.call(SHARE, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn listen(
        &mut self,
        port: u16,
        backlog: u16,
    ) -> ::core::result::Result<crate::tcpip::tcp_listener::Client, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(port)?;
        writer.u16(backlog)?;
        let incoming = self.0.call(LISTEN, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(4)?;
                Ok(reader.handle()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn connect(
        &mut self,
        remote: Address,
        slot: u32,
    ) -> ::core::result::Result<ConnectReply, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(remote, &mut writer)?;
        writer.u32(slot)?;
        let incoming = self.0.call(CONNECT, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(10)?;
                Ok(ConnectReply {
                    connection: reader.handle()?,
                    local: ::ftl::wire::Wire::decode(reader.by_ref())?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn bind(&mut self, port: u16) -> ::core::result::Result<BindReply, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(port)?;
        let incoming = self.0.call(BIND, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(6)?;
                Ok(BindReply {
                    socket: reader.handle()?,
                    port: reader.u16()?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn resolve<'s>(
        &'s mut self,
        name: &str,
    ) -> ::core::result::Result<::ftl::wire::List<'s, u32>, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 255)?;
        let incoming = self.0.call(RESOLVE, writer)?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(reader.list(8)?),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn ping(&mut self, ip: u32) -> ::core::result::Result<u64, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                PING,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.u32(ip)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(16)?;
                Ok(reader.u64()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn status(&mut self) -> ::core::result::Result<StatusReply, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                STATUS,
                || {
                    let writer = ::ftl::wire::Writer::new();
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(72)?;
                Ok(StatusReply {
                    ip: reader.u32()?,
                    prefix_len: reader.u8()?,
                    gateway: reader.u32()?,
                    sockets: reader.u32()?,
                    frames_received: reader.u64()?,
                    frames_sent: reader.u64()?,
                    bytes_received: reader.u64()?,
                    bytes_sent: reader.u64()?,
                    accepted: reader.u64()?,
                    dropped: reader.u64()?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }
}

/// What arrives at a [`Client`].
#[derive(Debug)]
pub enum ToClient<'a> {
    /// The answer to [`Client::share_start`].
    Share(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::listen_start`].
    Listen(
        ::ftl::Transaction,
        ::core::result::Result<crate::tcpip::tcp_listener::Client, ::ftl::Error>,
    ),
    /// The answer to [`Client::connect_start`].
    Connect(::ftl::Transaction, ::core::result::Result<ConnectReply, ::ftl::Error>),
    /// The answer to [`Client::bind_start`].
    Bind(::ftl::Transaction, ::core::result::Result<BindReply, ::ftl::Error>),
    /// The answer to [`Client::resolve_start`].
    Resolve(
        ::ftl::Transaction,
        ::core::result::Result<::ftl::wire::List<'a, u32>, ::ftl::Error>,
    ),
    /// The answer to [`Client::ping_start`].
    Ping(::ftl::Transaction, ::core::result::Result<u64, ::ftl::Error>),
    /// The answer to [`Client::status_start`].
    Status(::ftl::Transaction, ::core::result::Result<StatusReply, ::ftl::Error>),
}

impl<'a> ToClient<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            SHARE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Share(transaction, result))
            }
            LISTEN if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(4)?;
                        Ok(reader.handle()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Listen(transaction, result))
            }
            CONNECT if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(10)?;
                        Ok(ConnectReply {
                            connection: reader.handle()?,
                            local: ::ftl::wire::Wire::decode(reader.by_ref())?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Connect(transaction, result))
            }
            BIND if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(6)?;
                        Ok(BindReply {
                            socket: reader.handle()?,
                            port: reader.u16()?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Bind(transaction, result))
            }
            RESOLVE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(reader.list(8)?),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Resolve(transaction, result))
            }
            PING if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(16)?;
                        Ok(reader.u64()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Ping(transaction, result))
            }
            STATUS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(72)?;
                        Ok(StatusReply {
                            ip: reader.u32()?,
                            prefix_len: reader.u8()?,
                            gateway: reader.u32()?,
                            sockets: reader.u32()?,
                            frames_received: reader.u64()?,
                            frames_sent: reader.u64()?,
                            bytes_received: reader.u64()?,
                            bytes_sent: reader.u64()?,
                            accepted: reader.u64()?,
                            dropped: reader.u64()?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Status(transaction, result))
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
            SHARE => Some(ToClient::Share(transaction, Err(error))),
            LISTEN => Some(ToClient::Listen(transaction, Err(error))),
            CONNECT => Some(ToClient::Connect(transaction, Err(error))),
            BIND => Some(ToClient::Bind(transaction, Err(error))),
            RESOLVE => Some(ToClient::Resolve(transaction, Err(error))),
            PING => Some(ToClient::Ping(transaction, Err(error))),
            STATUS => Some(ToClient::Status(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `tcpip` channel. Clones are the same end; dropping the last one closes it.
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
    /// Shares memory for streams, before the first connection, and again for more of them. Slots are then numbered on.
    Share(ShareRequest, ShareReplier),
    /// Listens on a TCP port.
    Listen(ListenRequest, ListenReplier),
    /// Connects to a TCP port. Answered when the connection is there.
    Connect(ConnectRequest, ConnectReplier),
    /// Takes a UDP port.
    Bind(BindRequest, BindReplier),
    /// Finds the addresses of a name.
    Resolve(ResolveRequest<'a>, ResolveReplier),
    /// Asks an address for an echo (ICMP). Answered when it has come; `TimedOut` after 3 s without one, `Unreachable` if
    /// somebody on the way says so.
    Ping(PingRequest, PingReplier),
    /// What the stack is like now.
    Status(StatusReplier),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            SHARE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(12)?;
                let request = ShareRequest {
                    memory: reader.handle()?,
                    slots: reader.u32()?,
                    receive_len: reader.u32()?,
                    send_len: reader.u32()?,
                };
                reader.finish()?;
                Ok(ToServer::Share(request, ShareReplier(asked.into())))
            }
            LISTEN if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let request = ListenRequest {
                    port: reader.u16()?,
                    backlog: reader.u16()?,
                };
                reader.finish()?;
                Ok(ToServer::Listen(request, ListenReplier(asked.into())))
            }
            CONNECT if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(12)?;
                let request = ConnectRequest {
                    remote: ::ftl::wire::Wire::decode(reader.by_ref())?,
                    slot: reader.u32()?,
                };
                reader.finish()?;
                Ok(ToServer::Connect(request, ConnectReplier(asked.into())))
            }
            BIND if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(2)?;
                let request = BindRequest { port: reader.u16()? };
                reader.finish()?;
                Ok(ToServer::Bind(request, BindReplier(asked.into())))
            }
            RESOLVE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = ResolveRequest {
                    name: reader.str(255)?,
                };
                reader.finish()?;
                Ok(ToServer::Resolve(request, ResolveReplier(asked.into())))
            }
            PING if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let request = PingRequest { ip: reader.u32()? };
                reader.finish()?;
                Ok(ToServer::Ping(request, PingReplier(asked.into())))
            }
            STATUS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Status(StatusReplier(asked.into())))
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

/// A port that is listened on. Dropping the channel ends it.
pub mod tcp_listener {
    #[allow(unused_imports)]
    use super::*;

    /// Messages that wait in each direction of such a channel.
    pub const QUEUE_LEN: usize = 32;

    /// Bytes of the largest message on such a channel.
    pub const BODY_LEN_MAX: usize = 10;

    const ACCEPT: u32 = 0x770fe1b7;

    /// Both ends of a new channel: the `client`'s and the `server`'s.
    pub fn channel() -> ::ftl::Result<(Client, Server)> {
        let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
        Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
    }

    /// What the call `accept` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct AcceptRequest {
        /// Where its bytes shall be.
        pub slot: u32,
    }

    /// What the call `accept` answers with.
    #[derive(Debug)]
    pub struct AcceptReply {
        /// Connection.
        pub connection: crate::tcpip::tcp_connection::Client,
        /// Remote.
        pub remote: Address,
    }

    /// Answers the call `accept`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct AcceptReplier(::ftl::reply::Replier);

    impl AcceptReplier {
        /// Answers that it worked.
        #[inline]
        pub fn ok(
            self,
            connection: crate::tcpip::tcp_connection::Client,
            remote: Address,
        ) -> ::ftl::Result<()> {
            let mut writer = self.0.begin()?;
            writer.handle(connection)?;
            ::ftl::wire::Wire::encode(remote, &mut writer)?;
            self.0.send(writer)
        }
        /// Answers that it did not.
        pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
            self.0.fail(u32::from(error.code()))
        }
    }

    /// The `client`'s end of a `tcp_listener` channel. Clones are the same end; dropping the last one closes it.
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
        /// The next connection that comes in. Answered when there is one; several may be asked for ahead.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn accept_start(&self, slot: u32) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u32(slot)?;
            self.0.start(ACCEPT, writer)
        }
    }

    /// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
    /// component's file says `blocking: false`.
    pub trait Blocking {
        /// The next connection that comes in. Answered when there is one; several may be asked for ahead.
        fn accept(
            &mut self,
            slot: u32,
        ) -> ::core::result::Result<AcceptReply, ::ftl::Error>;
    }

    impl Blocking for Client {
        #[inline]
        fn accept(
            &mut self,
            slot: u32,
        ) -> ::core::result::Result<AcceptReply, ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u32(slot)?;
            let incoming = self.0.call(ACCEPT, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => {
                    reader.expect_len(10)?;
                    Ok(AcceptReply {
                        connection: reader.handle()?,
                        remote: ::ftl::wire::Wire::decode(reader.by_ref())?,
                    })
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
        /// The answer to [`Client::accept_start`].
        Accept(::ftl::Transaction, ::core::result::Result<AcceptReply, ::ftl::Error>),
    }

    impl ToClient {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                ACCEPT if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => {
                            reader.expect_len(10)?;
                            Ok(AcceptReply {
                                connection: reader.handle()?,
                                remote: ::ftl::wire::Wire::decode(reader.by_ref())?,
                            })
                        }
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Accept(transaction, result))
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
                ACCEPT => Some(ToClient::Accept(transaction, Err(error))),
                _ => None,
            }
        }
    }

    /// The `server`'s end of a `tcp_listener` channel. Clones are the same end; dropping the last one closes it.
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
        /// The next connection that comes in. Answered when there is one; several may be asked for ahead.
        Accept(AcceptRequest, AcceptReplier),
    }

    impl ToServer {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                ACCEPT if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(4)?;
                    let request = AcceptRequest {
                        slot: reader.u32()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Accept(request, AcceptReplier(asked.into())))
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
}

/// A TCP connection. Dropping the channel lets go of it: what was sent and lies still in the
/// stream is lost, so wait for `closed` if it matters.
pub mod tcp_connection {
    #[allow(unused_imports)]
    use super::*;

    /// Messages that wait in each direction of such a channel.
    pub const QUEUE_LEN: usize = 8;

    /// Bytes of the largest message on such a channel.
    pub const BODY_LEN_MAX: usize = 2;

    const MORE: u32 = 0xc91b2722;
    const FINISH: u32 = 0xd002e548;
    const NEWS: u32 = 0x45733e9c;
    const ENDED: u32 = 0xca33f9a5;
    const CLOSED: u32 = 0x15bb3995;

    /// Both ends of a new channel: the `client`'s and the `server`'s.
    pub fn channel() -> ::ftl::Result<(Client, Server)> {
        let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
        Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
    }

    /// The connection is over.
    #[derive(Clone, Copy, Debug)]
    pub struct Closed {
        /// 0 if both sides closed it, otherwise a code of `ftl::Error`.
        pub error: u16,
    }

    /// The `client`'s end of a `tcp_connection` channel. Clones are the same end; dropping the last one closes it.
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
        /// There are bytes to be sent, or there is room for received ones.
        #[inline]
        pub fn more(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            self.0.event(MORE, writer, ::ftl::end::OnFull::Coalesce)
        }
        /// [`Self::more`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn more_soon(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            self.0.event_soon(MORE, writer, ::ftl::end::OnFull::Coalesce);
            Ok(())
        }
        /// Nothing more will be sent. What is in the stream still is.
        #[inline]
        pub fn finish(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            self.0.event(FINISH, writer, ::ftl::end::OnFull::Coalesce)
        }
        /// [`Self::finish`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn finish_soon(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            self.0.event_soon(FINISH, writer, ::ftl::end::OnFull::Coalesce);
            Ok(())
        }
    }

    /// What arrives at a [`Client`].
    #[derive(Debug)]
    pub enum ToClient {
        /// There are received bytes, or there is room for bytes to be sent.
        News,
        /// The remote side will send nothing more than what is in the stream.
        Ended,
        /// The connection is over.
        Closed(Closed),
    }

    impl ToClient {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                NEWS if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let reader = incoming.read();
                    reader.finish()?;
                    Ok(ToClient::News)
                }
                ENDED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let reader = incoming.read();
                    reader.finish()?;
                    Ok(ToClient::Ended)
                }
                CLOSED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let mut reader = incoming.read();
                    reader.expect_len(2)?;
                    let event = Closed { error: reader.u16()? };
                    reader.finish()?;
                    Ok(ToClient::Closed(event))
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

    /// The `server`'s end of a `tcp_connection` channel. Clones are the same end; dropping the last one closes it.
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
        /// There are received bytes, or there is room for bytes to be sent.
        #[inline]
        pub fn news(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            ::ftl::end::ignore_gone(
                self.0.event(NEWS, writer, ::ftl::end::OnFull::Coalesce),
            )
        }
        /// [`Self::news`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn news_soon(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            self.0.event_soon(NEWS, writer, ::ftl::end::OnFull::Coalesce);
            Ok(())
        }
        /// The remote side will send nothing more than what is in the stream.
        #[inline]
        pub fn ended(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            ::ftl::end::ignore_gone(
                self.0.event(ENDED, writer, ::ftl::end::OnFull::Coalesce),
            )
        }
        /// [`Self::ended`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn ended_soon(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            self.0.event_soon(ENDED, writer, ::ftl::end::OnFull::Coalesce);
            Ok(())
        }
        /// The connection is over.
        #[inline]
        pub fn closed(&self, error: u16) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u16(error)?;
            ::ftl::end::ignore_gone(
                self.0.event(CLOSED, writer, ::ftl::end::OnFull::Coalesce),
            )
        }
        /// [`Self::closed`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn closed_soon(&self, error: u16) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u16(error)?;
            self.0.event_soon(CLOSED, writer, ::ftl::end::OnFull::Coalesce);
            Ok(())
        }
    }

    /// What arrives at a [`Server`].
    #[derive(Debug)]
    pub enum ToServer {
        /// There are bytes to be sent, or there is room for received ones.
        More,
        /// Nothing more will be sent. What is in the stream still is.
        Finish,
    }

    impl ToServer {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                MORE if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let reader = incoming.read();
                    reader.finish()?;
                    Ok(ToServer::More)
                }
                FINISH if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let reader = incoming.read();
                    reader.finish()?;
                    Ok(ToServer::Finish)
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
}

/// A UDP port. Dropping the channel gives it back.
pub mod udp_socket {
    #[allow(unused_imports)]
    use super::*;

    /// Messages that wait in each direction of such a channel.
    pub const QUEUE_LEN: usize = 16;

    /// Bytes of the largest message on such a channel.
    pub const BODY_LEN_MAX: usize = 1484;

    const SEND: u32 = 0xf913e537;
    const DATAGRAM: u32 = 0x8d269979;

    /// Both ends of a new channel: the `client`'s and the `server`'s.
    pub fn channel() -> ::ftl::Result<(Client, Server)> {
        let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
        Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
    }

    /// What the call `send` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct SendRequest<'a> {
        /// To.
        pub to: Address,
        /// Data.
        pub data: &'a [u8],
    }

    /// Answers the call `send`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct SendReplier(::ftl::reply::Replier);

    impl SendReplier {
        /// Answers that it worked.
        #[inline]
        pub fn ok(self) -> ::ftl::Result<()> {
            let writer = self.0.begin()?;
            self.0.send(writer)
        }
        /// Answers that it did not.
        pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
            self.0.fail(u32::from(error.code()))
        }
    }

    /// A datagram came.
    #[derive(Clone, Copy, Debug)]
    pub struct Datagram<'a> {
        /// Remote.
        pub remote: Address,
        /// Data.
        pub data: &'a [u8],
    }

    /// The `client`'s end of a `udp_socket` channel. Clones are the same end; dropping the last one closes it.
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
        /// Sends a datagram.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn send_start(
            &self,
            to: Address,
            data: &[u8],
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            ::ftl::wire::Wire::encode(to, &mut writer)?;
            writer.bytes(data, 1472)?;
            self.0.start(SEND, writer)
        }
    }

    /// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
    /// component's file says `blocking: false`.
    pub trait Blocking {
        /// Sends a datagram.
        fn send(
            &mut self,
            to: Address,
            data: &[u8],
        ) -> ::core::result::Result<(), ::ftl::Error>;
    }

    impl Blocking for Client {
        #[inline]
        fn send(
            &mut self,
            to: Address,
            data: &[u8],
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            ::ftl::wire::Wire::encode(to, &mut writer)?;
            writer.bytes(data, 1472)?;
            let incoming = self.0.call(SEND, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
    }

    /// What arrives at a [`Client`].
    #[derive(Debug)]
    pub enum ToClient<'a> {
        /// The answer to [`Client::send_start`].
        Send(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// A datagram came.
        Datagram(Datagram<'a>),
    }

    impl<'a> ToClient<'a> {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                SEND if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Send(transaction, result))
                }
                DATAGRAM if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let mut reader = incoming.read_with_views();
                    let event = Datagram {
                        remote: ::ftl::wire::Wire::decode(reader.by_ref())?,
                        data: reader.bytes(1472)?,
                    };
                    reader.finish()?;
                    Ok(ToClient::Datagram(event))
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
                SEND => Some(ToClient::Send(transaction, Err(error))),
                _ => None,
            }
        }
    }

    /// The `server`'s end of a `udp_socket` channel. Clones are the same end; dropping the last one closes it.
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
        /// A datagram came.
        #[inline]
        pub fn datagram(&self, remote: Address, data: &[u8]) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            ::ftl::wire::Wire::encode(remote, &mut writer)?;
            writer.bytes(data, 1472)?;
            ::ftl::end::ignore_gone(
                self.0.event(DATAGRAM, writer, ::ftl::end::OnFull::DropOldest),
            )
        }
        /// [`Self::datagram`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn datagram_soon(&self, remote: Address, data: &[u8]) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            ::ftl::wire::Wire::encode(remote, &mut writer)?;
            writer.bytes(data, 1472)?;
            self.0.event_soon(DATAGRAM, writer, ::ftl::end::OnFull::DropOldest);
            Ok(())
        }
    }

    /// What arrives at a [`Server`].
    #[derive(Debug)]
    pub enum ToServer<'a> {
        /// Sends a datagram.
        Send(SendRequest<'a>, SendReplier),
    }

    impl<'a> ToServer<'a> {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                SEND if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = SendRequest {
                        to: ::ftl::wire::Wire::decode(reader.by_ref())?,
                        data: reader.bytes(1472)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Send(request, SendReplier(asked.into())))
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
}

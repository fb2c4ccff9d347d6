// Generated from interfaces/block.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Disks: sectors of 512 bytes, read and written in any order. Each disk has a name (QEMU:
//! `serial=`) and one client at a time: opening it again closes the channel that was open before.
//!
//! What is read and written lies in a folio that the client gets with the disk, and that the device
//! reaches too; a request names a part of it. Requests may be under way at the same time, as many as the
//! channel holds, and may be answered in any order. What was written may be lost until `flush` was answered.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x3bd329db0e8ba9e6;

/// A disk.
#[derive(Clone, Copy, Debug)]
pub struct Info<'a> {
    /// Its name; empty if it has none.
    pub name: &'a str,
    /// How many sectors it has.
    pub sectors: u64,
    /// Read only.
    pub read_only: bool,
}

impl<'a> ::ftl::wire::Wire<'a> for Info<'a> {
    #[inline]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.str(self.name, 20)?;
        writer.u64(self.sectors)?;
        writer.bool(self.read_only)?;
        Ok(())
    }

    #[inline]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'a>) -> ::ftl::Result<Self> {
        Ok(Info {
            name: reader.str(20)?,
            sectors: reader.u64()?,
            read_only: reader.bool()?,
        })
    }
}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 16;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 648;

const DISKS: u32 = 0x8ac5be2c;
const OPEN: u32 = 0x9b79e75d;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// Answers the call `disks`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct DisksReplier(::ftl::reply::Replier);

impl DisksReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        disks: impl Into<::ftl::wire::List<'a, Info<'a>>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.list(disks.into(), 16)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `open` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct OpenRequest<'a> {
    /// Name.
    pub name: &'a str,
}

/// What the call `open` answers with.
#[derive(Debug)]
pub struct OpenReply {
    /// Disk.
    pub disk: crate::block::disk::Client,
    /// How many sectors it has.
    pub sectors: u64,
    /// Read only.
    pub read_only: bool,
    /// Most sectors that one `discard` may name; 0 if it knows none.
    pub discard_max: u32,
    /// Where the client puts and finds the bytes of sectors.
    pub data: ::ftl::handle::Folio,
    /// Bytes of `data`.
    pub data_len: u32,
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
        disk: crate::block::disk::Client,
        sectors: u64,
        read_only: bool,
        discard_max: u32,
        data: ::ftl::handle::Folio,
        data_len: u32,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(disk)?;
        writer.u64(sectors)?;
        writer.bool(read_only)?;
        writer.u32(discard_max)?;
        writer.handle(data)?;
        writer.u32(data_len)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// The `client`'s end of a `block` channel. Clones are the same end; dropping the last one closes it.
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
    /// All disks.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn disks_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(DISKS, writer)
    }

    /// Opens the disk with this name.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn open_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 20)?;
        self.0.start(OPEN, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// All disks.
    fn disks<'s>(
        &'s mut self,
    ) -> ::core::result::Result<::ftl::wire::List<'s, Info<'s>>, ::ftl::Error>;

    /// Opens the disk with this name.
    fn open(&mut self, name: &str) -> ::core::result::Result<OpenReply, ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn disks<'s>(
        &'s mut self,
    ) -> ::core::result::Result<::ftl::wire::List<'s, Info<'s>>, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                DISKS,
                || {
                    let writer = ::ftl::wire::Writer::new();
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(reader.list(16)?),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn open(&mut self, name: &str) -> ::core::result::Result<OpenReply, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 20)?;
        let incoming = self.0.call(OPEN, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(28)?;
                Ok(OpenReply {
                    disk: reader.handle()?,
                    sectors: reader.u64()?,
                    read_only: reader.bool()?,
                    discard_max: reader.u32()?,
                    data: reader.handle()?,
                    data_len: reader.u32()?,
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
    /// The answer to [`Client::disks_start`].
    Disks(
        ::ftl::Transaction,
        ::core::result::Result<::ftl::wire::List<'a, Info<'a>>, ::ftl::Error>,
    ),
    /// The answer to [`Client::open_start`].
    Open(::ftl::Transaction, ::core::result::Result<OpenReply, ::ftl::Error>),
}

impl<'a> ToClient<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            DISKS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(reader.list(16)?),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Disks(transaction, result))
            }
            OPEN if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(28)?;
                        Ok(OpenReply {
                            disk: reader.handle()?,
                            sectors: reader.u64()?,
                            read_only: reader.bool()?,
                            discard_max: reader.u32()?,
                            data: reader.handle()?,
                            data_len: reader.u32()?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
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
            DISKS => Some(ToClient::Disks(transaction, Err(error))),
            OPEN => Some(ToClient::Open(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `block` channel. Clones are the same end; dropping the last one closes it.
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
    /// All disks.
    Disks(DisksReplier),
    /// Opens the disk with this name.
    Open(OpenRequest<'a>, OpenReplier),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            DISKS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Disks(DisksReplier(asked.into())))
            }
            OPEN if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = OpenRequest {
                    name: reader.str(20)?,
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

/// An open disk.
pub mod disk {
    #[allow(unused_imports)]
    use super::*;

    /// Messages that wait in each direction of such a channel.
    pub const QUEUE_LEN: usize = 64;

    /// Bytes of the largest message on such a channel.
    pub const BODY_LEN_MAX: usize = 16;

    const READ: u32 = 0xf33b851a;
    const WRITE: u32 = 0x6956bc4c;
    const FLUSH: u32 = 0x4125f494;
    const DISCARD: u32 = 0xea102d52;
    const RESIZED: u32 = 0x90b67fbf;

    /// Both ends of a new channel: the `client`'s and the `server`'s.
    pub fn channel() -> ::ftl::Result<(Client, Server)> {
        let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
        Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
    }

    /// What the call `read` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct ReadRequest {
        /// The first.
        pub sector: u64,
        /// Where in the folio they go.
        pub offset: u32,
        /// How many bytes: a multiple of 512.
        pub len: u32,
    }

    /// Answers the call `read`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct ReadReplier(::ftl::reply::Replier);

    impl ReadReplier {
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

    /// What the call `write` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct WriteRequest {
        /// The first.
        pub sector: u64,
        /// Where in the folio they lie.
        pub offset: u32,
        /// How many bytes: a multiple of 512.
        pub len: u32,
    }

    /// Answers the call `write`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct WriteReplier(::ftl::reply::Replier);

    impl WriteReplier {
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

    /// Answers the call `flush`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct FlushReplier(::ftl::reply::Replier);

    impl FlushReplier {
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

    /// What the call `discard` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct DiscardRequest {
        /// The first.
        pub sector: u64,
        /// How many.
        pub count: u32,
    }

    /// Answers the call `discard`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct DiscardReplier(::ftl::reply::Replier);

    impl DiscardReplier {
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

    /// The disk has another size now.
    #[derive(Clone, Copy, Debug)]
    pub struct Resized {
        /// Sectors.
        pub sectors: u64,
    }

    /// The `client`'s end of a `disk` channel. Clones are the same end; dropping the last one closes it.
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
        /// Reads sectors.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn read_start(
            &self,
            sector: u64,
            offset: u32,
            len: u32,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(sector)?;
            writer.u32(offset)?;
            writer.u32(len)?;
            self.0.start(READ, writer)
        }
        /// Writes sectors.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn write_start(
            &self,
            sector: u64,
            offset: u32,
            len: u32,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(sector)?;
            writer.u32(offset)?;
            writer.u32(len)?;
            self.0.start(WRITE, writer)
        }
        /// Answered when all that was written, and answered, before survives a loss of power.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn flush_start(&self) -> ::ftl::Result<::ftl::Transaction> {
            let writer = ::ftl::wire::Writer::new();
            self.0.start(FLUSH, writer)
        }
        /// Sectors hold nothing that matters any more. What they hold from now on is anybody's guess.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn discard_start(
            &self,
            sector: u64,
            count: u32,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(sector)?;
            writer.u32(count)?;
            self.0.start(DISCARD, writer)
        }
    }

    /// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
    /// component's file says `blocking: false`.
    pub trait Blocking {
        /// Reads sectors.
        fn read(
            &mut self,
            sector: u64,
            offset: u32,
            len: u32,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Writes sectors.
        fn write(
            &mut self,
            sector: u64,
            offset: u32,
            len: u32,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Answered when all that was written, and answered, before survives a loss of power.
        fn flush(&mut self) -> ::core::result::Result<(), ::ftl::Error>;
        /// Sectors hold nothing that matters any more. What they hold from now on is anybody's guess.
        fn discard(
            &mut self,
            sector: u64,
            count: u32,
        ) -> ::core::result::Result<(), ::ftl::Error>;
    }

    impl Blocking for Client {
        #[inline]
        fn read(
            &mut self,
            sector: u64,
            offset: u32,
            len: u32,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(sector)?;
            writer.u32(offset)?;
            writer.u32(len)?;
            let incoming = self.0.call(READ, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn write(
            &mut self,
            sector: u64,
            offset: u32,
            len: u32,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(sector)?;
            writer.u32(offset)?;
            writer.u32(len)?;
            let incoming = self.0.call(WRITE, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn flush(&mut self) -> ::core::result::Result<(), ::ftl::Error> {
            let writer = ::ftl::wire::Writer::new();
            let incoming = self.0.call(FLUSH, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn discard(
            &mut self,
            sector: u64,
            count: u32,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(sector)?;
            writer.u32(count)?;
            let incoming = self.0.call(DISCARD, writer)?;
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
    pub enum ToClient {
        /// The answer to [`Client::read_start`].
        Read(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::write_start`].
        Write(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::flush_start`].
        Flush(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::discard_start`].
        Discard(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The disk has another size now.
        Resized(Resized),
    }

    impl ToClient {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                READ if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Read(transaction, result))
                }
                WRITE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Write(transaction, result))
                }
                FLUSH if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Flush(transaction, result))
                }
                DISCARD if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Discard(transaction, result))
                }
                RESIZED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let mut reader = incoming.read();
                    reader.expect_len(8)?;
                    let event = Resized { sectors: reader.u64()? };
                    reader.finish()?;
                    Ok(ToClient::Resized(event))
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
                READ => Some(ToClient::Read(transaction, Err(error))),
                WRITE => Some(ToClient::Write(transaction, Err(error))),
                FLUSH => Some(ToClient::Flush(transaction, Err(error))),
                DISCARD => Some(ToClient::Discard(transaction, Err(error))),
                _ => None,
            }
        }
    }

    /// The `server`'s end of a `disk` channel. Clones are the same end; dropping the last one closes it.
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
        /// The disk has another size now.
        #[inline]
        pub fn resized(&self, sectors: u64) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(sectors)?;
            ::ftl::end::ignore_gone(
                self.0.event(RESIZED, writer, ::ftl::end::OnFull::Coalesce),
            )
        }
        /// [`Self::resized`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn resized_soon(&self, sectors: u64) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(sectors)?;
            self.0.event_soon(RESIZED, writer, ::ftl::end::OnFull::Coalesce);
            Ok(())
        }
    }

    /// What arrives at a [`Server`].
    #[derive(Debug)]
    pub enum ToServer {
        /// Reads sectors.
        Read(ReadRequest, ReadReplier),
        /// Writes sectors.
        Write(WriteRequest, WriteReplier),
        /// Answered when all that was written, and answered, before survives a loss of power.
        Flush(FlushReplier),
        /// Sectors hold nothing that matters any more. What they hold from now on is anybody's guess.
        Discard(DiscardRequest, DiscardReplier),
    }

    impl ToServer {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                READ if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(16)?;
                    let request = ReadRequest {
                        sector: reader.u64()?,
                        offset: reader.u32()?,
                        len: reader.u32()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Read(request, ReadReplier(asked.into())))
                }
                WRITE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(16)?;
                    let request = WriteRequest {
                        sector: reader.u64()?,
                        offset: reader.u32()?,
                        len: reader.u32()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Write(request, WriteReplier(asked.into())))
                }
                FLUSH if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let reader = incoming.read();
                    reader.finish()?;
                    Ok(ToServer::Flush(FlushReplier(asked.into())))
                }
                DISCARD if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(12)?;
                    let request = DiscardRequest {
                        sector: reader.u64()?,
                        count: reader.u32()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Discard(request, DiscardReplier(asked.into())))
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

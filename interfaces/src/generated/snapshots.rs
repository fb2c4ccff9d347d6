// Generated from interfaces/snapshots.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Snapshots: pictures of all files. They cost nothing until something changes, and are kept until they are removed.
//! Whoever has this can change all files, whatever directory it was given; so only components whose file asks for it
//! get it.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x9c448ae95f6fd166;

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 4;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 4008;

const CREATE: u32 = 0x29e92c17;
const RESTORE: u32 = 0xa3087098;
const REMOVE: u32 = 0x95e5782e;
const LIST: u32 = 0xd6031bec;
const DIFF: u32 = 0x9eaed63d;
const FETCH: u32 = 0x8e389f7c;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `create` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct CreateRequest<'a> {
    /// Name.
    pub name: &'a str,
}

/// Answers the call `create`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct CreateReplier(::ftl::reply::Replier);

impl CreateReplier {
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

/// What the call `restore` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct RestoreRequest<'a> {
    /// Name.
    pub name: &'a str,
}

/// Answers the call `restore`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct RestoreReplier(::ftl::reply::Replier);

impl RestoreReplier {
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

/// What the call `remove` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct RemoveRequest<'a> {
    /// Name.
    pub name: &'a str,
}

/// Answers the call `remove`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct RemoveReplier(::ftl::reply::Replier);

impl RemoveReplier {
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

/// Answers the call `list`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ListReplier(::ftl::reply::Replier);

impl ListReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, len: u32) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u32(len)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `diff` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct DiffRequest<'a> {
    /// Name.
    pub name: &'a str,
}

/// Answers the call `diff`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct DiffReplier(::ftl::reply::Replier);

impl DiffReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, len: u32) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u32(len)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `fetch` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct FetchRequest {
    /// At.
    pub at: u32,
}

/// Answers the call `fetch`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct FetchReplier(::ftl::reply::Replier);

impl FetchReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, bytes: &[u8]) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.bytes(bytes, 4000)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// The `client`'s end of a `snapshots` channel. Clones are the same end; dropping the last one closes it.
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
    /// Takes a picture of all files as they are now.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn create_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        self.0.start(CREATE, writer)
    }

    /// Makes all files what they were. What they are now becomes the snapshot `undone`, in the place of an earlier one of
    /// this name. Files that were not there then, and that somebody has open, are closed.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn restore_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        self.0.start(RESTORE, writer)
    }

    /// Forgets a snapshot.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn remove_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        self.0.start(REMOVE, writer)
    }

    /// All snapshots, the oldest first. The answer is kept until the next question, or until the client is gone.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn list_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(LIST, writer)
    }

    /// What is different from a snapshot. The answer is kept like that of `list`.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn diff_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        self.0.start(DIFF, writer)
    }

    /// A part of the answer.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn fetch_start(&self, at: u32) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(at)?;
        self.0.start(FETCH, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// Takes a picture of all files as they are now.
    fn create(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error>;

    /// Makes all files what they were. What they are now becomes the snapshot `undone`, in the place of an earlier one of
    /// this name. Files that were not there then, and that somebody has open, are closed.
    fn restore(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error>;

    /// Forgets a snapshot.
    fn remove(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error>;

    /// All snapshots, the oldest first. The answer is kept until the next question, or until the client is gone.
    fn list(&mut self) -> ::core::result::Result<u32, ::ftl::Error>;

    /// What is different from a snapshot. The answer is kept like that of `list`.
    fn diff(&mut self, name: &str) -> ::core::result::Result<u32, ::ftl::Error>;

    /// A part of the answer.
    fn fetch<'s>(
        &'s mut self,
        at: u32,
    ) -> ::core::result::Result<&'s [u8], ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn create(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        let incoming = self.0.call(CREATE, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn restore(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        let incoming = self.0.call(RESTORE, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn remove(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        let incoming = self.0.call(REMOVE, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn list(&mut self) -> ::core::result::Result<u32, ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(LIST, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(8)?;
                Ok(reader.u32()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn diff(&mut self, name: &str) -> ::core::result::Result<u32, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 64)?;
        let incoming = self.0.call(DIFF, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(8)?;
                Ok(reader.u32()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn fetch<'s>(
        &'s mut self,
        at: u32,
    ) -> ::core::result::Result<&'s [u8], ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                FETCH,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.u32(at)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(reader.bytes(4000)?),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }
}

/// What arrives at a [`Client`].
#[derive(Debug)]
pub enum ToClient<'a> {
    /// The answer to [`Client::create_start`].
    Create(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::restore_start`].
    Restore(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::remove_start`].
    Remove(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::list_start`].
    List(::ftl::Transaction, ::core::result::Result<u32, ::ftl::Error>),
    /// The answer to [`Client::diff_start`].
    Diff(::ftl::Transaction, ::core::result::Result<u32, ::ftl::Error>),
    /// The answer to [`Client::fetch_start`].
    Fetch(::ftl::Transaction, ::core::result::Result<&'a [u8], ::ftl::Error>),
}

impl<'a> ToClient<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            CREATE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Create(transaction, result))
            }
            RESTORE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Restore(transaction, result))
            }
            REMOVE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Remove(transaction, result))
            }
            LIST if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(8)?;
                        Ok(reader.u32()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::List(transaction, result))
            }
            DIFF if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(8)?;
                        Ok(reader.u32()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Diff(transaction, result))
            }
            FETCH if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(reader.bytes(4000)?),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Fetch(transaction, result))
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
            CREATE => Some(ToClient::Create(transaction, Err(error))),
            RESTORE => Some(ToClient::Restore(transaction, Err(error))),
            REMOVE => Some(ToClient::Remove(transaction, Err(error))),
            LIST => Some(ToClient::List(transaction, Err(error))),
            DIFF => Some(ToClient::Diff(transaction, Err(error))),
            FETCH => Some(ToClient::Fetch(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `snapshots` channel. Clones are the same end; dropping the last one closes it.
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
    /// Takes a picture of all files as they are now.
    Create(CreateRequest<'a>, CreateReplier),
    /// Makes all files what they were. What they are now becomes the snapshot `undone`, in the place of an earlier one of
    /// this name. Files that were not there then, and that somebody has open, are closed.
    Restore(RestoreRequest<'a>, RestoreReplier),
    /// Forgets a snapshot.
    Remove(RemoveRequest<'a>, RemoveReplier),
    /// All snapshots, the oldest first. The answer is kept until the next question, or until the client is gone.
    List(ListReplier),
    /// What is different from a snapshot. The answer is kept like that of `list`.
    Diff(DiffRequest<'a>, DiffReplier),
    /// A part of the answer.
    Fetch(FetchRequest, FetchReplier),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            CREATE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = CreateRequest {
                    name: reader.str(64)?,
                };
                reader.finish()?;
                Ok(ToServer::Create(request, CreateReplier(asked.into())))
            }
            RESTORE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = RestoreRequest {
                    name: reader.str(64)?,
                };
                reader.finish()?;
                Ok(ToServer::Restore(request, RestoreReplier(asked.into())))
            }
            REMOVE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = RemoveRequest {
                    name: reader.str(64)?,
                };
                reader.finish()?;
                Ok(ToServer::Remove(request, RemoveReplier(asked.into())))
            }
            LIST if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::List(ListReplier(asked.into())))
            }
            DIFF if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = DiffRequest {
                    name: reader.str(64)?,
                };
                reader.finish()?;
                Ok(ToServer::Diff(request, DiffReplier(asked.into())))
            }
            FETCH if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let request = FetchRequest { at: reader.u32()? };
                reader.finish()?;
                Ok(ToServer::Fetch(request, FetchReplier(asked.into())))
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

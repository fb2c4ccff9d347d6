// Generated from interfaces/sql.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Questions in SQL about files, over a connection that can only read. The view `files` has a row for each path:
//! `path`, `kind` (`file`, `directory` or `link`), `size`, `links`, `modified`, `created` and `content`. Whoever has
//! this reads all files, whatever directory it was given; so only components whose file asks for it get it.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x15e02a522dc66ca8;

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 4;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 4008;

const QUERY: u32 = 0xdd4319d7;
const FETCH: u32 = 0x8e389f7c;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `query` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct QueryRequest<'a> {
    /// One statement, a `select`.
    pub sql: &'a str,
}

/// What the call `query` answers with.
#[derive(Clone, Copy, Debug)]
pub struct QueryReply<'a> {
    /// What is wrong with the question, in SQLite's words; empty if nothing.
    pub problem: &'a str,
    /// How many columns the answer has.
    pub columns: u16,
    /// How many rows.
    pub rows: u32,
    /// Bytes of the answer: the columns' names and then the rows, as `libs/rows` reads them.
    pub len: u32,
}

/// Answers the call `query`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct QueryReplier(::ftl::reply::Replier);

impl QueryReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        problem: &str,
        columns: u16,
        rows: u32,
        len: u32,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.str(problem, 500)?;
        writer.u16(columns)?;
        writer.u32(rows)?;
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

/// The `client`'s end of a `sql` channel. Clones are the same end; dropping the last one closes it.
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
    /// Asks a question. Its answer is kept until the next question, or until the client is gone.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn query_start(&self, sql: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(sql, 3900)?;
        self.0.start(QUERY, writer)
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
    /// Asks a question. Its answer is kept until the next question, or until the client is gone.
    fn query<'s>(
        &'s mut self,
        sql: &str,
    ) -> ::core::result::Result<QueryReply<'s>, ::ftl::Error>;

    /// A part of the answer.
    fn fetch<'s>(
        &'s mut self,
        at: u32,
    ) -> ::core::result::Result<&'s [u8], ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn query<'s>(
        &'s mut self,
        sql: &str,
    ) -> ::core::result::Result<QueryReply<'s>, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(sql, 3900)?;
        let incoming = self.0.call(QUERY, writer)?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(QueryReply {
                    problem: reader.str(500)?,
                    columns: reader.u16()?,
                    rows: reader.u32()?,
                    len: reader.u32()?,
                })
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
    /// The answer to [`Client::query_start`].
    Query(::ftl::Transaction, ::core::result::Result<QueryReply<'a>, ::ftl::Error>),
    /// The answer to [`Client::fetch_start`].
    Fetch(::ftl::Transaction, ::core::result::Result<&'a [u8], ::ftl::Error>),
}

impl<'a> ToClient<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            QUERY if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(QueryReply {
                            problem: reader.str(500)?,
                            columns: reader.u16()?,
                            rows: reader.u32()?,
                            len: reader.u32()?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Query(transaction, result))
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
            QUERY => Some(ToClient::Query(transaction, Err(error))),
            FETCH => Some(ToClient::Fetch(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `sql` channel. Clones are the same end; dropping the last one closes it.
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
    /// Asks a question. Its answer is kept until the next question, or until the client is gone.
    Query(QueryRequest<'a>, QueryReplier),
    /// A part of the answer.
    Fetch(FetchRequest, FetchReplier),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            QUERY if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = QueryRequest {
                    sql: reader.str(3900)?,
                };
                reader.finish()?;
                Ok(ToServer::Query(request, QueryReplier(asked.into())))
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

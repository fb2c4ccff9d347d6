// Generated from interfaces/sample.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Has one of everything, so that everything that can be generated is compiled and run.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0xe19312d228f2cdc3;

/// A colour.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Colour {
    /// Like blood.
    Red = 0,
    /// Like grass.
    Green = 1,
}

impl ::ftl::wire::Wire<'_> for Colour {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Colour::Red),
            1 => Ok(Colour::Green),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// A place.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// X.
    pub x: i16,
    /// Y.
    pub y: f64,
}

impl ::ftl::wire::Wire<'_> for Point {
    #[inline(always)]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.i16(self.x)?;
        writer.f64(self.y)?;
        Ok(())
    }

    #[inline(always)]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        Ok(Point {
            x: reader.i16()?,
            y: reader.f64()?,
        })
    }
}

/// A named thing.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Name.
    pub name: &'a str,
    /// Colour.
    pub colour: Colour,
    /// Place.
    pub place: Option<Point>,
    /// Tags.
    pub tags: ::ftl::wire::List<'a, u32>,
}

impl<'a> ::ftl::wire::Wire<'a> for Item<'a> {
    #[inline]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.str(self.name, 16)?;
        ::ftl::wire::Wire::encode(self.colour, writer)?;
        match self.place {
            None => writer.bool(false)?,
            Some(some) => {
                writer.bool(true)?;
                ::ftl::wire::Wire::encode(some, writer)?;
            }
        }
        writer.list(self.tags, 4)?;
        Ok(())
    }

    #[inline]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'a>) -> ::ftl::Result<Self> {
        Ok(Item {
            name: reader.str(16)?,
            colour: ::ftl::wire::Wire::decode(reader.by_ref())?,
            place: if reader.bool()? {
                Some(::ftl::wire::Wire::decode(reader.by_ref())?)
            } else {
                None
            },
            tags: reader.list(4)?,
        })
    }
}

/// Why a thing was not stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreError {
    /// There is no room left.
    Full,
    /// The name is taken.
    Duplicate,
    /// One of the system's errors.
    System(::ftl::Error),
}

impl StoreError {
    fn code(self) -> u32 {
        match self {
            StoreError::Full => ::ftl::reply::INTERFACE_ERROR + 0,
            StoreError::Duplicate => ::ftl::reply::INTERFACE_ERROR + 1,
            StoreError::System(error) => error.code().into(),
        }
    }

    fn from_code(code: u32) -> StoreError {
        match code.wrapping_sub(::ftl::reply::INTERFACE_ERROR) {
            0 => StoreError::Full,
            1 => StoreError::Duplicate,
            _ => StoreError::System(::ftl::reply::error_from_code(code)),
        }
    }
}

impl From<::ftl::Error> for StoreError {
    fn from(error: ::ftl::Error) -> StoreError {
        StoreError::System(error)
    }
}

impl ::core::fmt::Display for StoreError {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        match self {
            StoreError::Full => f.write_str("There is no room left"),
            StoreError::Duplicate => f.write_str("The name is taken"),
            StoreError::System(error) => error.fmt(f),
        }
    }
}

impl ::core::error::Error for StoreError {}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 16;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 576;

const PUT: u32 = 0x216abdf7;
const GET: u32 = 0x2e481aef;
const LIST: u32 = 0xd6031bec;
const NUMBERS: u32 = 0xc7de6b15;
const WATCH: u32 = 0x51666484;
const LOOK: u32 = 0xbd39609b;
const AGAIN: u32 = 0x00794bda;
const FORGET: u32 = 0xe173f442;
const STOP: u32 = 0xb2adeedc;
const HINT: u32 = 0xe85c67b4;
const LEVEL: u32 = 0x75a1b997;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `put` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct PutRequest<'a> {
    /// Item.
    pub item: Item<'a>,
    /// Data.
    pub data: &'a [u8],
}

/// Answers the call `put`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct PutReplier(::ftl::reply::Replier);

impl PutReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, total: u32) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u32(total)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: impl Into<StoreError>) -> ::ftl::Result<()> {
        self.0.fail(error.into().code())
    }
}

/// What the call `get` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct GetRequest<'a> {
    /// Name.
    pub name: &'a str,
}

/// What the call `get` answers with.
#[derive(Clone, Copy, Debug)]
pub struct GetReply<'a> {
    /// Item.
    pub item: Item<'a>,
    /// Data.
    pub data: &'a [u8],
}

/// Answers the call `get`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct GetReplier(::ftl::reply::Replier);

impl GetReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, item: Item<'_>, data: &[u8]) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        ::ftl::wire::Wire::encode(item, &mut writer)?;
        writer.bytes(data, 64)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `list` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ListRequest<'a> {
    /// Colour.
    pub colour: Option<Colour>,
    /// Points.
    pub points: ::ftl::wire::List<'a, Point>,
}

/// Answers the call `list`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ListReplier(::ftl::reply::Replier);

impl ListReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        items: impl Into<::ftl::wire::List<'a, Item<'a>>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.list(items.into(), 8)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `numbers` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct NumbersRequest {
    /// A.
    pub a: bool,
    /// B.
    pub b: u8,
    /// C.
    pub c: i16,
    /// D.
    pub d: u32,
    /// E.
    pub e: i64,
    /// F.
    pub f: f64,
    /// G.
    pub g: Option<u64>,
}

/// What the call `numbers` answers with.
#[derive(Clone, Copy, Debug)]
pub struct NumbersReply {
    /// A.
    pub a: bool,
    /// B.
    pub b: u8,
    /// C.
    pub c: i16,
    /// D.
    pub d: u32,
    /// E.
    pub e: i64,
    /// F.
    pub f: f64,
    /// G.
    pub g: Option<u64>,
}

/// Answers the call `numbers`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct NumbersReplier(::ftl::reply::Replier);

impl NumbersReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        a: bool,
        b: u8,
        c: i16,
        d: u32,
        e: i64,
        f: f64,
        g: Option<u64>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.bool(a)?;
        writer.u8(b)?;
        writer.i16(c)?;
        writer.u32(d)?;
        writer.i64(e)?;
        writer.f64(f)?;
        if g.is_some() {
            match g {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.u64(some)?;
                }
            }
        }
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `watch` is asked with.
#[derive(Debug)]
pub struct WatchRequest {
    /// Memory.
    pub memory: Option<::ftl::handle::Folio>,
    /// Bell.
    pub bell: ::ftl::handle::Doorbell,
}

/// Answers the call `watch`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct WatchReplier(::ftl::reply::Replier);

impl WatchReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, watcher: crate::sample::watch::Listener) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(watcher)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `look` is asked with.
#[derive(Debug)]
pub struct LookRequest<'a> {
    /// Memory.
    pub memory: ::ftl::handle::Folio,
    /// Bell.
    pub bell: ::ftl::handle::Doorbell,
    /// Note.
    pub note: Option<&'a str>,
    /// Times.
    pub times: Option<u8>,
}

/// What the call `look` answers with.
#[derive(Clone, Copy, Debug)]
pub struct LookReply {
    /// First.
    pub first: u8,
    /// Note len.
    pub note_len: Option<u8>,
}

/// Answers the call `look`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct LookReplier(::ftl::reply::Replier);

impl LookReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, first: u8, note_len: Option<u8>) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u8(first)?;
        if note_len.is_some() {
            match note_len {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.u8(some)?;
                }
            }
        }
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// Answers the call `again`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct AgainReplier(::ftl::reply::Replier);

impl AgainReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, watcher: crate::sample::watch::Listener) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(watcher)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// Answers the call `forget`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ForgetReplier(::ftl::reply::Replier);

impl ForgetReplier {
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

/// Answers the call `stop`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct StopReplier(::ftl::reply::Replier);

impl StopReplier {
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

/// The client tells something.
#[derive(Clone, Copy, Debug)]
pub struct Hint<'a> {
    /// Text.
    pub text: &'a str,
}

/// How full it is.
#[derive(Clone, Copy, Debug)]
pub struct Level {
    /// Percent.
    pub percent: u8,
}

/// The `client`'s end of a `sample` channel. Clones are the same end; dropping the last one closes it.
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
    /// Stores a thing.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn put_start(
        &self,
        item: Item<'_>,
        data: &[u8],
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(item, &mut writer)?;
        writer.bytes(data, 64)?;
        self.0.start(PUT, writer)
    }

    /// Finds a thing.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn get_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 16)?;
        self.0.start(GET, writer)
    }

    /// All things.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn list_start<'a>(
        &self,
        colour: Option<Colour>,
        points: impl Into<::ftl::wire::List<'a, Point>>,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        match colour {
            None => writer.bool(false)?,
            Some(some) => {
                writer.bool(true)?;
                ::ftl::wire::Wire::encode(some, &mut writer)?;
            }
        }
        writer.list(points.into(), 3)?;
        self.0.start(LIST, writer)
    }

    /// All numbers, there and back.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn numbers_start(
        &self,
        a: bool,
        b: u8,
        c: i16,
        d: u32,
        e: i64,
        f: f64,
        g: Option<u64>,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bool(a)?;
        writer.u8(b)?;
        writer.i16(c)?;
        writer.u32(d)?;
        writer.i64(e)?;
        writer.f64(f)?;
        if g.is_some() {
            match g {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.u64(some)?;
                }
            }
        }
        self.0.start(NUMBERS, writer)
    }

    /// Hears of new things.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn watch_start(
        &self,
        memory: Option<::ftl::handle::Folio>,
        bell: ::ftl::handle::Doorbell,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        match memory {
            None => writer.bool(false)?,
            Some(some) => {
                writer.bool(true)?;
                writer.handle(some)?;
            }
        }
        writer.handle(bell)?;
        self.0.start(WATCH, writer)
    }

    /// Reads shared memory when a bell rings.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn look_start(
        &self,
        memory: ::ftl::handle::Folio,
        bell: ::ftl::handle::Doorbell,
        note: Option<&'_ str>,
        times: Option<u8>,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(memory)?;
        writer.handle(bell)?;
        if note.is_some() || times.is_some() {
            match note {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.str(some, 8)?;
                }
            }
        }
        if times.is_some() {
            match times {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.u8(some)?;
                }
            }
        }
        self.0.start(LOOK, writer)
    }

    /// Hears of new things, again and again.
    ///
    /// After a restart of the server the same call gets it again: give what was got to [`resume`](::ftl::event_loop::TypedEnd::resume) of what went.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn again_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(AGAIN, writer)
    }

    /// Is never answered.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn forget_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(FORGET, writer)
    }

    /// Ends the server in mid-call.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn stop_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(STOP, writer)
    }

    /// The client tells something.
    #[inline]
    pub fn hint(&self, text: &str) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(text, 32)?;
        self.0.event(HINT, writer, ::ftl::end::OnFull::Close)
    }

    /// [`Self::hint`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn hint_soon(&self, text: &str) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(text, 32)?;
        self.0.event_soon(HINT, writer, ::ftl::end::OnFull::Close);
        Ok(())
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// Stores a thing.
    fn put(
        &mut self,
        item: Item<'_>,
        data: &[u8],
    ) -> ::core::result::Result<u32, StoreError>;

    /// Finds a thing.
    fn get<'s>(
        &'s mut self,
        name: &str,
    ) -> ::core::result::Result<GetReply<'s>, ::ftl::Error>;

    /// All things.
    fn list<'a, 's>(
        &'s mut self,
        colour: Option<Colour>,
        points: impl Into<::ftl::wire::List<'a, Point>>,
    ) -> ::core::result::Result<::ftl::wire::List<'s, Item<'s>>, ::ftl::Error>;

    /// All numbers, there and back.
    fn numbers(
        &mut self,
        a: bool,
        b: u8,
        c: i16,
        d: u32,
        e: i64,
        f: f64,
        g: Option<u64>,
    ) -> ::core::result::Result<NumbersReply, ::ftl::Error>;

    /// Hears of new things.
    fn watch(
        &mut self,
        memory: Option<::ftl::handle::Folio>,
        bell: ::ftl::handle::Doorbell,
    ) -> ::core::result::Result<crate::sample::watch::Listener, ::ftl::Error>;

    /// Reads shared memory when a bell rings.
    fn look(
        &mut self,
        memory: ::ftl::handle::Folio,
        bell: ::ftl::handle::Doorbell,
        note: Option<&'_ str>,
        times: Option<u8>,
    ) -> ::core::result::Result<LookReply, ::ftl::Error>;

    /// Hears of new things, again and again.
    ///
    /// After a restart of the server the same call gets it again: give what was got to [`resume`](::ftl::event_loop::TypedEnd::resume) of what went.
    fn again(
        &mut self,
    ) -> ::core::result::Result<crate::sample::watch::Listener, ::ftl::Error>;

    /// Is never answered.
    fn forget(&mut self) -> ::core::result::Result<(), ::ftl::Error>;

    /// Ends the server in mid-call.
    fn stop(&mut self) -> ::core::result::Result<(), ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn put(
        &mut self,
        item: Item<'_>,
        data: &[u8],
    ) -> ::core::result::Result<u32, StoreError> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(item, &mut writer)?;
        writer.bytes(data, 64)?;
        let incoming = self.0.call(PUT, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(8)?;
                Ok(reader.u32()?)
            }
            Err(code) => Err(StoreError::from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn get<'s>(
        &'s mut self,
        name: &str,
    ) -> ::core::result::Result<GetReply<'s>, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 16)?;
        let incoming = self.0.call(GET, writer)?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(GetReply {
                    item: ::ftl::wire::Wire::decode(reader.by_ref())?,
                    data: reader.bytes(64)?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn list<'a, 's>(
        &'s mut self,
        colour: Option<Colour>,
        points: impl Into<::ftl::wire::List<'a, Point>>,
    ) -> ::core::result::Result<::ftl::wire::List<'s, Item<'s>>, ::ftl::Error> {
        let points: ::ftl::wire::List<'a, Point> = points.into();
        let incoming = self
            .0
            .call_again(
                LIST,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    match colour {
                        None => writer.bool(false)?,
                        Some(some) => {
                            writer.bool(true)?;
                            ::ftl::wire::Wire::encode(some, &mut writer)?;
                        }
                    }
                    writer.list(points.into(), 3)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(reader.list(8)?),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn numbers(
        &mut self,
        a: bool,
        b: u8,
        c: i16,
        d: u32,
        e: i64,
        f: f64,
        g: Option<u64>,
    ) -> ::core::result::Result<NumbersReply, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bool(a)?;
        writer.u8(b)?;
        writer.i16(c)?;
        writer.u32(d)?;
        writer.i64(e)?;
        writer.f64(f)?;
        if g.is_some() {
            match g {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.u64(some)?;
                }
            }
        }
        let incoming = self.0.call(NUMBERS, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(NumbersReply {
                    a: reader.bool()?,
                    b: reader.u8()?,
                    c: reader.i16()?,
                    d: reader.u32()?,
                    e: reader.i64()?,
                    f: reader.f64()?,
                    g: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.u64()?) } else { None }
                    },
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn watch(
        &mut self,
        memory: Option<::ftl::handle::Folio>,
        bell: ::ftl::handle::Doorbell,
    ) -> ::core::result::Result<crate::sample::watch::Listener, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        match memory {
            None => writer.bool(false)?,
            Some(some) => {
                writer.bool(true)?;
                writer.handle(some)?;
            }
        }
        writer.handle(bell)?;
        let incoming = self.0.call(WATCH, writer)?;
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
    fn look(
        &mut self,
        memory: ::ftl::handle::Folio,
        bell: ::ftl::handle::Doorbell,
        note: Option<&'_ str>,
        times: Option<u8>,
    ) -> ::core::result::Result<LookReply, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(memory)?;
        writer.handle(bell)?;
        if note.is_some() || times.is_some() {
            match note {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.str(some, 8)?;
                }
            }
        }
        if times.is_some() {
            match times {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.u8(some)?;
                }
            }
        }
        let incoming = self.0.call(LOOK, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(LookReply {
                    first: reader.u8()?,
                    note_len: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.u8()?) } else { None }
                    },
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn again(
        &mut self,
    ) -> ::core::result::Result<crate::sample::watch::Listener, ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(AGAIN, writer)?;
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
    fn forget(&mut self) -> ::core::result::Result<(), ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(FORGET, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn stop(&mut self) -> ::core::result::Result<(), ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(STOP, writer)?;
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
    /// The answer to [`Client::put_start`].
    Put(::ftl::Transaction, ::core::result::Result<u32, StoreError>),
    /// The answer to [`Client::get_start`].
    Get(::ftl::Transaction, ::core::result::Result<GetReply<'a>, ::ftl::Error>),
    /// The answer to [`Client::list_start`].
    List(
        ::ftl::Transaction,
        ::core::result::Result<::ftl::wire::List<'a, Item<'a>>, ::ftl::Error>,
    ),
    /// The answer to [`Client::numbers_start`].
    Numbers(::ftl::Transaction, ::core::result::Result<NumbersReply, ::ftl::Error>),
    /// The answer to [`Client::watch_start`].
    Watch(
        ::ftl::Transaction,
        ::core::result::Result<crate::sample::watch::Listener, ::ftl::Error>,
    ),
    /// The answer to [`Client::look_start`].
    Look(::ftl::Transaction, ::core::result::Result<LookReply, ::ftl::Error>),
    /// The answer to [`Client::again_start`].
    Again(
        ::ftl::Transaction,
        ::core::result::Result<crate::sample::watch::Listener, ::ftl::Error>,
    ),
    /// The answer to [`Client::forget_start`].
    Forget(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::stop_start`].
    Stop(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// How full it is.
    Level(Level),
}

impl<'a> ToClient<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            PUT if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(8)?;
                        Ok(reader.u32()?)
                    }
                    Err(code) => Err(StoreError::from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Put(transaction, result))
            }
            GET if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(GetReply {
                            item: ::ftl::wire::Wire::decode(reader.by_ref())?,
                            data: reader.bytes(64)?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Get(transaction, result))
            }
            LIST if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(reader.list(8)?),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::List(transaction, result))
            }
            NUMBERS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(NumbersReply {
                            a: reader.bool()?,
                            b: reader.u8()?,
                            c: reader.i16()?,
                            d: reader.u32()?,
                            e: reader.i64()?,
                            f: reader.f64()?,
                            g: if reader.is_at_end() {
                                None
                            } else {
                                if reader.bool()? { Some(reader.u64()?) } else { None }
                            },
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Numbers(transaction, result))
            }
            WATCH if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                Ok(ToClient::Watch(transaction, result))
            }
            LOOK if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(LookReply {
                            first: reader.u8()?,
                            note_len: if reader.is_at_end() {
                                None
                            } else {
                                if reader.bool()? { Some(reader.u8()?) } else { None }
                            },
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Look(transaction, result))
            }
            AGAIN if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                Ok(ToClient::Again(transaction, result))
            }
            FORGET if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Forget(transaction, result))
            }
            STOP if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Stop(transaction, result))
            }
            LEVEL if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(1)?;
                let event = Level { percent: reader.u8()? };
                reader.finish()?;
                Ok(ToClient::Level(event))
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
            PUT => Some(ToClient::Put(transaction, Err(error.into()))),
            GET => Some(ToClient::Get(transaction, Err(error))),
            LIST => Some(ToClient::List(transaction, Err(error))),
            NUMBERS => Some(ToClient::Numbers(transaction, Err(error))),
            WATCH => Some(ToClient::Watch(transaction, Err(error))),
            LOOK => Some(ToClient::Look(transaction, Err(error))),
            AGAIN => Some(ToClient::Again(transaction, Err(error))),
            FORGET => Some(ToClient::Forget(transaction, Err(error))),
            STOP => Some(ToClient::Stop(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `sample` channel. Clones are the same end; dropping the last one closes it.
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
    /// How full it is.
    #[inline]
    pub fn level(&self, percent: u8) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u8(percent)?;
        ::ftl::end::ignore_gone(
            self.0.event(LEVEL, writer, ::ftl::end::OnFull::Coalesce),
        )
    }

    /// [`Self::level`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn level_soon(&self, percent: u8) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u8(percent)?;
        self.0.event_soon(LEVEL, writer, ::ftl::end::OnFull::Coalesce);
        Ok(())
    }
}

/// What arrives at a [`Server`].
#[derive(Debug)]
pub enum ToServer<'a> {
    /// Stores a thing.
    Put(PutRequest<'a>, PutReplier),
    /// Finds a thing.
    Get(GetRequest<'a>, GetReplier),
    /// All things.
    List(ListRequest<'a>, ListReplier),
    /// All numbers, there and back.
    Numbers(NumbersRequest, NumbersReplier),
    /// Hears of new things.
    Watch(WatchRequest, WatchReplier),
    /// Reads shared memory when a bell rings.
    Look(LookRequest<'a>, LookReplier),
    /// Hears of new things, again and again.
    Again(AgainReplier),
    /// Is never answered.
    Forget(ForgetReplier),
    /// Ends the server in mid-call.
    Stop(StopReplier),
    /// The client tells something.
    Hint(Hint<'a>),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            PUT if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = PutRequest {
                    item: ::ftl::wire::Wire::decode(reader.by_ref())?,
                    data: reader.bytes(64)?,
                };
                reader.finish()?;
                Ok(ToServer::Put(request, PutReplier(asked.into())))
            }
            GET if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = GetRequest {
                    name: reader.str(16)?,
                };
                reader.finish()?;
                Ok(ToServer::Get(request, GetReplier(asked.into())))
            }
            LIST if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = ListRequest {
                    colour: if reader.bool()? {
                        Some(::ftl::wire::Wire::decode(reader.by_ref())?)
                    } else {
                        None
                    },
                    points: reader.list(3)?,
                };
                reader.finish()?;
                Ok(ToServer::List(request, ListReplier(asked.into())))
            }
            NUMBERS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                let request = NumbersRequest {
                    a: reader.bool()?,
                    b: reader.u8()?,
                    c: reader.i16()?,
                    d: reader.u32()?,
                    e: reader.i64()?,
                    f: reader.f64()?,
                    g: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.u64()?) } else { None }
                    },
                };
                reader.finish()?;
                Ok(ToServer::Numbers(request, NumbersReplier(asked.into())))
            }
            WATCH if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                let request = WatchRequest {
                    memory: if reader.bool()? { Some(reader.handle()?) } else { None },
                    bell: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToServer::Watch(request, WatchReplier(asked.into())))
            }
            LOOK if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = LookRequest {
                    memory: reader.handle_with(::ftl::abi::Rights::READ)?,
                    bell: reader.handle_with(::ftl::abi::Rights::WAIT)?,
                    note: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.str(8)?) } else { None }
                    },
                    times: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.u8()?) } else { None }
                    },
                };
                reader.finish()?;
                Ok(ToServer::Look(request, LookReplier(asked.into())))
            }
            AGAIN if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Again(AgainReplier(asked.into())))
            }
            FORGET if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Forget(ForgetReplier(asked.into())))
            }
            STOP if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Stop(StopReplier(asked.into())))
            }
            HINT if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read_with_views();
                let event = Hint { text: reader.str(32)? };
                reader.finish()?;
                Ok(ToServer::Hint(event))
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

/// Tells of new things.
pub mod watch {
    #[allow(unused_imports)]
    use super::*;

    /// Messages that wait in each direction of such a channel.
    pub const QUEUE_LEN: usize = 2;

    /// Bytes of the largest message on such a channel.
    pub const BODY_LEN_MAX: usize = 8;

    const CONFIRM: u32 = 0x18f8dc8f;
    const STORED: u32 = 0x7fe5785e;
    const LINE: u32 = 0xd604fcaa;

    /// Both ends of a new channel: the `listener`'s and the `teller`'s.
    pub fn channel() -> ::ftl::Result<(Listener, Teller)> {
        let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
        Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
    }

    /// What the call `confirm` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct ConfirmRequest {
        /// Serial.
        pub serial: u32,
    }

    /// Answers the call `confirm`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct ConfirmReplier(::ftl::reply::Replier);

    impl ConfirmReplier {
        /// Answers that it worked.
        #[inline]
        pub fn ok(self, serial: u32) -> ::ftl::Result<()> {
            let mut writer = self.0.begin()?;
            writer.u32(serial)?;
            self.0.send(writer)
        }
        /// Answers that it did not.
        pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
            self.0.fail(u32::from(error.code()))
        }
    }

    /// A thing was stored.
    #[derive(Clone, Copy, Debug)]
    pub struct Stored {
        /// Total.
        pub total: u32,
    }

    /// One of many.
    #[derive(Clone, Copy, Debug)]
    pub struct Line {
        /// Number.
        pub number: u32,
    }

    /// The `listener`'s end of a `watch` channel. Clones are the same end; dropping the last one closes it.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Listener(::ftl::end::End);

    impl From<::ftl::end::End> for Listener {
        fn from(end: ::ftl::end::End) -> Listener {
            Listener(end)
        }
    }

    impl From<::ftl::handle::OwnedHandle> for Listener {
        fn from(handle: ::ftl::handle::OwnedHandle) -> Listener {
            Listener(::ftl::end::End::new(handle.into()))
        }
    }

    impl From<Listener> for ::ftl::handle::OwnedHandle {
        fn from(end: Listener) -> ::ftl::handle::OwnedHandle {
            end.0.into()
        }
    }

    impl ::ftl::handle::Object for Listener {
        const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
        const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
    }

    impl ::ftl::event_loop::TypedEnd for Listener {
        fn end(&self) -> &::ftl::end::End {
            &self.0
        }
    }

    impl<M: ::ftl::event_loop::Hears<Listener>> ::ftl::event_loop::Attach<M>
    for &Listener {
        fn port(self) -> ::ftl::event_loop::Port {
            ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
        }
    }

    /// What arrives at a [`Listener`].
    #[derive(Debug)]
    pub enum ToListener {
        /// The teller asks whether its listener is there.
        Confirm(ConfirmRequest, ConfirmReplier),
        /// A thing was stored.
        Stored(Stored),
        /// One of many.
        Line(Line),
    }

    impl ToListener {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                CONFIRM if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(4)?;
                    let request = ConfirmRequest {
                        serial: reader.u32()?,
                    };
                    reader.finish()?;
                    Ok(ToListener::Confirm(request, ConfirmReplier(asked.into())))
                }
                STORED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let mut reader = incoming.read();
                    reader.expect_len(4)?;
                    let event = Stored { total: reader.u32()? };
                    reader.finish()?;
                    Ok(ToListener::Stored(event))
                }
                LINE if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let mut reader = incoming.read();
                    reader.expect_len(4)?;
                    let event = Line { number: reader.u32()? };
                    reader.finish()?;
                    Ok(ToListener::Line(event))
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

    /// The `teller`'s end of a `watch` channel. Clones are the same end; dropping the last one closes it.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Teller(::ftl::end::End);

    impl From<::ftl::end::End> for Teller {
        fn from(end: ::ftl::end::End) -> Teller {
            Teller(end)
        }
    }

    impl From<::ftl::handle::OwnedHandle> for Teller {
        fn from(handle: ::ftl::handle::OwnedHandle) -> Teller {
            Teller(::ftl::end::End::new(handle.into()))
        }
    }

    impl From<Teller> for ::ftl::handle::OwnedHandle {
        fn from(end: Teller) -> ::ftl::handle::OwnedHandle {
            end.0.into()
        }
    }

    impl ::ftl::handle::Object for Teller {
        const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
        const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
    }

    impl ::ftl::event_loop::TypedEnd for Teller {
        fn end(&self) -> &::ftl::end::End {
            &self.0
        }
    }

    impl<M: ::ftl::event_loop::Hears<Teller>> ::ftl::event_loop::Attach<M> for &Teller {
        fn port(self) -> ::ftl::event_loop::Port {
            ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
        }
    }

    impl Teller {
        /// The teller asks whether its listener is there.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn confirm_start(&self, serial: u32) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u32(serial)?;
            self.0.start(CONFIRM, writer)
        }
        /// A thing was stored.
        #[inline]
        pub fn stored(&self, total: u32) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u32(total)?;
            ::ftl::end::ignore_gone(
                self.0.event(STORED, writer, ::ftl::end::OnFull::Coalesce),
            )
        }
        /// [`Self::stored`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn stored_soon(&self, total: u32) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u32(total)?;
            self.0.event_soon(STORED, writer, ::ftl::end::OnFull::Coalesce);
            Ok(())
        }
        /// One of many.
        #[inline]
        pub fn line(&self, number: u32) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u32(number)?;
            ::ftl::end::ignore_gone(
                self.0.event(LINE, writer, ::ftl::end::OnFull::DropOldest),
            )
        }
        /// [`Self::line`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn line_soon(&self, number: u32) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u32(number)?;
            self.0.event_soon(LINE, writer, ::ftl::end::OnFull::DropOldest);
            Ok(())
        }
    }

    /// What arrives at a [`Teller`].
    #[derive(Debug)]
    pub enum ToTeller {
        /// The answer to [`Teller::confirm_start`].
        Confirm(::ftl::Transaction, ::core::result::Result<u32, ::ftl::Error>),
    }

    impl ToTeller {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                CONFIRM if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                    Ok(ToTeller::Confirm(transaction, result))
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
                CONFIRM => Some(ToTeller::Confirm(transaction, Err(error))),
                _ => None,
            }
        }
    }
}

// Generated from interfaces/stream.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Bytes that flow from a sender to a receiver: the standard streams of commands, the pipes between
//! them, and the input and output of terminals. The crate `ftl` speaks both sides (`ftl::io`), so no
//! component names this interface in its file.
//!
//! The sender sends pieces, each as a message, and never more of them than the receiver has asked
//! for: so a full queue cannot happen, and a slow receiver slows its sender down. Dropping the sender's
//! end is the end of the bytes, which the receiver sees after all pieces; dropping the receiver's end tells the
//! sender that nobody wants them any more.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x996f9152d6cb772d;

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 7;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 1028;

const WANT: u32 = 0x7259a3d9;
const DATA: u32 = 0xb5f81f62;
const JOIN: u32 = 0x68bbe3e7;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Receiver>;

/// Both ends of a new channel: the `sender`'s and the `receiver`'s.
pub fn channel() -> ::ftl::Result<(Sender, Receiver)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// Asks for pieces. Counts from the stream's beginning, so that the newest message says it all,
/// and wraps around; a smaller number than before changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// How many pieces and joined streams the sender may have sent.
    pub until: u32,
}

/// A piece.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// At least one.
    pub bytes: &'a [u8],
}

/// Another stream takes the place of this one until it ends: its bytes come where this message
/// stands. So a shell lets a command write to the shell's own output. Counts as a piece.
#[derive(Debug)]
pub struct Join {
    /// The receiver's end.
    pub stream: Receiver,
}

/// The `sender`'s end of a `stream` channel. Clones are the same end; dropping the last one closes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sender(::ftl::end::End);

impl From<::ftl::end::End> for Sender {
    fn from(end: ::ftl::end::End) -> Sender {
        Sender(end)
    }
}

impl From<::ftl::handle::OwnedHandle> for Sender {
    fn from(handle: ::ftl::handle::OwnedHandle) -> Sender {
        Sender(::ftl::end::End::new(handle.into()))
    }
}

impl From<Sender> for ::ftl::handle::OwnedHandle {
    fn from(end: Sender) -> ::ftl::handle::OwnedHandle {
        end.0.into()
    }
}

impl ::ftl::handle::Object for Sender {
    const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
    const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
}

impl ::ftl::event_loop::TypedEnd for Sender {
    fn end(&self) -> &::ftl::end::End {
        &self.0
    }
}

impl<M: ::ftl::event_loop::Hears<Sender>> ::ftl::event_loop::Attach<M> for &Sender {
    fn port(self) -> ::ftl::event_loop::Port {
        ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
    }
}

impl Sender {
    /// A piece.
    #[inline]
    pub fn data(&self, bytes: &[u8]) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bytes(bytes, 1024)?;
        self.0.event(DATA, writer, ::ftl::end::OnFull::Close)
    }

    /// [`Self::data`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn data_soon(&self, bytes: &[u8]) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bytes(bytes, 1024)?;
        self.0.event_soon(DATA, writer, ::ftl::end::OnFull::Close);
        Ok(())
    }

    /// Another stream takes the place of this one until it ends: its bytes come where this message
    /// stands. So a shell lets a command write to the shell's own output. Counts as a piece.
    #[inline]
    pub fn join(&self, stream: Receiver) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(stream)?;
        self.0.event(JOIN, writer, ::ftl::end::OnFull::Close)
    }
}

/// What arrives at a [`Sender`].
#[derive(Debug)]
pub enum ToSender {
    /// Asks for pieces. Counts from the stream's beginning, so that the newest message says it all,
    /// and wraps around; a smaller number than before changes nothing.
    Want(Want),
}

impl ToSender {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            WANT if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let event = Want { until: reader.u32()? };
                reader.finish()?;
                Ok(ToSender::Want(event))
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

/// The `receiver`'s end of a `stream` channel. Clones are the same end; dropping the last one closes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receiver(::ftl::end::End);

impl From<::ftl::end::End> for Receiver {
    fn from(end: ::ftl::end::End) -> Receiver {
        Receiver(end)
    }
}

impl From<::ftl::handle::OwnedHandle> for Receiver {
    fn from(handle: ::ftl::handle::OwnedHandle) -> Receiver {
        Receiver(::ftl::end::End::new(handle.into()))
    }
}

impl From<Receiver> for ::ftl::handle::OwnedHandle {
    fn from(end: Receiver) -> ::ftl::handle::OwnedHandle {
        end.0.into()
    }
}

impl ::ftl::handle::Object for Receiver {
    const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
    const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
}

impl ::ftl::event_loop::TypedEnd for Receiver {
    fn end(&self) -> &::ftl::end::End {
        &self.0
    }
}

impl<M: ::ftl::event_loop::Hears<Receiver>> ::ftl::event_loop::Attach<M> for &Receiver {
    fn port(self) -> ::ftl::event_loop::Port {
        ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
    }
}

impl Receiver {
    /// Asks for pieces. Counts from the stream's beginning, so that the newest message says it all,
    /// and wraps around; a smaller number than before changes nothing.
    #[inline]
    pub fn want(&self, until: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(until)?;
        ::ftl::end::ignore_gone(self.0.event(WANT, writer, ::ftl::end::OnFull::Coalesce))
    }

    /// [`Self::want`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn want_soon(&self, until: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(until)?;
        self.0.event_soon(WANT, writer, ::ftl::end::OnFull::Coalesce);
        Ok(())
    }
}

/// What arrives at a [`Receiver`].
#[derive(Debug)]
pub enum ToReceiver<'a> {
    /// A piece.
    Data(Data<'a>),
    /// Another stream takes the place of this one until it ends: its bytes come where this message
    /// stands. So a shell lets a command write to the shell's own output. Counts as a piece.
    Join(Join),
}

impl<'a> ToReceiver<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            DATA if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read_with_views();
                let event = Data { bytes: reader.bytes(1024)? };
                reader.finish()?;
                Ok(ToReceiver::Data(event))
            }
            JOIN if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(0)?;
                let event = Join { stream: reader.handle()? };
                reader.finish()?;
                Ok(ToReceiver::Join(event))
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

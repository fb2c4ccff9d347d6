// Generated from interfaces/net.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Ethernet frames, between the driver of a network device and the one that speaks TCP/IP on it.
//! Messages only set things up; frames lie in shared memory, and descriptors of them travel in
//! two rings (`libs/ring`), one in each direction. Doorbells wake the other side, in batches.
//!
//! A descriptor's cookie is 0, or speaks of TCP's checksum. In a received frame's, bit 0 says that it need not be
//! looked at: the device has, or the frame never left the machine, and then the checksum may be unfinished (of UDP's,
//! too); bit 1 says that the frame goes on in the next descriptor, which only those of many TCP segments at once do, and
//! those have up to 64 KiB. In that of a frame to be sent, if the device has `checksums`, bit 0 asks to finish it: bits 16 to 31 say where
//! in the frame the sum begins, bits 32 to 47 where from there on its field is, in which the sum of the pseudo header lies.
//! If the device takes `batches`, such a frame may have many TCP segments in it, to be cut up: then bits 48 to 63 say how
//! many bytes each shall have behind the headers, and bits 2 to 15 how many bytes of headers there are. It lies in as many
//! places, one behind the other, as it needs; its descriptor takes the first, and descriptors of no bytes the rest.
//!
//! A device has one client at a time: a second `attach` ends what the first one set up.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x4e3f194745b3e964;

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 16;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 36;

const ATTACH: u32 = 0xabcbd3de;
const LINK_CHANGED: u32 = 0xc296b9b7;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `attach` is asked with.
#[derive(Debug)]
pub struct AttachRequest {
    /// What the driver rings when there are frames, or room for some.
    pub bell: ::ftl::handle::Doorbell,
}

/// What the call `attach` answers with.
#[derive(Debug)]
pub struct AttachReply {
    /// The device's address: six bytes, the first one lowest.
    pub mac: u64,
    /// Most bytes of a packet without its Ethernet header.
    pub mtu: u16,
    /// Link up.
    pub link_up: bool,
    /// Descriptors in each ring, and places for frames to be sent: a power of two.
    pub slots: u32,
    /// Bytes of each place.
    pub slot_len: u32,
    /// Where in `frames` the places begin. What is received lies before it.
    pub transmit_at: u32,
    /// The two rings, the one of received frames first.
    pub rings: ::ftl::handle::Folio,
    /// The bytes of all frames.
    pub frames: ::ftl::handle::Folio,
    /// What the client rings when there are frames to send, or room for received ones.
    pub bell: ::ftl::handle::Doorbell,
    /// Whether it finishes TCP's checksums.
    pub checksums: Option<bool>,
    /// Whether it cuts frames of many TCP segments up.
    pub batches: Option<bool>,
}

/// Answers the call `attach`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct AttachReplier(::ftl::reply::Replier);

impl AttachReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        mac: u64,
        mtu: u16,
        link_up: bool,
        slots: u32,
        slot_len: u32,
        transmit_at: u32,
        rings: ::ftl::handle::Folio,
        frames: ::ftl::handle::Folio,
        bell: ::ftl::handle::Doorbell,
        checksums: Option<bool>,
        batches: Option<bool>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u64(mac)?;
        writer.u16(mtu)?;
        writer.bool(link_up)?;
        writer.u32(slots)?;
        writer.u32(slot_len)?;
        writer.u32(transmit_at)?;
        writer.handle(rings)?;
        writer.handle(frames)?;
        writer.handle(bell)?;
        if checksums.is_some() || batches.is_some() {
            match checksums {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.bool(some)?;
                }
            }
        }
        if batches.is_some() {
            match batches {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.bool(some)?;
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

/// The network cable was plugged in or out.
#[derive(Clone, Copy, Debug)]
pub struct LinkChanged {
    /// Up.
    pub up: bool,
}

/// The `client`'s end of a `net` channel. Clones are the same end; dropping the last one closes it.
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
    /// Begins. Tells what the device is like, and hands over the memory for frames.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn attach_start(
        &self,
        bell: ::ftl::handle::Doorbell,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(bell)?;
        self.0.start(ATTACH, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// Begins. Tells what the device is like, and hands over the memory for frames.
    fn attach(
        &mut self,
        bell: ::ftl::handle::Doorbell,
    ) -> ::core::result::Result<AttachReply, ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn attach(
        &mut self,
        bell: ::ftl::handle::Doorbell,
    ) -> ::core::result::Result<AttachReply, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(bell)?;
        let incoming = self.0.call(ATTACH, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(AttachReply {
                    mac: reader.u64()?,
                    mtu: reader.u16()?,
                    link_up: reader.bool()?,
                    slots: reader.u32()?,
                    slot_len: reader.u32()?,
                    transmit_at: reader.u32()?,
                    rings: reader.handle()?,
                    frames: reader.handle()?,
                    bell: reader.handle()?,
                    checksums: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.bool()?) } else { None }
                    },
                    batches: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.bool()?) } else { None }
                    },
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
    /// The answer to [`Client::attach_start`].
    Attach(::ftl::Transaction, ::core::result::Result<AttachReply, ::ftl::Error>),
    /// The network cable was plugged in or out.
    LinkChanged(LinkChanged),
}

impl ToClient {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            ATTACH if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(AttachReply {
                            mac: reader.u64()?,
                            mtu: reader.u16()?,
                            link_up: reader.bool()?,
                            slots: reader.u32()?,
                            slot_len: reader.u32()?,
                            transmit_at: reader.u32()?,
                            rings: reader.handle()?,
                            frames: reader.handle()?,
                            bell: reader.handle()?,
                            checksums: if reader.is_at_end() {
                                None
                            } else {
                                if reader.bool()? { Some(reader.bool()?) } else { None }
                            },
                            batches: if reader.is_at_end() {
                                None
                            } else {
                                if reader.bool()? { Some(reader.bool()?) } else { None }
                            },
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Attach(transaction, result))
            }
            LINK_CHANGED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(1)?;
                let event = LinkChanged { up: reader.bool()? };
                reader.finish()?;
                Ok(ToClient::LinkChanged(event))
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
            ATTACH => Some(ToClient::Attach(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `net` channel. Clones are the same end; dropping the last one closes it.
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
    /// The network cable was plugged in or out.
    #[inline]
    pub fn link_changed(&self, up: bool) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bool(up)?;
        ::ftl::end::ignore_gone(
            self.0.event(LINK_CHANGED, writer, ::ftl::end::OnFull::Coalesce),
        )
    }

    /// [`Self::link_changed`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn link_changed_soon(&self, up: bool) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bool(up)?;
        self.0.event_soon(LINK_CHANGED, writer, ::ftl::end::OnFull::Coalesce);
        Ok(())
    }
}

/// What arrives at a [`Server`].
#[derive(Debug)]
pub enum ToServer {
    /// Begins. Tells what the device is like, and hands over the memory for frames.
    Attach(AttachRequest, AttachReplier),
}

impl ToServer {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            ATTACH if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(0)?;
                let request = AttachRequest {
                    bell: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToServer::Attach(request, AttachReplier(asked.into())))
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

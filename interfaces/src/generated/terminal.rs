// Generated from interfaces/terminal.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! A terminal: what somebody types, what they are shown, and how large their window is. Drivers of
//! serial lines provide it; so can a server that leads in over the network.
//!
//! What is typed goes to the input that was opened last and is still open, as it asks for it. Until
//! somebody asks it stays here: what is typed ahead while a command runs is there for the next. Ctrl-C
//! is no byte of the input but the event `interrupt`, to every client.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x9c521e17944b25e6;

/// In which form an input gets what is typed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Mode {
    /// Line by line, echoed; Backspace, Ctrl-U and Ctrl-W mend the line, Ctrl-D at its beginning ends the input.
    Lines = 0,
    /// Byte by byte as it comes, not echoed.
    Keys = 1,
}

impl ::ftl::wire::Wire<'_> for Mode {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Mode::Lines),
            1 => Ok(Mode::Keys),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 8;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 9;

const SHARE: u32 = 0x54fb0611;
const INPUT: u32 = 0x46ab18d4;
const OUTPUT: u32 = 0x7014107c;
const NOTICES: u32 = 0xa8ac3683;
const SIZE: u32 = 0xabf23824;
const INTERRUPT: u32 = 0x8ac26349;
const HEARD: u32 = 0xf9a17195;
const RESIZED: u32 = 0x90b67fbf;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// Answers the call `share`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ShareReplier(::ftl::reply::Replier);

impl ShareReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, terminal: Client) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(terminal)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `input` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct InputRequest {
    /// Mode.
    pub mode: Mode,
}

/// Answers the call `input`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct InputReplier(::ftl::reply::Replier);

impl InputReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, stream: ::ftl::handle::Channel) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(stream)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// Answers the call `output`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct OutputReplier(::ftl::reply::Replier);

impl OutputReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, stream: ::ftl::handle::Channel) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(stream)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// Answers the call `notices`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct NoticesReplier(::ftl::reply::Replier);

impl NoticesReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, stream: ::ftl::handle::Channel) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(stream)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `size` answers with.
#[derive(Clone, Copy, Debug)]
pub struct SizeReply {
    /// 0 if unknown.
    pub columns: u16,
    /// 0 if unknown.
    pub rows: u16,
    /// Whether it is known to obey the escape sequences for colours.
    pub colours: bool,
}

/// Answers the call `size`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct SizeReplier(::ftl::reply::Replier);

impl SizeReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, columns: u16, rows: u16, colours: bool) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u16(columns)?;
        writer.u16(rows)?;
        writer.bool(colours)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// Ctrl-C was typed.
#[derive(Clone, Copy, Debug)]
pub struct Interrupt {
    /// Counts them, so that the newest says it all; wraps around.
    pub number: u32,
}

/// Has seen to this `interrupt`. From a client's first on, nothing that is typed after Ctrl-C is handed out before the newest has
/// been heard: so a line is not taken for one that was typed before.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// That of the event; 0 for one who has heard none yet, and is not waited for because of those before.
    pub number: u32,
}

/// The `client`'s end of a `terminal` channel. Clones are the same end; dropping the last one closes it.
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
    /// Another client of the same terminal, to be handed to a command.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn share_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(SHARE, writer)
    }

    /// Opens an input. Closing the stream closes it, and the one opened before gets what is typed again.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn input_start(&self, mode: Mode) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(mode, &mut writer)?;
        self.0.start(INPUT, writer)
    }

    /// Opens an output. Several are shown as their pieces come.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn output_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(OUTPUT, writer)
    }

    /// Lines that belong to nobody who uses the terminal: those of the log. While this stream is open they go there as they are
    /// asked for, and whoever draws on the terminal shows them where they do no harm; otherwise they are shown as they come. They
    /// wait while an input for `keys` is open that is newer than this stream: then something else fills the screen.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn notices_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(NOTICES, writer)
    }

    /// What is known about the window.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn size_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(SIZE, writer)
    }

    /// Has seen to this `interrupt`. From a client's first on, nothing that is typed after Ctrl-C is handed out before the newest has
    /// been heard: so a line is not taken for one that was typed before.
    #[inline]
    pub fn heard(&self, number: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(number)?;
        self.0.event(HEARD, writer, ::ftl::end::OnFull::Coalesce)
    }

    /// [`Self::heard`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn heard_soon(&self, number: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(number)?;
        self.0.event_soon(HEARD, writer, ::ftl::end::OnFull::Coalesce);
        Ok(())
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// Another client of the same terminal, to be handed to a command.
    fn share(&mut self) -> ::core::result::Result<Client, ::ftl::Error>;

    /// Opens an input. Closing the stream closes it, and the one opened before gets what is typed again.
    fn input(
        &mut self,
        mode: Mode,
    ) -> ::core::result::Result<::ftl::handle::Channel, ::ftl::Error>;

    /// Opens an output. Several are shown as their pieces come.
    fn output(&mut self) -> ::core::result::Result<::ftl::handle::Channel, ::ftl::Error>;

    /// Lines that belong to nobody who uses the terminal: those of the log. While this stream is open they go there as they are
    /// asked for, and whoever draws on the terminal shows them where they do no harm; otherwise they are shown as they come. They
    /// wait while an input for `keys` is open that is newer than this stream: then something else fills the screen.
    fn notices(
        &mut self,
    ) -> ::core::result::Result<::ftl::handle::Channel, ::ftl::Error>;

    /// What is known about the window.
    fn size(&mut self) -> ::core::result::Result<SizeReply, ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn share(&mut self) -> ::core::result::Result<Client, ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(SHARE, writer)?;
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
    fn input(
        &mut self,
        mode: Mode,
    ) -> ::core::result::Result<::ftl::handle::Channel, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(mode, &mut writer)?;
        let incoming = self.0.call(INPUT, writer)?;
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
    fn output(
        &mut self,
    ) -> ::core::result::Result<::ftl::handle::Channel, ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(OUTPUT, writer)?;
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
    fn notices(
        &mut self,
    ) -> ::core::result::Result<::ftl::handle::Channel, ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(NOTICES, writer)?;
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
    fn size(&mut self) -> ::core::result::Result<SizeReply, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                SIZE,
                || {
                    let writer = ::ftl::wire::Writer::new();
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(9)?;
                Ok(SizeReply {
                    columns: reader.u16()?,
                    rows: reader.u16()?,
                    colours: reader.bool()?,
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
    /// The answer to [`Client::share_start`].
    Share(::ftl::Transaction, ::core::result::Result<Client, ::ftl::Error>),
    /// The answer to [`Client::input_start`].
    Input(
        ::ftl::Transaction,
        ::core::result::Result<::ftl::handle::Channel, ::ftl::Error>,
    ),
    /// The answer to [`Client::output_start`].
    Output(
        ::ftl::Transaction,
        ::core::result::Result<::ftl::handle::Channel, ::ftl::Error>,
    ),
    /// The answer to [`Client::notices_start`].
    Notices(
        ::ftl::Transaction,
        ::core::result::Result<::ftl::handle::Channel, ::ftl::Error>,
    ),
    /// The answer to [`Client::size_start`].
    Size(::ftl::Transaction, ::core::result::Result<SizeReply, ::ftl::Error>),
    /// Ctrl-C was typed.
    Interrupt(Interrupt),
    /// The window has another size.
    Resized,
}

impl ToClient {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            SHARE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                Ok(ToClient::Share(transaction, result))
            }
            INPUT if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                Ok(ToClient::Input(transaction, result))
            }
            OUTPUT if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                Ok(ToClient::Output(transaction, result))
            }
            NOTICES if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                Ok(ToClient::Notices(transaction, result))
            }
            SIZE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(9)?;
                        Ok(SizeReply {
                            columns: reader.u16()?,
                            rows: reader.u16()?,
                            colours: reader.bool()?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Size(transaction, result))
            }
            INTERRUPT if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let event = Interrupt { number: reader.u32()? };
                reader.finish()?;
                Ok(ToClient::Interrupt(event))
            }
            RESIZED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToClient::Resized)
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
            INPUT => Some(ToClient::Input(transaction, Err(error))),
            OUTPUT => Some(ToClient::Output(transaction, Err(error))),
            NOTICES => Some(ToClient::Notices(transaction, Err(error))),
            SIZE => Some(ToClient::Size(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `terminal` channel. Clones are the same end; dropping the last one closes it.
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
    /// Ctrl-C was typed.
    #[inline]
    pub fn interrupt(&self, number: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(number)?;
        ::ftl::end::ignore_gone(
            self.0.event(INTERRUPT, writer, ::ftl::end::OnFull::Coalesce),
        )
    }

    /// [`Self::interrupt`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn interrupt_soon(&self, number: u32) -> ::ftl::Result<()> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(number)?;
        self.0.event_soon(INTERRUPT, writer, ::ftl::end::OnFull::Coalesce);
        Ok(())
    }

    /// The window has another size.
    #[inline]
    pub fn resized(&self) -> ::ftl::Result<()> {
        let writer = ::ftl::wire::Writer::new();
        ::ftl::end::ignore_gone(
            self.0.event(RESIZED, writer, ::ftl::end::OnFull::Coalesce),
        )
    }

    /// [`Self::resized`], but when this thread waits next, or sends anything else: for those who are about to do so.
    #[inline]
    pub fn resized_soon(&self) -> ::ftl::Result<()> {
        let writer = ::ftl::wire::Writer::new();
        self.0.event_soon(RESIZED, writer, ::ftl::end::OnFull::Coalesce);
        Ok(())
    }
}

/// What arrives at a [`Server`].
#[derive(Debug)]
pub enum ToServer {
    /// Another client of the same terminal, to be handed to a command.
    Share(ShareReplier),
    /// Opens an input. Closing the stream closes it, and the one opened before gets what is typed again.
    Input(InputRequest, InputReplier),
    /// Opens an output. Several are shown as their pieces come.
    Output(OutputReplier),
    /// Lines that belong to nobody who uses the terminal: those of the log. While this stream is open they go there as they are
    /// asked for, and whoever draws on the terminal shows them where they do no harm; otherwise they are shown as they come. They
    /// wait while an input for `keys` is open that is newer than this stream: then something else fills the screen.
    Notices(NoticesReplier),
    /// What is known about the window.
    Size(SizeReplier),
    /// Has seen to this `interrupt`. From a client's first on, nothing that is typed after Ctrl-C is handed out before the newest has
    /// been heard: so a line is not taken for one that was typed before.
    Heard(Heard),
}

impl ToServer {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            SHARE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Share(ShareReplier(asked.into())))
            }
            INPUT if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let request = InputRequest {
                    mode: ::ftl::wire::Wire::decode(reader.by_ref())?,
                };
                reader.finish()?;
                Ok(ToServer::Input(request, InputReplier(asked.into())))
            }
            OUTPUT if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Output(OutputReplier(asked.into())))
            }
            NOTICES if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Notices(NoticesReplier(asked.into())))
            }
            SIZE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Size(SizeReplier(asked.into())))
            }
            HEARD if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let event = Heard { number: reader.u32()? };
                reader.finish()?;
                Ok(ToServer::Heard(event))
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

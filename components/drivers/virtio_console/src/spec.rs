// Generated from components/drivers/virtio_console/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `virtio_console` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{ports, stream};

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The clients of `ports`.
    pub ports: ports::Provider,
    /// A device that is virtio's `console`.
    pub device: ::ftl::handle::Device,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            ports: start.provider(0, "ports", ports::HASH)?,
            device: start.device(0, "device")?,
            random: start.random(),
        })
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `ports` channel, for the `server`.
    Ports(ports::ToServer<'a>),
    /// On a `stream` channel, for the `sender`.
    StreamSender(stream::ToSender),
    /// On a `stream` channel, for the `receiver`.
    StreamReceiver(stream::ToReceiver<'a>),
}

/// Decodes the component's messages, for its event loop.
#[derive(Debug)]
pub enum Messages {}

impl ::ftl::event_loop::Messages for Messages {
    type Message<'a> = Message<'a>;

    #[inline]
    fn decode<'a>(
        tag: u16,
        incoming: ::ftl::end::Incoming<'a>,
    ) -> ::ftl::Result<Self::Message<'a>> {
        match tag {
            0 => ports::ToServer::decode(incoming).map(Message::Ports),
            1 => stream::ToSender::decode(incoming).map(Message::StreamSender),
            2 => stream::ToReceiver::decode(incoming).map(Message::StreamReceiver),
            _ => Err(incoming.refuse()),
        }
    }

    fn ended<'a>(
        tag: u16,
        ordinal: u32,
        transaction: ::ftl::Transaction,
        error: ::ftl::Error,
    ) -> Option<Self::Message<'a>> {
        match tag {
            0 => ports::ToServer::ended(ordinal, transaction, error).map(Message::Ports),
            1 => {
                stream::ToSender::ended(ordinal, transaction, error)
                    .map(Message::StreamSender)
            }
            2 => {
                stream::ToReceiver::ended(ordinal, transaction, error)
                    .map(Message::StreamReceiver)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<ports::Server> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<stream::Sender> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<stream::Receiver> for Messages {
    const TAG: u16 = 2;
}

// Generated from components/drivers/virtio_net/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `virtio_net` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::net;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The clients of `net`.
    pub net: net::Provider,
    /// A device that is virtio's `net`.
    pub device: ::ftl::handle::Device,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            net: start.provider(0, "net", net::HASH)?,
            device: start.device(0, "device")?,
            random: start.random(),
        })
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message {
    /// On a `net` channel, for the `server`.
    Net(net::ToServer),
}

/// Decodes the component's messages, for its event loop.
#[derive(Debug)]
pub enum Messages {}

impl ::ftl::event_loop::Messages for Messages {
    type Message<'a> = Message;

    #[inline]
    fn decode<'a>(
        tag: u16,
        incoming: ::ftl::end::Incoming<'a>,
    ) -> ::ftl::Result<Self::Message<'a>> {
        match tag {
            0 => net::ToServer::decode(incoming).map(Message::Net),
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
            0 => net::ToServer::ended(ordinal, transaction, error).map(Message::Net),
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<net::Server> for Messages {
    const TAG: u16 = 0;
}

// Generated from components/drivers/virtio_blk/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `virtio_blk` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::block;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The clients of `block`.
    pub block: block::Provider,
    /// Each device that is virtio's `block`.
    pub disks: ::ftl::Vec<::ftl::handle::Device>,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            block: start.provider(0, "block", block::HASH)?,
            disks: start.all_devices(0),
            random: start.random(),
        })
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `block` channel, for the `server`.
    Block(block::ToServer<'a>),
    /// On a `disk` channel, for the `server`.
    Disk(block::disk::ToServer),
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
            0 => block::ToServer::decode(incoming).map(Message::Block),
            1 => block::disk::ToServer::decode(incoming).map(Message::Disk),
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
            0 => block::ToServer::ended(ordinal, transaction, error).map(Message::Block),
            1 => {
                block::disk::ToServer::ended(ordinal, transaction, error)
                    .map(Message::Disk)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<block::Server> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<block::disk::Server> for Messages {
    const TAG: u16 = 1;
}

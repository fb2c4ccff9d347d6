// Generated from components/tests/hostile/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `hostile` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::trial;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The clients of `trial`.
    pub trial: trial::Provider,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            trial: start.provider(0, "trial", trial::HASH)?,
            random: start.random(),
        })
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message {
    /// On a `trial` channel, for the `server`.
    Trial(trial::ToServer),
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
            0 => trial::ToServer::decode(incoming).map(Message::Trial),
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
            0 => trial::ToServer::ended(ordinal, transaction, error).map(Message::Trial),
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<trial::Server> for Messages {
    const TAG: u16 = 0;
}

// Generated from components/apps/user/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `user` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::sample;
pub use ::interfaces::sample::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// Where the things are.
    pub things: sample::Client,
    /// The component that provides `sample`.
    pub spare: Option<sample::Client>,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            things: start.need(0, "things", sample::HASH)?,
            spare: start.need_optional(1, "spare", sample::HASH)?,
            random: start.random(),
        })
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `sample` channel, for the `client`.
    Sample(sample::ToClient<'a>),
    /// On a `watch` channel, for the `listener`.
    Watch(sample::watch::ToListener),
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
            0 => sample::ToClient::decode(incoming).map(Message::Sample),
            1 => sample::watch::ToListener::decode(incoming).map(Message::Watch),
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
            0 => {
                sample::ToClient::ended(ordinal, transaction, error).map(Message::Sample)
            }
            1 => {
                sample::watch::ToListener::ended(ordinal, transaction, error)
                    .map(Message::Watch)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<sample::Client> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<sample::watch::Listener> for Messages {
    const TAG: u16 = 1;
}

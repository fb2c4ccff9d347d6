// Generated from components/tests/crasher/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `crasher` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::ping;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The clients of `ping`.
    pub ping: ping::Provider,
    /// What the system file sets.
    pub settings: Settings,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
    /// What an earlier life of this component left with `ftl::bootstrap::save_state`.
    pub state: ::ftl::bootstrap::State,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            ping: start.provider(0, "ping", ping::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
            state: start.state(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How many lives end in a crash.
    pub crashes: u32,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings { crashes: reader.u32()? };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.u32(self.crashes)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { crashes: 2 }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message {
    /// On a `ping` channel, for the `server`.
    Ping(ping::ToServer),
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
            0 => ping::ToServer::decode(incoming).map(Message::Ping),
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
            0 => ping::ToServer::ended(ordinal, transaction, error).map(Message::Ping),
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<ping::Server> for Messages {
    const TAG: u16 = 0;
}

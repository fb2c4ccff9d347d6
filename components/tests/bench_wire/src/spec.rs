// Generated from components/tests/bench_wire/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `bench_wire` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::net;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The clients of `net`.
    pub net: net::Provider,
    /// What the system file sets.
    pub settings: Settings,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            net: start.provider(0, "net", net::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How many requests are counted, in batches of 50.
    pub requests: u32,
    /// How many go before them.
    pub warm_up: u32,
    /// Connections that are open, among which requests go round.
    pub connections: u32,
    /// What the figure is called.
    pub name: ::ftl::String,
    /// Its case.
    pub case: ::ftl::String,
    /// Goes on asking without end, for a profile.
    pub repeat: bool,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            requests: reader.u32()?,
            warm_up: reader.u32()?,
            connections: reader.u32()?,
            name: reader.str(32)?.into(),
            case: reader.str(32)?.into(),
            repeat: reader.bool()?,
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.u32(self.requests)?;
            writer.u32(self.warm_up)?;
            writer.u32(self.connections)?;
            writer.str(&self.name, 32)?;
            writer.str(&self.case, 32)?;
            writer.bool(self.repeat)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            requests: 1000,
            warm_up: 100,
            connections: 1,
            name: "http_request".into(),
            case: "".into(),
            repeat: false,
        }
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

// Generated from components/servers/terminal/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `terminal` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{ports, stream, terminal};

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `ports`.
    pub ports: ports::Client,
    /// The clients of `terminal`.
    pub terminal: terminal::Provider,
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
            ports: start.need(0, "ports", ports::HASH)?,
            terminal: start.provider(0, "terminal", terminal::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The port that leads to the terminal.
    pub port: ::ftl::String,
    /// The port that lines of the log come from; none if empty.
    pub log: ::ftl::String,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            port: reader.str(32)?.into(),
            log: reader.str(32)?.into(),
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.str(&self.port, 32)?;
            writer.str(&self.log, 32)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            port: "console".into(),
            log: "log".into(),
        }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `terminal` channel, for the `server`.
    Terminal(terminal::ToServer),
    /// On a `ports` channel, for the `client`.
    Ports(ports::ToClient),
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
            0 => terminal::ToServer::decode(incoming).map(Message::Terminal),
            1 => ports::ToClient::decode(incoming).map(Message::Ports),
            2 => stream::ToSender::decode(incoming).map(Message::StreamSender),
            3 => stream::ToReceiver::decode(incoming).map(Message::StreamReceiver),
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
                terminal::ToServer::ended(ordinal, transaction, error)
                    .map(Message::Terminal)
            }
            1 => ports::ToClient::ended(ordinal, transaction, error).map(Message::Ports),
            2 => {
                stream::ToSender::ended(ordinal, transaction, error)
                    .map(Message::StreamSender)
            }
            3 => {
                stream::ToReceiver::ended(ordinal, transaction, error)
                    .map(Message::StreamReceiver)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<terminal::Server> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<ports::Client> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<stream::Sender> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<stream::Receiver> for Messages {
    const TAG: u16 = 3;
}

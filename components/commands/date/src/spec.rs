// Generated from components/commands/date/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the command `date` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{clock, stream};
pub use ::interfaces::clock::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `clock`.
    pub clock: clock::Client,
    /// What the system file sets.
    pub settings: Settings,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
    /// The name that it was started under.
    pub name: ::ftl::String,
    /// The words after the command's name.
    pub arguments: ::ftl::Vec<::ftl::String>,
    /// The environment.
    pub variables: ::ftl::process::Variables,
    /// Standard input.
    pub stdin: ::ftl::io::Stdin,
    /// Standard output.
    pub stdout: ::ftl::io::Stdout,
    /// Standard error.
    pub stderr: ::ftl::io::Stderr,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            clock: start.need(0, "clock", clock::HASH)?,
            name: start.name(),
            arguments: start.arguments(),
            variables: start.variables(),
            stdin: start.stdin(),
            stdout: start.stdout(),
            stderr: start.stderr(),
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The time zone, as POSIX writes it in `TZ`: `CET-1CEST,M3.5.0,M10.5.0/3`.
    pub zone: ::ftl::String,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            zone: reader.str(64)?.into(),
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.str(&self.zone, 64)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { zone: "UTC0".into() }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `clock` channel, for the `client`.
    Clock(clock::ToClient),
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
            0 => clock::ToClient::decode(incoming).map(Message::Clock),
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
            0 => clock::ToClient::ended(ordinal, transaction, error).map(Message::Clock),
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

impl ::ftl::event_loop::Hears<clock::Client> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<stream::Sender> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<stream::Receiver> for Messages {
    const TAG: u16 = 2;
}

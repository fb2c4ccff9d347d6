// Generated from components/servers/exec/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `exec` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{launcher, ports, stream, system};
pub use ::interfaces::ports::Blocking as _;
pub use ::interfaces::launcher::Blocking as _;
pub use ::interfaces::system::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `ports`.
    pub ports: ports::Client,
    /// The component that provides `launcher`.
    pub launcher: launcher::Client,
    /// The component that provides `system`.
    pub system: system::Client,
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
            launcher: start.need(1, "launcher", launcher::HASH)?,
            system: start.need(2, "system", system::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The command that runs them, as NAME -c COMMANDS.
    pub shell: ::ftl::String,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            shell: reader.str(32)?.into(),
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.str(&self.shell, 32)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { shell: "shell".into() }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `ports` channel, for the `client`.
    Ports(ports::ToClient),
    /// On a `launcher` channel, for the `client`.
    Launcher(launcher::ToClient<'a>),
    /// On a `running` channel, for the `owner`.
    Running(launcher::running::ToOwner),
    /// On a `system` channel, for the `client`.
    System(system::ToClient<'a>),
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
            0 => ports::ToClient::decode(incoming).map(Message::Ports),
            1 => launcher::ToClient::decode(incoming).map(Message::Launcher),
            2 => launcher::running::ToOwner::decode(incoming).map(Message::Running),
            3 => system::ToClient::decode(incoming).map(Message::System),
            4 => stream::ToSender::decode(incoming).map(Message::StreamSender),
            5 => stream::ToReceiver::decode(incoming).map(Message::StreamReceiver),
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
            0 => ports::ToClient::ended(ordinal, transaction, error).map(Message::Ports),
            1 => {
                launcher::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Launcher)
            }
            2 => {
                launcher::running::ToOwner::ended(ordinal, transaction, error)
                    .map(Message::Running)
            }
            3 => {
                system::ToClient::ended(ordinal, transaction, error).map(Message::System)
            }
            4 => {
                stream::ToSender::ended(ordinal, transaction, error)
                    .map(Message::StreamSender)
            }
            5 => {
                stream::ToReceiver::ended(ordinal, transaction, error)
                    .map(Message::StreamReceiver)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<ports::Client> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<launcher::Client> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<launcher::running::Owner> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<system::Client> for Messages {
    const TAG: u16 = 3;
}

impl ::ftl::event_loop::Hears<stream::Sender> for Messages {
    const TAG: u16 = 4;
}

impl ::ftl::event_loop::Hears<stream::Receiver> for Messages {
    const TAG: u16 = 5;
}

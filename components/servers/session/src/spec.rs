// Generated from components/servers/session/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `session` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{launcher, terminal};
pub use ::interfaces::terminal::Blocking as _;
pub use ::interfaces::launcher::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `terminal`.
    pub terminal: terminal::Client,
    /// The component that provides `launcher`.
    pub launcher: launcher::Client,
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
            terminal: start.need(0, "terminal", terminal::HASH)?,
            launcher: start.need(1, "launcher", launcher::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The command that is started on the terminal.
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
    /// On a `terminal` channel, for the `client`.
    Terminal(terminal::ToClient),
    /// On a `launcher` channel, for the `client`.
    Launcher(launcher::ToClient<'a>),
    /// On a `running` channel, for the `owner`.
    Running(launcher::running::ToOwner),
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
            0 => terminal::ToClient::decode(incoming).map(Message::Terminal),
            1 => launcher::ToClient::decode(incoming).map(Message::Launcher),
            2 => launcher::running::ToOwner::decode(incoming).map(Message::Running),
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
                terminal::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Terminal)
            }
            1 => {
                launcher::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Launcher)
            }
            2 => {
                launcher::running::ToOwner::ended(ordinal, transaction, error)
                    .map(Message::Running)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<terminal::Client> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<launcher::Client> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<launcher::running::Owner> for Messages {
    const TAG: u16 = 2;
}

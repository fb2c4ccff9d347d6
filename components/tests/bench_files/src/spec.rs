// Generated from components/tests/bench_files/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `bench_files` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{fs, system};
pub use ::interfaces::fs::Blocking as _;
pub use ::interfaces::fs::file::Blocking as _;
pub use ::interfaces::fs::transaction::Blocking as _;
pub use ::interfaces::system::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `fs`.
    pub fs: fs::Client,
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
            fs: start.need(0, "fs", fs::HASH)?,
            system: start.need(1, "system", system::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How often each thing is done.
    pub samples: u32,
    /// Time by the clock, in which the disk's own counts, instead of instructions.
    pub wall: bool,
    /// What goes on without end, for a profile.
    pub repeat: ::ftl::String,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            samples: reader.u32()?,
            wall: reader.bool()?,
            repeat: reader.str(32)?.into(),
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.u32(self.samples)?;
            writer.bool(self.wall)?;
            writer.str(&self.repeat, 32)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            samples: 100,
            wall: false,
            repeat: "".into(),
        }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `fs` channel, for the `client`.
    Fs(fs::ToClient<'a>),
    /// On a `file` channel, for the `client`.
    File(fs::file::ToClient<'a>),
    /// On a `watch` channel, for the `client`.
    Watch(fs::watch::ToClient<'a>),
    /// On a `transaction` channel, for the `client`.
    Transaction(fs::transaction::ToClient),
    /// On a `system` channel, for the `client`.
    System(system::ToClient<'a>),
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
            0 => fs::ToClient::decode(incoming).map(Message::Fs),
            1 => fs::file::ToClient::decode(incoming).map(Message::File),
            2 => fs::watch::ToClient::decode(incoming).map(Message::Watch),
            3 => fs::transaction::ToClient::decode(incoming).map(Message::Transaction),
            4 => system::ToClient::decode(incoming).map(Message::System),
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
            0 => fs::ToClient::ended(ordinal, transaction, error).map(Message::Fs),
            1 => {
                fs::file::ToClient::ended(ordinal, transaction, error).map(Message::File)
            }
            2 => {
                fs::watch::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Watch)
            }
            3 => {
                fs::transaction::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Transaction)
            }
            4 => {
                system::ToClient::ended(ordinal, transaction, error).map(Message::System)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<fs::Client> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<fs::file::Client> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<fs::watch::Client> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<fs::transaction::Client> for Messages {
    const TAG: u16 = 3;
}

impl ::ftl::event_loop::Hears<system::Client> for Messages {
    const TAG: u16 = 4;
}

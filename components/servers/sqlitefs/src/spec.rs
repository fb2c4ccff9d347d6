// Generated from components/servers/sqlitefs/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `sqlitefs` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{block, clock, fs, snapshots, sql};
pub use ::interfaces::block::Blocking as _;
pub use ::interfaces::block::disk::Blocking as _;
pub use ::interfaces::clock::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `block`.
    pub block: Option<block::Client>,
    /// The component that provides `clock`.
    pub clock: Option<clock::Client>,
    /// The clients of `fs`.
    pub fs: fs::Provider,
    /// The clients of `snapshots`.
    pub snapshots: snapshots::Provider,
    /// The clients of `sql`.
    pub sql: sql::Provider,
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
            block: start.need_optional(0, "block", block::HASH)?,
            clock: start.need_optional(1, "clock", clock::HASH)?,
            fs: start.provider(0, "fs", fs::HASH)?,
            snapshots: start.provider(1, "snapshots", snapshots::HASH)?,
            sql: start.provider(2, "sql", sql::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The name of the disk with the files.
    pub data: ::ftl::String,
    /// The name of the disk with the log.
    pub log: ::ftl::String,
    /// Mebibytes of memory for parts of the database; `limits.memory` must have room for them. 0: a third of what the machine has beyond 24 MiB, as far as that limit leaves room.
    pub cache: u32,
    /// Mebibytes of the disk in memory, if there is no other.
    pub memory_disk: u32,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            data: reader.str(20)?.into(),
            log: reader.str(20)?.into(),
            cache: reader.u32()?,
            memory_disk: reader.u32()?,
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.str(&self.data, 20)?;
            writer.str(&self.log, 20)?;
            writer.u32(self.cache)?;
            writer.u32(self.memory_disk)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            data: "ftl-data".into(),
            log: "ftl-log".into(),
            cache: 0,
            memory_disk: 8,
        }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `fs` channel, for the `server`.
    Fs(fs::ToServer<'a>),
    /// On a `file` channel, for the `server`.
    File(fs::file::ToServer<'a>),
    /// On a `watch` channel, for the `server`.
    Watch(fs::watch::ToServer),
    /// On a `transaction` channel, for the `server`.
    Transaction(fs::transaction::ToServer<'a>),
    /// On a `snapshots` channel, for the `server`.
    Snapshots(snapshots::ToServer<'a>),
    /// On a `sql` channel, for the `server`.
    Sql(sql::ToServer<'a>),
    /// On a `block` channel, for the `client`.
    Block(block::ToClient<'a>),
    /// On a `disk` channel, for the `client`.
    Disk(block::disk::ToClient),
    /// On a `clock` channel, for the `client`.
    Clock(clock::ToClient),
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
            0 => fs::ToServer::decode(incoming).map(Message::Fs),
            1 => fs::file::ToServer::decode(incoming).map(Message::File),
            2 => fs::watch::ToServer::decode(incoming).map(Message::Watch),
            3 => fs::transaction::ToServer::decode(incoming).map(Message::Transaction),
            4 => snapshots::ToServer::decode(incoming).map(Message::Snapshots),
            5 => sql::ToServer::decode(incoming).map(Message::Sql),
            6 => block::ToClient::decode(incoming).map(Message::Block),
            7 => block::disk::ToClient::decode(incoming).map(Message::Disk),
            8 => clock::ToClient::decode(incoming).map(Message::Clock),
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
            0 => fs::ToServer::ended(ordinal, transaction, error).map(Message::Fs),
            1 => {
                fs::file::ToServer::ended(ordinal, transaction, error).map(Message::File)
            }
            2 => {
                fs::watch::ToServer::ended(ordinal, transaction, error)
                    .map(Message::Watch)
            }
            3 => {
                fs::transaction::ToServer::ended(ordinal, transaction, error)
                    .map(Message::Transaction)
            }
            4 => {
                snapshots::ToServer::ended(ordinal, transaction, error)
                    .map(Message::Snapshots)
            }
            5 => sql::ToServer::ended(ordinal, transaction, error).map(Message::Sql),
            6 => block::ToClient::ended(ordinal, transaction, error).map(Message::Block),
            7 => {
                block::disk::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Disk)
            }
            8 => clock::ToClient::ended(ordinal, transaction, error).map(Message::Clock),
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<fs::Server> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<fs::file::Server> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<fs::watch::Server> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<fs::transaction::Server> for Messages {
    const TAG: u16 = 3;
}

impl ::ftl::event_loop::Hears<snapshots::Server> for Messages {
    const TAG: u16 = 4;
}

impl ::ftl::event_loop::Hears<sql::Server> for Messages {
    const TAG: u16 = 5;
}

impl ::ftl::event_loop::Hears<block::Client> for Messages {
    const TAG: u16 = 6;
}

impl ::ftl::event_loop::Hears<block::disk::Client> for Messages {
    const TAG: u16 = 7;
}

impl ::ftl::event_loop::Hears<clock::Client> for Messages {
    const TAG: u16 = 8;
}

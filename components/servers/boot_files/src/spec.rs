// Generated from components/servers/boot_files/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `boot_files` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{boot_archive, fs};
pub use ::interfaces::boot_archive::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `boot_archive`.
    pub boot_archive: boot_archive::Client,
    /// The clients of `fs`.
    pub fs: fs::Provider,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            boot_archive: start.need(0, "boot_archive", boot_archive::HASH)?,
            fs: start.provider(0, "fs", fs::HASH)?,
            random: start.random(),
        })
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
    /// On a `boot_archive` channel, for the `client`.
    BootArchive(boot_archive::ToClient),
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
            4 => boot_archive::ToClient::decode(incoming).map(Message::BootArchive),
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
                boot_archive::ToClient::ended(ordinal, transaction, error)
                    .map(Message::BootArchive)
            }
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

impl ::ftl::event_loop::Hears<boot_archive::Client> for Messages {
    const TAG: u16 = 4;
}

// Generated from components/commands/shell/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the command `shell` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{fs, launcher, stream, system, terminal};
pub use ::interfaces::launcher::Blocking as _;
pub use ::interfaces::system::Blocking as _;
pub use ::interfaces::fs::Blocking as _;
pub use ::interfaces::fs::file::Blocking as _;
pub use ::interfaces::fs::transaction::Blocking as _;
pub use ::interfaces::terminal::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `launcher`.
    pub launcher: launcher::Client,
    /// Names of components, for completion.
    pub system: Option<system::Client>,
    /// The files, for itself and to hand on to commands.
    pub fs: Option<fs::Client>,
    /// A disk for exchange with other systems, seen as `/fat`.
    pub fat: Option<fs::Client>,
    /// What the machine was started from, seen as `/boot`.
    pub boot: Option<fs::Client>,
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
    /// The terminal, if whoever started the command has given it one.
    pub terminal: Option<::interfaces::terminal::Client>,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            launcher: start.need(0, "launcher", launcher::HASH)?,
            system: start.need_optional(1, "system", system::HASH)?,
            fs: start.need_optional(2, "fs", fs::HASH)?,
            fat: start.need_optional(3, "fat", fs::HASH)?,
            boot: start.need_optional(4, "boot", fs::HASH)?,
            name: start.name(),
            arguments: start.arguments(),
            variables: start.variables(),
            stdin: start.stdin(),
            stdout: start.stdout(),
            stderr: start.stderr(),
            terminal: start.terminal(),
            random: start.random(),
        })
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `launcher` channel, for the `client`.
    Launcher(launcher::ToClient<'a>),
    /// On a `running` channel, for the `owner`.
    Running(launcher::running::ToOwner),
    /// On a `system` channel, for the `client`.
    System(system::ToClient<'a>),
    /// On a `fs` channel, for the `client`.
    Fs(fs::ToClient<'a>),
    /// On a `file` channel, for the `client`.
    File(fs::file::ToClient<'a>),
    /// On a `watch` channel, for the `client`.
    Watch(fs::watch::ToClient<'a>),
    /// On a `transaction` channel, for the `client`.
    Transaction(fs::transaction::ToClient),
    /// On a `stream` channel, for the `sender`.
    StreamSender(stream::ToSender),
    /// On a `stream` channel, for the `receiver`.
    StreamReceiver(stream::ToReceiver<'a>),
    /// On a `terminal` channel, for the `client`.
    Terminal(terminal::ToClient),
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
            0 => launcher::ToClient::decode(incoming).map(Message::Launcher),
            1 => launcher::running::ToOwner::decode(incoming).map(Message::Running),
            2 => system::ToClient::decode(incoming).map(Message::System),
            3 => fs::ToClient::decode(incoming).map(Message::Fs),
            4 => fs::file::ToClient::decode(incoming).map(Message::File),
            5 => fs::watch::ToClient::decode(incoming).map(Message::Watch),
            6 => fs::transaction::ToClient::decode(incoming).map(Message::Transaction),
            7 => stream::ToSender::decode(incoming).map(Message::StreamSender),
            8 => stream::ToReceiver::decode(incoming).map(Message::StreamReceiver),
            9 => terminal::ToClient::decode(incoming).map(Message::Terminal),
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
                launcher::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Launcher)
            }
            1 => {
                launcher::running::ToOwner::ended(ordinal, transaction, error)
                    .map(Message::Running)
            }
            2 => {
                system::ToClient::ended(ordinal, transaction, error).map(Message::System)
            }
            3 => fs::ToClient::ended(ordinal, transaction, error).map(Message::Fs),
            4 => {
                fs::file::ToClient::ended(ordinal, transaction, error).map(Message::File)
            }
            5 => {
                fs::watch::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Watch)
            }
            6 => {
                fs::transaction::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Transaction)
            }
            7 => {
                stream::ToSender::ended(ordinal, transaction, error)
                    .map(Message::StreamSender)
            }
            8 => {
                stream::ToReceiver::ended(ordinal, transaction, error)
                    .map(Message::StreamReceiver)
            }
            9 => {
                terminal::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Terminal)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<launcher::Client> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<launcher::running::Owner> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<system::Client> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<fs::Client> for Messages {
    const TAG: u16 = 3;
}

impl ::ftl::event_loop::Hears<fs::file::Client> for Messages {
    const TAG: u16 = 4;
}

impl ::ftl::event_loop::Hears<fs::watch::Client> for Messages {
    const TAG: u16 = 5;
}

impl ::ftl::event_loop::Hears<fs::transaction::Client> for Messages {
    const TAG: u16 = 6;
}

impl ::ftl::event_loop::Hears<stream::Sender> for Messages {
    const TAG: u16 = 7;
}

impl ::ftl::event_loop::Hears<stream::Receiver> for Messages {
    const TAG: u16 = 8;
}

impl ::ftl::event_loop::Hears<terminal::Client> for Messages {
    const TAG: u16 = 9;
}

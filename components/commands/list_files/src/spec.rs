// Generated from components/commands/list_files/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the command `list_files` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{fs, stream};
pub use ::interfaces::fs::Blocking as _;
pub use ::interfaces::fs::file::Blocking as _;
pub use ::interfaces::fs::transaction::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
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
    /// The directory that whoever started the command has given it, if any.
    pub directory: Option<::interfaces::files::Dir>,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            directory: start
                .directory()
                .map(|fs| ::interfaces::files::Dir::of_command(
                    fs,
                    start.mounts(),
                    start.variable("PWD"),
                )),
            name: start.name(),
            arguments: start.arguments(),
            variables: start.variables(),
            stdin: start.stdin(),
            stdout: start.stdout(),
            stderr: start.stderr(),
            random: start.random(),
        })
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `stream` channel, for the `sender`.
    StreamSender(stream::ToSender),
    /// On a `stream` channel, for the `receiver`.
    StreamReceiver(stream::ToReceiver<'a>),
    /// On a `fs` channel, for the `client`.
    Fs(fs::ToClient<'a>),
    /// On a `file` channel, for the `client`.
    File(fs::file::ToClient<'a>),
    /// On a `watch` channel, for the `client`.
    Watch(fs::watch::ToClient<'a>),
    /// On a `transaction` channel, for the `client`.
    Transaction(fs::transaction::ToClient),
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
            0 => stream::ToSender::decode(incoming).map(Message::StreamSender),
            1 => stream::ToReceiver::decode(incoming).map(Message::StreamReceiver),
            2 => fs::ToClient::decode(incoming).map(Message::Fs),
            3 => fs::file::ToClient::decode(incoming).map(Message::File),
            4 => fs::watch::ToClient::decode(incoming).map(Message::Watch),
            5 => fs::transaction::ToClient::decode(incoming).map(Message::Transaction),
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
                stream::ToSender::ended(ordinal, transaction, error)
                    .map(Message::StreamSender)
            }
            1 => {
                stream::ToReceiver::ended(ordinal, transaction, error)
                    .map(Message::StreamReceiver)
            }
            2 => fs::ToClient::ended(ordinal, transaction, error).map(Message::Fs),
            3 => {
                fs::file::ToClient::ended(ordinal, transaction, error).map(Message::File)
            }
            4 => {
                fs::watch::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Watch)
            }
            5 => {
                fs::transaction::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Transaction)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<stream::Sender> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<stream::Receiver> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<fs::Client> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<fs::file::Client> for Messages {
    const TAG: u16 = 3;
}

impl ::ftl::event_loop::Hears<fs::watch::Client> for Messages {
    const TAG: u16 = 4;
}

impl ::ftl::event_loop::Hears<fs::transaction::Client> for Messages {
    const TAG: u16 = 5;
}

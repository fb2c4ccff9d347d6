// Generated from components/commands/sql/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the command `sql` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{sql, stream};
pub use ::interfaces::sql::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `sql`.
    pub sql: sql::Client,
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
            sql: start.need(0, "sql", sql::HASH)?,
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
    /// On a `sql` channel, for the `client`.
    Sql(sql::ToClient<'a>),
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
            0 => sql::ToClient::decode(incoming).map(Message::Sql),
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
            0 => sql::ToClient::ended(ordinal, transaction, error).map(Message::Sql),
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

impl ::ftl::event_loop::Hears<sql::Client> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<stream::Sender> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<stream::Receiver> for Messages {
    const TAG: u16 = 2;
}

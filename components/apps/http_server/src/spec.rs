// Generated from components/apps/http_server/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `http_server` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{fs, system, tcpip};
pub use ::interfaces::tcpip::Blocking as _;
pub use ::interfaces::tcpip::tcp_listener::Blocking as _;
pub use ::interfaces::tcpip::udp_socket::Blocking as _;
pub use ::interfaces::system::Blocking as _;
pub use ::interfaces::fs::Blocking as _;
pub use ::interfaces::fs::file::Blocking as _;
pub use ::interfaces::fs::transaction::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `tcpip`.
    pub tcpip: tcpip::Client,
    /// The component that provides `system`.
    pub system: system::Client,
    /// A directory, which is served under /files/.
    pub fs: Option<fs::Client>,
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
            tcpip: start.need(0, "tcpip", tcpip::HASH)?,
            system: start.need(1, "system", system::HASH)?,
            fs: start.need_optional(2, "fs", fs::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The TCP port to listen on.
    pub port: u16,
    /// Connections that may be open at once.
    pub connections: u32,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            port: reader.u16()?,
            connections: reader.u32()?,
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.u16(self.port)?;
            writer.u32(self.connections)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            port: 80,
            connections: 1024,
        }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `tcpip` channel, for the `client`.
    Tcpip(tcpip::ToClient<'a>),
    /// On a `tcp_listener` channel, for the `client`.
    TcpListener(tcpip::tcp_listener::ToClient),
    /// On a `tcp_connection` channel, for the `client`.
    TcpConnection(tcpip::tcp_connection::ToClient),
    /// On a `udp_socket` channel, for the `client`.
    UdpSocket(tcpip::udp_socket::ToClient<'a>),
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
            0 => tcpip::ToClient::decode(incoming).map(Message::Tcpip),
            1 => {
                tcpip::tcp_listener::ToClient::decode(incoming).map(Message::TcpListener)
            }
            2 => {
                tcpip::tcp_connection::ToClient::decode(incoming)
                    .map(Message::TcpConnection)
            }
            3 => tcpip::udp_socket::ToClient::decode(incoming).map(Message::UdpSocket),
            4 => system::ToClient::decode(incoming).map(Message::System),
            5 => fs::ToClient::decode(incoming).map(Message::Fs),
            6 => fs::file::ToClient::decode(incoming).map(Message::File),
            7 => fs::watch::ToClient::decode(incoming).map(Message::Watch),
            8 => fs::transaction::ToClient::decode(incoming).map(Message::Transaction),
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
            0 => tcpip::ToClient::ended(ordinal, transaction, error).map(Message::Tcpip),
            1 => {
                tcpip::tcp_listener::ToClient::ended(ordinal, transaction, error)
                    .map(Message::TcpListener)
            }
            2 => {
                tcpip::tcp_connection::ToClient::ended(ordinal, transaction, error)
                    .map(Message::TcpConnection)
            }
            3 => {
                tcpip::udp_socket::ToClient::ended(ordinal, transaction, error)
                    .map(Message::UdpSocket)
            }
            4 => {
                system::ToClient::ended(ordinal, transaction, error).map(Message::System)
            }
            5 => fs::ToClient::ended(ordinal, transaction, error).map(Message::Fs),
            6 => {
                fs::file::ToClient::ended(ordinal, transaction, error).map(Message::File)
            }
            7 => {
                fs::watch::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Watch)
            }
            8 => {
                fs::transaction::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Transaction)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<tcpip::Client> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<tcpip::tcp_listener::Client> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<tcpip::tcp_connection::Client> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<tcpip::udp_socket::Client> for Messages {
    const TAG: u16 = 3;
}

impl ::ftl::event_loop::Hears<system::Client> for Messages {
    const TAG: u16 = 4;
}

impl ::ftl::event_loop::Hears<fs::Client> for Messages {
    const TAG: u16 = 5;
}

impl ::ftl::event_loop::Hears<fs::file::Client> for Messages {
    const TAG: u16 = 6;
}

impl ::ftl::event_loop::Hears<fs::watch::Client> for Messages {
    const TAG: u16 = 7;
}

impl ::ftl::event_loop::Hears<fs::transaction::Client> for Messages {
    const TAG: u16 = 8;
}

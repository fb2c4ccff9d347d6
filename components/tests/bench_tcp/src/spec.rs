// Generated from components/tests/bench_tcp/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `bench_tcp` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{system, tcpip};
pub use ::interfaces::tcpip::Blocking as _;
pub use ::interfaces::tcpip::tcp_listener::Blocking as _;
pub use ::interfaces::tcpip::udp_socket::Blocking as _;
pub use ::interfaces::system::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `tcpip`.
    pub tcpip: tcpip::Client,
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
            tcpip: start.need(0, "tcpip", tcpip::HASH)?,
            system: start.need(1, "system", system::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where it listens.
    pub port: u16,
    /// Bytes of each connection.
    pub len: u32,
    /// How often in each direction.
    pub rounds: u32,
    /// The figures' case.
    pub case: ::ftl::String,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            port: reader.u16()?,
            len: reader.u32()?,
            rounds: reader.u32()?,
            case: reader.str(32)?.into(),
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
            writer.u32(self.len)?;
            writer.u32(self.rounds)?;
            writer.str(&self.case, 32)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            port: 7000,
            len: 1048576,
            rounds: 5,
            case: "".into(),
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

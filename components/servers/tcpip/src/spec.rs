// Generated from components/servers/tcpip/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `tcpip` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{net, tcpip};

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `net`.
    pub net: net::Client,
    /// The clients of `tcpip`.
    pub tcpip: tcpip::Provider,
    /// What the system file sets.
    pub settings: Settings,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
    /// What an earlier life of this component left with `ftl::bootstrap::save_state`.
    pub state: ::ftl::bootstrap::State,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            net: start.need(0, "net", net::HASH)?,
            tcpip: start.provider(0, "tcpip", tcpip::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
            state: start.state(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Own address and length of the network's prefix, such as `10.0.2.15/24`; or `dhcp`.
    pub address: ::ftl::String,
    /// Who forwards what goes to other networks. Not used with `dhcp`.
    pub gateway: ::ftl::String,
    /// Who answers names. Not used with `dhcp`.
    pub dns: ::ftl::String,
    /// Mebibytes of buffers that one client may use.
    pub client_memory: u32,
    /// Bytes that the remote side of a connection may send ahead.
    pub receive_buffer: u32,
    /// Bytes of a connection that wait for the remote side's acknowledgement.
    pub send_buffer: u32,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            address: reader.str(18)?.into(),
            gateway: reader.str(15)?.into(),
            dns: reader.str(15)?.into(),
            client_memory: reader.u32()?,
            receive_buffer: reader.u32()?,
            send_buffer: reader.u32()?,
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.str(&self.address, 18)?;
            writer.str(&self.gateway, 15)?;
            writer.str(&self.dns, 15)?;
            writer.u32(self.client_memory)?;
            writer.u32(self.receive_buffer)?;
            writer.u32(self.send_buffer)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            address: "dhcp".into(),
            gateway: "".into(),
            dns: "".into(),
            client_memory: 32,
            receive_buffer: 8192,
            send_buffer: 16384,
        }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `tcpip` channel, for the `server`.
    Tcpip(tcpip::ToServer<'a>),
    /// On a `tcp_listener` channel, for the `server`.
    TcpListener(tcpip::tcp_listener::ToServer),
    /// On a `tcp_connection` channel, for the `server`.
    TcpConnection(tcpip::tcp_connection::ToServer),
    /// On a `udp_socket` channel, for the `server`.
    UdpSocket(tcpip::udp_socket::ToServer<'a>),
    /// On a `net` channel, for the `client`.
    Net(net::ToClient),
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
            0 => tcpip::ToServer::decode(incoming).map(Message::Tcpip),
            1 => {
                tcpip::tcp_listener::ToServer::decode(incoming).map(Message::TcpListener)
            }
            2 => {
                tcpip::tcp_connection::ToServer::decode(incoming)
                    .map(Message::TcpConnection)
            }
            3 => tcpip::udp_socket::ToServer::decode(incoming).map(Message::UdpSocket),
            4 => net::ToClient::decode(incoming).map(Message::Net),
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
            0 => tcpip::ToServer::ended(ordinal, transaction, error).map(Message::Tcpip),
            1 => {
                tcpip::tcp_listener::ToServer::ended(ordinal, transaction, error)
                    .map(Message::TcpListener)
            }
            2 => {
                tcpip::tcp_connection::ToServer::ended(ordinal, transaction, error)
                    .map(Message::TcpConnection)
            }
            3 => {
                tcpip::udp_socket::ToServer::ended(ordinal, transaction, error)
                    .map(Message::UdpSocket)
            }
            4 => net::ToClient::ended(ordinal, transaction, error).map(Message::Net),
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<tcpip::Server> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<tcpip::tcp_listener::Server> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<tcpip::tcp_connection::Server> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<tcpip::udp_socket::Server> for Messages {
    const TAG: u16 = 3;
}

impl ::ftl::event_loop::Hears<net::Client> for Messages {
    const TAG: u16 = 4;
}

// Generated from components/servers/ssh_server/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `ssh_server` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{fs, launcher, stream, tcpip, terminal};
pub use ::interfaces::tcpip::Blocking as _;
pub use ::interfaces::tcpip::tcp_listener::Blocking as _;
pub use ::interfaces::tcpip::udp_socket::Blocking as _;
pub use ::interfaces::launcher::Blocking as _;
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
    /// The component that provides `launcher`.
    pub launcher: launcher::Client,
    /// A directory with `authorized_keys` and `host_key`.
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
            launcher: start.need(1, "launcher", launcher::HASH)?,
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
    /// Keys that let in, as lines of `authorized_keys`, beside those in the file.
    pub keys: ::ftl::String,
    /// The command that is started: as it is for a shell, and as NAME -c COMMAND.
    pub shell: ::ftl::String,
    /// Connections that may be open at once.
    pub connections: u32,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            port: reader.u16()?,
            keys: reader.str(2048)?.into(),
            shell: reader.str(32)?.into(),
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
            writer.str(&self.keys, 2048)?;
            writer.str(&self.shell, 32)?;
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
            port: 22,
            keys: "".into(),
            shell: "shell".into(),
            connections: 16,
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
    /// On a `launcher` channel, for the `client`.
    Launcher(launcher::ToClient<'a>),
    /// On a `running` channel, for the `owner`.
    Running(launcher::running::ToOwner),
    /// On a `fs` channel, for the `client`.
    Fs(fs::ToClient<'a>),
    /// On a `file` channel, for the `client`.
    File(fs::file::ToClient<'a>),
    /// On a `watch` channel, for the `client`.
    Watch(fs::watch::ToClient<'a>),
    /// On a `transaction` channel, for the `client`.
    Transaction(fs::transaction::ToClient),
    /// On a `terminal` channel, for the `server`.
    Terminal(terminal::ToServer),
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
            0 => tcpip::ToClient::decode(incoming).map(Message::Tcpip),
            1 => {
                tcpip::tcp_listener::ToClient::decode(incoming).map(Message::TcpListener)
            }
            2 => {
                tcpip::tcp_connection::ToClient::decode(incoming)
                    .map(Message::TcpConnection)
            }
            3 => tcpip::udp_socket::ToClient::decode(incoming).map(Message::UdpSocket),
            4 => launcher::ToClient::decode(incoming).map(Message::Launcher),
            5 => launcher::running::ToOwner::decode(incoming).map(Message::Running),
            6 => fs::ToClient::decode(incoming).map(Message::Fs),
            7 => fs::file::ToClient::decode(incoming).map(Message::File),
            8 => fs::watch::ToClient::decode(incoming).map(Message::Watch),
            9 => fs::transaction::ToClient::decode(incoming).map(Message::Transaction),
            10 => terminal::ToServer::decode(incoming).map(Message::Terminal),
            11 => stream::ToSender::decode(incoming).map(Message::StreamSender),
            12 => stream::ToReceiver::decode(incoming).map(Message::StreamReceiver),
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
                launcher::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Launcher)
            }
            5 => {
                launcher::running::ToOwner::ended(ordinal, transaction, error)
                    .map(Message::Running)
            }
            6 => fs::ToClient::ended(ordinal, transaction, error).map(Message::Fs),
            7 => {
                fs::file::ToClient::ended(ordinal, transaction, error).map(Message::File)
            }
            8 => {
                fs::watch::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Watch)
            }
            9 => {
                fs::transaction::ToClient::ended(ordinal, transaction, error)
                    .map(Message::Transaction)
            }
            10 => {
                terminal::ToServer::ended(ordinal, transaction, error)
                    .map(Message::Terminal)
            }
            11 => {
                stream::ToSender::ended(ordinal, transaction, error)
                    .map(Message::StreamSender)
            }
            12 => {
                stream::ToReceiver::ended(ordinal, transaction, error)
                    .map(Message::StreamReceiver)
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

impl ::ftl::event_loop::Hears<launcher::Client> for Messages {
    const TAG: u16 = 4;
}

impl ::ftl::event_loop::Hears<launcher::running::Owner> for Messages {
    const TAG: u16 = 5;
}

impl ::ftl::event_loop::Hears<fs::Client> for Messages {
    const TAG: u16 = 6;
}

impl ::ftl::event_loop::Hears<fs::file::Client> for Messages {
    const TAG: u16 = 7;
}

impl ::ftl::event_loop::Hears<fs::watch::Client> for Messages {
    const TAG: u16 = 8;
}

impl ::ftl::event_loop::Hears<fs::transaction::Client> for Messages {
    const TAG: u16 = 9;
}

impl ::ftl::event_loop::Hears<terminal::Server> for Messages {
    const TAG: u16 = 10;
}

impl ::ftl::event_loop::Hears<stream::Sender> for Messages {
    const TAG: u16 = 11;
}

impl ::ftl::event_loop::Hears<stream::Receiver> for Messages {
    const TAG: u16 = 12;
}

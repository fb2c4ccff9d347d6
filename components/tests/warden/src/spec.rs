// Generated from components/tests/warden/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `warden` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{system, tcpip, trial};
pub use ::interfaces::system::Blocking as _;
pub use ::interfaces::tcpip::Blocking as _;
pub use ::interfaces::tcpip::tcp_listener::Blocking as _;
pub use ::interfaces::tcpip::udp_socket::Blocking as _;
pub use ::interfaces::trial::Blocking as _;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The component that provides `system`.
    pub system: system::Client,
    /// The component that provides `tcpip`.
    pub tcpip: tcpip::Client,
    /// Who makes attacks.
    pub hostile: Option<trial::Client>,
    /// Who makes mistakes.
    pub buggy: Option<trial::Client>,
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
            system: start.need(0, "system", system::HASH)?,
            tcpip: start.need(1, "tcpip", tcpip::HASH)?,
            hostile: start.need_optional(2, "hostile", trial::HASH)?,
            buggy: start.need_optional(3, "buggy", trial::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What to do.
    pub plan: Plan,
    /// The port of the host that leads to this machine's port 80.
    pub port: u16,
    /// For `isolation`: addresses at which the kernel has something mapped, hexadecimal, with commas between them. Attacked besides those of this component.
    pub targets: ::ftl::String,
    /// A port of the host that is asked for the first page, so that somebody there can put off what follows it; none if 0.
    pub hold: u16,
    /// How often: calls of a storm, kills, or faulty images.
    pub count: u32,
    /// The one component that is killed. All but init and this one if it is empty.
    pub only: ::ftl::String,
    /// The longest pause before the next kill, in milliseconds.
    pub pause: u32,
    /// How often a trial is made at most, of those that are made with several addresses or seeds.
    pub repeats: u32,
    /// For `isolation`: whether there are attacks, or only mistakes.
    pub attacks: bool,
    /// Whether a recovery of more than 100 ms fails the test.
    pub strict: bool,
    /// Repeats what is chosen at random.
    pub seed: u64,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            plan: Plan::from_number(reader.u32()?)?,
            port: reader.u16()?,
            targets: reader.str(128)?.into(),
            hold: reader.u16()?,
            count: reader.u32()?,
            only: reader.str(32)?.into(),
            pause: reader.u32()?,
            repeats: reader.u32()?,
            attacks: reader.bool()?,
            strict: reader.bool()?,
            seed: reader.u64()?,
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.u32(self.plan as u32)?;
            writer.u16(self.port)?;
            writer.str(&self.targets, 128)?;
            writer.u16(self.hold)?;
            writer.u32(self.count)?;
            writer.str(&self.only, 32)?;
            writer.u32(self.pause)?;
            writer.u32(self.repeats)?;
            writer.bool(self.attacks)?;
            writer.bool(self.strict)?;
            writer.u64(self.seed)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            plan: Plan::Isolation,
            port: 8080,
            targets: "".into(),
            hold: 0,
            count: 50,
            only: "".into(),
            pause: 10,
            repeats: 32,
            attacks: true,
            strict: false,
            seed: 1,
        }
    }
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plan {
    /// `isolation`.
    Isolation,
    /// `chaos`.
    Chaos,
    /// `faults`.
    Faults,
}

impl Plan {
    fn from_number(number: u32) -> ::ftl::Result<Plan> {
        match number {
            0 => Ok(Plan::Isolation),
            1 => Ok(Plan::Chaos),
            2 => Ok(Plan::Faults),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `system` channel, for the `client`.
    System(system::ToClient<'a>),
    /// On a `tcpip` channel, for the `client`.
    Tcpip(tcpip::ToClient<'a>),
    /// On a `tcp_listener` channel, for the `client`.
    TcpListener(tcpip::tcp_listener::ToClient),
    /// On a `tcp_connection` channel, for the `client`.
    TcpConnection(tcpip::tcp_connection::ToClient),
    /// On a `udp_socket` channel, for the `client`.
    UdpSocket(tcpip::udp_socket::ToClient<'a>),
    /// On a `trial` channel, for the `client`.
    Trial(trial::ToClient),
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
            0 => system::ToClient::decode(incoming).map(Message::System),
            1 => tcpip::ToClient::decode(incoming).map(Message::Tcpip),
            2 => {
                tcpip::tcp_listener::ToClient::decode(incoming).map(Message::TcpListener)
            }
            3 => {
                tcpip::tcp_connection::ToClient::decode(incoming)
                    .map(Message::TcpConnection)
            }
            4 => tcpip::udp_socket::ToClient::decode(incoming).map(Message::UdpSocket),
            5 => trial::ToClient::decode(incoming).map(Message::Trial),
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
                system::ToClient::ended(ordinal, transaction, error).map(Message::System)
            }
            1 => tcpip::ToClient::ended(ordinal, transaction, error).map(Message::Tcpip),
            2 => {
                tcpip::tcp_listener::ToClient::ended(ordinal, transaction, error)
                    .map(Message::TcpListener)
            }
            3 => {
                tcpip::tcp_connection::ToClient::ended(ordinal, transaction, error)
                    .map(Message::TcpConnection)
            }
            4 => {
                tcpip::udp_socket::ToClient::ended(ordinal, transaction, error)
                    .map(Message::UdpSocket)
            }
            5 => trial::ToClient::ended(ordinal, transaction, error).map(Message::Trial),
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<system::Client> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<tcpip::Client> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<tcpip::tcp_listener::Client> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<tcpip::tcp_connection::Client> for Messages {
    const TAG: u16 = 3;
}

impl ::ftl::event_loop::Hears<tcpip::udp_socket::Client> for Messages {
    const TAG: u16 = 4;
}

impl ::ftl::event_loop::Hears<trial::Client> for Messages {
    const TAG: u16 = 5;
}

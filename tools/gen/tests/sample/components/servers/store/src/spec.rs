// Generated from components/servers/store/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `store` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::sample;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The clients of `sample`.
    pub sample: sample::Provider,
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
            sample: start.provider(0, "sample", sample::HASH)?,
            settings: Settings::decode(start.settings())?,
            random: start.random(),
        })
    }
}

/// What the system file sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Whether it says much.
    pub loud: bool,
    /// A factor.
    pub scale: f64,
    /// What it is called.
    pub name: ::ftl::String,
    /// A number.
    pub offset: i32,
    /// How it works.
    pub mode: Mode,
}

impl Settings {
    fn decode(mut reader: ::ftl::wire::Reader<'_>) -> ::ftl::Result<Settings> {
        let settings = Settings {
            loud: reader.bool()?,
            scale: reader.f64()?,
            name: reader.str(16)?.into(),
            offset: reader.i32()?,
            mode: Mode::from_number(reader.u32()?)?,
        };
        reader.finish()?;
        Ok(settings)
    }

    /// As init passes them on: for tests.
    #[cfg(test)]
    pub fn encode(&self) -> ::ftl::Vec<u8> {
        let mut writer = ::ftl::wire::Writer::new();
        let encode = |writer: &mut ::ftl::wire::Writer| -> ::ftl::Result<()> {
            writer.bool(self.loud)?;
            writer.f64(self.scale)?;
            writer.str(&self.name, 16)?;
            writer.i32(self.offset)?;
            writer.u32(self.mode as u32)?;
            Ok(())
        };
        encode(&mut writer).expect("settings fit into a message");
        writer.into_bytes()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            loud: true,
            scale: 1.5,
            name: "the \"store\"".into(),
            offset: -7,
            mode: Mode::Small,
        }
    }
}

/// How it works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// `fast`.
    Fast,
    /// `small`.
    Small,
}

impl Mode {
    fn from_number(number: u32) -> ::ftl::Result<Mode> {
        match number {
            0 => Ok(Mode::Fast),
            1 => Ok(Mode::Small),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `sample` channel, for the `server`.
    Sample(sample::ToServer<'a>),
    /// On a `watch` channel, for the `teller`.
    Watch(sample::watch::ToTeller),
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
            0 => sample::ToServer::decode(incoming).map(Message::Sample),
            1 => sample::watch::ToTeller::decode(incoming).map(Message::Watch),
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
                sample::ToServer::ended(ordinal, transaction, error).map(Message::Sample)
            }
            1 => {
                sample::watch::ToTeller::ended(ordinal, transaction, error)
                    .map(Message::Watch)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<sample::Server> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<sample::watch::Teller> for Messages {
    const TAG: u16 = 1;
}

// Generated from components/servers/init/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `init` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::{boot_archive, component, launcher, system};

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message<'a> {
    /// On a `system` channel, for the `server`.
    System(system::ToServer<'a>),
    /// On a `launcher` channel, for the `server`.
    Launcher(launcher::ToServer<'a>),
    /// On a `running` channel, for the `launcher`.
    Running(launcher::running::ToLauncher),
    /// On a `boot_archive` channel, for the `server`.
    BootArchive(boot_archive::ToServer),
    /// On a `component` channel, for the `server`.
    Component(component::ToServer<'a>),
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
            0 => system::ToServer::decode(incoming).map(Message::System),
            1 => launcher::ToServer::decode(incoming).map(Message::Launcher),
            2 => launcher::running::ToLauncher::decode(incoming).map(Message::Running),
            3 => boot_archive::ToServer::decode(incoming).map(Message::BootArchive),
            4 => component::ToServer::decode(incoming).map(Message::Component),
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
                system::ToServer::ended(ordinal, transaction, error).map(Message::System)
            }
            1 => {
                launcher::ToServer::ended(ordinal, transaction, error)
                    .map(Message::Launcher)
            }
            2 => {
                launcher::running::ToLauncher::ended(ordinal, transaction, error)
                    .map(Message::Running)
            }
            3 => {
                boot_archive::ToServer::ended(ordinal, transaction, error)
                    .map(Message::BootArchive)
            }
            4 => {
                component::ToServer::ended(ordinal, transaction, error)
                    .map(Message::Component)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<system::Server> for Messages {
    const TAG: u16 = 0;
}

impl ::ftl::event_loop::Hears<launcher::Server> for Messages {
    const TAG: u16 = 1;
}

impl ::ftl::event_loop::Hears<launcher::running::Launcher> for Messages {
    const TAG: u16 = 2;
}

impl ::ftl::event_loop::Hears<boot_archive::Server> for Messages {
    const TAG: u16 = 3;
}

impl ::ftl::event_loop::Hears<component::Server> for Messages {
    const TAG: u16 = 4;
}

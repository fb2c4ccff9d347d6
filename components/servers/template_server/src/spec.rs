// Generated from components/servers/template_server/component.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What the component `template_server` is given, and what it can hear.
#![allow(unused_imports, dead_code)]

pub use ::interfaces::template_server;

/// The component's event loop.
pub type EventLoop<S> = ::ftl::EventLoop<S, Messages>;

/// What `main` is given.
#[derive(Debug)]
pub struct Environ {
    /// The clients of `template_server`.
    pub template_server: template_server::Provider,
    /// The component's random generator.
    pub random: ::ftl::random::Random,
}

impl ::ftl::runtime::Environment for Environ {
    fn new(info: &'static ::ftl::abi::StartInfo) -> ::ftl::Result<Environ> {
        #[allow(unused_mut)]
        let mut start = ::ftl::bootstrap::Start::receive(info)?;
        Ok(Environ {
            template_server: start
                .provider(0, "template_server", template_server::HASH)?,
            random: start.random(),
        })
    }
}

/// A message that this component can hear.
#[derive(Debug)]
pub enum Message {
    /// On a `template_server` channel, for the `server`.
    TemplateServer(template_server::ToServer),
}

/// Decodes the component's messages, for its event loop.
#[derive(Debug)]
pub enum Messages {}

impl ::ftl::event_loop::Messages for Messages {
    type Message<'a> = Message;

    #[inline]
    fn decode<'a>(
        tag: u16,
        incoming: ::ftl::end::Incoming<'a>,
    ) -> ::ftl::Result<Self::Message<'a>> {
        match tag {
            0 => template_server::ToServer::decode(incoming).map(Message::TemplateServer),
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
                template_server::ToServer::ended(ordinal, transaction, error)
                    .map(Message::TemplateServer)
            }
            _ => None,
        }
    }
}

impl ::ftl::event_loop::Hears<template_server::Server> for Messages {
    const TAG: u16 = 0;
}

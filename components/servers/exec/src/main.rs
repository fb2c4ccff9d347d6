//! Runs commands that come from outside, and passes on what they read and write.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::handle::OwnedHandle;
use ftl::prelude::*;

mod relay;
mod report;
#[rustfmt::skip]
mod spec;

use relay::{Relay, Side};
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Bytes from outside.
    FromHost,
    /// Who asks for bytes to go outside.
    ToHost,
    /// Who asks for the commands' input.
    Stdin,
    /// What the commands say.
    Stdout,
    Stderr,
    /// Their end.
    Job,
    /// What init tells of crashes.
    System,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<usize> {
    let opened = env.ports.open(host_port::PORT_NAME).map_err(|error| {
        error!("cannot open the port `{}`: {error:?}", host_port::PORT_NAME);
        Error::NotFound
    })?;
    let input = stream::Receiver::from(OwnedHandle::from(opened.input));
    let output = stream::Sender::from(OwnedHandle::from(opened.output));

    let mut events = EventLoop::new()?;
    let mut relay = Relay::new(input, output, &mut events)?;
    events.add(&env.system, Source::System)?;
    env.system.crash_start(0, true)?;
    loop {
        let mut asks_again = false;
        let joined = match events.next()? {
            Event::Message(from, Message::StreamReceiver(message)) => match message {
                stream::ToReceiver::Data(data) => {
                    relay.came(from, data.bytes);
                    None
                }
                stream::ToReceiver::Join(join) => Some((from, join.stream)),
            },
            Event::Message(from, Message::StreamSender(stream::ToSender::Want(want))) => {
                relay.wanted(from, want);
                None
            }
            Event::Message(Source::Job, Message::Running(ended)) => {
                let launcher::running::ToOwner::Ended(ended) = ended;
                relay.ended(ended.status);
                None
            }
            Event::Message(Source::System, Message::System(system::ToClient::Crash(_, result))) => {
                if let Ok(crash) = result {
                    relay.crashed(&crash);
                    // Asked for the next one outside of the event, which holds the answer.
                    asks_again = true;
                }
                None
            }
            Event::Closed(from) => {
                if let Some(status) = relay.closed(from, &mut events)? {
                    return Ok(status as usize);
                }
                None
            }
            Event::Writable(_) => None,
            Event::Shutdown => {
                if !relay.terminate() {
                    return Ok(1);
                }
                None
            }
            other => {
                warn!("unexpected: {other:?}");
                None
            }
        };
        if let Some((from, stream)) = joined {
            relay.joined(from, stream, &mut events)?;
        }
        if asks_again {
            env.system.crash_start(relay.crashes(), true)?;
        }
        if relay.is_over() {
            // Before the status, which is the last word: what init was not asked for yet.
            while let Ok(crash) = env.system.crash(relay.crashes(), false) {
                relay.crashed(&crash);
            }
        }
        match relay.pump(&mut events) {
            Side::Run(commands) => relay.run(
                &commands,
                &env.settings.shell,
                &mut env.launcher,
                &mut events,
            )?,
            Side::Nothing => {}
        }
    }
}

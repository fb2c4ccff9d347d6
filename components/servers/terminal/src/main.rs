//! Makes a terminal of a serial port.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;

mod desk;
mod keyboard;
mod screen;
#[rustfmt::skip]
mod spec;

use desk::Desk;
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The driver.
    Ports,
    /// What is typed, who takes what is shown, and lines of the log.
    Typed,
    Shown,
    Log,
    /// A component that needs a terminal, and a client that was made by `share`.
    Client(Connection),
    Shared(u32),
    /// Streams of clients.
    Input(u32),
    Output(u32),
    Notices,
    /// The answer about the window's size has not come for too long.
    Patience,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.ports, Source::Ports)?;
    events.add_each(env.terminal, Source::Client)?;
    let patience = events.timer(Source::Patience);
    let mut desk = Desk::new(patience);
    let open = || {
        let console = env.ports.open_start(env.settings.port.as_str()).ok();
        let log = env.ports.open_start(env.settings.log.as_str()).ok();
        (console, log)
    };
    let mut opening = open();
    loop {
        desk.pump(&mut events);
        match events.next()? {
            Event::Message(
                Source::Ports,
                Message::Ports(ports::ToClient::Open(transaction, result)),
            ) => match result {
                Ok(port) if Some(transaction) == opening.0 => {
                    desk.port_opened(port, &mut events)?;
                }
                Ok(port) if Some(transaction) == opening.1 => {
                    desk.log_opened(port, &mut events)?;
                }
                Err(error) if Some(transaction) == opening.0 => {
                    error!("cannot open the port `{}`: {error:?}", env.settings.port);
                }
                // A device without a log.
                _ => {}
            },
            Event::Restarted(Source::Ports) => opening = open(),
            Event::Message(Source::Client(client), Message::Terminal(message)) => {
                desk.asked(Source::Client(client), message, &mut events)?;
            }
            Event::Message(Source::Shared(client), Message::Terminal(message)) => {
                desk.asked(Source::Shared(client), message, &mut events)?;
            }
            Event::Message(from, Message::StreamReceiver(stream::ToReceiver::Data(data))) => {
                let heard = desk.came(from, data.bytes);
                desk.heard(heard, &events)?;
            }
            Event::Message(from, Message::StreamReceiver(stream::ToReceiver::Join(join))) => {
                let stream = join.stream;
                desk.joined(from, stream, &mut events)?;
            }
            Event::Message(from, Message::StreamSender(stream::ToSender::Want(want))) => {
                desk.wanted(from, want);
            }
            Event::Timer(Source::Patience) => desk.give_up_size()?,
            Event::Connected(Source::Client(client)) => desk.connected(client),
            Event::Closed(from) => desk.closed(from, &mut events)?,
            Event::Writable(_) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

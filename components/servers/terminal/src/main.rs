//! Makes a terminal of a serial port.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;

mod line;
#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use interfaces::desk::Seat;
use line::Line;
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
    /// A component that needs a terminal.
    Client(Connection),
    /// Other clients, and the streams of all of them.
    Desk(Seat),
    /// The answer about the window's size has not come for too long.
    Patience,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.ports, Source::Ports)?;
    events.add_each(env.terminal, Source::Client)?;
    let patience = events.timer(Source::Patience);
    let mut line = Line::new(patience);
    let open = || {
        let console = env.ports.open_start(env.settings.port.as_str()).ok();
        let log = match env.settings.log.as_str() {
            "" => None,
            log => env.ports.open_start(log).ok(),
        };
        (console, log)
    };
    let mut opening = open();
    let mut is_ending = false;
    loop {
        line.pump(&mut events);
        if is_ending && line.has_shown_all() {
            return Ok(());
        }
        match events.next()? {
            Event::Message(
                Source::Ports,
                Message::Ports(ports::ToClient::Open(transaction, result)),
            ) => match result {
                Ok(port) if Some(transaction) == opening.0 => {
                    line.port_opened(port, &mut events)?;
                }
                Ok(port) if Some(transaction) == opening.1 => {
                    line.log_opened(port, &mut events)?;
                }
                Err(error) if Some(transaction) == opening.0 => {
                    error!("cannot open the port `{}`: {error:?}", env.settings.port);
                }
                // A device without a log.
                _ => {}
            },
            Event::Restarted(Source::Ports) => opening = open(),
            Event::Message(from, Message::Terminal(message)) => {
                line.asked(from, message, &mut events)?;
            }
            Event::Message(from, Message::StreamReceiver(stream::ToReceiver::Data(data))) => {
                let heard = line.came(from, data.bytes);
                line.heard(heard, &events)?;
            }
            Event::Message(from, Message::StreamReceiver(stream::ToReceiver::Join(join))) => {
                let stream = join.stream;
                line.joined(from, stream, &mut events)?;
            }
            Event::Message(from, Message::StreamSender(stream::ToSender::Want(want))) => {
                line.wanted(from, want);
            }
            Event::Timer(Source::Patience) => line.give_up_size()?,
            Event::Connected(Source::Client(client)) => line.connected(client),
            Event::Closed(from) => {
                line.closed(from, &mut events)?;
                // Whoever sat at the other side has left: the port is there again when somebody comes. If it was the
                // driver, nobody is asked, and its next life is.
                if from == Source::Typed && !line.is_open() {
                    opening.0 = env.ports.open_start(env.settings.port.as_str()).ok();
                }
            }
            Event::Writable(_) => {}
            // Those who printed have ended; what they printed is still shown.
            Event::Shutdown => is_ending = true,
            other => warn!("unexpected: {other:?}"),
        }
    }
}

//! Answers `ping` with the next number. The smallest server there is.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Client,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(env.ping, Source::Client)?;
    loop {
        match events.next()? {
            Event::Message(Source::Client, Message::Ping(ping::ToServer::Ping(request, reply))) => {
                match request.value.checked_add(1) {
                    Some(next) => reply.ok(next)?,
                    None => reply.error(Error::InvalidArgument)?,
                }
            }
            Event::Closed(source) => debug!("{source:?} left"),
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

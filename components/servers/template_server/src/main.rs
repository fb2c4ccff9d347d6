//! Keeps a sum.
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
    events.add(env.template_server, Source::Client)?;
    let mut sum = Sum::default();
    info!("ready");
    loop {
        match events.next()? {
            Event::Message(
                Source::Client,
                Message::TemplateServer(template_server::ToServer::Add(request, reply)),
            ) => match sum.add(request.value) {
                Ok(sum) => reply.ok(sum)?,
                Err(error) => reply.error(error)?,
            },
            Event::Closed(source) => debug!("{source:?} left"),
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

/// What was added so far.
#[derive(Default)]
struct Sum(u64);

impl Sum {
    /// Adds a number; one that does not fit changes nothing.
    fn add(&mut self, value: u64) -> Result<u64> {
        self.0 = self.0.checked_add(value).ok_or(Error::InvalidArgument)?;
        Ok(self.0)
    }
}

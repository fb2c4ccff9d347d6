//! Greets once a second.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;

use ftl::String;
use ftl::prelude::*;

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Tick,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    let tick = events.timer(Source::Tick);
    tick.set_every(Duration::from_secs(1));
    let mut seconds = 0;
    loop {
        match events.next()? {
            Event::Timer(Source::Tick) => {
                seconds += 1;
                info!("{}", line(&env.settings.greeting, seconds));
            }
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

/// What to say after so many seconds.
fn line(greeting: &str, seconds: u64) -> String {
    format!("{greeting}, for {seconds} s now")
}

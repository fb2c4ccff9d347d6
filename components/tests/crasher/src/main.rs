//! Crashes in its first lives, and answers pings in later ones.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;

#[rustfmt::skip]
mod spec;

use spec::*;

#[derive(Clone, Copy, Debug)]
enum Source {
    Client,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let life = env.state.first().map_or(1, |before| u32::from(*before) + 1);
    info!("life {life}");
    let mut events = EventLoop::new()?;
    events.add(env.ping, Source::Client)?;
    ftl::bootstrap::save_state(&[life as u8])?;
    // What was said last must be heard, even if the end follows at once.
    assert!(life > env.settings.crashes, "this was life {life}");
    loop {
        match events.next()? {
            Event::Message(Source::Client, Message::Ping(ping::ToServer::Ping(request, reply))) => {
                reply.ok(request.value + 1)?
            }
            Event::Closed(Source::Client) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

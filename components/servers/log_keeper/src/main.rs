//! Keeps the log on disk.
//!
//! The log itself needs no files (rule 19): here somebody reads it from time to time, as the command `log` does,
//! and writes down what is new.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;
use interfaces::files::Dir;

mod keeper;
mod kernel_log;
#[rustfmt::skip]
mod spec;

use keeper::Keeper;
use spec::*;

#[derive(Clone, Copy, Debug)]
enum Source {
    Files,
    System,
    Clock,
    Look,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.fs, Source::Files)?;
    events.add(&env.system, Source::System)?;
    if let Some(clock) = &env.clock {
        events.add(clock, Source::Clock)?;
    }
    let look = events.timer(Source::Look);
    look.set_every(Duration::from_secs(env.settings.seconds.into()));
    let unix_ns = env.clock.as_mut().and_then(|clock| clock.now().ok());
    let mut keeper = Keeper::new(Dir::new(env.fs), env.settings, unix_ns);
    keeper.look(&mut env.system);
    loop {
        match events.next()? {
            Event::Timer(Source::Look) | Event::Restarted(Source::Files) => {
                keeper.look(&mut env.system);
            }
            Event::Shutdown => {
                keeper.look(&mut env.system);
                return Ok(());
            }
            Event::Closed(_) | Event::Restarted(_) | Event::Writable(_) => {}
            other => warn!("unexpected: {other:?}"),
        }
    }
}

//! Counts how often a system wakes up that has nothing to do: how often the kernel puts a thread on a CPU.
//! Its own wake-ups are not counted.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;

#[rustfmt::skip]
mod spec;

use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Timer,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    let timer = events.timer(Source::Timer);
    let mut rest = |seconds: u32| -> Result<()> {
        timer.set(Duration::from_secs(seconds.into()));
        while !matches!(events.next()?, Event::Timer(Source::Timer)) {}
        Ok(())
    };
    rest(env.settings.settle)?;
    // What asking costs is known from asking twice.
    let first = env.system.statistics()?.switches;
    let before = env.system.statistics()?.switches;
    rest(env.settings.count)?;
    let after = env.system.statistics()?.switches;
    // The timer that ended the second rest was ours, too.
    let own = before - first + 1;
    let hundredths = (after - before).saturating_sub(own) * 100 / u64::from(env.settings.count);
    let (whole, part) = (hundredths / 100, hundredths % 100);
    info!(
        "FTL-BENCH {{\"name\":\"idle_wake_ups\",\"case\":\"\",\"unit\":\"a second\",\"samples\":1,\
         \"min\":{whole}.{part:02},\"median\":{whole}.{part:02},\"max\":{whole}.{part:02}}}"
    );
    Ok(())
}

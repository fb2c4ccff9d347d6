//! Leads the tests of isolation, chaos and faults from inside the machine.
//!
//! The status is 0 if all of it held. What was measured is in lines of the log that begin with `RESULT`.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;

mod chaos;
mod faults;
mod isolation;
mod prober;
#[rustfmt::skip]
mod spec;
mod statistics;
mod trials;

use prober::Prober;
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Tcpip,
    /// The connection that a page is asked for on, with its number.
    Connection(u32),
    /// An attempt to get a page takes too long.
    Try,
    /// The time to go on.
    Tick,
    Hostile,
    Buggy,
}

/// What a plan makes of events. Each answers whether there is more to do.
trait Director {
    /// Time has passed.
    fn tick(&mut self, prober: &mut Prober) -> Result<bool>;
    /// The page that was wanted has come.
    fn served(&mut self) -> Result<bool>;
    /// An attempt has ended.
    fn answered(
        &mut self,
        _from: Source,
        _answer: trial::ToClient,
        _prober: &mut Prober,
    ) -> Result<()> {
        Ok(())
    }
    /// A component under test is back.
    fn restarted(&mut self, _from: Source, _prober: &mut Prober) {}
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.tcpip, Source::Tcpip)?;
    if let Some(hostile) = &env.hostile {
        events.add(hostile, Source::Hostile)?;
    }
    if let Some(buggy) = &env.buggy {
        events.add(buggy, Source::Buggy)?;
    }
    let port = env.settings.port;
    let first = match env.settings.hold {
        0 => port,
        hold => hold,
    };
    let mut prober = Prober::new(env.tcpip, first, events.timer(Source::Try))?;
    let tick = events.timer(Source::Tick);
    let random = seeded(env.settings.seed);
    let count = env.settings.count;
    match env.settings.plan {
        Plan::Isolation => {
            let (Some(hostile), Some(buggy)) = (env.hostile, env.buggy) else {
                error!("this plan needs `hostile` and `buggy` in the system");
                return Err(Error::NotFound);
            };
            let mut plan = isolation::Isolation::new(env.system, hostile, buggy, &env.settings);
            lead(&mut plan, &mut prober, &mut events, &tick, port)?;
            plan.report()
        }
        Plan::Chaos => {
            let mut plan = chaos::Chaos::new(env.system, &env.settings, random)?;
            lead(&mut plan, &mut prober, &mut events, &tick, port)?;
            plan.report()
        }
        Plan::Faults => {
            let mut plan = faults::Faults::new(env.system, count)?;
            lead(&mut plan, &mut prober, &mut events, &tick, port)?;
            plan.report()
        }
    }
}

fn seeded(seed: u64) -> Random {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Random::from_seed(bytes)
}

/// How long after one tick the next one comes. On a machine that cannot keep up they come later rather
/// than all the time.
const TICK: Duration = Duration::from_millis(1);

/// Hands events to the plan until it is done. At each tick it looks for what is to be found only by asking init
/// again and again. After the first page all others come from `port`.
fn lead(
    plan: &mut impl Director,
    prober: &mut Prober,
    events: &mut EventLoop<Source>,
    tick: &Timer,
    port: u16,
) -> Result<()> {
    tick.set(TICK);
    prober.begin()?;
    prober.want();
    loop {
        match events.next()? {
            Event::Message(Source::Tcpip, Message::Tcpip(message)) => prober.tcpip(message)?,
            Event::Message(Source::Connection(number), Message::TcpConnection(_))
            | Event::Closed(Source::Connection(number)) => prober.connection(number),
            Event::Closed(Source::Tcpip) => prober.tcpip_gone(),
            Event::Restarted(Source::Tcpip) => prober.begin()?,
            Event::Timer(Source::Try) => prober.expired(),
            Event::Timer(Source::Tick) => {
                if !plan.tick(prober)? {
                    return Ok(());
                }
                tick.set(TICK);
            }
            Event::Message(from, Message::Trial(answer)) => plan.answered(from, answer, prober)?,
            Event::Restarted(from) => plan.restarted(from, prober),
            Event::Closed(_) | Event::Writable(_) => {}
            Event::Shutdown => return Err(Error::Cancelled),
            other => warn!("unexpected: {other:?}"),
        }
        prober.introduce(events)?;
        if prober.take_served() {
            prober.aim(port);
            if !plan.served()? {
                return Ok(());
            }
        }
    }
}

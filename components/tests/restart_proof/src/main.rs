//! Has init kill `pong` again and again while it calls it. The status is 0 if all of it held, and if nothing
//! that the kernel counts is more or less than before.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;

#[rustfmt::skip]
mod spec;

use spec::*;

/// Kills in each part before anything is counted: tables grow to the size that they need, and stay so.
const WARM_UP: u32 = 25;
/// Counts that are the same so often in a row, a millisecond apart, stand still.
const LOOKS_STILL: u32 = 20;
/// After so many looks they will not change any more.
const LOOKS_MAX: u32 = 2_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Pong,
    System,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let rounds = env.settings.rounds;
    waiting(&mut env, rounds)?;
    with_events(&mut env, rounds)?;
    let pong = pong(&mut env)?;
    let expected = 2 * (WARM_UP + rounds);
    if pong.0 != system::State::Running || pong.1 != expected {
        error!(
            "pong is {:?} after {} restarts instead of {expected}",
            pong.0, pong.1
        );
        return Err(Error::InvalidData);
    }
    Ok(())
}

/// What the kernel has in use: free pages, and how many there are of each kind of object.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counts {
    pages_free: u64,
    handles: u64,
    processes: u64,
    threads: u64,
    channels: u64,
    folios: u64,
    queues: u64,
    sources: u64,
    mappings: u64,
    timers: u64,
    doorbells: u64,
}

impl Counts {
    fn now(env: &mut Environ) -> Result<Counts> {
        let found = env.system.statistics()?;
        Ok(Counts {
            pages_free: found.pages_free,
            handles: found.handles,
            processes: found.processes,
            threads: found.threads,
            channels: found.channels,
            folios: found.folios,
            queues: found.queues,
            sources: found.sources,
            mappings: found.mappings,
            timers: found.timers,
            doorbells: found.doorbells,
        })
    }
}

/// Each life of pong must give back all that it had.
fn check_lost(env: &mut Environ, rounds: u32, before: Counts) -> Result<()> {
    let after = settled(env, Some(before))?;
    if after != before {
        error!("{before:?} became {after:?}");
        return Err(Error::MemoryLimit);
    }
    info!("before and after {rounds} restarts there were {before:?}");
    Ok(())
}

/// The counts, once they stand still: the last life is taken apart while the next one runs. They are waited for, for a
/// while, if it is known what they should be.
fn settled(env: &mut Environ, expected: Option<Counts>) -> Result<Counts> {
    let (mut last, mut still) = (Counts::now(env)?, 0);
    for _ in 0..LOOKS_MAX {
        if expected == Some(last) || expected.is_none() && still == LOOKS_STILL {
            break;
        }
        ftl::time::sleep(Duration::from_millis(1));
        let now = Counts::now(env)?;
        still = if now == last { still + 1 } else { 0 };
        last = now;
    }
    Ok(last)
}

/// Without an event loop: a call that may be repeated is, and nobody notices the kill.
fn waiting(env: &mut Environ, rounds: u32) -> Result<()> {
    let kill = |env: &mut Environ, rounds: u32| -> Result<()> {
        for round in 0..u64::from(rounds) {
            env.system.kill("pong")?;
            check(round, env.ping.ping(round)?)?;
        }
        Ok(())
    };
    kill(env, WARM_UP)?;
    let before = settled(env, None)?;
    kill(env, rounds)?;
    check_lost(env, rounds, before)
}

/// With one: the call under way ends with `PeerRestarted`, then `Closed` comes, then `Restarted`.
fn with_events(env: &mut Environ, rounds: u32) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.ping, Source::Pong)?;
    events.add(&env.system, Source::System)?;
    let mut before = None;
    for round in 0..WARM_UP + rounds {
        if round == WARM_UP {
            before = Some(settled(env, None)?);
        }
        let kill = env.system.kill_start("pong")?;
        let mut pending = match env.ping.ping_start(round.into()) {
            Ok(transaction) => Some(transaction),
            // Init was faster than this.
            Err(Error::PeerRestarted) => None,
            Err(error) => return Err(error),
        };
        let (mut killed, mut closed, mut restarted) = (false, false, false);
        while !(killed && closed && restarted && pending.is_none()) {
            match events.next()? {
                Event::Message(
                    Source::Pong,
                    Message::Ping(ping::ToClient::Ping(transaction, result)),
                ) => {
                    if pending.take() != Some(transaction) {
                        error!("a call ended twice");
                        return Err(Error::UnexpectedReply);
                    }
                    match result {
                        // It was faster than the kill.
                        Ok(next) => check(round.into(), next)?,
                        Err(Error::PeerRestarted) if !closed => {}
                        Err(error) => return Err(error),
                    }
                }
                Event::Message(
                    Source::System,
                    Message::System(system::ToClient::Kill(transaction, result)),
                ) => {
                    killed = transaction == kill;
                    result?;
                }
                Event::Closed(Source::Pong) => closed = true,
                Event::Restarted(Source::Pong) if closed => restarted = true,
                other => {
                    error!("unexpected: {other:?}");
                    return Err(Error::Internal);
                }
            }
        }
        check(7, env.ping.ping(7)?)?;
    }
    check_lost(env, rounds, before.ok_or(Error::Internal)?)
}

/// What init says about pong: its state, and how often it was restarted.
fn pong(env: &mut Environ) -> Result<(system::State, u32)> {
    let answer = env.system.components(0)?;
    let pong = answer
        .components
        .iter()
        .find(|component| component.name == "pong");
    pong.map(|pong| (pong.state, pong.restarts))
        .ok_or(Error::NotFound)
}

fn check(asked: u64, answer: u64) -> Result<()> {
    if answer == asked + 1 {
        Ok(())
    } else {
        Err(Error::InvalidData)
    }
}

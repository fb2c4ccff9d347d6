//! Has init kill `pong` again and again while it calls it. The status is 0 if all of it held.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;

#[rustfmt::skip]
mod spec;

use spec::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Pong,
    System,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    waiting(&mut env)?;
    let pages = env.system.statistics()?.pages_free;
    with_events(&mut env)?;
    let after = env.system.statistics()?;
    info!(
        "free pages {pages} before the second part, {} after",
        after.pages_free
    );
    let pong = pong(&mut env)?;
    let expected = 2 * env.settings.rounds;
    if pong.0 != system::State::Running || pong.1 != expected {
        error!(
            "pong is {:?} after {} restarts instead of {expected}",
            pong.0, pong.1
        );
        return Err(Error::InvalidData);
    }
    // Each life of pong must give back all that it had.
    if after.pages_free < pages {
        error!("{} pages were lost", pages - after.pages_free);
        return Err(Error::MemoryLimit);
    }
    Ok(())
}

/// Without an event loop: a call that may be repeated is, and nobody notices the kill.
fn waiting(env: &mut Environ) -> Result<()> {
    for round in 0..u64::from(env.settings.rounds) {
        env.system.kill("pong")?;
        check(round, env.ping.ping(round)?)?;
    }
    Ok(())
}

/// With one: the call under way ends with `PeerRestarted`, then `Closed` comes, then `Restarted`.
fn with_events(env: &mut Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.ping, Source::Pong)?;
    events.add(&env.system, Source::System)?;
    for round in 0..env.settings.rounds {
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
    Ok(())
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

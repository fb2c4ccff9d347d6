//! Calls `ping` again and again, in both forms that a call has, and says how long it took.
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
    Pong,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let rounds = env.settings.rounds;

    // The form that waits: simple, for a component that has nothing else to do meanwhile.
    let begin = Instant::now();
    for value in 0..u64::from(rounds) {
        check(value, env.ping.ping(value)?)?;
    }
    info!(
        "{rounds} calls that wait: {:?} each",
        begin.elapsed() / rounds
    );

    // The form whose answer is an event: the component hears everything else meanwhile.
    let mut events = EventLoop::new()?;
    events.add(&env.ping, Source::Pong)?;
    let begin = Instant::now();
    let mut value = 0;
    let mut pending = env.ping.ping_start(value)?;
    while value < u64::from(rounds) {
        match events.next()? {
            Event::Message(
                Source::Pong,
                Message::Ping(ping::ToClient::Ping(transaction, result)),
            ) => {
                if transaction != pending {
                    return Err(Error::UnexpectedReply);
                }
                match result {
                    Ok(next) => {
                        check(value, next)?;
                        value = next;
                    }
                    // It was killed meanwhile; `Restarted` tells when to go on.
                    Err(Error::PeerRestarted) => continue,
                    Err(error) => return Err(error),
                }
                pending = env.ping.ping_start(value)?;
            }
            Event::Closed(Source::Pong) => info!("pong is gone"),
            Event::Restarted(Source::Pong) => {
                info!("pong is back");
                pending = env.ping.ping_start(value)?;
            }
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
    info!(
        "{rounds} calls with events: {:?} each",
        begin.elapsed() / rounds
    );
    Ok(())
}

fn check(asked: u64, answer: u64) -> Result<()> {
    if answer == asked + 1 {
        Ok(())
    } else {
        Err(Error::InvalidData)
    }
}

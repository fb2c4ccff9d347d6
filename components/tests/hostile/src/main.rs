//! Attacks the kernel in every way that a component has. See `interfaces/trial.yml` for the list.
//!
//! This is the one component with `unsafe` code: an attacker has no reason to do without. Each block's
//! argument is the same: whatever it breaks is this component's own, or else the kernel has failed the test.
#![no_std]
#![cfg_attr(not(test), no_main)]

extern crate alloc;

use ftl::prelude::*;

mod calls;
mod memory;
mod objects;
mod random;
mod registers;
#[rustfmt::skip]
mod spec;
mod storm;

use spec::*;
use trial::Attack;

#[derive(Clone, Copy, Debug)]
enum Source {
    Client,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(env.trial, Source::Client)?;
    loop {
        match events.next()? {
            Event::Message(
                Source::Client,
                Message::Trial(trial::ToServer::Attack(request, reply)),
            ) => {
                let done = attack(request.attack, request.seed, request.count);
                // Attacks leave anything in the send page; the answer is written only now.
                reply.ok(done)?;
            }
            Event::Message(Source::Client, Message::Trial(trial::ToServer::Make(_, reply))) => {
                reply.error(Error::Unsupported)?
            }
            Event::Closed(Source::Client) | Event::Writable(Source::Client) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

/// Makes one attack; most never come back.
fn attack(attack: Attack, seed: u64, count: u32) -> u64 {
    match attack {
        Attack::Read => memory::read(seed),
        Attack::Write => memory::write(seed),
        Attack::Jump => memory::jump(seed),
        Attack::ReadAt => memory::read_at(seed as usize),
        Attack::WriteAt => memory::write_at(seed as usize),
        Attack::JumpAt => memory::call_at(seed as usize),
        Attack::WriteCode => memory::write_code(),
        Attack::RunData => memory::run_data(seed),
        Attack::RunAnywhere => memory::run_anywhere(seed),
        Attack::Registers => registers::spy(count),
        Attack::Storm => storm::storm(seed, count),
        Attack::Forge => objects::forge(seed, count),
        Attack::Stale => objects::stale(count),
        Attack::Rights => objects::rights(),
        Attack::Circles => objects::circles(),
        Attack::Fill => objects::fill(),
        Attack::Map => objects::map(count),
        Attack::Unmapped => memory::unmapped(count),
        Attack::Hoard => objects::hoard(),
        Attack::Threads => objects::threads(),
        Attack::Processes => objects::processes(),
        Attack::Overflow => memory::recurse(1),
        Attack::Leap => memory::leap(core::hint::black_box(5)),
        Attack::Spin => loop {
            core::hint::spin_loop();
        },
        Attack::Sleep => objects::sleep(),
        Attack::Exit => ftl::sys::process_exit(0),
        Attack::Feign => ftl::sys::process_exit(ftl::abi::ProcessState::EXIT_KILLED),
        Attack::Babble => objects::babble(seed, count),
    }
}

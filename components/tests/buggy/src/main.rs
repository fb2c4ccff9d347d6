//! Makes the mistake that its client asks for.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;
use core::hint::black_box;

use ftl::prelude::*;

#[rustfmt::skip]
mod spec;

use spec::*;
use trial::Bug;

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
                Message::Trial(trial::ToServer::Make(request, reply)),
            ) => {
                if request.bug == Bug::Leave {
                    // Nothing is tidied up, so nobody is told but by the end itself.
                    ftl::sys::process_exit(0);
                }
                if request.bug == Bug::ReadWild {
                    let found = wild::read_kernel(request.address as usize);
                    info!("at {:#x} lies {found:#x}", request.address);
                    reply.ok()?;
                    continue;
                }
                if request.bug == Bug::Forget {
                    forget(reply);
                    continue;
                }
                make(request.bug);
            }
            Event::Message(Source::Client, Message::Trial(trial::ToServer::Attack(_, reply))) => {
                reply.error(Error::Unsupported)?
            }
            Event::Closed(Source::Client) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

/// Drops the request in a function of its own, whose line the log is to name.
#[inline(never)]
fn forget(request: impl Sized) {
    drop(request);
    black_box(());
}

fn make(bug: Bug) {
    match bug {
        Bug::Panic => panic!("asked to panic"),
        Bug::Index => {
            let numbers = [1, 2, 3];
            let index = black_box(3);
            info!("beyond the end lies {}", numbers[index]);
        }
        Bug::Divide => {
            let zero = black_box(0);
            info!("1 / 0 is {}", 1 / zero);
        }
        Bug::ReadNull => {
            let found = wild::read(0);
            info!("at null lies {found}");
        }
        Bug::WriteNull => wild::write(16, 1),
        Bug::Overflow => {
            recurse(1);
        }
        Bug::Leap => {
            let byte = leap(black_box(5));
            info!("a frame of 200 KiB held {byte}");
        }
        Bug::Spin => loop {
            core::hint::spin_loop();
        },
        // A thousand years.
        Bug::Sleep => ftl::time::sleep(Duration::from_secs(1_000 * 366 * 86_400)),
        Bug::Exhaust => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(Vec::with_capacity(black_box(16 << 10)));
            }
        }
        Bug::Forget | Bug::Leave | Bug::ReadWild => {}
    }
}

#[inline(never)]
#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let block = black_box([depth; 64]);
    recurse(depth + 1) + block[(depth % 64) as usize]
}

/// One frame of 200 KiB: longer than the stack, and touched at its far end first.
#[inline(never)]
fn leap(at: usize) -> u8 {
    let mut block = [0u8; 200 << 10];
    black_box(&mut block)[at] = 1;
    block[at]
}

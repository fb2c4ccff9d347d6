//! How much more gets done on more CPUs: pairs of a client and a server that call each other, one pair, then
//! two, and so on, each for the same time. Time is real here, so only the ratios within one run mean
//! anything.

use alloc::vec::Vec;

use abi::{EventKind, Handle, Isolation};
use ftl::prelude::*;
use ftl::sys::{self, NO_HANDLES};

use crate::director::Starter;
use crate::options::Options;
use crate::protocol::{
    ECHO, FOREVER, LOOPER, SERVER, isolation_name, receive_begin, reply, request,
};
use crate::samples::Samples;

const DIRECTOR: usize = 1;
/// What the director asks a client for.
const RUN: u32 = 4;
/// How long all pairs run.
const LENGTH: Duration = Duration::from_millis(200);
/// Between asking for it and the beginning, so that all begin together.
const LEAD: Duration = Duration::from_millis(5);
/// How often each number of pairs is measured.
const ROUNDS: usize = 5;
/// Steps of computing before each call, in the two kinds of work.
const KINDS: [(&str, u64); 2] = [("scale_calls", 0), ("scale_work", 20_000)];

/// Measures up to as many pairs as there are CPUs.
pub fn measure(starter: &Starter, options: &Options, cpus: usize) -> Result<()> {
    let isolation = Isolation::User;
    let mut pairs = Vec::new();
    for _ in 0..cpus {
        let (near, far) = sys::channel_create(4, 64)?;
        let given = |handle| [handle, Handle::NONE, Handle::NONE, Handle::NONE];
        let server = starter.begin(SERVER, isolation, "", given(far))?;
        let client = starter.begin(LOOPER, isolation, "", given(near))?;
        pairs.push((server, client));
    }
    let queue = sys::queue_create()?;
    for (_, (_, channel)) in &pairs {
        sys::queue_attach(queue, *channel, 1)?;
    }
    for (name, work) in KINDS {
        if !options.wants(name) {
            continue;
        }
        for count in 1..=pairs.len() {
            let mut samples = Samples::default();
            for _ in 0..ROUNDS {
                samples.push(round(queue, &pairs[..count], work)?);
            }
            samples.report_as(
                &alloc::format!("{name}_{count}"),
                isolation_name(isolation),
                "calls a second",
            );
        }
    }
    Ok(())
}

type Part = (Handle, Handle);

/// Has some pairs run at the same time; answers with all their calls a second.
fn round(queue: Handle, pairs: &[(Part, Part)], work: u64) -> Result<u64> {
    let begin = Instant::now() + LEAD;
    let mut body = [0; 24];
    let end = begin + LENGTH;
    for (place, word) in body
        .chunks_exact_mut(8)
        .zip([begin.as_nanos(), end.as_nanos(), work])
    {
        place.copy_from_slice(&word.to_le_bytes());
    }
    for (number, (_, (_, channel))) in pairs.iter().enumerate() {
        ftl::buffer::write_send(&body);
        sys::send(*channel, request(RUN, body.len(), 0), number, NO_HANDLES)?;
    }
    let mut calls = 0;
    for _ in pairs {
        let event = sys::wait(queue, FOREVER)?;
        if event.kind != EventKind::Message {
            return Err(Error::Closed);
        }
        let mut count = [0; 8];
        ftl::buffer::read_received(&mut count);
        calls += u64::from_le_bytes(count);
    }
    Ok(calls * 1000 / LENGTH.as_millis() as u64)
}

/// The client of a pair: calls until the time is over, whenever it is asked to.
pub fn run(director: Handle) -> Result<()> {
    let queue = sys::queue_create()?;
    let (_, begin) = receive_begin(queue, director, DIRECTOR)?;
    let server = begin.handles[0];
    loop {
        let event = sys::wait(queue, FOREVER)?;
        if event.kind != EventKind::Message {
            return Ok(());
        }
        let mut body = [0; 24];
        ftl::buffer::read_received(&mut body);
        let word = |at: usize| {
            body[at..]
                .first_chunk()
                .map_or(0, |word| u64::from_le_bytes(*word))
        };
        let (begin, end, work) = (word(0), word(8), word(16));
        while Instant::now().as_nanos() < begin {}
        let mut calls = 0u64;
        while Instant::now().as_nanos() < end {
            for step in 0..work {
                core::hint::black_box(step);
            }
            sys::call_and_wait(server, request(ECHO, 0, 0), 1, NO_HANDLES, FOREVER)?;
            calls += 1;
        }
        ftl::buffer::write_send(&calls.to_le_bytes());
        sys::send(director, reply(RUN, 8, 0), event.transaction, NO_HANDLES)?;
    }
}

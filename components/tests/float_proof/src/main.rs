//! Boots in the place of init and proves rule 3: a thread finds its floating-point registers as
//! it left them, however it left the CPU and to whichever it comes back.
//!
//! Several workers under each isolation compute the same thing again and again, each from its own
//! start, with many values in registers: long enough to be preempted in the middle, and with
//! calls in between that let others run. More workers than CPUs, so all of them move. A result
//! that differs from the first one ends its worker with status 1.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use abi::{EventKind, Handle, Isolation, Name, PAGE_SIZE, ProcessParams, StartInfo};
use ftl::prelude::*;
use ftl::sys;

const WORKERS: usize = 3;
const REPEATS: usize = 6;
const STEPS: usize = 12_000;
const FOREVER: usize = usize::MAX;

#[ftl::main]
fn main(info: &'static StartInfo) -> Result<()> {
    match info.name.as_str().strip_prefix("worker") {
        Some(number) if work(number.parse().unwrap_or(0)) => Ok(()),
        Some(_) => Err(Error::InvalidData),
        None => {
            let status = match prove(info) {
                Ok(0) => 0,
                Ok(wrong) => {
                    error!("{wrong} workers got other results");
                    1
                }
                Err(error) => {
                    error!("the proof failed: {error}");
                    1
                }
            };
            sys::system_shutdown(info.system, status)
        }
    }
}

/// Computes the same twice and more; whether it always came out the same.
fn work(number: usize) -> bool {
    let start = number as f64 * 0.011 + 0.1;
    let expected = chaos(start, STEPS);
    let expected_with_calls = chaos_with_calls(start);
    (0..REPEATS)
        .all(|_| chaos(start, STEPS) == expected && chaos_with_calls(start) == expected_with_calls)
}

/// Twelve coupled sequences in which the smallest difference grows: if one bit of one register
/// is wrong once, the result is. Compilers keep them in registers, some of them in those that a
/// called function must preserve.
#[inline(never)]
fn chaos(start: f64, steps: usize) -> [u64; 12] {
    let mut x: [f64; 12] = core::array::from_fn(|i| start + i as f64 * 0.05);
    for _ in 0..steps {
        step(&mut x);
    }
    x.map(f64::to_bits)
}

/// The same, with a call to the kernel between steps.
#[inline(never)]
fn chaos_with_calls(start: f64) -> [u64; 12] {
    let mut x: [f64; 12] = core::array::from_fn(|i| start + i as f64 * 0.05);
    for _ in 0..50 {
        step(&mut x);
        // A refusal would show as nobody else having run, which is no fault of the registers.
        let _ = sys::yield_now();
    }
    x.map(f64::to_bits)
}

#[inline(always)]
fn step(x: &mut [f64; 12]) {
    let first = x[0];
    for i in 0..12 {
        let next = if i == 11 { first } else { x[i + 1] };
        // The logistic map at 3.9, mixed with its neighbour; stays between 0 and 1.
        x[i] = 0.95 * (3.9 * x[i] * (1.0 - x[i])) + 0.05 * next;
    }
}

/// Runs all workers; says how many got it wrong.
fn prove(info: &'static StartInfo) -> Result<usize> {
    let queue = sys::queue_create()?;
    let mut count = 0;
    for isolation in [Isolation::Kernel, Isolation::User] {
        for number in 0..WORKERS {
            let process = start(info, number, isolation)?;
            sys::queue_attach(queue, process, count)?;
            count += 1;
        }
    }
    // Init uses floating point as well, in the middle of all that.
    let mut wrong = usize::from(!work(99));
    for _ in 0..count {
        let event = sys::wait(queue, FOREVER)?;
        if event.kind != EventKind::Exited || event.data != 0 {
            error!("worker {} ended with status {}", event.key, event.data);
            wrong += 1;
        }
    }
    info!("{count} workers, {REPEATS} repeats each, {wrong} wrong");
    Ok(wrong)
}

fn start(info: &StartInfo, number: usize, isolation: Isolation) -> Result<Handle> {
    const NAMES: [&str; WORKERS] = ["worker1", "worker2", "worker3"];
    let params = ProcessParams {
        name: Name::new(NAMES[number]),
        isolation: isolation as u32,
        priority: 4,
        memory_pages_max: 1024,
        handles_max: 16,
        threads_max: 1,
        heap_len: 64 << 10,
        stack_len: 64 << 10,
        cpu_share_percent: 90,
        messages_max: 1 << 20,
    };
    let process = sys::process_create(info.system, &params)?;
    // This very image: the archive has one entry, which begins at the second page, as images begin at pages.
    let (offset, len) = (PAGE_SIZE, info.archive_len as usize - PAGE_SIZE);
    while sys::process_load(process, info.archive, offset, len) == Err(Error::Again) {}
    sys::process_start(process, Handle::NONE)?;
    Ok(process)
}

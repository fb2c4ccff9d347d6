//! Reads the clock that keeps time while the machine is off.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;
use virtio::Registers;

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

// Source: QEMU, hw/rtc/goldfish_rtc.c. Reading the low half latches the high one.
const TIME_LOW: usize = 0x00;
const TIME_HIGH: usize = 0x04;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Interrupt,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let registers = env.device.registers(0)?;
    info!("{} s since 1970", now(&registers).as_secs());
    let interrupt = env.device.interrupt(0)?;
    let mut events = EventLoop::new()?;
    events.add(&interrupt, Source::Interrupt)?;
    loop {
        match events.next()? {
            Event::Interrupt(Source::Interrupt, _) => interrupt.ack()?,
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

/// The time since 1 January 1970, UTC.
fn now(registers: &impl Registers) -> Duration {
    let low = registers.read32(TIME_LOW);
    let high = registers.read32(TIME_HIGH);
    Duration::from_nanos(u64::from(high) << 32 | u64::from(low))
}

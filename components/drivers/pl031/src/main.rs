//! Tells the time of the PL031 real-time clock, after "PrimeCell Real Time Clock (PL031) Technical
//! Reference Manual r1p3" (Arm DDI 0224), chapter 3.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;
use virtio::Registers;

#[rustfmt::skip]
mod spec;

use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Client,
}

/// `RTCDR`: seconds since 1970.
const DATA: usize = 0;
const SECOND: u64 = 1_000_000_000;

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let registers = env.device.registers(0)?;
    let mut clock = Clock::new(&registers, Instant::now());
    info!("{} s since 1970", clock.seconds);
    let mut events = EventLoop::new()?;
    events.add(env.clock, Source::Client)?;
    loop {
        match events.next()? {
            Event::Message(Source::Client, Message::Clock(clock::ToServer::Now(reply))) => {
                reply.ok(clock.now(&registers, Instant::now()))?;
            }
            Event::Closed(source) => debug!("{source:?} left"),
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

/// The device counts whole seconds; the counter of the machine fills in what lies between.
struct Clock {
    /// What the device said last.
    seconds: u64,
    /// When it was first seen saying so.
    since: Instant,
    /// The latest answer.
    told: u64,
}

impl Clock {
    fn new(registers: &impl Registers, now: Instant) -> Clock {
        Clock {
            seconds: registers.read32(DATA).into(),
            since: now,
            told: 0,
        }
    }

    /// Nanoseconds since 1970.
    fn now(&mut self, registers: &impl Registers, now: Instant) -> u64 {
        let seconds = u64::from(registers.read32(DATA));
        if seconds != self.seconds {
            self.seconds = seconds;
            self.since = now;
        }
        // The device has not gone on yet, so less than a second has passed, whatever the counter says.
        let passed = u64::try_from(now.duration_since(self.since).as_nanos()).unwrap_or(u64::MAX);
        let time = self.seconds * SECOND + passed.min(SECOND - 1);
        self.told = self.told.max(time);
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    struct FakeClock(Cell<u32>);

    impl Registers for FakeClock {
        fn read8(&self, _: usize) -> u8 {
            unreachable!()
        }
        fn read16(&self, _: usize) -> u16 {
            unreachable!()
        }
        fn read32(&self, offset: usize) -> u32 {
            assert_eq!(offset, DATA);
            self.0.get()
        }
        fn write32(&self, _: usize, _: u32) {
            unreachable!()
        }
    }

    #[test]
    fn time_goes_on_between_seconds_and_never_back() {
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        let device = FakeClock(Cell::new(100));
        let mut clock = Clock::new(&device, at(0));
        let mut times = std::vec::Vec::new();
        for (millis, seconds) in [
            (0, 100),
            (250, 100),
            (999, 100),
            (1500, 100),
            (1600, 101),
            (1700, 101),
            (1700, 99),
        ] {
            device.0.set(seconds);
            times.push(clock.now(&device, at(millis)) / 1_000_000);
        }
        assert_eq!(
            times,
            [
                100_000, 100_250, 100_999, 100_999, 101_000, 101_100, 101_100
            ]
        );
    }

    extern crate std;
}

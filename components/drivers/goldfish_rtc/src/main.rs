//! Tells the time of the Goldfish real-time clock. The smallest driver there is.
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

/// The lower half of the time in nanoseconds. Reading it holds the upper half until that is read.
/// Source: the registers `TIME_LOW` and `TIME_HIGH` in QEMU's `hw/rtc/goldfish_rtc.c`.
const TIME_LOW: usize = 0;
const TIME_HIGH: usize = 4;

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let registers = env.device.registers(0)?;
    info!("{} s since 1970", read(&registers) / 1_000_000_000);
    let mut events = EventLoop::new()?;
    events.add(env.clock, Source::Client)?;
    loop {
        match events.next()? {
            Event::Message(Source::Client, Message::Clock(clock::ToServer::Now(reply))) => {
                reply.ok(read(&registers))?;
            }
            Event::Closed(source) => debug!("{source:?} left"),
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

/// The time in nanoseconds since 1970.
fn read(registers: &impl Registers) -> u64 {
    let low = registers.read32(TIME_LOW);
    u64::from(registers.read32(TIME_HIGH)) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    /// A clock whose upper half moves on between two reads unless it is held.
    struct FakeClock {
        time: Cell<u64>,
        held: Cell<u32>,
    }

    impl Registers for FakeClock {
        fn read8(&self, _: usize) -> u8 {
            unreachable!()
        }
        fn read16(&self, _: usize) -> u16 {
            unreachable!()
        }
        fn read32(&self, offset: usize) -> u32 {
            match offset {
                TIME_LOW => {
                    let time = self.time.replace(self.time.get() + 1);
                    self.held.set((time >> 32) as u32);
                    time as u32
                }
                TIME_HIGH => self.held.get(),
                other => panic!("there is no register {other}"),
            }
        }
        fn write32(&self, _: usize, _: u32) {
            unreachable!()
        }
    }

    #[test]
    fn the_low_half_is_read_first() {
        let clock = FakeClock {
            time: Cell::new(0x1_ffff_ffff),
            held: Cell::new(0),
        };
        assert_eq!(read(&clock), 0x1_ffff_ffff);
        assert_eq!(read(&clock), 0x2_0000_0000);
    }
}

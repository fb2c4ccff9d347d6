//! From a device's interrupt until the component that waits for it runs. The device is the machine's clock, whose alarm goes off
//! at a moment that is known: the Goldfish clock of QEMU's RISC-V machines, which is set to the nanosecond, or PL031
//! of its Arm machines. That one counts seconds, but rings a whole number of them after the alarm was set, and not
//! at the next full one. Where there is neither, nothing is measured.

use abi::{EventKind, Handle};
use ftl::handle::{AsHandle, Queue};
use ftl::prelude::*;
use ftl::sys;
use ftl::time::instructions;
use virtio::Registers;

use crate::client::{Client, repeat};
use crate::protocol::FOREVER;
use crate::samples::Samples;

/// What the figure is called.
pub const NAME: &str = "interrupt";
/// What the device tree calls the devices.
const GOLDFISH: &[u8] = b"google,goldfish-rtc";
const PL031: &[u8] = b"arm,pl031";

// Source: the registers of QEMU's `hw/rtc/goldfish_rtc.c`. The lower half of the time is read first,
// the upper half of the alarm written first.
const TIME_LOW: usize = 0x00;
const TIME_HIGH: usize = 0x04;
const ALARM_LOW: usize = 0x08;
const ALARM_HIGH: usize = 0x0c;
const INTERRUPT_ENABLED: usize = 0x10;
const CLEAR_INTERRUPT: usize = 0x1c;

// Arm DDI 0224: the registers of PL031. `CONTROL` is 1 while the clock runs; at that place Goldfish has the upper half of its
// alarm, which is 0 before there is one, and then some hundred millions.
const SECONDS: usize = 0x00;
const MATCH: usize = 0x04;
const CONTROL: usize = 0x0c;
const INTERRUPT_MASK: usize = 0x10;
const INTERRUPT_CLEAR: usize = 0x1c;
const SECOND: u64 = 1_000_000_000;

/// How long before it the alarm is set.
const AHEAD_NS: u64 = 20_000;

/// Opens the device, if the machine has it.
pub fn open(system: Handle) -> Result<Option<Handle>> {
    for index in 0.. {
        let info = match sys::device_info(system, index) {
            Ok(info) => info,
            Err(Error::NotFound) => break,
            Err(error) => return Err(error),
        };
        let len = (info.compatible_len as usize).min(info.compatible.len());
        let mut names = info.compatible[..len].split(|byte| *byte == 0);
        if names.any(|name| name == GOLDFISH || name == PL031) {
            return sys::device_open(system, index).map(Some);
        }
    }
    Ok(None)
}

/// An alarm clock.
trait Alarm {
    /// Sets the alarm, and tells at which count of instructions it goes off.
    fn set(&self) -> u64;
    /// Takes the interrupt back.
    fn clear(&self);
}

struct Goldfish<R> {
    registers: R,
    /// What has to be added to instructions to have the clock's time.
    ahead: u64,
}

impl<R: Registers> Goldfish<R> {
    fn new(registers: R) -> Goldfish<R> {
        let mut clock = Goldfish {
            registers,
            ahead: 0,
        };
        // Least where nothing lay between the two readings.
        clock.ahead = (0..100)
            .map(|_| clock.time().wrapping_sub(instructions()))
            .max()
            .unwrap_or(0);
        clock.registers.write32(INTERRUPT_ENABLED, 1);
        clock
    }

    fn time(&self) -> u64 {
        let low = self.registers.read32(TIME_LOW);
        u64::from(self.registers.read32(TIME_HIGH)) << 32 | u64::from(low)
    }
}

impl<R: Registers> Alarm for Goldfish<R> {
    fn set(&self) -> u64 {
        let alarm = self.time() + AHEAD_NS;
        self.registers.write32(ALARM_HIGH, (alarm >> 32) as u32);
        self.registers.write32(ALARM_LOW, alarm as u32);
        alarm.wrapping_sub(self.ahead)
    }

    fn clear(&self) {
        self.registers.write32(CLEAR_INTERRUPT, 1);
    }
}

struct Pl031<R>(R);

impl<R: Registers> Alarm for Pl031<R> {
    fn set(&self) -> u64 {
        let next = self.0.read32(SECONDS).wrapping_add(1);
        self.0.write32(MATCH, next);
        // The store was the last instruction but those of this reading.
        instructions() + SECOND
    }

    fn clear(&self) {
        self.0.write32(INTERRUPT_CLEAR, 1);
    }
}

/// Has the clock ring, and measures how late we hear it.
pub fn measure(client: &Client, device: &Device) -> Result<()> {
    let registers = device.registers(0)?;
    if registers.read32(CONTROL) == 1 {
        registers.write32(INTERRUPT_MASK, 1);
        return measure_with(client, device, &Pl031(registers));
    }
    measure_with(client, device, &Goldfish::new(registers))
}

fn measure_with(client: &Client, device: &Device, clock: &impl Alarm) -> Result<()> {
    let interrupt = device.interrupt(0)?;
    let queue = Queue::new()?;
    queue.attach(&interrupt, 1)?;
    let ring = || {
        let alarm = clock.set();
        let event = sys::wait(queue.handle(), FOREVER)?;
        let late = instructions().saturating_sub(alarm);
        clock.clear();
        interrupt.ack()?;
        if event.kind != EventKind::Interrupt {
            return Err(Error::Internal);
        }
        Ok(late)
    };
    let mut samples = Samples::default();
    ring()?;
    for _ in 0..client.options.samples() {
        samples.push(ring()?);
    }
    samples.report(NAME, client.isolation);
    if client.options.repeats() {
        return repeat(|| ring().map(drop));
    }
    Ok(())
}

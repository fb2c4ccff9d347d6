//! From a device's interrupt until the component that waits for it runs. The device is the Goldfish clock
//! of QEMU's RISC-V machines, whose alarm can be set to the nanosecond; where there is none,
//! nothing is measured.

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
/// What the device tree calls the device.
const COMPATIBLE: &[u8] = b"google,goldfish-rtc";

// Source: the registers of QEMU's `hw/rtc/goldfish_rtc.c`. The lower half of the time is read first,
// the upper half of the alarm written first.
const TIME_LOW: usize = 0x00;
const TIME_HIGH: usize = 0x04;
const ALARM_LOW: usize = 0x08;
const ALARM_HIGH: usize = 0x0c;
const INTERRUPT_ENABLED: usize = 0x10;
const CLEAR_INTERRUPT: usize = 0x1c;

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
        if names.any(|name| name == COMPATIBLE) {
            return sys::device_open(system, index).map(Some);
        }
    }
    Ok(None)
}

/// Has the clock ring, and measures how late we hear it.
pub fn measure(client: &Client, device: &Device) -> Result<()> {
    let registers = device.registers(0)?;
    let interrupt = device.interrupt(0)?;
    let queue = Queue::new()?;
    queue.attach(&interrupt, 1)?;
    let time = || {
        let low = registers.read32(TIME_LOW);
        u64::from(registers.read32(TIME_HIGH)) << 32 | u64::from(low)
    };
    // What has to be added to instructions; least where nothing lay between the two readings.
    let ahead = (0..100)
        .map(|_| time().wrapping_sub(instructions()))
        .max()
        .unwrap_or(0);
    registers.write32(INTERRUPT_ENABLED, 1);
    let ring = || {
        let alarm = time() + AHEAD_NS;
        registers.write32(ALARM_HIGH, (alarm >> 32) as u32);
        registers.write32(ALARM_LOW, alarm as u32);
        let event = sys::wait(queue.handle(), FOREVER)?;
        let late = instructions().wrapping_add(ahead).saturating_sub(alarm);
        registers.write32(CLEAR_INTERRUPT, 1);
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

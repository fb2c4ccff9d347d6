//! The GICv2, after "ARM Generic Interrupt Controller Architecture Specification, version 2.0"
//! (Arm IHI 0048B), chapter 4. Bits are those that a non-secure kernel sees; on a GIC without
//! security extensions the same bits have the same effect.

use core::sync::atomic::{AtomicU8, Ordering};

use super::gic_v2m::GicV2m;
use super::{Interrupt, Message, Registers};

// Distributor.
const CONTROL: usize = 0x000;
const TYPE: usize = 0x004;
const SET_ENABLE: usize = 0x100;
const CLEAR_ENABLE: usize = 0x180;
const PRIORITY: usize = 0x400;
const TARGETS: usize = 0x800;
const CONFIGURATION: usize = 0xc00;
const SOFTWARE_INTERRUPT: usize = 0xf00;

// CPU interface.
const CPU_CONTROL: usize = 0x00;
const PRIORITY_MASK: usize = 0x04;
const ACKNOWLEDGE: usize = 0x0c;
const END: usize = 0x10;

/// One priority for all, in the middle of the half that is left to non-secure software.
pub(super) const PRIORITY_COMMON: u8 = 0xa0;
/// Private to each CPU: software interrupts below 16, and the CPU's own devices.
pub(super) const SHARED_START: u32 = 32;
/// From here on a number says why there is no interrupt.
pub(super) const SPECIAL_START: u32 = 1020;
/// The architecture has 8 CPUs at most.
const CPUS: usize = 8;

/// A GICv2.
#[derive(Debug)]
pub struct GicV2 {
    distributor: Registers,
    cpu_interface: Registers,
    number_end: u32,
    /// For each CPU, by index, the bit by which the distributor knows it; each CPU reads its own.
    cpu_bits: [AtomicU8; CPUS],
    messages: Option<GicV2m>,
}

impl GicV2 {
    pub(super) fn new(distributor: Registers, cpu_interface: Registers) -> GicV2 {
        let number_end = number_end(&distributor);
        GicV2 {
            distributor,
            cpu_interface,
            number_end,
            cpu_bits: Default::default(),
            messages: None,
        }
    }

    pub(super) fn attach(&mut self, messages: GicV2m) {
        self.messages = Some(messages);
    }

    pub(super) fn messages(&self) -> Option<&GicV2m> {
        self.messages.as_ref()
    }

    /// An interrupt for a message, masked.
    pub(super) fn take_message(&self) -> Option<Message> {
        let message = self.messages.as_ref()?.take()?;
        self.set_trigger(Interrupt {
            number: message.number,
            edge: true,
        });
        Some(message)
    }

    pub(super) fn init(&self) {
        self.distributor.write_u32(CONTROL, 0);
        for first in (SHARED_START..self.number_end).step_by(32) {
            self.distributor
                .write_u32(CLEAR_ENABLE + first as usize / 8, u32::MAX);
        }
        for number in SHARED_START..self.number_end {
            self.distributor
                .write_u8(PRIORITY + number as usize, PRIORITY_COMMON);
        }
        self.distributor.write_u32(CONTROL, 1);
    }

    pub(super) fn init_cpu(&self, cpu: usize) {
        // 4.3.12: the targets of private interrupts read as the CPU that reads.
        if let Some(bit) = self.cpu_bits.get(cpu) {
            bit.store(self.distributor.read_u8(TARGETS), Ordering::Relaxed);
        }
        // These registers are banked: each CPU has its own first 32.
        self.distributor.write_u32(CLEAR_ENABLE, 0xffff_0000);
        self.distributor.write_u32(SET_ENABLE, 0x0000_ffff);
        for number in 0..SHARED_START {
            self.distributor
                .write_u8(PRIORITY + number as usize, PRIORITY_COMMON);
        }
        self.cpu_interface.write_u32(PRIORITY_MASK, 0xf0);
        self.cpu_interface.write_u32(CPU_CONTROL, 1);
    }

    pub(super) fn unmask(&self, number: u32, cpu: usize) {
        if number >= self.number_end {
            return;
        }
        if number >= SHARED_START {
            let Some(bit) = self.cpu_bits.get(cpu) else {
                return;
            };
            let bit = bit.load(Ordering::Relaxed);
            // On a machine with one CPU the register may read as zero and need no target.
            self.distributor.write_u8(TARGETS + number as usize, bit);
        }
        self.distributor
            .write_u32(SET_ENABLE + 4 * (number as usize / 32), 1 << (number % 32));
    }

    pub(super) fn mask(&self, number: u32) {
        if number < self.number_end {
            self.distributor.write_u32(
                CLEAR_ENABLE + 4 * (number as usize / 32),
                1 << (number % 32),
            );
        }
    }

    pub(super) fn set_trigger(&self, interrupt: Interrupt) {
        if (SHARED_START..self.number_end).contains(&interrupt.number) {
            set_trigger(&self.distributor, CONFIGURATION, interrupt);
        }
    }

    pub(super) fn claim(&self) -> Option<u32> {
        let acknowledged = self.cpu_interface.read_u32(ACKNOWLEDGE);
        let number = acknowledged & 0x3ff;
        if number < 16 {
            // A software interrupt is ended with the number of its sender beside its own (4.4.5),
            // which nobody keeps. It has nothing to wait for, so it is ended here.
            self.cpu_interface.write_u32(END, acknowledged);
        }
        (number < SPECIAL_START).then_some(number)
    }

    pub(super) fn complete(&self, number: u32) {
        if number >= 16 {
            self.cpu_interface.write_u32(END, number);
        }
    }

    pub(super) fn send(&self, number: u32, cpu: usize) {
        let Some(bit) = self.cpu_bits.get(cpu) else {
            return;
        };
        let target = u32::from(bit.load(Ordering::Relaxed)) << 16;
        self.distributor
            .write_u32(SOFTWARE_INTERRUPT, target | number & 0xf);
    }
}

/// The end of the numbers that there are (GICD_TYPER, the same in all versions).
pub(super) fn number_end(distributor: &Registers) -> u32 {
    let lines = distributor.read_u32(TYPE) & 0x1f;
    (32 * (lines + 1)).min(SPECIAL_START)
}

/// Two bits for each interrupt, the upper one for an edge (GICD_ICFGR, the same in all versions).
pub(super) fn set_trigger(distributor: &Registers, register: usize, interrupt: Interrupt) {
    let offset = register + 4 * (interrupt.number as usize / 16);
    let bit = 2 << (2 * (interrupt.number % 16));
    let old = distributor.read_u32(offset);
    distributor.write_u32(
        offset,
        if interrupt.edge {
            old | bit
        } else {
            old & !bit
        },
    );
}

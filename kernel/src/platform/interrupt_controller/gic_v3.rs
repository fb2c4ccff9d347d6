//! The GICv3, after "Arm Generic Interrupt Controller Architecture Specification, version 3 and 4"
//! (Arm IHI 0069H), chapter 12. Bits are those that a non-secure kernel sees; with one security
//! state only, the same bits have the same effect.
//!
//! Each CPU has a redistributor for its private interrupts, found by the CPU's affinity, and a CPU
//! interface in system registers, behind [`GicCpuInterface`].

use heapless::Vec;

use super::gic_v2::{PRIORITY_COMMON, SHARED_START, SPECIAL_START, number_end, set_trigger};
use super::its::{self, Its};
use super::{Interrupt, Message, Registers};
use crate::platform::machine_info::{CPUS_MAX, Cpu, REDISTRIBUTOR_RANGES_MAX};

// Distributor; the redistributor's second frame has those for private interrupts at the same place.
const CONTROL: usize = 0x0000;
const GROUP: usize = 0x0080;
const SET_ENABLE: usize = 0x0100;
const CLEAR_ENABLE: usize = 0x0180;
const PRIORITY: usize = 0x0400;
const CONFIGURATION: usize = 0x0c00;
const GROUP_MODIFIER: usize = 0x0d00;
const ROUTE: usize = 0x6000;

const CONTROL_GROUP_0: u32 = 1 << 0;
const CONTROL_GROUP_1: u32 = 1 << 1;
const CONTROL_AFFINITY_ROUTING: u32 = 1 << 4;
const CONTROL_WRITE_PENDING: u32 = 1 << 31;

// Redistributor, first frame.
const REDISTRIBUTOR_CONTROL: usize = 0x0000;
const REDISTRIBUTOR_TYPE: usize = 0x0008;
const WAKER: usize = 0x0014;
const PROPERTIES: usize = 0x0070;
const PENDING: usize = 0x0078;

const REDISTRIBUTOR_WRITE_PENDING: u32 = 1 << 3;
const REDISTRIBUTOR_LPIS: u32 = 1 << 0;
const TYPE_PHYSICAL_LPIS: u64 = 1 << 0;
const TYPE_LAST: u64 = 1 << 4;
const TYPE_VIRTUAL_LPIS: u64 = 1 << 1;
const WAKER_SLEEP: u32 = 1 << 1;
const WAKER_CHILDREN_ASLEEP: u32 = 1 << 2;

const FRAME_LEN: usize = 0x1_0000;
/// The most looks at a bit that hardware clears within a microsecond.
const PATIENCE: usize = 1_000_000;

/// The CPU interface: system registers of the calling CPU, which `arch/` can reach.
pub trait GicCpuInterface: Sync + core::fmt::Debug {
    /// Lets group 1 interrupts of all priorities through: ICC_SRE_EL1, ICC_PMR_EL1 (0xf0),
    /// ICC_CTLR_EL1 (EOImode 0), ICC_IGRPEN1_EL1.
    fn init(&self);
    /// Reads ICC_IAR1_EL1.
    fn acknowledge(&self) -> u32;
    /// Writes ICC_EOIR1_EL1.
    fn end(&self, number: u32);
    /// Writes ICC_SGI1R_EL1, after a barrier that makes earlier stores visible.
    fn send(&self, value: u64);
    /// Waits until earlier stores are visible to everybody, devices included.
    fn publish(&self);
}

/// A GICv3.
#[derive(Debug)]
pub struct GicV3 {
    distributor: Registers,
    redistributors: Vec<Registers, REDISTRIBUTOR_RANGES_MAX>,
    /// For each CPU, by index.
    cpus: Vec<CpuPlace, CPUS_MAX>,
    number_end: u32,
    cpu_interface: &'static dyn GicCpuInterface,
    messages: Option<Its>,
}

/// Where a CPU is found.
#[derive(Clone, Copy, Debug)]
struct CpuPlace {
    /// Its affinity, as in MPIDR_EL1.
    affinity: u64,
    /// Which of the register ranges its redistributor is in, and where there.
    redistributor: Option<(usize, usize)>,
}

impl GicV3 {
    pub(super) fn new(
        distributor: Registers,
        redistributors: Vec<Registers, REDISTRIBUTOR_RANGES_MAX>,
        stride: Option<u64>,
        cpus: &[Cpu],
        cpu_interface: &'static dyn GicCpuInterface,
    ) -> Option<GicV3> {
        let number_end = number_end(&distributor);
        let mut places: Vec<CpuPlace, CPUS_MAX> = Vec::new();
        for cpu in cpus {
            // Bits 0 to 23 and 32 to 39; the rest of MPIDR_EL1 is no affinity.
            let affinity = cpu.id & 0xff_00ff_ffff;
            places
                .push(CpuPlace {
                    affinity,
                    redistributor: None,
                })
                .ok()?;
        }
        for (range, registers) in redistributors.iter().enumerate() {
            let mut offset = 0;
            while offset + 2 * FRAME_LEN <= registers.len() {
                let kind = registers.read_u64(offset + REDISTRIBUTOR_TYPE);
                // GICR_TYPER has Aff3 to Aff0 in its upper half, without a gap.
                let packed = kind >> 32;
                let affinity = packed & 0xff_ffff | (packed >> 24) << 32;
                for place in places.iter_mut().filter(|place| place.affinity == affinity) {
                    place.redistributor = Some((range, offset));
                }
                let frames = if kind & TYPE_VIRTUAL_LPIS != 0 { 4 } else { 2 };
                let step = stride.and_then(|stride| usize::try_from(stride).ok());
                offset += step
                    .filter(|&step| step >= 2 * FRAME_LEN)
                    .unwrap_or(frames * FRAME_LEN);
                if kind & TYPE_LAST != 0 {
                    break;
                }
            }
        }
        Some(GicV3 {
            distributor,
            redistributors,
            cpus: places,
            number_end,
            cpu_interface,
            messages: None,
        })
    }

    /// Switches on the translation service with these registers, and LPIs on the first CPU.
    pub(super) fn attach(
        &mut self,
        registers: Registers,
        address: u64,
        memory: Registers,
        memory_at: u64,
        redistributors_at: &[u64],
    ) {
        let Some((redistributor, offset)) = self.redistributor(0) else {
            return;
        };
        let range = self.cpus.first().and_then(|cpu| cpu.redistributor);
        let redistributor_at = range
            .and_then(|(range, _)| redistributors_at.get(range).copied())
            .unwrap_or(0);
        let kind = redistributor.read_u64(offset + REDISTRIBUTOR_TYPE);
        if kind & TYPE_PHYSICAL_LPIS == 0 {
            return;
        }
        let service = Its::new(
            registers,
            address,
            memory,
            memory_at,
            kind >> 8 & 0xffff,
            redistributor_at + offset as u64,
            self.cpu_interface,
        );
        let tables = service.tables();
        redistributor.write_u64(offset + PROPERTIES, tables.properties);
        redistributor.write_u64(offset + PENDING, tables.pending);
        redistributor.write_u32(offset + REDISTRIBUTOR_CONTROL, REDISTRIBUTOR_LPIS);
        service.init();
        self.messages = Some(service);
    }

    pub(super) fn messages(&self) -> Option<&Its> {
        self.messages.as_ref()
    }

    pub(super) fn take_message(&self, sender: u16, event: u32) -> Option<Message> {
        self.messages.as_ref()?.take(sender, event)
    }

    pub(super) fn init(&self) {
        self.distributor.write_u32(CONTROL, 0);
        self.wait_for_distributor();
        for first in (SHARED_START..self.number_end).step_by(32) {
            let word = first as usize / 8;
            self.distributor.write_u32(CLEAR_ENABLE + word, u32::MAX);
            self.distributor.write_u32(GROUP + word, u32::MAX);
            self.distributor.write_u32(GROUP_MODIFIER + word, 0);
        }
        for number in SHARED_START..self.number_end {
            self.distributor
                .write_u8(PRIORITY + number as usize, PRIORITY_COMMON);
        }
        self.wait_for_distributor();
        self.distributor.write_u32(
            CONTROL,
            CONTROL_AFFINITY_ROUTING | CONTROL_GROUP_1 | CONTROL_GROUP_0,
        );
        self.wait_for_distributor();
    }

    pub(super) fn init_cpu(&self, cpu: usize) {
        if let Some((registers, offset)) = self.redistributor(cpu) {
            // 11.1, "Power management": wake the redistributor before using it.
            let waker = registers.read_u32(offset + WAKER);
            registers.write_u32(offset + WAKER, waker & !WAKER_SLEEP);
            wait_until(PATIENCE, || {
                registers.read_u32(offset + WAKER) & WAKER_CHILDREN_ASLEEP == 0
            });

            let private = offset + FRAME_LEN;
            registers.write_u32(private + CLEAR_ENABLE, 0xffff_0000);
            registers.write_u32(private + GROUP, u32::MAX);
            registers.write_u32(private + GROUP_MODIFIER, 0);
            for number in 0..SHARED_START as usize {
                registers.write_u8(private + PRIORITY + number, PRIORITY_COMMON);
            }
            registers.write_u32(private + SET_ENABLE, 0x0000_ffff);
            self.wait_for_redistributor(cpu);
        }
        self.cpu_interface.init();
    }

    pub(super) fn unmask(&self, number: u32, cpu: usize) {
        if let Some(messages) = self.messages.as_ref().filter(|_| number >= its::FIRST) {
            messages.set(number, true);
        } else if number < SHARED_START {
            if let Some((registers, offset)) = self.redistributor(cpu) {
                registers.write_u32(offset + FRAME_LEN + SET_ENABLE, 1 << number);
            }
        } else if number < self.number_end
            && let Some(place) = self.cpus.get(cpu)
        {
            self.distributor
                .write_u64(ROUTE + 8 * number as usize, place.affinity);
            self.distributor
                .write_u32(SET_ENABLE + 4 * (number as usize / 32), 1 << (number % 32));
        }
    }

    pub(super) fn mask(&self, number: u32) {
        if let Some(messages) = self.messages.as_ref().filter(|_| number >= its::FIRST) {
            messages.set(number, false);
        } else if (SHARED_START..self.number_end).contains(&number) {
            self.distributor.write_u32(
                CLEAR_ENABLE + 4 * (number as usize / 32),
                1 << (number % 32),
            );
            // Until the write has arrived the interrupt may still fire once more.
            self.wait_for_distributor();
        }
    }

    pub(super) fn set_trigger(&self, interrupt: Interrupt) {
        if (SHARED_START..self.number_end).contains(&interrupt.number) {
            set_trigger(&self.distributor, CONFIGURATION, interrupt);
        }
    }

    pub(super) fn claim(&self) -> Option<u32> {
        let number = self.cpu_interface.acknowledge();
        (!(SPECIAL_START..its::FIRST).contains(&number)).then_some(number)
    }

    pub(super) fn complete(&self, number: u32) {
        self.cpu_interface.end(number);
    }

    pub(super) fn send(&self, number: u32, cpu: usize) {
        let Some(place) = self.cpus.get(cpu) else {
            return;
        };
        let level = |n: u32| place.affinity >> n & 0xff;
        // ICC_SGI1R_EL1: a list of 16 CPUs within a range of Aff0.
        let value = level(32) << 48
            | (level(0) >> 4) << 44
            | level(16) << 32
            | u64::from(number & 0xf) << 24
            | level(8) << 16
            | 1 << (level(0) & 0xf);
        self.cpu_interface.send(value);
    }

    fn redistributor(&self, cpu: usize) -> Option<(&Registers, usize)> {
        let (range, offset) = self.cpus.get(cpu)?.redistributor?;
        Some((self.redistributors.get(range)?, offset))
    }

    fn wait_for_distributor(&self) {
        wait_until(PATIENCE, || {
            self.distributor.read_u32(CONTROL) & CONTROL_WRITE_PENDING == 0
        });
    }

    fn wait_for_redistributor(&self, cpu: usize) {
        if let Some((registers, offset)) = self.redistributor(cpu) {
            wait_until(PATIENCE, || {
                registers.read_u32(offset + REDISTRIBUTOR_CONTROL) & REDISTRIBUTOR_WRITE_PENDING
                    == 0
            });
        }
    }
}

pub(super) fn wait_until(patience: usize, condition: impl Fn() -> bool) {
    for _ in 0..patience {
        if condition() {
            return;
        }
        core::hint::spin_loop();
    }
}

//! The controller that collects the interrupts of all devices and hands them to CPUs.
//!
//! Rule 7 in terms of this module: [`claim`](InterruptController::claim) an interrupt,
//! [`mask`](InterruptController::mask) it, [`complete`](InterruptController::complete) it at once,
//! tell the event queue; when the component has acknowledged it,
//! [`unmask`](InterruptController::unmask) it again. While masked, an interrupt stays pending at
//! the controller, so none is lost.
//!
//! `claim` and `complete` touch only what belongs to the calling CPU. `mask`, `unmask` and
//! `set_trigger` read and write what all share: call them under the kernel's lock.
//!
//! The crate `arm-gic` was considered: its GICv2 overwrites the priorities of neighbouring
//! interrupts, and its registers of the CPU interface exist on Arm only, while this module is
//! compiled everywhere.

mod aia;
mod gic_v2;
mod gic_v2m;
mod gic_v3;
mod its;
mod plic;

use super::machine_info::{
    Cpu, Interrupt, InterruptControllerInfo, MessageControllerInfo, PhysicalRange,
};
use super::registers::Registers;

pub use aia::MessageFile;
pub use gic_v3::GicCpuInterface;
pub use its::MEMORY_LEN as MESSAGE_MEMORY_LEN;

/// An interrupt that a device sends as a message: a write of `data` to `address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number here.
    pub number: u32,
    /// Where the device writes.
    pub address: u64,
    /// What it writes.
    pub data: u32,
}

/// What each CPU does with its own part of the controller by system registers, which no mapping shows.
#[derive(Clone, Copy, Debug)]
pub enum CpuInterface {
    /// Of a GICv3.
    Gic(&'static dyn GicCpuInterface),
    /// Of RISC-V's advanced interrupts.
    MessageFile(&'static dyn MessageFile),
}

/// An interrupt controller.
#[derive(Debug)]
// There is one, in one place, and no allocator to box it with.
#[allow(clippy::large_enum_variant)]
pub enum InterruptController {
    /// RISC-V's platform-level interrupt controller.
    Plic(plic::Plic),
    /// RISC-V's advanced interrupts.
    Aia(aia::Aia),
    /// Arm's generic interrupt controller, version 2.
    GicV2(gic_v2::GicV2),
    /// Arm's generic interrupt controller, version 3 or 4.
    GicV3(gic_v3::GicV3),
}

impl InterruptController {
    /// `map` maps registers, uncached and for ever, and tells where. `cpu_interface` gives access to
    /// system registers, which a PLIC and a GICv2 do without. `None` if something is missing for this kind.
    ///
    /// # Safety
    /// 1. `info` is true of this machine, and nobody else uses those registers.
    /// 2. `map` returns the address of a mapping as said.
    pub unsafe fn new(
        info: &InterruptControllerInfo,
        cpus: &[Cpu],
        map: &mut dyn FnMut(PhysicalRange) -> usize,
        cpu_interface: Option<CpuInterface>,
    ) -> Option<InterruptController> {
        let mut registers = |range: &PhysicalRange| {
            let len = usize::try_from(range.len).unwrap_or(usize::MAX);
            // SAFETY: the caller's promises 1 and 2; no interrupt controller does DMA with what
            // we switch on (no LPIs).
            unsafe { Registers::new(map(*range), len) }
        };
        Some(match info {
            InterruptControllerInfo::Plic {
                registers: range,
                source_max,
                contexts,
            } => InterruptController::Plic(plic::Plic::new(
                registers(range),
                *source_max,
                contexts.clone(),
            )),
            InterruptControllerInfo::Aia {
                wires,
                source_max,
                files,
                file_len,
                identities,
                places,
            } => {
                let Some(CpuInterface::MessageFile(own_file)) = cpu_interface else {
                    return None;
                };
                let place = places.first().copied().flatten()?;
                let start = files.start + u64::from(place) * file_len;
                let file = PhysicalRange { start, len: 4096 };
                InterruptController::Aia(aia::Aia::new(
                    registers(wires),
                    *source_max,
                    registers(&file),
                    start,
                    place,
                    *identities,
                    own_file,
                )?)
            }
            InterruptControllerInfo::GicV2 {
                distributor,
                cpu_interface,
            } => {
                let (distributor, cpu_interface) =
                    (registers(distributor), registers(cpu_interface));
                InterruptController::GicV2(gic_v2::GicV2::new(distributor, cpu_interface))
            }
            InterruptControllerInfo::GicV3 {
                distributor,
                redistributors,
                stride,
            } => {
                let Some(CpuInterface::Gic(cpu_interface)) = cpu_interface else {
                    return None;
                };
                InterruptController::GicV3(gic_v3::GicV3::new(
                    registers(distributor),
                    redistributors.iter().map(registers).collect(),
                    *stride,
                    cpus,
                    cpu_interface,
                )?)
            }
        })
    }

    /// Switches on what makes interrupts of messages. Once, on the first CPU, after [`InterruptController::init_cpu`].
    /// `memory` is [`MESSAGE_MEMORY_LEN`] bytes on a multiple of 64 KiB, which a GICv3 takes for good; a GICv2
    /// needs none.
    ///
    /// # Safety
    /// 1. As for [`InterruptController::new`].
    /// 2. The memory is zeroed, mapped by `map` as memory is, and nobody else's.
    pub unsafe fn attach_messages(
        &mut self,
        controller: &InterruptControllerInfo,
        info: &MessageControllerInfo,
        map: &mut dyn FnMut(PhysicalRange) -> usize,
        memory: Option<PhysicalRange>,
    ) {
        let mut registers = |range: &PhysicalRange| {
            let len = usize::try_from(range.len).unwrap_or(usize::MAX);
            // SAFETY: the caller's promises. What the service reads and writes by itself is `memory`.
            unsafe { Registers::new(map(*range), len) }
        };
        match (self, info, controller) {
            (InterruptController::GicV2(gic), MessageControllerInfo::GicV2m(range), _) => {
                gic.attach(gic_v2m::GicV2m::new(registers(range), range.start));
            }
            (
                InterruptController::GicV3(gic),
                MessageControllerInfo::Its(range),
                InterruptControllerInfo::GicV3 { redistributors, .. },
            ) => {
                if let Some(memory) = memory {
                    let at: heapless::Vec<u64, 8> =
                        redistributors.iter().map(|range| range.start).collect();
                    gic.attach(
                        registers(range),
                        range.start,
                        registers(&memory),
                        memory.start,
                        &at,
                    );
                }
            }
            _ => {}
        }
    }

    /// Whether it makes interrupts of messages.
    pub fn has_messages(&self) -> bool {
        match self {
            InterruptController::Plic(_) => false,
            InterruptController::Aia(_) => true,
            InterruptController::GicV2(gic) => gic.messages().is_some(),
            InterruptController::GicV3(gic) => gic.messages().is_some(),
        }
    }

    /// Takes an interrupt for a message, masked. `sender` is the address of a PCI function, `event` tells its
    /// messages apart.
    pub fn take_message(&self, sender: u16, event: u32) -> Option<Message> {
        match self {
            InterruptController::Plic(_) => None,
            InterruptController::Aia(aia) => aia.take_message(),
            InterruptController::GicV2(gic) => gic.take_message(),
            InterruptController::GicV3(gic) => gic.take_message(sender, event),
        }
    }

    /// Gives a message's interrupt back, masked, when nobody sends it any more.
    pub fn give_back_message(&self, number: u32) {
        match self {
            InterruptController::Plic(_) => {}
            InterruptController::Aia(aia) => aia.give_back(number),
            InterruptController::GicV2(gic) => {
                if let Some(messages) = gic.messages() {
                    messages.give_back(number);
                }
            }
            InterruptController::GicV3(gic) => {
                if let Some(messages) = gic.messages() {
                    messages.give_back(number);
                }
            }
        }
    }

    /// Masks everything. Once, on the first CPU.
    pub fn init(&self) {
        match self {
            InterruptController::Plic(plic) => plic.init(),
            InterruptController::Aia(aia) => aia.init(),
            InterruptController::GicV2(gic) => gic.init(),
            InterruptController::GicV3(gic) => gic.init(),
        }
    }

    /// Lets interrupts through to `cpu`. Once, on that CPU itself.
    pub fn init_cpu(&self, cpu: usize) {
        match self {
            InterruptController::Plic(plic) => plic.init_cpu(cpu),
            InterruptController::Aia(aia) => aia.init_cpu(cpu),
            InterruptController::GicV2(gic) => gic.init_cpu(cpu),
            InterruptController::GicV3(gic) => gic.init_cpu(cpu),
        }
    }

    /// Lets an interrupt fire, on `cpu`. For one that is private to a CPU (a GIC's below 32),
    /// `cpu` must be the calling one. What is no interrupt here is ignored.
    pub fn unmask(&self, number: u32, cpu: usize) {
        match self {
            InterruptController::Plic(plic) => plic.unmask(number, cpu),
            InterruptController::Aia(aia) => aia.unmask(number),
            InterruptController::GicV2(gic) => gic.unmask(number, cpu),
            InterruptController::GicV3(gic) => gic.unmask(number, cpu),
        }
    }

    /// Keeps an interrupt from firing on any CPU. Not for one that is private to a CPU.
    pub fn mask(&self, number: u32) {
        match self {
            InterruptController::Plic(plic) => plic.mask(number),
            InterruptController::Aia(aia) => aia.mask(number),
            InterruptController::GicV2(gic) => gic.mask(number),
            InterruptController::GicV3(gic) => gic.mask(number),
        }
    }

    /// Says whether an interrupt is an edge or a level, while it is masked.
    pub fn set_trigger(&self, interrupt: Interrupt) {
        match self {
            // A PLIC's gateways are wired for it.
            InterruptController::Plic(_) => {}
            InterruptController::Aia(aia) => aia.set_trigger(interrupt),
            InterruptController::GicV2(gic) => gic.set_trigger(interrupt),
            InterruptController::GicV3(gic) => gic.set_trigger(interrupt),
        }
    }

    /// Takes the next interrupt that is pending for the calling CPU, which is `cpu`.
    pub fn claim(&self, cpu: usize) -> Option<u32> {
        match self {
            InterruptController::Plic(plic) => plic.claim(cpu),
            InterruptController::Aia(aia) => aia.claim(cpu),
            InterruptController::GicV2(gic) => gic.claim(),
            InterruptController::GicV3(gic) => gic.claim(),
        }
    }

    /// Ends what `claim` began, on the same CPU.
    pub fn complete(&self, cpu: usize, number: u32) {
        match self {
            InterruptController::Plic(plic) => plic.complete(cpu, number),
            // A claim is all.
            InterruptController::Aia(_) => {}
            InterruptController::GicV2(gic) => gic.complete(number),
            InterruptController::GicV3(gic) => gic.complete(number),
        }
    }

    /// Sends a software interrupt (a GIC's 0 to 15) to another CPU. RISC-V goes by way of SBI.
    pub fn send(&self, number: u32, cpu: usize) {
        match self {
            InterruptController::Plic(_) | InterruptController::Aia(_) => {}
            InterruptController::GicV2(gic) => gic.send(number, cpu),
            InterruptController::GicV3(gic) => gic.send(number, cpu),
        }
    }
}

#[cfg(test)]
mod tests;

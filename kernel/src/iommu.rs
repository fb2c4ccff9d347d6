//! What a device on the PCI bus may reach, where the machine checks that: the folios that its driver gave it, and
//! nothing else, whatever the driver tells it.
//!
//! From the moment somebody has the device, its addresses are translated by tables of its own
//! ([`Reach`]). Addresses stay what they are, so a device is told the same with and without an IOMMU; but only what
//! was given is in the tables. Besides, there is the place that its interrupts are written to. Tables are charged to
//! whoever opened the device until somebody uses it, and from then on to that one: init opens it, its driver uses it.
//!
//! What a device is refused is logged once, and the device reaches no memory any more: its driver, or the
//! device itself, is not what it should be.

use abi::{Error, PAGE_SIZE, Result};

use crate::kernel::Kernel;
use crate::log::Level;
use crate::memory::{Id, Memory, PhysAddr};
use crate::object::{Device, Process};
use crate::platform::iommu::CONTEXTS_MAX;

/// The tables of one device.
#[derive(Clone, Copy)]
pub struct Reach {
    /// The table of the first level: 512 entries of 1 GiB.
    root: PhysAddr,
    /// Which of the unit's contexts it has.
    context: usize,
    /// Who pays, and for how many frames.
    owner: Id<Process>,
    frames: usize,
}

impl Reach {
    /// Who pays for the tables, and for how many frames.
    pub fn charged(&self) -> (Id<Process>, usize) {
        (self.owner, self.frames)
    }

    /// All frames of the tables, those that lead to others last.
    pub fn each_frame(&self, memory: &Memory, each: &mut dyn FnMut(PhysAddr)) {
        for high in 0..ENTRIES {
            let middle = memory.read_u64(self.root.offset(8 * high));
            if middle & VALID != VALID {
                continue;
            }
            let middle = PhysAddr(middle & TARGET);
            for low in 0..ENTRIES {
                let leaf = memory.read_u64(middle.offset(8 * low));
                if leaf & VALID == VALID {
                    each(PhysAddr(leaf & TARGET));
                }
            }
            each(middle);
        }
        each(self.root);
    }
}

/// Levels of tables, and how many bits each resolves.
const LEVELS: usize = 3;
const BITS: usize = 9;
const ENTRIES: usize = 1 << BITS;
/// Addresses have so many bits.
const ADDRESS_BITS: usize = 12 + LEVELS * BITS;
// VMSAv8-64 descriptors, as the CPU's (Arm ARM DDI 0487J, D8.3): a table or page, readable and writable by devices,
// used, shared with the CPUs, never executed.
const VALID: u64 = 3;
const TARGET: u64 = 0x0000_ffff_ffff_f000;
const PAGE: u64 = VALID | 1 << 6 | 3 << 8 | 1 << 10 | 3 << 53;
/// The registers that interrupts are written to.
const REGISTERS: u64 = 1 << 2;

impl Kernel {
    /// Somebody gets the device: it has tables from now on, with nothing in them.
    pub fn confine(&mut self, id: Id<Device>, owner: Id<Process>) -> Result<()> {
        let Some(stream) = self.stream(id) else {
            return Ok(());
        };
        let taken = |context| {
            let mut devices = self.devices.ids().map(|id| &self.devices[id]);
            devices.any(|device| device.reach.is_some_and(|reach| reach.context == context))
        };
        let context = (0..CONTEXTS_MAX)
            .find(|context| !taken(*context))
            .ok_or(Error::OutOfMemory)?;
        self.charge(owner, 1)?;
        let root = match self.memory.allocate_zeroed() {
            Ok(root) => root,
            Err(error) => {
                self.uncharge(Some(owner), 1);
                return Err(error);
            }
        };
        let attached = self
            .memory
            .machine
            .iommu()
            .is_some_and(|unit| unit.attach(stream, context, root.0));
        if !attached {
            self.memory.free(root);
            self.uncharge(Some(owner), 1);
            return Err(Error::Unsupported);
        }
        self.devices[id].reach = Some(Reach {
            root,
            context,
            owner,
            frames: 1,
        });
        Ok(())
    }

    /// Lets a device reach memory, if that is checked at all. `process` asks for it, and pays for the tables.
    pub fn let_reach(
        &mut self,
        id: Id<Device>,
        process: Id<Process>,
        start: PhysAddr,
        len: usize,
    ) -> Result<()> {
        self.charge_reach(id, process)?;
        self.add_to_reach(id, start, len, PAGE)
    }

    /// Lets a device write its interrupts. `process` as above.
    pub fn let_interrupt(
        &mut self,
        id: Id<Device>,
        process: Id<Process>,
        address: u64,
    ) -> Result<()> {
        self.charge_reach(id, process)?;
        self.add_to_reach(id, PhysAddr(address).frame(), PAGE_SIZE, PAGE | REGISTERS)
    }

    /// From now on a process pays for the tables there are.
    fn charge_reach(&mut self, id: Id<Device>, process: Id<Process>) -> Result<()> {
        let Some(reach) = self.devices[id].reach else {
            return Ok(());
        };
        if reach.owner != process {
            self.charge(process, reach.frames)?;
            self.uncharge(Some(reach.owner), reach.frames);
            self.devices[id].reach = Some(Reach {
                owner: process,
                ..reach
            });
        }
        Ok(())
    }

    fn add_to_reach(
        &mut self,
        id: Id<Device>,
        start: PhysAddr,
        len: usize,
        bits: u64,
    ) -> Result<()> {
        let Some(mut reach) = self.devices[id].reach else {
            return Ok(());
        };
        if (start.0 as usize + len) >> ADDRESS_BITS != 0 {
            return Err(Error::Unsupported);
        }
        let mut result = Ok(());
        for page in 0..len.div_ceil(PAGE_SIZE) {
            let at = start.offset(page * PAGE_SIZE);
            match self.leaf(&mut reach, at) {
                Ok(slot) => self.memory.write_u64(slot, at.0 | bits),
                Err(error) => {
                    // What was added is the driver's own folio, and goes with the rest.
                    result = Err(error);
                    break;
                }
            }
        }
        self.devices[id].reach = Some(reach);
        if let Some(unit) = self.memory.machine.iommu() {
            unit.publish();
        }
        result
    }

    /// The entry for an address at the last level, with the tables on the way made.
    fn leaf(&mut self, reach: &mut Reach, at: PhysAddr) -> Result<PhysAddr> {
        let mut table = reach.root;
        for level in (1..LEVELS).rev() {
            let slot = table.offset(8 * index(at, level));
            let mut entry = self.memory.read_u64(slot);
            if entry & VALID != VALID {
                self.charge(reach.owner, 1)?;
                let made = match self.memory.allocate_zeroed() {
                    Ok(made) => made,
                    Err(error) => {
                        self.uncharge(Some(reach.owner), 1);
                        return Err(error);
                    }
                };
                reach.frames += 1;
                entry = made.0 | VALID;
                self.memory.write_u64(slot, entry);
            }
            table = PhysAddr(entry & TARGET);
        }
        Ok(table.offset(8 * index(at, 0)))
    }

    /// Nobody has the device any more: it reaches nothing, and its tables are free. A driver's tables are few, since
    /// it has at most 16 contiguous folios.
    pub fn confine_no_more(&mut self, id: Id<Device>) {
        let Some(reach) = self.devices[id].reach.take() else {
            return;
        };
        if let (Some(stream), Some(unit)) = (self.stream(id), self.memory.machine.iommu()) {
            unit.detach(stream, reach.context);
        }
        for high in 0..ENTRIES {
            let middle = self.memory.read_u64(reach.root.offset(8 * high));
            if middle & VALID != VALID {
                continue;
            }
            let middle = PhysAddr(middle & TARGET);
            for low in 0..ENTRIES {
                let leaf = self.memory.read_u64(middle.offset(8 * low));
                if leaf & VALID == VALID {
                    self.memory.free(PhysAddr(leaf & TARGET));
                }
            }
            self.memory.free(middle);
        }
        self.memory.free(reach.root);
        self.uncharge(Some(reach.owner), reach.frames);
    }

    /// Whether an interrupt was the IOMMU's, which is then answered: each device that was refused something is told of
    /// in the log, and loses its access to memory.
    pub fn iommu_interrupt(&mut self, number: u32) -> bool {
        let Some(unit) = self.memory.machine.iommu() else {
            return false;
        };
        if unit.interrupt() != number {
            return false;
        }
        // As many as the queue holds at most: what comes meanwhile interrupts again.
        for _ in 0..128 {
            let refused = self.memory.machine.iommu().and_then(|unit| unit.refused());
            let Some(refused) = refused else { break };
            let of_it = |id: &Id<Device>| self.stream(*id) == Some(refused.stream);
            let Some(id) = self.devices.ids().find(of_it) else {
                continue;
            };
            if !self.pci_uses_memory(id) {
                continue;
            }
            self.pci_may_not_use_memory(id);
            // Its driver is who sees its registers.
            let mut mapped = self.devices[id].mapped.iter().flatten();
            let driver = mapped.next().map(|(process, _)| *process);
            let name = driver.and_then(|process| self.processes.get(process));
            let name = name.map(|process| process.name);
            self.log_line(
                Level::Error,
                name.as_ref().map_or("kernel", |name| name.as_str()),
                format_args!(
                    "its device was kept from memory at {:#x}, which it was not given, and uses none any more",
                    refused.address
                ),
            );
        }
        self.memory.machine.unmask_interrupt(number);
        true
    }

    /// How the IOMMU knows a device, if it does.
    fn stream(&self, id: Id<Device>) -> Option<u32> {
        let function = self.devices[id].pci?;
        self.memory.machine.iommu()?;
        Some(u32::from(function.address))
    }
}

fn index(at: PhysAddr, level: usize) -> usize {
    at.0 as usize >> (12 + BITS * level) & (ENTRIES - 1)
}

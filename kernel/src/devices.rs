//! Devices: who may use which, and what they may reach (rule 16).
//!
//! A device belongs to one process at a time. When that one lets go of it, or dies, its registers
//! are unmapped, its interrupts are masked, the device is reset by the kernel, and only then do the
//! folios that it could write return to the free memory. Neither registers nor interrupts outlive
//! the handle to the device where they were got.

use abi::{DeviceInfo, DeviceRange, Error, Handle, Result, Rights};

use crate::arch::Permission;
use crate::kernel::Kernel;
use crate::log::Level;
use crate::memory::Id;
use crate::object::{
    Backing, Device, INTERRUPTS_MAX, Interrupt, Object, Process, Purpose, RANGES_MAX, Thread,
};
use crate::vm::MapRequest;

/// Most bytes of a range of registers that can be mapped: one step of unmapping.
const REGISTERS_LEN_MAX: usize = 2 << 20;

impl Kernel {
    /// [`abi::Call::DeviceInfo`].
    pub fn device_info(&mut self, thread: Id<Thread>, index: usize) -> Result<usize> {
        let id = self.device_at(index)?;
        let mut info: DeviceInfo = self.devices[id].info;
        if self.is_virtio_mmio(id) {
            // The register DeviceID tells what is plugged in (virtio 1.2, section 4.2.2).
            info.virtio_id = self
                .memory
                .machine
                .read_device(self.devices[id].ranges[0].0.offset(8));
        }
        self.answer(thread, info);
        Ok(0)
    }

    fn device_at(&self, index: usize) -> Result<Id<Device>> {
        u32::try_from(index)
            .ok()
            .and_then(|index| self.devices.at(index))
            .ok_or(Error::NotFound)
    }

    /// [`abi::Call::DeviceOpen`].
    pub fn device_open(&mut self, process: Id<Process>, index: usize) -> Result<usize> {
        let id = self.device_at(index)?;
        if self.devices[id].holder.is_some() {
            return Err(Error::Busy);
        }
        if !self.pci_is_reset(id) {
            return Err(Error::Busy);
        }
        self.confine(id, process)?;
        let handle = match self.add_handle(process, Object::Device(id), Rights::ALL) {
            Ok(handle) => handle,
            Err(error) => {
                self.confine_no_more(id);
                return Err(error);
            }
        };
        self.pci_opened(id);
        self.devices[id].holder = Some(process);
        self.devices[id].references = 1;
        Ok(handle.raw() as usize)
    }

    /// The device behind a handle that allows to drive it.
    pub fn device(&self, process: Id<Process>, handle: Handle) -> Result<Id<Device>> {
        match self.lookup(process, handle, Rights::WRITE)?.object {
            Object::Device(id) => Ok(id),
            _ => Err(Error::WrongKind),
        }
    }

    /// [`abi::Call::DeviceMap`].
    pub fn device_map(
        &mut self,
        process: Id<Process>,
        thread: Id<Thread>,
        handle: Handle,
        which: usize,
    ) -> Result<usize> {
        let id = self.device(process, handle)?;
        let device = &self.devices[id];
        if which >= device.info.mmio_count as usize {
            return Err(Error::NotFound);
        }
        if device.mapped[which].is_some() {
            return Err(Error::AlreadyExists);
        }
        let (base, len) = device.ranges[which];
        if len == 0 {
            return Err(Error::NotFound);
        }
        // Who could write the configuration space could give the device other addresses.
        let permission = match device.pci {
            Some(_) if which == 0 => Permission::DeviceRead,
            _ => Permission::Device,
        };
        let within = base.0 as usize % abi::PAGE_SIZE;
        if within + len > REGISTERS_LEN_MAX {
            return Err(Error::Unsupported);
        }
        let folio = self.new_fixed_folio(base.frame(), within + len, Some((id, which as u8)))?;
        let request = MapRequest {
            folio,
            first_page: 0,
            pages: (within + len).div_ceil(abi::PAGE_SIZE),
            permission,
            purpose: Purpose::Component,
        };
        let address = self.map(process, request);
        self.release(Object::Folio(folio), 0);
        let address = address?;
        let mapping = self.mapping_at(process, address).expect("mapped just now");
        self.devices[id].mapped[which] = Some((process, mapping));
        self.answer(thread, DeviceRange { len: len as u64 });
        // Several small devices may share a page; the address is that of the registers.
        Ok(address + within)
    }

    /// [`abi::Call::DeviceInterrupt`].
    pub fn device_interrupt_handle(
        &mut self,
        process: Id<Process>,
        handle: Handle,
        which: usize,
    ) -> Result<usize> {
        let id = self.device(process, handle)?;
        if which >= self.devices[id].info.interrupt_count as usize {
            return Err(Error::NotFound);
        }
        if self.devices[id].lines[which].is_some() {
            return Err(Error::Busy);
        }
        self.interrupts
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        self.reserve_process_handles(process, 1)?;
        let number = self.pci_interrupt(id, process, which)?;
        let line = Interrupt {
            device: (id, which as u8),
            number,
            count: 0,
            unacknowledged: false,
            source: None,
            references: 1,
        };
        let line = self.interrupts.insert(line);
        self.devices[id].lines[which] = Some(line);
        let handle = self.add_handle(process, Object::Interrupt(line), Rights::ALL)?;
        self.unmask_when_acknowledged(number);
        Ok(handle.raw() as usize)
    }

    /// [`abi::Call::DeviceDma`].
    pub fn device_dma(
        &mut self,
        process: Id<Process>,
        handle: Handle,
        folio: Handle,
    ) -> Result<usize> {
        let id = self.device(process, handle)?;
        let needed = Rights::READ.union(Rights::WRITE);
        let Object::Folio(folio) = self.lookup(process, folio, needed)?.object else {
            return Err(Error::WrongKind);
        };
        let Backing::Block(base) = self.folios[folio].backing else {
            return Err(Error::InvalidArgument);
        };
        if !self.can_be_reset(id) {
            return Err(Error::Unsupported);
        }
        if !self.devices[id].dma.contains(&Some(folio)) {
            let len = self.folios[folio].pages as usize * abi::PAGE_SIZE;
            self.let_reach(id, process, base, len)?;
            let slot = self.devices[id]
                .dma
                .iter_mut()
                .find(|slot| slot.is_none())
                .ok_or(Error::OutOfMemory)?;
            *slot = Some(folio);
            self.retain(Object::Folio(folio));
            self.pci_may_use_memory(id);
            let name = self.processes[process].name;
            self.log_line(
                Level::Debug,
                "kernel",
                format_args!(
                    "{}'s device may reach {:#x}, {len} bytes",
                    name.as_str(),
                    base.0
                ),
            );
        }
        Ok(base.0 as usize)
    }

    fn is_virtio_mmio(&self, id: Id<Device>) -> bool {
        let info = &self.devices[id].info;
        info.mmio_count > 0 && info.compatible.starts_with(b"virtio,mmio\0")
    }

    /// [`abi::Call::InterruptAck`].
    pub fn interrupt_ack(&mut self, process: Id<Process>, handle: Handle) -> Result<usize> {
        let Object::Interrupt(id) = self.lookup(process, handle, Rights::WRITE)?.object else {
            return Err(Error::WrongKind);
        };
        // It ends with the handle to its device.
        let line = self.interrupts.get_mut(id).ok_or(Error::Closed)?;
        line.unacknowledged = false;
        let number = line.number;
        self.unmask_when_acknowledged(number);
        Ok(0)
    }

    /// Lets an interrupt fire again unless somebody has yet to acknowledge that it did.
    fn unmask_when_acknowledged(&self, number: u32) {
        let mut sharers = self.interrupts.ids().map(|id| &self.interrupts[id]);
        if !sharers.any(|line| line.number == number && line.unacknowledged) {
            self.memory.machine.unmask_interrupt(number);
        }
    }

    /// The last handle to an interrupt is gone, or the one to its device.
    pub fn interrupt_ended(&mut self, id: Id<Interrupt>) {
        let _ = self.detach(Object::Interrupt(id));
        let line = self.interrupts.remove(id).expect("callers found it");
        let (device, which) = line.device;
        self.devices[device].lines[which as usize] = None;
        // The device is silent before others that share its number are heard again.
        let machine = &self.memory.machine;
        machine.mask_interrupt(line.number);
        self.pci_silence(device, which as usize);
        let mut sharers = self.interrupts.ids().map(|id| &self.interrupts[id]);
        if sharers.any(|other| other.number == line.number) {
            self.unmask_when_acknowledged(line.number);
        }
    }

    /// The handle to a device leaves a process: what that one has of it ends. Its registers are not
    /// seen any more, although their addresses stay taken, and its interrupts are nobody's.
    pub fn device_left(&mut self, id: Id<Device>) {
        for which in 0..RANGES_MAX {
            if let Some((process, mapping)) = self.devices[id].mapped[which].take() {
                self.revoke_mapping(process, mapping);
            }
        }
        for which in 0..INTERRUPTS_MAX {
            if let Some(line) = self.devices[id].lines[which] {
                self.interrupt_ended(line);
            }
        }
    }

    /// Nobody holds the device any more.
    pub fn device_released(&mut self, id: Id<Device>, cpu: usize) {
        self.device_left(id);
        // Its interrupts were masked when their handles ended.
        self.pci_released(id);
        if self.is_virtio_mmio(id) {
            // Writing 0 to Status resets the device (virtio 1.2, section 4.2.2.1); it stops using
            // its queues before the write is done on every machine that we run on.
            self.memory
                .machine
                .write_device(self.devices[id].ranges[0].0.offset(0x70), 0);
            let unit = self.devices[id].info.unit_address;
            self.log_line(
                Level::Debug,
                "kernel",
                format_args!("the device at {unit:#x} is reset"),
            );
        }
        if self.devices[id].is_console {
            self.show_log_again(Some(id));
        }
        let device = &mut self.devices[id];
        device.holder = None;
        for folio in core::mem::take(&mut device.dma).into_iter().flatten() {
            self.release(Object::Folio(folio), cpu);
        }
    }
}

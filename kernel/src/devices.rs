//! Devices: who may use which, and what they may reach (rule 16).
//!
//! A device belongs to one process at a time. When that one lets go of it, or dies, its
//! interrupts are masked, the device is reset by the kernel, and only then do the folios that it
//! could write return to the free memory.

use abi::{DeviceInfo, Error, Handle, Result, Rights};

use crate::kernel::Kernel;
use crate::memory::Id;
use crate::object::{Backing, Device, Interrupt, Object, Process, Purpose, Thread};
use crate::vm::MapRequest;

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
        let handle = self.add_handle(process, Object::Device(id), Rights::ALL)?;
        self.devices[id].holder = Some(process);
        self.devices[id].references = 1;
        Ok(handle.raw() as usize)
    }

    fn device(&self, process: Id<Process>, handle: Handle) -> Result<Id<Device>> {
        match self.lookup(process, handle, Rights::WRITE)?.object {
            Object::Device(id) => Ok(id),
            _ => Err(Error::WrongKind),
        }
    }

    /// [`abi::Call::DeviceMap`].
    pub fn device_map(
        &mut self,
        process: Id<Process>,
        handle: Handle,
        which: usize,
    ) -> Result<usize> {
        let id = self.device(process, handle)?;
        let device = &self.devices[id];
        if which >= device.info.mmio_count as usize {
            return Err(Error::NotFound);
        }
        let (base, len) = device.ranges[which];
        let within = base.0 as usize % abi::PAGE_SIZE;
        let folio = self.new_fixed_folio(base.frame(), within + len, true)?;
        let request = MapRequest {
            folio,
            first_page: 0,
            pages: (within + len).div_ceil(abi::PAGE_SIZE),
            permission: crate::arch::Permission::Device,
            purpose: Purpose::Component,
        };
        let address = self.map(process, request);
        self.release(Object::Folio(folio), 0);
        // Several small devices may share a page; the address is that of the registers.
        address.map(|address| address + within)
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
        let number = self.devices[id].interrupts[which];
        if self
            .interrupts
            .ids()
            .any(|line| self.interrupts[line].number == number)
        {
            return Err(Error::Busy);
        }
        self.interrupts
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        self.reserve_process_handles(process, 1)?;
        let line = Interrupt {
            number,
            count: 0,
            source: None,
            references: 1,
        };
        let line = self.interrupts.insert(line);
        let handle = self.add_handle(process, Object::Interrupt(line), Rights::ALL)?;
        self.memory.machine.unmask_interrupt(number);
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
        let device = &mut self.devices[id];
        if !device.dma.contains(&Some(folio)) {
            let slot = device
                .dma
                .iter_mut()
                .find(|slot| slot.is_none())
                .ok_or(Error::OutOfMemory)?;
            *slot = Some(folio);
            self.retain(Object::Folio(folio));
        }
        Ok(base.0 as usize)
    }

    fn is_virtio_mmio(&self, id: Id<Device>) -> bool {
        let info = &self.devices[id].info;
        info.mmio_count > 0 && info.compatible.starts_with(b"virtio,mmio\0")
    }

    /// Nobody holds the device any more.
    pub fn device_released(&mut self, id: Id<Device>, cpu: usize) {
        let count = self.devices[id].info.interrupt_count as usize;
        for which in 0..count {
            let number = self.devices[id].interrupts[which];
            self.memory.machine.mask_interrupt(number);
        }
        if self.is_virtio_mmio(id) {
            // Writing 0 to Status resets the device (virtio 1.2, section 4.2.2.1); it stops using
            // its queues before the write is done on every machine that we run on.
            self.memory
                .machine
                .write_device(self.devices[id].ranges[0].0.offset(0x70), 0);
        }
        let device = &mut self.devices[id];
        device.holder = None;
        for folio in core::mem::take(&mut device.dma).into_iter().flatten() {
            self.release(Object::Folio(folio), cpu);
        }
    }
}

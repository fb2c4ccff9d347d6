//! PCI functions as devices: what they are called, and what the kernel does on them for their drivers.
//!
//! A driver sees the function's configuration space, read-only, as range 0, and the memory behind its base
//! address registers as ranges 1 to 6. What decides on others is the kernel's: addresses were given at boot
//! ([`crate::platform::pci`]), the wire is in use exactly while somebody has a handle to the interrupt, the table of
//! messages is in no driver's reach, and the function may read and write memory exactly from the first folio
//! that it is given until it is reset (rule 16).
//!
//! Only functions that the kernel can reset may use memory: those of virtio. Others could be reset
//! by "function level reset", which takes 100 ms (PCIe, section 6.6.2); nothing has needed it yet.

use core::fmt::Write;

use abi::{DEVICE_COMPATIBLE_LEN, DeviceInfo, Error, Result};

use crate::kernel::Kernel;
use crate::memory::{Id, PhysAddr};
use crate::object::{Device, INTERRUPTS_MAX, Process, RANGES_MAX};
use crate::platform::interrupt_controller::Message;
use crate::platform::pci::{Function, Messages, command, register};

/// Bits of the first word of the capability of messages (PCI, section 6.8.2.3).
const MESSAGES_ENABLED: u32 = 1 << 31;
const MESSAGES_ALL_MASKED: u32 = 1 << 30;
/// An entry of the table of messages: address, data, and whether it is masked.
const ENTRY_LEN: usize = 16;
const ENTRY_MASKED: u32 = 1;

impl Kernel {
    /// Makes a device of a function, for drivers.
    pub fn add_pci_function(&mut self, function: &Function) {
        let sends_messages = function.messages.is_some() && self.memory.machine.has_messages();
        let mut ranges = [(PhysAddr(0), 0); RANGES_MAX];
        let configuration = function.configuration;
        ranges[0] = (PhysAddr(configuration.start), configuration.len as usize);
        for (slot, bar) in ranges[1..].iter_mut().zip(&function.bars) {
            let Some(bar) = bar else { continue };
            let mut len = bar.len;
            if let Some(messages) = &function.messages
                && (bar.start..bar.end()).contains(&messages.table.start)
            {
                // Whoever can write the table can write anywhere. What lies before it is the driver's.
                len = (messages.table.start - bar.start) & !(abi::PAGE_SIZE as u64 - 1);
            }
            *slot = (PhysAddr(bar.start), len as usize);
        }
        let interrupt_count = match (&function.messages, function.wire) {
            (Some(messages), _) if sends_messages => {
                usize::from(messages.count).min(INTERRUPTS_MAX)
            }
            (_, Some(_)) => 1,
            _ => 0,
        };
        let mut info = DeviceInfo {
            compatible: [0; DEVICE_COMPATIBLE_LEN],
            compatible_len: 0,
            mmio_count: RANGES_MAX as u32,
            interrupt_count: interrupt_count as u32,
            virtio_id: function.virtio_id(),
            unit_address: configuration.start,
        };
        info.compatible_len = write_names(function, &mut info.compatible) as u32;
        let mut device = Device::new(info);
        device.ranges = ranges;
        device.interrupts[0] = function.wire.map_or(0, |wire| wire.number);
        device.pci = Some(*function);
        device.sends_messages = sends_messages;
        self.insert_device(device);
    }

    /// One more device, if there is memory for it.
    pub fn insert_device(&mut self, device: Device) {
        let memory = &mut self.memory;
        if self
            .devices
            .reserve(&memory.machine, &mut memory.frames)
            .is_ok()
        {
            self.devices.insert(device);
        }
    }

    /// Somebody gets the device. A driver can tell from the configuration space whether it sends messages.
    pub fn pci_opened(&self, id: Id<Device>) {
        if self.devices[id].sends_messages {
            self.set_messages(id, MESSAGES_ENABLED);
        }
    }

    /// The number of an interrupt that somebody gets a handle to, and the device may raise it from now on.
    /// Who asks pays for what that takes.
    pub fn pci_interrupt(
        &mut self,
        id: Id<Device>,
        process: Id<Process>,
        which: usize,
    ) -> Result<u32> {
        let device = &self.devices[id];
        let Some(function) = device.pci else {
            return Ok(device.interrupts[which]);
        };
        match function.messages {
            Some(messages) if device.sends_messages => {
                let machine = &self.memory.machine;
                let message = machine
                    .take_message(function.address, which as u32)
                    .ok_or(Error::OutOfMemory)?;
                self.devices[id].interrupts[which] = message.number;
                if let Err(error) = self.let_interrupt(id, process, message.address) {
                    self.memory.machine.give_back_message(message.number);
                    return Err(error);
                }
                self.route(messages, which, message);
            }
            _ => {
                let old = self.command(id);
                self.set_command(id, old & !command::NO_WIRE);
            }
        }
        Ok(self.devices[id].interrupts[which])
    }

    /// Nobody has a handle to this interrupt any more: the device does not raise it.
    pub fn pci_silence(&mut self, id: Id<Device>, which: usize) {
        let device = &self.devices[id];
        let Some(function) = &device.pci else {
            return;
        };
        match &function.messages {
            Some(messages) if device.sends_messages => {
                let entry = entry(messages, which);
                let machine = &self.memory.machine;
                machine.write_device(entry.offset(12), ENTRY_MASKED);
                machine.give_back_message(device.interrupts[which]);
            }
            _ => {
                let old = self.command(id);
                self.set_command(id, old | command::NO_WIRE);
            }
        }
    }

    /// Whether the kernel can make the device stop using memory and forget what it was told.
    pub fn can_be_reset(&self, id: Id<Device>) -> bool {
        let function = &self.devices[id].pci;
        function.is_none_or(|function| function.reset.is_some())
    }

    /// Whether the device has forgotten what it was told: by its last driver, or by firmware. If not, it is told to, and whoever
    /// wants it has to come again: a reset takes as long as it takes (virtio 1.2, section 2.4), and until then it would use the
    /// memory of others, once it may use any.
    pub fn pci_is_reset(&self, id: Id<Device>) -> bool {
        let Some(reset) = self.devices[id].pci.and_then(|function| function.reset) else {
            return true;
        };
        let machine = &self.memory.machine;
        if machine.read_device_byte(PhysAddr(reset)) == 0 {
            return true;
        }
        machine.write_device_byte(PhysAddr(reset), 0);
        machine.read_device_byte(PhysAddr(reset)) == 0
    }

    /// The device has been given memory.
    pub fn pci_may_use_memory(&self, id: Id<Device>) {
        if self.devices[id].pci.is_some() {
            self.set_command(id, self.command(id) | command::MASTER);
        }
    }

    /// Whether it has been given memory and not lost it.
    pub fn pci_uses_memory(&self, id: Id<Device>) -> bool {
        self.command(id) & command::MASTER != 0
    }

    /// The device reaches no memory any more.
    pub fn pci_may_not_use_memory(&self, id: Id<Device>) {
        self.set_command(id, self.command(id) & !command::MASTER);
    }

    /// Nobody has the device any more.
    pub fn pci_released(&mut self, id: Id<Device>) {
        let Some(function) = &self.devices[id].pci else {
            return;
        };
        // From here on it reaches no memory, whatever it was told; the reset makes it forget that.
        self.set_command(id, command::MEMORY | command::NO_WIRE);
        if let Some(reset) = function.reset {
            let machine = &self.memory.machine;
            machine.write_device_byte(PhysAddr(reset), 0);
            // The answer comes behind what the function has sent to memory before (PCIe, section 2.4.1), so all of that is there
            // when its folios are free. Whether the reset is through is asked when somebody wants the device.
            machine.read_device_byte(PhysAddr(reset));
        }
        if self.devices[id].sends_messages {
            self.set_messages(id, 0);
        }
        self.confine_no_more(id);
    }

    fn command(&self, id: Id<Device>) -> u32 {
        let configuration = self.devices[id].ranges[0].0;
        let machine = &self.memory.machine;
        // The upper half is the status, where writing what was read would acknowledge errors.
        machine.read_device(configuration.offset(register::COMMAND)) & 0xffff
    }

    fn set_command(&self, id: Id<Device>, command: u32) {
        let configuration = self.devices[id].ranges[0].0;
        let machine = &self.memory.machine;
        machine.write_device(configuration.offset(register::COMMAND), command);
    }

    fn set_messages(&self, id: Id<Device>, enabled: u32) {
        let device = &self.devices[id];
        if let Some(messages) = device.pci.and_then(|function| function.messages) {
            let at = device.ranges[0].0.offset(messages.capability);
            let machine = &self.memory.machine;
            let old = machine.read_device(at) & !(MESSAGES_ENABLED | MESSAGES_ALL_MASKED);
            machine.write_device(at, old | enabled);
        }
    }

    fn route(&self, messages: Messages, which: usize, message: Message) {
        let entry = entry(&messages, which);
        let machine = &self.memory.machine;
        machine.write_device(entry, message.address as u32);
        machine.write_device(entry.offset(4), (message.address >> 32) as u32);
        machine.write_device(entry.offset(8), message.data);
        machine.write_device(entry.offset(12), 0);
    }
}

fn entry(messages: &Messages, which: usize) -> PhysAddr {
    PhysAddr(messages.table.start).offset(ENTRY_LEN * which)
}

/// Writes the function's names, most specific first, each ended by a zero byte, as the device tree would have
/// them (IEEE 1275, "PCI Bus Binding" 2.1, section 2.5). Returns how long they are.
fn write_names(function: &Function, to: &mut [u8]) -> usize {
    let (vendor, device) = (function.vendor, function.device);
    let class = function.class & 0xff_ffff;
    let mut names = heapless::String::<DEVICE_COMPATIBLE_LEN>::new();
    // They are shorter than the room there is.
    let _ = write!(names, "pci{vendor:04x},{device:04x}\0");
    if function.virtio_id() != 0 {
        let _ = write!(names, "virtio,pci\0");
    }
    let _ = write!(names, "pciclass,{class:06x}\0pciclass,{:04x}\0", class >> 8);
    to[..names.len()].copy_from_slice(names.as_bytes());
    names.len()
}

//! Where the registers of a PCI function are (section 4.1).
//!
//! The function's configuration space, which can only be read here, lists where in its ranges of registers
//! four structures lie. A driver gets the configuration space as range 0, and the ranges behind the base
//! address registers as 1 to 6; [`Registers::beside`] leads from the one to the others.
//!
//! Interrupts are messages where the machine has them: then all of them are message 0, and whether the
//! configuration has changed is seen by its generation. Otherwise there is a wire, and a register that
//! tells why it is up.
//!
//! Deliberately absent: a message for each queue, which pays once there are several queues of a kind.

use core::cell::Cell;

use crate::{Error, Interrupts, Registers};

const VENDOR: u16 = 0x1af4;
/// Section 4.1.2.1: a device's number on the bus is its virtio number from here on.
const DEVICE_BASE: u16 = 0x1040;
/// Section 4.1.2.3: below, the subsystem is the virtio number.
const TRANSITIONAL_BASE: u16 = 0x1000;

// The header of the configuration space.
const DEVICE: usize = 0x02;
const STATUS: usize = 0x06;
const SUBSYSTEM: usize = 0x2e;
const CAPABILITIES: usize = 0x34;
const HAS_CAPABILITIES: u16 = 1 << 4;
/// There is no room for more in a configuration space.
const CAPABILITIES_MAX: usize = 48;
const CAPABILITY_VENDOR: u8 = 0x09;
const CAPABILITY_MESSAGES: u8 = 0x11;
const MESSAGES_ENABLED: u16 = 1 << 15;

// Section 4.1.4: kinds of structures.
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const INTERRUPT: u8 = 3;
const CONFIG: u8 = 4;

// Section 4.1.4.3: the common structure.
const DEVICE_FEATURES_SEL: usize = 0;
const DEVICE_FEATURES: usize = 4;
const DRIVER_FEATURES_SEL: usize = 8;
const DRIVER_FEATURES: usize = 12;
const CONFIG_MESSAGE: usize = 16;
const DEVICE_STATUS: usize = 20;
const CONFIG_GENERATION: usize = 21;
const QUEUE_SEL: usize = 22;
const QUEUE_SIZE: usize = 24;
const QUEUE_MESSAGE: usize = 26;
const QUEUE_ENABLE: usize = 28;
const QUEUE_NOTIFY_OFFSET: usize = 30;
const QUEUE_DESC: usize = 32;
const QUEUE_DRIVER: usize = 40;
const QUEUE_DEVICE: usize = 48;

/// The message that all interrupts are.
const MESSAGE: u16 = 0;
/// Queues that can be told apart. More than any device here has.
const QUEUES_MAX: usize = 64;

/// A PCI function.
pub struct Pci<R> {
    configuration: R,
    /// The ranges that structures lie in, by base address register.
    ranges: [Option<R>; 6],
    common: Structure,
    notify: Structure,
    notify_step: usize,
    interrupt: Structure,
    config: Option<Structure>,
    sends_messages: bool,
    /// Where each queue is notified.
    notify_at: [Cell<u32>; QUEUES_MAX],
    generation: Cell<u8>,
}

/// A part of a range of registers.
#[derive(Clone, Copy)]
struct Structure {
    range: usize,
    offset: usize,
}

impl<R: Registers> Pci<R> {
    /// Whether this is the configuration space of a virtio device.
    pub fn is_there(registers: &R) -> bool {
        registers.read32(0) as u16 == VENDOR
    }

    pub fn new(configuration: R) -> Result<Pci<R>, Error> {
        let mut ranges = [const { None }; 6];
        let mut structures = [None; CONFIG as usize + 1];
        let (mut notify_step, mut sends_messages) = (0, false);
        let has_some = configuration.read16(STATUS) & HAS_CAPABILITIES != 0;
        let mut at = match has_some {
            true => configuration.read8(CAPABILITIES) as usize & 0xfc,
            false => 0,
        };
        // A list that goes round is not followed for ever.
        for _ in 0..CAPABILITIES_MAX {
            if at < 0x40 {
                break;
            }
            match configuration.read8(at) {
                CAPABILITY_VENDOR => {
                    let kind = configuration.read8(at + 3);
                    let range = configuration.read8(at + 4) as usize;
                    let offset = configuration.read32(at + 8) as usize;
                    // Section 4.1.4.1: the first of a kind that can be used is the one to use; others, in
                    // ranges of another sort, are no error.
                    if let Some(slot @ None) = structures.get_mut(kind as usize)
                        && kind != 0
                        && range < ranges.len()
                    {
                        if ranges[range].is_none() {
                            ranges[range] = configuration.beside(1 + range);
                        }
                        if ranges[range].is_some() {
                            *slot = Some(Structure { range, offset });
                            if kind == NOTIFY {
                                notify_step = configuration.read32(at + 16) as usize;
                            }
                        }
                    }
                }
                CAPABILITY_MESSAGES => {
                    sends_messages = configuration.read16(at + 2) & MESSAGES_ENABLED != 0;
                }
                _ => {}
            }
            at = configuration.read8(at + 1) as usize & 0xfc;
        }
        // A device of the old kind alone has none of them.
        let needed = |kind: u8| structures[kind as usize].ok_or(Error::Legacy);
        let pci = Pci {
            common: needed(COMMON)?,
            notify: needed(NOTIFY)?,
            interrupt: needed(INTERRUPT)?,
            config: structures[CONFIG as usize],
            configuration,
            ranges,
            notify_step,
            sends_messages,
            notify_at: [const { Cell::new(0) }; QUEUES_MAX],
            generation: Cell::new(0),
        };
        Ok(pci)
    }

    fn range(&self, structure: Structure) -> &R {
        self.ranges[structure.range]
            .as_ref()
            .expect("structures lie in ranges that are there")
    }

    fn common(&self) -> (&R, usize) {
        (self.range(self.common), self.common.offset)
    }

    fn read16(&self, field: usize) -> u16 {
        let (registers, at) = self.common();
        registers.read16(at + field)
    }

    fn read32(&self, field: usize) -> u32 {
        let (registers, at) = self.common();
        registers.read32(at + field)
    }

    fn write16(&self, field: usize, value: u16) {
        let (registers, at) = self.common();
        registers.write16(at + field, value);
    }

    fn write32(&self, field: usize, value: u32) {
        let (registers, at) = self.common();
        registers.write32(at + field, value);
    }

    pub fn device_id(&self) -> u32 {
        match self.configuration.read16(DEVICE) {
            id @ DEVICE_BASE.. => (id - DEVICE_BASE).into(),
            TRANSITIONAL_BASE..DEVICE_BASE => self.configuration.read16(SUBSYSTEM).into(),
            _ => 0,
        }
    }

    pub fn status(&self) -> u32 {
        let (registers, at) = self.common();
        registers.read8(at + DEVICE_STATUS).into()
    }

    pub fn set_status(&self, status: u32) {
        let (registers, at) = self.common();
        registers.write8(at + DEVICE_STATUS, status as u8);
    }

    pub fn offered_features(&self) -> u64 {
        self.write32(DEVICE_FEATURES_SEL, 0);
        let low = self.read32(DEVICE_FEATURES) as u64;
        self.write32(DEVICE_FEATURES_SEL, 1);
        low | (self.read32(DEVICE_FEATURES) as u64) << 32
    }

    pub fn choose_features(&self, features: u64) {
        self.write32(DRIVER_FEATURES_SEL, 0);
        self.write32(DRIVER_FEATURES, features as u32);
        self.write32(DRIVER_FEATURES_SEL, 1);
        self.write32(DRIVER_FEATURES, (features >> 32) as u32);
    }

    /// Says which message a change of the configuration is (section 4.1.5.1.2).
    pub fn prepare_interrupts(&self) -> Result<(), Error> {
        self.generation.set(self.config_generation() as u8);
        if self.sends_messages {
            self.write16(CONFIG_MESSAGE, MESSAGE);
            if self.read16(CONFIG_MESSAGE) != MESSAGE {
                return Err(Error::NoInterrupt);
            }
        }
        Ok(())
    }

    /// Makes what follows be about this queue; tells its largest size, or 0 if there is no such queue.
    pub fn select_queue(&self, index: u32) -> u32 {
        if index as usize >= QUEUES_MAX {
            return 0;
        }
        self.write16(QUEUE_SEL, index as u16);
        self.read16(QUEUE_SIZE).into()
    }

    pub fn is_queue_ready(&self) -> bool {
        self.read16(QUEUE_ENABLE) != 0
    }

    /// Starts the queue that was selected: descriptors, the driver's part, the device's part.
    pub fn start_queue(
        &self,
        index: u32,
        size: u16,
        (descriptors, driver, device): (u64, u64, u64),
    ) -> Result<(), Error> {
        self.write16(QUEUE_SIZE, size);
        if self.sends_messages {
            self.write16(QUEUE_MESSAGE, MESSAGE);
            // A device without room for it says so (section 4.1.5.1.2).
            if self.read16(QUEUE_MESSAGE) != MESSAGE {
                return Err(Error::NoInterrupt);
            }
        }
        for (field, address) in [
            (QUEUE_DESC, descriptors),
            (QUEUE_DRIVER, driver),
            (QUEUE_DEVICE, device),
        ] {
            self.write32(field, address as u32);
            self.write32(field + 4, (address >> 32) as u32);
        }
        // Section 4.1.4.4: where the queue is notified.
        let step = self.read16(QUEUE_NOTIFY_OFFSET) as usize * self.notify_step;
        self.notify_at[index as usize].set((self.notify.offset + step) as u32);
        self.write16(QUEUE_ENABLE, 1);
        Ok(())
    }

    pub fn notify(&self, queue: u32) {
        let at = self.notify_at[queue as usize].get() as usize;
        self.range(self.notify).write16(at, queue as u16);
    }

    pub fn interrupts(&self) -> Interrupts {
        if self.sends_messages {
            let generation = self.config_generation() as u8;
            return Interrupts {
                queue: true,
                config: self.generation.replace(generation) != generation,
            };
        }
        // Section 4.1.4.5: reading acknowledges.
        let status = self.range(self.interrupt).read8(self.interrupt.offset);
        Interrupts {
            queue: status & 1 != 0,
            config: status & 2 != 0,
        }
    }

    pub fn config_generation(&self) -> u32 {
        let (registers, at) = self.common();
        registers.read8(at + CONFIG_GENERATION).into()
    }

    pub fn config8(&self, offset: usize) -> u8 {
        self.config
            .map_or(0, |config| self.range(config).read8(config.offset + offset))
    }

    pub fn config16(&self, offset: usize) -> u16 {
        self.config.map_or(0, |config| {
            self.range(config).read16(config.offset + offset)
        })
    }

    pub fn config32(&self, offset: usize) -> u32 {
        self.config.map_or(0, |config| {
            self.range(config).read32(config.offset + offset)
        })
    }
}

//! The MMIO transport (section 4.2): how a device is found, set up and reset.

use crate::{DmaMemory, Error, Misbehaviour, Queue, Registers};

// Section 4.2.2, table 4.1.
const MAGIC_VALUE: usize = 0x000;
const VERSION: usize = 0x004;
const DEVICE_ID: usize = 0x008;
const DEVICE_FEATURES: usize = 0x010;
const DEVICE_FEATURES_SEL: usize = 0x014;
const DRIVER_FEATURES: usize = 0x020;
const DRIVER_FEATURES_SEL: usize = 0x024;
const QUEUE_SEL: usize = 0x030;
const QUEUE_NUM_MAX: usize = 0x034;
const QUEUE_NUM: usize = 0x038;
const QUEUE_READY: usize = 0x044;
const QUEUE_NOTIFY: usize = 0x050;
const INTERRUPT_STATUS: usize = 0x060;
const INTERRUPT_ACK: usize = 0x064;
const STATUS: usize = 0x070;
const QUEUE_DESC_LOW: usize = 0x080;
const QUEUE_DRIVER_LOW: usize = 0x090;
const QUEUE_DEVICE_LOW: usize = 0x0a0;
const CONFIG_GENERATION: usize = 0x0fc;
const CONFIG: usize = 0x100;

const MAGIC: u32 = 0x7472_6976;

// Section 2.1: the device status field.
const ACKNOWLEDGE: u32 = 1;
const DRIVER: u32 = 2;
const DRIVER_OK: u32 = 4;
const FEATURES_OK: u32 = 8;
const DEVICE_NEEDS_RESET: u32 = 64;
const FAILED: u32 = 128;

/// Feature bit: the device follows version 1 of the specification (section 6).
const VERSION_1: u64 = 1 << 32;
/// Feature bit: notifications by index instead of by flag (section 2.7.7 and 2.7.10).
const EVENT_IDX: u64 = 1 << 29;

/// How often the status is read while the device resets. QEMU resets at the first.
const RESET_READS_MAX: u32 = 1_000_000;
/// How often the configuration is read anew if it changes meanwhile.
const CONFIG_READS_MAX: u32 = 100;

/// A device behind the MMIO transport, with its features settled.
pub struct Transport<R> {
    registers: R,
    features: u64,
}

/// What an interrupt was about (section 4.2.2, `InterruptStatus`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupts {
    /// A queue has something.
    pub queue: bool,
    /// The configuration changed.
    pub config: bool,
}

impl<R: Registers> Transport<R> {
    /// Resets the device and settles the features (section 3.1.1, steps 1 to 6): of those that
    /// the device offers, the ones in `wanted`; all in `needed` must be among them. Version 1 is
    /// always needed, event indices always wanted.
    pub fn new(
        registers: R,
        device_id: u32,
        needed: u64,
        wanted: u64,
    ) -> Result<Transport<R>, Error> {
        if registers.read32(MAGIC_VALUE) != MAGIC {
            return Err(Error::NotVirtio);
        }
        match registers.read32(VERSION) {
            2 => {}
            1 => return Err(Error::Legacy),
            _ => return Err(Error::NotVirtio),
        }
        match registers.read32(DEVICE_ID) {
            id if id == device_id => {}
            id => return Err(Error::WrongDevice(id)),
        }
        let mut transport = Transport {
            registers,
            features: 0,
        };
        transport.reset()?;
        let registers = &transport.registers;
        registers.write32(STATUS, ACKNOWLEDGE);
        registers.write32(STATUS, ACKNOWLEDGE | DRIVER);

        let offered = {
            registers.write32(DEVICE_FEATURES_SEL, 0);
            let low = registers.read32(DEVICE_FEATURES) as u64;
            registers.write32(DEVICE_FEATURES_SEL, 1);
            low | (registers.read32(DEVICE_FEATURES) as u64) << 32
        };
        let needed = needed | VERSION_1;
        let features = offered & (needed | wanted | EVENT_IDX);
        if features & needed != needed {
            registers.write32(STATUS, FAILED);
            return Err(Error::Features);
        }
        registers.write32(DRIVER_FEATURES_SEL, 0);
        registers.write32(DRIVER_FEATURES, features as u32);
        registers.write32(DRIVER_FEATURES_SEL, 1);
        registers.write32(DRIVER_FEATURES, (features >> 32) as u32);
        registers.write32(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
        if registers.read32(STATUS) & FEATURES_OK == 0 {
            registers.write32(STATUS, FAILED);
            return Err(Error::Features);
        }
        transport.features = features;
        Ok(transport)
    }

    /// Whether all of these feature bits were settled upon.
    pub fn has(&self, features: u64) -> bool {
        self.features & features == features
    }

    /// Sets up a queue (section 4.2.3.2) of `size` descriptors, or as many as the device takes,
    /// in `memory` from `offset` on. See [`Queue::bytes`].
    pub fn queue<M: DmaMemory>(
        &self,
        index: u32,
        size: u16,
        memory: M,
        offset: usize,
    ) -> Result<Queue<M>, Error> {
        let registers = &self.registers;
        registers.write32(QUEUE_SEL, index);
        let size_max = registers.read32(QUEUE_NUM_MAX);
        if size_max == 0 || registers.read32(QUEUE_READY) != 0 {
            return Err(Error::NoQueue);
        }
        // A split queue's size is a power of two (section 2.7).
        let size = (size as u32).min(1 << size_max.ilog2()) as u16;
        let queue = Queue::new(memory, offset, size, self.has(EVENT_IDX))?;
        let (descriptors, driver, device) = queue.addresses();
        registers.write32(QUEUE_NUM, size as u32);
        for (register, address) in [
            (QUEUE_DESC_LOW, descriptors),
            (QUEUE_DRIVER_LOW, driver),
            (QUEUE_DEVICE_LOW, device),
        ] {
            registers.write32(register, address as u32);
            registers.write32(register + 4, (address >> 32) as u32);
        }
        registers.write32(QUEUE_READY, 1);
        Ok(queue)
    }

    /// Lets the device work (section 3.1.1, step 8).
    pub fn start(&self) {
        self.registers
            .write32(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    }

    /// Tells the device that a queue has something new (section 4.2.3.3).
    pub fn notify(&self, queue: u32) {
        self.registers.write32(QUEUE_NOTIFY, queue);
    }

    /// What the interrupt was about; acknowledges just that. To be called before looking at the
    /// queues, so that what comes after the look interrupts again.
    pub fn interrupts(&self) -> Result<Interrupts, Error> {
        let status = self.registers.read32(INTERRUPT_STATUS) & 3;
        self.registers.write32(INTERRUPT_ACK, status);
        if status & 2 != 0 && self.registers.read32(STATUS) & DEVICE_NEEDS_RESET != 0 {
            return Err(Error::NeedsReset);
        }
        Ok(Interrupts {
            queue: status & 1 != 0,
            config: status & 2 != 0,
        })
    }

    /// Reads from the device's configuration, as often as needed for a consistent picture
    /// (section 2.5.1).
    pub fn config<T>(&self, read: impl Fn(&Config<'_, R>) -> T) -> Result<T, Error> {
        let config = Config {
            registers: &self.registers,
        };
        for _ in 0..CONFIG_READS_MAX {
            let before = self.registers.read32(CONFIG_GENERATION);
            let value = read(&config);
            if self.registers.read32(CONFIG_GENERATION) == before {
                return Ok(value);
            }
        }
        Err(Misbehaviour::UnstableConfig.into())
    }

    /// Resets the device and waits until it has (section 2.4.2). After this it touches no memory.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.registers.write32(STATUS, 0);
        for _ in 0..RESET_READS_MAX {
            if self.registers.read32(STATUS) == 0 {
                return Ok(());
            }
            core::hint::spin_loop();
        }
        Err(Error::ResetTimedOut)
    }
}

/// A device's own configuration. Fields are read in their own width (section 4.2.2.2).
pub struct Config<'a, R> {
    registers: &'a R,
}

impl<R: Registers> Config<'_, R> {
    /// A field of one byte.
    pub fn read8(&self, offset: usize) -> u8 {
        self.registers.read8(CONFIG + offset)
    }
    /// A field of two bytes.
    pub fn read16(&self, offset: usize) -> u16 {
        self.registers.read16(CONFIG + offset)
    }
    /// A field of four bytes, or half of one of eight.
    pub fn read32(&self, offset: usize) -> u32 {
        self.registers.read32(CONFIG + offset)
    }
}

//! Where the registers of a device are that the device tree describes (section 4.2).

use crate::{Error, Interrupts, Registers};

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

/// The registers of a device, all in one range.
pub struct Mmio<R>(R);

impl<R: Registers> Mmio<R> {
    pub fn new(registers: R) -> Result<Mmio<R>, Error> {
        if registers.read32(MAGIC_VALUE) != MAGIC {
            return Err(Error::NotVirtio);
        }
        match registers.read32(VERSION) {
            2 => Ok(Mmio(registers)),
            1 => Err(Error::Legacy),
            _ => Err(Error::NotVirtio),
        }
    }

    pub fn device_id(&self) -> u32 {
        self.0.read32(DEVICE_ID)
    }

    pub fn status(&self) -> u32 {
        self.0.read32(STATUS)
    }

    pub fn set_status(&self, status: u32) {
        self.0.write32(STATUS, status);
    }

    pub fn offered_features(&self) -> u64 {
        self.0.write32(DEVICE_FEATURES_SEL, 0);
        let low = self.0.read32(DEVICE_FEATURES) as u64;
        self.0.write32(DEVICE_FEATURES_SEL, 1);
        low | (self.0.read32(DEVICE_FEATURES) as u64) << 32
    }

    pub fn choose_features(&self, features: u64) {
        self.0.write32(DRIVER_FEATURES_SEL, 0);
        self.0.write32(DRIVER_FEATURES, features as u32);
        self.0.write32(DRIVER_FEATURES_SEL, 1);
        self.0.write32(DRIVER_FEATURES, (features >> 32) as u32);
    }

    /// There is one interrupt, for everything.
    pub fn prepare_interrupts(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Makes what follows be about this queue; tells its largest size, or 0 if there is no such queue.
    pub fn select_queue(&self, index: u32) -> u32 {
        self.0.write32(QUEUE_SEL, index);
        self.0.read32(QUEUE_NUM_MAX)
    }

    pub fn is_queue_ready(&self) -> bool {
        self.0.read32(QUEUE_READY) != 0
    }

    /// Starts the queue that was selected: descriptors, the driver's part, the device's part.
    pub fn start_queue(
        &self,
        _index: u32,
        size: u16,
        (descriptors, driver, device): (u64, u64, u64),
    ) -> Result<(), Error> {
        self.0.write32(QUEUE_NUM, size as u32);
        for (register, address) in [
            (QUEUE_DESC_LOW, descriptors),
            (QUEUE_DRIVER_LOW, driver),
            (QUEUE_DEVICE_LOW, device),
        ] {
            self.0.write32(register, address as u32);
            self.0.write32(register + 4, (address >> 32) as u32);
        }
        self.0.write32(QUEUE_READY, 1);
        Ok(())
    }

    pub fn notify(&self, queue: u32) {
        self.0.write32(QUEUE_NOTIFY, queue);
    }

    pub fn interrupts(&self) -> Interrupts {
        let status = self.0.read32(INTERRUPT_STATUS) & 3;
        self.0.write32(INTERRUPT_ACK, status);
        Interrupts {
            queue: status & 1 != 0,
            config: status & 2 != 0,
        }
    }

    pub fn config_generation(&self) -> u32 {
        self.0.read32(CONFIG_GENERATION)
    }

    pub fn config8(&self, offset: usize) -> u8 {
        self.0.read8(CONFIG + offset)
    }

    pub fn config16(&self, offset: usize) -> u16 {
        self.0.read16(CONFIG + offset)
    }

    pub fn config32(&self, offset: usize) -> u32 {
        self.0.read32(CONFIG + offset)
    }
}

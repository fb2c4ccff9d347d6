//! How a device is set up, told of work, asked, and reset, whatever it is plugged into.
//!
//! The steps are the same on all transports (section 3.1); where the registers are is in
//! [`mmio`](crate::mmio) and [`pci`](crate::pci). Which of the two it is can be read from the
//! registers themselves, so that drivers need not know.

use crate::mmio::Mmio;
use crate::pci::Pci;
use crate::{DmaMemory, Error, Misbehaviour, Queue, Registers};

// Section 2.1: the device status field.
const ACKNOWLEDGE: u32 = 1;
const DRIVER: u32 = 2;
const DRIVER_OK: u32 = 4;
const FEATURES_OK: u32 = 8;
const DEVICE_NEEDS_RESET: u32 = 64;
const FAILED: u32 = 128;

/// Feature bit: the device follows version 1 of the specification (section 6).
const VERSION_1: u64 = 1 << 32;
/// Feature bit: the device reaches memory as all devices at its place do, for example through an IOMMU
/// (section 6). What it is told are such addresses anyway.
const ACCESS_PLATFORM: u64 = 1 << 33;
/// Feature bit: notifications by index instead of by flag (section 2.7.7 and 2.7.10).
const EVENT_IDX: u64 = 1 << 29;

/// How often the status is read while the device resets. QEMU resets at the first.
const RESET_READS_MAX: u32 = 1_000_000;
/// How often the configuration is read anew if it changes meanwhile.
const CONFIG_READS_MAX: u32 = 100;

/// A device with its features settled.
pub struct Transport<R> {
    wire: Wire<R>,
    features: u64,
}

/// Where the device is plugged in.
// A device has one, which is not moved once it is there.
#[allow(clippy::large_enum_variant)]
enum Wire<R> {
    Mmio(Mmio<R>),
    Pci(Pci<R>),
}

/// Calls a function that both have.
macro_rules! on {
    ($wire:expr, $at:ident => $call:expr) => {
        match &$wire {
            Wire::Mmio($at) => $call,
            Wire::Pci($at) => $call,
        }
    };
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
        Transport::choosing(registers, device_id, needed, |_| wanted)
    }

    /// The same where what is wanted hangs on what is offered.
    pub fn choosing(
        registers: R,
        device_id: u32,
        needed: u64,
        wanted: impl FnOnce(u64) -> u64,
    ) -> Result<Transport<R>, Error> {
        let wire = match Pci::is_there(&registers) {
            true => Wire::Pci(Pci::new(registers)?),
            false => Wire::Mmio(Mmio::new(registers)?),
        };
        match on!(wire, at => at.device_id()) {
            id if id == device_id => {}
            id => return Err(Error::WrongDevice(id)),
        }
        let mut transport = Transport { wire, features: 0 };
        transport.reset()?;
        transport.set_status(ACKNOWLEDGE);
        transport.set_status(ACKNOWLEDGE | DRIVER);

        let offered = on!(transport.wire, at => at.offered_features());
        let needed = needed | VERSION_1;
        let features = offered & (needed | wanted(offered) | EVENT_IDX | ACCESS_PLATFORM);
        if features & needed != needed {
            transport.set_status(FAILED);
            return Err(Error::Features);
        }
        on!(transport.wire, at => at.choose_features(features));
        transport.set_status(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        if transport.status() & FEATURES_OK == 0 {
            transport.set_status(FAILED);
            return Err(Error::Features);
        }
        transport.features = features;
        on!(transport.wire, at => at.prepare_interrupts())?;
        Ok(transport)
    }

    fn status(&self) -> u32 {
        on!(self.wire, at => at.status())
    }

    fn set_status(&self, status: u32) {
        on!(self.wire, at => at.set_status(status));
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
        let size_max = on!(self.wire, at => at.select_queue(index));
        if size_max == 0 || on!(self.wire, at => at.is_queue_ready()) {
            return Err(Error::NoQueue);
        }
        // A split queue's size is a power of two (section 2.7).
        let size = (size as u32).min(1 << size_max.ilog2()) as u16;
        let queue = Queue::new(memory, offset, size, self.has(EVENT_IDX))?;
        on!(self.wire, at => at.start_queue(index, size, queue.addresses()))?;
        Ok(queue)
    }

    /// Lets the device work (section 3.1.1, step 8).
    pub fn start(&self) {
        self.set_status(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    }

    /// Tells the device that a queue has something new (section 4.2.3.3).
    pub fn notify(&self, queue: u32) {
        on!(self.wire, at => at.notify(queue));
    }

    /// What the interrupt was about; acknowledges just that. To be called before looking at the
    /// queues, so that what comes after the look interrupts again.
    pub fn interrupts(&self) -> Result<Interrupts, Error> {
        let interrupts = on!(self.wire, at => at.interrupts());
        if interrupts.config && self.status() & DEVICE_NEEDS_RESET != 0 {
            return Err(Error::NeedsReset);
        }
        Ok(interrupts)
    }

    /// Reads from the device's configuration, as often as needed for a consistent picture
    /// (section 2.5.1).
    pub fn config<T>(&self, read: impl Fn(&Config<'_, R>) -> T) -> Result<T, Error> {
        let config = Config { wire: &self.wire };
        let generation = || on!(self.wire, at => at.config_generation());
        for _ in 0..CONFIG_READS_MAX {
            let before = generation();
            let value = read(&config);
            if generation() == before {
                return Ok(value);
            }
        }
        Err(Misbehaviour::UnstableConfig.into())
    }

    /// Resets the device and waits until it has (section 2.4.2). After this it touches no memory.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.set_status(0);
        for _ in 0..RESET_READS_MAX {
            if self.status() == 0 {
                return Ok(());
            }
            core::hint::spin_loop();
        }
        Err(Error::ResetTimedOut)
    }
}

/// A device's own configuration. Fields are read in their own width (section 4.2.2.2).
pub struct Config<'a, R> {
    wire: &'a Wire<R>,
}

impl<R: Registers> Config<'_, R> {
    /// A field of one byte.
    pub fn read8(&self, offset: usize) -> u8 {
        on!(*self.wire, at => at.config8(offset))
    }
    /// A field of two bytes.
    pub fn read16(&self, offset: usize) -> u16 {
        on!(*self.wire, at => at.config16(offset))
    }
    /// A field of four bytes, or half of one of eight.
    pub fn read32(&self, offset: usize) -> u32 {
        on!(*self.wire, at => at.config32(offset))
    }
}

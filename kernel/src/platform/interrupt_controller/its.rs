//! The interrupt translation service of a GICv3 (Arm IHI 0069H, chapters 5 and 12.18): makes interrupts
//! of the messages that PCI functions send.
//!
//! A message is a number, the event, written to one register; the bus adds who sent it. The service looks
//! both up in tables and gets an LPI, an interrupt with a number from 8192 on, which is always an edge.
//! Whether an LPI is masked stands in a byte of memory; it is looked at again when a command says so.
//!
//! All of them go to the first CPU, as all other interrupts of devices do. So one collection and one
//! redistributor with LPIs are enough. The tables lie in memory that is carved out at boot ([`MEMORY_LEN`]), for
//! as many functions as the kernel takes notice of.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::{GicCpuInterface, Message, Registers};

/// The first LPI.
pub(super) const FIRST: u32 = 8192;
/// How many are used.
const COUNT: u32 = 64;
/// Bits of an LPI's number: the fewest that there can be.
const NUMBER_BITS: u64 = 14;
/// Events of one function.
const EVENTS_LOG: u64 = 3;
/// Functions with messages, and bytes of the table that each of them gets.
const FUNCTIONS: usize = 64;
const TRANSLATIONS_LEN: usize = 256;

// How the memory is divided. The pending table and the queue need multiples of 64 KiB.
const PENDING: usize = 0;
const QUEUE: usize = 0x1_0000;
const PROPERTIES: usize = 0x1_1000;
const COLLECTIONS: usize = 0x1_3000;
const TRANSLATIONS: usize = 0x1_4000;
const DEVICES: usize = 0x2_0000;
/// Bytes of memory that are needed, zeroed, on a multiple of 64 KiB.
pub const MEMORY_LEN: usize = 0x3_0000;
const QUEUE_LEN: usize = 0x1000;
const COMMAND_LEN: usize = 32;
const DEVICES_LEN: usize = MEMORY_LEN - DEVICES;

const CONTROL: usize = 0x0000;
const TYPE: usize = 0x0008;
const QUEUE_BASE: usize = 0x0080;
const QUEUE_WRITE: usize = 0x0088;
const QUEUE_READ: usize = 0x0090;
const TABLE_BASE: usize = 0x0100;
const TABLES: usize = 8;
/// Where messages are written to, from the start of the registers.
const TRANSLATER: u64 = 0x1_0040;

const VALID: u64 = 1 << 63;
/// Memory as the CPU has it: written back, allocated on reads and writes, inner shareable.
const CACHED: u64 = 7 << 59 | 1 << 10;
const DEVICE_TABLE: u64 = 1;
const COLLECTION_TABLE: u64 = 4;

// 5.3, "ITS commands".
const SYNC: u64 = 0x05;
const MAP_DEVICE: u64 = 0x08;
const MAP_COLLECTION: u64 = 0x09;
const MAP_EVENT: u64 = 0x0a;
const INVALIDATE: u64 = 0x0c;
const DISCARD: u64 = 0x0f;

/// An LPI's byte: the priority of all interrupts, and a bit that is always set.
const PROPERTY: u8 = 0xa2;
const PROPERTY_ENABLED: u8 = 1;

/// The most looks at the service's progress.
const PATIENCE: usize = 1_000_000;

/// The service.
#[derive(Debug)]
pub struct Its {
    registers: Registers,
    /// Where devices find it.
    address: u64,
    /// Its memory, as the CPU sees it and as the service does.
    memory: Registers,
    memory_at: u64,
    /// The redistributor that gets the interrupts, as commands name it.
    target: u64,
    cpu_interface: &'static dyn GicCpuInterface,
    written: AtomicUsize,
    /// A bit for each LPI that is taken.
    taken: AtomicU64,
    /// Who sends which: the sender in the upper half and the event in the lower.
    senders: [AtomicU64; COUNT as usize],
    /// The functions that have a table of events, plus one, in the order of those tables.
    functions: [AtomicUsize; FUNCTIONS],
}

/// What a redistributor must be told, for LPIs.
pub(super) struct Tables {
    /// Its GICR_PROPBASER.
    pub properties: u64,
    /// Its GICR_PENDBASER.
    pub pending: u64,
}

impl Its {
    /// `memory` is [`MEMORY_LEN`] bytes, zeroed, at `memory_at` for the service. `processor` is the target's
    /// number, from its GICR_TYPER, and `redistributor` its address.
    pub(super) fn new(
        registers: Registers,
        address: u64,
        memory: Registers,
        memory_at: u64,
        processor: u64,
        redistributor: u64,
        cpu_interface: &'static dyn GicCpuInterface,
    ) -> Its {
        // GITS_TYPER.PTA: whether redistributors are named by address.
        let target = if registers.read_u64(TYPE) >> 19 & 1 != 0 {
            redistributor & !0xffff
        } else {
            processor << 16
        };
        Its {
            registers,
            address,
            memory,
            memory_at,
            target,
            cpu_interface,
            written: AtomicUsize::new(0),
            taken: AtomicU64::new(0),
            senders: [const { AtomicU64::new(0) }; COUNT as usize],
            functions: [const { AtomicUsize::new(0) }; FUNCTIONS],
        }
    }

    /// The tables for the redistributor, which must have them before the service is switched on.
    pub(super) fn tables(&self) -> Tables {
        const CACHED: u64 = 7 << 7 | 1 << 10;
        // GICR_PENDBASER.PTZ: the table is known to be zero.
        const ZERO: u64 = 1 << 62;
        Tables {
            properties: self.at(PROPERTIES) | CACHED | (NUMBER_BITS - 1),
            pending: self.at(PENDING) | CACHED | ZERO,
        }
    }

    /// Switches it on.
    pub(super) fn init(&self) {
        for number in 0..COUNT as usize {
            self.memory.write_u8(PROPERTIES + number, PROPERTY);
        }
        self.registers.write_u32(CONTROL, 0);
        for table in 0..TABLES {
            let offset = TABLE_BASE + 8 * table;
            let (place, pages) = match self.registers.read_u64(offset) >> 56 & 7 {
                DEVICE_TABLE => (DEVICES, DEVICES_LEN as u64 / 4096),
                COLLECTION_TABLE => (COLLECTIONS, 1),
                _ => continue,
            };
            self.registers
                .write_u64(offset, VALID | CACHED | self.at(place) | (pages - 1));
        }
        let pages = QUEUE_LEN as u64 / 4096;
        self.registers
            .write_u64(QUEUE_BASE, VALID | CACHED | self.at(QUEUE) | (pages - 1));
        self.registers.write_u64(QUEUE_WRITE, 0);
        self.registers.write_u32(CONTROL, 1);
        self.command([MAP_COLLECTION, 0, VALID | self.target, 0]);
        self.finish();
    }

    /// An interrupt for an event of a function, masked.
    pub(super) fn take(&self, sender: u16, event: u32) -> Option<Message> {
        let taken = self.taken.load(Ordering::Relaxed);
        let free = taken.trailing_ones();
        if free >= COUNT || u64::from(event) >= 1 << EVENTS_LOG {
            return None;
        }
        self.know(sender)?;
        let sender = u64::from(sender);
        self.taken.store(taken | 1 << free, Ordering::Relaxed);
        self.senders[free as usize].store(sender << 32 | u64::from(event), Ordering::Relaxed);
        let number = FIRST + free;
        let event_and_number = u64::from(event) | u64::from(number) << 32;
        self.command([MAP_EVENT | sender << 32, event_and_number, 0, 0]);
        self.set(number, false);
        Some(Message {
            number,
            address: self.address + TRANSLATER,
            data: event,
        })
    }

    pub(super) fn give_back(&self, number: u32) {
        if let Some((place, sender, event)) = self.place(number) {
            self.command([DISCARD | sender << 32, event, 0, 0]);
            self.finish();
            self.taken.fetch_and(!(1 << place), Ordering::Relaxed);
        }
    }

    /// Masks an interrupt, or lets it through.
    pub(super) fn set(&self, number: u32, enabled: bool) {
        if let Some((place, sender, event)) = self.place(number) {
            let bit = if enabled { PROPERTY_ENABLED } else { 0 };
            self.memory.write_u8(PROPERTIES + place, PROPERTY | bit);
            self.command([INVALIDATE | sender << 32, event, 0, 0]);
            self.finish();
        }
    }

    /// An interrupt's place, and who sends it.
    fn place(&self, number: u32) -> Option<(usize, u64, u64)> {
        let place = number.checked_sub(FIRST).filter(|place| *place < COUNT)? as usize;
        if self.taken.load(Ordering::Relaxed) >> place & 1 == 0 {
            return None;
        }
        let sender = self.senders[place].load(Ordering::Relaxed);
        Some((place, sender >> 32, sender & 0xffff_ffff))
    }

    /// Gives a function its table of events, if it has none. They are kept for good.
    fn know(&self, sender: u16) -> Option<()> {
        let named = usize::from(sender) + 1;
        let place = self.functions.iter().position(|known| {
            let known = known.load(Ordering::Relaxed);
            known == 0 || known == named
        })?;
        if self.functions[place].swap(named, Ordering::Relaxed) == 0 {
            let table = self.at(TRANSLATIONS + TRANSLATIONS_LEN * place);
            let sender = u64::from(sender) << 32;
            self.command([MAP_DEVICE | sender, EVENTS_LOG - 1, VALID | table, 0]);
        }
        Some(())
    }

    fn at(&self, place: usize) -> u64 {
        self.memory_at + place as u64
    }

    fn command(&self, words: [u64; 4]) {
        let at = self.written.load(Ordering::Relaxed);
        let next = (at + COMMAND_LEN) % QUEUE_LEN;
        // It is read in order, and each of us waits for the end before letting go of the kernel: there is room.
        for (i, word) in words.into_iter().enumerate() {
            self.memory.write_u64(QUEUE + at + 8 * i, word);
        }
        self.written.store(next, Ordering::Relaxed);
        // What was written must be in memory before the service looks.
        self.cpu_interface.publish();
        self.registers.write_u64(QUEUE_WRITE, next as u64);
    }

    /// Waits until all commands have taken effect.
    fn finish(&self) {
        self.command([SYNC, 0, self.target, 0]);
        let end = self.written.load(Ordering::Relaxed) as u64;
        super::gic_v3::wait_until(PATIENCE, || {
            self.registers.read_u64(QUEUE_READ) & 0xf_ffe0 == end
        });
    }
}

const _: () = {
    assert!(COUNT as usize <= 0x2000 && COUNT <= 64);
    assert!(TRANSLATIONS + TRANSLATIONS_LEN * FUNCTIONS <= DEVICES);
    assert!(QUEUE.is_multiple_of(0x1_0000) && PENDING.is_multiple_of(0x1_0000));
    // An entry of a function's table has at most 16 bytes (GITS_TYPER.ITT_entry_size).
    assert!(16 << EVENTS_LOG <= TRANSLATIONS_LEN);
};

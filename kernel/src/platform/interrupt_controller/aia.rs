//! RISC-V's advanced interrupts ("The RISC-V Advanced Interrupt Architecture", version 1.0): every interrupt
//! is a message to a CPU. Devices on PCI Express send theirs themselves; for wires the APLIC does it.
//!
//! Each CPU has a file of interrupts for supervisor mode (IMSIC, chapter 3): a message is a number, the
//! identity, written to the file's page. What the CPU does with its own file it does by control registers
//! ([`MessageFile`]). All interrupts go to the first CPU's file, as with the other controllers.
//!
//! A file can be masked only by its own CPU, but whoever acknowledges an interrupt may run on any. So all
//! identities stay enabled, and what is masked is known here: a message for a masked one is set aside when it
//! is claimed, and sent again when it is let through. A wire of a level gives one message each time it
//! rises; if it is high still when it is let through, the APLIC is asked for another one (4.9.2).

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::{Message, Registers};
use crate::platform::machine_info::Interrupt;

/// The most messages of PCI functions. Their identities follow those of the wires, which are the wires' numbers.
const MESSAGES: u32 = 64;
/// Identities that are used are lower: 1 to 255 at most (3.1 has files of up to 2047).
const IDENTITIES: u32 = 256;

// The APLIC's registers (4.5).
const DOMAIN: usize = 0x0000;
const SOURCE: usize = 0x0004;
const INPUT: usize = 0x1d00;
const ENABLE_NUMBER: usize = 0x1edc;
const DISABLE: usize = 0x1f00;
const PENDING_NUMBER: usize = 0x2000;
const TARGET: usize = 0x3004;

/// `domaincfg`: interrupts are on, and delivered as messages.
const DOMAIN_ON: u32 = 1 << 8 | 1 << 2;
/// `sourcecfg`: a rising edge, and a high level.
const RISES: u32 = 4;
const IS_HIGH: u32 = 6;
/// `target`: the CPU's place in the order of files.
const TARGET_PLACE: u32 = 18;

/// In a file's page: an identity that is written here is pending (3.5).
const SEND: usize = 0;

/// The file of whichever CPU calls, by its control registers (3.8).
pub trait MessageFile: Sync + core::fmt::Debug {
    /// Lets all identities through up to and with this one.
    fn init(&self, last: u32);
    /// Takes the pending identity that comes first, or 0.
    fn claim(&self) -> u32;
}

/// A set of identities.
#[derive(Debug)]
struct Identities([AtomicU32; IDENTITIES as usize / 32]);

impl Identities {
    fn of(value: u32) -> Identities {
        Identities(core::array::from_fn(|_| AtomicU32::new(value)))
    }

    fn has(&self, identity: u32) -> bool {
        self.0[identity as usize / 32].load(Ordering::Relaxed) >> (identity % 32) & 1 == 1
    }

    /// Takes it in; whether it was there.
    fn insert(&self, identity: u32) -> bool {
        let bit = 1 << (identity % 32);
        self.0[identity as usize / 32].fetch_or(bit, Ordering::Relaxed) & bit != 0
    }

    /// Takes it out; whether it was there.
    fn remove(&self, identity: u32) -> bool {
        let bit = 1 << (identity % 32);
        self.0[identity as usize / 32].fetch_and(!bit, Ordering::Relaxed) & bit != 0
    }
}

/// An APLIC and the first CPU's file.
#[derive(Debug)]
pub struct Aia {
    aplic: Registers,
    source_max: u32,
    file: Registers,
    /// Where devices find the file.
    file_at: u64,
    /// The first CPU's place in the order of files.
    place: u32,
    /// The last identity that is used.
    last: u32,
    own_file: &'static dyn MessageFile,
    masked: Identities,
    /// Masked ones of which a message came.
    waiting: Identities,
    /// Wires that are edges.
    edges: Identities,
    /// A bit for each message that is taken.
    taken: AtomicU64,
}

impl Aia {
    /// `None` if the registers are too few, or no identities are left for messages.
    pub(super) fn new(
        aplic: Registers,
        source_max: u32,
        file: Registers,
        file_at: u64,
        place: u32,
        identities: u32,
        own_file: &'static dyn MessageFile,
    ) -> Option<Aia> {
        let last = identities.min(IDENTITIES - 1);
        let source_max = source_max.min(last.checked_sub(MESSAGES)?);
        let len = TARGET + 4 * source_max as usize;
        (aplic.len() >= len && file.len() >= 4096).then_some(Aia {
            aplic,
            source_max,
            file,
            file_at,
            place,
            last,
            own_file,
            masked: Identities::of(u32::MAX),
            waiting: Identities::of(0),
            edges: Identities::of(0),
            taken: AtomicU64::new(0),
        })
    }

    pub(super) fn init(&self) {
        for word in 0..=self.source_max as usize / 32 {
            self.aplic.write_u32(DISABLE + 4 * word, u32::MAX);
        }
        for source in 1..=self.source_max {
            self.configure(source, IS_HIGH);
        }
        self.aplic.write_u32(DOMAIN, DOMAIN_ON);
    }

    pub(super) fn init_cpu(&self, cpu: usize) {
        // The others get no message.
        if cpu == 0 {
            self.own_file.init(self.last);
        }
    }

    fn configure(&self, source: u32, trigger: u32) {
        let at = 4 * (source as usize - 1);
        self.aplic.write_u32(SOURCE + at, trigger);
        self.aplic
            .write_u32(TARGET + at, self.place << TARGET_PLACE | source);
    }

    pub(super) fn set_trigger(&self, interrupt: Interrupt) {
        if self.is_wire(interrupt.number) {
            if interrupt.edge {
                self.edges.insert(interrupt.number);
                self.configure(interrupt.number, RISES);
            } else {
                self.edges.remove(interrupt.number);
                self.configure(interrupt.number, IS_HIGH);
            }
        }
    }

    pub(super) fn mask(&self, number: u32) {
        if self.is_identity(number) {
            self.masked.insert(number);
        }
    }

    pub(super) fn unmask(&self, number: u32) {
        if !self.is_identity(number) || !self.masked.remove(number) {
            return;
        }
        if self.is_wire(number) {
            // The first time; after that it is on already.
            self.aplic.write_u32(ENABLE_NUMBER, number);
        }
        let waited = self.waiting.remove(number);
        if self.is_wire(number) && !self.edges.has(number) {
            let inputs = self.aplic.read_u32(INPUT + 4 * (number as usize / 32));
            if inputs >> (number % 32) & 1 == 1 {
                self.aplic.write_u32(PENDING_NUMBER, number);
            }
        } else if waited {
            self.file.write_u32(SEND, number);
        }
    }

    pub(super) fn claim(&self, cpu: usize) -> Option<u32> {
        if cpu != 0 {
            return None;
        }
        loop {
            match self.own_file.claim() {
                0 => return None,
                number if !self.is_identity(number) => {}
                number if self.masked.has(number) => {
                    self.waiting.insert(number);
                }
                number => return Some(number),
            }
        }
    }

    /// An interrupt for a message, masked.
    pub(super) fn take_message(&self) -> Option<Message> {
        let taken = self.taken.load(Ordering::Relaxed);
        let free = taken.trailing_ones();
        if free >= MESSAGES {
            return None;
        }
        self.taken.store(taken | 1 << free, Ordering::Relaxed);
        let number = self.source_max + 1 + free;
        // Whoever had it before may have sent it at the end.
        self.waiting.remove(number);
        Some(Message {
            number,
            address: self.file_at,
            data: number,
        })
    }

    pub(super) fn give_back(&self, number: u32) {
        let place = number.wrapping_sub(self.source_max + 1);
        if place < MESSAGES {
            self.masked.insert(number);
            self.taken.fetch_and(!(1 << place), Ordering::Relaxed);
        }
    }

    fn is_wire(&self, number: u32) -> bool {
        (1..=self.source_max).contains(&number)
    }

    fn is_identity(&self, number: u32) -> bool {
        (1..=self.last).contains(&number)
    }
}

//! The SMMUv3, after "Arm System Memory Management Unit Architecture Specification, version 3" (Arm IHI 0070E).
//!
//! Each function on the PCI bus is a stream. Its entry in the stream table leads to a context, which says by
//! which tables its addresses are translated; without one, whatever it reads or writes is refused. What is refused is
//! written down in a queue of events, with an interrupt.
//!
//! Used are stage 1, 4 KiB pages and 39-bit addresses, and one context for each function. The tables are the kernel's
//! business (`kernel/src/iommu.rs`); all else lies in memory that is carved out at boot ([`MEMORY_LEN`]).

use core::sync::atomic::{AtomicU32, Ordering};

use super::Refused;
use crate::platform::registers::Registers;

// Registers, chapter 6.3. Those of the event queue lie in the second page.
const ID_5: usize = 0x14;
const CONTROL: usize = 0x20;
const CONTROL_ACKNOWLEDGED: usize = 0x24;
const CONTROL_1: usize = 0x28;
const INTERRUPT_CONTROL: usize = 0x50;
const STREAMS_BASE: usize = 0x80;
const STREAMS_CONFIGURATION: usize = 0x88;
const COMMANDS_BASE: usize = 0x90;
const COMMANDS_PRODUCED: usize = 0x98;
const COMMANDS_CONSUMED: usize = 0x9c;
const EVENTS_BASE: usize = 0xa0;
const EVENTS_PRODUCED: usize = 0x1_00a8;
const EVENTS_CONSUMED: usize = 0x1_00ac;

const ENABLE: u32 = 1 << 0;
const ENABLE_EVENTS: u32 = 1 << 2;
const ENABLE_COMMANDS: u32 = 1 << 3;
const EVENT_INTERRUPT: u32 = 1 << 2;
/// Tables and queues are memory as the CPU has it: written back, inner shareable.
const CACHED: u32 = 3 << 10 | 1 << 8 | 1 << 6 | 3 << 4 | 1 << 2 | 1;
const READ_ALLOCATE: u64 = 1 << 62;

// How the memory is divided.
const STREAMS: usize = 0;
const STREAMS_LOG: u32 = 10;
const STREAM_LEN: usize = 64;
const COMMANDS: usize = 0x1_0000;
const COMMANDS_LOG: u32 = 8;
const COMMAND_LEN: usize = 16;
const EVENTS: usize = 0x1_1000;
const EVENTS_LOG: u32 = 7;
const EVENT_LEN: usize = 32;
const CONTEXTS: usize = 0x1_2000;
const CONTEXT_LEN: usize = 64;
/// Functions that can have a context at once.
pub const CONTEXTS_MAX: usize = 64;
/// Bytes of memory that are needed, zeroed, on a multiple of 64 KiB.
pub const MEMORY_LEN: usize = 0x1_3000;

// Commands, chapter 4.
const FORGET_STREAM: u64 = 0x03;
const FORGET_STREAMS: u64 = 0x04;
const FORGET_CONTEXT: u64 = 0x05;
const FORGET_TRANSLATIONS_OF: u64 = 0x11;
const FORGET_TRANSLATIONS: u64 = 0x30;
const SYNCHRONIZE: u64 = 0x46;

/// A stream table entry (5.2): valid, and translated by stage 1 alone.
const STREAM_TRANSLATED: u64 = 1 | 5 << 1;
/// Its second word: the context is memory as the CPU has it; a stream's own attributes are kept.
const STREAM_ATTRIBUTES: u64 = 1 << 2 | 1 << 4 | 3 << 6 | 1 << 44;
/// A context (5.4) but for sizes: 39-bit addresses, tables as the CPU has them, the lower half only, valid, AArch64,
/// what is refused is told and ends there, an address space of its own.
const CONTEXT: u64 = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 30 | 1 << 31 | 1 << 41 | 7 << 45;
/// Attribute 0 is memory, written back; 1 is device memory, nGnRE.
const MEMORY_TYPES: u64 = 0x04ff;

/// The most looks at something that is answered at once.
const PATIENCE: usize = 1_000_000;

/// The unit.
#[derive(Debug)]
pub struct SmmuV3 {
    registers: Registers,
    /// Its memory, as the CPU sees it and as the unit does.
    memory: Registers,
    memory_at: u64,
    /// The interrupt that tells of events.
    interrupt: u32,
    /// Makes earlier stores visible to the unit.
    publish: fn(),
    commands: AtomicU32,
    events: AtomicU32,
}

impl SmmuV3 {
    /// `memory` is [`MEMORY_LEN`] bytes, zeroed, at `memory_at` for the unit.
    pub(super) fn new(
        registers: Registers,
        memory: Registers,
        memory_at: u64,
        interrupt: u32,
        publish: fn(),
    ) -> SmmuV3 {
        SmmuV3 {
            registers,
            memory,
            memory_at,
            interrupt,
            publish,
            commands: AtomicU32::new(0),
            events: AtomicU32::new(0),
        }
    }

    /// Switches it on, with no function allowed anything.
    pub(super) fn init(&self) {
        let base = |place: usize, log: u32| READ_ALLOCATE | self.at(place) | u64::from(log);
        self.control(0);
        self.registers.write_u32(CONTROL_1, CACHED);
        self.registers.write_u64(STREAMS_BASE, base(STREAMS, 0));
        self.registers.write_u32(STREAMS_CONFIGURATION, STREAMS_LOG);
        let commands = base(COMMANDS, COMMANDS_LOG);
        self.registers.write_u64(COMMANDS_BASE, commands);
        self.registers.write_u32(COMMANDS_PRODUCED, 0);
        self.registers.write_u32(COMMANDS_CONSUMED, 0);
        self.control(ENABLE_COMMANDS);
        self.command([FORGET_STREAMS, 31]);
        self.command([FORGET_TRANSLATIONS, 0]);
        self.finish();
        let events = base(EVENTS, EVENTS_LOG);
        self.registers.write_u64(EVENTS_BASE, events);
        self.registers.write_u32(EVENTS_PRODUCED, 0);
        self.registers.write_u32(EVENTS_CONSUMED, 0);
        self.registers.write_u32(INTERRUPT_CONTROL, EVENT_INTERRUPT);
        self.control(ENABLE_COMMANDS | ENABLE_EVENTS);
        self.control(ENABLE_COMMANDS | ENABLE_EVENTS | ENABLE);
    }

    /// The interrupt that tells that something was refused.
    pub fn interrupt(&self) -> u32 {
        self.interrupt
    }

    /// From now on a stream's addresses are translated by the tables at `root`. `context` is a number below
    /// [`CONTEXTS_MAX`] that no other stream has. False if there is no such stream.
    pub fn attach(&self, stream: u32, context: usize, root: u64) -> bool {
        if stream >> STREAMS_LOG != 0 || context >= CONTEXTS_MAX {
            return false;
        }
        let sizes = u64::from((self.registers.read_u32(ID_5) & 7).min(5)) << 32;
        let place = CONTEXTS + CONTEXT_LEN * context;
        let identifier = (context as u64 + 1) << 48;
        self.memory.write_u64(place + 8, root);
        self.memory.write_u64(place + 24, MEMORY_TYPES);
        self.memory.write_u64(place, CONTEXT | sizes | identifier);
        let entry = STREAMS + STREAM_LEN * stream as usize;
        self.memory.write_u64(entry + 8, STREAM_ATTRIBUTES);
        self.memory
            .write_u64(entry, STREAM_TRANSLATED | self.at(place));
        self.forget(stream, context);
        true
    }

    /// From now on everything of a stream is refused.
    pub fn detach(&self, stream: u32, context: usize) {
        let entry = STREAMS + STREAM_LEN * stream as usize;
        self.memory.write_u64(entry, 0);
        self.forget(stream, context);
    }

    fn forget(&self, stream: u32, context: usize) {
        let stream = u64::from(stream) << 32;
        let identifier = (context as u64 + 1) << 48;
        self.command([FORGET_STREAM | stream, 1]);
        self.command([FORGET_CONTEXT | stream, 1]);
        self.command([FORGET_TRANSLATIONS_OF | identifier, 0]);
        self.finish();
    }

    /// Makes what was added to tables visible. That there was nothing is never remembered.
    pub fn publish(&self) {
        (self.publish)();
    }

    /// The next thing that was refused.
    pub fn refused(&self) -> Option<Refused> {
        let consumed = self.events.load(Ordering::Relaxed);
        let with_turn = (2 << EVENTS_LOG) - 1;
        if self.registers.read_u32(EVENTS_PRODUCED) & with_turn == consumed {
            return None;
        }
        let place = EVENTS + EVENT_LEN * (consumed as usize % (1 << EVENTS_LOG));
        let refused = Refused {
            stream: (self.memory.read_u64(place) >> 32) as u32,
            address: self.memory.read_u64(place + 16),
        };
        let next = (consumed + 1) & with_turn;
        self.events.store(next, Ordering::Relaxed);
        self.registers.write_u32(EVENTS_CONSUMED, next);
        Some(refused)
    }

    fn at(&self, place: usize) -> u64 {
        self.memory_at + place as u64
    }

    fn control(&self, value: u32) {
        self.registers.write_u32(CONTROL, value);
        self.wait(|| self.registers.read_u32(CONTROL_ACKNOWLEDGED) == value);
    }

    fn command(&self, words: [u64; 2]) {
        let produced = self.commands.load(Ordering::Relaxed);
        // Each of us waits for the end of what it began: there is room.
        let place = COMMANDS + COMMAND_LEN * (produced as usize % (1 << COMMANDS_LOG));
        self.memory.write_u64(place, words[0]);
        self.memory.write_u64(place + 8, words[1]);
        // The bit above the number tells the turns of the queue apart.
        let next = (produced + 1) & ((2 << COMMANDS_LOG) - 1);
        self.commands.store(next, Ordering::Relaxed);
        (self.publish)();
        self.registers.write_u32(COMMANDS_PRODUCED, next);
    }

    /// Waits until all commands have taken effect.
    fn finish(&self) {
        self.command([SYNCHRONIZE, 0]);
        let end = self.commands.load(Ordering::Relaxed);
        let with_turn = (2 << COMMANDS_LOG) - 1;
        self.wait(|| self.registers.read_u32(COMMANDS_CONSUMED) & with_turn == end);
    }

    fn wait(&self, condition: impl Fn() -> bool) {
        for _ in 0..PATIENCE {
            if condition() {
                return;
            }
            core::hint::spin_loop();
        }
    }
}

const _: () = {
    assert!(STREAM_LEN << STREAMS_LOG <= COMMANDS);
    assert!(COMMANDS + (COMMAND_LEN << COMMANDS_LOG) <= EVENTS);
    assert!(EVENTS + (EVENT_LEN << EVENTS_LOG) <= CONTEXTS);
    assert!(CONTEXTS + CONTEXT_LEN * CONTEXTS_MAX <= MEMORY_LEN);
};

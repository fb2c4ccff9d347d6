//! The PLIC, after "RISC-V Platform-Level Interrupt Controller Specification 1.0.0".
//!
//! Masking is done with the priority, which all CPUs share: 0 means "never interrupt" (chapter 4).
//! The enable bits, one set for each CPU, only say who gets it.

use heapless::Vec;

use super::Registers;
use crate::platform::machine_info::CPUS_MAX;

// Chapter 3, "Memory Map".
const PRIORITY: usize = 0;
const ENABLE: usize = 0x2000;
const ENABLE_STRIDE: usize = 0x80;
const CONTEXT: usize = 0x20_0000;
const CONTEXT_STRIDE: usize = 0x1000;
const THRESHOLD: usize = 0;
const CLAIM: usize = 4;

/// A PLIC.
#[derive(Debug)]
pub struct Plic {
    registers: Registers,
    source_max: u32,
    contexts: Vec<Option<u32>, CPUS_MAX>,
}

impl Plic {
    /// Contexts that do not fit into the registers are taken for missing.
    pub(super) fn new(
        registers: Registers,
        source_max: u32,
        mut contexts: Vec<Option<u32>, CPUS_MAX>,
    ) -> Plic {
        let count = registers.len().saturating_sub(CONTEXT) / CONTEXT_STRIDE;
        for context in &mut contexts {
            *context = context.filter(|&context| (context as usize) < count);
        }
        let source_max = if registers.len() < CONTEXT {
            0
        } else {
            source_max.min(1023)
        };
        Plic {
            registers,
            source_max,
            contexts,
        }
    }

    pub(super) fn init(&self) {
        for source in 1..=self.source_max {
            self.mask(source);
        }
    }

    pub(super) fn init_cpu(&self, cpu: usize) {
        let Some(context) = self.context(cpu) else {
            return;
        };
        for word in 0..=self.source_max as usize / 32 {
            self.registers
                .write_u32(ENABLE + ENABLE_STRIDE * context + 4 * word, 0);
        }
        self.registers
            .write_u32(CONTEXT + CONTEXT_STRIDE * context + THRESHOLD, 0);
    }

    /// Moves the interrupt to `cpu` as well: it is enabled there and nowhere else.
    pub(super) fn unmask(&self, source: u32, cpu: usize) {
        if !self.is_source(source) {
            return;
        }
        for other in 0..self.contexts.len() {
            let Some(context) = self.context(other) else {
                continue;
            };
            let offset = ENABLE + ENABLE_STRIDE * context + 4 * (source as usize / 32);
            let bit = 1 << (source % 32);
            let old = self.registers.read_u32(offset);
            let new = if other == cpu { old | bit } else { old & !bit };
            if old != new {
                self.registers.write_u32(offset, new);
            }
        }
        self.registers.write_u32(PRIORITY + 4 * source as usize, 1);
    }

    pub(super) fn mask(&self, source: u32) {
        if self.is_source(source) {
            self.registers.write_u32(PRIORITY + 4 * source as usize, 0);
        }
    }

    pub(super) fn claim(&self, cpu: usize) -> Option<u32> {
        let context = self.context(cpu)?;
        let source = self
            .registers
            .read_u32(CONTEXT + CONTEXT_STRIDE * context + CLAIM);
        (source != 0).then_some(source)
    }

    pub(super) fn complete(&self, cpu: usize, source: u32) {
        if let Some(context) = self.context(cpu).filter(|_| self.is_source(source)) {
            self.registers
                .write_u32(CONTEXT + CONTEXT_STRIDE * context + CLAIM, source);
        }
    }

    fn is_source(&self, source: u32) -> bool {
        (1..=self.source_max).contains(&source)
    }

    fn context(&self, cpu: usize) -> Option<usize> {
        self.contexts
            .get(cpu)
            .copied()
            .flatten()
            .map(|context| context as usize)
    }
}

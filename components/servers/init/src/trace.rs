//! The memory that the kernel traces into. Init makes it, because the trace outlives the command that
//! starts it, and because only init may tell the kernel to trace.

use alloc::vec::Vec;

use ftl::abi::Rights;
use ftl::handle::{Folio, System};
use ftl::prelude::*;

/// One ring for each CPU, from the last start until the next.
#[derive(Debug, Default)]
pub struct Trace {
    rings: Vec<Folio>,
}

impl Trace {
    /// Starts with rings of `len` bytes each. Answers with how many CPUs there are.
    pub fn start(&mut self, system: &System, len: usize) -> Result<usize> {
        self.stop(system);
        self.rings.clear();
        let cpus = system.statistics()?.cpus as usize;
        for _ in 0..cpus {
            self.rings.push(Folio::contiguous(len)?);
        }
        for (cpu, ring) in self.rings.iter().enumerate() {
            if let Err(error) = system.trace(cpu, Some(ring)) {
                self.stop(system);
                return Err(error);
            }
        }
        Ok(cpus)
    }

    /// Stops; the rings stay for reading.
    pub fn stop(&mut self, system: &System) {
        for cpu in 0..self.rings.len() {
            let _ = system.trace(cpu, None);
        }
    }

    /// A CPU's ring, for somebody to read.
    pub fn ring(&self, cpu: usize) -> Result<Folio> {
        let ring = self.rings.get(cpu).ok_or(Error::NotFound)?;
        ring.duplicate(Rights::READ.union(Rights::TRANSFER))
    }
}

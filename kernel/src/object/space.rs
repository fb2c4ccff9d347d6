//! Address spaces.

use crate::arch::PageTable;
use crate::memory::Regions;

/// An address space: the kernel's own, or that of one process under `user` isolation.
pub struct Space {
    /// Its page tables.
    pub table: PageTable,
    /// Which of its addresses are free.
    pub regions: Regions,
}

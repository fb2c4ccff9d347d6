//! FAT (with 12, 16 and 32 bits) and exFAT on a disk: what is exchanged with other systems.
//!
//! A [`Volume`] lies on a [`Disk`], as a whole or in the first partition that holds one. What the formats are is the crate `hadris-fat`'s
//! matter ([decision 0075](../../../docs/decisions/0075-fat-by-a-crate.md)); here is what FTL wants of it: numbers for files, errors
//! of one kind, times in nanoseconds since 1970.
//!
//! 1. No bytes on the disk make this panic or go on for ever: what is wrong with them is an [`Error`].
//! 2. What was changed survives a loss of power once [`Volume::sync`] was answered. Before that, FAT promises nothing: a loss of power
//!    can leave clusters that belong to nobody, as on every other system.
//!
//! Deliberately absent: making file systems (the host does: `mkfs.vfat`), GUID partition tables, and names that FAT cannot hold.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod disk;
mod partition;
mod volume;

pub use abi::{Error, Result};
pub use disk::{Disk, DiskError, SECTOR_LEN};
pub use volume::{Clock, Kind, Metadata, Volume};

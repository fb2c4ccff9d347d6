//! Starts the kernel from UEFI firmware: what a loader decides, as logic without firmware.
//!
//! [`memory`] reads the firmware's memory map: where the kernel may lie, and what it must leave alone. [`tree`] writes
//! the device tree that the kernel gets. [`kernel_image`] reads the header of the kernel. The program (`main.rs`)
//! talks to the firmware, and `arch` makes the jump.
//!
//! Deliberately absent: menus, several systems on one disk, ACPI, and whatever firmware offers to a
//! system that runs. The kernel has the machine for itself.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(test)]
extern crate std;

pub mod kernel_image;
pub mod memory;
pub mod tree;

/// What a page of firmware has.
pub const PAGE_LEN: u64 = 4096;

//! The devices that the kernel itself needs in order to boot and to run anything: what the machine
//! consists of, the serial line it reports on, and its interrupt controller. Every other driver is
//! a component.
//!
//! Nothing here depends on the rest of the kernel or asks which CPU it runs on: addresses are
//! handed in already mapped, and what only one kind of CPU can do (the registers of a GICv3's CPU
//! interface) comes through a trait that `arch/` implements. So all of it runs in host tests,
//! against plain memory.
//!
//! Timers are part of the CPU on all our machines and belong to `arch/`. Wall time is a component's
//! business (rule 24).

pub mod devicetree;
pub mod interrupt_controller;
pub mod iommu;
pub mod machine_info;
pub mod pci;
mod registers;
pub mod uart;

pub use machine_info::MachineInfo;

//! The seam between the kernel's logic and the machine: this list is the porting guide.
//!
//! Nobody outside this folder (and `platform/`) knows which CPU the kernel runs on. Each
//! architecture is a folder that exports exactly these names:
//!
//! | name | what |
//! |---|---|
//! | [`Machine`] | memory, counter and timer, console, interrupts between CPUs and of devices, shut-down |
//! | `Machine::identifiers` | how many address spaces the TLB tells apart; the kernel makes no more |
//! | [`PageTable`] | translations of one address space, and each [`Leaf`] of it |
//! | [`MemoryBase`] | where physical memory is seen, as the table of kernel objects needs it |
//! | [`Context`] | a thread's registers while it is not on a CPU |
//! | [`KERNEL_COMPONENT_AREA`] | addresses for components under `kernel` isolation: start, bytes |
//! | [`USER_AREA`] | addresses for components under `user` isolation: start, bytes |
//! | [`USER_GATE`], [`kernel_gate`] | where components call the kernel |
//! | [`IMAGE_MACHINE`] | for which machine a component's image must be made |
//! | [`NAME`] | what the boot log calls it |
//! | `panic` | reports the end of the kernel; `host` has none, since there a panic is a test's |
//! | [`frame_links`] | where a stack frame keeps its return address and its caller's frame |
//!
//! `host` is a working simulated machine: page tables in a map, console in a vector, a virtual
//! clock. With it the kernel's logic runs in plain `cargo test`. It is chosen by
//! `not(target_os = "none")` (rule 29).

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
mod arm64;
#[cfg(not(target_os = "none"))]
pub mod host;
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
mod riscv64;

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
pub use arm64::*;
#[cfg(not(target_os = "none"))]
pub use host::*;
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
pub use riscv64::*;

/// A page that an address space shows, as its table says.
#[derive(Clone, Copy, Debug)]
pub struct Leaf {
    /// Where it is seen.
    pub address: usize,
    /// The frame, or the first of them.
    pub frame: crate::memory::PhysAddr,
    /// How many frames it is: more than one if it is a large page.
    pub pages: usize,
    /// Whether it can be written, by whomever.
    pub writable: bool,
    /// Whether it can be executed, by whomever.
    pub executable: bool,
    /// Whether user mode can reach it.
    pub user: bool,
}

/// What may be done with a page. There is no "write and execute" (rule 13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission {
    /// Read.
    Read,
    /// Read and write.
    ReadWrite,
    /// Read and execute.
    Execute,
    /// Read and write registers of a device.
    Device,
    /// Read registers of a device.
    DeviceRead,
}

impl Permission {
    /// Whether an access that needs `needed` is allowed.
    pub fn allows(self, needed: Permission) -> bool {
        match needed {
            Permission::Read => true,
            Permission::ReadWrite => matches!(self, Permission::ReadWrite | Permission::Device),
            Permission::Execute => self == Permission::Execute,
            Permission::Device | Permission::DeviceRead => self == needed,
        }
    }
}

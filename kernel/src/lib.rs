//! FTL's microkernel.
//!
//! It keeps components apart, lets them talk, and gives them memory, time and devices; all
//! else is a component. Read [`kernel`] first, then [`syscall`] and [`ipc`]; [`arch`] is the
//! only part that knows which CPU this is.
//!
//! Principles, to be cited in reviews:
//! 1. The kernel is an event handler: every entry does a bounded amount of work and leaves.
//! 2. Everything that can fail comes before anything changes.
//! 3. Reaching a limit is the caller's error, never the kernel's end.
//! 4. The rules in `docs/rules.md` are cited by number where they are followed.
#![cfg_attr(target_os = "none", no_std)]

// Loading images is copying above all: this has the `memcpy` that the compiler calls.
#[cfg(target_os = "none")]
use copy as _;

pub mod arch;
pub mod boot;
pub mod check;
pub mod crash;
pub mod crash_reports;
pub mod death;
pub mod devices;
pub mod direct;
pub mod fault;
pub mod idle;
pub mod iommu;
pub mod ipc;
pub mod kernel;
pub mod limits;
pub mod loader;
pub mod lock;
pub mod log;
pub mod memory;
pub mod object;
pub mod pci;
pub mod platform;
pub mod process;
pub mod random;
pub mod scheduler;
pub mod share;
pub mod syscall;
pub mod trace;
pub mod vm;

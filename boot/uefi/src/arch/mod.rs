//! What depends on the CPU: its caches, and the jump. One file for each; this is the loader's part of the seam that
//! `kernel/src/arch` is for the kernel.

#[cfg(target_arch = "aarch64")]
mod arm64;
#[cfg(target_arch = "aarch64")]
pub use arm64::{enter_kernel, publish};

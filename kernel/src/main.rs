//! The kernel as an image for a machine. All of it is in the library; `arch` has the entry point.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
use kernel as _;

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    kernel::arch::panic(info)
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("The kernel runs on a machine of its own: try `./ftl run`.");
}

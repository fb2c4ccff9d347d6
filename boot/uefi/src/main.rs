//! The loader as a program for UEFI firmware. What it decides is in the library; here is what it asks of the firmware, in
//! the order in which it happens.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod arch;
#[cfg(target_os = "none")]
mod firmware;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("This is for UEFI firmware to start: try `./ftl run --uefi --arch arm64`.");
}

//! The loader as a program for UEFI firmware. What it decides is in the library; `start` is what it does, in its order,
//! `firmware` how it asks, and `arch` the jump.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod arch;
#[cfg(target_os = "none")]
mod firmware;
#[cfg(target_os = "none")]
mod start;

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("This is for UEFI firmware to start: `./ftl help image` says how.");
}

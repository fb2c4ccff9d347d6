//! The kernel's logic on the simulated machine: one module per subject.
//!
//! `FTL_LONG=1` makes the random tests run for long.

mod boot;
mod calls;
mod channels;
mod common;
mod devices;
mod explore;
mod explore_memory;
mod inspect;
mod limits;
mod loader;
mod memory;
mod processes;
mod queues;
mod random;
mod scheduler;
mod trace;
mod travel;

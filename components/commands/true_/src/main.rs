//! Succeeds.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

#[ftl::main]
fn main(_env: Environ) {}

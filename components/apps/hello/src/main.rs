//! Says hello and ends. The smallest component there is.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

#[ftl::main]
fn main(env: Environ) {
    info!("{}", env.settings.greeting);
}

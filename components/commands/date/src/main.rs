//! Says what day and time it is.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;
use text_commands::Date;

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let unix_ns = env.clock.now()?;
    println!("{}", Date(unix_ns / 1_000_000_000));
    Ok(())
}

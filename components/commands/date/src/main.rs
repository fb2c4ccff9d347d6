//! Says what day and time it is, in the zone of the settings.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;
use text_commands::Zone;

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let Some(zone) = Zone::parse(&env.settings.zone) else {
        eprintln!(
            "date: `{}` is no time zone; `CET-1CEST,M3.5.0,M10.5.0/3` is one",
            env.settings.zone
        );
        return Err(Error::InvalidArgument);
    };
    let unix_ns = env.clock.now()?;
    println!("{}", zone.show(unix_ns / 1_000_000_000));
    Ok(())
}

//! Passes its input on to its output.
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
fn main(mut env: Environ) -> Result<usize> {
    // There are no files yet that it could be given.
    if let Some(name) = env.arguments.iter().find(|name| *name != "-") {
        eprintln!("cat: {name}: there are no files; it reads standard input only");
        return Ok(2);
    }
    ftl::io::copy(&mut env.stdin, &mut env.stdout)?;
    Ok(0)
}

//! Prints its arguments.
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
    let (line_break, words) = match env.arguments.split_first() {
        Some((first, rest)) if first == "-n" => ("", rest),
        _ => ("\n", env.arguments.as_slice()),
    };
    print!("{}{line_break}", words.join(" "));
}

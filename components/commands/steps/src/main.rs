//! Runs commands one after the other; a stand-in for a shell.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;
use ftl::process::{Command, Stdio};

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

#[ftl::main]
fn main(mut env: Environ) -> Result<usize> {
    let text = match env.arguments.as_slice() {
        [option, text] if option == "-c" => text,
        _ => {
            eprintln!("steps: write it as steps -c 'COMMAND ARGUMENT…; COMMAND…'");
            return Ok(2);
        }
    };
    // One stream cannot be read by several commands: the first one has it.
    let mut stdin = Some(env.stdin);
    let mut status = 0;
    for step in text.split([';', '\n']) {
        let mut words = step.split_whitespace();
        let Some(name) = words.next() else { continue };
        let input = match stdin.take().and_then(|stdin| stdin.into_inner()) {
            Some(reader) => Stdio::try_from(reader)?,
            None => Stdio::null(),
        };
        let started = Command::new(name)
            .args(words)
            .variables(env.variables.clone())
            .stdin(input)
            .stdout(env.stdout.share()?)
            .stderr(env.stderr.share()?)
            .spawn(&mut env.launcher);
        status = match started {
            Ok(mut child) => child.wait()?.code() as usize,
            Err(refused) => {
                eprintln!("steps: {refused}");
                match refused.error {
                    Error::NotFound => 127,
                    _ => 126,
                }
            }
        };
    }
    Ok(status)
}

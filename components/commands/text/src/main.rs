//! The everyday commands that read and print text: their streams, for the logic in `libs/text_commands`.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;

use ftl::io::{Read, Stderr, Stdin, Stdout, Write};
use ftl::prelude::*;
use interfaces::files::{Dir, File};
use text_commands::{Failure, Io};

#[rustfmt::skip]
mod spec;

use spec::*;

#[ftl::main]
fn main(env: Environ) -> Result<usize> {
    let mut streams = Streams {
        stdin: env.stdin,
        stdout: env.stdout,
        stderr: env.stderr,
        directory: env.directory,
        file: None,
    };
    if env.name == "crash" {
        return crash(&env.arguments, &mut streams);
    }
    let status = text_commands::run(&env.name, &env.arguments, &mut streams);
    streams.stdout.flush()?;
    Ok(status.into())
}

const CRASH: &str = "\
crash crashes, to see what that does
usage: crash [BYTES]

It reads BYTES of its input before, none if nothing is said.
";

/// Not in `libs/text_commands`: there is nothing to be tested without a machine.
fn crash(arguments: &[alloc::string::String], streams: &mut Streams) -> Result<usize> {
    if arguments.iter().any(|argument| argument == "--help") {
        streams.stdout.write_all(CRASH.as_bytes())?;
        return Ok(0);
    }
    let mut left: usize = match arguments {
        [number] => number.parse().unwrap_or(0),
        _ => 0,
    };
    let mut buffer = [0; 256];
    while left > 0 {
        match streams.stdin.read(&mut buffer[..left.min(256)])? {
            0 => break,
            len => left -= len,
        }
    }
    panic!("as was asked for")
}

struct Streams {
    stdin: Stdin,
    stdout: Stdout,
    stderr: Stderr,
    directory: Option<Dir>,
    /// What is read instead of the input.
    file: Option<File>,
}

impl Io for Streams {
    fn read(&mut self, buffer: &mut [u8]) -> text_commands::Result<usize> {
        match &mut self.file {
            Some(file) => file.read(buffer).map_err(failed),
            None => self.stdin.read(buffer).map_err(failed),
        }
    }

    fn open(&mut self, path: &str) -> text_commands::Result<()> {
        self.file = match (path, &self.directory) {
            ("-", _) => None,
            (path, Some(directory)) => {
                let opened = directory.open(path);
                Some(opened.map_err(|error| Failure::new(format!("{path}: {error}")))?)
            }
            (path, None) => {
                return Err(Failure::new(format!(
                    "{path}: whoever started this gave it no directory; `< {path}` may work"
                )));
            }
        };
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> text_commands::Result<()> {
        self.stdout.write_all(bytes).map_err(failed)
    }

    fn complain(&mut self, text: &str) {
        // Whoever does not listen to complaints does not hear that either.
        let _ = self.stderr.write_all(text.as_bytes());
    }

    fn sleep_ms(&mut self, milliseconds: u64) {
        // What was printed is to be seen before.
        let _ = self.stdout.flush();
        ftl::time::sleep(Duration::from_millis(milliseconds));
    }

    fn is_terminal(&mut self, _: usize) -> bool {
        false
    }
}

fn failed(error: Error) -> Failure {
    Failure::new(format!("{error}"))
}

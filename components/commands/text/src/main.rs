//! The everyday commands that read and print text: their streams, for the logic in `libs/text_commands`.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;

use ftl::io::{Read, Stderr, Stdin, Stdout, Write};
use ftl::prelude::*;
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
    };
    let status = text_commands::run(&env.name, &env.arguments, &mut streams);
    streams.stdout.flush()?;
    Ok(status.into())
}

struct Streams {
    stdin: Stdin,
    stdout: Stdout,
    stderr: Stderr,
}

impl Io for Streams {
    fn read(&mut self, buffer: &mut [u8]) -> text_commands::Result<usize> {
        self.stdin.read(buffer).map_err(failed)
    }

    fn open(&mut self, path: &str) -> text_commands::Result<()> {
        match path {
            "-" => Ok(()),
            path => Err(Failure::new(format!(
                "{path}: there is no file system yet; `< {path}` reads what `>` wrote"
            ))),
        }
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

//! The commands that change files: `cp`, `mv`, `rm`, `mkdir`, `rmdir`, `ln`, `touch`, `tee`, `sync`.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use ftl::io::{Stdin, Stdout};
use ftl::prelude::*;
use interfaces::files::Dir;
use text_commands::Failure;

mod copy;
mod make;
mod remove;
#[rustfmt::skip]
mod spec;
mod tee;

use spec::*;

/// A command's input and output.
pub struct Streams {
    stdin: Stdin,
    stdout: Stdout,
}

/// What a command answers with: its status.
type Outcome = text_commands::Result<u8>;

/// One command: its name, its help, and what it does.
type Known = (
    &'static str,
    &'static str,
    fn(&Dir, &[String], Streams) -> Outcome,
);

const COMMANDS: &[Known] = &[
    ("cp", copy::CP, |files, words, _| copy::cp(files, words)),
    ("ln", make::LN, |files, words, _| make::ln(files, words)),
    ("mkdir", make::MKDIR, |files, words, _| {
        make::mkdir(files, words)
    }),
    ("mv", copy::MV, |files, words, _| copy::mv(files, words)),
    ("rm", remove::RM, |files, words, _| remove::rm(files, words)),
    ("rmdir", remove::RMDIR, |files, words, _| {
        remove::rmdir(files, words)
    }),
    ("sync", SYNC, |files, _, _| {
        files.sync().map_err(failed("the disk"))?;
        Ok(0)
    }),
    ("tee", tee::TEE, tee::tee),
    ("touch", make::TOUCH, |files, words, _| {
        make::touch(files, words)
    }),
];

const SYNC: &str = "\
waits until all that was changed survives a loss of power
usage: sync
";

#[ftl::main]
fn main(env: Environ) -> Result<usize> {
    let known = COMMANDS.iter().find(|(name, ..)| *name == env.name);
    let Some((name, help, run)) = known else {
        return Err(Error::NotFound);
    };
    if env.arguments.iter().any(|argument| argument == "--help") {
        print!("{name} {help}");
        return Ok(0);
    }
    let Some(files) = env.directory else {
        eprintln!("{name}: whoever started it gave it no directory");
        return Ok(1);
    };
    let streams = Streams {
        stdin: env.stdin,
        stdout: env.stdout,
    };
    match run(&files, &env.arguments, streams) {
        Ok(status) => Ok(status.into()),
        Err(failure) => {
            eprint!("{}", failure.show(name));
            Ok(failure.status.into())
        }
    }
}

/// What went wrong with a file.
fn failed(path: &str) -> impl FnOnce(Error) -> Failure {
    let path = String::from(path);
    move |error| Failure::new(format!("{path}: {error}"))
}

/// A path's last part.
fn name_of(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// A name in a directory.
fn join(directory: &str, name: &str) -> String {
    match directory.ends_with('/') {
        true => format!("{directory}{name}"),
        false => format!("{directory}/{name}"),
    }
}

/// Does something with each of the words; the status is 1 if one of them failed, and the others were done.
fn each(name: &str, words: &[String], mut what: impl FnMut(&str) -> Result<()>) -> u8 {
    let mut status = 0;
    for path in words {
        if let Err(error) = what(path) {
            eprintln!("{name}: {path}: {error}");
            status = 1;
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_and_put_together() {
        let names = ["a", "a/b", "/a/b/", "/", ""].map(name_of);
        assert_eq!(names, ["a", "b", "b", "", ""]);
        assert_eq!(
            (join("/", "a"), join("b", "a")),
            ("/a".into(), "b/a".into())
        );
    }
}

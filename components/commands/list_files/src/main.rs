//! The commands that look at files: `ls`, `find`, `tree`, `du`, `df`, `stat`, `readlink`.
//!
//! Each goes through a tree with a list of its own rather than by recursion: a tree may be deeper than a stack.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use ftl::prelude::*;
use interfaces::files::{Dir, FileType, Metadata};
use text_commands::Failure;

mod about;
mod changes;
mod find;
mod list;
#[rustfmt::skip]
mod spec;
mod tree;

use spec::*;

/// What a command answers with: its status.
type Outcome = text_commands::Result<u8>;

/// One command: its name, its help, and what it does.
type Known = (&'static str, &'static str, fn(&Dir, &[String]) -> Outcome);

const COMMANDS: &[Known] = &[
    ("changes", changes::CHANGES, changes::changes),
    ("df", about::DF, about::df),
    ("du", tree::DU, tree::du),
    ("find", find::FIND, find::find),
    ("ls", list::LS, list::ls),
    ("readlink", about::READLINK, about::readlink),
    ("stat", about::STAT, about::stat),
    ("tree", tree::TREE, tree::tree),
];

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
    match run(&files, &env.arguments) {
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

/// Says what went wrong with a file, where others are to follow.
fn complain(name: &str, path: &str, error: Error) {
    eprintln!("{name}: {path}: {error}");
}

/// The letter that a kind of file has in lists.
fn letter(kind: FileType) -> char {
    match kind {
        kind if kind.is_dir() => 'd',
        kind if kind.is_symlink() => 'l',
        _ => '-',
    }
}

/// `drwxr-xr-x`.
fn permissions(metadata: &Metadata) -> String {
    let mode = metadata.permissions().mode();
    let mut text = String::from(letter(metadata.file_type()));
    for bit in (0..9).rev() {
        let c = ['x', 'w', 'r'][bit % 3];
        text.push(if mode >> bit & 1 == 1 { c } else { '-' });
    }
    text
}

/// A number of bytes, or in a unit that people like better.
fn size(bytes: u64, human: bool) -> String {
    const UNITS: [char; 4] = ['K', 'M', 'G', 'T'];
    if !human || bytes < 1024 {
        return format!("{bytes}");
    }
    let (mut tenths, mut unit) = (bytes.saturating_mul(10) / 1024, 0);
    while tenths >= 10 * 1024 && unit + 1 < UNITS.len() {
        (tenths, unit) = (tenths / 1024, unit + 1);
    }
    match tenths {
        0..100 => format!("{}.{}{}", tenths / 10, tenths % 10, UNITS[unit]),
        _ => format!("{}{}", tenths / 10, UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let all = [0, 1023, 1024, 1536, 10 << 10, 1 << 20, 5 << 30, 3 << 40];
        let shown = all.map(|bytes| size(bytes, true));
        let expected = ["0", "1023", "1.0K", "1.5K", "10K", "1.0M", "5.0G", "3.0T"];
        assert_eq!(shown, expected);
        assert_eq!(size(1536, false), "1536");
    }
}

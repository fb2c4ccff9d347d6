//! `find`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::files::{Dir, FileType, Metadata};
use text_commands::{Failure, number, pattern};

use crate::list::join;
use crate::{Outcome, complain, failed};

pub const FIND: &str = "\
finds files
usage: find [PATH]… [CONDITION]…

  -name PATTERN   the name matches: -name '*.txt'
  -path PATTERN   the whole path matches
  -type f|d|l     a file, a directory, a symbolic link
  -size [+|-]N    so many bytes, more (+) or less (-): -size +10k
  -newer PATH     changed later than this one
  -empty          a file without bytes, or a directory without names
  -maxdepth N     not deeper than N directories
  ! CONDITION     not so

All conditions must hold. `find | xargs rm` does something with what was found.
";

enum Condition {
    Name(String),
    Path(String),
    Kind(char),
    Size(core::cmp::Ordering, u64),
    Newer(Duration),
    Empty,
    Not(alloc::boxed::Box<Condition>),
}

pub fn find(files: &Dir, arguments: &[String]) -> Outcome {
    let begin = arguments
        .iter()
        .position(|word| word.starts_with('-') || word == "!")
        .unwrap_or(arguments.len());
    let (paths, rest) = arguments.split_at(begin);
    let paths = match paths {
        [] => Vec::from([String::from(".")]),
        paths => paths.to_vec(),
    };
    let mut words = rest.iter();
    let (mut conditions, mut depth_max) = (Vec::new(), usize::MAX);
    while let Some(word) = words.next() {
        if word == "-maxdepth" {
            let depth = value(word, words.next())?;
            depth_max = usize::try_from(number(depth)?).unwrap_or(usize::MAX);
            continue;
        }
        conditions.push(condition(files, word, &mut words)?);
    }
    let mut status = 0;
    // What is still to be looked at, the next at the end.
    let mut open: Vec<(String, usize)> = paths.iter().rev().map(|path| (path.clone(), 0)).collect();
    while let Some((path, depth)) = open.pop() {
        let metadata = match files.symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                complain("find", &path, error);
                status = 1;
                continue;
            }
        };
        let holds = conditions
            .iter()
            .map(|condition| condition.holds(files, &path, &metadata));
        if holds
            .collect::<Result<Vec<bool>>>()
            .map_err(failed(&path))?
            .into_iter()
            .all(|holds| holds)
        {
            println!("{path}");
        }
        if !metadata.is_dir() || depth >= depth_max {
            continue;
        }
        let before = open.len();
        match files.read_dir(&path) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.map_err(failed(&path))?;
                    open.push((join(&path, entry.file_name()), depth + 1));
                }
                open[before..].reverse();
            }
            Err(error) => {
                complain("find", &path, error);
                status = 1;
            }
        }
    }
    Ok(status)
}

fn value<'a>(word: &str, next: Option<&'a String>) -> text_commands::Result<&'a str> {
    next.map(String::as_str)
        .ok_or_else(|| Failure::usage(format!("`{word}` needs a value")))
}

fn condition(
    files: &Dir,
    word: &str,
    words: &mut core::slice::Iter<'_, String>,
) -> text_commands::Result<Condition> {
    Ok(match word {
        "!" => {
            let word = value(word, words.next())?;
            Condition::Not(condition(files, word, words)?.into())
        }
        "-name" => Condition::Name(value(word, words.next())?.into()),
        "-path" => Condition::Path(value(word, words.next())?.into()),
        "-empty" => Condition::Empty,
        "-type" => match value(word, words.next())? {
            "f" => Condition::Kind('f'),
            "d" => Condition::Kind('d'),
            "l" => Condition::Kind('l'),
            other => return Err(Failure::usage(format!("there is no type `{other}`"))),
        },
        "-size" => {
            let text = value(word, words.next())?;
            let (order, digits) = match text.split_at_checked(1) {
                Some(("+", digits)) => (core::cmp::Ordering::Greater, digits),
                Some(("-", digits)) => (core::cmp::Ordering::Less, digits),
                _ => (core::cmp::Ordering::Equal, text),
            };
            Condition::Size(order, number(digits)?)
        }
        "-newer" => {
            let path = value(word, words.next())?;
            Condition::Newer(files.metadata(path).map_err(failed(path))?.modified())
        }
        other => {
            return Err(Failure::usage(format!("there is no condition `{other}`")));
        }
    })
}

impl Condition {
    fn holds(&self, files: &Dir, path: &str, metadata: &Metadata) -> Result<bool> {
        let name = || match path.trim_end_matches('/').rsplit('/').next() {
            Some("") | None => "/",
            Some(name) => name,
        };
        Ok(match self {
            Condition::Name(pattern) => pattern::matches(pattern, name()),
            Condition::Path(pattern) => pattern::matches(pattern, path),
            Condition::Kind(kind) => is_of(metadata.file_type(), *kind),
            Condition::Size(order, bytes) => {
                metadata.is_file() && metadata.len().cmp(bytes) == *order
            }
            Condition::Newer(time) => metadata.modified() > *time,
            Condition::Empty => match metadata.is_dir() {
                true => files.read_dir(path)?.next().is_none(),
                false => metadata.is_file() && metadata.len() == 0,
            },
            Condition::Not(condition) => !condition.holds(files, path, metadata)?,
        })
    }
}

fn is_of(kind: FileType, letter: char) -> bool {
    match letter {
        'd' => kind.is_dir(),
        'l' => kind.is_symlink(),
        _ => kind.is_file(),
    }
}

//! `tree` and `du`.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::files::Dir;
use text_commands::{Failure, Options};

use crate::list::{join, must_be_there};
use crate::{Outcome, complain, failed, size};

/// Directories in each other, at most.
const DEPTH_MAX: usize = 4096;

pub const TREE: &str = "\
draws directories and what is in them
usage: tree [-a] [-L DEPTH] [PATH]…

  -a        names that begin with a dot, too
  -L DEPTH  not deeper than this
";

/// A directory that is being drawn: its path, and the entries that are still to come.
struct Level {
    path: String,
    entries: Vec<(String, bool)>,
}

pub fn tree(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "a", "L", false)?;
    let depth = match options.number('L')? {
        Some(0) => return Err(Failure::usage("a depth is at least 1")),
        Some(depth) => usize::try_from(depth).unwrap_or(DEPTH_MAX).min(DEPTH_MAX),
        None => DEPTH_MAX,
    };
    let (mut directories, mut others) = (0u64, 0u64);
    let read = |path: &str| -> Result<Level> {
        let mut entries = Vec::new();
        for entry in files.read_dir(path)? {
            let entry = entry?;
            if options.has('a') || !entry.file_name().starts_with('.') {
                entries.push((entry.file_name().into(), entry.file_type().is_dir()));
            }
        }
        // The next one is taken from the end.
        entries.reverse();
        Ok(Level {
            path: path.into(),
            entries,
        })
    };
    let paths = match options.arguments.as_slice() {
        [] => Vec::from([String::from(".")]),
        paths => paths.to_vec(),
    };
    for path in &paths {
        println!("{path}");
        let mut levels = Vec::from([read(path).map_err(failed(path))?]);
        while let Some(level) = levels.last_mut() {
            let Some((name, is_directory)) = level.entries.pop() else {
                levels.pop();
                continue;
            };
            let path = join(&level.path, &name);
            let mut line = String::new();
            for (i, level) in levels.iter().enumerate() {
                let last = i + 1 == levels.len();
                line += match (level.entries.is_empty(), last) {
                    (true, true) => "└── ",
                    (false, true) => "├── ",
                    (true, false) => "    ",
                    (false, false) => "│   ",
                };
            }
            println!("{line}{name}");
            match is_directory {
                true => directories += 1,
                false => others += 1,
            }
            if is_directory && levels.len() < depth {
                match read(&path) {
                    Ok(level) => levels.push(level),
                    Err(error) => complain("tree", &path, error),
                }
            }
        }
    }
    let directory = if directories == 1 {
        "directory"
    } else {
        "directories"
    };
    let file = if others == 1 { "file" } else { "files" };
    println!("\n{directories} {directory}, {others} {file}");
    Ok(0)
}

pub const DU: &str = "\
says how much the files in directories hold
usage: du [-ahs] [PATH]…

  -a  about each file, too
  -h  sizes for people: 1.5K
  -s  about the paths alone, not about each directory below

Sizes are lengths of files; one with several names counts once.
";

/// A directory that is being added up.
struct Sum {
    path: String,
    bytes: u64,
    below: Vec<String>,
}

pub fn du(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "ahs", "", false)?;
    let human = options.has('h');
    let paths = match options.arguments.as_slice() {
        [] => Vec::from([String::from(".")]),
        paths => paths.to_vec(),
    };
    let mut seen = BTreeSet::new();
    let mut status = 0;
    for path in &paths {
        let metadata = must_be_there(files, path)?;
        if !metadata.is_dir() {
            println!("{:>8}  {path}", size(metadata.len(), human));
            continue;
        }
        let mut sums = Vec::from([add_up(files, path, &options, &mut seen).map_err(failed(path))?]);
        while let Some(sum) = sums.last_mut() {
            if let Some(below) = sum.below.pop() {
                match add_up(files, &below, &options, &mut seen) {
                    Ok(sum) => sums.push(sum),
                    Err(error) => {
                        complain("du", &below, error);
                        status = 1;
                    }
                }
                continue;
            }
            let (bytes, path) = (sum.bytes, core::mem::take(&mut sum.path));
            sums.pop();
            if let Some(above) = sums.last_mut() {
                above.bytes += bytes;
            }
            if sums.is_empty() || !options.has('s') {
                println!("{:>8}  {path}", size(bytes, human));
            }
        }
    }
    Ok(status)
}

/// What the files of a directory hold, and the directories in it.
fn add_up(files: &Dir, path: &str, options: &Options, seen: &mut BTreeSet<u64>) -> Result<Sum> {
    let mut sum = Sum {
        path: path.into(),
        bytes: 0,
        below: Vec::new(),
    };
    for entry in files.read_dir(path)? {
        let entry = entry?;
        let path = join(path, entry.file_name());
        if entry.file_type().is_dir() {
            sum.below.push(path);
            continue;
        }
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.links() < 2 || seen.insert(metadata.id()) {
            sum.bytes += metadata.len();
            if options.has('a') && !options.has('s') {
                println!("{:>8}  {path}", size(metadata.len(), options.has('h')));
            }
        }
    }
    sum.below.reverse();
    Ok(sum)
}

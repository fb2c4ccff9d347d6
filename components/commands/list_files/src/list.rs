//! `ls`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::files::{Dir, Metadata};
use text_commands::{Date, Options};

use crate::{Outcome, complain, failed, permissions, size};

pub const LS: &str = "\
lists what is in directories
usage: ls [-1adhlrRSt] [PATH]…

  -1  nothing: there is a name on each line anyway
  -a  names that begin with a dot, too
  -d  directories themselves, not what is in them
  -h  sizes for people: 1.5K
  -l  with permissions, names, size and time
  -r  in reverse order
  -R  with what is in directories below
  -S  the largest first
  -t  the newest first
";

/// Something to be listed.
struct Item {
    name: String,
    path: String,
    metadata: Metadata,
}

pub fn ls(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "1adhlrRSt", "", false)?;
    let paths = match options.arguments.as_slice() {
        [] => Vec::from([String::from(".")]),
        paths => paths.to_vec(),
    };
    let mut status = 0;
    let (mut items, mut directories) = (Vec::new(), Vec::new());
    for path in &paths {
        let long = options.has('l') || options.has('d');
        let found = match long {
            true => files.symlink_metadata(path),
            // A link that leads nowhere is something, too.
            false => files
                .metadata(path)
                .or_else(|_| files.symlink_metadata(path)),
        };
        match found {
            Ok(metadata) if metadata.is_dir() && !options.has('d') => {
                directories.push(path.clone())
            }
            Ok(metadata) => items.push(Item {
                name: path.clone(),
                path: path.clone(),
                metadata,
            }),
            Err(error) => {
                complain("ls", path, error);
                status = 1;
            }
        }
    }
    let mut is_first = items.is_empty();
    show(files, items, &options);
    let with_headings = paths.len() > 1 || options.has('R');
    directories.reverse();
    while let Some(directory) = directories.pop() {
        let mut items = match read(files, &directory, &options) {
            Ok(items) => items,
            Err(error) => {
                complain("ls", &directory, error);
                status = 1;
                continue;
            }
        };
        if with_headings {
            println!("{}{directory}:", if is_first { "" } else { "\n" });
        }
        is_first = false;
        sort(&mut items, &options);
        if options.has('R') {
            let below = items.iter().filter(|item| item.metadata.is_dir());
            let mut below: Vec<String> = below.map(|item| item.path.clone()).collect();
            below.reverse();
            directories.append(&mut below);
        }
        show(files, items, &options);
    }
    Ok(status)
}

fn read(files: &Dir, directory: &str, options: &Options) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for entry in files.read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.starts_with('.') && !options.has('a') {
            continue;
        }
        // It may have gone meanwhile.
        if let Ok(metadata) = entry.metadata() {
            items.push(Item {
                name: name.into(),
                path: join(directory, name),
                metadata,
            });
        }
    }
    Ok(items)
}

/// A name in a directory, as the directory was given.
pub fn join(directory: &str, name: &str) -> String {
    match directory.ends_with('/') {
        true => format!("{directory}{name}"),
        false => format!("{directory}/{name}"),
    }
}

fn sort(items: &mut [Item], options: &Options) {
    items.sort_by(|a, b| {
        let (one, other) = (&a.metadata, &b.metadata);
        if options.has('S') {
            other.len().cmp(&one.len())
        } else if options.has('t') {
            other.modified().cmp(&one.modified())
        } else {
            a.name.cmp(&b.name)
        }
    });
    if options.has('r') {
        items.reverse();
    }
}

fn show(files: &Dir, mut items: Vec<Item>, options: &Options) {
    sort(&mut items, options);
    let sizes: Vec<String> = items
        .iter()
        .map(|item| size(item.metadata.len(), options.has('h')))
        .collect();
    let width = sizes.iter().map(String::len).max().unwrap_or(0);
    for (item, size) in items.iter().zip(&sizes) {
        let metadata = &item.metadata;
        if !options.has('l') {
            println!("{}", item.name);
            continue;
        }
        let target = match metadata.is_symlink() {
            true => match files.read_link(&item.path) {
                Ok(target) => format!(" -> {target}"),
                Err(_) => " -> ?".into(),
            },
            false => String::new(),
        };
        println!(
            "{} {:3} {size:>width$} {} {}{target}",
            permissions(metadata),
            metadata.links(),
            Date(metadata.modified().as_secs()).to_minutes(),
            item.name,
        );
    }
}

/// What is known about something that has to be there.
pub fn must_be_there(files: &Dir, path: &str) -> text_commands::Result<Metadata> {
    files.metadata(path).map_err(failed(path))
}

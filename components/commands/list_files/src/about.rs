//! `stat`, `df`, `readlink`.

use alloc::format;
use alloc::string::{String, ToString};

use ftl::prelude::*;
use interfaces::files::Dir;
use text_commands::{Date, Failure, Options};

use crate::{Outcome, complain, failed, permissions, size};

pub const STAT: &str = "\
says what is known about files
usage: stat [-L] PATH…

  -L  about what symbolic links lead to
";

pub fn stat(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "L", "", false)?;
    if options.arguments.is_empty() {
        return Err(Failure::usage("which file?"));
    }
    let mut status = 0;
    for path in &options.arguments {
        let found = match options.has('L') {
            true => files.metadata(path),
            false => files.symlink_metadata(path),
        };
        let metadata = match found {
            Ok(metadata) => metadata,
            Err(error) => {
                complain("stat", path, error);
                status = 1;
                continue;
            }
        };
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => "directory",
            kind if kind.is_symlink() => "symbolic link",
            _ => "file",
        };
        println!("path      {path}");
        if metadata.is_symlink() {
            println!("leads to  {}", files.read_link(path).map_err(failed(path))?);
        }
        println!("kind      {kind}");
        println!("size      {}", metadata.len());
        println!("names     {}", metadata.links());
        println!("mode      {}", permissions(&metadata));
        println!("id        {}", metadata.id());
        println!("modified  {}", Date(metadata.modified().as_secs()));
        println!("changed   {}", Date(metadata.changed().as_secs()));
        println!("created   {}", Date(metadata.created().as_secs()));
    }
    Ok(status)
}

pub const DF: &str = "\
says how much room each disk has
usage: df [-h]

  -h  sizes for people: 1.5K
";

pub fn df(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "h", "", false)?;
    let human = options.has('h');
    println!("{:>12} {:>12} {:>12}  use  path", "size", "used", "free");
    let mounts = files.mounts().map(|name| format!("/{name}"));
    for path in core::iter::once("/".to_string()).chain(mounts) {
        let space = files.space_at(&path).map_err(failed(&path))?;
        let used = space.total - space.free.min(space.total);
        let percent = (used * 100).div_ceil(space.total.max(1));
        println!(
            "{:>12} {:>12} {:>12} {percent:3}%  {path}",
            size(space.total, human),
            size(used, human),
            size(space.free, human)
        );
    }
    Ok(0)
}

pub const READLINK: &str = "\
says where symbolic links lead
usage: readlink PATH…
";

pub fn readlink(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "", "", false)?;
    if options.arguments.is_empty() {
        return Err(Failure::usage("which link?"));
    }
    for path in &options.arguments {
        println!("{}", files.read_link(path).map_err(failed(path))?);
    }
    Ok(0)
}

//! `cp` and `mv`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::files::Dir;
use text_commands::{Failure, Options};

use crate::{Outcome, failed, join, name_of};

pub const CP: &str = "\
copies files
usage: cp [-nrv] FILE… TARGET

  -n  leaves alone what is there
  -r  directories, with all that is in them
  -v  says what is copied

If TARGET is a directory, into it. Symbolic links in directories are copied as links.
";

pub const MV: &str = "\
renames and moves files
usage: mv [-nv] FILE… TARGET

  -n  leaves alone what is there
  -v  says what is renamed

If TARGET is a directory, into it. What has the new name already is replaced, in one step.
";

/// Each source with its target.
fn pairs(
    files: &Dir,
    name: &str,
    words: &[String],
) -> text_commands::Result<Vec<(String, String)>> {
    let Some((target, sources)) = words
        .split_last()
        .filter(|(_, sources)| !sources.is_empty())
    else {
        return Err(Failure::usage("from where, and to where?"));
    };
    let into = files.metadata(target).is_ok_and(|found| found.is_dir());
    if sources.len() > 1 && !into {
        return Err(Failure::new(format!(
            "{target} is no directory, and {name} has several files to put there"
        )));
    }
    let to = |source: &String| match into {
        true => join(target, name_of(source)),
        false => target.to_string(),
    };
    Ok(sources
        .iter()
        .map(|source| (source.clone(), to(source)))
        .collect())
}

pub fn cp(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "nrRv", "", false)?;
    let recursive = options.has('r') || options.has('R');
    let mut status = 0;
    for (from, to) in pairs(files, "cp", &options.arguments)? {
        // What is to be copied; directories add what is in them.
        let mut open = Vec::from([(from.clone(), to.clone())]);
        let is_dir = files.metadata(&from).is_ok_and(|found| found.is_dir());
        if is_dir && recursive && lies_within(files, &to, &from) {
            eprintln!("cp: {from} cannot be copied into itself");
            status = 1;
            continue;
        }
        while let Some((from, to)) = open.pop() {
            // What was named is followed, what is found below is not.
            let is_top = open.is_empty() && !from.contains('/');
            if let Err(failure) = copy(files, (&from, &to), recursive, is_top, &options, &mut open)
            {
                eprint!("{}", failure.show("cp"));
                status = 1;
            }
        }
    }
    Ok(status)
}

/// Whether a path lies in a directory, or is it.
fn lies_within(files: &Dir, path: &str, directory: &str) -> bool {
    let mut path = files.absolute(path);
    loop {
        if files.is_same(&path, directory).is_ok_and(|same| same) {
            return true;
        }
        match path.trim_end_matches('/').rfind('/') {
            Some(at) if at > 0 => path.truncate(at),
            _ => return false,
        }
    }
}

fn copy(
    files: &Dir,
    (from, to): (&str, &str),
    recursive: bool,
    follow: bool,
    options: &Options,
    open: &mut Vec<(String, String)>,
) -> text_commands::Result<()> {
    let metadata = match follow || !recursive {
        true => files.metadata(from),
        false => files.symlink_metadata(from),
    }
    .map_err(failed(from))?;
    if options.has('n') && files.symlink_metadata(to).is_ok() && !metadata.is_dir() {
        return Ok(());
    }
    if options.has('v') {
        println!("{from} -> {to}");
    }
    if metadata.is_symlink() {
        let target = files.read_link(from).map_err(failed(from))?;
        return files.symlink(&target, to).map_err(failed(to));
    }
    if !metadata.is_dir() {
        return match files.copy(from, to) {
            Ok(_) => Ok(()),
            Err(Error::InvalidArgument) => {
                Err(Failure::new(format!("{from} and {to} are the same file")))
            }
            Err(error) => Err(failed(&format!("{from} -> {to}"))(error)),
        };
    }
    if !recursive {
        return Err(Failure::new(format!(
            "{from} is a directory; `-r` copies it"
        )));
    }
    match files.create_dir(to) {
        Err(Error::AlreadyExists) if files.metadata(to).is_ok_and(|there| there.is_dir()) => {}
        result => result.map_err(failed(to))?,
    }
    for entry in files.read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let name = entry.file_name();
        open.push((join(from, name), join(to, name)));
    }
    Ok(())
}

/// Moves what cannot be renamed, since it goes to another disk: copies it, and takes it away when all of it is there.
fn move_to_another_disk(files: &Dir, from: &str, to: &str) -> text_commands::Result<()> {
    let options = Options::parse(&[], "nrv", "", false)?;
    let mut open = Vec::from([(from.to_string(), to.to_string())]);
    while let Some((from, to)) = open.pop() {
        copy(files, (&from, &to), true, false, &options, &mut open)?;
    }
    // Not before it would survive a loss of power there.
    files.sync().map_err(failed(to))?;
    let is_dir = files.symlink_metadata(from).map_err(failed(from))?.is_dir();
    match is_dir {
        true => files.remove_dir_all(from),
        false => files.remove_file(from),
    }
    .map_err(failed(from))
}

pub fn mv(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "nv", "", false)?;
    let mut status = 0;
    for (from, to) in pairs(files, "mv", &options.arguments)? {
        if options.has('n') && files.symlink_metadata(&to).is_ok() {
            continue;
        }
        let moved = match files.rename(&from, &to) {
            Err(Error::CrossesDevices) => match move_to_another_disk(files, &from, &to) {
                Ok(()) => Ok(()),
                Err(failure) => {
                    eprint!("{}", failure.show("mv"));
                    status = 1;
                    continue;
                }
            },
            moved => moved,
        };
        match moved {
            Ok(()) if options.has('v') => println!("{from} -> {to}"),
            Ok(()) => {}
            Err(error) => {
                match error {
                    Error::InvalidArgument => eprintln!("mv: {from} cannot be moved into itself"),
                    error => eprintln!("mv: {from} -> {to}: {error}"),
                }
                status = 1;
            }
        }
    }
    Ok(status)
}

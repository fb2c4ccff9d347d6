//! `mkdir`, `touch`, `ln`.

use alloc::string::String;

use ftl::prelude::*;
use interfaces::files::{Dir, OpenOptions};
use text_commands::{Failure, Options};

use crate::{Outcome, each, failed, join, name_of};

pub const MKDIR: &str = "\
makes directories
usage: mkdir [-p] PATH…

  -p  with those above that are missing; one that is there already is no error
";

pub const TOUCH: &str = "\
makes files, or says that they were changed now
usage: touch [-c] PATH…

  -c  makes none
";

pub const LN: &str = "\
gives a file one more name, or makes a symbolic link
usage: ln [-fs] TARGET [LINK]

  -f  replaces what has the name LINK
  -s  a symbolic link, which leads to TARGET whatever that is then

If LINK is a directory, or not given, the name is TARGET's, there or here.
";

pub fn mkdir(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "p", "", false)?;
    if options.arguments.is_empty() {
        return Err(Failure::usage("which directory?"));
    }
    Ok(each("mkdir", &options.arguments, |path| {
        match options.has('p') {
            true => files.create_dir_all(path),
            false => files.create_dir(path),
        }
    }))
}

pub fn touch(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "c", "", false)?;
    if options.arguments.is_empty() {
        return Err(Failure::usage("which file?"));
    }
    Ok(each("touch", &options.arguments, |path| {
        let opened = OpenOptions::new()
            .write(true)
            .create(!options.has('c'))
            .open(files, path);
        let file = match opened {
            Err(Error::NotFound) if options.has('c') => return Ok(()),
            opened => opened?,
        };
        // The file server knows the time; a length set anew is a change.
        file.set_len(file.metadata()?.len())
    }))
}

pub fn ln(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "fs", "", false)?;
    let (target, link) = match options.arguments.as_slice() {
        [target] => (target, "."),
        [target, link] => (target, link.as_str()),
        _ => return Err(Failure::usage("to where, and under which name?")),
    };
    let link = match files.metadata(link).is_ok_and(|found| found.is_dir()) {
        true => join(link, name_of(target)),
        false => link.into(),
    };
    if options.has('f')
        && let Err(error) = files.remove_file(&link)
        && error != Error::NotFound
    {
        return Err(failed(&link)(error));
    }
    match options.has('s') {
        true => files.symlink(target, &link),
        false => files.hard_link(target, &link),
    }
    .map_err(failed(&link))?;
    Ok(0)
}

//! `rm` and `rmdir`.

use alloc::string::String;

use ftl::prelude::*;
use interfaces::files::Dir;
use text_commands::{Failure, Options};

use crate::{Outcome, each, name_of};

pub const RM: &str = "\
removes files
usage: rm [-frv] PATH…

  -f  what is not there is no error
  -r  directories, with all that is in them
  -v  says what is removed

There is `snapshot` to take a picture of everything before.
";

pub const RMDIR: &str = "\
removes empty directories
usage: rmdir PATH…
";

pub fn rm(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "frRv", "", false)?;
    let recursive = options.has('r') || options.has('R');
    if options.arguments.is_empty() && !options.has('f') {
        return Err(Failure::usage("which file?"));
    }
    if let Some(path) = options
        .arguments
        .iter()
        .find(|path| matches!(name_of(path), "" | "." | ".."))
    {
        return Err(Failure::new(alloc::format!(
            "{path} is not removed: name what is in it"
        )));
    }
    Ok(each("rm", &options.arguments, |path| {
        let metadata = match files.symlink_metadata(path) {
            Err(Error::NotFound) if options.has('f') => return Ok(()),
            found => found?,
        };
        match metadata.is_dir() && recursive {
            true => files.remove_dir_all(path)?,
            false => files.remove_file(path)?,
        }
        if options.has('v') {
            println!("removed {path}");
        }
        Ok(())
    }))
}

pub fn rmdir(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "", "", false)?;
    if options.arguments.is_empty() {
        return Err(Failure::usage("which directory?"));
    }
    Ok(each("rmdir", &options.arguments, |path| {
        files.remove_dir(path)
    }))
}

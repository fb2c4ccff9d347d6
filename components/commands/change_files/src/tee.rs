//! `tee`.

use alloc::string::String;
use alloc::vec::Vec;

use ftl::io::{Read, Write};
use ftl::prelude::*;
use interfaces::files::{Dir, File, OpenOptions};
use text_commands::{Failure, Options};

use crate::{Outcome, Streams, failed};

pub const TEE: &str = "\
writes its input to files, and prints it
usage: tee [-a] FILE…

  -a  behind what is in them
";

fn told(error: Error) -> Failure {
    Failure::new(alloc::format!("{error}"))
}

pub fn tee(files: &Dir, arguments: &[String], mut streams: Streams) -> Outcome {
    let options = Options::parse(arguments, "a", "", false)?;
    let mut open: Vec<(&str, File)> = Vec::new();
    for path in &options.arguments {
        let file = OpenOptions::new()
            .write(true)
            .append(options.has('a'))
            .create(true)
            .truncate(!options.has('a'))
            .open(files, path)
            .map_err(failed(path))?;
        open.push((path, file));
    }
    let mut buffer = [0; 1024];
    loop {
        let len = streams.stdin.read(&mut buffer).map_err(told)?;
        if len == 0 {
            streams.stdout.flush().map_err(told)?;
            return Ok(0);
        }
        streams.stdout.write_all(&buffer[..len]).map_err(told)?;
        for (path, file) in &mut open {
            file.write_all(&buffer[..len]).map_err(failed(path))?;
        }
    }
}

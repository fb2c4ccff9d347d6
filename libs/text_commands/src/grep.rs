//! `grep`.

use alloc::format;
use alloc::string::String;

use crate::lines::Lines;
use crate::options::{Failure, Options, Result};
use crate::regex::Regex;
use crate::{Io, files, pieces};

pub const GREP: &str = "\
prints the lines that match a pattern
usage: grep [-i] [-v] [-c] [-n] [-q] [-F] [-o] PATTERN [FILE]…

  -i  small and capital letters are the same
  -v  the lines that do not match
  -c  only how many there are
  -n  with their numbers
  -q  nothing; the status tells
  -o  only what matches, each on a line
  -F  the pattern is a plain text

In a pattern, `.` is any character, `[a-z]` one of these, `[^a-z]` none of these; `*`, `+`, `?` and `{2,3}` repeat
what stands before; `a|b` is one or the other, `(…)` a group; `^` and `$` are the begin and the end of the line;
`\\d`, `\\w` and `\\s` are digits, letters of words, and blanks; `\\.` is a point.
The status is 0 if a line matched, 1 if none did, 2 if something is wrong.
";

pub fn grep(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let options = Options::parse(arguments, "ivcnqoFE", "e", false)?;
    let (pattern, names) = match (options.value('e'), options.arguments.split_first()) {
        (Some(pattern), _) => (pattern, options.arguments.as_slice()),
        (None, Some((pattern, names))) => (pattern.as_str(), names),
        (None, None) => return Err(Failure::usage("the pattern is missing")),
    };
    let regex = match options.has('F') {
        true => Regex::plain(pattern, options.has('i')),
        false => Regex::new(pattern, options.has('i')).map_err(Failure::usage)?,
    };
    let mut any = false;
    for file in files(names) {
        io.open(file).map_err(|failure| Failure {
            status: 2,
            ..failure
        })?;
        let prefix = match names.len() > 1 {
            true => format!("{file}:"),
            false => String::new(),
        };
        let (mut number, mut count) = (0u64, 0u64);
        let mut take = |io: &mut dyn Io, line: &[u8]| {
            number += 1;
            let found = regex.find(line, 0);
            if found.is_some() == options.has('v') {
                return Ok(true);
            }
            count += 1;
            if options.has('q') {
                return Ok(false);
            }
            if options.has('c') {
                return Ok(true);
            }
            let prefix = match options.has('n') {
                true => format!("{prefix}{number}:"),
                false => prefix.clone(),
            };
            if options.has('o') {
                let mut next = found;
                while let Some(range) = next {
                    let end = range.end.max(range.start + 1);
                    if !range.is_empty() {
                        io.write(prefix.as_bytes())?;
                        io.write(&line[range])?;
                        io.write(b"\n")?;
                    }
                    next = if end <= line.len() {
                        regex.find(line, end)
                    } else {
                        None
                    };
                }
                return Ok(true);
            }
            io.write(prefix.as_bytes())?;
            io.write(line)?;
            io.write(b"\n")?;
            Ok(true)
        };
        let mut gather = Lines::default();
        pieces(io, |io, piece| gather.piece(piece, |line| take(io, line)))?;
        if let Some(rest) = gather.rest() {
            take(io, &rest)?;
        }
        any |= count > 0;
        if options.has('c') && !options.has('q') {
            io.write(format!("{prefix}{count}\n").as_bytes())?;
        }
        if any && options.has('q') {
            break;
        }
    }
    Ok(u8::from(!any))
}

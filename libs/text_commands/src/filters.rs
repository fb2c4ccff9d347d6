//! `cat`, `head`, `tail`, `wc`.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::options::{Failure, Options, Result, number};
use crate::{Io, files, pieces};

pub const CAT: &str = "\
prints files, or its input
usage: cat [-n] [FILE]…

  -n  numbers the lines

`-` is the input. `cat < FILE` lets the shell open the file.
";

pub fn cat(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let options = Options::parse(arguments, "n", "", false)?;
    let (mut line, mut at_start) = (0u64, true);
    for file in files(&options.arguments) {
        io.open(file)?;
        pieces(io, |io, piece| {
            if !options.has('n') {
                io.write(piece)?;
                return Ok(true);
            }
            for part in piece.split_inclusive(|byte| *byte == b'\n') {
                if at_start {
                    line += 1;
                    io.write(format!("{line:6}  ").as_bytes())?;
                }
                io.write(part)?;
                at_start = part.ends_with(b"\n");
            }
            Ok(true)
        })?;
    }
    Ok(0)
}

pub const HEAD: &str = "\
prints the first lines of files, or of its input
usage: head [-n LINES | -c BYTES | -LINES] [FILE]…

  -n LINES  so many lines; 10 if not given
  -c BYTES  so many bytes instead
";

pub fn head(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let options = Options::parse(arguments, "", "nc", true)?;
    let bytes = options.number('c')?;
    let lines = options.number('n')?.unwrap_or(10);
    for file in files(&options.arguments) {
        io.open(file)?;
        let mut left = bytes.unwrap_or(lines);
        if left == 0 {
            continue;
        }
        pieces(io, |io, piece| {
            let len = match bytes {
                Some(_) => {
                    let len = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
                    left -= len as u64;
                    len
                }
                None => {
                    let mut len = 0;
                    for part in piece.split_inclusive(|byte| *byte == b'\n') {
                        len += part.len();
                        left -= u64::from(part.ends_with(b"\n"));
                        if left == 0 {
                            break;
                        }
                    }
                    len
                }
            };
            io.write(&piece[..len])?;
            Ok(left > 0)
        })?;
    }
    Ok(0)
}

/// What `tail` holds at most.
const TAIL_MAX: usize = 1024 * 1024;

pub const TAIL: &str = "\
prints the last lines of files, or of its input
usage: tail [-n LINES | -n +LINE | -c BYTES | -LINES] [FILE]…

  -n LINES  so many lines; 10 if not given
  -n +LINE  all from this line on
  -c BYTES  so many bytes instead

What it prints may have up to 1 MiB, but with `-n +LINE`.
";

pub fn tail(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let options = Options::parse(arguments, "", "nc", true)?;
    let from = options.value('n').and_then(|value| value.strip_prefix('+'));
    let from = from.map(number).transpose()?;
    let bytes = options.number('c')?;
    let lines = match from {
        Some(_) => 0,
        None => options.number('n')?.unwrap_or(10),
    };
    for file in files(&options.arguments) {
        io.open(file)?;
        if let Some(from) = from {
            let mut to_skip = from.saturating_sub(1);
            pieces(io, |io, piece| {
                let mut rest = piece;
                while to_skip > 0 {
                    match rest.iter().position(|byte| *byte == b'\n') {
                        Some(at) => {
                            rest = &rest[at + 1..];
                            to_skip -= 1;
                        }
                        None => return Ok(true),
                    }
                }
                io.write(rest)?;
                Ok(true)
            })?;
            continue;
        }
        let mut kept: VecDeque<u8> = VecDeque::new();
        // Line ends among what is kept.
        let mut ends = 0u64;
        pieces(io, |_, piece| {
            for byte in piece {
                // A line begins when the one before has ended: only then is the oldest one too many.
                if bytes.is_none() && kept.back() == Some(&b'\n') && ends >= lines {
                    while let Some(byte) = kept.pop_front() {
                        if byte == b'\n' {
                            ends -= 1;
                            break;
                        }
                    }
                }
                ends += u64::from(*byte == b'\n');
                kept.push_back(*byte);
                if bytes.is_some_and(|bytes| kept.len() as u64 > bytes) {
                    kept.pop_front();
                }
                if kept.len() > TAIL_MAX {
                    return Err(Failure::new(format!(
                        "the last lines have more than {TAIL_MAX} bytes"
                    )));
                }
            }
            Ok(true)
        })?;
        if lines == 0 && bytes.is_none() {
            kept.clear();
        }
        let (first, second) = kept.as_slices();
        io.write(first)?;
        io.write(second)?;
    }
    Ok(0)
}

pub const WC: &str = "\
counts lines, words and bytes of files, or of its input
usage: wc [-l] [-w] [-m] [-c] [FILE]…

  -l  lines        -m  characters
  -w  words        -c  bytes

Without options: lines, words and bytes.
";

pub fn wc(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let options = Options::parse(arguments, "lwmc", "", false)?;
    let all = !"lwmc".chars().any(|flag| options.has(flag));
    let mut total = [0u64; 4];
    let show = |io: &mut dyn Io, counts: [u64; 4], name: &str| {
        let mut shown = Vec::new();
        for (flag, count) in "lwmc".chars().zip(counts) {
            if options.has(flag) || all && flag != 'm' {
                shown.push(format!("{count}"));
            }
        }
        let mut text = shown.join(" ");
        if !name.is_empty() {
            text = format!("{text} {name}");
        }
        io.write(format!("{text}\n").as_bytes())
    };
    for file in files(&options.arguments) {
        io.open(file)?;
        let mut counts = [0u64; 4];
        let mut in_word = false;
        pieces(io, |_, piece| {
            for byte in piece {
                let blank = byte.is_ascii_whitespace();
                counts[0] += u64::from(*byte == b'\n');
                counts[1] += u64::from(!blank && !in_word);
                // Bytes that continue a character do not begin one.
                counts[2] += u64::from(byte & 0xc0 != 0x80);
                counts[3] += 1;
                in_word = !blank;
            }
            Ok(true)
        })?;
        let name = if options.arguments.is_empty() {
            ""
        } else {
            file
        };
        show(io, counts, name)?;
        for (sum, count) in total.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    if options.arguments.len() > 1 {
        show(io, total, "total")?;
    }
    Ok(0)
}

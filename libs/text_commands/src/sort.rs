//! `sort` and `uniq`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use crate::lines::Lines;
use crate::options::{Failure, Options, Result};
use crate::{Io, files, pieces};

/// What `sort` holds at most.
const SORT_MAX: usize = 2 * 1024 * 1024;

pub const SORT: &str = "\
sorts lines
usage: sort [-n] [-r] [-u] [-f] [-k FIELD] [-t CHARACTER] [FILE]…

  -n            by the number that they begin with
  -r            the greatest first
  -u            each only once
  -f            small and capital letters are the same
  -k FIELD      by what stands from this field on; 1 is the first
  -t CHARACTER  what separates fields; blanks if not given

By bytes, without a language's rules. It holds up to 2 MiB.
";

pub fn sort(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let options = Options::parse(arguments, "nruf", "kt", false)?;
    let key = options.number('k')?.unwrap_or(1);
    if key == 0 {
        return Err(Failure::usage("fields are counted from 1"));
    }
    let separator = match options.value('t').map(str::as_bytes) {
        None => None,
        Some([byte]) => Some(*byte),
        Some(_) => return Err(Failure::usage("`-t` takes one character")),
    };
    let (mut text, mut lines): (Vec<u8>, Vec<Range<usize>>) = Default::default();
    for file in files(&options.arguments) {
        io.open(file)?;
        let mut add = |line: &[u8]| {
            if text.len() + line.len() + 16 * lines.len() > SORT_MAX {
                return Err(Failure::new(format!(
                    "there are more than {SORT_MAX} bytes"
                )));
            }
            let start = text.len();
            text.extend_from_slice(line);
            lines.push(start..text.len());
            Ok(true)
        };
        let mut gather = Lines::default();
        pieces(io, |_, piece| gather.piece(piece, &mut add))?;
        if let Some(rest) = gather.rest() {
            add(&rest)?;
        }
    }
    let compare = |left: &Range<usize>, right: &Range<usize>| {
        let (left, right) = (&text[left.clone()], &text[right.clone()]);
        let (left_key, right_key) = (field(left, key, separator), field(right, key, separator));
        let by_key = if options.has('n') {
            compare_numbers(left_key, right_key)
        } else if options.has('f') {
            let lower = |bytes: &[u8]| bytes.to_ascii_lowercase();
            lower(left_key).cmp(&lower(right_key))
        } else {
            left_key.cmp(right_key)
        };
        if options.has('r') {
            by_key.reverse()
        } else {
            by_key
        }
    };
    let whole = |left: &Range<usize>, right: &Range<usize>| {
        let order = text[left.clone()].cmp(&text[right.clone()]);
        if options.has('r') {
            order.reverse()
        } else {
            order
        }
    };
    match options.has('u') {
        true => {
            lines.sort_by(compare);
            lines.dedup_by(|right, left| compare(left, right) == Ordering::Equal);
        }
        // Lines whose keys are the same stand in an order that does not depend on the input's.
        false => lines
            .sort_unstable_by(|left, right| compare(left, right).then_with(|| whole(left, right))),
    }
    for line in lines {
        io.write(&text[line])?;
        io.write(b"\n")?;
    }
    Ok(0)
}

/// What stands from a field on.
fn field(line: &[u8], key: u64, separator: Option<u8>) -> &[u8] {
    let mut rest = line;
    for _ in 1..key {
        rest = match separator {
            Some(separator) => match rest.iter().position(|byte| *byte == separator) {
                Some(at) => &rest[at + 1..],
                None => &[],
            },
            None => {
                let rest = rest.trim_ascii_start();
                let end = rest.iter().position(u8::is_ascii_whitespace);
                &rest[end.unwrap_or(rest.len())..]
            }
        };
        if rest.is_empty() {
            break;
        }
    }
    match separator {
        None if key > 1 => rest.trim_ascii_start(),
        _ => rest,
    }
}

/// By the numbers that texts begin with; what begins with none counts as 0.
fn compare_numbers(left: &[u8], right: &[u8]) -> Ordering {
    let (left_negative, left_whole, left_fraction) = number(left);
    let (right_negative, right_whole, right_fraction) = number(right);
    let sign = |negative: bool, whole: &[u8], fraction: &[u8]| {
        let zero = whole.is_empty() && fraction.is_empty();
        if zero {
            0
        } else if negative {
            -1
        } else {
            1
        }
    };
    let left_sign = sign(left_negative, left_whole, left_fraction);
    let right_sign = sign(right_negative, right_whole, right_fraction);
    left_sign.cmp(&right_sign).then_with(|| {
        let magnitude = left_whole
            .len()
            .cmp(&right_whole.len())
            .then_with(|| left_whole.cmp(right_whole))
            .then_with(|| left_fraction.cmp(right_fraction));
        if left_sign < 0 {
            magnitude.reverse()
        } else {
            magnitude
        }
    })
}

/// Sign, digits before the point without leading zeros, digits after it without trailing ones.
fn number(text: &[u8]) -> (bool, &[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(digits(text));
    let mut fraction: &[u8] = match rest.strip_prefix(b".") {
        Some(rest) => &rest[..digits(rest)],
        None => &[],
    };
    while let Some(rest) = fraction.strip_suffix(b"0") {
        fraction = rest;
    }
    let zeros = whole.iter().take_while(|byte| **byte == b'0').count();
    (negative, &whole[zeros..], fraction)
}

pub const UNIQ: &str = "\
joins equal lines that follow each other
usage: uniq [-c] [-d] [-u] [FILE]…

  -c  says before each line how many there were
  -d  only lines of which there were several
  -u  only lines of which there was one

`sort | uniq` finds all equal lines.
";

pub fn uniq(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let options = Options::parse(arguments, "cdu", "", false)?;
    let mut last: Option<(Vec<u8>, u64)> = None;
    let show = |io: &mut dyn Io, line: &[u8], count: u64| {
        if options.has('d') && count < 2 || options.has('u') && count > 1 {
            return Ok(());
        }
        if options.has('c') {
            io.write(format!("{count:7} ").as_bytes())?;
        }
        io.write(line)?;
        io.write(b"\n")
    };
    let mut take = |io: &mut dyn Io, line: &[u8]| {
        match &mut last {
            Some((there, count)) if there == line => *count += 1,
            _ => {
                if let Some((there, count)) = last.replace((line.to_vec(), 1)) {
                    show(io, &there, count)?;
                }
            }
        }
        Ok(true)
    };
    for file in files(&options.arguments) {
        io.open(file)?;
        let mut gather = Lines::default();
        pieces(io, |io, piece| gather.piece(piece, |line| take(io, line)))?;
        if let Some(rest) = gather.rest() {
            take(io, &rest)?;
        }
    }
    if let Some((line, count)) = last {
        show(io, &line, count)?;
    }
    Ok(0)
}

//! `seq` and `sleep`.

use alloc::format;
use alloc::string::{String, ToString};

use crate::Io;
use crate::options::{Failure, Options, Result};

pub const SEQ: &str = "\
prints numbers, each on a line
usage: seq [-w] [-s TEXT] [FIRST [STEP]] LAST

  -w       all equally wide, with zeros before them
  -s TEXT  this between them instead of an end of line

Whole numbers; 1 is the first and the step if they are not given.
";

pub fn seq(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    // Negative numbers look like options: what begins with a digit after its `-` is none.
    let is_number = |text: &String| {
        text.trim_start_matches('-')
            .starts_with(|c: char| c.is_ascii_digit())
    };
    let first = arguments
        .iter()
        .position(is_number)
        .unwrap_or(arguments.len());
    // The number may be `-s`'s value.
    let first = match first
        .checked_sub(1)
        .map(|before| arguments[before].as_str())
    {
        Some("-s" | "-ws") => first + 1,
        _ => first,
    };
    let (options, numbers) = arguments.split_at(first.min(arguments.len()));
    let options = Options::parse(options, "w", "s", false)?;
    let number = |text: &String| {
        text.parse::<i64>()
            .map_err(|_| Failure::usage(format!("`{text}` is not a whole number that fits")))
    };
    let (first, step, last) = match numbers {
        _ if !options.arguments.is_empty() => {
            return Err(Failure::usage(format!(
                "`{}` is not a number",
                options.arguments[0]
            )));
        }
        [last] => (1, 1, number(last)?),
        [first, last] => (number(first)?, 1, number(last)?),
        [first, step, last] => (number(first)?, number(step)?, number(last)?),
        [] => return Err(Failure::usage("the last number is missing")),
        _ => return Err(Failure::usage("there are more than three numbers")),
    };
    if step == 0 {
        return Err(Failure::usage("the step is 0"));
    }
    let width = match options.has('w') {
        true => first.to_string().len().max(last.to_string().len()),
        false => 0,
    };
    let separator = options.value('s').unwrap_or("\n");
    let mut number = first;
    let mut any = false;
    while if step > 0 {
        number <= last
    } else {
        number >= last
    } {
        if any {
            io.write(separator.as_bytes())?;
        }
        any = true;
        io.write(format!("{number:0width$}").as_bytes())?;
        match number.checked_add(step) {
            Some(next) => number = next,
            None => break,
        }
    }
    if any {
        io.write(b"\n")?;
    }
    Ok(0)
}

pub const SLEEP: &str = "\
waits
usage: sleep TIME…

A time is a number with or without a fraction, and `ms`, `s`, `m`, `h` or `d` after it; seconds if there is none.
Several are added up.
";

pub fn sleep(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let options = Options::parse(arguments, "", "", false)?;
    if options.arguments.is_empty() {
        return Err(Failure::usage("how long?"));
    }
    let mut total = 0u64;
    for time in &options.arguments {
        total = total.saturating_add(duration_ms(time)?);
    }
    io.sleep_ms(total);
    Ok(0)
}

/// A time such as `1.5`, `200ms` or `2m`, in milliseconds.
pub fn duration_ms(text: &str) -> Result<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(bad_time(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.is_empty() || digits == "." || !is_digits(whole) || !is_digits(fraction) {
        return Err(bad_time(text));
    }
    let whole = match whole {
        "" => 0,
        whole => whole.parse::<u64>().unwrap_or(u64::MAX),
    };
    let fraction = &fraction[..fraction.len().min(9)];
    let part = match fraction.parse::<u64>() {
        Ok(value) => value.saturating_mul(factor) / 10u64.pow(fraction.len() as u32),
        Err(_) => 0,
    };
    Ok(whole.saturating_mul(factor).saturating_add(part))
}

fn bad_time(text: &str) -> Failure {
    Failure::usage(format!("`{text}` is no time"))
}

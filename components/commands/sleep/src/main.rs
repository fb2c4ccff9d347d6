//! Waits for some seconds.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;

#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use spec::*;

#[ftl::main]
fn main(env: Environ) -> usize {
    let mut all = Duration::ZERO;
    if env.arguments.is_empty() {
        eprintln!("sleep: for how long? For example: sleep 1.5");
        return 2;
    }
    for text in &env.arguments {
        match parse(text) {
            Some(duration) => all += duration,
            None => {
                eprintln!("sleep: `{text}` is no number of seconds, such as 2, 0.5 or 100ms");
                return 2;
            }
        }
    }
    ftl::time::sleep(all);
    0
}

/// `2`, `0.5`, `2s`, `100ms`, `3m` or `1h`; at most some ten years.
fn parse(text: &str) -> Option<Duration> {
    let (number, nanos) = if let Some(number) = text.strip_suffix("ms") {
        (number, 1_000_000)
    } else if let Some(number) = text.strip_suffix('s') {
        (number, 1_000_000_000)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 60_000_000_000)
    } else if let Some(number) = text.strip_suffix('h') {
        (number, 3_600_000_000_000)
    } else {
        (text, 1_000_000_000_u64)
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let whole: u64 = whole.parse().ok().filter(|whole| *whole < 400_000_000)?;
    let part: u64 = fraction.parse().unwrap_or(0);
    let part = nanos.checked_mul(part)? / 10_u64.pow(fraction.len() as u32);
    Some(Duration::from_nanos(
        whole.checked_mul(nanos)?.checked_add(part)?,
    ))
}

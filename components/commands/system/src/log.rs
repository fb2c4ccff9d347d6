//! `log` and `dmesg`.
//!
//! The kernel keeps the last 16 KiB of what was logged; that is what can be shown. A line is
//! `[seconds.micros] NAME: TEXT`, with `ERROR` or `WARN` before the text if it is one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;

use crate::known::components;
use crate::misused;
use crate::spec::*;

pub const LOG: &str = "\
prints the log of all components, and follows it
usage: log [-f] [-n LINES] [-l LEVEL] [-s SECONDS] [COMPONENT]…

  -f          goes on printing what is logged, until Ctrl-C
  -n LINES    only the last so many
  -l LEVEL    only error, or error and warn
  -s SECONDS  only what was logged from so many seconds after the boot on; with a `-` before it, in the last so many

With components: only what they said, and what init said about them.
";

pub const DMESG: &str = "\
prints the kernel's own log
usage: dmesg
";

/// How often the log is looked at while it is followed.
const ROUND: Duration = Duration::from_millis(200);

#[derive(Debug, Default)]
struct Filter {
    names: Vec<String>,
    /// 1 error, 2 warn, 3 all.
    level: u8,
    since_us: u64,
}

impl Filter {
    fn takes(&self, line: &str) -> bool {
        let Some((time, name, text)) = parts(line) else {
            // Backtraces and the like go with what stands before; they have no name of their own.
            return self.names.is_empty() && self.level == 3;
        };
        let level = match text {
            text if text.starts_with("ERROR ") => 1,
            text if text.starts_with("WARN ") => 2,
            _ => 3,
        };
        let named = |wanted: &String| {
            name == wanted
                || (name == "init"
                    && text
                        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                        .any(|word| word == wanted))
        };
        time >= self.since_us
            && level <= self.level
            && (self.names.is_empty() || self.names.iter().any(named))
    }
}

/// A line's time in microseconds, its name, and its text.
fn parts(line: &str) -> Option<(u64, &str, &str)> {
    let (time, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let (seconds, micros) = time.trim_start().split_once('.')?;
    let (name, text) = rest.split_once(": ")?;
    let time = seconds.parse::<u64>().ok()?.checked_mul(1_000_000)?;
    Some((time + micros.parse::<u64>().ok()?, name, text))
}

pub fn dmesg(env: &mut Environ) -> Result<usize> {
    if !env.arguments.is_empty() {
        return misused(env, "it takes no arguments");
    }
    let filter = Filter {
        names: Vec::from([String::from("kernel")]),
        level: 3,
        since_us: 0,
    };
    for line in read_lines(env, &mut Reading::default())? {
        if filter.takes(&line) {
            println!("{line}");
        }
    }
    Ok(0)
}

pub fn log(env: &mut Environ) -> Result<usize> {
    let mut filter = Filter {
        level: 3,
        ..Filter::default()
    };
    let (mut follow, mut last) = (false, usize::MAX);
    let arguments = env.arguments.clone();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let bad = match argument.as_str() {
            "-f" => {
                follow = true;
                None
            }
            "-n" | "-l" | "-s" => {
                let value = rest.next().map_or("", String::as_str);
                match argument.as_str() {
                    "-n" => value
                        .parse()
                        .map(|lines| last = lines)
                        .err()
                        .map(|_| "`-n` needs a number"),
                    "-l" => match value {
                        "error" => (filter.level = 1, None).1,
                        "warn" => (filter.level = 2, None).1,
                        "info" => None,
                        _ => Some("`-l` needs `error`, `warn` or `info`"),
                    },
                    _ => match since(value, Instant::now().as_nanos() / 1000) {
                        Some(time) => {
                            filter.since_us = time;
                            None
                        }
                        None => Some("`-s` needs a number of seconds"),
                    },
                }
            }
            option if option.starts_with('-') => Some("there is no such option"),
            name => {
                filter.names.push(name.into());
                None
            }
        };
        if let Some(what) = bad {
            return misused(env, what);
        }
    }
    for name in &filter.names {
        if !logs(env, name)? {
            eprintln!(
                "log: there is no component or command `{name}`; `ps -a` and `help` list them"
            );
            return Ok(1);
        }
    }
    let mut reading = Reading::default();
    let lines: Vec<String> = read_lines(env, &mut reading)?
        .into_iter()
        .filter(|line| filter.takes(line))
        .collect();
    for line in &lines[lines.len().saturating_sub(last)..] {
        println!("{line}");
    }
    if !follow {
        return Ok(0);
    }
    loop {
        // Whoever reads may have seen enough before there is another line.
        env.stdout.sleep_while_read(ROUND)?;
        for line in read_lines(env, &mut reading)? {
            if filter.takes(&line) {
                println!("{line}");
            }
        }
    }
}

/// Whether there may be lines of this name.
fn logs(env: &mut Environ, name: &str) -> Result<bool> {
    if matches!(name, "kernel" | "init") || components(env)?.iter().any(|known| known.name == name)
    {
        return Ok(true);
    }
    let mut first = 0;
    loop {
        let reply = env.launcher.commands(first)?;
        let before = first;
        for command in reply.commands.iter() {
            if command.name == name {
                return Ok(true);
            }
            first += 1;
        }
        if first == before || first >= reply.total {
            return Ok(false);
        }
    }
}

/// The time that `-s` means, in microseconds since the boot.
fn since(value: &str, now_us: u64) -> Option<u64> {
    match value.strip_prefix('-') {
        Some(value) => {
            Some(now_us.saturating_sub(value.parse::<u64>().ok()?.checked_mul(1_000_000)?))
        }
        None => value.parse::<u64>().ok()?.checked_mul(1_000_000),
    }
}

/// How far the log has been read.
#[derive(Default)]
struct Reading {
    position: u64,
    unfinished: Vec<u8>,
}

fn read_lines(env: &mut Environ, reading: &mut Reading) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let reply = env.system.log(reading.position)?;
        if reply.text.is_empty() {
            return Ok(lines);
        }
        reading.position = reply.next;
        reading.unfinished.extend_from_slice(reply.text);
        while let Some(at) = reading.unfinished.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = reading.unfinished.drain(..=at).collect();
            lines.push(format!("{}", String::from_utf8_lossy(&line[..at])));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_filtered() {
        let takes = |names: &[&str], level, since_us, line: &str| {
            let names = names.iter().map(|name| String::from(*name)).collect();
            Filter {
                names,
                level,
                since_us,
            }
            .takes(line)
        };
        let line = "[   1.500000] tcpip: WARN lost";
        assert!(takes(&[], 3, 0, line) && takes(&["tcpip"], 2, 1_500_000, line));
        assert!(
            !takes(&["pong"], 3, 0, line)
                && !takes(&[], 1, 0, line)
                && !takes(&[], 3, 2_000_000, line)
        );
        assert!(takes(
            &["pong"],
            3,
            0,
            "[   1.000000] init: pong restarted in 0 ms"
        ));
        assert!(!takes(
            &["pon"],
            3,
            0,
            "[   1.000000] init: pong restarted in 0 ms"
        ));
        assert!(takes(&[], 3, 0, "  at main.rs:3") && !takes(&["pong"], 3, 0, "  at main.rs:3"));
    }

    #[test]
    fn times_are_read() {
        assert_eq!(since("3", 10_000_000), Some(3_000_000));
        assert_eq!(since("-3", 10_000_000), Some(7_000_000));
        assert_eq!(since("x", 0), None);
    }
}

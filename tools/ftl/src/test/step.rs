//! One step of `./ftl test`: what it ran, how that went, and what is told of it.

use std::cmp::Reverse;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::report::{self, Step};

/// A step that has ended.
#[derive(Debug)]
pub struct Outcome {
    /// What it was.
    pub name: String,
    /// Whether it succeeded.
    pub ok: bool,
    /// How many of its tests passed; a step without tests of its own counts as one.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// What it printed, which is shown if it failed.
    pub output: String,
    /// How long it took.
    pub time: Duration,
    /// Its tests and how long each took, the slowest first, where that is known.
    pub slowest: Vec<(Duration, String)>,
}

impl Outcome {
    /// Of a step without tests of its own.
    pub fn of(name: &str, result: Result<()>, time: Duration) -> Outcome {
        let ok = result.is_ok();
        Outcome {
            name: name.to_owned(),
            ok,
            passed: usize::from(ok),
            failed: usize::from(!ok),
            output: result.map_or_else(|error| format!("{error:#}"), |()| String::new()),
            time,
            slowest: Vec::new(),
        }
    }
}

/// What the steps so far amount to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Steps that could not be tried on this computer.
    pub skipped: usize,
    /// The names of steps that failed.
    pub failed_steps: Vec<String>,
    slowest: Vec<(Duration, String)>,
}

impl Tally {
    /// Counts a step, and tells of it.
    pub fn record(&mut self, outcome: &Outcome) {
        let Outcome {
            name,
            ok,
            passed,
            output,
            ..
        } = outcome;
        // A step that fails without a failed test did not even start its tests.
        let failed = match ok {
            true => outcome.failed,
            false => outcome.failed.max(1),
        };
        self.passed += passed;
        self.failed += failed;
        let verdict = if *ok { "ok" } else { "FAILED" };
        let count = if passed + failed > 1 {
            format!("  {passed} passed, {failed} failed")
        } else {
            String::new()
        };
        say!(
            "{verdict:6}  {name}{count}  {}",
            report::seconds(outcome.time)
        );
        if !ok {
            say!("{}", output.trim_end());
            self.failed_steps.push(name.clone());
        }
        self.slowest.extend_from_slice(&outcome.slowest);
    }

    /// The tests that took longest, for whoever wants all to take less.
    pub fn slowest(&mut self) -> &[(Duration, String)] {
        const TOLD: usize = 5;
        self.slowest.sort_by_key(|(time, _)| Reverse(*time));
        &self.slowest[..self.slowest.len().min(TOLD)]
    }

    /// Tells of a step that cannot be tried on this computer.
    pub fn skip(&mut self, name: &str, reason: &str) {
        say!("SKIPPED {name}: {reason}");
        self.skipped += 1;
    }
}

/// Runs a command that counts as one test.
pub fn run(name: &str, command: Command) -> Outcome {
    let (ok, output, time) = run_with(name, command, |_| {});
    Outcome {
        name: name.to_owned(),
        ok,
        passed: usize::from(ok),
        failed: usize::from(!ok),
        output,
        time,
        slowest: Vec::new(),
    }
}

/// Runs a command that prints results of tests.
pub fn run_tests(name: &str, command: Command) -> Outcome {
    let (mut passed, mut failed) = (0, 0);
    let (ok, output, time) = run_with(name, command, |line| {
        if let Some((p, f)) = parse_result(line) {
            passed += p;
            failed += f;
        }
    });
    Outcome {
        name: name.to_owned(),
        ok,
        passed,
        failed,
        output,
        time,
        slowest: Vec::new(),
    }
}

/// Runs one step; gives whether it succeeded, what it printed, and how long it took.
fn run_with(
    name: &str,
    mut command: Command,
    mut on_line: impl FnMut(&str),
) -> (bool, String, Duration) {
    let started = Instant::now();
    let step = Step::start(name);
    let mut run = || -> Result<(bool, String)> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let errors = child.stderr.take().context("no error output")?;
        let errors = std::thread::spawn(move || {
            let lines: Vec<String> = lossy_lines(errors).collect();
            lines.join("\n")
        });
        let mut text = String::new();
        for line in lossy_lines(child.stdout.take().context("no output")?) {
            on_line(&line);
            text += &line;
            text.push('\n');
        }
        let ok = child.wait()?.success();
        let errors = errors.join().unwrap_or_default();
        Ok((ok, format!("{errors}\n{text}")))
    };
    let (ok, output) = run().unwrap_or_else(|error| (false, format!("{error:#}")));
    step.failed(); // Whoever called prints the line.
    (ok, output, started.elapsed())
}

/// Lines of what may not be UTF-8 throughout.
fn lossy_lines(reader: impl std::io::Read) -> impl Iterator<Item = String> {
    BufReader::new(reader)
        .split(b'\n')
        .map_while(Result::ok)
        .map(|bytes| {
            String::from_utf8_lossy(&bytes)
                .trim_end_matches('\r')
                .to_owned()
        })
}

/// Reads `test result: ok. 3 passed; 1 failed; …`.
fn parse_result(line: &str) -> Option<(usize, usize)> {
    let counts = line
        .trim()
        .strip_prefix("test result: ")?
        .split_once(". ")?
        .1;
    let count = |what: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
    };
    Some((count(" passed")?, count(" failed")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(parse_result(line), Some((12, 3)));
        assert_eq!(parse_result("running 3 tests"), None);
    }

    #[test]
    fn a_command_that_fails_is_a_failed_test() {
        let mut tally = Tally::default();
        tally.record(&run("true", Command::new("true")));
        tally.record(&run("false", Command::new("false")));
        tally.record(&run("missing", Command::new("there-is-no-such-program")));
        tally.skip("skipped", "not there");
        assert_eq!((tally.passed, tally.failed, tally.skipped), (1, 2, 1));
    }
}

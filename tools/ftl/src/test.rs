//! `./ftl test`: everything that CI runs, step by step, each step timed.
//!
//! A step's output is shown only if it fails. The last line on standard output counts tests over
//! all steps: `N passed, N failed`. A step without tests of its own (format, lints) counts as one.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::arch::Arch;
use crate::doctor;
use crate::report::{self, Step};
use crate::results;
use crate::toolchain::Toolchain;
use crate::variants;
use crate::workspace;

/// What to test.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Only tests whose name, file or package contains this; lints are then left out.
    pub filter: Option<String>,
    /// Also what takes long.
    pub long: bool,
    /// The machines that systems are booted on.
    pub archs: Vec<Arch>,
}

/// What the steps so far amount to.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    failed_steps: Vec<String>,
    slowest: Vec<(Duration, String)>,
}

/// The name of the step that runs tests in Miri.
const MIRI: &str = "miri";
/// What is run there: a package, and which of its tests. Interleavings (loom) and SQLite are beyond Miri; a machine of
/// the kernel's tests with its memory, and thousands of random inputs, would take it hours.
const IN_MIRI: &[(&str, &[&str])] = &[
    ("chacha", &[]),
    ("words", &[]),
    ("wild", &[]),
    ("rows", &[]),
    ("kernel", &["--lib", "platform::uart"]),
];

/// Runs the tests. True if all passed.
pub fn test(
    root: &Path,
    selection: &Selection,
    prepare: impl Fn(Arch) -> Result<()>,
) -> Result<bool> {
    let started = Instant::now();
    let mut tally = Tally::default();

    if selection.filter.is_none() {
        tally.command("format", optional_extension(root, "fmt"), || {
            let mut command = host_cargo(root);
            // Only names of files: whoever sees this runs `cargo fmt --all` anyway.
            command.args(["fmt", "--all", "--", "--check", "-l"]);
            command
        });
        tally.command("lints, host", optional_extension(root, "clippy"), || {
            let mut command = host_cargo(root);
            command.args([
                "clippy",
                "--quiet",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ]);
            command
        });
        for &arch in &selection.archs {
            // Components know of no architecture (a house rule), so that lints find the same in them on each.
            let components = selection.long || arch == selection.archs[0];
            tally.bare_metal_lints(root, arch, components)?;
        }
    }

    let only_miri = selection.filter.as_deref() == Some(MIRI);
    if only_miri || (selection.long && selection.filter.is_none()) {
        tally.miri(root);
    }
    let named = EndToEnd::named(root, selection.filter.as_deref());
    if !named.exactly && !only_miri {
        tally.host_tests(root, selection);
    }
    let figures = results::Collector::new(root)?;
    let boots = !only_miri && named.may_have_tests(root);
    for &arch in selection.archs.iter().filter(|_| boots) {
        tally.end_to_end(root, selection, &named, arch, &prepare, figures.path());
    }
    if let Some(written) = figures.finish(root, selection)? {
        eprintln!("figures: {}", written.display());
    }

    if selection.filter.is_none() && selection.archs.contains(&Arch::Riscv64) {
        tally.budgets(root);
    }

    tally.slowest.sort();
    eprintln!("in all  {}", report::seconds(started.elapsed()));
    for step in &tally.failed_steps {
        eprintln!("failed: {step}");
    }
    if tally.passed + tally.failed + tally.skipped == 0 {
        let filter = selection.filter.as_deref().unwrap_or("");
        anyhow::bail!("no test's name contains `{filter}`");
    }
    let skipped = match tally.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    println!("{} passed, {} failed{skipped}", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

impl Tally {
    /// Runs a command that counts as one test. `missing` says why it cannot run on this machine.
    fn command(
        &mut self,
        name: &str,
        missing: Result<(), String>,
        command: impl FnOnce() -> Command,
    ) {
        if let Err(reason) = missing {
            eprintln!("SKIPPED {name}: {reason}");
            self.skipped += 1;
            return;
        }
        let (ok, output, time) = run_step(name, command(), |_| {});
        self.record(name, ok, usize::from(ok), usize::from(!ok), &output, time);
    }

    fn record(
        &mut self,
        name: &str,
        ok: bool,
        passed: usize,
        failed: usize,
        output: &str,
        time: Duration,
    ) {
        self.passed += passed;
        // A step that fails without a failed test did not even start its tests.
        let failed = if ok { failed } else { failed.max(1) };
        self.failed += failed;
        let verdict = if ok { "ok" } else { "FAILED" };
        let count = if passed + failed > 1 {
            format!("  {passed} passed, {failed} failed")
        } else {
            String::new()
        };
        eprintln!("{verdict:6}  {name}{count}  {}", report::seconds(time));
        if !ok {
            eprintln!("{}", output.trim_end());
            self.failed_steps.push(name.to_owned());
        }
    }

    fn bare_metal_lints(&mut self, root: &Path, arch: Arch, components: bool) -> Result<()> {
        let toolchain = Toolchain::find(root, arch).map_err(anyhow::Error::msg)?;
        let available = || {
            crate::toolchain::output(&mut toolchain.cargo_plain(root, &["clippy", "--version"]))
                .map(drop)
                .map_err(|_| format!("{} has no clippy", toolchain.name))
        };
        let packages: Vec<String> = workspace::packages(root)?
            .into_iter()
            .filter(|(path, _)| {
                // What calls the kernel differs between architectures.
                path == "api"
                    || components && (path == "interfaces" || path.starts_with("components/"))
            })
            .map(|(_, name)| name)
            .collect();
        let lint = |target: &str, packages: &[String]| {
            let mut command = toolchain.cargo(root, "clippy", target);
            command.args(["--quiet", "--release"]);
            for package in packages {
                command.args(["--package", package]);
            }
            command.args(["--", "-D", "warnings"]);
            command
        };
        if crate::uefi::check(arch).is_ok() {
            let name = format!("lints, boot loader for {arch}");
            self.command(&name, available(), || {
                lint(arch.component_target(), &["uefi_loader".into()])
            });
        }
        let name = format!("lints, kernel for {arch}");
        self.command(&name, available(), || {
            lint(arch.kernel_target(), &["kernel".into()])
        });
        if !packages.is_empty() {
            let what = if components { "components" } else { "API" };
            let name = format!("lints, {what} for {arch}");
            self.command(&name, available(), || {
                lint(arch.component_target(), &packages)
            });
        }
        Ok(())
    }

    /// Tests that need no machine: all packages but the end-to-end tests.
    fn host_tests(&mut self, root: &Path, selection: &Selection) {
        let mut command = host_cargo(root);
        command.args(["test", "--quiet", "--no-fail-fast"]);
        let package = selection
            .filter
            .as_deref()
            .filter(|filter| is_package(root, filter));
        match package {
            Some(package) => command.args(["--package", package]),
            None => command.args(["--workspace", "--exclude", "e2e"]),
        };
        if selection.long {
            command.env("FTL_LONG", "1");
        }
        if let (Some(filter), None) = (&selection.filter, package) {
            command.args(["--", filter]);
        }
        self.cargo_test("host tests", command);
    }

    /// What [`IN_MIRI`] lists, in Miri: an interpreter that knows what undefined behaviour is. It is for `--long`, and
    /// for whoever names it. No system boots there.
    fn miri(&mut self, root: &Path) {
        let nightly = |arguments: &[&str]| {
            let mut command = Command::new("rustup");
            command.current_dir(root);
            command.args(["run", "nightly", "cargo", "miri"]);
            command.args(arguments);
            command
        };
        if crate::toolchain::output(&mut nightly(&["--version"])).is_err() {
            eprintln!(
                "SKIPPED {MIRI}: `rustup toolchain install nightly --component miri,rust-src` would bring it"
            );
            self.skipped += 1;
            return;
        }
        for (package, arguments) in IN_MIRI {
            let mut command = nightly(&["test", "--quiet", "--package", package]);
            // Ids and physical addresses are turned into pointers, whose origin nobody can tell. Registers that are memory
            // stay for ever, as real ones do.
            command.env(
                "MIRIFLAGS",
                "-Zmiri-disable-isolation -Zmiri-permissive-provenance -Zmiri-ignore-leaks",
            );
            command.env("PROPTEST_CASES", "4");
            command.args(*arguments);
            self.cargo_test(&format!("{MIRI}: {package}"), command);
        }
    }

    /// Tests that boot systems.
    fn end_to_end(
        &mut self,
        root: &Path,
        selection: &Selection,
        named: &EndToEnd,
        arch: Arch,
        prepare: impl Fn(Arch) -> Result<()>,
        figures: &Path,
    ) {
        if !root.join("tests/Cargo.toml").exists() {
            return;
        }
        let started = Instant::now();
        if let Err(error) = prepare(arch) {
            self.record(
                &format!("systems for {arch}"),
                false,
                0,
                1,
                &format!("{error:#}"),
                started.elapsed(),
            );
            return;
        }
        self.record(
            &format!("systems for {arch}"),
            true,
            1,
            0,
            "",
            started.elapsed(),
        );
        for variant in variants::of(arch, selection) {
            let mut command = host_cargo(root);
            command.args(["test", "--quiet", "--no-fail-fast", "--package", "e2e"]);
            match variant.only {
                Some(only) => {
                    for file in only {
                        command.args(["--test", file]);
                    }
                }
                None => {
                    for file in &named.files {
                        command.args(["--test", file]);
                    }
                }
            }
            variant.tell(&mut command);
            command
                .arg("--")
                // Each test boots a machine; more than two at once only take CPU from each other.
                .arg("--test-threads=2")
                // Not the file of this very process: cargo may have built the tool anew since then.
                .env("FTL_TOOL", root.join("target/debug/ftl"))
                .env("FTL_NO_BUILD", "1")
                .env("FTL_RESULTS", figures);
            if selection.long {
                command.env("FTL_LONG", "1");
            }
            command.args(&named.tests);
            self.cargo_test(&format!("end to end on {variant}"), command);
        }
    }

    /// Whether what has a budget keeps to it: see [`crate::bench::budgets`].
    fn budgets(&mut self, root: &Path) {
        let mut command = Command::new(root.join("target/debug/ftl"));
        command.current_dir(root).args(["bench", "--check"]);
        let name = "budgets of the benchmarks";
        let (ok, output, time) = run_step(name, command, |_| {});
        self.record(name, ok, usize::from(ok), usize::from(!ok), &output, time);
        if ok {
            // What is known to be wanting must not be forgotten.
            for line in output.lines().filter(|line| line.contains("not met yet")) {
                eprintln!("        {line}");
            }
        }
    }

    fn cargo_test(&mut self, name: &str, command: Command) {
        let (mut passed, mut failed) = (0, 0);
        let (ok, output, time) = run_step(name, command, |line| {
            if let Some((p, f)) = parse_result(line) {
                passed += p;
                failed += f;
            }
        });
        if ok && passed + failed == 0 {
            return;
        }
        self.record(name, ok, passed, failed, &output, time);
    }
}

/// Runs one step; gives whether it succeeded, what it printed, and how long it took.
fn run_step(
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

fn host_cargo(root: &Path) -> Command {
    let mut command = doctor::host_cargo();
    command.current_dir(root);
    command
}

fn optional_extension(root: &Path, name: &str) -> Result<(), String> {
    crate::toolchain::output(host_cargo(root).args([name, "--version"]))
        .map(drop)
        .map_err(|_| format!("`cargo {name}` is not there, and set-up could not install it"))
}

/// Which end-to-end tests a filter means.
struct EndToEnd {
    /// Files of tests; all of them if there are none here.
    files: Vec<String>,
    /// What tests' names must contain.
    tests: Option<String>,
    /// Whether the filter is the name of a file, or `FILE::TEST`: then no other tests are meant.
    exactly: bool,
}

impl EndToEnd {
    fn named(root: &Path, filter: Option<&str>) -> EndToEnd {
        let mut files: Vec<String> = std::fs::read_dir(root.join("tests/tests"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                entry
                    .file_name()
                    .to_str()?
                    .strip_suffix(".rs")
                    .map(str::to_owned)
            })
            .collect();
        files.sort();
        EndToEnd::among(files, filter)
    }

    /// Whether any test may be meant: for none, no system needs to be built.
    fn may_have_tests(&self, root: &Path) -> bool {
        let Some(name) = self.tests.as_deref().filter(|_| self.files.is_empty()) else {
            return true;
        };
        let folders = ["tests/tests", "tests/src"].map(|folder| root.join(folder));
        let files = folders.iter().filter_map(|folder| folder.read_dir().ok());
        files.flatten().flatten().any(|file| {
            std::fs::read_to_string(file.path()).is_ok_and(|text| has_function(&text, name))
        })
    }

    fn among(mut files: Vec<String>, filter: Option<&str>) -> EndToEnd {
        let Some(filter) = filter else {
            return EndToEnd {
                files: Vec::new(),
                tests: None,
                exactly: false,
            };
        };
        let (file, test) = match filter.split_once("::") {
            Some((file, test)) => (file, Some(test.to_owned())),
            None => (filter, None),
        };
        let exactly = files.iter().any(|name| name == file);
        match exactly {
            true => files.retain(|name| name == file),
            false => files.retain(|name| name.contains(filter)),
        }
        let tests = match (exactly, files.is_empty()) {
            (true, _) => test,
            (false, true) => Some(filter.to_owned()),
            (false, false) => None,
        };
        EndToEnd {
            files,
            tests,
            exactly,
        }
    }
}

/// Whether source has a function whose name contains this.
fn has_function(source: &str, part: &str) -> bool {
    source.lines().any(|line| {
        let begin = line.split('(').next().unwrap_or(line).trim_start();
        begin
            .strip_prefix("fn ")
            .is_some_and(|name| name.contains(part))
    })
}

/// Whether a package of the workspace has this name.
fn is_package(root: &Path, name: &str) -> bool {
    workspace::packages(root)
        .is_ok_and(|packages| packages.iter().any(|(_, package)| package == name))
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
    fn a_filter_names_files_or_tests() {
        let check = |filter: Option<&str>, files: &[&str], tests: Option<&str>, exactly| {
            let all = ["chaos", "network", "web"].map(str::to_owned).to_vec();
            let found = EndToEnd::among(all, filter);
            assert_eq!(found.files, files, "{filter:?}");
            assert_eq!(found.tests.as_deref(), tests, "{filter:?}");
            assert_eq!(found.exactly, exactly, "{filter:?}");
        };
        check(None, &[], None, false);
        check(Some("chaos"), &["chaos"], None, true);
        check(Some("chaos::kernel"), &["chaos"], Some("kernel"), true);
        check(Some("net"), &["network"], None, false);
        check(Some("a_page"), &[], Some("a_page"), false);
    }

    #[test]
    fn systems_are_built_for_tests_that_are_there() {
        let source = "#[test]\nfn a_page_is_served() { hello() }\n// fn other\n";
        assert!(has_function(source, "page_is"));
        assert!(!has_function(source, "hello") && !has_function(source, "other"));
    }

    #[test]
    fn a_command_that_fails_is_a_failed_test() {
        let mut tally = Tally::default();
        tally.command("true", Ok(()), || Command::new("true"));
        tally.command("false", Ok(()), || Command::new("false"));
        tally.command("missing", Ok(()), || {
            Command::new("there-is-no-such-program")
        });
        tally.command("skipped", Err("not there".into()), || Command::new("false"));
        assert_eq!((tally.passed, tally.failed, tally.skipped), (1, 2, 1));
    }
}

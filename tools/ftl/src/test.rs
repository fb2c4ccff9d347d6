//! `./ftl test`: everything that CI runs, step by step, each step timed.
//!
//! A step's output is shown only if it fails. The last line on standard output counts tests over
//! all steps: `N passed, N failed`. A step without tests of its own (format, lints) counts as one.
//!
//! Lints for bare machines and the building of systems run in the background, at the lowest priority, while the host's
//! tests and then those of the first architecture run: so there is always work for a CPU when a test waits.

mod end_to_end;
mod lints;
mod step;
mod terminals;

use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::arch::Arch;
use crate::doctor;
use crate::miri;
use crate::pack;
use crate::report::{self, Step};
use crate::results;
use crate::variants;
use crate::workspace;
use end_to_end::{Named, Suite};
use lints::{Linter, Tried};
use step::{Outcome, Tally};

/// What to test.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Only tests whose name, file or package contains this; lints are then left out.
    pub filter: Option<String>,
    /// Also what takes long.
    pub long: bool,
    /// The machines that systems are booted on.
    pub archs: Vec<Arch>,
    /// Whether somebody has chosen these: then each gets all that the filter means.
    pub archs_chosen: bool,
}

/// The name of the step that runs tests in Miri.
const MIRI: &str = "miri";

/// What is done in the background.
enum Done {
    Lints(Tried),
    Systems(Arch, Outcome),
}

/// Runs the tests. True if all passed.
pub fn test(
    root: &Path,
    selection: &Selection,
    prepare: impl Fn(Arch) -> Result<()> + Sync,
) -> Result<bool> {
    let started = Instant::now();
    let mut tally = Tally::default();
    let whole = selection.filter.is_none();
    let only_miri = selection.filter.as_deref() == Some(MIRI);
    let named = Named::by(root, selection.filter.as_deref());
    let mut boots = selection.archs.clone();
    boots.retain(|&arch| {
        let among = variants::files(arch, selection);
        !only_miri && root.join("tests/Cargo.toml").exists() && named.may_have_tests(root, among)
    });
    let figures = results::Collector::new(root)?;
    // Before there is a thread that would be left out.
    terminals::provide();

    if whole {
        record(&mut tally, lints::format(root));
    }
    let (sender, background) = channel();
    std::thread::scope(|scope| {
        let (boots, prepare) = (&boots, &prepare);
        scope.spawn(move || {
            if whole {
                // Of this thread and what it starts. Where it cannot be had, all get the same.
                let _ = rustix::process::nice(10);
            }
            for &arch in selection.archs.iter().filter(|_| whole) {
                // Components know of no architecture, so that lints find the same in them on each.
                let components = selection.long && arch == selection.archs[0];
                for tried in lints::bare_metal(root, arch, components) {
                    let _ = sender.send(Done::Lints(tried));
                }
            }
            for &arch in boots {
                let started = Instant::now();
                let name = format!("systems for {arch}");
                let outcome = Outcome::of(&name, prepare(arch), started.elapsed());
                let _ = sender.send(Done::Systems(arch, outcome));
            }
        });

        // Whoever names a few tests wants them soon, and compiled as other commands do it.
        let linter = whole.then(|| Linter::find(root));
        if let Some(linter) = &linter {
            record(&mut tally, lints::host(root, linter.as_ref()));
        }
        let linter = linter.and_then(Result::ok);
        if only_miri || (selection.long && whole) {
            in_miri(&mut tally, root, &figures);
        }
        if !named.exactly && !only_miri {
            host_tests(&mut tally, root, selection, linter.as_ref());
        }
        let suite = match boots.is_empty() {
            true => None,
            false => Suite::compile(root, linter.as_ref())
                .map_err(|error| fail(&mut tally, "end to end", error))
                .ok(),
        };
        let mut built: Vec<&str> = Vec::new();
        for &arch in suite.iter().flat_map(|_| boots) {
            if wait_for_systems(&mut tally, arch, &background) {
                built.push(arch.name());
                let run = Run {
                    root,
                    selection,
                    named: &named,
                    built: built.join(" "),
                    figures: figures.path(),
                };
                if let Some(suite) = &suite {
                    run.end_to_end(&mut tally, suite, arch);
                }
            }
        }
        while let Ok(done) = background.recv() {
            record_done(&mut tally, done);
        }
    });
    if let Some(written) = figures.finish(root, selection)? {
        say!("figures: {}", written.display());
    }

    if whole && selection.archs.contains(&Arch::Riscv64) {
        budgets(&mut tally, root);
    }

    for (time, name) in tally.slowest() {
        say!("slow    {name}  {}", report::seconds(*time));
    }
    say!("in all  {}", report::seconds(started.elapsed()));
    for step in &tally.failed_steps {
        say!("failed: {step}");
    }
    if tally.passed + tally.failed + tally.skipped == 0 {
        let filter = selection.filter.as_deref().unwrap_or("");
        anyhow::bail!("no test's name contains `{filter}`");
    }
    let skipped = match tally.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    answer!("{} passed, {} failed{skipped}", tally.passed, tally.failed)?;
    Ok(tally.failed == 0)
}

fn record(tally: &mut Tally, tried: Tried) {
    match tried {
        Ok(outcome) => tally.record(&outcome),
        Err((name, reason)) => tally.skip(&name, &reason),
    }
}

/// A step that could not even begin.
fn fail(tally: &mut Tally, name: &str, error: anyhow::Error) {
    tally.record(&Outcome::of(name, Err(error), Duration::ZERO));
}

/// A filter may leave nothing of a step.
fn record_tests(tally: &mut Tally, outcome: Outcome) {
    if !outcome.ok || outcome.passed + outcome.failed > 0 {
        tally.record(&outcome);
    }
}

fn record_done(tally: &mut Tally, done: Done) {
    match done {
        Done::Lints(tried) => record(tally, tried),
        Done::Systems(_, outcome) => tally.record(&outcome),
    }
}

/// Waits until the background has built an architecture's systems; whether it could.
fn wait_for_systems(tally: &mut Tally, arch: Arch, background: &Receiver<Done>) -> bool {
    let step = Step::start(format!("building systems for {arch}"));
    let mut built = false;
    while let Ok(done) = background.recv() {
        let last = match &done {
            Done::Systems(which, outcome) if *which == arch => Some(outcome.ok),
            _ => None,
        };
        record_done(tally, done);
        if let Some(ok) = last {
            built = ok;
            break;
        }
    }
    step.failed(); // The line is told by now.
    built
}

/// Tests that need no machine: all packages but the end-to-end tests.
fn host_tests(tally: &mut Tally, root: &Path, selection: &Selection, linter: Option<&Linter>) {
    let mut command = host_cargo(root);
    command.args(["test", "--quiet", "--no-fail-fast"]);
    if let Some(linter) = linter {
        linter.compile(&mut command);
    }
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
    record_tests(tally, step::run_tests("host tests", command));
}

/// What [`miri::TABLE`] lists. It is for `--long`, and for whoever names it. No system boots there.
fn in_miri(tally: &mut Tally, root: &Path, figures: &results::Collector) {
    if crate::toolchain::output(miri::cargo(root).arg("--version")).is_err() {
        let how = "`rustup toolchain install nightly --component miri,rust-src` would bring it";
        tally.skip(MIRI, how);
        return;
    }
    for (package, how) in miri::TABLE {
        let what = match how {
            miri::How::Not(reason) => (*reason).to_owned(),
            miri::How::Run(arguments, left_out) => {
                let command = miri::command(miri::cargo(root), package, arguments);
                let outcome = step::run_tests(&format!("{MIRI}: {package}"), command);
                let what = miri::told(outcome.passed, outcome.failed, outcome.time, left_out);
                record_tests(tally, outcome);
                what
            }
        };
        figures.add(&format!("{MIRI}, {package}"), &what);
    }
}

/// What end-to-end tests are run with.
struct Run<'a> {
    root: &'a Path,
    selection: &'a Selection,
    named: &'a Named,
    /// The architectures whose systems are built, in one word.
    built: String,
    figures: &'a Path,
}

impl Run<'_> {
    /// Tests that boot systems.
    fn end_to_end(&self, tally: &mut Tally, suite: &Suite, arch: Arch) {
        let Named { files, tests, .. } = self.named;
        for variant in variants::of(arch, self.selection) {
            let meant = |file: &str| {
                let named = files.is_empty() || files.iter().any(|named| named == file);
                named && variant.only.is_none_or(|only| only.contains(&file))
            };
            let tell = |command: &mut Command| {
                variant.tell(command);
                command
                    // Not the file of this very process: cargo may have built the tool anew since then.
                    .env("FTL_TOOL", self.root.join("target/debug/ftl"))
                    .env("FTL_NO_BUILD", "1")
                    .env(pack::COMPILED, &self.built)
                    .env("FTL_RESULTS", self.figures);
                if self.selection.long {
                    command.env("FTL_LONG", "1");
                }
            };
            let name = format!("end to end on {variant}");
            match suite.run(&name, meant, tests.as_deref(), tell) {
                Ok(outcome) => record_tests(tally, outcome),
                Err(error) => fail(tally, &name, error),
            }
        }
    }
}

/// Whether what has a budget keeps to it: see [`crate::bench::budgets`].
fn budgets(tally: &mut Tally, root: &Path) {
    let mut command = Command::new(root.join("target/debug/ftl"));
    command.current_dir(root).args(["bench", "--check"]);
    let outcome = step::run("budgets of the benchmarks", command);
    tally.record(&outcome);
    if outcome.ok {
        // What is known to be wanting must not be forgotten.
        let lines = outcome.output.lines();
        for line in lines.filter(|line| line.contains("not met yet")) {
            say!("        {line}");
        }
    }
}

fn host_cargo(root: &Path) -> Command {
    let mut command = doctor::host_cargo();
    command.current_dir(root);
    command
}

/// Whether a package of the workspace has this name.
fn is_package(root: &Path, name: &str) -> bool {
    workspace::packages(root)
        .is_ok_and(|packages| packages.iter().any(|(_, package)| package == name))
}

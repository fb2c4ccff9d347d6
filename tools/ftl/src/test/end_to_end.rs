//! End-to-end tests: which of them are meant, and running them.
//!
//! Each test is a process of its own. So many are run at a time as there may be machines, whatever file they are from, and what
//! takes longest comes first.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use super::host_cargo;
use super::lints::Linter;
use super::step::Outcome;
use crate::report::Step;
use crate::toolchain;

/// How many machines run at once, on two CPUs and with the background's builds beside them.
const MACHINES: usize = 2;

/// Files whose tests take long, and so begin first.
const LONG: &[&str] = &[
    "chaos",
    "faults",
    "endless_starts",
    "restarts",
    "isolation",
    "web",
    "supervision",
    "file_kills",
    "file_memory",
    "debug",
    "dump",
    "ssh",
    "arm64_machines",
];

/// Which end-to-end tests a filter means.
#[derive(Clone, Debug)]
pub struct Named {
    /// Files of tests; all of them if there are none here.
    pub files: Vec<String>,
    /// What tests' names must contain.
    pub tests: Option<String>,
    /// Whether the filter is the name of a file, or `FILE::TEST`: then no other tests are meant.
    pub exactly: bool,
}

impl Named {
    /// Those that a filter means, or all.
    pub fn by(root: &Path, filter: Option<&str>) -> Named {
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
        Named::among(files, filter)
    }

    fn among(mut files: Vec<String>, filter: Option<&str>) -> Named {
        let Some(filter) = filter else {
            return Named {
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
        Named {
            files,
            tests,
            exactly,
        }
    }

    /// Whether any test may be meant, among these files only if there are some: for none, no system needs to be built.
    pub fn may_have_tests(&self, root: &Path, among: Option<&[&str]>) -> bool {
        let may_be = |file: &str| among.is_none_or(|among| among.contains(&file));
        let Some(name) = self.tests.as_deref().filter(|_| self.files.is_empty()) else {
            return self.files.is_empty() || self.files.iter().any(|file| may_be(file));
        };
        let folders = ["tests/tests", "tests/src"].map(|folder| root.join(folder));
        let files = folders.iter().filter_map(|folder| folder.read_dir().ok());
        files.flatten().flatten().any(|file| {
            let path = file.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            (may_be(&stem) || file.path().starts_with(&folders[1]))
                && std::fs::read_to_string(&path).is_ok_and(|text| has_function(&text, name))
        })
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

/// The compiled tests.
pub struct Suite {
    root: PathBuf,
    /// Each file's program, by the file's name.
    programs: Vec<(String, PathBuf)>,
}

/// How one test went.
struct Ran {
    name: String,
    ok: bool,
    output: String,
    time: Duration,
}

impl Suite {
    /// Compiles them.
    pub fn compile(root: &Path, linter: Option<&Linter>) -> Result<Suite> {
        let mut command = host_cargo(root);
        command.args(["test", "--quiet", "--no-run"]);
        command.arg("--message-format=json-render-diagnostics");
        match linter {
            // They are compiled already, with what all packages together want of others' crates.
            Some(linter) => {
                command.arg("--workspace");
                linter.compile(&mut command);
            }
            None => {
                command.args(["--package", "e2e", "--tests"]);
            }
        }
        let folder = root.join("tests");
        let output = command
            .stdin(Stdio::null())
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        let mut programs = Vec::new();
        for message in Message::parse_stream(output.stdout.as_slice()) {
            if let Message::CompilerArtifact(artifact) = message?
                && artifact.manifest_path.starts_with(&folder)
                && let (true, Some(path)) = (artifact.target.is_test(), artifact.executable)
            {
                programs.push((artifact.target.name, path.into_std_path_buf()));
            }
        }
        programs.sort_by_key(|(file, _)| {
            let place = LONG.iter().position(|long| long == file);
            (place.unwrap_or(LONG.len()), file.clone())
        });
        Ok(Suite {
            root: root.to_owned(),
            programs,
        })
    }

    /// Runs the tests of some files, those whose names contain `part`. `tell` tells each of them on what machine.
    pub fn run(
        &self,
        name: &str,
        meant: impl Fn(&str) -> bool,
        part: Option<&str>,
        tell: impl Fn(&mut Command) + Sync,
    ) -> Result<Outcome> {
        let started = Instant::now();
        let step = Step::start(name);
        let mut tests = VecDeque::new();
        for (file, program) in &self.programs {
            if !meant(file) {
                continue;
            }
            let mut list = Command::new(program);
            list.args(["--list", "--format=terse"]);
            let listed = toolchain::output(&mut list)?;
            let names = listed
                .lines()
                .filter_map(|line| line.strip_suffix(": test"));
            let meant = names.filter(|name| part.is_none_or(|part| name.contains(part)));
            tests.extend(meant.map(|test| (file, program, test.to_owned())));
        }
        let tests = Mutex::new(tests);
        let ended = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..MACHINES {
                scope.spawn(|| {
                    // The lock must not be held while the test runs.
                    let next = || lock(&tests).pop_front();
                    while let Some((file, program, test)) = next() {
                        let mut command = Command::new(program);
                        command.current_dir(self.root.join("tests"));
                        command.args(["--exact", &test, "--quiet"]);
                        command.env("CARGO", host_cargo(&self.root).get_program());
                        tell(&mut command);
                        // First the test, then the lock: else no other one would run meanwhile.
                        let ran = run(format!("{file}::{test}"), command);
                        lock(&ended).push(ran);
                    }
                });
            }
        });
        let mut ended = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
        ended.sort_by_key(|ran: &Ran| std::cmp::Reverse(ran.time));
        step.failed(); // Whoever called prints the line.
        let failed: Vec<&Ran> = ended.iter().filter(|ran| !ran.ok).collect();
        Ok(Outcome {
            name: name.to_owned(),
            ok: failed.is_empty(),
            passed: ended.len() - failed.len(),
            failed: failed.len(),
            output: failed
                .iter()
                .map(|ran| format!("{} failed:\n{}\n", ran.name, ran.output.trim()))
                .collect(),
            time: started.elapsed(),
            slowest: ended.into_iter().map(|ran| (ran.time, ran.name)).collect(),
        })
    }
}

/// Runs one test.
fn run(name: String, mut command: Command) -> Ran {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output();
    let (ok, output) = match output {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            let text = String::from_utf8_lossy(&output.stdout);
            // A test that is not there would pass, too.
            let ran = text.contains("test result: ok. 1 passed");
            (output.status.success() && ran, format!("{errors}{text}"))
        }
        Err(error) => (false, format!("it cannot be started: {error}")),
    };
    Ran {
        name,
        ok,
        output,
        time: started.elapsed(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_files_or_tests() {
        let check = |filter: Option<&str>, files: &[&str], tests: Option<&str>, exactly| {
            let all = ["chaos", "network", "web"].map(str::to_owned).to_vec();
            let found = Named::among(all, filter);
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
        let named = |files: &[&str]| Named {
            files: files.iter().map(|&file| file.to_owned()).collect(),
            tests: None,
            exactly: true,
        };
        let root = Path::new("nowhere");
        assert!(named(&[]).may_have_tests(root, Some(&["smoke"])));
        assert!(named(&["web"]).may_have_tests(root, None));
        assert!(!named(&["web"]).may_have_tests(root, Some(&["smoke"])));
    }

    #[test]
    fn only_a_test_that_ran_has_passed() {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            run("a test".to_owned(), command).ok
        };
        assert!(shell("echo 'test result: ok. 1 passed; 0 failed'"));
        assert!(!shell("echo 'test result: ok. 0 passed; 0 failed'"));
        assert!(!shell("echo 'test result: ok. 1 passed; 0 failed'; exit 1"));
    }
}

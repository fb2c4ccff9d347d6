//! Which tests run in Miri, an interpreter that knows what undefined behaviour is, and why the others do not.
//!
//! Miri is for code with `unsafe` in it, and takes some ten thousand times as long as a CPU. So of crates that have
//! such code it runs whatever comes to it, and of the others what it can run in minutes. [`TABLE`] names every package that has
//! tests; a test sees to that. What came of it stands in `docs/results.md`, under `./ftl test miri --long`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A package's place in the table.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// These arguments choose what is run; none: all of it. The text says what is left out, and why.
    Run(&'static [&'static str], &'static str),
    /// Why nothing is run.
    Not(&'static str),
}

use How::{Not, Run};

const ALL: How = Run(&[], "");
const SLOW: &str = "forbids unsafe code, and did not end within a minute";
const LONGER: &str = "forbids unsafe code; the rest takes too long";
const BOOTS: &str =
    "forbids unsafe code; its tests run the API and the kernel, which testkit's tests do here";
const PROGRAMS: &str =
    "is a program for this computer, whose tests start compilers and other programs";

/// What is run of which package, or of all in a folder.
pub const TABLE: &[(&str, How)] = &[
    // Those with unsafe code of their own.
    ("chacha", ALL),
    ("copy", ALL),
    ("wild", ALL),
    ("words", ALL),
    ("testkit", ALL),
    ("ftl", ALL),
    (
        "kernel",
        Run(
            KERNEL,
            "the rest takes too long, and loom has the lock's interleavings",
        ),
    ),
    (
        "uefi_loader",
        Run(
            &["--lib", "--", "kernel_image::"],
            "the rest takes too long; its unsafe code calls firmware",
        ),
    ),
    ("sqlite", Not("is C code, which Miri cannot run")),
    // Those without.
    ("abi", ALL),
    ("rows", ALL),
    (
        "interfaces",
        Run(&["--lib"], "examples in documentation are only compiled"),
    ),
    (
        "ftl-elf",
        Run(
            &["--test", "refused"],
            "real images and proptest's take minutes",
        ),
    ),
    (
        "net",
        Run(&["--lib", "--", "checksum::", "random::"], LONGER),
    ),
    ("shell_language", Run(&["--lib"], LONGER)),
    ("line_editor", Run(&["--lib"], LONGER)),
    ("fat", Run(&["--", "errors_say"], LONGER)),
    ("http", Run(&["--", "an_idle_connection"], LONGER)),
    ("ftl-archive", Not(SLOW)),
    ("host_port", Not(SLOW)),
    ("plan", Not(SLOW)),
    (
        "ring",
        Run(
            &["--test", "ring", "--", "a_batch_wakes"],
            "the rest, and loom's interleavings, take too long",
        ),
    ),
    ("ssh", Not(SLOW)),
    ("terminal_text", Run(&["--", "lines_can_be_mended"], LONGER)),
    ("text_commands", Run(&["--", "letters_may_be"], LONGER)),
    ("virtio", Not(SLOW)),
    ("files", Not("is tested with SQLite, which is C code")),
    ("components/", Not(BOOTS)),
    ("ftl-gen", Not("forbids unsafe code, and was not tried")),
    ("ftl-disk", Not("is linked with SQLite, which is C code")),
    ("ftl-tool", Not(PROGRAMS)),
    ("e2e", Not("boots machines")),
];

/// Tests that come to unsafe code of the kernel: the lock, registers, loading. Messages, handles, queues and timers are run
/// by testkit's tests, without the checks of the kernel's own, which walk over everything at each entry.
const KERNEL: &[&str] = &[
    "--lib",
    "--test",
    "logic",
    "--",
    "lock::tests::a_claim",
    "lock::tests::turns",
    "interrupt_controller::tests::aia",
    "interrupt_controller::tests::gic_v2",
    "pci::tests::a_function",
    "pci::tests::nonsense",
    "pci::tests::what_lies",
    "uart::tests::ns16550_wide",
    "uart::tests::pl011",
    "loader::all_steps",
    "loader::damaged",
];

/// The command that runs a package's tests, if any are run; `cargo` begins one that Miri runs.
pub fn command(mut cargo: Command, package: &str, arguments: &[&str]) -> Command {
    cargo.args(["test", "--quiet", "--package", package]);
    cargo.args(arguments);
    // Ids and physical addresses are turned into pointers, whose origin nobody can tell. Registers that are memory
    // stay for ever, as real ones do. Tests write the same of them as words and as bytes, at which Miri's model of
    // weak memory fails ("cannot have empty store buffer").
    cargo.env(
        "MIRIFLAGS",
        "-Zmiri-disable-isolation -Zmiri-permissive-provenance -Zmiri-ignore-leaks -Zmiri-disable-weak-memory-emulation",
    );
    cargo.env("PROPTEST_CASES", "1");
    cargo
}

/// What is told of a package's tests.
pub fn told(passed: usize, failed: usize, time: Duration, left_out: &str) -> String {
    let mut text = match failed {
        0 => format!(
            "passes, {passed} {}",
            if passed == 1 { "test" } else { "tests" }
        ),
        failed => format!("{passed} tests pass, {failed} fail"),
    };
    text += &format!(", {} s", time.as_secs());
    if !left_out.is_empty() {
        text += &format!("; {left_out}");
    }
    text
}

/// Begins a command for Miri, where there is one.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new("rustup");
    command.current_dir(root);
    command.args(["run", "nightly", "cargo", "miri"]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_metadata::MetadataCommand;

    /// Whether there is a test in a folder's sources.
    fn has_tests(folder: &Path) -> bool {
        let files = std::fs::read_dir(folder).expect("a folder of sources");
        files.flatten().any(|entry| {
            let path = entry.path();
            match path.is_dir() {
                true => has_tests(&path),
                false => {
                    path.extension().is_some_and(|end| end == "rs")
                        && std::fs::read_to_string(&path).is_ok_and(|text| text.contains("#[test]"))
                }
            }
        })
    }

    #[test]
    fn each_package_with_tests_has_its_place() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let metadata = MetadataCommand::new().current_dir(root).no_deps().exec();
        let mut unused: Vec<&str> = TABLE.iter().map(|&(name, _)| name).collect();
        for package in metadata.expect("a workspace").packages {
            let folder = package.manifest_path.parent().expect("a folder");
            let places = TABLE.iter().filter(|&&(name, _)| {
                package.name == name
                    || name.ends_with('/') && folder.as_str().contains(&format!("/{name}"))
            });
            let names: Vec<&str> = places.map(|&(name, _)| name).collect();
            unused.retain(|name| !names.contains(name));
            let wanted = usize::from(has_tests(folder.as_std_path()));
            assert!(
                names.len() == wanted || names.iter().any(|name| name.ends_with('/')),
                "{} is there {} times, and should be {wanted} times",
                package.name,
                names.len()
            );
        }
        assert!(unused.is_empty(), "there are no such packages: {unused:?}");
    }
}

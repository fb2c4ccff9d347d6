//! The tool's own promises that need no system: what is wrong is said in one line, with a way out.

use std::process::{Command, Stdio};

/// Runs `./ftl` with these arguments; it must fail with status 245 and say all of `said`.
fn check_refusal(arguments: &[&str], said: &[&str]) {
    let output = Command::new(e2e::tool())
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("./ftl can be started");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(245), "{arguments:?}: {text}");
    for part in said {
        assert!(text.contains(part), "{arguments:?}: no `{part}` in {text}");
    }
}

#[test]
fn a_wrong_argument_is_named() {
    check_refusal(&["frob"], &["frob"]);
    check_refusal(&["run", "--smp", "0"], &["--smp"]);
    check_refusal(&["run", "--port", "80"], &["HOST:GUEST"]);
    check_refusal(&["run", "--mem", "8M"], &["--mem", "16M"]);
    check_refusal(
        &["run", "ping", "--set", "pnger.rounds=4"],
        &["no component `pnger`", "`pinger`?"],
    );
}

#[test]
fn a_system_that_was_not_built_is_named() {
    check_refusal(
        &[
            "run",
            "--init",
            "no-such-package",
            "--no-build",
            "--port",
            "0:80",
        ],
        &["no-such-package", "--no-build"],
    );
}

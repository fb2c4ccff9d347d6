//! The tool's own promises that need no system: what is wrong is said in one line, with a way out.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
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
    check_refusal(&["run", "--port", "80"], &["HOST:GUEST"]);
    check_refusal(&["run", "--mem", "8M"], &["--mem", "16M"]);
    check_refusal(
        &["run", "ping", "--set", "pnger.rounds=4"],
        &["no component `pnger`", "`pinger`?"],
    );
}

#[test]
fn of_a_wrong_number_is_said_what_is_expected() {
    let seconds = "expected seconds, such as 10 or 0.5";
    for wrong in ["abc", "-1", "nan"] {
        check_refusal(&["run", "--timeout", wrong], &["--timeout", seconds]);
    }
    let cpus = "expected a whole number from 1 to 64";
    for wrong in ["x", "0", "-1"] {
        check_refusal(&["run", "--smp", wrong], &["--smp", cpus]);
    }
    for (option, expected) in [
        (&["run", "--seed"][..], "a whole number"),
        (&["run", "--mem"], "a number with M or G behind"),
        (&["run", "--port"], "numbers up to 65535"),
        (&["bench", "--samples"], "a whole number, 1 or more"),
        (&["trace", "--buffer"], "a whole number from 4 to 1024"),
    ] {
        check_refusal(&[option, &["x"]].concat(), &[option[1], expected]);
    }
}

#[test]
fn a_wrong_setting_is_told_in_one_line() {
    let output = Command::new(e2e::tool())
        .args(["run", "ping", "--set", "pinger.rounds=few"])
        .stdin(Stdio::null())
        .output()
        .expect("./ftl can be started");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(245), "{text}");
    let told: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    let [line] = told[..] else {
        panic!("more than one line: {text}");
    };
    let expected = "error: `--set pinger.rounds=few`: expected a whole number from ";
    assert!(line.starts_with(expected), "{line}");
}

/// Nobody reads what the tool says: its pipes are broken, or its terminal is closed. It does what it was asked for all the same.
#[test]
fn what_nobody_hears_harms_nobody() {
    let broken = || {
        let (ours, _) = UnixStream::pair().expect("there are sockets");
        Stdio::from(OwnedFd::from(ours))
    };
    let status = Command::new(e2e::tool())
        .args(["--json", "run", "ping", "--set", "pinger.rounds=few"])
        .stdin(Stdio::null())
        .stdout(broken())
        .stderr(broken())
        .status()
        .expect("./ftl can be started");
    assert_eq!(status.code(), Some(245));

    let mut build = Command::new(e2e::tool());
    // An archive of its own: others boot the one without the setting.
    build.args(["build", "ping", "--arch", &e2e::arch()]);
    build.args(["--set", "pinger.rounds=7"]);
    let status = e2e::console::run_until_terminal_is_gone(build);
    assert_eq!(status.code(), Some(0));
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

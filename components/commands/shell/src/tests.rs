//! Run by `./ftl test shell` on the developer's own machine: scripts over real streams. Commands need init, so
//! here only what is part of the shell runs; `tests/tests/shell.rs` has the rest.

extern crate std;

use std::format;
use std::string::String;

use testkit::System;

use super::*;

mod at_terminal;

/// Runs a script with this input; what it printed, what it complained about, and its status.
fn run_script(script: &str, stdin: &str) -> (String, String, usize) {
    // Nobody answers at the other end: a system without commands.
    let system = System::new();
    let (client, _) = launcher::channel().expect("memory is there");
    let done = system
        .command("shell", main)
        .args(["-c", script])
        .need(launcher::HASH, client)
        .stdin(stdin)
        .run();
    (done.stdout, done.stderr, done.status)
}

#[track_caller]
fn check(script: &str, stdin: &str, output: &str) {
    let (found, errors, status) = run_script(script, stdin);
    assert_eq!(
        (found.as_str(), errors.as_str(), status),
        (output, "", 0),
        "{script}"
    );
}

#[test]
fn what_is_printed_comes_out_in_order() {
    check(
        "echo a; (echo b; echo c); x=$(echo d); echo $x",
        "",
        "a\nb\nc\nd\n",
    );
    let script = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i + 1)); done";
    let all: String = (0..2000).map(|i| format!("line {i}\n")).collect();
    check(script, "", &all);
}

#[test]
fn pipes_carry_more_than_they_hold() {
    let script = "i=0; while [ $i -lt 1000 ]; do echo $i; i=$((i + 1)); done | while read x; do last=$x; echo $x; done | \
                  { n=0; while read x; do n=$((n + 1)); done; echo $n; }";
    check(script, "", "1000\n");
}

#[test]
fn input_is_read_line_by_line() {
    check(
        "read a; while read b; do echo $a-$b; done",
        "1\n2\n3\n",
        "1-2\n1-3\n",
    );
    check("read a; echo \"[$a]\" $?", "", "[] 1\n");
}

#[test]
fn files_are_kept() {
    check(
        "echo a > f; echo b >> f; while read x; do echo $x; done < f; echo *",
        "",
        "a\nb\nf\n",
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_writer() {
    check(
        "while true; do echo y; done | read x; echo done",
        "",
        "done\n",
    );
}

#[test]
fn slips_are_shown_where_they_are() {
    let (output, errors, status) = run_script("echo 'a", "");
    assert_eq!((output.as_str(), status), ("", 2));
    assert_eq!(errors, "nothing closes this quote\n  echo 'a\n       ^\n");
    let (_, errors, status) = run_script("ecoh a", "");
    assert_eq!(
        errors,
        "shell: there is no command `ecoh`; did you mean `echo`?\n"
    );
    assert_eq!(status, 127);
}

#[test]
fn a_full_disk_is_told() {
    let script = "x=0123456789; for i in 1 2 3 4 5 6 7; do x=$x$x$x; done; echo $x > f; while echo $x; do true; done > f; \
                  echo $x > g || echo $?; echo > f; echo $x > g && echo room";
    let (output, errors, status) = run_script(script, "");
    let told = "shell: there is no room left for files in the shell's memory\n";
    // Whoever writes has failed, and what comes next is done.
    assert_eq!((output.as_str(), status), ("1\nroom\n", 0), "{errors}");
    assert_eq!(errors, told.repeat(2));
}

#[test]
fn the_output_may_close() {
    let system = System::new();
    let (client, _) = launcher::channel().expect("memory is there");
    let done = system
        .command("shell", main)
        .args(["-c", "while true; do echo yes; done"])
        .need(launcher::HASH, client)
        .stdout_closes_after(3000)
        .run();
    assert_eq!((done.status, done.stderr.as_str()), (141, ""));
}

//! Run by `./ftl test cat` on the developer's own machine.

extern crate std;

use std::format;
use std::string::String;

use testkit::System;

use super::*;

#[test]
fn it_passes_everything_on() {
    let text: String = (0..20_000).map(|i| format!("line {i}\n")).collect();
    let done = System::new().command("cat", main).stdin(&text).run();
    assert_eq!(done.status, 0);
    assert!(done.stdout == text, "{} bytes", done.stdout.len());
}

#[test]
fn without_input_it_ends() {
    let done = System::new().command("cat", main).args(["-"]).run();
    assert_eq!((done.status, done.stdout.as_str()), (0, ""));
}

#[test]
fn files_are_refused() {
    let done = System::new().command("cat", main).args(["a.txt"]).run();
    assert_eq!(done.status, 2);
    assert!(done.stderr.starts_with("cat: a.txt: "), "{}", done.stderr);
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let text = "x".repeat(100_000);
    let done = System::new()
        .command("cat", main)
        .stdin(&text)
        .stdout_closes_after(5_000)
        .run();
    assert_eq!(done.status, ftl::abi::ProcessState::EXIT_PIPE);
    assert!(done.stdout.len() >= 5_000 && done.stdout.len() < 50_000);
    assert_eq!(done.stderr, "");
}

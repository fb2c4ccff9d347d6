//! The clocks' drivers: a command asks each machine's own for the day, under each isolation.

use std::process::Command;

use e2e::commands::exec;

/// The day that the command tells is today's, by the host's own clock.
fn check(isolation: &str) {
    let today = || {
        let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
        String::from_utf8(output.expect("the host can tell the date").stdout).expect("it is text")
    };
    let before = today();
    let done = exec("clock", "date")
        .isolation(isolation)
        .run()
        .ended_with(0);
    let after = today();
    let told = |day: &str| done.text().starts_with(&format!("{} ", day.trim()));
    // It may have become midnight in between.
    assert!(
        told(&before) || told(&after),
        "no {before} in {}\n{}",
        done.text(),
        done.stderr
    );
    assert!(done.text().ends_with(" UTC\n"), "{}", done.text());
}

#[test]
fn the_clock_is_read_in_the_kernel() {
    check("kernel");
}

#[test]
fn the_clock_is_read_in_user_mode() {
    check("user");
}

#[test]
fn the_time_is_told_in_the_zone_that_is_set() {
    let done = exec("clock", "date")
        .set("date.zone", "FTL-5:30")
        .run()
        .ended_with(0);
    assert!(done.text().ends_with(" FTL\n"), "{}", done.text());
}

//! The tutorial's driver: it reads a real device, under each isolation. Only QEMU's riscv64 machine
//! has that device; elsewhere these tests do nothing.

use std::process::Command;

/// Boots the driver and its client; the day that they tell is today's, by the host's own clock.
fn check(isolation: &str) {
    if e2e::arch() != "riscv64" {
        return;
    }
    let today = || {
        let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
        String::from_utf8(output.expect("the host can tell the date").stdout).expect("it is text")
    };
    let before = today();
    let boot = e2e::boot("clock").isolation(isolation);
    let exit = boot.start().wait_exit();
    let after = today();
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 0, "{log}");
    let told = |day: &str| log.contains(&format!("date: {} ", day.trim()));
    // It may have become midnight in between.
    assert!(told(&before) || told(&after), "no {before} in\n{log}");
}

#[test]
fn the_clock_is_read_in_the_kernel() {
    check("kernel");
}

#[test]
fn the_clock_is_read_in_user_mode() {
    check("user");
}

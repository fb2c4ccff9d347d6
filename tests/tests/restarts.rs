//! Components that die and come back: see components/tests/restart_proof. It kills `pong` twice as often as it is
//! told rounds, after some kills that are not counted, and compares the kernel's free pages and its counts of handles and of all
//! kinds of objects.

use std::time::Duration;

/// Kills before `restart_proof` begins to count.
const WARM_UP: usize = 50;

/// Runs the proof; its own checks decide, and the log must not hide anything.
fn check(isolation: &str, cpus: u32) {
    // Starting and killing one component 10,000 times loses no memory.
    let rounds = if e2e::long() { 5_000 } else { 100 };
    let mut boot = e2e::boot("restart_proof").isolation(isolation).smp(cpus);
    if e2e::long() {
        boot = boot.set("restart_proof.rounds", rounds);
    }
    let patience = if e2e::long() { 3600 } else { 600 };
    let exit = boot
        .argument("--timeout")
        .argument(patience.to_string())
        .start()
        .wait_exit_within(Duration::from_secs(patience));
    assert_eq!(exit.code, 0, "{}", exit.tail());
    let text = "init: pong restarted in";
    let restarts = exit.log.iter().filter(|line| line.contains(text)).count();
    assert_eq!(restarts, WARM_UP + 2 * rounds, "{}", exit.tail());
    e2e::record(
        &format!("restarts without a lost page, {isolation}, {cpus} CPUs"),
        2 * rounds,
    );
}

#[test]
fn in_the_kernel() {
    check("kernel", 1);
}

#[test]
fn in_user_mode_on_two_cpus() {
    check("user", 2);
}

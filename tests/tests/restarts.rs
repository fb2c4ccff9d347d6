//! Components that die and come back: see components/tests/restart_proof.

/// Runs the proof; its own checks decide, and the log must not hide anything.
fn check(isolation: &str, cpus: u32) {
    let exit = e2e::boot("restart_proof")
        .isolation(isolation)
        .smp(cpus)
        .start()
        .wait_exit();
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 0, "{log}");
    let restarts = log.matches("init: pong restarted in").count();
    assert_eq!(restarts, 40, "{log}");
}

#[test]
fn in_the_kernel() {
    check("kernel", 1);
}

#[test]
fn in_user_mode_on_two_cpus() {
    check("user", 2);
}

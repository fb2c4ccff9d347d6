//! The foundations, shown by one component without anything on top of them: the gate, messages and
//! death, under both isolations, from one image (components/tests/ping_proof).

/// Boots the proof on this many CPUs; it ends by itself, with status 0 if all it tried held.
fn check(cpus: u32) {
    let exit = e2e::boot_init("ping_proof").smp(cpus).start().wait_exit();
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 0, "{log}");
    assert_eq!(exit.json["end"], "shutdown");
    for isolations in [
        "Kernel to Kernel",
        "Kernel to User",
        "User to Kernel",
        "User to User",
    ] {
        assert!(
            log.contains(isolations),
            "no round trip from {isolations} in\n{log}"
        );
    }
    for (crash, status) in [(0, 101), (1, 138), (2, 137), (3, 138)] {
        for isolation in ["Kernel", "User"] {
            let line = format!("{isolation}: crash {crash} ended with status {status}");
            assert!(log.contains(&line), "no `{line}` in\n{log}");
        }
    }
    // Backtraces have been turned into source lines.
    assert!(
        log.contains("components/tests/ping_proof/src/main.rs:"),
        "{log}"
    );
    assert!(log.contains("in recurse"), "{log}");
}

#[test]
fn ping_on_one_cpu() {
    check(1);
}

#[test]
fn ping_on_two_cpus() {
    check(2);
}

#[test]
fn ping_on_four_cpus() {
    check(4);
}

/// As many as the kernel uses.
#[test]
fn ping_on_eight_cpus() {
    check(8);
}

#[test]
fn a_seed_repeats_a_run() {
    let run = || {
        let boot = e2e::boot_init("ping_proof")
            .smp(1)
            .argument("--seed")
            .argument("7");
        let exit = boot.start().wait_exit();
        let ours = |line: &String| line.starts_with('[');
        exit.log.into_iter().filter(ours).collect::<Vec<_>>()
    };
    let first = run();
    assert!(first.len() > 10, "{first:?}");
    assert_eq!(first, run());
}

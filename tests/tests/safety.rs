//! Shares of the CPU, and the log that survives a reset: see components/tests/safety_proof.

#[test]
fn a_spinning_driver_and_a_reset() {
    let exit = e2e::boot_init("safety_proof")
        .smp(1)
        .argument("--icount")
        .argument("--reboot")
        .start()
        .wait_exit_within(std::time::Duration::from_secs(180));
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 0, "{log}");
    let versions = log.matches("kernel: FTL ").count();
    assert!(versions >= 2, "the machine was not reset:\n{log}");
    for expected in [
        "Kernel: the driver had",
        "User: the driver had",
        "Kernel: an app beside another had",
        "User: an app beside another had",
        "Kernel: an app beside a driver had",
        "User: an app beside a driver had",
        "kernel: the machine was reset; the last it had said before:",
        "init: the first life ends",
        "this is the second life",
    ] {
        assert!(log.contains(expected), "no `{expected}` in\n{log}");
    }
}

/// What shares mean on several CPUs. Time is the host's there: with `--icount` QEMU lets one CPU run at a time, for as long
/// as no timer is due, while the counter goes on for all of them. A spinner has whatever its CPU's turn was then: nothing,
/// or half of it, on the same machine.
#[test]
fn spinners_on_four_cpus() {
    let exit = e2e::boot_init("safety_proof")
        .smp(4)
        .start()
        .wait_exit_within(std::time::Duration::from_secs(120));
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 0, "{log}");
    for isolation in ["Kernel", "User"] {
        for who in [
            "an app beside four drivers",
            "an app beside another one of four threads",
            "an app beside a driver of four threads",
            "a driver beside an app of four threads",
        ] {
            let line = format!("{isolation}: {who} had ");
            assert!(log.contains(&line), "no `{line}` in\n{log}");
        }
    }
    assert!(log.contains("init: the first life ends"), "{log}");
}

/// The kernel panics because the archive is none, again and again; each life tells of the one before.
#[test]
fn a_kernel_panic_is_told_by_the_next_life() {
    let rubbish = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let exit = e2e::boot_init("safety_proof")
        .smp(1)
        .argument("--reboot")
        .qemu(["-initrd", rubbish])
        .start()
        .wait_exit();
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 241, "{log}");
    assert_eq!(exit.json["end"], "panic");
    let told = log.matches("before: kernel panic: ").count();
    assert!(told >= 3, "{told} times in\n{log}");
    assert!(log.contains("the boot archive is damaged"), "{log}");
}

/// Without `--reboot`, a reset ends the run. Before it lies the whole first life, which takes 5 s of a CPU of the host and more
/// than a minute when ten others want it, so this is as patient as the test of both lives.
#[test]
fn a_reset_ends_the_run_unless_asked() {
    let exit = e2e::boot_init("safety_proof")
        .smp(1)
        .argument("--icount")
        .start()
        .wait_exit_within(std::time::Duration::from_secs(180));
    assert_eq!(exit.code, 0, "{:?}", exit.log);
    assert_eq!(exit.json["end"], "reset");
}

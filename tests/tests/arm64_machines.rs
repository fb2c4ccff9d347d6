//! The ways in which an Arm machine can differ: interrupt controller, CPU, and the level it starts
//! at. Each boots the proof of ping. Elsewhere there is nothing to vary, and these tests do nothing.

/// Boots the proof with these settings of QEMU's `virt` machine.
fn check(machine: &str, cpu: &str) {
    if e2e::arch() != "arm64" {
        return;
    }
    let boot = e2e::boot_init("ping_proof").smp(2);
    let exit = boot
        .qemu(["-machine", machine, "-cpu", cpu])
        .start()
        .wait_exit();
    assert_eq!(exit.code, 0, "{}", exit.log.join("\n"));
}

#[test]
fn gic_v2() {
    check("gic-version=2", "cortex-a72");
}

#[test]
fn newest_cpu() {
    check("gic-version=3", "max");
}

#[test]
fn started_at_el2() {
    check("gic-version=3,virtualization=on", "cortex-a72");
}

#[test]
fn started_at_el2_on_the_newest_cpu_with_gic_v2() {
    check("gic-version=2,virtualization=on", "max");
}

//! The ways in which an Arm machine can differ: interrupt controller, CPU, the number of CPUs and the level
//! it starts at. Each boots the proof of ping. Elsewhere there is nothing to vary, and these tests do
//! nothing. Besides, what goes from one architecture to the other.

use std::time::Duration;

/// Boots the proof with these settings of QEMU's `virt` machine.
fn check(machine: &str, cpu: &str) {
    check_with(machine, cpu, 2);
}

fn check_with(machine: &str, cpu: &str, cpus: u32) {
    if e2e::arch() != "arm64" {
        return;
    }
    let boot = e2e::boot_init("ping_proof").smp(cpus);
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

#[test]
fn one_cpu() {
    check_with("gic-version=3", "cortex-a72", 1);
}

/// As many as a GICv2 has room for, and as many as the kernel uses.
#[test]
fn eight_cpus() {
    check_with("gic-version=2", "cortex-a72", 8);
}

/// What was written on one architecture is read on the other, and the other way round.
#[test]
fn disks_go_from_one_architecture_to_the_other() {
    if e2e::arch() != "arm64" {
        return;
    }
    let folder = std::env::temp_dir().join(format!("ftl-exchange-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for disks");
    for (first, second) in [("riscv64", "arm64"), ("arm64", "riscv64")] {
        let disk = folder.join(format!("{first}.img"));
        for (run, arch) in [(1, first), (2, second)] {
            let exit = e2e::boot("file_proof")
                .on(arch)
                .argument("--disk")
                .argument(disk.display().to_string())
                .set("file_proof.run", run)
                .start()
                // The other architecture's components may have to be built first.
                .wait_exit_within(Duration::from_secs(400));
            assert_eq!(exit.code, 0, "run {run} on {arch}:\n{}", exit.tail());
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}

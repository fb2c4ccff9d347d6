//! What all else rests on: components, isolated in both ways, talk and end (`ping_proof`).

/// Boots the proof and waits for its end. A panic must name its file and line.
fn check_proof(cpus: u32) {
    let ftl = e2e::boot_init("ping_proof").smp(cpus).start();
    for pair in [
        "Kernel to Kernel",
        "Kernel to User",
        "User to Kernel",
        "User to User",
    ] {
        ftl.wait_for(&format!("round trip of 64 bytes, {pair}"));
    }
    ftl.wait_for("ping_proof/src/main.rs:");
    ftl.wait_for("its stack overflowed");
    let exit = ftl.wait_exit();
    assert_eq!(exit.code, 0, "{:#?}", exit.log);
}

#[test]
fn components_talk_and_end_on_one_cpu() {
    check_proof(1);
}

#[test]
fn components_talk_and_end_on_two_cpus() {
    check_proof(2);
}

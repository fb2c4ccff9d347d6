//! Floating point across every way in which a thread leaves a CPU (components/tests/float_proof).

fn check(cpus: u32) {
    let exit = e2e::boot_init("float_proof").smp(cpus).start().wait_exit();
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 0, "{log}");
    assert!(log.contains(" 0 wrong"), "{log}");
}

#[test]
fn float_on_one_cpu() {
    check(1);
}

#[test]
fn float_on_two_cpus() {
    check(2);
}

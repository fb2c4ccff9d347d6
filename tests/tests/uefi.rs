//! Starting from UEFI firmware, by way of a disk. Elsewhere than on arm64 there is no boot loader for it, and these tests do
//! nothing.

use e2e::commands::exec;
use e2e::console::{PROMPT, sit_at_with};

fn is_here() -> bool {
    e2e::arch() == "arm64" && e2e::is_first_variant()
}

/// From the machine's first instruction to a page. The driver of the network card finds it after firmware has used
/// the bus.
#[test]
fn the_page_is_served_by_a_machine_that_firmware_started() {
    if !is_here() {
        return;
    }
    let ftl = e2e::boot("default").argument("--uefi").port(80).start();
    ftl.wait_for("http_server: listens on port 80");
    let port = ftl.port(80);
    let page = e2e::http::get(port, "/");
    assert_eq!(page.status, 200);
    e2e::http::KeepAlive::open(port).requests(50);
}

/// Firmware keeps the clock for itself unless it is taken from it. In the end the machine is switched off.
#[test]
fn commands_run_on_a_machine_that_firmware_started() {
    if !is_here() {
        return;
    }
    let done = exec("clock", "date; echo done")
        .argument("--uefi")
        .run()
        .ended_with(0);
    assert!(done.text().ends_with(" UTC\ndone\n"), "{}", done.text());
    assert!(
        !done.stderr.contains("no random seed") && !done.stderr.contains("UEFI"),
        "{}",
        done.stderr
    );
}

/// Firmware starts it from its disk once more, and nothing of what firmware says gets onto the screen.
#[test]
fn a_reboot_goes_through_firmware() {
    if !is_here() {
        return;
    }
    let mut console = sit_at_with("console", &["--uefi", "--reboot"]);
    console.wait_for_line(PROMPT);
    console.enter("reboot");
    console.wait_for("init: off, after");
    console.wait_for_line(PROMPT);
    console.enter("echo alive; poweroff");
    console.wait_for_row("alive");
    let shown = console.transcript();
    assert_eq!(console.wait_exit(), 0, "{shown}");
    assert_eq!(shown.matches("kernel: FTL ").count(), 2, "{shown}");
    assert!(!shown.contains("UEFI"), "{shown}");
}

/// From EL2, and behind an IOMMU.
#[test]
fn other_machines_are_started_too() {
    if !is_here() {
        return;
    }
    for (machine, argument) in [("virtualization=on", "--pci"), ("gic-version=3", "--iommu")] {
        let exit = e2e::boot("ping")
            .argument("--uefi")
            .argument(argument)
            .qemu(["-machine", machine])
            .start()
            .wait_exit();
        assert_eq!(exit.code, 0, "{machine} {argument}:\n{}", exit.tail());
    }
}

/// What is missing is said in one line, and ends the run.
fn check_missing(boot: e2e::Boot, expected: &str) {
    let exit = boot.start().wait_exit();
    assert_eq!(exit.code, 244, "{}", exit.tail());
    assert_eq!(exit.json["end"], "not started", "{}", exit.json);
    let said: Vec<&String> = exit
        .log
        .iter()
        .filter(|line| line.starts_with("FTL cannot be started: "))
        .collect();
    assert_eq!(said.len(), 1, "{}", exit.tail());
    assert!(said[0].contains(expected), "{}", said[0]);
}

#[test]
fn a_missing_boot_archive_is_told() {
    if is_here() {
        let boot = e2e::boot("ping").argument("--uefi");
        check_missing(
            boot.argument("--without-archive"),
            "there is no \\EFI\\FTL\\archive.tar on its disk",
        );
    }
}

#[test]
fn a_machine_with_acpi_alone_is_told_what_to_do() {
    if is_here() {
        let boot = e2e::boot("ping").argument("--uefi");
        check_missing(boot.qemu(["-machine", "acpi=on"]), "-machine virt,acpi=off");
    }
}

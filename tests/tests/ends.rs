//! The ways in which a run ends, and how `./ftl run` tells them apart (docs/reference/tool.md).

use e2e::device_tree::DeviceTree;
use e2e::folder::Folder;

/// A machine that is there and does nothing.
fn frozen() -> e2e::Boot {
    e2e::boot_init("ping_proof").smp(1).qemu(["-S"])
}

#[test]
fn a_time_limit() {
    let exit = frozen()
        .argument("--timeout")
        .argument("1")
        .start()
        .wait_exit();
    assert_eq!(exit.code, 243, "{:?}", exit.log);
    assert_eq!(exit.json["end"], "timeout");
}

#[test]
fn a_signal() {
    let ftl = frozen().start();
    ftl.port(80);
    ftl.signal("TERM");
    let exit = ftl.wait_exit();
    assert_eq!(exit.code, 130, "{:?}", exit.log);
    assert_eq!(exit.json["end"], "interrupted");
}

#[test]
fn an_emulator_that_is_killed() {
    let file = std::env::temp_dir().join(format!("ftl-qemu-{}.pid", std::process::id()));
    let path = file.to_str().expect("it is UTF-8").to_owned();
    let ftl = frozen().qemu(["-pidfile", path.as_str()]).start();
    ftl.port(80);
    let deadline = std::time::Instant::now() + e2e::PATIENCE;
    let process = loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if let Ok(process) = text.trim().parse() {
            break process;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "QEMU did not start: {:?}",
            ftl.log()
        );
        std::thread::yield_now();
    };
    e2e::send_signal("KILL", process);
    let exit = ftl.wait_exit();
    let _ = std::fs::remove_file(&file);
    assert_eq!(exit.code, 244, "{:?}", exit.log);
    assert!(
        exit.log
            .iter()
            .any(|line| line.contains("SIGKILL") || line.contains("signal: 9")),
        "{:?}",
        exit.log
    );
}

#[test]
fn an_emulator_that_does_not_start() {
    let exit = e2e::boot_init("ping_proof")
        .qemu(["-no-such-option"])
        .start()
        .wait_exit();
    assert_eq!(exit.code, 244, "{:?}", exit.log);
    assert!(
        exit.log.iter().any(|line| line.contains("no-such-option")),
        "{:?}",
        exit.log
    );
}

#[test]
fn the_end_of_init() {
    // `hello` in init's place finds nobody who would tell it its settings.
    let exit = e2e::boot_init("hello").build().start().wait_exit();
    assert_eq!(exit.code, 242, "{:?}", exit.log);
    assert_eq!(exit.json["end"], "init");
}

/// The end of a machine whose device tree is of no use.
fn panic_with(tree: &DeviceTree, name: &str) -> e2e::Exit {
    let folder = Folder::new(name);
    let file = tree.write(&folder);
    let exit = e2e::boot_init("ping_proof")
        .smp(1)
        .argument("--timeout")
        .argument("60")
        .qemu(["-dtb", file.as_str()])
        .start();
    exit.wait_exit()
}

/// Whether the panic was told of, and where: a backtrace leads to where it was called.
fn tells_that_it_is_too_deep(exit: &e2e::Exit) {
    assert_eq!(exit.code, 241, "{:?}", exit.log);
    assert_eq!(exit.json["end"], "panic");
    for part in [
        "kernel panic: panicked at kernel/src/arch/",
        "the device tree is nested too deep",
    ] {
        let told = exit.log.iter().any(|line| line.contains(part));
        assert!(told, "no `{part}` in {:?}", exit.log);
    }
}

#[test]
fn a_device_tree_that_is_too_deep() {
    if !e2e::is_first_variant() {
        return;
    }
    let tree = DeviceTree::of(&e2e::arch()).deepened(16);
    tells_that_it_is_too_deep(&panic_with(&tree, "deep_tree"));
}

/// The firmware has a console on riscv64; on arm64 nobody has one.
#[test]
fn a_device_tree_without_a_console_that_is_too_deep() {
    if !e2e::is_first_variant() {
        return;
    }
    let arch = e2e::arch();
    let serial = match arch.as_str() {
        "arm64" => "pl011@9000000",
        _ => "serial@10000000",
    };
    let tree = DeviceTree::of(&arch).disabled(serial).deepened(16);
    let exit = panic_with(&tree, "mute_deep_tree");
    match arch.as_str() {
        "arm64" => assert_eq!(exit.code, 244, "{:?}", exit.log),
        _ => tells_that_it_is_too_deep(&exit),
    }
}

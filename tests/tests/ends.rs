//! The ways in which a run ends, and how `./ftl run` tells them apart (docs/reference/tool.md).

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

//! `./ftl debug`: gdb on a running machine knows each component before its first instruction, and reads the
//! kernel's structures.

use std::process::{Command, Stdio};

#[test]
fn gdb_stops_in_a_component_and_reads_the_kernel() {
    if !e2e::is_first_variant() {
        return;
    }
    let arch = e2e::arch();
    // In user mode, from where a CPU does not see the kernel.
    let commands = [
        "hbreak pong/src/main.rs:23",
        "continue",
        "bt 1",
        "ftl ps",
        "ftl handles pong",
        "ftl queues",
        "ftl log 3",
        "ftl handles nobody",
    ];
    let mut gdb = Command::new(e2e::tool());
    gdb.args(["debug", "ping", "--arch", &arch, "--isolation", "user"])
        .args(["--smp", "1", "--port", "0:80"])
        .stdin(Stdio::null());
    for command in commands {
        gdb.args(["-x", command]);
    }
    let output = gdb.output().expect("./ftl can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    for part in [
        "components/servers/pong/src/main.rs:23",
        "#0  main",
        "pong              User       Running",
        "running (CPU 0)",
        "init",
        "pong             ",
        "kernel: FTL",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}\n{errors}");
    }
    assert!(
        errors.contains("there is no component `nobody`; there are"),
        "{errors}"
    );
}

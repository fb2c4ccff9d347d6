//! `./ftl debug`: gdb on a running machine knows each component before its first instruction, and reads the
//! kernel's structures.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::Instant;

#[test]
fn gdb_stops_in_a_component_and_reads_the_kernel() {
    if !e2e::is_first_variant() {
        return;
    }
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
    let text = e2e::gdb::debug(&["--isolation", "user", "--smp", "1"], &commands, &[]);
    for part in [
        "components/servers/pong/src/main.rs:23",
        "#0  main",
        "pong              User       Running",
        "running (CPU 0)",
        "init",
        "pong             ",
        "kernel: FTL",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert!(
        text.contains("there is no component `nobody`; there are"),
        "{text}"
    );
}

/// A CPU on which the kernel panics while another one tells of a panic already is taken out of the machine, and the
/// other one goes on. On arm64 it is switched off (PSCI's CPU_OFF): it stands before the `wfi` behind the call, which one
/// that only waits would have passed. On riscv64 (SBI's hart_stop) it waits in the firmware, below the kernel.
#[test]
fn a_second_panic_takes_its_cpu_out_of_the_machine() {
    if !e2e::is_first_variant() {
        return;
    }
    let arch = e2e::arch();
    let panicking = format!("set var kernel::arch::{arch}::PANICKING.v.value = 1");
    let panics = format!("set $pc = kernel::arch::{arch}::panic");
    let commands = [
        // It begins before the two others have done their work, which goes on on the other CPU.
        "hbreak hello/src/main.rs:17",
        "continue",
        "delete",
        // As if another CPU had panicked, and then this one.
        &panicking,
        "set $panicked = $_thread",
        &panics,
        "hbreak pinger/src/main.rs:71",
        "continue",
        "info threads",
        "thread $panicked",
        "x/2i $pc-4",
    ];
    let text = e2e::gdb::debug(&["--isolation", "kernel", "--smp", "2"], &commands, &[]);
    let halted = text.lines().filter(|line| line.contains("[halted ]"));
    let halted: Vec<_> = halted.collect();
    assert!(halted.len() == 1 && !halted[0].starts_with('*'), "{text}");
    let last: Vec<_> = text.lines().filter(|line| line.contains(":\t")).collect();
    let [before, now] = last[last.len().saturating_sub(2)..] else {
        panic!("{text}");
    };
    match arch.as_str() {
        "arm64" => assert!(
            before.contains(":\thvc") && now.contains(":\twfi"),
            "{text}"
        ),
        // Firmware lies at the beginning of memory, the kernel 2 MiB above it, and runs far up.
        _ => assert!(
            before.contains(":\twfi") && now.starts_with("=> 0x800"),
            "{text}"
        ),
    }
}

/// Whether the machine behind this port of the host answers a request.
fn serves(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(e2e::PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains(" 200 OK"))
}

/// A person at gdb's prompt stops where a component starts, looks around, goes on, and stops the machine with Ctrl-C once it
/// serves its page. (gdb forgets a Ctrl-C that comes in the moment of a breakpoint, and each start of a component is one to it.)
#[test]
fn a_person_stops_the_machine_and_looks_around() {
    if !e2e::is_first_variant() {
        return;
    }
    // A terminal of its own, whose Ctrl-C goes to all that run there, as it does for a person.
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait"]).arg(e2e::tool());
    let port = e2e::free_port();
    command.args(["debug", "default", "--arch", &e2e::arch()]);
    command.args(["--port", &format!("{port}:80")]);
    let mut gdb = e2e::console::run(command);
    gdb.wait_for_line("(gdb)");
    gdb.enter("hbreak http_server/src/main.rs:40");
    gdb.wait_for("pending.");
    gdb.enter("continue");
    gdb.wait_for("components/apps/http_server/src/main.rs:40");
    for (command, shows) in [
        ("ftl ps", "http_server  "),
        ("ftl handles http_server", "RIGHTS"),
        ("ftl queues", "SOURCES"),
        ("ftl backtrace http_server", "http_server, thread 0"),
    ] {
        gdb.wait_for_line("(gdb)");
        gdb.enter(command);
        gdb.wait_for(shows);
    }
    gdb.wait_for_line("(gdb)");
    gdb.enter("continue");
    let deadline = Instant::now() + e2e::PATIENCE;
    while !serves(port) {
        assert!(Instant::now() < deadline, "{}", gdb.transcript());
    }
    gdb.keys("\x03");
    gdb.wait_for("SIGINT");
    gdb.wait_for_line("(gdb)");
    gdb.enter("ftl ps");
    gdb.wait_for_line("(gdb)");
    gdb.enter("quit");
    assert_eq!(gdb.wait_exit(), 0);
}

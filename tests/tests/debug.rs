//! `./ftl debug`: gdb on a running machine knows each component before its first instruction, and reads the
//! kernel's structures.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::time::Instant;

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

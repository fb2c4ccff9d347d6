//! gdb without a person: what it says to a list of commands.

use std::process::{Command, Stdio};

/// What gdb says, on both its outputs, to these commands when `./ftl debug` has started the system `ping` with these
/// arguments, and with those of `machine` for QEMU.
pub fn debug(arguments: &[&str], commands: &[&str], machine: &[&str]) -> String {
    let mut gdb = Command::new(crate::tool());
    gdb.args(["debug", "ping", "--arch", &crate::arch()])
        .args(["--port", "0:80"])
        .args(arguments)
        .stdin(Stdio::null());
    for command in commands {
        gdb.args(["-x", command]);
    }
    gdb.arg("--").args(machine);
    let output = gdb.output().expect("./ftl can be started");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

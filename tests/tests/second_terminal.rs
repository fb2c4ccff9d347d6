//! A second terminal, on a virtio console: `./ftl run --terminal SOCKET`, and `./ftl attach SOCKET`.

use std::process::Command;

use e2e::console::{self, Console, PROMPT};

/// Sits down at the second terminal of a system.
fn attach(socket: &str) -> Console {
    let mut command = Command::new(e2e::tool());
    command.args(["attach", socket]);
    console::run(command)
}

#[test]
fn a_shell_is_there_and_can_be_left_and_come_back_to() {
    if !e2e::is_first_variant() {
        return;
    }
    let socket = std::env::temp_dir().join(format!("ftl-terminal-{}", std::process::id()));
    let socket = socket.to_str().expect("a name of letters");
    // Nobody sits at the serial line.
    let ftl = e2e::boot("console")
        .argument("--terminal")
        .argument(socket)
        .start();
    ftl.wait_for("components up");
    let mut first = attach(socket);
    // What was shown before somebody came is there still.
    first.wait_for("`help` lists the commands");
    first.wait_for_line(PROMPT);
    first.enter("echo one $((40 + 2)) äöü");
    first.wait_for("one 42 äöü");
    first.enter("ps | grep virtio_session");
    first.wait_for("virtio_session  ");
    first.wait_for_line(PROMPT);
    // Tab completes, Ctrl-C ends what runs, and the window's size is known.
    first.keys("upt\t\r");
    first.wait_for(" free, ");
    first.enter("sleep 1000; echo status $?");
    first.wait_for("sleep 1000; echo status");
    first.keys("\x03");
    first.wait_for_line(PROMPT);
    first.enter("x=kept; sleep 1000 &");
    first.wait_for("[1] sleep 1000 &");
    // Ctrl-A X.
    first.keys("\x01x");
    assert_eq!(first.wait_exit(), 0);

    let mut second = attach(socket);
    // The shell draws its prompt anew.
    second.wait_for_line(PROMPT);
    second.enter("echo is $x; jobs");
    second.wait_for("is kept");
    second.wait_for("sleep 1000");
    second.enter("poweroff");
    let exit = ftl.wait_exit();
    assert_eq!(exit.json["end"], "shutdown", "{}", exit.tail());
    let _ = std::fs::remove_file(socket);
}

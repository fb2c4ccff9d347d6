//! Sits down at a system's console, types a few lines, and prints the window as a page: what `docs/screenshots.sh` makes the
//! picture of the shell from.
//!
//!     cargo run -p e2e --example shell_picture > shell.html

use e2e::console::{PROMPT, sit_at};

fn main() {
    let mut console = sit_at("default");
    // What comes late: the network.
    console.wait_for("tcpip: address");
    console.wait_for_line(PROMPT);
    console.clear();
    for line in [
        "ps",
        "seq 1000 | grep 7 | wc -l",
        "ecoh hello",
        "why http_server",
    ] {
        console.enter(line);
        console.wait_for(&format!("ftl> {line}"));
        console.wait_for_line(PROMPT);
    }
    console.keys("for i in $(seq 3); do echo \"$i squared is $((i * i))\"; done | sort -r");
    console.wait_for("| sort -r");
    println!("{}", console.page());
}

//! Chaos: while clients ask for pages without pause, every component but init is killed in turn and at random,
//! and the system serves again each time. `warden` (see components/tests) kills and measures.
//!
//! On one CPU time counts the guest's instructions (`--icount`), so a busy host does not matter, and each recovery
//! must be over within 100 ms. On several CPUs QEMU cannot do that: it would let the CPUs run one after the
//! other, and each would wait for the others at the kernel's lock for its whole turn. There time is the host's, and
//! only that the system serves again is checked; the times are recorded.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Kills here, on one CPU and on several, and with `--long`.
const KILLS: u32 = 50;
const KILLS_SEVERAL: u32 = 20;
const KILLS_LONG: u32 = 1_000;

/// `wrk`, which asks for pages until it is told to stop.
struct Load(Child);

impl Load {
    fn start(port: u16) -> Load {
        let child = Command::new("wrk")
            .args(["--threads", "1", "--connections", "8", "--duration", "7200"])
            .arg(format!("http://127.0.0.1:{port}/bench"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        Load(child.expect("wrk is there; `./ftl doctor` installs it"))
    }

    /// Stops it; how many requests were answered.
    fn stop(mut self) -> u64 {
        e2e::send_signal("INT", self.0.id());
        let mut text = String::new();
        if let Some(mut output) = self.0.stdout.take() {
            use std::io::Read;
            let _ = output.read_to_string(&mut text);
        }
        let _ = self.0.wait();
        text.lines()
            .find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())
            .unwrap_or_else(|| panic!("wrk does not say how many requests there were: {text}"))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn check(isolation: &str, cpus: u32) {
    if !e2e::is_first_variant() {
        return;
    }
    let (kills, patience) = match (e2e::long(), cpus) {
        (true, _) => (KILLS_LONG, Duration::from_secs(3600)),
        (false, 1) => (KILLS, Duration::from_secs(300)),
        (false, _) => (KILLS_SEVERAL, Duration::from_secs(600)),
    };
    let port = e2e::free_port();
    let boot = e2e::boot("chaos")
        .isolation(isolation)
        .smp(cpus)
        .port_at(port, 80)
        .set("warden.port", port)
        .set("warden.count", kills)
        .set("warden.strict", cpus == 1)
        .argument("--timeout")
        .argument(patience.as_secs().to_string());
    let ftl = match cpus {
        1 => boot.argument("--icount").start(),
        _ => boot.start(),
    };
    ftl.wait_for("kills follow");
    let load = Load::start(port);
    let exit = ftl.wait_exit_within(patience);
    let requests = load.stop();
    assert_eq!(exit.code, 0, "{}", exit.tail());
    // In the short form the kills, some milliseconds apart, may be over before `wrk` has its first answer.
    // `warden` itself has asked for the page after each.
    assert!(requests > 0 || !e2e::long(), "nobody was served");
    let title = format!("chaos, {isolation}, {cpus} CPUs");
    exit.record(&title);
    e2e::record(&format!("{title}, requests answered meanwhile"), requests);
}

#[test]
fn kills_in_user_mode_on_one_cpu() {
    check("user", 1);
}

#[test]
fn kills_in_user_mode_on_four_cpus() {
    check("user", 4);
}

#[test]
fn kills_in_the_kernel_on_one_cpu() {
    check("kernel", 1);
}

#[test]
fn kills_in_the_kernel_on_four_cpus() {
    check("kernel", 4);
}

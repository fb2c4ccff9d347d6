//! Chaos: while clients ask for pages without pause, every component but init is killed in turn and at random,
//! and the system serves again each time. `warden` (see components/tests) kills and measures.
//!
//! On one CPU time counts the guest's instructions (`--icount`), so a busy host does not matter, and each recovery
//! must be over within 100 ms. On several CPUs QEMU cannot do that: it would let the CPUs run one after the
//! other, and each would wait for the others at the kernel's lock for its whole turn. There time is the host's, and
//! only that the system serves again is checked; the times are recorded.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Kills here, and with `--long`.
const KILLS: u32 = 50;
const KILLS_LONG: u32 = 1_000;

/// What `wrk` does with the first answer: it says so.
const SCRIPT: &str = r#"
local told = false
function response()
  if not told then
    told = true
    print("answered")
    io.stdout:flush()
  end
end
"#;

/// `wrk`, which asks for pages until it is told to stop.
struct Load {
    child: Child,
    script: PathBuf,
    /// What it says, by lines.
    lines: Receiver<String>,
}

impl Load {
    fn start(port: u16) -> Load {
        let script = std::env::temp_dir().join(format!("ftl-wrk-{port}.lua"));
        std::fs::write(&script, SCRIPT).expect("a script can be written");
        let child = Command::new("wrk")
            .args(["--threads", "1", "--connections", "8", "--duration", "7200"])
            .arg("--script")
            .arg(&script)
            .arg(format!("http://127.0.0.1:{port}/bench"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.expect("wrk is there; `./ftl doctor` installs it");
        let output = child.stdout.take().expect("it is piped");
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Load {
            child,
            script,
            lines,
        }
    }

    /// Waits until a request was answered.
    fn wait_answered(&self) {
        loop {
            match self.lines.recv_timeout(e2e::PATIENCE) {
                Ok(line) if line == "answered" => return,
                Ok(_) => {}
                Err(why) => panic!("nobody was served before the first kill: {why}"),
            }
        }
    }

    /// Stops it; how many requests were answered.
    fn stop(mut self) -> u64 {
        e2e::send_signal("INT", self.child.id());
        let _ = self.child.wait();
        let lines: Vec<String> = self.lines.iter().collect();
        lines
            .iter()
            .find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())
            .unwrap_or_else(|| panic!("wrk does not say how many requests there were: {lines:?}"))
    }
}

/// Answers everybody who connects with a page as `/bench` has it: for `warden`, whose kills begin with its first page.
fn let_go(listener: TcpListener) {
    let page = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n{}",
        "f".repeat(1024)
    );
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            // One that has given up in the meantime asks again.
            let _ = client.read(&mut [0; 1024]);
            let _ = client.write_all(page.as_bytes());
        }
    });
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.script);
    }
}

fn check(isolation: &str, cpus: u32) {
    if !e2e::is_first_variant() {
        return;
    }
    let (kills, patience) = match (e2e::long(), cpus) {
        (true, _) => (KILLS_LONG, Duration::from_secs(3600)),
        (false, 1) => (KILLS, Duration::from_secs(300)),
        (false, _) => (KILLS, Duration::from_secs(600)),
    };
    let port = e2e::free_port();
    // The first kill waits until the load has had an answer.
    let hold = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let boot = e2e::boot("chaos")
        .isolation(isolation)
        .smp(cpus)
        .port_at(port, 80)
        .set("warden.port", port)
        .set("warden.hold", hold.local_addr().expect("it has one").port())
        .set("warden.count", kills)
        .set("warden.strict", cpus == 1)
        .argument("--timeout")
        .argument(patience.as_secs().to_string());
    let ftl = match cpus {
        1 => boot.argument("--icount").start(),
        _ => boot.start(),
    };
    ftl.wait_for("http_server: listens on port 80");
    let load = Load::start(port);
    load.wait_answered();
    let_go(hold);
    let exit = ftl.wait_exit_within(patience);
    let requests = load.stop();
    assert_eq!(exit.code, 0, "{}", exit.tail());
    assert!(requests > 0, "nobody was served");
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

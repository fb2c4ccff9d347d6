//! What end-to-end tests are written with: boot a system, wait for what it says, talk to it.
//!
//! A test lies in `tests/tests/`, one file per subject, and reads like this:
//!
//! ```no_run
//! #[test]
//! fn the_page_is_served() {
//!     let ftl = e2e::boot("default").port(80).start();
//!     ftl.wait_for("components up");
//!     let page = e2e::http::get(ftl.port(80), "/");
//!     assert_eq!(page.status, 200);
//! }
//! ```
//!
//! `./ftl test` builds all systems first and then runs these tests, two machines at once;
//! `./ftl test page` runs those with `page` in their names. Plain `cargo test -p e2e` works too,
//! and builds what each test boots.
//!
//! No test sleeps to wait for something: [`Ftl::wait_for`] and its kin return as soon as it
//! happens, and fail with the machine's whole log if it does not.
#![forbid(unsafe_code)]

pub mod commands;
pub mod console;
pub mod device_tree;
pub mod dma;
pub mod folder;
pub mod gdb;
pub mod http;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

/// How long anything may take unless a test says otherwise. A machine boots within a second; the
/// rest is for computers that are slow or busy: several machines run at once, and builds beside them.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Whether the tests that take long were asked for (`./ftl test --long`).
pub fn long() -> bool {
    std::env::var_os("FTL_LONG").is_some()
}

/// Whether this is the machine on which tests run that choose isolation and CPUs themselves: with `--long`
/// `./ftl test` runs all tests on several machines, and these need it only once.
pub fn is_first_variant() -> bool {
    std::env::var("FTL_VARIANT").map_or(true, |variant| variant == "first")
}

/// How many CPUs the machine has that `./ftl test` tries now.
pub fn cpus() -> u32 {
    let said = std::env::var("FTL_SMP").ok();
    said.and_then(|cpus| cpus.parse().ok()).unwrap_or(4)
}

/// Leaves a figure for `docs/results.md`: `./ftl test` collects them.
pub fn record(name: &str, value: impl std::fmt::Display) {
    use std::io::Write;
    println!("RESULT {name}: {value}");
    let Some(path) = std::env::var_os("FTL_RESULTS") else {
        return;
    };
    let line = format!("RESULT {name}: {value}\n");
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("the file of results can be written");
    // In one piece, since tests run side by side.
    file.write_all(line.as_bytes())
        .expect("the file of results can be written");
}

/// A TCP port of this host that is free now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port()
}

/// The architecture that is tested: `riscv64` or `arm64`.
pub fn arch() -> String {
    std::env::var("FTL_ARCH").unwrap_or_else(|_| "riscv64".to_owned())
}

/// A system that is about to be booted.
pub struct Boot {
    arguments: Vec<String>,
    /// On which architecture, if not on the one that is tested.
    arch: Option<String>,
    /// What goes to QEMU unseen.
    qemu: Vec<String>,
    ports: bool,
    /// Whether `./ftl test` has built it already.
    built: bool,
    /// Whether `./ftl test` may say how it is isolated.
    vary: bool,
    /// The source tree, if it is another one.
    tree: Option<PathBuf>,
}

/// A system of `systems/`.
pub fn boot(system: &str) -> Boot {
    Boot {
        arguments: vec![system.to_owned()],
        arch: None,
        qemu: Vec::new(),
        ports: false,
        built: true,
        vary: true,
        tree: None,
    }
}

/// A machine whose only component is this package.
pub fn boot_init(package: &str) -> Boot {
    Boot {
        arguments: vec!["--init".into(), package.to_owned()],
        arch: None,
        qemu: Vec::new(),
        ports: false,
        built: true,
        vary: true,
        tree: None,
    }
}

impl Boot {
    /// Any argument of `./ftl run`.
    pub fn argument(mut self, argument: impl Into<String>) -> Boot {
        self.arguments.push(argument.into());
        self
    }

    /// On this architecture, for what goes from one to another.
    pub fn on(mut self, arch: &str) -> Boot {
        self.arch = Some(arch.to_owned());
        // Another one than `./ftl test` has built for.
        self.built = false;
        self
    }

    /// Number of CPUs.
    pub fn smp(self, cpus: u32) -> Boot {
        self.argument("--smp").argument(cpus.to_string())
    }

    /// How all components are isolated, `kernel` or `user`.
    pub fn isolation(self, isolation: &str) -> Boot {
        self.argument("--isolation").argument(isolation)
    }

    /// Sets a component's setting, for example `set("pinger.rounds", 10)`.
    pub fn set(mut self, setting: &str, value: impl std::fmt::Display) -> Boot {
        self.built = false;
        self.argument("--set")
            .argument(format!("{setting}={value}"))
    }

    /// Builds what is booted, because `./ftl test` has not: it builds each system, and each component
    /// of components/tests/ alone.
    pub fn build(mut self) -> Boot {
        self.built = false;
        self
    }

    /// Leads a free port of the host to this port of the guest; [`Ftl::port`] tells which.
    pub fn port(mut self, guest: u16) -> Boot {
        self.ports = true;
        self.argument("--port").argument(format!("0:{guest}"))
    }

    /// Leads this port of the host to a port of the guest, for a guest that has to know it.
    pub fn port_at(mut self, host: u16, guest: u16) -> Boot {
        self.ports = true;
        self.argument("--port").argument(format!("{host}:{guest}"))
    }

    /// Whether the system's file decides on the isolation, whatever `./ftl test` tries now.
    pub fn as_its_file_says(mut self) -> Boot {
        self.vary = false;
        self
    }

    /// What `./ftl test` tries now: all components in one isolation, on so many CPUs. What a test has said
    /// itself stays.
    fn with_variant(mut self) -> Boot {
        let is_system = !self.arguments.iter().any(|argument| argument == "--init");
        for (variable, argument, applies) in [
            ("FTL_ISOLATION", "--isolation", is_system && self.vary),
            ("FTL_SMP", "--smp", true),
        ] {
            let said = self.arguments.iter().any(|found| found == argument);
            if let (Ok(value), true, false) = (std::env::var(variable), applies, said) {
                self = self.argument(argument).argument(value);
            }
        }
        self
    }

    /// Arguments for QEMU itself.
    pub fn qemu<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Boot {
        self.qemu.extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// From another source tree.
    pub fn in_tree(mut self, tree: &Path) -> Boot {
        self.tree = Some(tree.to_owned());
        // Not by `./ftl test`, at least.
        self.built = false;
        self
    }

    /// Boots it.
    pub fn start(mut self) -> Ftl {
        self = self.with_variant();
        if !self.ports {
            // Not the default one: two machines at once cannot share it.
            self = self.port(80);
        }
        let mut command = Command::new(tool());
        if let Some(tree) = &self.tree {
            command.env("FTL_ROOT", tree);
        }
        command.arg("run").args(&self.arguments).args([
            "--arch",
            &self.arch.unwrap_or_else(arch),
            "--json",
        ]);
        // A last resort, should this program be killed.
        if !self
            .arguments
            .iter()
            .any(|argument| argument == "--timeout")
        {
            command.args(["--timeout", "600"]);
        }
        // Of crashes that tests make on purpose there are many.
        if !self.arguments.iter().any(|argument| argument == "--dumps") {
            command.args(["--dumps", "never"]);
        }
        if self.built && std::env::var_os("FTL_NO_BUILD").is_some() {
            command.arg("--no-build");
        }
        if !self.qemu.is_empty() {
            command.arg("--").args(&self.qemu);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("./ftl can be started");
        let log = Arc::new((Mutex::new(Log::default()), Condvar::new()));
        let writer = Arc::clone(&log);
        let errors = child.stderr.take().expect("it is piped");
        std::thread::spawn(move || {
            let lines = BufReader::new(errors).split(b'\n').map_while(Result::ok);
            for line in lines {
                let line = String::from_utf8_lossy(&line).into_owned();
                lock(&writer.0).lines.push(line);
                writer.1.notify_all();
            }
            lock(&writer.0).ended = true;
            writer.1.notify_all();
        });
        Ftl {
            child,
            log,
            described: format!("./ftl run {}", self.arguments.join(" ")),
        }
    }
}

#[derive(Default)]
struct Log {
    lines: Vec<String>,
    ended: bool,
}

/// A system that runs. Dropping it ends it.
pub struct Ftl {
    child: Child,
    log: Arc<(Mutex<Log>, Condvar)>,
    described: String,
}

/// How a system ended.
#[derive(Debug)]
pub struct Exit {
    /// The exit status of `./ftl run`; docs/reference/tool.md lists them.
    pub code: i32,
    /// What `--json` printed.
    pub json: serde_json::Value,
    /// All that it said.
    pub log: Vec<String>,
}

impl Exit {
    /// Records each figure that a component left in a line `RESULT name: value` of the log, under a title.
    pub fn record(&self, title: &str) {
        for line in &self.log {
            if let Some((name, value)) = line
                .split_once("RESULT ")
                .and_then(|(_, rest)| rest.split_once(": "))
            {
                record(&format!("{title}, {name}"), value.trim());
            }
        }
    }

    /// What was said last, for messages of failed tests.
    pub fn tail(&self) -> String {
        self.log[self.log.len().saturating_sub(80)..].join("\n")
    }
}

impl Ftl {
    /// Waits for a log line with this text in it, from the start of the log on, and returns it.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("a line with `{text}`"), |lines| {
            lines.iter().find(|line| line.contains(text)).cloned()
        })
    }

    /// Waits until this many log lines have `text` in them.
    pub fn wait_for_count(&self, text: &str, count: usize) {
        self.wait_until(&format!("{count} lines with `{text}`"), |lines| {
            (lines.iter().filter(|line| line.contains(text)).count() >= count).then_some(())
        });
    }

    /// Waits until `look` finds something in the log. `what` says, for people, what that is.
    pub fn wait_until<T>(&self, what: &str, look: impl Fn(&[String]) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut log = lock(&self.log.0);
        loop {
            if let Some(found) = look(&log.lines) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if log.ended || left.is_zero() {
                let why = if log.ended {
                    "it ended first"
                } else {
                    "it took too long"
                };
                panic!(
                    "{}: no {what}; {why}. Its log:\n{}",
                    self.described,
                    log.lines.join("\n")
                );
            }
            log = self
                .log
                .1
                .wait_timeout(log, left)
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .0;
        }
    }

    /// The host's port that leads to this port of the guest (see [`Boot::port`]).
    pub fn port(&self, guest: u16) -> u16 {
        let line = self.wait_for(&format!(" leads to {guest} in FTL"));
        line.split_once("127.0.0.1:")
            .and_then(|(_, rest)| rest.split_once(' '))
            .and_then(|(port, _)| port.parse().ok())
            .unwrap_or_else(|| panic!("no port in `{line}`"))
    }

    /// Sends the tool a signal, for example `TERM`.
    pub fn signal(&self, signal: &str) {
        send_signal(signal, self.child.id());
    }

    /// All that it has said so far.
    pub fn log(&self) -> Vec<String> {
        lock(&self.log.0).lines.clone()
    }

    /// Waits until it ends by itself.
    pub fn wait_exit(self) -> Exit {
        self.wait_exit_within(PATIENCE)
    }

    /// The same for what may take longer.
    pub fn wait_exit_within(mut self, patience: Duration) -> Exit {
        let deadline = Instant::now() + patience;
        {
            let mut log = lock(&self.log.0);
            while !log.ended {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    panic!(
                        "{}: it did not end. Its log:\n{}",
                        self.described,
                        log.lines.join("\n")
                    );
                }
                log = self
                    .log
                    .1
                    .wait_timeout(log, left)
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .0;
            }
        }
        let status = self.child.wait().expect("the tool can be waited for");
        let mut json = serde_json::Value::Null;
        if let Some(output) = self.child.stdout.take() {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                json = serde_json::from_str(&line).unwrap_or(json);
            }
        }
        Exit {
            code: status.code().unwrap_or(-1),
            json,
            log: self.log(),
        }
    }
}

impl Drop for Ftl {
    fn drop(&mut self) {
        // QEMU ends with the tool, see tools/ftl/src/run.rs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process: not by the program `kill`, which the smallest Debian lacks.
pub fn send_signal(signal: &str, process: u32) {
    let number = match signal {
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "TERM" => Signal::TERM,
        other => panic!("no test has sent {other} yet"),
    };
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    let sent = process.map(|process| rustix::process::kill_process(process, number));
    assert!(matches!(sent, Some(Ok(()))), "no {signal}: {sent:?}");
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The host tool: the one that runs these tests, or else the script.
pub fn tool() -> PathBuf {
    std::env::var_os("FTL_TOOL").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../ftl"),
        PathBuf::from,
    )
}

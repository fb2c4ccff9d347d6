//! Running commands in a system, as scripts do: `./ftl run SYSTEM --exec 'COMMANDS'`.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use crate::{arch, tool};

/// Commands that are about to be run.
pub struct Exec {
    arguments: Vec<String>,
    /// Whether `./ftl test` has built it already.
    built: bool,
    stdin: Vec<u8>,
    qemu: Vec<String>,
    /// After how many bytes nobody reads the output any more.
    stdout_len_max: usize,
}

/// What became of them.
#[derive(Debug)]
pub struct Output {
    /// The exit status of `./ftl run`: the last command's.
    pub code: i32,
    /// What the commands wrote to standard output.
    pub stdout: Vec<u8>,
    /// The machine's log, and what the commands wrote to standard error.
    pub stderr: String,
}

/// Commands for a system that has some.
pub fn exec(system: &str, commands: &str) -> Exec {
    Exec {
        arguments: vec![system.into(), "--exec".into(), commands.into()],
        built: true,
        stdin: Vec::new(),
        qemu: Vec::new(),
        stdout_len_max: usize::MAX,
    }
}

impl Exec {
    /// How all components and commands are isolated, `kernel` or `user`.
    pub fn isolation(mut self, isolation: &str) -> Exec {
        self.arguments
            .extend(["--isolation".into(), isolation.to_owned()]);
        self
    }

    /// Another argument of `./ftl run`.
    pub fn argument(mut self, argument: impl Into<String>) -> Exec {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a component's setting. The system is built for that, since `./ftl test` has built it without.
    pub fn set(mut self, setting: &str, value: impl std::fmt::Display) -> Exec {
        self.arguments
            .extend(["--set".into(), format!("{setting}={value}")]);
        self.built = false;
        self
    }

    /// Arguments for QEMU itself.
    pub fn qemu<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Exec {
        self.qemu.extend(arguments.into_iter().map(str::to_owned));
        self
    }

    /// Their standard input.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Exec {
        self.stdin = bytes.into();
        self
    }

    /// The reader of their standard output goes away after so many bytes.
    pub fn stdout_closes_after(mut self, len: usize) -> Exec {
        self.stdout_len_max = len;
        self
    }

    /// Boots the system, and waits until it has ended.
    pub fn run(self) -> Output {
        let mut command = Command::new(tool());
        command
            .arg("run")
            .args(&self.arguments)
            // Any port of the host; and a last resort.
            .args(["--arch", &arch()])
            .args(["--port", "0:80", "--timeout"])
            .arg(if crate::long() { "1800" } else { "120" });
        // Of crashes that tests make on purpose there are many.
        for (option, value) in [("--smp", "2"), ("--dumps", "never")] {
            if !self.arguments.iter().any(|argument| argument == option) {
                command.args([option, value]);
            }
        }
        if self.built && std::env::var_os("FTL_NO_BUILD").is_some() {
            command.arg("--no-build");
        }
        if !self.qemu.is_empty() {
            command.arg("--").args(&self.qemu);
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("./ftl can be started");
        let mut stdin = child.stdin.take().expect("it is piped");
        let bytes = self.stdin;
        // Commands that do not read all of it are all right.
        std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        let mut errors = child.stderr.take().expect("it is piped");
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            errors.read_to_end(&mut text).map(|_| text)
        });
        let stdout = read_some(&mut child, self.stdout_len_max);
        let status = child.wait().expect("the tool can be waited for");
        let stderr = errors
            .join()
            .expect("it does not panic")
            .unwrap_or_default();
        Output {
            code: status.code().unwrap_or(-1),
            stdout,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }
}

/// Reads standard output up to its end or `len_max`, and then closes it.
fn read_some(child: &mut Child, len_max: usize) -> Vec<u8> {
    let mut output = child.stdout.take().expect("it is piped");
    let mut bytes = Vec::new();
    let mut buffer = [0; 16384];
    while bytes.len() < len_max {
        match output.read(&mut buffer) {
            Ok(len @ 1..) => bytes.extend_from_slice(&buffer[..len]),
            _ => break,
        }
    }
    bytes
}

impl Output {
    /// Checks the status, with everything that was said if it is another one.
    pub fn ended_with(self, code: i32) -> Output {
        assert_eq!(self.code, code, "{}", self.stderr);
        self
    }

    /// What they wrote to standard output, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

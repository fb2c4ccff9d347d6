//! Sitting at a system's console, as a person does: a terminal of 80 columns and 24 rows around `./ftl run`.
//!
//! What the system shows goes through a terminal emulator, so tests see what a person would see.
//!
//! ```no_run
//! let mut console = e2e::console::sit_at("default");
//! console.wait_for("ftl> ");
//! console.enter("echo hello");
//! console.wait_for_row("hello");
//! ```

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::{PATIENCE, arch, tool};

/// Rows and columns.
const WINDOW: (u16, u16) = (24, 80);
/// Rows that have left the window at its top and are kept.
const SCROLLBACK: usize = 2000;
/// The terminal's first eight colours, as in docs/images/page-dark.png; bright ones are the same.
const COLOURS: [&str; 8] = [
    "#6b7a90", "#e07a84", "#a3be8c", "#ebcb8b", "#81a1c1", "#b48ead", "#88c0d0", "#e5e9f0",
];
/// What the shell asks with.
pub const PROMPT: &str = "ftl> ";

/// A system, and the terminal that somebody sits at. Dropping it ends the system.
pub struct Console {
    child: Child,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    emulator: vt100::Parser,
    /// All that was shown, as it came.
    shown: Vec<u8>,
    patience: Duration,
}

/// Boots a system of `systems/` and sits down at its console.
pub fn sit_at(system: &str) -> Console {
    sit_at_with(system, &[])
}

/// The same with more arguments for `./ftl run`, and behind `--` for QEMU.
pub fn sit_at_with(system: &str, arguments: &[&str]) -> Console {
    // What it prints besides is not for the person.
    run_at_terminal(tool_with(system, arguments), false)
}

/// Boots a system at a terminal, and closes that once `text` was shown; gives how `./ftl run` ended then. The terminal
/// controls nobody, so no signal tells of its end.
pub fn close_after(text: &str, system: &str, arguments: &[&str]) -> ExitStatus {
    let mut command = tool_with(system, arguments);
    let (terminal, inside) = open_terminal();
    let mut child = start_at(&inside, &mut command, false);
    drop(command);
    drop(inside);
    let mut screen = File::from(terminal);
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains(text) {
        let mut bytes = [0; 4096];
        match screen.read(&mut bytes) {
            Ok(len @ 1..) => shown.extend(&bytes[..len]),
            _ => panic!("it ended first: {}", String::from_utf8_lossy(&shown)),
        }
    }
    drop(screen);
    child.wait().expect("it is ours")
}

fn tool_with(system: &str, arguments: &[&str]) -> Command {
    let (arguments, qemu) = match arguments.iter().position(|argument| *argument == "--") {
        Some(at) => arguments.split_at(at),
        None => (arguments, &[] as &[&str]),
    };
    let mut command = Command::new(tool());
    command
        .args(["run", system, "--arch", &arch()])
        .args(["--port", "0:80", "--dumps", "never"])
        .args(arguments);
    let said = |option: &str| arguments.contains(&option);
    if !said("--timeout") {
        command.args(["--timeout", "600"]);
    }
    for (variable, option) in [("FTL_ISOLATION", "--isolation"), ("FTL_SMP", "--smp")] {
        if let (Ok(value), false) = (std::env::var(variable), said(option)) {
            command.args([option, &value]);
        }
    }
    if std::env::var_os("FTL_NO_BUILD").is_some() {
        command.arg("--no-build");
    }
    command.args(qemu);
    command
}

/// Runs a program of this computer at a terminal.
pub fn run(command: Command) -> Console {
    run_at_terminal(command, true)
}

/// Runs a program of this computer at a terminal that is gone as soon as something was shown there, and waits for its end.
pub fn run_until_terminal_is_gone(mut command: Command) -> ExitStatus {
    let (terminal, inside) = open_terminal();
    let mut child = start_at(&inside, &mut command, true);
    drop(command);
    drop(inside);
    let mut screen = File::from(terminal);
    screen
        .read_exact(&mut [0])
        .expect("it shows something before it ends");
    drop(screen);
    child.wait().expect("it was started")
}

/// The outer and the inner end of a terminal. No program that is started has them beyond what it is given: one that had the
/// outer end would keep its own terminal open.
fn open_terminal() -> (OwnedFd, OwnedFd) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
        .expect("there are terminals");
    grantpt(&terminal).expect("it is ours");
    unlockpt(&terminal).expect("it is ours");
    let name = ptsname(&terminal, Vec::new()).expect("it has a name");
    let inside = rustix::fs::open(
        name,
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .expect("it can be opened");
    let size = Winsize {
        ws_row: WINDOW.0,
        ws_col: WINDOW.1,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&inside, size).expect("it has a size");
    (terminal, inside)
}

fn start_at(inside: &OwnedFd, command: &mut Command, shows_stdout: bool) -> Child {
    let end = || Stdio::from(inside.try_clone().expect("it can be opened again"));
    command
        .stdin(end())
        .stdout(match shows_stdout {
            true => end(),
            false => Stdio::null(),
        })
        .stderr(end())
        .spawn()
        .expect("it can be started")
}

fn run_at_terminal(mut command: Command, shows_stdout: bool) -> Console {
    let (terminal, inside) = open_terminal();
    let child = start_at(&inside, &mut command, shows_stdout);
    // Only the program has it now: its end is the terminal's.
    drop(command);
    drop(inside);
    let clone = terminal.as_fd().try_clone_to_owned();
    let mut screen = File::from(clone.expect("it can be opened again"));
    let (sender, output) = channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 16384];
        while let Ok(len @ 1..) = screen.read(&mut bytes) {
            if sender.send(bytes[..len].to_vec()).is_err() {
                return;
            }
        }
    });
    Console {
        child,
        keyboard: File::from(terminal),
        output,
        emulator: vt100::Parser::new(WINDOW.0, WINDOW.1, SCROLLBACK),
        shown: Vec::new(),
        patience: PATIENCE,
    }
}

/// Bytes of what was shown that a failed wait tells.
const SHOWN_LAST: usize = 1000;

impl Console {
    /// How long each wait may take.
    pub fn patient_for(mut self, patience: Duration) -> Console {
        self.patience = patience;
        self
    }

    /// Types text as it is.
    pub fn keys(&mut self, keys: impl AsRef<[u8]>) {
        self.keyboard
            .write_all(keys.as_ref())
            .expect("somebody reads what is typed");
    }

    /// Types a line.
    pub fn enter(&mut self, line: &str) {
        self.keys(format!("{line}\r"));
    }

    /// The rows of the window, without blanks at their ends.
    pub fn rows(&self) -> Vec<String> {
        let screen = self.emulator.screen();
        screen
            .rows(0, WINDOW.1)
            .map(|row| row.trim_end().to_owned())
            .collect()
    }

    /// Everything that was ever shown, with escape sequences.
    pub fn transcript(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Takes what is shown until `look` finds something.
    pub fn wait_until<T>(&mut self, what: &str, look: impl Fn(&Console) -> Option<T>) -> T {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let why = match self.output.recv_timeout(left) {
                Ok(bytes) => {
                    self.emulator.process(&bytes);
                    self.shown.extend(bytes);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => "it took too long",
                Err(RecvTimeoutError::Disconnected) => "it ended first",
            };
            let last = &self.shown[self.shown.len().saturating_sub(SHOWN_LAST)..];
            panic!(
                "no {what}; {why}. The window:\n{}\nWhat was shown last: {:?}",
                self.rows().join("\n"),
                String::from_utf8_lossy(last)
            );
        }
    }

    /// Waits until the window has this text in a row.
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(&format!("`{text}` in the window"), |console| {
            let rows = console.rows();
            rows.iter()
                .any(|row| row.contains(text.trim_end()))
                .then_some(())
        });
    }

    /// Waits until a row of the window is this text.
    pub fn wait_for_row(&mut self, text: &str) {
        self.wait_until(&format!("row `{text}`"), |console| {
            console.rows().iter().any(|row| row == text).then_some(())
        });
    }

    /// Waits until the last row that is not empty is this text, and the cursor is in it: what a line looks like that is
    /// being typed.
    pub fn wait_for_line(&mut self, text: &str) {
        self.wait_until(&format!("line `{text}`"), |console| {
            let rows = console.rows();
            let (row, _) = console.emulator.screen().cursor_position();
            let last = rows.iter().rposition(|row| !row.is_empty())?;
            let is_it = rows[last] == text.trim_end() && usize::from(row) == last;
            is_it.then_some(())
        });
    }

    /// Empties the window, with Ctrl-L at the prompt, which has its colour as soon as the terminal has answered.
    pub fn clear(&mut self) {
        self.wait_until("prompt with colour", |console| {
            let screen = console.emulator.screen();
            let (row, _) = screen.cursor_position();
            let is_coloured = screen.cell(row, 0)?.fgcolor() != vt100::Color::Default;
            is_coloured.then_some(())
        });
        loop {
            let before = self.shown.len();
            self.keys("\x0c");
            let is_empty = self.wait_until("empty window", |console| {
                let rows = console.rows();
                let others_are_empty = rows[1..].iter().all(String::is_empty);
                if rows[0] == PROMPT.trim_end() && others_are_empty {
                    return Some(true);
                }
                // While the system starts, lines of the log come at any time: then the window was empty, and is not any more.
                const EMPTIED: &[u8] = b"\x1b[2J";
                let shown = &console.shown[before..];
                shown
                    .windows(EMPTIED.len())
                    .position(|part| part == EMPTIED)?;
                let last = rows.iter().rposition(|row| !row.is_empty())?;
                let is_log = |row: &String| row.starts_with('[');
                let refilled = last > 0 && rows[..last].iter().all(is_log);
                (refilled && rows[last] == PROMPT.trim_end()).then_some(false)
            });
            if is_empty {
                return;
            }
        }
    }

    /// Runs a line in an emptied window and waits for the next prompt; answers the rows between, as far as the window has
    /// them.
    pub fn run(&mut self, line: &str) -> Vec<String> {
        self.clear();
        self.enter(line);
        self.wait_until(&format!("prompt after `{line}`"), |console| {
            let rows = console.rows();
            let (row, _) = console.emulator.screen().cursor_position();
            let last = rows.iter().rposition(|row| !row.is_empty())?;
            let is_prompt = rows[last] == PROMPT.trim_end() && usize::from(row) == last;
            (is_prompt && last > 0).then(|| rows[1..last].to_vec())
        })
    }

    /// The window as a page of HTML, with its colours.
    pub fn page(&self) -> String {
        let screen = self.emulator.screen();
        let mut body = String::new();
        for row in 0..WINDOW.0 {
            for column in 0..WINDOW.1 {
                let Some(cell) = screen.cell(row, column) else {
                    continue;
                };
                if cell.is_wide_continuation() {
                    continue;
                }
                let text = match cell.contents() {
                    "" => " ",
                    "<" => "&lt;",
                    "&" => "&amp;",
                    text => text,
                };
                let colour = match cell.fgcolor() {
                    vt100::Color::Idx(index) => COLOURS[usize::from(index % 8)],
                    _ => "#d8dee9",
                };
                let is_cursor = screen.cursor_position() == (row, column);
                let style = format!(
                    "color:{colour}{}{}{}",
                    if cell.bold() { ";font-weight:bold" } else { "" },
                    if cell.dim() { ";opacity:.55" } else { "" },
                    if is_cursor { ";background:#88c0d0" } else { "" },
                );
                body += &format!("<span style=\"{style}\">{text}</span>");
            }
            body.push('\n');
        }
        format!(
            "<!doctype html><meta charset=utf-8><body style=\"margin:0;background:#1d222b\"><pre style=\"margin:0;\
             padding:14px 16px;font:14px/1.35 'DejaVu Sans Mono',monospace\">{body}</pre>"
        )
    }

    /// Waits until the machine has ended; answers the status of `./ftl run`.
    pub fn wait_exit(mut self) -> i32 {
        let deadline = Instant::now() + self.patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.emulator.process(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("it did not end. The window:\n{}", self.rows().join("\n"))
                }
            }
        }
        let status = self.child.wait().expect("the tool can be waited for");
        status.code().unwrap_or(-1)
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // QEMU ends with the tool, see tools/ftl/src/run.rs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

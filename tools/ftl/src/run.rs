//! Booting a system and standing between it and the terminal.
//!
//! The guest's UART carries its log. Each line goes to standard error as it comes, frames of
//! backtraces with their source line added. The last line tells how it ended (rule 27):
//! `FTL-EXIT n`, `FTL-EXIT panic`, `FTL-EXIT init n` or `FTL-EXIT reset`. See [`End`] for what becomes of it. Commands
//! that are run inside speak through a port of their own ([`crate::host_port`]), whose status says the
//! same, and counts if the line is missing.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::arch::Arch;
use crate::build::Built;
use crate::crash_reports;
use crate::doctor;
use crate::dump::keeper::{self, Keeper, Sockets, When};
use crate::dump::{self};
use crate::host_port::{HostPort, News, Printed};
use crate::qemu::{Machine, Port};
use crate::report;
use crate::screen::{Screen, Talker};
use crate::symbols::Symbols;
use crate::terminal::{Keys, RawTerminal, TypeAhead, Typed, read_input};

/// Exit status of `./ftl` after a kernel panic.
pub const STATUS_PANIC: u8 = 241;
/// Exit status of `./ftl` after init ended by itself.
pub const STATUS_INIT: u8 = 242;
/// Exit status of `./ftl` after `--timeout`.
pub const STATUS_TIMEOUT: u8 = 243;
/// Exit status of `./ftl` if QEMU went away and the guest had not said why, or if the boot loader could not start it.
pub const STATUS_LOST: u8 = 244;
/// Exit status of `./ftl` if the tool itself failed: set-up, build, or a wrong argument.
pub const STATUS_TOOL: u8 = 245;
/// Exit status of `./ftl` if nobody reads its standard output any more: as a pipe has it.
pub const STATUS_UNREAD: u8 = 141;
/// The largest status of a system that is passed on unchanged.
pub const STATUS_GUEST_MAX: u8 = 239;

/// How long QEMU may take to go away after the guest has said its last word.
const FAREWELL: Duration = Duration::from_secs(3);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The system shut itself down with this status.
    Shutdown(u64),
    /// The kernel panicked.
    Panic,
    /// The first component ended by itself with this status.
    Init(u64),
    /// The system reset the machine, which was not to start again.
    Reset,
    /// Firmware started the boot loader, and that could not start the system.
    NotStarted,
    /// `--timeout` passed.
    Timeout,
    /// QEMU ended, and the guest had not said why.
    Lost,
    /// A person ended it from the keyboard.
    Quit,
    /// A signal ended it.
    Interrupted,
    /// Nobody reads any more what the commands say.
    Unread,
}

impl End {
    /// Reads the guest's last line.
    pub fn from_line(line: &str) -> Option<End> {
        let words: Vec<&str> = line.strip_prefix("FTL-EXIT ")?.split_whitespace().collect();
        match words[..] {
            ["panic"] => Some(End::Panic),
            ["reset"] => Some(End::Reset),
            ["init", status] => Some(End::Init(status.parse().ok()?)),
            [status] => Some(End::Shutdown(status.parse().ok()?)),
            _ => None,
        }
    }

    /// The exit status of `./ftl run`.
    pub fn status(self) -> u8 {
        match self {
            End::Shutdown(status) => status.min(u64::from(STATUS_GUEST_MAX)) as u8,
            End::Panic => STATUS_PANIC,
            End::Init(_) => STATUS_INIT,
            End::Timeout => STATUS_TIMEOUT,
            End::Lost | End::NotStarted => STATUS_LOST,
            End::Quit | End::Reset => 0,
            End::Interrupted => 130,
            End::Unread => STATUS_UNREAD,
        }
    }

    /// One word for programs.
    pub fn name(self) -> &'static str {
        match self {
            End::Shutdown(_) => "shutdown",
            End::Panic => "panic",
            End::Init(_) => "init",
            End::Reset => "reset",
            End::NotStarted => "not started",
            End::Timeout => "timeout",
            End::Lost => "lost",
            End::Quit => "quit",
            End::Interrupted => "interrupted",
            End::Unread => "unread",
        }
    }
}

/// What a person asked for besides the machine itself.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// End the run after this long.
    pub timeout: Option<Duration>,
    /// Show the firmware's banner, too.
    pub verbose: bool,
    /// Print the end as JSON on standard output.
    pub json: bool,
    /// Commands to be run inside, with our standard input and output.
    pub exec: Option<String>,
    /// Whether the system has something for whoever sits at the console: then Ctrl-C is theirs.
    pub console: bool,
    /// Where what they print goes, if not to standard output.
    pub printed: Option<Printed>,
    /// What is worth a dump.
    pub dumps: When,
}

enum Happening {
    Uart(Vec<u8>),
    UartClosed,
    Typed(Vec<u8>),
    /// Nothing is typed any more.
    InputEnded,
    Signal,
    Commands(News),
}

/// Boots `machine` and stays until it ends.
pub fn run(root: &Path, mut machine: Machine, built: &Built, options: &Options) -> Result<End> {
    Port::claim_all(&mut machine.ports)?;
    let (sender, happenings) = channel();
    let signals = sender.clone();
    ctrlc::set_handler(move || {
        let _ = signals.send(Happening::Signal);
    })
    .context("cannot handle signals")?;

    let port = match &options.exec {
        Some(_) => Some(HostPort::new()?),
        None => None,
    };
    machine.host_port = port.as_ref().map(|port| port.socket().to_owned());
    let watched = options.dumps != When::Never && !dump::is_debugged(&machine.extra);
    let sockets = watched.then(Sockets::new).transpose()?;
    machine
        .extra
        .extend(sockets.iter().flat_map(Sockets::arguments));
    let mut qemu = start(&machine)?;
    let mut keeper = sockets.map(|sockets| {
        let run = keeper::Run {
            root: root.to_owned(),
            arch: machine.arch,
            built: built.clone(),
        };
        Keeper::start(run, sockets, options.dumps)
    });
    for port in &machine.ports {
        say!(
            "port 127.0.0.1:{} leads to {} in FTL",
            port.host,
            port.guest
        );
    }
    let complaints = read_complaints(&mut qemu)?;
    read_uart(&mut qemu, sender.clone())?;
    let mut line = TypeAhead::into(qemu.stdin.take().context("QEMU has no input")?);
    // Either the commands have our standard input, or the machine's UART has.
    let (mut raw, mut commands) = (None, None);
    match (&port, &options.exec) {
        (Some(port), Some(text)) => {
            let tell = move |news| drop(sender.send(Happening::Commands(news)));
            commands = Some(port.serve(text.clone(), options.printed.clone(), tell)?);
        }
        _ => {
            raw = RawTerminal::enter();
            match (raw.is_some(), options.console) {
                (true, true) => {
                    say!("Ctrl-A X ends it, Ctrl-A D keeps a dump; all other keys go to its shell");
                }
                (true, false) => say!("Ctrl-A X or Ctrl-C ends it"),
                (false, _) => {}
            }
            read_input(move |bytes| {
                let typed = match bytes {
                    [] => Happening::InputEnded,
                    bytes => Happening::Typed(bytes.to_vec()),
                };
                sender.send(typed).is_ok()
            });
        }
    }

    let started = Instant::now();
    let mut screen = Screen::new(
        Symbols::new(root, built.symbols()),
        match (options.verbose, &machine.firmware, machine.arch) {
            (true, ..) => None,
            (false, Some(_), _) => Some(Talker::Uefi),
            (false, None, Arch::Riscv64) => Some(Talker::OpenSbi),
            // QEMU starts the kernel itself.
            (false, None, Arch::Arm64) => None,
        },
    )
    .with_ports(&machine.ports)
    .reboots(machine.reboot);
    if options.console {
        screen = screen.interactive();
    }
    let mut reports = Vec::new();
    let (end, told) = watch(
        &happenings,
        &mut reports,
        &mut screen,
        &mut line,
        raw.is_some().then(|| Keys::new(!options.console)),
        options.timeout.map(|limit| started + limit),
        &mut keeper,
    );
    let status = stop(&mut qemu, end)?;
    // After QEMU has ended: who restores a terminal that others have now is stopped by it.
    drop(raw);
    // QEMU has closed the port; what came out of it may still be on its way.
    if end != Some(End::Unread) && !matches!(end, Some(End::Interrupted | End::Timeout)) {
        commands.map(JoinHandle::join);
    }
    let told = told.or_else(|| told_late(&happenings, &mut reports));
    let end = screen.finish().or(end).or(told).unwrap_or(End::Lost);

    if end == End::Lost {
        let complaints = complaints.join().unwrap_or_default();
        explain_loss(&complaints, status.as_deref());
    }
    dump::tell(root, &keeper.map(Keeper::finish).unwrap_or_default());
    let mut symbols = Symbols::new(root, built.symbols());
    for report in &mut reports {
        crash_reports::add_sources(report, &mut symbols);
    }
    report_end(end, started.elapsed(), options, &machine, reports);
    Ok(end)
}

/// Starts QEMU, with pipes for its input and both outputs.
pub fn start(machine: &Machine) -> Result<Child> {
    match doctor::qemu_version(machine.arch) {
        Ok(version) if machine.may_stand_still(version) => say!(
            "note: QEMU before 8.1 may stand still when it counts the instructions of {} CPUs; --smp 1 does not",
            machine.smp
        ),
        Ok(_) => {}
        Err(reason) => bail!(
            "{} does not do: {reason}; `./ftl doctor` mends that",
            machine.arch.qemu()
        ),
    }
    let qemu = doctor::find_program(machine.arch.qemu()).context("QEMU is gone")?;
    // On Linux, QEMU ends with this program even if that is killed and cannot clean up.
    let mut command = match doctor::find_program("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL"]).arg(qemu);
            command
        }
        None => Command::new(qemu),
    };
    command
        .args(machine.arguments())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start QEMU")
}

fn read_uart(qemu: &mut Child, sender: Sender<Happening>) -> Result<()> {
    let mut uart = qemu.stdout.take().context("QEMU has no output")?;
    std::thread::spawn(move || {
        let mut buffer = [0; 16384];
        while let Ok(len @ 1..) = uart.read(&mut buffer) {
            if sender
                .send(Happening::Uart(buffer[..len].to_vec()))
                .is_err()
            {
                return;
            }
        }
        let _ = sender.send(Happening::UartClosed);
    });
    Ok(())
}

/// Collects what QEMU itself has to say.
fn read_complaints(qemu: &mut Child) -> Result<std::thread::JoinHandle<Vec<String>>> {
    let errors = qemu.stderr.take().context("QEMU has no error output")?;
    Ok(std::thread::spawn(move || {
        BufReader::new(errors)
            .lines()
            .map_while(Result::ok)
            .collect()
    }))
}

/// What the commands' port has told since the last look.
fn told_late(happenings: &Receiver<Happening>, reports: &mut Vec<Value>) -> Option<End> {
    happenings.try_iter().find_map(|happening| match happening {
        Happening::Commands(News::Status(status)) => Some(End::Shutdown(status)),
        Happening::Commands(News::Report(report)) => {
            reports.push(report);
            None
        }
        _ => None,
    })
}

/// Serves screen and keyboard until there is a reason to stop; `None`: the UART closed. Besides, what the
/// commands' port has told; `reports` gets what it has reported.
fn watch(
    happenings: &Receiver<Happening>,
    reports: &mut Vec<Value>,
    screen: &mut Screen,
    line: &mut TypeAhead,
    mut keys: Option<Keys>,
    deadline: Option<Instant>,
    keeper: &mut Option<Keeper>,
) -> (Option<End>, Option<End>) {
    let mut farewell: Option<Instant> = None;
    let mut told: Option<End> = None;
    loop {
        line.hold(screen.hides_firmware());
        let until = [deadline, farewell, screen.wants_flush()]
            .into_iter()
            .flatten()
            .min();
        let happening = match until {
            None => happenings
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected),
            Some(until) => happenings.recv_timeout(until.saturating_duration_since(Instant::now())),
        };
        match happening {
            Ok(Happening::Uart(bytes)) => {
                screen.show(&bytes);
                let answers = screen.answers(keys.is_some());
                // What asked is gone if firmware has followed it.
                if !screen.hides_firmware() {
                    line.send(answers);
                }
                farewell = screen.end().or(told).map(|_| Instant::now() + FAREWELL);
            }
            Ok(Happening::UartClosed) | Err(RecvTimeoutError::Disconnected) => return (None, told),
            Ok(Happening::Signal) => return (Some(End::Interrupted), told),
            // A terminal that we have made raw has no end but that it is closed. Who started us may have kept its
            // signal from us.
            Ok(Happening::InputEnded) if keys.is_some() => return (Some(End::Interrupted), told),
            Ok(Happening::InputEnded) => {}
            Ok(Happening::Commands(News::Unread)) => return (Some(End::Unread), told),
            Ok(Happening::Commands(News::Status(status))) => {
                told = Some(End::Shutdown(status));
                farewell = Some(Instant::now() + FAREWELL);
            }
            Ok(Happening::Commands(News::Report(report))) => reports.push(report),
            Ok(Happening::Typed(bytes)) => {
                let typed = match &mut keys {
                    Some(keys) => keys.read(&bytes),
                    None => Typed::Bytes(bytes),
                };
                if keys.as_mut().is_some_and(Keys::takes_dump)
                    && let Some(keeper) = keeper
                {
                    keeper.ask();
                }
                match typed {
                    Typed::Quit => return (Some(End::Quit), told),
                    Typed::Bytes(bytes) => line.send(bytes),
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                let now = Instant::now();
                if screen.wants_flush().is_some_and(|at| at <= now) {
                    screen.flush_partial();
                }
                if [deadline, farewell]
                    .into_iter()
                    .flatten()
                    .any(|at| at <= now)
                {
                    return (Some(screen.end().or(told).unwrap_or(End::Timeout)), told);
                }
            }
        }
    }
}

/// Ends QEMU if it still runs. Gives what is odd about how it ended by itself.
fn stop(qemu: &mut Child, end: Option<End>) -> Result<Option<String>> {
    if end.is_some() {
        let _ = qemu.kill();
    }
    // The UART is closed, so QEMU is on its way out; it must not keep us here, though.
    let deadline = Instant::now() + FAREWELL;
    loop {
        if let Some(status) = qemu.try_wait()? {
            return Ok((!status.success()).then(|| status.to_string()));
        }
        if Instant::now() > deadline {
            let _ = qemu.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn explain_loss(complaints: &[String], status: Option<&str>) {
    for line in complaints {
        say!("{line}");
    }
    if complaints
        .iter()
        .any(|line| line.contains("Could not set up host forwarding"))
    {
        say!("ftl: somebody took the port just now; start again or choose another with --port");
    } else {
        let how = status.map_or("ended".to_owned(), |status| format!("ended ({status})"));
        say!("ftl: QEMU {how}, and the system had not said why");
    }
}

fn report_end(end: End, ran: Duration, options: &Options, machine: &Machine, reports: Vec<Value>) {
    let status = match end {
        End::Shutdown(status) | End::Init(status) => Some(status),
        _ => None,
    };
    match end {
        End::Panic => say!("ftl: the kernel panicked; the lines above say where"),
        End::Init(status) => {
            say!("ftl: init ended by itself with status {status}, and the system with it");
        }
        End::NotStarted => say!("ftl: the firmware's boot loader could not start it"),
        End::Timeout => say!("ftl: stopped after {} (--timeout)", report::seconds(ran)),
        End::Shutdown(status) if status > u64::from(STATUS_GUEST_MAX) => {
            say!(
                "ftl: the system's status was {status}; statuses above {STATUS_GUEST_MAX} are cut to it"
            );
        }
        _ => {}
    }
    if options.json {
        let mut answer = json!({
            "end": end.name(),
            "status": status,
            "seconds": ran.as_secs_f64(),
            "arch": machine.arch.name(),
            "ports": machine.ports.iter().map(|port| [port.host, port.guest]).collect::<Vec<_>>(),
        });
        if options.exec.is_some() {
            let printed = options.printed.as_ref().map(Printed::take);
            answer["output"] = String::from_utf8_lossy(&printed.unwrap_or_default()).into();
            answer["crashes"] = reports.into();
        }
        if let Err(error) = answer!("{answer}") {
            say!("error: the answer is lost: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart() {
        let ends = [End::Panic, End::Init(0), End::Timeout, End::Lost];
        for (i, end) in ends.iter().enumerate() {
            assert!(end.status() > STATUS_GUEST_MAX);
            assert!(ends[..i].iter().all(|other| other.status() != end.status()));
        }
        assert_eq!(End::Shutdown(0).status(), 0);
        assert_eq!(End::Shutdown(7).status(), 7);
        assert_eq!(End::Shutdown(1000).status(), STATUS_GUEST_MAX);
    }
}

//! A trace of each instruction, written by QEMU: of some while a machine runs, or of all since its start.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::stat::Mode;

use super::Options;
use crate::qemu::Machine;

/// Bytes of a line of QEMU's trace, more or less.
const LINE_LEN: u64 = 75;
/// How long the trace may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often each address was executed.
pub type Counts = HashMap<u64, u64>;

/// A place for the trace, and the way to QEMU's monitor. Both go with it.
pub struct Recorder {
    folder: PathBuf,
    instructions: u64,
}

/// A trace that goes on while the machine runs, and is counted meanwhile: it would take gigabytes.
pub struct Recording(JoinHandle<Result<Counts>>);

impl Recording {
    /// What was executed until the machine ended.
    pub fn end(self) -> Result<Counts> {
        match self.0.join() {
            Ok(counts) => counts,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Recorder {
    pub fn new(options: &Options) -> Result<Recorder> {
        let folder = std::env::temp_dir().join(format!("ftl-profile-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Recorder {
            folder,
            instructions: options.instructions,
        })
    }

    fn monitor(&self) -> PathBuf {
        self.folder.join("monitor")
    }

    /// Has the machine listen to the monitor, and the kernel tell where it puts images.
    pub fn prepare(&self, machine: &mut Machine) {
        machine.append.push("ftl.log=debug".to_owned());
        let socket = format!(
            "socket,id=monitor,path={},server=on,wait=off",
            self.monitor().display()
        );
        machine
            .extra
            .extend(["-chardev", &socket, "-mon", "chardev=monitor,mode=readline"].map(Into::into));
    }

    /// How often each address is executed from now on.
    pub fn record(&self) -> Result<Counts> {
        let trace = self.folder.join("trace");
        take(&self.monitor(), &trace, self.instructions * LINE_LEN)?;
        count(File::open(&trace)?, None)
    }

    /// Has a machine that starts now write down everything from this address on.
    pub fn record_all(&self, machine: &mut Machine, first: u64) -> Result<Recording> {
        let trace = self.folder.join("trace");
        nix::unistd::mkfifo(&trace, Mode::S_IRUSR | Mode::S_IWUSR)
            .context("cannot make a pipe for the trace")?;
        machine.append.push("ftl.log=debug".to_owned());
        machine
            .extra
            .extend(["-singlestep", "-d", "exec,nochain", "-D"].map(Into::into));
        machine.extra.push(trace.clone().into());
        Ok(Recording(std::thread::spawn(move || {
            // Opening waits for QEMU to open the other end.
            count(File::open(&trace)?, Some(first))
        })))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Has QEMU write a trace of so many bytes.
fn take(monitor: &Path, trace: &Path, len: u64) -> Result<()> {
    let mut monitor = UnixStream::connect(monitor).context("QEMU's monitor is not there")?;
    let mut answers = monitor.try_clone()?;
    // What it answers is of no use, but has to be read.
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while matches!(answers.read(&mut buffer), Ok(1..)) {}
    });
    let mut ask = |command: &str| writeln!(monitor, "{command}");
    ask("singlestep on")?;
    ask(&format!("logfile {}", trace.display()))?;
    ask("log exec,nochain")?;
    let started = Instant::now();
    while std::fs::metadata(trace).map_or(0, |file| file.len()) < len {
        if started.elapsed() > PATIENCE {
            bail!("QEMU wrote no trace; it has to be one that knows `-d exec`");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    ask("stop")?;
    Ok(())
}

/// How often each address was executed, from where one was executed for the first time.
fn count(trace: impl Read, first: Option<u64>) -> Result<Counts> {
    let mut counts = Counts::new();
    let mut begun = first.is_none();
    let mut trace = BufReader::with_capacity(1 << 20, trace);
    let mut line = Vec::new();
    while trace.read_until(b'\n', &mut line)? > 0 {
        if let Some(address) = std::str::from_utf8(&line).ok().and_then(address) {
            begun = begun || first == Some(address);
            if begun {
                *counts.entry(address).or_default() += 1;
            }
        }
        line.clear();
    }
    Ok(counts)
}

/// Reads `Trace 0: 0x7f… [00000000/ffffffff80001234/…/…] `.
fn address(line: &str) -> Option<u64> {
    let inside = line.strip_prefix("Trace ")?.split_once('[')?.1;
    u64::from_str_radix(inside.split('/').nth(1)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let line = "Trace 0: 0x7f2c48000100 [00000000/ffffffff80001234/00000000/ff000001] ";
        assert_eq!(address(line), Some(0xffff_ffff_8000_1234));
        assert_eq!(address("Stopped execution of TB chain"), None);
    }

    #[test]
    fn what_runs_before_the_first_address_is_not_counted() {
        let trace = "Trace 0: 0x0 [0/10/0/0]\nTrace 0: 0x0 [0/20/0/0]\nTrace 0: 0x0 [0/10/0/0]\n";
        let counts = count(trace.as_bytes(), Some(0x20)).unwrap();
        assert_eq!(counts, HashMap::from([(0x10, 1), (0x20, 1)]));
        assert_eq!(count(trace.as_bytes(), None).unwrap()[&0x10], 2);
    }
}

//! Watches over a machine, and keeps a dump when something in it crashes.
//!
//! The kernel comes by two places when it has panicked and when a component has crashed (`kernel/src/crash.rs`). QEMU's stub
//! for debuggers stops the machine there, before anything is cleaned up; its monitor writes the memory; and the machine
//! goes on. The guest knows nothing of it, and its clock stands still meanwhile.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSymbol};

use super::monitor::Monitor;
use super::stub::{Stop, Stub};
use super::{Dump, core, tables};
use crate::arch::Arch;
use crate::build::{self, Built};

/// Dumps of components that one run keeps at most: the first crash tells more than the tenth.
const COMPONENTS_MAX: usize = 3;

/// What is worth a dump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum When {
    /// Any crash: of the kernel, and the first ones of components
    #[default]
    Crash,
    /// A panic of the kernel
    Panic,
    /// Nothing
    Never,
}

/// Sockets of a machine that is to be started.
pub struct Sockets {
    folder: PathBuf,
}

impl Sockets {
    /// Makes a folder for them.
    pub fn new() -> Result<Sockets> {
        let folder = std::env::temp_dir().join(format!("ftl-dump-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Sockets { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// QEMU's arguments that make them, and have the machine wait for us.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec![OsString::from("-S")];
        for (name, option, value) in [
            ("stub", "-gdb", "chardev:ftl-stub"),
            ("monitor", "-mon", "chardev=ftl-monitor,mode=control"),
        ] {
            // In such a list a comma is written twice.
            let path = self.path(name).display().to_string().replace(',', ",,");
            let chardev = format!("socket,id=ftl-{name},path={path},server=on,wait=off");
            arguments.extend(["-chardev", &chardev, option, value].map(OsString::from));
        }
        arguments
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What a run is, for those who read its dumps.
#[derive(Clone)]
pub struct Run {
    /// The source tree.
    pub root: PathBuf,
    /// The CPU.
    pub arch: Arch,
    /// What was booted.
    pub built: Built,
}

/// Watches over one machine.
pub struct Keeper {
    thread: JoinHandle<Vec<Dump>>,
    ended: Arc<AtomicBool>,
    asking: std::sync::mpsc::Receiver<UnixStream>,
    asked: Option<UnixStream>,
}

impl Keeper {
    /// Lets the machine go that was started with these sockets, and watches over it.
    pub fn start(run: Run, sockets: Sockets, when: When) -> Keeper {
        let ended = Arc::new(AtomicBool::new(false));
        let (sender, asking) = std::sync::mpsc::channel();
        let is_over = Arc::clone(&ended);
        let thread = std::thread::spawn(move || {
            let mut kept = Vec::new();
            let stub = connect(&sockets.path("stub"), &is_over);
            let monitor = connect(&sockets.path("monitor"), &is_over);
            let (Ok(stub), Ok(monitor)) = (stub, monitor) else {
                // QEMU has ended, and the run says so.
                return kept;
            };
            if let Ok(asking) = stub.try_clone() {
                let _ = sender.send(asking);
            }
            let watched = Watch::new(&run, stub, monitor).and_then(|mut watch| {
                let ended = watch.until_end(when, &is_over, &mut kept);
                if ended.is_err() {
                    watch.let_go();
                }
                ended
            });
            if let (Err(error), false) = (watched, is_over.load(Ordering::Relaxed)) {
                say!("ftl: no dumps can be kept of this run: {error:#}");
            }
            kept
        });
        Keeper {
            thread,
            ended,
            asking,
            asked: None,
        }
    }

    /// Has a dump made now.
    pub fn ask(&mut self) {
        if self.asked.is_none() {
            self.asked = self.asking.try_recv().ok();
        }
        if let Some(stub) = &mut self.asked {
            // What Ctrl-C in a debugger sends.
            let _ = stub.write_all(&[3]);
        }
    }

    /// QEMU has ended, or is about to: gives the dumps that were kept.
    pub fn finish(self) -> Vec<Dump> {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// Connects to a socket once it is there.
fn connect(path: &Path, is_over: &AtomicBool) -> Result<UnixStream> {
    loop {
        if let Ok(stream) = UnixStream::connect(path) {
            return Ok(stream);
        }
        if is_over.load(Ordering::Relaxed) {
            bail!("QEMU has ended");
        }
        // QEMU makes its sockets before anything else; nothing tells when.
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A machine that stops at crashes.
struct Watch<'a> {
    run: &'a Run,
    stub: Stub,
    monitor: Monitor,
    panicked: u64,
    crashed: u64,
}

impl Watch<'_> {
    fn new(run: &Run, stub: UnixStream, monitor: UnixStream) -> Result<Watch<'_>> {
        let kernel = run.built.unstripped.get("kernel");
        let kernel = build::read(kernel.context("the kernel is gone")?)?;
        let kernel = object::File::parse(kernel.as_slice())?;
        let symbol = |name: &str| {
            let symbol = kernel.symbol_by_name(name);
            let symbol = symbol.with_context(|| format!("the kernel has no `{name}`"));
            symbol.map(|symbol| symbol.address())
        };
        let mut monitor = Monitor::new(monitor)?;
        let watch = symbol("kernel_panicked")
            .and_then(|panicked| Ok((panicked, symbol("component_crashed")?)))
            .and_then(|places| Ok((places, Stub::new(stub)?)));
        match watch {
            Ok(((panicked, crashed), stub)) => Ok(Watch {
                run,
                stub,
                monitor,
                panicked,
                crashed,
            }),
            Err(error) => {
                monitor.go_on()?;
                Err(error)
            }
        }
    }

    /// The run goes on without us.
    fn let_go(&mut self) {
        for place in [self.panicked, self.crashed] {
            let _ = self.stub.breakpoint(place, false);
        }
        let _ = self.stub.let_go();
    }

    /// Keeps dumps until the machine ends.
    fn until_end(&mut self, when: When, is_over: &AtomicBool, kept: &mut Vec<Dump>) -> Result<()> {
        self.stub.breakpoint(self.panicked, true)?;
        if when == When::Crash {
            self.stub.breakpoint(self.crashed, true)?;
        }
        let mut known = BTreeSet::new();
        loop {
            let stop = match self.stub.go_on() {
                Ok(stop) => stop,
                // It has ended.
                Err(_) => return Ok(()),
            };
            let Stop::Trap(cpu) = stop else {
                let cpu = self.stub.cpus()?.first().cloned().unwrap_or_default();
                self.stub.select(&cpu)?;
                self.keep("as asked for", &cpu, kept);
                continue;
            };
            self.stub.select(&cpu)?;
            let at = self.stub.register(PROGRAM_COUNTER)?;
            if at == self.panicked {
                self.keep("kernel panic", &cpu, kept);
            } else if at == self.crashed {
                let name = self.crashed_name()?;
                if known.len() < COMPONENTS_MAX && known.insert(name.clone()) {
                    self.keep(&format!("{name} crashed"), &cpu, kept);
                }
            } else {
                bail!("the machine stopped at {at:#x}, where it was not to");
            }
            // Over the breakpoint.
            self.stub.breakpoint(at, false)?;
            if self.stub.step(&cpu).is_err() || is_over.load(Ordering::Relaxed) {
                return Ok(());
            }
            let enough = at == self.crashed && known.len() >= COMPONENTS_MAX;
            if !enough {
                self.stub.breakpoint(at, true)?;
            }
        }
    }

    /// The component that has crashed: the two arguments of `component_crashed`.
    fn crashed_name(&mut self) -> Result<String> {
        let first = match self.run.arch {
            Arch::Riscv64 => 10,
            Arch::Arm64 => 0,
        };
        let at = self.stub.register(first)?;
        let len = self.stub.register(first + 1)?.min(64) as usize;
        let bytes = self.stub.memory(at, len)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Keeps a dump of the machine as it stands there. A run is more important than its dumps: what goes wrong is said.
    fn keep(&mut self, what: &str, cpu: &str, kept: &mut Vec<Dump>) {
        match self.write(what, cpu) {
            Ok(dump) => kept.push(dump),
            Err(error) => say!("ftl: no dump could be kept ({what}): {error:#}"),
        }
    }

    fn write(&mut self, what: &str, cpu: &str) -> Result<Dump> {
        let mut registers = Vec::new();
        for name in tables::roots(self.run.arch) {
            let number = self.stub.register_named(name)?;
            registers.push(self.stub.register(number)?);
        }
        let cpus = self.stub.cpus()?;
        let cpu = cpus.iter().position(|known| known == cpu).unwrap_or(0);
        Dump::make(self.run, what, cpu, |folder| {
            let raw = folder.join("raw");
            self.monitor.dump(&raw)?;
            core::write(self.run.arch, &raw, &registers, &folder.join(super::MEMORY))?;
            Ok(std::fs::remove_file(raw)?)
        })
    }
}

/// The stub's number of the program counter, on both architectures.
const PROGRAM_COUNTER: u32 = 32;

//! `./ftl debug`: a system in QEMU with gdb on it, which knows the symbols of the kernel and of each component where
//! it is loaded, and the commands in `tools/ftl/gdb/ftl.py`.
//!
//! gdb has the terminal. What the machine's UART says goes to a file, whose name is printed.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::arch::Arch;
use crate::build::Built;
use crate::doctor;
use crate::qemu::Machine;
use crate::workspace;

/// Starts the machine, which stands still before its first instruction, and runs gdb until that ends. With `commands`, gdb
/// runs those and no more.
pub fn debug(root: &Path, machine: Machine, built: &Built, commands: &[String]) -> Result<u8> {
    let arch = machine.arch;
    let kernel = built
        .unstripped
        .get("kernel")
        .context("the kernel is gone")?;
    let folder = workspace::build_folder(root, arch);
    let mut gdb = gdb(arch, kernel, &built.archive.with_extension("json"))?;
    gdb.args(["-iex", "set breakpoint pending on"]);
    let socket = folder.join(format!("gdb-{}", std::process::id()));
    // One for each run: two that go on at the same time do not write over each other.
    let log = folder.join(format!("debug-{}.log", std::process::id()));
    // At its prompt, Ctrl-C is gdb's way to stop the machine: it is not for us, and not for QEMU.
    let person = commands.is_empty();
    if person {
        ctrlc::set_handler(|| {}).context("cannot handle signals")?;
    }
    let running = start(machine, &socket, &log, person)?;
    say!("the machine's UART goes to {}", log.display());
    let target = format!("target remote {}", socket.display());
    gdb.args(["-ex".into(), OsString::from(target)]);
    gdb.arg("-ex").arg(source(root));
    let code = run(&mut gdb, commands);
    drop(running);
    code
}

/// gdb for a kernel. `images` is a file in which the command finds the unstripped images of components.
pub fn gdb(arch: Arch, kernel: &Path, images: &Path) -> Result<Command> {
    let gdb = doctor::find_gdb().context("there is no gdb; `./ftl doctor` mends that")?;
    let mut gdb = Command::new(gdb);
    gdb.arg("-quiet").arg(kernel);
    gdb.env("FTL_IMAGES", images);
    for words in [
        &format!("set architecture {}", architecture(arch)),
        "set language rust",
        "set confirm off",
        "set pagination off",
    ] {
        gdb.args(["-iex", words]);
    }
    Ok(gdb)
}

/// gdb's command that brings ours.
pub fn source(root: &Path) -> String {
    format!("source {}", root.join("tools/ftl/gdb/ftl.py").display())
}

/// Has gdb run commands and end, or ask at a prompt if there are none.
pub fn run(gdb: &mut Command, commands: &[String]) -> Result<u8> {
    for words in commands {
        gdb.args(["-ex", words]);
    }
    if !commands.is_empty() {
        gdb.arg("-batch");
    }
    let status = gdb.status().context("cannot start gdb")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(1))
}

/// What gdb calls a machine.
fn architecture(arch: Arch) -> &'static str {
    match arch {
        Arch::Riscv64 => "riscv:rv64",
        Arch::Arm64 => "aarch64",
    }
}

/// QEMU, ended with this.
struct Running {
    qemu: std::process::Child,
    socket: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Starts QEMU with its CPUs standing still, and waits until gdb can reach it. `apart` keeps signals from the terminal from it.
fn start(mut machine: Machine, socket: &Path, log: &Path, apart: bool) -> Result<Running> {
    let _ = std::fs::remove_file(socket);
    let path = socket.display().to_string().replace(',', ",,");
    machine.extra.extend(
        [
            "-S",
            "-chardev",
            &format!("socket,id=gdb,path={path},server=on,wait=off"),
            "-gdb",
            "chardev:gdb",
        ]
        .map(OsString::from),
    );
    let qemu = doctor::find_program(machine.arch.qemu()).context("QEMU is gone")?;
    let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut qemu = Command::new(qemu);
    qemu.args(machine.arguments());
    qemu.stdin(Stdio::null()).stdout(log);
    if apart {
        qemu.process_group(0);
    }
    let qemu = qemu.spawn().context("cannot start QEMU")?;
    let mut running = Running {
        qemu,
        socket: socket.to_owned(),
    };
    while !socket.exists() {
        if let Some(status) = running.qemu.try_wait()? {
            bail!("QEMU ended ({status}) before gdb could look at it");
        }
        std::thread::yield_now();
    }
    Ok(running)
}

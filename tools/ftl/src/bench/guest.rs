//! Booting a machine that measures itself.
//!
//! The guest writes each figure as a line with [`PREFIX`] and JSON after it. The machine has one
//! CPU and a fixed seed, so each run of one build gives the same figures to the last instruction.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Wanted;
use super::figure::Figure;
use crate::arch::Arch;
use crate::build::{self, Built, Request};
use crate::disk::Images;
use crate::qemu::{Bus, Machine};
use crate::run::{self, End};
use crate::systems::{self, Isolation, Setting, Variant};

/// What a line with a figure has before its JSON.
pub const PREFIX: &str = "FTL-BENCH ";
/// A machine that says nothing for so long has got stuck.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Everything that `components/tests/bench_kernel` measures, if it is wanted.
pub fn kernel(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let built = build::build(root, wanted.arch, &kernel_request(wanted))?;
    figures(&machine(wanted, &built))
}

/// What files cost: the client in the kernel's address space, the file server in one of its own, and a disk
/// that is made for it.
pub fn files(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    with_disk(
        root,
        wanted,
        &[],
        |_| Ok(()),
        |_, machine| figures(&machine),
    )
}

/// What [`files_by_the_clock`] measures everything else by.
const MEASURE: &str = "fs_time_read_4k";

/// The same by the clock: what QEMU on this computer takes, the disk included. All but a warm read of 4 KiB are multiples of that read in
/// the same run, since nanoseconds tell of the computer.
pub fn files_by_the_clock(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let by_the_clock = |_: &Built, machine: Machine| {
        figures(&Machine {
            icount: false,
            ..machine
        })
    };
    let figures = with_disk(
        root,
        wanted,
        &["bench_files.wall=true"],
        |_| Ok(()),
        by_the_clock,
    )?;
    let measure = figures.iter().find(|figure| figure.name == MEASURE);
    let measure = measure.map_or(f64::NAN, |figure| figure.median);
    let as_multiple = |figure: Figure| match figure.name.as_str() {
        MEASURE => figure,
        _ => figure.as_multiple_of(measure),
    };
    Ok(figures.into_iter().map(as_multiple).collect())
}

/// What it costs to look for a file in directories of these sizes, which are made on this computer.
pub fn large_directories(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let mut found = Vec::new();
    for count in [100, 10_000, 100_000, 1_000_000] {
        found.extend(with_large_directory(
            root,
            wanted,
            count,
            &[],
            |_, machine| figures(&machine),
        )?);
    }
    Ok(found)
}

/// Makes a disk with a directory of so many files, and boots what looks for some of them.
pub fn with_large_directory<T>(
    root: &Path,
    wanted: &Wanted,
    count: u32,
    settings: &[&str],
    run: impl FnOnce(&Built, Machine) -> Result<T>,
) -> Result<T> {
    let cargo = std::process::Command::new("cargo")
        .current_dir(root)
        .args(["build", "--quiet", "--package", "ftl-disk"])
        .status()
        .context("cannot start cargo")?;
    if !cargo.success() {
        bail!("the program for disk images could not be built");
    }
    let make = |disk: &Path| {
        let status = std::process::Command::new(root.join("target/debug/ftl-disk"))
            .arg("fill")
            .arg(disk)
            .arg(count.to_string())
            .status()
            .context("cannot start the program for disk images")?;
        match status.success() {
            true => Ok(()),
            false => bail!("no disk with {count} files could be made"),
        }
    };
    with_disk(root, wanted, settings, make, run)
}

/// Prepares the machine that does one of the things with files again and again, for a profile.
pub fn repeating_files<T>(
    root: &Path,
    wanted: &Wanted,
    name: &str,
    run: impl FnOnce(&Built, Machine) -> Result<T>,
) -> Result<T> {
    let repeat = format!("bench_files.repeat={name}");
    with_disk(root, wanted, &[&repeat], |_| Ok(()), run)
}

/// Prepares the machine that measures files, with a disk that `make` may have made before, and has `run` boot it.
fn with_disk<T>(
    root: &Path,
    wanted: &Wanted,
    settings: &[&str],
    make: impl FnOnce(&Path) -> Result<()>,
    run: impl FnOnce(&Built, Machine) -> Result<T>,
) -> Result<T> {
    let workspace = systems::refresh(root)?;
    let settings: Vec<Setting> = settings
        .iter()
        .map(|setting| setting.parse().map_err(anyhow::Error::msg))
        .collect::<Result<_>>()?;
    let variant = Variant {
        system: "bench_files",
        settings: &settings,
        ..Variant::default()
    };
    let request = systems::request(&workspace, wanted.arch, &variant)?;
    let built = build::build(root, wanted.arch, &request)?;
    let folder = std::env::temp_dir().join(format!("ftl-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let disk = folder.join("disk.img");
    let result = make(&disk)
        .and_then(|()| Images::open(&disk))
        .and_then(|images| {
            let machine = Machine {
                // While the disk is at work the clock has to go on with the host's, or calls seem to take for ever.
                seed: None,
                extra: images.arguments(Bus::Mmio),
                ..machine(wanted, &built)
            };
            run(&built, machine)
        });
    std::fs::remove_dir_all(&folder)?;
    result
}

/// What a request costs a system with a web server, with all its components isolated each way.
pub fn http(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let mut found = Vec::new();
    for isolation in [Isolation::Kernel, Isolation::User] {
        if wanted.isolation.is_some_and(|only| only != isolation) {
            continue;
        }
        let built = build::build(
            root,
            wanted.arch,
            &http_request(root, wanted.arch, isolation, false)?,
        )?;
        found.extend(figures(&machine(wanted, &built))?);
        let request = local_request(root, wanted.arch, isolation, false)?;
        let built = build::build(root, wanted.arch, &request)?;
        found.extend(figures(&machine(wanted, &built))?);
    }
    Ok(found)
}

/// What boots to measure requests of the machine to itself; `repeat` has them go on without end.
pub fn local_request(
    root: &Path,
    arch: Arch,
    isolation: Isolation,
    repeat: bool,
) -> Result<Request> {
    measuring(root, arch, isolation, "bench_web", repeat)
}

/// What boots to measure requests; `repeat` has them go on without end.
pub fn http_request(
    root: &Path,
    arch: Arch,
    isolation: Isolation,
    repeat: bool,
) -> Result<Request> {
    measuring(root, arch, isolation, "bench_http", repeat)
}

/// A system with a component that measures, which is told its case.
fn measuring(
    root: &Path,
    arch: Arch,
    isolation: Isolation,
    system: &str,
    repeat: bool,
) -> Result<Request> {
    let component = match system {
        "bench_http" => "bench_wire",
        other => other,
    };
    let mut settings = vec![format!("{component}.case={}", isolation.name())];
    if repeat {
        settings.push(format!("{component}.repeat=true"));
    }
    let settings = settings
        .iter()
        .map(|setting| setting.parse().map_err(anyhow::Error::msg))
        .collect::<Result<Vec<_>>>()?;
    let workspace = systems::refresh(root)?;
    let variant = Variant {
        system,
        isolation: Some(isolation),
        settings: &settings,
        ..Variant::default()
    };
    systems::request(&workspace, arch, &variant)
}

/// What boots to measure the kernel.
pub fn kernel_request(wanted: &Wanted) -> Request {
    let mut words: Vec<String> = wanted
        .names
        .iter()
        .map(|name| name.split('/').next().unwrap_or(name).to_owned())
        .collect();
    if let Some(samples) = wanted.samples {
        words.push(format!("samples={samples}"));
    }
    Request {
        name: "bench-kernel".to_owned(),
        bench: Some(words.join(" ")),
        components: ["bench_stamp", "bench_sleeper"]
            .map(|name| (name.to_owned(), name.to_owned()))
            .to_vec(),
        ..Request::init_alone("bench_kernel")
    }
}

/// One CPU on which everything repeats.
pub fn machine(wanted: &Wanted, built: &Built) -> Machine {
    Machine {
        arch: wanted.arch,
        kernel: built.kernel.clone(),
        archive: built.archive.clone(),
        smp: 1,
        mem: "256M".to_owned(),
        bus: Default::default(),
        ports: Vec::new(),
        icount: true,
        seed: Some(1),
        reboot: false,
        append: Vec::new(),
        host_port: None,
        terminal: None,
        firmware: None,
        tap: None,
        extra: Vec::new(),
    }
}

/// Boots a machine, waits until it shuts itself down, and gives the figures that it wrote.
pub fn figures(machine: &Machine) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut last_lines: Vec<String> = Vec::new();
    let mut end = None;
    watch(machine, PATIENCE, |line| {
        if let Some((_, json)) = line.split_once(PREFIX) {
            figures.push(
                serde_json::from_str(json).with_context(|| format!("the guest wrote `{line}`"))?,
            );
        } else {
            end = End::from_line(line.trim_end()).or(end);
            last_lines.push(line.to_owned());
        }
        Ok(end.is_none())
    })?;
    if end != Some(End::Shutdown(0)) {
        let tail = last_lines.len().saturating_sub(20);
        bail!(
            "the machine that measures ended with {end:?}:\n{}",
            last_lines[tail..].join("\n")
        );
    }
    Ok(figures)
}

/// Boots a machine and shows `look` each line of its log until that wants no more, or it ends, or it
/// says nothing for so long, which is an error.
pub fn watch(
    machine: &Machine,
    patience: Duration,
    mut look: impl FnMut(&str) -> Result<bool>,
) -> Result<()> {
    let mut qemu = run::start(machine)?;
    let output = qemu.stdout.take().context("QEMU has no output")?;
    let errors = qemu.stderr.take().context("QEMU has no error output")?;
    let complaints = std::thread::spawn(move || {
        BufReader::new(errors)
            .lines()
            .map_while(Result::ok)
            .collect::<Vec<_>>()
    });
    let (sender, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    let started = Instant::now();
    let result = loop {
        match lines.recv_timeout(patience) {
            Ok(line) => match look(&line) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            },
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break Ok(()),
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                break Err(anyhow::anyhow!(
                    "the machine said nothing for {} s ({} s after its start)",
                    patience.as_secs(),
                    started.elapsed().as_secs()
                ));
            }
        }
    };
    let _ = qemu.kill();
    let _ = qemu.wait();
    for line in complaints.join().unwrap_or_default() {
        if !line.contains("terminating on signal") {
            say!("{line}");
        }
    }
    result
}

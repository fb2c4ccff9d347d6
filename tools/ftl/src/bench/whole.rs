//! Figures of whole systems: booting, size, memory, rest, the web server as seen from outside, and how work
//! grows with components and CPUs.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Wanted;
use super::figure::Figure;
use super::guest;
use super::outside::{self, Server};
use super::tap;
use crate::build::{self, Built, Request};
use crate::qemu::{Machine, Port};
use crate::systems::{self, Isolation, Variant};

/// The system that `make run` starts.
const DEFAULT: &str = "default";
/// What init says when all components run.
pub const COMPONENTS_UP: &str = " components up after ";

/// What a shell says when somebody can type, to those who want to know everything.
const PROMPT: &str = "shell: shows its first prompt";

/// How long a terminal is waited for that does not say how large it is (`components/servers/terminal/src/line.rs`). Nobody answers
/// here: when the answer of a program on this computer comes depends on what else that does, and the machine's clock goes on.
const TERMINAL_PATIENCE: Duration = Duration::from_millis(200);

/// What a client inside the machine says.
const FIRST_ANSWER: &str = "bench_wire: has the first answer";

/// How many components there are while a call is measured.
const AMONG: [usize; 4] = [1, 10, 100, 1000];
/// CPUs at most of the machine on which throughput grows.
const CPUS_MAX: usize = 4;
/// How long a machine with little memory may take to come up and to serve a page. One that has too
/// little does neither, and several are tried.
const SERVES_WITHIN: Duration = Duration::from_secs(10);
/// Connections from outside.
const CONNECTIONS: [usize; 3] = [1, 64, 1000];

fn variant(system: &str, isolation: Option<Isolation>) -> Variant<'_> {
    Variant {
        system,
        isolation,
        ..Variant::default()
    }
}

fn default_system(root: &Path, wanted: &Wanted, isolation: Option<Isolation>) -> Result<Built> {
    let workspace = systems::refresh(root)?;
    let request = systems::request(&workspace, wanted.arch, &variant(DEFAULT, isolation))?;
    build::build(root, wanted.arch, &request)
}

/// From the kernel's first instruction until all components of the default system run.
pub fn boot(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    boot_until(root, wanted, "boot_to_components_up")
}

/// From the kernel's first instruction until the shell at the default system's console has shown its prompt. The shell
/// tells of it only in a log in which everything is told, so all those lines are counted, too.
pub fn boot_to_prompt(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    boot_until(root, wanted, "boot_to_prompt")
}

fn boot_until(root: &Path, wanted: &Wanted, name: &str) -> Result<Vec<Figure>> {
    let end = boot_end(name).context("a boot that ends")?;
    let (_, machine) = booting(root, wanted, name, None)?;
    let mut nanos = time_of(&machine, end)?;
    if name == "boot_to_prompt" {
        nanos -= TERMINAL_PATIENCE.as_nanos() as f64;
        if nanos < 0.0 {
            bail!("the prompt came before the terminal could be waited for");
        }
    }
    Ok(vec![Figure::one(name, "", "instructions", nanos)])
}

/// What the log says when a boot is over; nothing if the figure is not that of a boot.
pub fn boot_end(name: &str) -> Option<&'static str> {
    match name {
        "boot_to_components_up" => Some(COMPONENTS_UP),
        "boot_to_prompt" => Some(PROMPT),
        "boot_to_http_answer" => Some(FIRST_ANSWER),
        _ => None,
    }
}

/// The system, and the machine whose boot is measured.
pub fn booting(
    root: &Path,
    wanted: &Wanted,
    name: &str,
    isolation: Option<Isolation>,
) -> Result<(Built, Machine)> {
    let built = match name {
        "boot_to_components_up" => Some(default_system(root, wanted, None)?),
        "boot_to_http_answer" => {
            let isolation = isolation.context("name the case: /kernel or /user")?;
            let request = guest::http_request(root, wanted.arch, isolation, false)?;
            Some(build::build(root, wanted.arch, &request)?)
        }
        _ => None,
    };
    if let Some(built) = built {
        let machine = guest::machine(wanted, &built);
        return Ok((built, machine));
    }
    let workspace = systems::refresh(root)?;
    let variant = Variant {
        console: true,
        ..variant(DEFAULT, None)
    };
    let request = systems::request(&workspace, wanted.arch, &variant)?;
    let built = build::build(root, wanted.arch, &request)?;
    let mut machine = guest::machine(wanted, &built);
    machine.append.push("ftl.log=debug".to_owned());
    Ok((built, machine))
}

/// When the machine's log said this, in nanoseconds since the kernel's start, which are instructions.
fn time_of(machine: &Machine, words: &str) -> Result<f64> {
    let mut found = None;
    guest::watch(machine, guest::PATIENCE, |line| {
        if line.contains(words) {
            found = log_time(line);
        }
        Ok(found.is_none())
    })?;
    found.context("the system did not come up")
}

/// When a line was written, in nanoseconds since the kernel's start: `[   0.012345] …`. A shell's line may stand before it.
fn log_time(line: &str) -> Option<f64> {
    let (_, time) = line.split_once("[  ")?;
    let seconds: f64 = time.split_once(']')?.0.trim().parse().ok()?;
    Some((seconds * 1e9).round())
}

/// What is shipped: bytes of the kernel and of each image of the default system.
pub fn sizes(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let built = default_system(root, wanted, None)?;
    let bytes = |path: &Path| -> Result<f64> { Ok(std::fs::metadata(path)?.len() as f64) };
    let mut figures = vec![
        Figure::one("size_kernel", "", "bytes", bytes(&built.kernel)?),
        Figure::one("size_archive", "", "bytes", bytes(&built.archive)?),
    ];
    for (name, path) in &built.unstripped {
        if name != "kernel" {
            let stripped = crate::image::strip(&std::fs::read(path)?)?;
            let len = stripped.len() as f64;
            figures.push(Figure::one(&format!("size_{name}"), "", "bytes", len));
        }
    }
    Ok(figures)
}

/// The least memory with which the default system comes up and serves its page.
pub fn least_memory(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let built = default_system(root, wanted, None)?;
    let serves = |mib: u32| -> Result<bool> {
        let mut machine = real_machine(wanted, &built)?;
        machine.mem = format!("{mib}M");
        let port = machine.ports[0].host;
        let mut served = false;
        let watched = guest::watch(&machine, SERVES_WITHIN, |line| {
            if line.contains(COMPONENTS_UP) {
                served = Server::wait(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port), SERVES_WITHIN)
                    .and_then(|server| server.get("/"))
                    .is_ok_and(|page| !page.is_empty());
                return Ok(false);
            }
            Ok(!line.starts_with("FTL-EXIT"))
        });
        // A machine that says nothing is one that has too little.
        Ok(watched.is_ok() && served)
    };
    let (mut too_little, mut enough) = (1, 128);
    if !serves(enough)? {
        bail!("the default system does not serve its page with {enough} MiB");
    }
    while enough - too_little > 1 {
        let middle = (enough + too_little) / 2;
        if serves(middle)? {
            enough = middle;
        } else {
            too_little = middle;
        }
    }
    // QEMU lays the archive in the middle and the device tree at a round address near the end, and refuses some sizes
    // in which they meet, while they do not in a smaller one.
    for mib in (enough.saturating_sub(4).max(1)..enough).rev() {
        if serves(mib)? {
            enough = mib;
        }
    }
    Ok(vec![Figure::one(
        "least_memory",
        "",
        "MiB",
        f64::from(enough),
    )])
}

/// How often the default system wakes up when nobody wants anything from it.
pub fn idle(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let workspace = systems::refresh(root)?;
    let request = systems::request(&workspace, wanted.arch, &variant("bench_idle", None))?;
    let built = build::build(root, wanted.arch, &request)?;
    guest::figures(&guest::machine(wanted, &built))
}

/// What a packet costs the TCP/IP stack while more and more connections are open.
pub fn sockets(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let workspace = systems::refresh(root)?;
    let request = systems::request(&workspace, wanted.arch, &variant("bench_net", None))?;
    let built = build::build(root, wanted.arch, &request)?;
    let mut machine = guest::machine(wanted, &built);
    machine.mem = "512M".to_owned();
    let mut figures = guest::figures(&machine)?;
    let median = |name: &str| {
        let figure = figures.iter().find(|figure| figure.name == name);
        figure.map(|figure| figure.median)
    };
    if let (Some(few), Some(many)) = (median("packet_among_10"), median("packet_among_10000")) {
        figures.push(Figure::one(
            "packet_among_10000_to_10",
            "",
            "times",
            many / few,
        ));
    }
    Ok(figures)
}

/// What a call costs while more and more other components exist.
pub fn components(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let mut figures: Vec<Figure> = Vec::new();
    for count in AMONG {
        let request = Request {
            bench: Some(format!("rpc_64 sleepers={count}")),
            ..guest::kernel_request(wanted)
        };
        let built = build::build(root, wanted.arch, &request)?;
        let mut machine = guest::machine(wanted, &built);
        machine.mem = "512M".to_owned();
        for mut figure in guest::figures(&machine)? {
            figure.name = format!("rpc_among_{count}");
            figures.push(figure);
        }
    }
    let mut ratios = Vec::new();
    for few in figures
        .iter()
        .filter(|figure| figure.name == "rpc_among_10")
    {
        let many = figures
            .iter()
            .find(|figure| figure.name == "rpc_among_1000" && figure.case == few.case);
        if let Some(many) = many {
            let ratio = many.median / few.median;
            ratios.push(Figure::one(
                "rpc_among_1000_to_10",
                &few.case,
                "times",
                ratio,
            ));
        }
    }
    figures.extend(ratios);
    Ok(figures)
}

/// How throughput grows with CPUs, as ratios to one CPU's within one run. With more of them than the host has there would be
/// nothing to see but the host's sharing.
pub fn scale(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let cpus = std::thread::available_parallelism().map_or(1, |count| count.get().min(CPUS_MAX));
    let request = Request {
        bench: Some(format!("cpus={cpus}")),
        ..guest::kernel_request(wanted)
    };
    let built = build::build(root, wanted.arch, &request)?;
    let machine = Machine {
        smp: cpus as u32,
        icount: false,
        seed: None,
        ..guest::machine(wanted, &built)
    };
    let figures = guest::figures(&machine)?;
    let mut ratios = Vec::new();
    for figure in &figures {
        let Some((name, _)) = figure.name.rsplit_once('_') else {
            continue;
        };
        let one = figures.iter().find(|one| one.name == format!("{name}_1"));
        if let Some(one) = one {
            ratios.push(figure.clone().as_multiple_of(one.median));
        }
    }
    Ok(ratios)
}

/// What a request from outside costs, driver and all, by the number of connections, and how many are answered in a second.
pub fn http_outside(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    tap::with_cable(|| {
        let mut figures = Vec::new();
        for isolation in isolations(wanted) {
            let wanted = &Wanted {
                isolation: Some(isolation),
                ..wanted.clone()
            };
            let wants = |name: &str| wanted.wants_case(name, isolation.name());
            for connections in CONNECTIONS {
                if wants(&format!("http_outside_{connections}")) {
                    figures.extend(request_costs(root, wanted, connections)?);
                }
                if wants(&format!("http_a_second_{connections}")) {
                    figures.push(requests_a_second(root, wanted, isolation, connections)?);
                }
            }
        }
        Ok(figures)
    })
}

/// What a request from outside costs, at the cable.
pub fn request_costs(root: &Path, wanted: &Wanted, connections: usize) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for isolation in isolations(wanted) {
        let machine = cabled(wanted, &web_system(root, wanted, isolation)?);
        let samples = once_up(&machine, || {
            outside::request_costs(tap::guest(80), connections)
        })?;
        let name = format!("http_outside_{connections}");
        figures.push(Figure::of(&name, isolation.name(), "instructions", samples));
    }
    Ok(figures)
}

fn requests_a_second(
    root: &Path,
    wanted: &Wanted,
    isolation: Isolation,
    connections: usize,
) -> Result<Figure> {
    let machine = Machine {
        icount: false,
        ..cabled(wanted, &web_system(root, wanted, isolation)?)
    };
    let samples = once_up(&machine, || {
        outside::requests_a_second(tap::guest(80), connections)
    })?;
    let name = format!("http_a_second_{connections}");
    Ok(Figure::of(&name, isolation.name(), "a second", samples))
}

/// Boots a machine, and measures from outside when all its components run.
fn once_up(machine: &Machine, mut measure: impl FnMut() -> Result<Vec<f64>>) -> Result<Vec<f64>> {
    let mut samples = None;
    guest::watch(machine, guest::PATIENCE, |line| {
        if line.contains(COMPONENTS_UP) {
            samples = Some(measure()?);
        }
        Ok(samples.is_none())
    })?;
    samples.context("the system did not come up")
}

/// The default system at the cable.
pub fn web_system(root: &Path, wanted: &Wanted, isolation: Isolation) -> Result<Built> {
    at_cable(root, wanted, DEFAULT, isolation, &[])
}

/// The isolations that are wanted.
pub(super) fn isolations(wanted: &Wanted) -> impl Iterator<Item = Isolation> {
    let only = wanted.isolation;
    [Isolation::Kernel, Isolation::User]
        .into_iter()
        .filter(move |isolation| only.is_none_or(|only| only == *isolation))
}

/// A system whose network is the cable.
pub(super) fn at_cable(
    root: &Path,
    wanted: &Wanted,
    system: &str,
    isolation: Isolation,
    settings: &[&str],
) -> Result<Built> {
    let settings = [tap::ADDRESS]
        .iter()
        .chain(settings)
        .map(|setting| setting.parse().map_err(anyhow::Error::msg))
        .collect::<Result<Vec<_>>>()?;
    let workspace = systems::refresh(root)?;
    let variant = Variant {
        settings: &settings,
        ..variant(system, Some(isolation))
    };
    build::build(
        root,
        wanted.arch,
        &systems::request(&workspace, wanted.arch, &variant)?,
    )
}

/// A machine at the cable.
pub fn cabled(wanted: &Wanted, built: &Built) -> Machine {
    Machine {
        seed: None,
        tap: Some(tap::NAME.to_owned()),
        ..guest::machine(wanted, built)
    }
}

/// One CPU in real time, with a way in.
fn real_machine(wanted: &Wanted, built: &Built) -> Result<Machine> {
    let mut port = Port { host: 0, guest: 80 };
    port.claim()?;
    Ok(Machine {
        icount: false,
        seed: None,
        ports: vec![port],
        ..guest::machine(wanted, built)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_log_lines_are_read() {
        assert_eq!(log_time("[   0.012345] init: x"), Some(12_345_000.0));
        let behind = "\x1b[1mftl> \x1b[0m\x1b[K[   0.012345] shell: x";
        assert_eq!(log_time(behind), Some(12_345_000.0));
        assert_eq!(log_time("OpenSBI"), None);
    }
}

//! Where a figure's instructions go: `./ftl bench profile rpc_64/user-user`.
//!
//! The guest does the one operation again and again without end. Meanwhile QEMU is asked, through
//! its monitor, to execute one instruction at a time and to write down the address of each; that is
//! stopped after enough of them. Each address belongs to an image, and the image's debugging data says
//! which function it came from, inlined ones apart. What an operation takes in all is known from
//! measuring it, so shares become instructions of one operation. A figure that is measured from outside
//! (`tcp_send_kib/kernel`, `http_outside_1/user`) is measured first, and then the host goes on without end.
//! A boot (`boot_to_prompt`) happens once: QEMU writes down all of it.
//!
//! - [`recorder`]: the trace.
//! - [`images`]: whose addresses are in it.

mod images;
mod recorder;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use self::images::{Bases, Images};
use self::recorder::{Counts, Recorder};
use super::table::{aligned, number};
use super::{Wanted, bulk, guest, outside, tap, whole};
use crate::build::{self, Built, Request};
use crate::image;
use crate::qemu::Machine;
use crate::systems::Isolation;

/// The guest does nothing but the operation from here on, and each time costs what follows.
const REPEATS: &str = "FTL-BENCH-REPEATS ";
/// How long the machine may take to take part in what is measured from outside.
const PATIENCE: Duration = Duration::from_secs(120);

/// What instructions are added up by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// The function they were written in, inlined or not.
    #[default]
    Function,
    /// The function that the compiler made, with all that is inlined into it.
    Symbol,
    /// The source line.
    Line,
    /// The process.
    Image,
    /// Nothing: each address by itself.
    Address,
}

/// How to make a profile.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to add up by.
    pub by: By,
    /// How many instructions to look at.
    pub instructions: u64,
    /// How many lines to show.
    pub lines: usize,
}

/// Measures the one figure that is wanted, and gives the table of where its instructions go.
pub fn profile(root: &Path, wanted: &Wanted, options: &Options) -> Result<String> {
    let [id] = &wanted.names[..] else {
        bail!("name one figure, for example rpc_64/user-user");
    };
    let (name, case) = id.split_once('/').unwrap_or((id, ""));
    if let Some(load) = Load::of(name) {
        let isolation = Isolation::from_name(case).context("name the case: /kernel or /user")?;
        return tap::with_cable(|| from_outside(root, wanted, id, load, isolation, options));
    }
    if let Some(end) = whole::boot_end(name) {
        let (built, machine) = whole::booting(root, wanted, name, Isolation::from_name(case))?;
        return boot(root, id, (&built, machine), end, options);
    }
    if let Some(count) = name.strip_prefix("fs_lookup_among_") {
        let count = count.parse().context("name a number of files")?;
        let repeat = format!("bench_files.repeat={name}");
        return guest::with_large_directory(root, wanted, count, &[&repeat], |built, machine| {
            repeated(root, id, built, machine, options)
        });
    }
    if name.starts_with("fs_") {
        return guest::repeating_files(root, wanted, name, |built, machine| {
            repeated(root, id, built, machine, options)
        });
    }
    let request = if name.starts_with("http_request") {
        let isolation = Isolation::from_name(case).context("name the case: /kernel or /user")?;
        match name {
            "http_request_with_client" => guest::local_request(root, wanted.arch, isolation, true)?,
            _ => guest::http_request(root, wanted.arch, isolation, true)?,
        }
    } else {
        let mut words = format!("repeat={name} samples={}", wanted.samples.unwrap_or(100));
        if !case.is_empty() {
            words += &format!(" case={case}");
        }
        Request {
            name: "bench-profile".to_owned(),
            bench: Some(words),
            ..guest::kernel_request(wanted)
        }
    };
    let built = build::build(root, wanted.arch, &request)?;
    repeated(root, id, &built, guest::machine(wanted, &built), options)
}

/// Boots what does one operation again and again.
fn repeated(
    root: &Path,
    id: &str,
    built: &Built,
    mut machine: Machine,
    options: &Options,
) -> Result<String> {
    let recorder = Recorder::new(options)?;
    recorder.prepare(&mut machine);
    let mut bases = Bases::default();
    let mut found = None;
    guest::watch(&machine, guest::PATIENCE, |line| {
        if !bases.look(line)?
            && let Some((_, each)) = line.split_once(REPEATS)
        {
            found = Some((each.parse::<f64>()?, recorder.record()?));
            return Ok(false);
        }
        Ok(true)
    })?;
    let Some((each, counts)) = found else {
        bail!("no figure is called `{id}`; `./ftl bench` lists them");
    };
    let images = Images::new(root, built, &bases)?;
    Ok(shown(id, each, &counts, images, options))
}

/// The same for a boot: everything from the kernel's first instruction until the log says that it is over.
fn boot(
    root: &Path,
    id: &str,
    (built, mut machine): (&Built, Machine),
    end: &str,
    options: &Options,
) -> Result<String> {
    let kernel = std::fs::read(&built.kernel)?;
    let recorder = Recorder::new(options)?;
    let recording = recorder.record_all(&mut machine, image::load_address(&kernel)?)?;
    let mut bases = Bases::default();
    let mut over = false;
    guest::watch(&machine, guest::PATIENCE, |line| {
        over = over || !bases.look(line)? && line.contains(end);
        Ok(!over)
    })?;
    let counts = recording.end()?;
    if !over {
        bail!("the system did not come up");
    }
    let images = Images::new(root, built, &bases)?;
    let total: u64 = counts.values().sum();
    Ok(shown(id, total as f64, &counts, images, options))
}

/// The same for a figure that is measured from outside, over the cable: the host goes on while the trace is written.
fn from_outside(
    root: &Path,
    wanted: &Wanted,
    id: &str,
    load: Load,
    isolation: Isolation,
    options: &Options,
) -> Result<String> {
    let only = Wanted {
        isolation: Some(isolation),
        ..wanted.clone()
    };
    let figures = match load {
        Load::Tcp { .. } => bulk::costs(root, &only)?,
        Load::Requests { connections } => whole::request_costs(root, &only, connections)?,
    };
    let name = id.split('/').next().unwrap_or(id);
    let figure = figures.iter().find(|figure| figure.name == name);
    let each = figure.context("it was not measured")?.median;

    let (built, ready) = match load {
        Load::Tcp { .. } => (
            bulk::system(root, &only, isolation, u32::MAX as usize)?,
            bulk::READY,
        ),
        Load::Requests { .. } => (
            whole::web_system(root, &only, isolation)?,
            whole::COMPONENTS_UP,
        ),
    };
    let recorder = Recorder::new(options)?;
    let mut machine = whole::cabled(&only, &built);
    recorder.prepare(&mut machine);
    let mut bases = Bases::default();
    let mut counts = None;
    guest::watch(&machine, guest::PATIENCE, |line| {
        if bases.look(line)? || !line.contains(ready) {
            return Ok(true);
        }
        let warm = Arc::new(AtomicBool::new(false));
        let going = warm.clone();
        // It ends when the machine does. The thread that has the cable starts it, so it has the cable, too.
        std::thread::spawn(move || match load {
            Load::Tcp { sends } => bulk::without_end(tap::guest(bulk::PORT), sends, &going),
            Load::Requests { connections } => {
                outside::ask_without_end(tap::guest(80), connections, &going)
            }
        });
        let started = Instant::now();
        while !warm.load(Ordering::Acquire) {
            if started.elapsed() > PATIENCE {
                bail!("the machine does not take part");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        counts = Some(recorder.record()?);
        Ok(false)
    })?;
    let counts = counts.context("the system did not come up")?;
    let images = Images::new(root, &built, &bases)?;
    Ok(shown(id, each, &counts, images, options))
}

/// What the host does for a figure that is measured from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    /// It sends, or the machine does.
    Tcp { sends: bool },
    /// It asks for a page over so many connections.
    Requests { connections: usize },
}

impl Load {
    fn of(name: &str) -> Option<Load> {
        match name {
            "tcp_send_kib" => Some(Load::Tcp { sends: true }),
            "tcp_receive_kib" => Some(Load::Tcp { sends: false }),
            _ => {
                let connections = name.strip_prefix("http_outside_")?.parse().ok()?;
                Some(Load::Requests { connections })
            }
        }
    }
}

/// The table, most instructions first (addresses in their order).
fn shown(id: &str, each: f64, counts: &Counts, images: Images, options: &Options) -> String {
    let total: u64 = counts.values().sum();
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (&address, count) in counts {
        *sums.entry(images.name(address, options.by)).or_default() += count;
    }
    let mut sums: Vec<(String, u64)> = sums.into_iter().collect();
    if options.by != By::Address {
        sums.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    }
    let part = |count: u64| count as f64 * each / total.max(1) as f64;
    let mut rows = vec![[
        "instructions".to_owned(),
        "share".to_owned(),
        "where".to_owned(),
    ]];
    let mut left = (0, 0);
    for (index, (name, count)) in sums.iter().enumerate() {
        if index >= options.lines {
            left = (left.0 + 1, left.1 + count);
            continue;
        }
        rows.push(row(part(*count), *count, total, name.clone()));
    }
    if left.0 > 0 {
        rows.push(row(
            part(left.1),
            left.1,
            total,
            format!("{} others", left.0),
        ));
    }
    format!(
        "{id}: {} instructions each time; {} were looked at\n\n{}",
        number(each),
        number(total as f64),
        aligned(&rows, &[true, true, false])
    )
}

fn row(each: f64, count: u64, total: u64, name: String) -> [String; 3] {
    let share = 100.0 * count as f64 / total.max(1) as f64;
    [format!("{each:.1}"), format!("{share:.1} %"), name]
}

//! Where a figure's instructions go: `./ftl bench profile rpc_64/user-user`.
//!
//! The guest does the one operation again and again without end. Meanwhile QEMU is asked, through
//! its monitor, to execute one instruction at a time and to write down the address of each; that is
//! stopped after enough of them. Each address belongs to an image, and the image's debugging data says
//! which function it came from, inlined ones apart. What an operation takes in all is known from
//! measuring it, so shares become instructions of one operation. A figure that is measured from outside
//! (`tcp_send_kib/kernel`, `http_outside_1/user`) is measured first, and then the host goes on without end.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use addr2line::Loader;
use anyhow::{Context, Result, bail};
use object::{Object, ObjectSymbol, SymbolKind};

use super::table::{aligned, number};
use super::{Wanted, guest, outside, tap, whole};
use crate::build::{self, Built, Request};
use crate::image;
use crate::qemu::Machine;
use crate::symbols;
use crate::systems::Isolation;

/// The guest does nothing but the operation from here on, and each time costs what follows.
const REPEATS: &str = "FTL-BENCH-REPEATS ";
/// Where a process's image lies: its name before this, its address after it.
const IMAGE: &str = ": FTL-IMAGE 0x";
/// Bytes of a line of QEMU's trace, more or less.
const LINE_LEN: u64 = 75;
/// How long the trace may take.
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
    if let Some(count) = name.strip_prefix("fs_lookup_among_") {
        let count = count.parse().context("name a number of files")?;
        let repeat = ["bench_files.repeat=true"];
        return guest::with_large_directory(root, wanted, count, &repeat, |built, machine| {
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

/// The table for what a machine repeats.
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
    let images = Images::new(root, built, &bases.0)?;
    Ok(shown(id, each, &counts, images, options))
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
        Load::Tcp { .. } => whole::tcp(root, &only)?,
        Load::Requests { connections } => whole::request_costs(root, &only, connections)?,
    };
    let name = id.split('/').next().unwrap_or(id);
    let figure = figures.iter().find(|figure| figure.name == name);
    let each = figure.context("it was not measured")?.median;

    let (built, ready) = match load {
        Load::Tcp { .. } => (
            whole::tcp_system(root, &only, isolation, true)?,
            whole::BULK_READY,
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
            Load::Tcp { sends } => {
                outside::without_end(tap::guest(whole::BULK_PORT), sends, &going)
            }
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
    let images = Images::new(root, &built, &bases.0)?;
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

/// Where the kernel put images: the process, and the address.
#[derive(Default)]
struct Bases(Vec<(String, u64)>);

impl Bases {
    /// Takes a line of the log; whether it told of one.
    fn look(&mut self, line: &str) -> Result<bool> {
        let Some((before, base)) = line.split_once(IMAGE) else {
            return Ok(false);
        };
        let name = before.rsplit(' ').next().unwrap_or(before);
        self.0
            .push((name.to_owned(), u64::from_str_radix(base, 16)?));
        Ok(true)
    }
}

/// A place for the trace, and the way to QEMU's monitor. Both go with it.
struct Recorder {
    folder: PathBuf,
    instructions: u64,
}

impl Recorder {
    fn new(options: &Options) -> Result<Recorder> {
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
    fn prepare(&self, machine: &mut Machine) {
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
    fn record(&self) -> Result<HashMap<u64, u64>> {
        let trace = self.folder.join("trace");
        take(&self.monitor(), &trace, self.instructions * LINE_LEN)?;
        count(&trace)
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

/// How often each address was executed.
fn count(trace: &Path) -> Result<HashMap<u64, u64>> {
    let mut counts = HashMap::new();
    for line in BufReader::new(File::open(trace)?).split(b'\n') {
        if let Some(address) = address(&String::from_utf8_lossy(&line?)) {
            *counts.entry(address).or_default() += 1;
        }
    }
    Ok(counts)
}

/// Reads `Trace 0: 0x7f… [00000000/ffffffff80001234/…/…] `.
fn address(line: &str) -> Option<u64> {
    let inside = line.strip_prefix("Trace ")?.split_once('[')?.1;
    u64::from_str_radix(inside.split('/').nth(1)?, 16).ok()
}

/// The images that run, to look addresses up in.
struct Images {
    root: PathBuf,
    images: Vec<Placed>,
}

/// An image where it lies.
struct Placed {
    name: String,
    at: u64,
    len: u64,
    /// Where its own addresses begin.
    base: u64,
    loader: Loader,
    /// Its functions: where each begins in its own addresses, in order.
    functions: Vec<(u64, String)>,
}

impl Images {
    fn new(root: &Path, built: &Built, bases: &[(String, u64)]) -> Result<Images> {
        let mut images = Images {
            root: root.to_owned(),
            images: Vec::new(),
        };
        for (name, path) in &built.unstripped {
            let bytes = std::fs::read(path)?;
            let base = image::base(&bytes)?;
            if name == "kernel" {
                images.add(name, base, base, &bytes, path)?;
                continue;
            }
            for (process, at) in bases {
                // Names of processes are names of images, but for parts that init plays.
                let image = built
                    .unstripped
                    .keys()
                    .find(|image| *image == process || image.ends_with(&format!("_{process}")));
                if image.map_or("init", String::as_str) == name {
                    images.add(process, *at, base, &bytes, path)?;
                }
            }
        }
        Ok(images)
    }

    fn add(&mut self, name: &str, at: u64, base: u64, bytes: &[u8], path: &Path) -> Result<()> {
        let loader =
            Loader::new(path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        let file = object::File::parse(bytes)?;
        // Assemblers leave labels behind, too, which are no functions.
        let mut functions: Vec<(u64, String)> = file
            .symbols()
            .filter(|symbol| {
                // Functions in assembly have no kind.
                matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Unknown)
            })
            .filter_map(|symbol| Some((symbol.address(), symbol.name().ok()?.to_owned())))
            .filter(|(_, name)| !name.starts_with(".L") && !name.starts_with('$'))
            .collect();
        functions.sort();
        self.images.push(Placed {
            name: name.to_owned(),
            at,
            len: image::len(bytes)?,
            base,
            loader,
            functions,
        });
        Ok(())
    }

    /// What an address is called, for adding up.
    fn name(&self, address: u64, by: By) -> String {
        let image = self
            .images
            .iter()
            .find(|image| (image.at..image.at + image.len).contains(&address));
        let Some(image) = image else {
            return format!("? {address:#x}");
        };
        let own = address - image.at + image.base;
        let innermost = symbols::innermost(&image.loader, own, &self.root);
        let found = match (by, innermost) {
            (By::Function, Some((function, location))) => {
                let file = location.rsplit_once(':').map_or("", |(file, _)| file);
                format!("{function}  {file}")
            }
            (By::Line, Some((function, location))) => format!("{location}  {function}"),
            (By::Address, Some((function, location))) => {
                format!("{own:#x}  {location}  {function}")
            }
            _ => image.function(own),
        };
        format!("{}  {found}", image.name)
    }
}

impl Placed {
    /// The function that the compiler put there.
    fn function(&self, own: u64) -> String {
        let after = self.functions.partition_point(|(begin, _)| *begin <= own);
        match after.checked_sub(1) {
            Some(index) => symbols::shorten(&addr2line::demangle_auto(
                self.functions[index].1.as_str().into(),
                None,
            )),
            None => format!("{own:#x}"),
        }
    }
}

/// The table, most instructions first (addresses in their order).
fn shown(
    id: &str,
    each: f64,
    counts: &HashMap<u64, u64>,
    images: Images,
    options: &Options,
) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let line = "Trace 0: 0x7f2c48000100 [00000000/ffffffff80001234/00000000/ff000001] ";
        assert_eq!(address(line), Some(0xffff_ffff_8000_1234));
        assert_eq!(address("Stopped execution of TB chain"), None);
    }
}

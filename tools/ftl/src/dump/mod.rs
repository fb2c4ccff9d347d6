//! Dumps: what a machine's memory and CPUs held when something crashed, kept for reading afterwards.
//!
//! A dump is a folder in `target/ftl/dumps`: `memory`, which gdb reads as what is left of a program ([`core`]),
//! `dump.json`, which says what happened, and the images whose symbols belong to it. [`keeper`] makes dumps while a system
//! runs; `./ftl debug --dump` opens one in gdb, and `./ftl dump` has gdb print from it what one asks for.
//!
//! Absent: dumps of machines that QEMU does not run, and of a run that was started with a debugger of its own.

pub mod core;
pub mod keeper;
mod monitor;
mod stub;
mod tables;
pub mod trace;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::arch::Arch;
use crate::debug;
use crate::report;
use crate::symbols::Symbols;

/// Dumps that are kept; older ones go.
const KEPT: usize = 8;
/// The file with a dump's memory.
const MEMORY: &str = "memory";
const DESCRIPTION: &str = "dump.json";
/// What gdb has to say before what was asked for.
const MARK: &str = "--- ftl ---";

/// One dump.
#[derive(Clone, Debug)]
pub struct Dump {
    /// Where it is.
    pub folder: PathBuf,
    /// What happened: `kernel panic`, `pong crashed`.
    pub what: String,
    /// The system that ran.
    pub system: String,
    arch: Arch,
    /// The CPU on which it happened.
    cpu: usize,
    /// Unstripped images by the names that backtraces have.
    unstripped: BTreeMap<String, PathBuf>,
}

impl Dump {
    /// Makes a dump; `write` puts the memory into the folder that it gets.
    fn make(
        run: &keeper::Run,
        what: &str,
        cpu: usize,
        write: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Dump> {
        let dumps = folder(&run.root);
        std::fs::create_dir_all(&dumps)?;
        let name = run.built.archive.file_stem().unwrap_or_default();
        let system = name.to_string_lossy().into_owned();
        // Another run may take the same number meanwhile; then this one takes the next.
        let made = loop {
            let number = list(&run.root).last().map_or(1, |(number, _)| number + 1);
            let what: String = what
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
                .collect();
            let folder = dumps.join(format!("{number:04}-{what}"));
            match std::fs::create_dir(&folder) {
                Ok(()) => break folder,
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).context("cannot make a folder for a dump"),
            }
        };
        let filled = write(&made).and_then(|()| {
            let mut images = run.built.names.clone();
            for (name, path) in &run.built.unstripped {
                // The next build may throw it away. Where that is on the same disk, this takes no room.
                let kept = made.join(name);
                std::fs::hard_link(path, &kept)
                    .or_else(|_| std::fs::copy(path, &kept).map(drop))
                    .with_context(|| format!("cannot keep {}", path.display()))?;
                images.insert(name.clone(), name.clone());
            }
            let description = json!({
                "what": what,
                "system": system,
                "arch": run.arch.name(),
                "cpu": cpu,
                "unstripped": images,
            });
            Ok(std::fs::write(
                made.join(DESCRIPTION),
                format!("{description:#}\n"),
            )?)
        });
        if let Err(error) = filled {
            let _ = std::fs::remove_dir_all(&made);
            return Err(error);
        }
        let all = list(&run.root);
        for (_, old) in all.iter().rev().skip(KEPT) {
            let _ = std::fs::remove_dir_all(old);
        }
        Dump::open(&made)
    }

    /// Reads what is said about a dump.
    fn open(folder: &Path) -> Result<Dump> {
        let file = folder.join(DESCRIPTION);
        let text =
            std::fs::read(&file).with_context(|| format!("{} is not a dump", folder.display()))?;
        let description: Value = serde_json::from_slice(&text)?;
        let word = |key: &str| description[key].as_str().unwrap_or_default().to_owned();
        let arch = Arch::ALL
            .into_iter()
            .find(|arch| arch.name() == word("arch"));
        let images = description["unstripped"].as_object();
        Ok(Dump {
            what: word("what"),
            system: word("system"),
            arch: arch.context("the dump is of another kind of machine")?,
            cpu: description["cpu"].as_u64().unwrap_or(0) as usize,
            unstripped: images
                .into_iter()
                .flatten()
                .filter_map(|(name, file)| Some((name.clone(), folder.join(file.as_str()?))))
                .collect(),
            folder: std::path::absolute(folder)?,
        })
    }

    /// Finds a dump: its folder, its number, or `last`.
    pub fn find(root: &Path, which: &str) -> Result<Dump> {
        let all = list(root);
        let found = match which {
            "last" => all.last(),
            number => all.iter().find(|(known, _)| number.parse() == Ok(*known)),
        };
        let found = match found {
            Some((_, folder)) => return Dump::open(folder),
            // As it was typed, or as it was printed.
            None => [PathBuf::from(which), root.join(which)]
                .into_iter()
                .find(|folder| folder.is_dir()),
        };
        match found {
            Some(folder) => Dump::open(&folder),
            None if all.is_empty() => bail!(
                "there are no dumps; `./ftl run` keeps one when the kernel panics or a component crashes"
            ),
            None => bail!("there is no dump `{which}`; `./ftl dump` lists them"),
        }
    }

    /// gdb, with the dump and its symbols loaded, and our commands.
    fn gdb(&self, root: &Path) -> Result<Command> {
        let kernel = self.unstripped.get("kernel");
        let kernel = kernel.context("the dump has no kernel")?;
        let mut gdb = debug::gdb(self.arch, kernel, &self.folder.join(DESCRIPTION))?;
        // A core file of a system that gdb knows has its registers where they are here.
        gdb.args(["-iex", "set osabi GNU/Linux"]);
        gdb.arg("-ex")
            .arg(format!("core-file {}", self.folder.join(MEMORY).display()));
        gdb.args(["-ex", &format!("thread {}", self.cpu + 1)]);
        gdb.arg("-ex").arg(debug::source(root));
        gdb.args(["-ex", "ftl symbols"]);
        Ok(gdb)
    }

    /// Opens it in gdb, at a prompt or for some commands.
    pub fn debug(&self, root: &Path, commands: &[String]) -> Result<u8> {
        let mut gdb = self.gdb(root)?;
        debug::run(&mut gdb, commands)
    }

    /// What gdb prints for some of our commands, with functions and source lines.
    fn ask(&self, root: &Path, commands: &[&str]) -> Result<Vec<(String, Option<String>)>> {
        let mut gdb = self.gdb(root)?;
        gdb.env("FTL_ANNOTATED", "1");
        gdb.args(["-nx", "-batch", "-ex", &format!("echo {MARK}\\n")]);
        for command in commands {
            gdb.args(["-ex", &format!("ftl {command}")]);
        }
        let output = gdb
            .stdin(Stdio::null())
            .output()
            .context("cannot start gdb")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let Some((_, text)) = text.split_once(&format!("{MARK}\n")) else {
            bail!("gdb cannot read the dump: {}", errors.trim());
        };
        if !output.status.success() {
            bail!("{}", errors.lines().last().unwrap_or("gdb failed"));
        }
        let mut symbols = Symbols::new(root, self.unstripped.clone());
        Ok(text
            .lines()
            .map(|line| (line.to_owned(), symbols.annotate(line)))
            .collect())
    }

    /// Prints what one of our commands says, or an overview.
    pub fn show(&self, root: &Path, command: &[String]) -> Result<()> {
        let command = command.join(" ");
        let crashed = self.what.strip_suffix(" crashed");
        let crashed = crashed.map(|name| format!("backtrace {name}"));
        let commands = match command.as_str() {
            "" => ["log 24", "ps", "backtrace"]
                .into_iter()
                .chain(crashed.as_deref())
                .collect(),
            one => vec![one],
        };
        if command.is_empty() {
            answer!("{} ({}, {})", self.what, self.system, self.arch)?;
            answer!("{}", self.folder.display())?;
        }
        for one in &commands {
            let lines = self.ask(root, &[one])?;
            if commands.len() > 1 {
                answer!("\n{one}:")?;
            }
            for (line, annotation) in lines {
                answer!("{line}{}", annotation.unwrap_or_default())?;
            }
        }
        Ok(())
    }
}

/// Says on standard error what was kept.
pub fn tell(root: &Path, kept: &[Dump]) {
    for dump in kept {
        let shown = dump.folder.strip_prefix(root).unwrap_or(&dump.folder);
        say!("ftl: kept a dump ({}): {}", dump.what, shown.display());
    }
    if !kept.is_empty() {
        say!("ftl: `./ftl dump last` shows it, `./ftl debug --dump last` opens it in gdb");
    }
}

/// Lists the dumps that are there.
pub fn print_list(root: &Path) -> Result<()> {
    let all = list(root);
    if all.is_empty() {
        answer!("there are no dumps")?;
    }
    for (number, folder) in all {
        let Ok(dump) = Dump::open(&folder) else {
            continue;
        };
        let age = std::fs::metadata(folder.join(MEMORY))
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|time| time.elapsed().ok())
            .unwrap_or_default();
        answer!(
            "{number:4}  {:28} {:20} {:8} {} ago",
            dump.what,
            dump.system,
            dump.arch.name(),
            report::seconds(Duration::from_secs(age.as_secs())),
        )?;
    }
    Ok(())
}

/// Whether QEMU's arguments have it wait for a debugger of the user's own, or name a monitor.
pub fn is_debugged(arguments: &[OsString]) -> bool {
    arguments
        .iter()
        .any(|argument| argument == "-s" || argument == "-S" || argument == "-gdb")
}

fn folder(root: &Path) -> PathBuf {
    root.join("target/ftl/dumps")
}

/// The dumps that are there, by number.
fn list(root: &Path) -> Vec<(u32, PathBuf)> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(folder(root))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.split('-').next()?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort();
    found
}

//! `./ftl trace`: runs a system, has its kernel write down what it does, and makes a file of that which
//! Perfetto opens (<https://ui.perfetto.dev>).
//!
//! Inside, the command `trace` does the work; its `dump` comes out through the port for commands, after
//! what the traced commands print themselves.

pub mod perfetto;
pub mod rings;

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// What the shell is told: the commands between start and stop, and the dump after all that they print.
pub fn script(commands: &str, kib: u32) -> String {
    format!(
        "trace start -m {kib}\n{commands}\ntraced_status=$?\ntrace stop\ntrace dump\nexit $traced_status"
    )
}

/// What a trace came to.
#[derive(Debug, PartialEq, Eq)]
pub struct Summary {
    /// Records that were read.
    pub records: usize,
    /// Records that had been written over before.
    pub lost: u64,
    /// From the first record to the last, in nanoseconds.
    pub nanoseconds: u64,
}

/// Makes a file for Perfetto of what the commands and the dump printed. What the commands printed goes
/// to `out`.
pub fn convert(printed: &[u8], out: &mut impl Write, file: &Path) -> Result<Summary> {
    let (text, dump) = rings::split(printed);
    out.write_all(text)?;
    if dump.is_empty() {
        bail!("the system has sent no trace: did it end before?");
    }
    let rings = rings::read(dump)?;
    let bytes = perfetto::encode(&rings);
    std::fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    let times = || {
        rings
            .iter()
            .flat_map(|ring| ring.records.iter().map(|record| ring.nanoseconds(record)))
    };
    Ok(Summary {
        records: rings.iter().map(|ring| ring.records.len()).sum(),
        lost: rings.iter().map(|ring| ring.lost).sum(),
        nanoseconds: times().max().unwrap_or(0) - times().min().unwrap_or(0),
    })
}

//! `docs/performance.md` and its plots, out of the figures in `bench/figures.json` and, of the other machine,
//! `bench/figures-arm64.json`. Plots and budgets are those of the first; the other has a column.
//!
//! `./ftl bench --write-docs` measures everything and writes that file; `./ftl gen` makes of it what
//! stands in the page between `<!-- bench: … -->` and `<!-- end -->`. All other text is people's.
//!
//! | marker | becomes |
//! |---|---|
//! | `taken` | when, and with what, the figures were taken |
//! | `budgets` | the table of what has a budget, with other systems beside it |
//! | `figures A B` | the table of all figures whose names begin with `A` or `B` |

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::budgets::Budgets;
use super::figure::{Figure, is_by_the_clock};
use super::plot::{self, Plot, Scale};
use super::table::number;
use crate::arch::Arch;
use crate::doctor;
use crate::toolchain::Toolchain;

/// Where the figures of a machine lie.
pub fn figures_path(arch: Arch) -> String {
    match arch {
        Arch::Riscv64 => "bench/figures.json".to_owned(),
        other => format!("bench/figures-{other}.json"),
    }
}
/// The page.
pub const PAGE: &str = "docs/performance.md";

const MARKER: &str = "<!-- bench: ";
const END: &str = "<!-- end -->";

/// What was measured, and with what.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// The day, as 2026-11-25.
    pub date: String,
    /// What built the system.
    pub toolchain: String,
    /// The emulator's version.
    pub qemu: String,
    /// The machine.
    pub arch: String,
    /// The figures.
    pub figures: Vec<Figure>,
}

impl Record {
    /// Reads what was measured last on a machine.
    pub fn read(root: &Path, arch: Arch) -> Result<Record> {
        let path = figures_path(arch);
        let text = std::fs::read_to_string(root.join(&path))
            .with_context(|| format!("cannot read {path}"))?;
        serde_json::from_str(&text).with_context(|| format!("{path} is wrong"))
    }

    /// Writes it, a line for each figure so that changes can be read.
    pub fn write(&self, root: &Path, arch: Arch) -> Result<()> {
        let head = Record {
            figures: Vec::new(),
            ..self.clone()
        };
        let head = serde_json::to_string(&head)?;
        let mut lines = Vec::new();
        for figure in &self.figures {
            lines.push(serde_json::to_string(figure)?);
        }
        let text = head.replace(
            "\"figures\":[]",
            &format!("\"figures\":[\n{}\n]", lines.join(",\n")),
        );
        let path = figures_path(arch);
        std::fs::write(root.join(&path), text + "\n")
            .with_context(|| format!("cannot write {path}"))
    }

    /// Takes over figures; those that were not measured this time stay.
    pub fn update(&mut self, figures: &[Figure]) {
        for figure in figures {
            match self.figures.iter_mut().find(|old| old.id() == figure.id()) {
                Some(old) => *old = figure.clone(),
                None => self.figures.push(figure.clone()),
            }
        }
    }
}

/// Keeps figures as the last that were measured.
pub fn write(root: &Path, arch: Arch, figures: &[Figure]) -> Result<()> {
    let toolchain = Toolchain::find(root, arch).map_err(anyhow::Error::msg)?;
    let mut record = Record::read(root, arch).unwrap_or_default();
    record.date = today();
    record.toolchain = toolchain.name;
    let (major, minor) = doctor::qemu_version(arch).map_err(anyhow::Error::msg)?;
    record.qemu = format!("{major}.{minor}");
    record.arch = arch.name().to_owned();
    record.update(figures);
    record.write(root, arch)
}

/// The day, in UTC, as 2026-11-25.
fn today() -> String {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (year, month, day) = civil((seconds / 86_400) as i64);
    format!("{year}-{month:02}-{day:02}")
}

/// The date so many days after 1970-01-01, by shifting the year's start to 1 March, which puts the
/// leap day last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Plots: the file's name in `docs/performance/`, title, axes, and the lines: name, what the
/// figures' names have before a number, case.
type Lines = &'static [(&'static str, &'static str, &'static str)];
const PLOTS: &[(&str, &str, &str, &str, Scale, Lines)] = &[
    (
        "messages.svg",
        "A call and its reply, by the size of both",
        "bytes each way",
        "instructions",
        Scale::Linear,
        &[
            ("kernel to kernel", "rpc_", "kernel-kernel"),
            ("kernel to user", "rpc_", "kernel-user"),
            ("user to kernel", "rpc_", "user-kernel"),
            ("user to user", "rpc_", "user-user"),
        ],
    ),
    (
        "queued.svg",
        "Sending and receiving 64 bytes, by the messages that wait already",
        "messages in the queue",
        "instructions",
        Scale::Logarithmic,
        &[
            ("receive, kernel", "receive_queued_", "kernel"),
            ("receive, user", "receive_queued_", "user"),
            ("send, kernel", "send_queued_", "kernel"),
            ("send, user", "send_queued_", "user"),
        ],
    ),
    (
        "components.svg",
        "A call of 64 bytes, by the other components that exist",
        "components",
        "instructions",
        Scale::Logarithmic,
        &[
            ("kernel to kernel", "rpc_among_", "kernel-kernel"),
            ("user to user", "rpc_among_", "user-user"),
        ],
    ),
    (
        "sockets.svg",
        "A packet of 64 bytes and its answer, by the connections that are open",
        "connections",
        "instructions",
        Scale::Logarithmic,
        &[("one packet", "packet_among_", "")],
    ),
    (
        "connections.svg",
        "An HTTP request from outside, by the connections that ask at once",
        "connections",
        "instructions",
        Scale::Logarithmic,
        &[
            ("kernel", "http_outside_", "kernel"),
            ("user", "http_outside_", "user"),
        ],
    ),
    (
        "lookups.svg",
        "Looking for a file, by the files in its directory",
        "files",
        "instructions",
        Scale::Logarithmic,
        &[
            ("median", "fs_lookup_among_", ""),
            ("mean", "fs_lookup_mean_among_", ""),
            ("mean, nothing read", "fs_lookup_first_among_", ""),
        ],
    ),
    (
        "files.svg",
        "Writing a file durably and reading it, by its size",
        "bytes",
        "instructions",
        Scale::Logarithmic,
        &[
            ("write and sync", "fs_write_file_", ""),
            ("read", "fs_read_file_", ""),
        ],
    ),
    (
        "cpus.svg",
        "Throughput of pairs that call each other, by CPUs and pairs",
        "CPUs, each with a pair",
        "times that of one",
        Scale::Linear,
        &[
            ("calls alone", "scale_calls_", "user"),
            ("calls and work", "scale_work_", "user"),
        ],
    ),
];

/// What should be in each generated file: paths and texts.
pub fn pages(root: &Path) -> Result<Vec<(String, String)>> {
    let record = Record::read(root, Arch::Riscv64)?;
    // The page tells what there is.
    let other = Record::read(root, Arch::Arm64).unwrap_or_default();
    let budgets = Budgets::read(root)?;
    let text =
        std::fs::read_to_string(root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let mut pages = vec![(PAGE.to_owned(), filled(&text, [&record, &other], &budgets)?)];
    for (file, title, across, up, scale, lines) in PLOTS {
        let lines: Vec<_> = lines
            .iter()
            .map(|(name, before, case)| ((*name).to_owned(), points(&record.figures, before, case)))
            .filter(|(_, points)| !points.is_empty())
            .collect();
        if lines.is_empty() {
            continue;
        }
        let plot = Plot {
            title: (*title).to_owned(),
            across: (*across).to_owned(),
            up: (*up).to_owned(),
            scale: *scale,
            lines,
        };
        pages.push((format!("docs/performance/{file}"), plot::svg(&plot)));
    }
    Ok(pages)
}

/// The figures whose names are `before` and a number, as points.
fn points(figures: &[Figure], before: &str, case: &str) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = figures
        .iter()
        .filter(|figure| figure.case == case)
        .filter_map(|figure| {
            let size = figure.name.strip_prefix(before)?.parse().ok()?;
            Some((size, figure.median))
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// The page with what is between its markers made anew, out of the figures of both machines.
fn filled(text: &str, records: [&Record; 2], budgets: &Budgets) -> Result<String> {
    let mut filled = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        filled += line;
        filled.push('\n');
        let Some(what) = line.strip_prefix(MARKER) else {
            continue;
        };
        let what = what
            .strip_suffix(" -->")
            .context("a marker without its end")?;
        if !lines.any(|line| line == END) {
            bail!("`{line}` has no `{END}`");
        }
        let words: Vec<&str> = what.split_whitespace().collect();
        filled += &match words[..] {
            ["taken"] => records.map(taken).concat(),
            ["budgets"] => budget_table(records, budgets),
            ["figures", ..] => figure_table(records, &words[1..]),
            _ => bail!("nobody knows how to fill in `{what}`"),
        };
        filled += END;
        filled.push('\n');
    }
    Ok(filled)
}

fn taken(record: &Record) -> String {
    if record.figures.is_empty() {
        return String::new();
    }
    format!(
        "Taken on {} with `./ftl bench --write-docs --arch {}`, built by {}, in QEMU {}.\n",
        record.date, record.arch, record.toolchain, record.qemu
    )
}

impl Record {
    /// The median of a figure, as it stands in a table; nothing if it was not measured.
    fn median(&self, id: &str) -> String {
        let figure = self.figures.iter().find(|figure| figure.id() == id);
        figure.map_or_else(String::new, |figure| number(figure.median))
    }
}

fn budget_table([record, other]: [&Record; 2], budgets: &Budgets) -> String {
    let mut table = String::from(
        "| | is | budget | aim | others | on arm64 |\n|---|---:|---:|---:|---|---:|\n",
    );
    for row in budgets.rows.iter().filter(|row| row.budget.is_some()) {
        let figure = record.figures.iter().find(|figure| figure.id() == row.id);
        let is = figure.map_or("not measured".to_owned(), |figure| {
            let is = number(figure.median);
            if row.budget.is_some_and(|budget| figure.median > budget) {
                format!("**{is}**, not met yet")
            } else {
                is
            }
        });
        let others: Vec<String> = row
            .others
            .iter()
            .map(|(name, value)| format!("{name}: {}", number(*value)))
            .collect();
        let optional = |value: Option<f64>| value.map_or_else(String::new, number);
        table += &format!(
            "| {} | {is} | {} | {} | {} | {} |\n",
            row.what,
            optional(row.budget),
            optional(row.aim),
            others.join(", "),
            other.median(&row.id)
        );
    }
    table
}

fn figure_table([record, other]: [&Record; 2], names: &[&str]) -> String {
    let mut table = String::from(
        "| figure | case | least | median | most | samples | | median, arm64 |\n\
         |---|---|---:|---:|---:|---:|---|---:|\n",
    );
    let mut any = false;
    for figure in &record.figures {
        if names.iter().any(|name| figure.name.starts_with(name)) {
            any = true;
            let clock = if is_by_the_clock(&figure.name) {
                ", by the clock"
            } else {
                ""
            };
            let unit = format!("{}{clock}", figure.unit);
            table += &format!(
                "| `{}` | {} | {} | {} | {} | {} | {} | {} |\n",
                figure.name,
                figure.case.replace('-', " to "),
                number(figure.min),
                number(figure.median),
                number(figure.max),
                number(figure.samples as f64),
                unit,
                other.median(&figure.id())
            );
        }
    }
    if !any {
        return format!("Not measured yet: `./ftl bench {}`\n", names.join(" "));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let figure = |name: &str, median: f64| Figure {
            name: name.into(),
            case: "user-user".into(),
            unit: "instructions".into(),
            samples: 1000,
            min: median,
            median,
            max: median,
        };
        Record {
            date: "2026-01-02".into(),
            figures: vec![
                figure("rpc_64", 700.0),
                figure("rpc_0", 600.0),
                figure("rpc_typed_64", 900.0),
            ],
            ..Record::default()
        }
    }

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(20_782), (2026, 11, 25));
    }

    #[test]
    fn points_are_in_order_and_of_one_kind() {
        let points = points(&record().figures, "rpc_", "user-user");
        assert_eq!(points, [(0.0, 600.0), (64.0, 700.0)]);
    }

    #[test]
    fn markers_are_filled_and_filling_again_changes_nothing() {
        let budgets = Budgets { rows: Vec::new() };
        let text = "# A\n<!-- bench: figures rpc_typed -->\nold\n<!-- end -->\nB\n";
        let once = filled(text, [&record(), &Record::default()], &budgets).unwrap();
        assert!(once.contains("900") && !once.contains("old") && once.ends_with("-->\nB\n"));
        assert_eq!(
            filled(&once, [&record(), &Record::default()], &budgets).unwrap(),
            once
        );
        for wrong in [
            "<!-- bench: figures rpc_ -->\n",
            "<!-- bench: what -->\n<!-- end -->\n",
        ] {
            assert!(
                filled(wrong, [&record(), &record()], &budgets).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_other_machine_has_a_column() {
        let mut other = record();
        other.figures.remove(0);
        other.figures[0].median = 555.0;
        let table = figure_table([&record(), &other], &["rpc_0", "rpc_64"]);
        assert!(table.contains("| instructions | 555 |"), "{table}");
        assert!(
            table.contains("| 700 | 700 | 700 | 1,000 | instructions |  |"),
            "{table}"
        );
    }

    #[test]
    fn figures_not_measured_again_stay() {
        let mut record = record();
        let mut again = record.figures[0].clone();
        again.median = 1.0;
        record.update(&[again]);
        assert_eq!(record.figures.len(), 3);
        assert!((record.figures[0].median - 1.0).abs() < 1e-9);
    }
}

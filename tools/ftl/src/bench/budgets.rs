//! What figures may be: `bench/budgets.yml`, and the check that CI makes.
//!
//! A row has a budget, which must hold, an aim, and the last figure by toolchain. A check fails if
//! a budget is exceeded, or if a figure has grown by more than 3 % since it was recorded: whoever
//! makes something dearer on purpose records it with the change that does so. A row marked
//! `open` is one whose budget has not been met yet; for it only growth fails, and each check says so. Budgets are for
//! riscv64; on other machines only growth fails.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::figure::{Figure, is_by_the_clock};
use super::table::{aligned, number};
use crate::arch::Arch;

/// Where it lies.
pub const PATH: &str = "bench/budgets.yml";
/// How much a figure may grow unnoticed.
const GROWTH_MAX: f64 = 1.03;

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Its rows, in the order in which they are shown.
    pub rows: Vec<Row>,
}

/// What is known about one figure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Which figure: `rpc_64/user-user`.
    pub id: String,
    /// What it is, for people.
    pub what: String,
    /// What it must not exceed.
    #[serde(default)]
    pub budget: Option<f64>,
    /// Where the field's best would be impressed.
    #[serde(default)]
    pub aim: Option<f64>,
    /// The budget has not been met yet.
    #[serde(default)]
    pub open: bool,
    /// Too long for each check: `./ftl bench --check --long` measures it.
    #[serde(default)]
    pub long: bool,
    /// Per cent by which it differs from run to run, and may grow unnoticed: a disk takes its time by the host's clock.
    #[serde(default)]
    pub varies: Option<f64>,
    /// What other systems need, by their names.
    #[serde(default)]
    pub others: BTreeMap<String, f64>,
    /// The last recorded figure, by what [`builder`] calls toolchain and machine.
    #[serde(default)]
    pub last: BTreeMap<String, f64>,
}

/// Whose figures are compared: a toolchain's, on the machine that budgets are made for or on another.
pub fn builder(toolchain: &str, arch: Arch) -> String {
    match arch {
        Arch::Riscv64 => toolchain.to_owned(),
        other => format!("{toolchain} on {other}"),
    }
}

/// How a row stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Within its budget, and no dearer than it was.
    Met,
    /// Above its budget, which is known.
    Open,
    /// Above its budget.
    Exceeded,
    /// Dearer than it was, by this factor.
    Grown(f64),
    /// Cheaper than it was, by this factor: worth being recorded.
    Better(f64),
}

impl Verdict {
    /// Whether a check fails over it.
    pub fn fails(self) -> bool {
        matches!(self, Verdict::Exceeded | Verdict::Grown(_))
    }
}

impl Budgets {
    /// Reads the file.
    pub fn read(root: &Path) -> Result<Budgets> {
        let text = std::fs::read_to_string(root.join(PATH))
            .with_context(|| format!("cannot read {PATH}"))?;
        let budgets: Budgets =
            serde_saphyr::from_str(&text).with_context(|| format!("{PATH} is wrong"))?;
        match budgets.rows.iter().find(|row| is_by_the_clock(&row.id)) {
            Some(row) => bail!(
                "{PATH}: {} is taken by the clock, which differs from run to run and cannot be checked",
                row.id
            ),
            None => Ok(budgets),
        }
    }

    /// The row of a figure.
    pub fn row(&self, id: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// What holds on a machine: on others than riscv64 there are no budgets.
    fn of(&self, arch: Arch) -> Budgets {
        let mut budgets = self.clone();
        if arch != Arch::Riscv64 {
            for row in &mut budgets.rows {
                (row.budget, row.aim, row.open) = (None, None, false);
            }
        }
        budgets
    }

    /// Takes over figures, and takes off the mark of rows that meet their budgets now.
    pub fn record(&mut self, figures: &[Figure], toolchain: &str, arch: Arch) {
        let builder = builder(toolchain, arch);
        for row in &mut self.rows {
            let Some(figure) = figures.iter().find(|figure| figure.id() == row.id) else {
                continue;
            };
            row.last.insert(builder.clone(), figure.median);
            if arch == Arch::Riscv64 {
                row.open = row.budget.is_some_and(|budget| figure.median > budget);
            }
        }
    }

    /// Writes the file.
    pub fn write(&self, root: &Path) -> Result<()> {
        std::fs::write(root.join(PATH), self.text()).with_context(|| format!("cannot write {PATH}"))
    }

    fn text(&self) -> String {
        let mut text = String::from(HEADER);
        for row in &self.rows {
            let _ = writeln!(text, "  - id: {}", row.id);
            let _ = writeln!(text, "    what: {}", quoted(&row.what));
            for (name, value) in [
                ("budget", row.budget),
                ("aim", row.aim),
                ("varies", row.varies),
            ] {
                if let Some(value) = value {
                    let _ = writeln!(text, "    {name}: {value}");
                }
            }
            for (name, is) in [("open", row.open), ("long", row.long)] {
                if is {
                    let _ = writeln!(text, "    {name}: true");
                }
            }
            for (name, values) in [("others", &row.others), ("last", &row.last)] {
                if !values.is_empty() {
                    let values: Vec<String> = values
                        .iter()
                        .map(|(name, value)| format!("{}: {value}", quoted(name)))
                        .collect();
                    let _ = writeln!(text, "    {name}: {{ {} }}", values.join(", "));
                }
            }
        }
        text
    }
}

impl Row {
    /// How it stands with this figure under this toolchain.
    pub fn verdict(&self, figure: f64, toolchain: &str) -> Verdict {
        let over = self.budget.is_some_and(|budget| figure > budget);
        let growth_max = self
            .varies
            .map_or(GROWTH_MAX, |varies| 1.0 + varies / 100.0);
        if over && !self.open {
            return Verdict::Exceeded;
        }
        match self.last.get(toolchain) {
            Some(&last) if figure > last * growth_max => Verdict::Grown(figure / last),
            Some(&last) if figure * growth_max < last => Verdict::Better(last / figure),
            _ if over => Verdict::Open,
            _ => Verdict::Met,
        }
    }
}

/// The result of a check: a table, what to say below it, and whether it failed.
pub struct Outcome {
    /// For people.
    pub text: String,
    /// Rows that fail.
    pub failed: usize,
}

/// Compares figures with the file.
pub fn check(budgets: &Budgets, figures: &[Figure], toolchain: &str, arch: Arch) -> Outcome {
    let toolchain = &builder(toolchain, arch);
    let budgets = &budgets.of(arch);
    let mut rows = vec![["figure", "is", "was", "budget", "aim", ""].map(str::to_owned)];
    let optional = |value: Option<f64>| value.map_or_else(String::new, number);
    let (mut failed, mut open, mut better) = (0, 0, 0);
    for row in &budgets.rows {
        let Some(figure) = figures.iter().find(|figure| figure.id() == row.id) else {
            continue;
        };
        let verdict = row.verdict(figure.median, toolchain);
        failed += usize::from(verdict.fails());
        open += usize::from(row.open);
        better += usize::from(matches!(verdict, Verdict::Better(_)));
        let met = row.aim.is_some_and(|aim| figure.median <= aim);
        let above = row
            .budget
            .filter(|&budget| figure.median > budget)
            .map_or_else(String::new, |_| ", budget not met yet".to_owned());
        let words = match verdict {
            Verdict::Met if met => "aim reached".to_owned(),
            Verdict::Met => String::new(),
            Verdict::Open => "budget not met yet".to_owned(),
            Verdict::Exceeded => "FAILED: above its budget".to_owned(),
            Verdict::Grown(by) => {
                format!(
                    "FAILED: {:.1} % dearer than it was{above}",
                    (by - 1.0) * 100.0
                )
            }
            Verdict::Better(by) => {
                format!(
                    "{:.1} % cheaper than it was{above}",
                    (1.0 - 1.0 / by) * 100.0
                )
            }
        };
        rows.push([
            row.id.clone(),
            number(figure.median),
            optional(row.last.get(toolchain).copied()),
            optional(row.budget),
            optional(row.aim),
            words,
        ]);
    }
    let mut text = aligned(&rows, &[false, true, true, true, true, false]);
    if rows.len() == 1 {
        // Whoever asks for a check by name must not take nothing for success.
        text = format!("none of these figures has a row in {PATH}\n");
        if figures.iter().all(|figure| is_by_the_clock(&figure.name)) {
            text = "figures that are taken by the clock are never checked\n".to_owned();
        }
        failed = 1;
    }
    if !budgets
        .rows
        .iter()
        .any(|row| row.last.contains_key(toolchain))
    {
        let _ = writeln!(
            text,
            "no figures are recorded for {toolchain}: only budgets were checked"
        );
    }
    if open > 0 {
        let _ = writeln!(text, "{open} budgets are not met yet");
    }
    if failed > 0 && rows.len() > 1 {
        let _ = writeln!(
            text,
            "{failed} rows fail; if something has to cost more now, `./ftl bench --record` with the \
             change that makes it so"
        );
    }
    if better > 0 {
        let _ = writeln!(
            text,
            "{better} figures are cheaper than recorded: `./ftl bench --record` keeps it that way"
        );
    }
    Outcome { text, failed }
}

/// A text as YAML takes it everywhere.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

const HEADER: &str = "\
# What FTL's figures may be: see docs/performance.md for what they are and docs/reference/tool.md for the
# commands. `./ftl bench --check` compares, and CI runs it. `./ftl bench --record` writes this file:
# the texts and numbers but `last` and `open` are people's.
#
#   budget   must not be exceeded
#   aim      where the field's best would be impressed
#   open     the budget is not met yet: only growth fails
#   long     measured only with `--long`
#   last     what was measured last, by the toolchain that built it; more than 3 % above it fails
#   varies   per cent that count in place of these 3: how long a disk takes is up to the host
#
# Budgets are for riscv64; those with `on arm64` must only not grow.
# Numbers are instructions of the guest, the median of all samples, unless the row says otherwise.
rows:
";

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(median: f64) -> Figure {
        Figure {
            name: "rpc_0".into(),
            case: "user-user".into(),
            unit: "instructions".into(),
            samples: 3,
            min: median,
            median,
            max: median,
        }
    }

    fn budgets() -> Budgets {
        let text = "rows:\n  - id: rpc_0/user-user\n    what: \"a \\\"call\\\": `user`\"\n    \
                    budget: 640\n    aim: 425\n    open: true\n    others: { \"seL4\": 538 }\n    \
                    last: { \"x 1\": 1000 }\n";
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn growth_and_excess_fail() {
        let mut row = budgets().rows.remove(0);
        assert_eq!(row.verdict(1029.0, "x 1"), Verdict::Open);
        assert!(matches!(row.verdict(1031.0, "x 1"), Verdict::Grown(_)));
        assert!(matches!(row.verdict(900.0, "x 1"), Verdict::Better(_)));
        // Under another toolchain nothing is recorded, so growth is not known.
        assert_eq!(row.verdict(2000.0, "x 2"), Verdict::Open);
        row.open = false;
        assert_eq!(row.verdict(641.0, "x 2"), Verdict::Exceeded);
        assert_eq!(row.verdict(640.0, "x 2"), Verdict::Met);
        row.varies = Some(10.0);
        row.last.insert("x 1".into(), 570.0);
        assert_eq!(row.verdict(626.0, "x 1"), Verdict::Met);
        assert!(row.verdict(628.0, "x 1").fails());
        row.varies = None;
        // What used to be better may not come back, even within the budget.
        row.last.insert("x 1".into(), 600.0);
        assert!(row.verdict(620.0, "x 1").fails());
    }

    #[test]
    fn recording_takes_the_mark_off_and_can_be_read_again() {
        let mut budgets = budgets();
        budgets.record(&[figure(700.0)], "x 2", Arch::Riscv64);
        assert!(budgets.rows[0].open);
        budgets.record(&[figure(600.0)], "x 2", Arch::Riscv64);
        assert!(!budgets.rows[0].open);
        let again: Budgets = serde_saphyr::from_str(&budgets.text()).unwrap();
        assert_eq!(again.text(), budgets.text());
        assert_eq!(again.rows[0].last.len(), 2);
        assert_eq!(again.rows[0].what, "a \"call\": `user`");
    }

    #[test]
    fn on_another_machine_only_growth_fails() {
        let mut budgets = budgets();
        budgets.rows[0].open = false;
        let failed = |budgets: &Budgets, median| {
            check(budgets, &[figure(median)], "x 1", Arch::Arm64).failed
        };
        assert_eq!(failed(&budgets, 2000.0), 0);
        budgets.record(&[figure(1500.0)], "x 1", Arch::Arm64);
        assert_eq!(budgets.rows[0].last["x 1 on arm64"], 1500.0);
        assert!(!budgets.rows[0].open);
        assert_eq!(failed(&budgets, 1500.0), 0);
        assert_eq!(failed(&budgets, 1600.0), 1);
    }

    #[test]
    fn a_check_counts_what_fails() {
        let outcome = check(&budgets(), &[figure(1100.0)], "x 1", Arch::Riscv64);
        assert_eq!(outcome.failed, 1);
        assert!(outcome.text.contains("FAILED"), "{}", outcome.text);
        let outcome = check(&budgets(), &[figure(1000.0)], "x 1", Arch::Riscv64);
        assert_eq!(outcome.failed, 0);
        assert!(outcome.text.contains("1 budgets are not met yet"));
    }

    #[test]
    fn a_check_of_what_has_no_row_fails() {
        for (name, why) in [
            ("size_x", "none of these figures"),
            ("fs_time_create", "by the clock"),
        ] {
            let other = Figure {
                name: name.into(),
                ..figure(1.0)
            };
            let outcome = check(&budgets(), &[other], "x 1", Arch::Riscv64);
            assert_eq!(outcome.failed, 1);
            assert!(outcome.text.contains(why), "{}", outcome.text);
        }
    }

    #[test]
    fn what_the_clock_tells_gets_no_row() {
        let folder = std::env::temp_dir().join(format!("ftl-budgets-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("bench")).unwrap();
        std::fs::write(
            folder.join(PATH),
            "rows:\n  - id: tcp_time_send/user\n    what: a\n",
        )
        .unwrap();
        let error = Budgets::read(&folder).unwrap_err().to_string();
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(error.contains("tcp_time_send/user"), "{error}");
    }
}

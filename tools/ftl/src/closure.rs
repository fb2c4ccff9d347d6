//! What stands behind the words "kept apart by safe Rust": a walk over everything that is compiled
//! into a component that may run with `isolation: kernel` (rule 17).
//!
//! `#![forbid(unsafe_code)]` in the component is necessary and not enough: the compiler does not
//! report `unsafe` that comes out of another crate's macro, and a dependency may contain any. So
//! each crate that a component depends on is either free of `unsafe`, of attributes that place or
//! name symbols, of assembly, build scripts, procedural macros and C libraries; or it stands in
//! `tools/reviewed.yml` with its exact version, checksum and the reason why it may.
//!
//! The scan looks at tokens in all of a crate's source, macro bodies and unused features included: it
//! may find too much, never too little. It does not look behind a reviewed procedural macro, because
//! what that depends on runs on the developer's machine, not in the image. `core`, `alloc` and
//! compiler_builtins are trusted; they are no crates of the closure.
//!
//! This protects against mistakes, not against malice.

mod graph;
mod memo;
mod scan;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use graph::{Crate, Graph};
use memo::Memo;
use scan::Scans;

/// A crate that people have read and found to keep its promises.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviewed {
    /// The crate's name.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// Its checksum in Cargo.lock, or `here` for a crate of this source tree.
    pub checksum: String,
    /// What it does that needs a review, and why that is sound.
    pub reason: String,
}

/// The outcome of a walk.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is wrong, one line each.
    pub breaches: Vec<String>,
    /// The same of files of this source tree that are no Rust as they stand. Most often somebody is in the middle of writing
    /// them, and the compiler says better what is wrong.
    pub unreadable: Vec<String>,
    /// Crates that are clean by themselves: name and version.
    pub clean: BTreeSet<String>,
    /// Crates that stand on the reviewed list.
    pub reviewed: BTreeSet<String>,
}

/// The reviewed list of the source tree at `root`.
pub fn reviewed(root: &Path) -> Result<Vec<Reviewed>> {
    let path = root.join("tools/reviewed.yml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| "tools/reviewed.yml is wrong".to_owned())
}

/// Walks from the packages `starts` of the workspace at `root` over all that they depend on. Remembers nothing.
pub fn walk(root: &Path, starts: &[String], reviewed: &[Reviewed]) -> Result<Outcome> {
    let graph = Graph::ask(root, starts)?;
    let mut outcome = judge(&graph, reviewed, &mut Scans::default())?;
    outcome.breaches.append(&mut outcome.unreadable);
    Ok(outcome)
}

/// Refuses a tree in which something unclean might run in the kernel: what each build does first. What the last
/// build found is remembered, so that an unchanged tree costs milliseconds.
///
/// Gives what could not be read. It is for the caller to compile that, and to [`refuse`] it if the compiler takes it.
pub fn hold(root: &Path, starts: &[String]) -> Result<Vec<String>> {
    let mut memo = Memo::load(root);
    let outcome = hold_with(root, starts, &mut memo)?;
    memo.store(root)?;
    refuse(&outcome.breaches)?;
    Ok(outcome.unreadable)
}

/// Fails if there are breaches, and says which.
pub fn refuse(breaches: &[String]) -> Result<()> {
    anyhow::ensure!(
        breaches.is_empty(),
        "not everything that may run in the kernel is safe Rust or reviewed (rule 17 in docs/rules.md):\n  {}\n\
         nothing was built; `./ftl check` shows all that was reviewed",
        breaches.join("\n  ")
    );
    Ok(())
}

fn hold_with(root: &Path, starts: &[String], memo: &mut Memo) -> Result<Outcome> {
    let graph = memo.graph(root, starts)?;
    judge(&graph, &reviewed(root)?, &mut memo.scans)
}

fn judge(graph: &Graph, reviewed: &[Reviewed], scans: &mut Scans) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for start in &graph.starts {
        if !scans.forbids_unsafe(&start.sources)? {
            outcome.breaches.push(format!(
                "{} has no `#![forbid(unsafe_code)]` at its top",
                start.name
            ));
        }
    }
    let mut used = BTreeSet::new();
    for one in &graph.crates {
        let mut findings = scans.findings(one)?;
        let entry = reviewed.iter().find(|entry| entry.name == one.name);
        if one.is_here() && entry.is_none() {
            let (unreadable, readable) = findings
                .into_iter()
                .partition(|what: &String| what.starts_with(scan::UNREADABLE));
            findings = readable;
            if !unreadable.is_empty() {
                outcome.unreadable.push(breach(one, None, &unreadable));
                if findings.is_empty() {
                    continue;
                }
            }
        }
        if findings.is_empty() {
            outcome.clean.insert(one.title());
            continue;
        }
        used.extend(entry.map(|entry| &entry.name));
        match entry {
            Some(entry) if entry.covers(one) => {
                outcome
                    .reviewed
                    .insert(format!("{}: {}", one.title(), entry.reason.trim()));
            }
            _ => outcome.breaches.push(breach(one, entry, &findings)),
        }
    }
    for entry in reviewed.iter().filter(|entry| !used.contains(&entry.name)) {
        outcome.breaches.push(format!(
            "tools/reviewed.yml lists {} {}, which no component needs a review for; take it out",
            entry.name, entry.version
        ));
    }
    outcome.breaches.sort();
    Ok(outcome)
}

impl Reviewed {
    /// Whether this very source was reviewed.
    fn covers(&self, one: &Crate) -> bool {
        self.version == one.version && self.checksum == one.checksum && !one.checksum.is_empty()
    }
}

fn breach(one: &Crate, entry: Option<&Reviewed>, findings: &[String]) -> String {
    let title = one.title();
    let checksum = &one.checksum;
    match entry {
        // A component's own code.
        None if one.is_here() && one.chain == one.name => format!(
            "{}, which may run in the kernel, has {}; do without, or say `isolation: [user]` in its component.yml",
            one.name,
            shorten(findings)
        ),
        Some(entry) => format!(
            "{title} (checksum {checksum}) is not what was reviewed, {} {} (checksum {}); read what changed, \
             then correct tools/reviewed.yml",
            entry.name, entry.version, entry.checksum
        ),
        None => format!(
            "{title} is in the image of a component that may run in the kernel ({}) and has {}; it needs an \
             entry in tools/reviewed.yml (checksum {checksum}), or that component `isolation: [user]`",
            one.chain,
            shorten(findings)
        ),
    }
}

fn shorten(findings: &[String]) -> String {
    match findings {
        [one, two, _, rest @ ..] => format!("{one}, {two} and {} more", rest.len() + 1),
        few => few.join(", "),
    }
}

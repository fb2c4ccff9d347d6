//! What the last walk found, kept in `build/closure.json`, so that a build of an unchanged tree pays milliseconds for its
//! check and not the seconds that cargo takes to say who depends on whom.
//!
//! Which crates there are is asked again when anything changes that cargo makes that of: Cargo.lock, cargo's
//! configuration, the manifests of the tree's own crates in the closure, the list of components, this tool. What the
//! crates hold is looked at each time, file by file; only those are read that have changed ([`super::scan`]). The
//! reviewed list is compared each time, too: nothing that was refused is let through because it was once accepted.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::scan::Scans;

/// What is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Memo {
    /// [`inputs`] of the graph.
    inputs: u64,
    /// Who depends on whom.
    graph: Graph,
    /// What was read.
    pub scans: Scans,
    /// How often cargo was asked since this was loaded: once at most.
    #[serde(skip)]
    pub asked: usize,
}

fn path(root: &Path) -> PathBuf {
    root.join("build/closure.json")
}

impl Memo {
    /// What was kept for the tree at `root`; nothing if there is none, or if an earlier tool wrote it otherwise.
    pub fn load(root: &Path) -> Memo {
        std::fs::read(path(root))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// The crates that `starts` consist of.
    pub fn graph(&mut self, root: &Path, starts: &[String]) -> Result<Graph> {
        if self.graph.starts.is_empty() || inputs(root, starts, &self.graph) != self.inputs {
            self.asked += 1;
            self.graph = Graph::ask(root, starts)?;
            self.inputs = inputs(root, starts, &self.graph);
            // Files of crates that are gone need not be kept for ever.
            self.scans = Scans::default();
        }
        Ok(self.graph.clone())
    }

    /// Keeps it, if there is anything new.
    pub fn store(&self, root: &Path) -> Result<()> {
        if self.asked + self.scans.read == 0 {
            return Ok(());
        }
        let path = path(root);
        std::fs::create_dir_all(root.join("build"))?;
        // By way of a second file: another build may read it meanwhile.
        let temporary = path.with_extension(std::process::id().to_string());
        std::fs::write(&temporary, serde_json::to_vec(self)?)
            .and_then(|()| std::fs::rename(&temporary, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A number that changes with whatever the graph was made of.
fn inputs(root: &Path, starts: &[String], graph: &Graph) -> u64 {
    let mut hasher = DefaultHasher::new();
    starts.hash(&mut hasher);
    // A tool that looks for more must look again.
    for source in [
        include_str!("../closure.rs"),
        include_str!("graph.rs"),
        include_str!("scan.rs"),
        include_str!("memo.rs"),
    ] {
        source.hash(&mut hasher);
    }
    for file in ["Cargo.toml", "Cargo.lock", ".cargo/config.toml"] {
        std::fs::read(root.join(file)).ok().hash(&mut hasher);
    }
    for here in graph.crates.iter().filter(|one| one.is_here()) {
        std::fs::read(here.folder.join("Cargo.toml"))
            .ok()
            .hash(&mut hasher);
        // These two turn up without a word in the manifest.
        for file in ["build.rs", "src/lib.rs"] {
            here.folder.join(file).exists().hash(&mut hasher);
        }
    }
    hasher.finish()
}

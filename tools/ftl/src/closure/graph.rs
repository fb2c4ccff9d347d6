//! What is compiled into the components that may run in the kernel: which crates, by whose wish, and what is known
//! of each without reading its source. Cargo is asked, which takes seconds, so the answer can be kept
//! ([`super::memo`]).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId, TargetKind};
use serde::{Deserialize, Serialize};

use crate::arch::Arch;

/// All crates that a set of components consists of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// The components themselves.
    pub starts: Vec<Start>,
    /// They, and whatever they depend on; each once.
    pub crates: Vec<Crate>,
}

/// A component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Its package.
    pub name: String,
    /// The first files of its programs and libraries.
    pub sources: Vec<PathBuf>,
}

/// A crate in an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// Its checksum in Cargo.lock, `here` for a crate of this source tree, or nothing.
    pub checksum: String,
    /// Who depends on it: `component > crate > this`.
    pub chain: String,
    /// Where its manifest lies, and its source below.
    pub folder: PathBuf,
    /// The first files of what goes into images.
    pub sources: Vec<PathBuf>,
    /// What its manifest says that safe Rust does not vouch for.
    pub declared: Vec<String>,
}

impl Crate {
    /// Name and version.
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// Whether it is of this source tree.
    pub fn is_here(&self) -> bool {
        self.checksum == "here"
    }
}

impl Graph {
    /// Asks cargo, for each architecture, what the packages `starts` of the workspace at `root` depend on.
    pub fn ask(root: &Path, starts: &[String]) -> Result<Graph> {
        let mut graph = Graph::default();
        for arch in Arch::ALL {
            let metadata = metadata(root, arch)?;
            let checksums = checksums(metadata.workspace_root.as_std_path())?;
            let compiled = compiled(root, arch, starts)?;
            Walk {
                metadata: &metadata,
                checksums: &checksums,
                compiled: &compiled,
                graph: &mut graph,
            }
            .from(starts)?;
        }
        Ok(graph)
    }
}

fn metadata(root: &Path, arch: Arch) -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.current_dir(root);
    command.other_options(vec![
        "--filter-platform".into(),
        arch.component_target().into(),
    ]);
    if let Some(cargo) = std::env::var_os("FTL_CARGO") {
        command.cargo_path(cargo);
    }
    command.exec().context("cargo metadata failed")
}

/// What is compiled for these packages and this architecture. Cargo's metadata unites the features that all packages of the
/// workspace ask for, the tool's for the host among them; a build of the components, and this list, has theirs alone.
fn compiled(root: &Path, arch: Arch, starts: &[String]) -> Result<BTreeSet<(String, String)>> {
    let cargo = std::env::var_os("FTL_CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(cargo);
    command.current_dir(root);
    command.args(["tree", "--edges", "normal", "--prefix", "none"]);
    command.args(["--format", "{p}", "--target", arch.component_target()]);
    for start in starts {
        command.args(["--package", start]);
    }
    let output = command.output().context("cargo tree cannot be started")?;
    anyhow::ensure!(
        output.status.success(),
        "cargo tree failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).context("cargo tree prints no text")?;
    // Lines like `smoltcp v0.14.0`, with more behind for some.
    let packages = text.lines().filter_map(|line| {
        let (name, rest) = line.split_once(" v")?;
        let version = rest.split(' ').next()?;
        Some((name.to_owned(), version.to_owned()))
    });
    Ok(packages.collect())
}

/// Whether a package's dependency is really compiled. Cargo's metadata also lists optional ones that only a
/// weak feature (`defmt?/alloc`) mentions, which turns nothing on.
fn is_on(package: &Package, features: &[impl AsRef<str>], dependency: &Package) -> bool {
    let mut declared = package
        .dependencies
        .iter()
        .filter(|one| one.name == *dependency.name && one.kind == DependencyKind::Normal)
        .peekable();
    // One that is not found under its name is taken for on: the walk must not miss any.
    if declared.peek().is_none() {
        return true;
    }
    declared.any(|one| {
        let name = one.rename.as_deref().unwrap_or(&one.name);
        !one.optional
            || features.iter().any(|feature| {
                let feature = feature.as_ref();
                feature == name
                    || package.features.get(feature).is_some_and(|turned_on| {
                        turned_on.iter().any(|what| {
                            let what = what.strip_prefix("dep:").unwrap_or(what);
                            what == name
                                || what
                                    .strip_prefix(name)
                                    .is_some_and(|rest| rest.starts_with('/'))
                        })
                    })
            })
    })
}

/// Checksums in Cargo.lock by crate name and version. The file's form is fixed by cargo: one
/// `key = "value"` per line, packages apart from each other.
fn checksums(root: &Path) -> Result<BTreeMap<(String, String), String>> {
    let text =
        std::fs::read_to_string(root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let mut found = BTreeMap::new();
    for package in text.split("[[package]]").skip(1) {
        let value = |key: &str| {
            package.lines().find_map(|line| {
                let value = line.strip_prefix(key)?.strip_prefix(" = \"")?;
                value.strip_suffix('"').map(str::to_owned)
            })
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (value("name"), value("version"), value("checksum"))
        {
            found.insert((name, version), checksum);
        }
    }
    Ok(found)
}

struct Walk<'a> {
    metadata: &'a Metadata,
    checksums: &'a BTreeMap<(String, String), String>,
    /// Names and versions of what is compiled for the components at all.
    compiled: &'a BTreeSet<(String, String)>,
    graph: &'a mut Graph,
}

impl Walk<'_> {
    fn from(&mut self, starts: &[String]) -> Result<()> {
        let resolve = self
            .metadata
            .resolve
            .as_ref()
            .context("cargo resolved nothing")?;
        let mut seen: BTreeSet<PackageId> = BTreeSet::new();
        let mut waiting: Vec<(PackageId, String)> = Vec::new();
        for start in starts {
            let package = self
                .metadata
                .workspace_packages()
                .into_iter()
                .find(|package| package.name == *start)
                .with_context(|| format!("there is no package `{start}`"))?;
            // Both architectures begin with the same.
            if !self.graph.starts.iter().any(|known| known.name == *start) {
                self.graph.starts.push(Start {
                    name: start.clone(),
                    sources: sources(package),
                });
            }
            waiting.push((package.id.clone(), start.clone()));
        }
        while let Some((id, chain)) = waiting.pop() {
            if !seen.insert(id.clone()) {
                continue;
            }
            let package = &self.metadata[&id];
            let title = (package.name.to_string(), package.version.to_string());
            if !self.compiled.contains(&title) {
                continue;
            }
            self.add(package, &chain)?;
            if is_proc_macro(package) {
                continue;
            }
            let node = resolve
                .nodes
                .iter()
                .find(|node| node.id == id)
                .context("cargo forgot a package")?;
            for dependency in &node.deps {
                let in_image = dependency
                    .dep_kinds
                    .iter()
                    .any(|info| info.kind == DependencyKind::Normal);
                let on = is_on(package, &node.features, &self.metadata[&dependency.pkg]);
                if in_image && on {
                    let name = &self.metadata[&dependency.pkg].name;
                    waiting.push((dependency.pkg.clone(), format!("{chain} > {name}")));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, package: &Package, chain: &str) -> Result<()> {
        let folder = package
            .manifest_path
            .parent()
            .context("a manifest has a folder")?;
        // The other architecture may have found it before.
        if self
            .graph
            .crates
            .iter()
            .any(|known| known.folder == folder.as_std_path())
        {
            return Ok(());
        }
        let version = package.version.to_string();
        let key = (package.name.to_string(), version.clone());
        let checksum = match &package.source {
            None => "here".to_owned(),
            Some(_) => self.checksums.get(&key).cloned().unwrap_or_default(),
        };
        self.graph.crates.push(Crate {
            name: package.name.to_string(),
            version,
            checksum,
            chain: chain.to_owned(),
            folder: folder.as_std_path().to_owned(),
            sources: sources(package),
            declared: declared(package),
        });
        Ok(())
    }
}

fn sources(package: &Package) -> Vec<PathBuf> {
    package
        .targets
        .iter()
        .filter(|target| target.is_bin() || target.is_lib())
        .map(|target| target.src_path.as_std_path().to_owned())
        .collect()
}

/// What a package's manifest says that safe Rust alone does not vouch for.
fn declared(package: &Package) -> Vec<String> {
    let mut found = Vec::new();
    if is_proc_macro(package) {
        found.push("a procedural macro".to_owned());
    }
    if package
        .targets
        .iter()
        .any(|target| target.is_custom_build())
    {
        found.push("a build script".to_owned());
    }
    if let Some(library) = &package.links {
        found.push(format!("a link to the native library `{library}`"));
    }
    found
}

fn is_proc_macro(package: &Package) -> bool {
    package
        .targets
        .iter()
        .any(|target| target.kind.contains(&TargetKind::ProcMacro))
}

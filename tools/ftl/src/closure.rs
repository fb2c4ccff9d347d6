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

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId, TargetKind};
use serde::Deserialize;

use crate::arch::Arch;
use crate::sources::{self, Token};

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

/// Walks from the packages `starts` of the workspace at `root` over all that they depend on.
pub fn walk(root: &Path, starts: &[String], reviewed: &[Reviewed]) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut used = BTreeSet::new();
    for arch in Arch::ALL {
        let metadata = metadata(root, arch)?;
        let checksums = checksums(metadata.workspace_root.as_std_path())?;
        let compiled = compiled(root, arch, starts)?;
        let mut walk = Walk {
            metadata: &metadata,
            checksums: &checksums,
            compiled: &compiled,
            reviewed,
            used: &mut used,
            outcome: &mut outcome,
        };
        walk.from(starts)?;
    }
    for entry in reviewed {
        if !used.contains(&entry.name) {
            outcome.breaches.push(format!(
                "tools/reviewed.yml lists {} {}, which no component needs a review for; take it out",
                entry.name, entry.version
            ));
        }
    }
    // Both architectures mostly find the same.
    outcome.breaches.sort();
    outcome.breaches.dedup();
    Ok(outcome)
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
    reviewed: &'a [Reviewed],
    used: &'a mut BTreeSet<String>,
    outcome: &'a mut Outcome,
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
            if !forbids_unsafe(package)? {
                self.outcome.breaches.push(format!(
                    "{start} has no `#![forbid(unsafe_code)]` at its top"
                ));
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
            self.judge(package, &chain)?;
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

    /// Files one package as clean, reviewed or wrong.
    fn judge(&mut self, package: &Package, chain: &str) -> Result<()> {
        let title = format!("{} {}", package.name, package.version);
        let findings = findings(package)?;
        if findings.is_empty() {
            self.outcome.clean.insert(title);
            return Ok(());
        }
        let version = package.version.to_string();
        let key = (package.name.to_string(), version.clone());
        let checksum = match &package.source {
            None => "here",
            Some(_) => self.checksums.get(&key).map_or("", String::as_str),
        };
        let entry = self
            .reviewed
            .iter()
            .find(|entry| entry.name == *package.name);
        if let Some(entry) = entry {
            self.used.insert(entry.name.clone());
        }
        match entry {
            Some(entry) if entry.version == version && entry.checksum == checksum && !checksum.is_empty() => {
                self.outcome.reviewed.insert(format!("{title}: {}", entry.reason.trim()));
            }
            Some(entry) => self.outcome.breaches.push(format!(
                "{title} (checksum {checksum}) is not what was reviewed, {} {} (checksum {}); read what changed, \
                 then correct tools/reviewed.yml",
                entry.name, entry.version, entry.checksum
            )),
            None => self.outcome.breaches.push(format!(
                "{title} is in the image of a component that may run in the kernel ({chain}) and has {}; it needs an \
                 entry in tools/reviewed.yml (checksum {checksum}), or that component `isolation: [user]`",
                shorten(&findings)
            )),
        }
        Ok(())
    }
}

fn shorten(findings: &[String]) -> String {
    match findings {
        [one, two, _, rest @ ..] => format!("{one}, {two} and {} more", rest.len() + 1),
        few => few.join(", "),
    }
}

fn is_proc_macro(package: &Package) -> bool {
    package
        .targets
        .iter()
        .any(|target| target.kind.contains(&TargetKind::ProcMacro))
}

/// Whether the program's first file forbids `unsafe` in the whole crate.
fn forbids_unsafe(package: &Package) -> Result<bool> {
    for target in package
        .targets
        .iter()
        .filter(|target| target.is_bin() || target.is_lib())
    {
        let tokens = sources::tokens(&std::fs::read_to_string(&target.src_path)?)?;
        if !has_sequence(
            &tokens,
            &["#", "!", "[", "forbid", "(", "unsafe_code", ")", "]"],
        ) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has_sequence(tokens: &[Token], wanted: &[&str]) -> bool {
    tokens.windows(wanted.len()).any(|window| {
        window
            .iter()
            .zip(wanted)
            .all(|(token, text)| token.text == *text)
    })
}

/// Everything about a package that safe Rust alone does not vouch for.
fn findings(package: &Package) -> Result<Vec<String>> {
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
    let folder = package
        .manifest_path
        .parent()
        .context("a manifest has a folder")?
        .as_std_path();
    let files = rust_files(folder)?;
    for target in &package.targets {
        let in_image = target.is_lib() || target.is_bin();
        if in_image
            && !files
                .iter()
                .any(|file| *file == target.src_path.as_std_path())
        {
            found.push(format!("source at another place ({})", target.src_path));
        }
    }
    for file in files {
        let shown = file
            .strip_prefix(folder)
            .unwrap_or(&file)
            .display()
            .to_string();
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        found.extend(
            suspicious(&text)
                .into_iter()
                .map(|what| format!("{what} ({shown})")),
        );
    }
    Ok(found)
}

/// A crate's own Rust files: not its tests, benchmarks and examples, and not other packages below it.
fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in std::fs::read_dir(&current).with_context(|| current.display().to_string())? {
            let path = entry?.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or("");
            if path.is_dir() {
                let besides = current == folder
                    && matches!(
                        name,
                        "tests" | "benches" | "examples" | "fuzz" | "target" | ".git"
                    );
                if !besides && !path.join("Cargo.toml").exists() {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") && !(current == folder && name == "build.rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// What in a source text is beyond safe Rust, or beyond this scan.
fn suspicious(text: &str) -> Vec<String> {
    let tokens = match sources::tokens(text) {
        Ok(tokens) => tokens,
        Err(error) => return vec![format!("what this check cannot read: {error}")],
    };
    let mut found = Vec::new();
    // How many brackets deep in an attribute, `cfg_attr(…)` included.
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        let text_at = |place: Option<usize>| {
            place
                .and_then(|place| tokens.get(place))
                .map_or("", |token| token.text.as_str())
        };
        match token.text.as_str() {
            "[" if depth > 0 => depth += 1,
            "[" => {
                let outer = text_at(index.checked_sub(1)) == "#";
                let inner =
                    text_at(index.checked_sub(1)) == "!" && text_at(index.checked_sub(2)) == "#";
                depth += usize::from(outer || inner);
            }
            "]" if depth > 0 => depth -= 1,
            _ => {}
        }
        let next = tokens
            .get(index + 1)
            .map_or("", |token| token.text.as_str());
        // The raw form of a name means the same in an attribute or before a `!`.
        let name = token.text.strip_prefix("r#").unwrap_or(&token.text);
        let what = match name {
            "unsafe" if token.text == "unsafe" => "unsafe",
            "no_mangle" | "export_name" | "link_section" => name,
            "asm" | "global_asm" | "naked_asm" | "llvm_asm" if next == "!" => "assembly",
            // A name of assembly can be imported under another one.
            "asm" | "global_asm" | "naked_asm" if next == "as" => "assembly",
            "link" if depth > 0 && next == "(" => "a native library",
            // Source from where the scan does not look.
            "include" if next == "!" || next == "as" => "include!",
            "path" if depth > 0 && next == "=" => "a module at another path",
            _ => continue,
        };
        found.push(format!("{what} in line {}", token.line));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace in a temporary folder: a component `victim` that depends on `helper`.
    struct Smuggler {
        root: PathBuf,
    }

    impl Smuggler {
        fn new(name: &str) -> Smuggler {
            let root =
                std::env::temp_dir().join(format!("ftl-closure-{}-{name}", std::process::id()));
            let smuggler = Smuggler { root };
            smuggler.write(
                "Cargo.toml",
                "[workspace]\nresolver = \"3\"\nmembers = [\"victim\", \"helper\"]\n",
            );
            smuggler.write(
                "victim/Cargo.toml",
                "[package]\nname = \"victim\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\nhelper = { path = \"../helper\" }\n",
            );
            smuggler.write(
                "victim/src/main.rs",
                "#![forbid(unsafe_code)]\nfn main() {}\n",
            );
            smuggler.write("helper/Cargo.toml", HELPER);
            smuggler.write("helper/src/lib.rs", "#![no_std]\n");
            smuggler
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        fn walk(&self, reviewed: &[Reviewed]) -> Outcome {
            walk(&self.root, &["victim".to_owned()], reviewed).unwrap()
        }
    }

    impl Drop for Smuggler {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.root);
        }
    }

    const HELPER: &str = "[package]\nname = \"helper\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

    fn check_refused(name: &str, path: &str, text: &str, said: &str) {
        let smuggler = Smuggler::new(name);
        smuggler.write(path, text);
        let outcome = smuggler.walk(&[]);
        assert!(
            outcome.breaches.iter().any(|breach| breach.contains(said)),
            "{name}: no `{said}` in {:?}",
            outcome.breaches
        );
    }

    #[test]
    fn clean_crates_pass() {
        let outcome = Smuggler::new("clean").walk(&[]);
        assert_eq!(outcome.breaches, [""; 0]);
        assert_eq!(outcome.clean.len(), 2);
    }

    #[test]
    fn each_way_of_smuggling_is_refused() {
        let lib = "helper/src/lib.rs";
        check_refused(
            "block",
            lib,
            "pub fn f() { unsafe { } }",
            "unsafe in line 1",
        );
        check_refused(
            "macro",
            lib,
            "#[macro_export]\nmacro_rules! m { () => { unsafe { } } }",
            "unsafe in line 2",
        );
        check_refused(
            "module",
            "helper/src/deep/er.rs",
            "unsafe impl Send for X {}",
            "deep/er.rs",
        );
        check_refused(
            "export",
            lib,
            "#[no_mangle]\npub extern \"C\" fn f() {}",
            "no_mangle",
        );
        check_refused(
            "name",
            lib,
            "#[export_name = \"memcpy\"]\nfn f() {}",
            "export_name",
        );
        check_refused(
            "section",
            lib,
            "#[link_section = \".text\"]\nstatic A: u8 = 0;",
            "link_section",
        );
        check_refused("asm", lib, "core::arch::global_asm!(\"nop\");", "assembly");
        check_refused(
            "renamed",
            lib,
            "use core::arch::global_asm as harmless;",
            "assembly",
        );
        check_refused(
            "include",
            lib,
            "include!(\"../../elsewhere.txt\");",
            "include!",
        );
        check_refused(
            "path",
            lib,
            "#[path = \"../../elsewhere.rs\"]\nmod a;",
            "another path",
        );
        check_refused(
            "path under a condition",
            lib,
            "#[cfg_attr(all(), path = \"../../elsewhere.rs\")]\nmod a;",
            "another path",
        );
        check_refused(
            "library under a condition",
            lib,
            "#[cfg_attr(all(), link(name = \"c\"))]\nextern \"C\" {}",
            "native library",
        );
        check_refused(
            "modern export",
            lib,
            "#[unsafe(no_mangle)]\npub extern \"C\" fn f() {}",
            "no_mangle",
        );
        check_refused(
            "raw name",
            lib,
            "#[r#no_mangle]\npub extern \"C\" fn f() {}",
            "no_mangle",
        );
        check_refused(
            "assembly of a function",
            lib,
            "pub fn f() { core::arch::asm!(\"nop\") }",
            "assembly",
        );
        check_refused(
            "unused feature",
            lib,
            "#[cfg(feature = \"never\")]\npub fn f() { unsafe { } }",
            "unsafe in line 2",
        );
        check_refused(
            "library",
            lib,
            "#[link(name = \"c\")]\nextern \"C\" {}",
            "native library",
        );
        check_refused("unreadable", lib, "fn f( {", "cannot read");
        check_refused(
            "script",
            "helper/build.rs",
            "fn main() {}",
            "a build script",
        );
        let links = format!("{HELPER}links = \"z\"\n");
        let smuggler = Smuggler::new("links");
        smuggler.write("helper/build.rs", "fn main() {}");
        smuggler.write("helper/Cargo.toml", &links);
        let breaches = smuggler.walk(&[]).breaches;
        assert!(
            breaches[0].contains("a link to the native library `z`"),
            "{breaches:?}"
        );
        let smuggler = Smuggler::new("elsewhere");
        smuggler.write("helper/tests/lib.rs", "pub fn f() { unsafe { } }");
        smuggler.write(
            "helper/Cargo.toml",
            &format!("{HELPER}[lib]\npath = \"tests/lib.rs\"\n"),
        );
        let breaches = smuggler.walk(&[]).breaches;
        assert!(
            breaches[0].contains("source at another place"),
            "{breaches:?}"
        );
        let smuggler = Smuggler::new("renamed script");
        smuggler.write("helper/other.rs", "fn main() {}");
        smuggler.write(
            "helper/Cargo.toml",
            &HELPER.replace("edition", "build = \"other.rs\"\nedition"),
        );
        let breaches = smuggler.walk(&[]).breaches;
        assert!(breaches[0].contains("a build script"), "{breaches:?}");
        check_refused(
            "proc",
            "helper/Cargo.toml",
            &format!("{HELPER}[lib]\nproc-macro = true\n"),
            "procedural macro",
        );
        check_refused(
            "unforbidden",
            "victim/src/main.rs",
            "#![deny(unsafe_code)]\nfn main() {}",
            "forbid(unsafe_code)",
        );
        check_refused(
            "commented",
            "victim/src/main.rs",
            "// #![forbid(unsafe_code)]\nfn main() {}",
            "forbid(unsafe_code)",
        );
    }

    #[test]
    fn a_review_counts_for_what_was_reviewed() {
        let smuggler = Smuggler::new("review");
        smuggler.write("helper/src/lib.rs", "pub fn f() { unsafe { } }");
        let entry = |version: &str, checksum: &str| Reviewed {
            name: "helper".into(),
            version: version.into(),
            checksum: checksum.into(),
            reason: "it is short".into(),
        };
        let good = smuggler.walk(&[entry("0.1.0", "here")]);
        assert_eq!(good.breaches, [""; 0]);
        assert_eq!(good.reviewed.len(), 1);
        assert_eq!(smuggler.walk(&[entry("0.1.1", "here")]).breaches.len(), 1);
        assert_eq!(smuggler.walk(&[entry("0.1.0", "1234")]).breaches.len(), 1);

        let stale = Smuggler::new("stale").walk(&[entry("0.1.0", "here")]);
        assert!(
            stale.breaches[0].contains("take it out"),
            "{:?}",
            stale.breaches
        );
    }

    #[test]
    fn an_optional_dependency_counts_if_a_feature_turns_it_on() {
        let check = |victim: &str, feature: &str, refused: bool| {
            let smuggler = Smuggler::new(victim);
            let victim = format!(
                "[package]\nname = \"victim\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n\
                 helper = {{ path = \"../helper\", optional = true }}\n[features]\ndefault = [\"f\"]\nf = [\"{feature}\"]\n"
            );
            smuggler.write("victim/Cargo.toml", &victim);
            smuggler.write(
                "helper/Cargo.toml",
                &format!("{HELPER}[features]\ng = []\n"),
            );
            smuggler.write("helper/src/lib.rs", "pub fn f() { unsafe { } }");
            let breaches = smuggler.walk(&[]).breaches;
            assert_eq!(!breaches.is_empty(), refused, "{feature}: {breaches:?}");
        };
        check("weak", "helper?/g", false);
        check("strong", "helper/g", true);
        check("dep", "dep:helper", true);
    }

    #[test]
    fn tests_of_a_dependency_do_not_count() {
        let smuggler = Smuggler::new("tests");
        smuggler.write("helper/tests/a.rs", "fn f() { unsafe { } }");
        assert_eq!(smuggler.walk(&[]).breaches, [""; 0]);
    }
}

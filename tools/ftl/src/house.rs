//! The house rules of docs/rules.md that a program can check: who imports whom, where `unsafe` and
//! `cfg(target_arch)` may stand, that nothing is left unfinished, that links lead somewhere.
//!
//! Each rule is a function from the source tree to a list of breaches, one line each. The list of
//! rules is [`RULES`]; `tools/ftl/tests/house_rules.rs` applies each to the tree we stand in.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::sources::{self, File, Token};

/// The source tree, read once.
pub struct Tree {
    /// All its text files.
    pub files: Vec<File>,
    /// Its packages, and all they depend on.
    pub metadata: Metadata,
}

/// A rule's name and the function that finds what breaks it.
pub type Rule = (&'static str, fn(&Tree) -> Vec<String>);

/// All the rules.
pub const RULES: &[Rule] = &[
    ("imports between layers", imports),
    ("unsafe only where it is allowed", unsafe_code),
    ("cfg(target_arch) only where it is allowed", target_arch),
    ("no name of a CPU outside of the seam", processor_names),
    ("nothing is left unfinished", unfinished),
    ("links in the docs lead somewhere", links),
    ("no paths of one machine", machine_paths),
    ("licences of dependencies", licences),
];

/// Libraries that may contain `unsafe`, each for a reason told in its own first lines.
const LIBS_WITH_UNSAFE: &[&str] = &[
    "libs/copy",
    "libs/sqlite",
    "libs/testkit",
    "libs/wild",
    "libs/words",
];
/// Components that may contain `unsafe`: an attacker does. Their files must not list the isolation
/// `kernel`, which `closure.rs` sees to.
const COMPONENTS_WITH_UNSAFE: &[&str] = &["components/tests/hostile"];
/// The attacks of that component that know the CPU.
const CPU_ATTACKS: &str = "components/tests/hostile/src/registers";
/// Who may import what lies in the first column, if not everybody whose layer may.
const FOR_FEW: &[(&str, &str)] = &[("libs/wild", "components/tests/")];

impl Tree {
    /// Reads the tree at `root`.
    pub fn read(root: &Path) -> Result<Tree> {
        let mut command = MetadataCommand::new();
        command.current_dir(root);
        if let Some(cargo) = std::env::var_os("FTL_CARGO") {
            command.cargo_path(cargo);
        }
        Ok(Tree {
            files: sources::files(root)?,
            metadata: command.exec()?,
        })
    }

    fn rust(&self) -> impl Iterator<Item = (&File, Vec<Token>)> {
        self.files
            .iter()
            .filter(|file| file.path.ends_with(".rs"))
            // What is not Rust is the compiler's to report.
            .filter_map(|file| Some((file, sources::tokens(&file.text).ok()?)))
    }
}

/// The parts of the project between which imports are ruled (docs/rules.md, and ARCHITECTURE.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Abi,
    Libs,
    Testkit,
    /// What firmware starts, and what starts the kernel.
    Boot,
    Kernel,
    Api,
    Interfaces,
    Component,
    /// Tools, tests, benchmarks: they run on the host and import what they like.
    Host,
}

impl Layer {
    fn of(path: &str) -> Layer {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["abi", ..] => Layer::Abi,
            ["libs", "testkit", ..] => Layer::Testkit,
            ["libs", ..] => Layer::Libs,
            ["boot", ..] => Layer::Boot,
            ["kernel", ..] => Layer::Kernel,
            ["api", ..] => Layer::Api,
            ["interfaces", ..] => Layer::Interfaces,
            ["components", ..] => Layer::Component,
            _ => Layer::Host,
        }
    }

    /// What this layer may import.
    fn may_import(self) -> &'static [Layer] {
        use Layer::*;
        match self {
            Abi => &[],
            Libs => &[Libs, Abi],
            // The one exception: it runs the kernel's real logic for component tests (rule 29).
            Testkit => &[Libs, Abi, Kernel, Api],
            Boot | Kernel => &[Abi, Libs],
            Api => &[Api, Abi, Libs],
            // What an interface's client does with shared memory is written once, beside it.
            Interfaces => &[Api, Libs],
            Component => &[Api, Interfaces, Libs, Abi],
            Host => &[
                Abi, Libs, Testkit, Boot, Kernel, Api, Interfaces, Component, Host,
            ],
        }
    }
}

/// The layers' import table, and no imports at all for `abi`.
fn imports(tree: &Tree) -> Vec<String> {
    let root = tree.metadata.workspace_root.as_path();
    let mut breaches = Vec::new();
    for package in tree.metadata.workspace_packages() {
        let Some(path) = folder_in(root.as_std_path(), package.manifest_path.as_std_path()) else {
            continue;
        };
        let layer = Layer::of(&path);
        for dependency in &package.dependencies {
            let target = dependency
                .path
                .as_ref()
                .and_then(|path| path.strip_prefix(root).ok())
                .map(|path| path.as_str().replace('\\', "/"));
            let development = dependency.kind == DependencyKind::Development;
            if let Some(breach) = import_breach(
                layer,
                &path,
                target.as_deref(),
                &dependency.name,
                development,
            ) {
                breaches.push(breach);
            }
        }
    }
    breaches
}

/// What is wrong with one import, if anything.
fn import_breach(
    layer: Layer,
    path: &str,
    target: Option<&str>,
    name: &str,
    development: bool,
) -> Option<String> {
    let Some(target) = target else {
        return (layer == Layer::Abi && !development)
            .then(|| format!("{path} depends on the crate {name}; abi depends on core alone"));
    };
    let target_layer = Layer::of(target);
    // Tests may use the simulated machine and the other half of a protocol.
    if development && matches!(target_layer, Layer::Testkit | Layer::Libs | Layer::Abi) {
        return None;
    }
    let for_others = FOR_FEW
        .iter()
        .any(|(what, whom)| *what == target && !path.starts_with(whom));
    if layer.may_import().contains(&target_layer) && !for_others {
        return None;
    }
    Some(format!("{path} imports {target}, which its layer must not"))
}

fn folder_in(root: &Path, manifest: &Path) -> Option<String> {
    let folder = manifest.parent()?.strip_prefix(root).ok()?;
    Some(folder.to_str()?.replace('\\', "/"))
}

/// `unsafe` stands in the kernel, the API and the libraries listed above.
fn unsafe_code(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    let mut unused: Vec<&str> = LIBS_WITH_UNSAFE.to_vec();
    for (file, tokens) in tree.rust() {
        if may_be_unsafe(&file.path) {
            if tokens.iter().any(|token| token.text == "unsafe") {
                unused.retain(|lib| !file.path.starts_with(lib));
            }
            continue;
        }
        for token in tokens.iter().filter(|token| token.text == "unsafe") {
            breaches.push(format!("{}:{}: unsafe", file.path, token.line));
        }
    }
    for lib in unused {
        breaches.push(format!(
            "{lib} has no unsafe any more; take it off the list in tools/ftl/src/house.rs"
        ));
    }
    breaches
}

fn may_be_unsafe(path: &str) -> bool {
    let listed = LIBS_WITH_UNSAFE.iter().chain(COMPONENTS_WITH_UNSAFE);
    path.starts_with("kernel/")
        || path.starts_with("api/")
        || path.starts_with("boot/uefi/src/arch/")
        || matches!(path, "boot/uefi/src/firmware.rs" | "boot/uefi/src/start.rs")
        || listed.into_iter().any(|folder| {
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        })
}

/// `cfg(target_arch)` stands in the kernel's `arch`, the gate, one attack, and few libraries, on whole files.
fn target_arch(tree: &Tree) -> Vec<String> {
    const ALLOWED: &[&str] = &[
        "kernel/src/arch/",
        "kernel/src/arch.rs",
        "boot/uefi/src/arch/",
        "api/src/gate",
        CPU_ATTACKS,
        "libs/",
    ];
    let mut breaches = Vec::new();
    for (file, tokens) in tree.rust() {
        if ALLOWED.iter().any(|allowed| file.path.starts_with(allowed)) || is_host_code(&file.path)
        {
            continue;
        }
        for token in tokens.iter().filter(|token| token.text == "target_arch") {
            breaches.push(format!("{}:{}: cfg(target_arch)", file.path, token.line));
        }
    }
    breaches
}

/// What runs on the machine names no CPU outside of the kernel's `arch` and `platform`, the gate and one attack: neither
/// in a name nor in a text. Comments may, and so may tests, which run on the host.
fn processor_names(tree: &Tree) -> Vec<String> {
    const NAMES: &[&str] = &["riscv", "aarch64", "arm64", "armv8", "x86_64"];
    const SEAM: &[&str] = &[
        "boot/uefi/src/arch/",
        "kernel/src/arch/",
        "kernel/src/platform/",
        "api/src/gate",
        CPU_ATTACKS,
    ];
    let mut breaches = Vec::new();
    for (file, tokens) in tree.rust() {
        let path = file.path.as_str();
        if SEAM.iter().any(|seam| path.starts_with(seam))
            || is_host_code(path)
            || path.contains("/tests/") && !path.starts_with("components/tests/")
        {
            continue;
        }
        for (at, token) in tokens.iter().enumerate() {
            let is_comment = at >= 2 && tokens[at - 2].text == "doc" && tokens[at - 1].text == "=";
            let text = token.text.to_lowercase();
            if !is_comment && NAMES.iter().any(|name| text.contains(name)) {
                breaches.push(format!("{path}:{}: {}", token.line, token.text));
            }
        }
    }
    breaches
}

fn is_host_code(path: &str) -> bool {
    Layer::of(path) == Layer::Host
}

/// No `todo!`, `unimplemented!`, ignored tests.
fn unfinished(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for (file, tokens) in tree.rust() {
        for pair in tokens.windows(2) {
            let macro_call = pair[1].text == "!";
            if macro_call && matches!(pair[0].text.as_str(), "todo" | "unimplemented") {
                breaches.push(format!("{}:{}: {}!", file.path, pair[0].line, pair[0].text));
            }
            if pair[0].text == "[" && pair[1].text == "ignore" {
                breaches.push(format!("{}:{}: an ignored test", file.path, pair[0].line));
            }
        }
    }
    breaches
}

/// Relative links of Markdown files name files that exist, and headings that exist in them.
fn links(tree: &Tree) -> Vec<String> {
    let texts: BTreeMap<&str, &str> = tree
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect();
    let root = tree.metadata.workspace_root.as_std_path();
    let exists = |path: &str| root.join(path).exists();
    let mut breaches = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, link) in markdown_links(&file.text) {
            if let Some(reason) = link_breach(&file.path, link, &texts, &exists) {
                breaches.push(format!("{}:{line}: {reason}", file.path));
            }
        }
    }
    breaches
}

/// What is wrong with one link, if anything.
fn link_breach(
    from: &str,
    link: &str,
    texts: &BTreeMap<&str, &str>,
    exists: &dyn Fn(&str) -> bool,
) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() {
        from.to_owned()
    } else {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        let Some(target) = resolve(folder, path) else {
            return Some(format!("the link `{link}` leads out of the source tree"));
        };
        target
    };
    if !texts.contains_key(target.as_str()) && !exists(&target) {
        return Some(format!("the link `{link}` leads to nothing"));
    }
    if !anchor.is_empty()
        && let Some(text) = texts
            .get(target.as_str())
            .filter(|_| target.ends_with(".md"))
        && !headings(text).any(|heading| heading == anchor)
    {
        return Some(format!("`{target}` has no heading for `#{anchor}`"));
    }
    None
}

/// `docs/concepts` and `../x.md` make `docs/x.md`. `None`: it leads out of the tree.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The targets of `[text](target)`, with their lines; code is left out.
fn markdown_links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    for (number, line) in prose_lines(text) {
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let Some(end) = rest.find(')') else { break };
            let target = rest[..end].split(' ').next().unwrap_or("");
            links.push((number, target.trim_matches(['<', '>'])));
        }
    }
    links
}

/// Lines outside code blocks, counted from 1.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            return None;
        }
        (!in_code && !line.starts_with("    ")).then_some((index + 1, line))
    })
}

/// Headings as they are named in links: lower case, blanks as hyphens, other signs left out.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose_lines(text)
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|&c| c.is_alphanumeric() || c == ' ' || c == '-' || c == '_')
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
}

/// Absolute paths that exist on one person's machine only.
fn machine_paths(tree: &Tree) -> Vec<String> {
    // Written in two halves, so that this file does not break its own rule.
    let prefixes = [
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/tmp/ba", "sh_jobs"),
    ];
    let mut breaches = Vec::new();
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            for prefix in prefixes {
                let absolute = line.match_indices(prefix).any(|(at, _)| {
                    // a folder of that name further inside a path, or behind a host in an address, is another thing.
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}/~*".contains(c))
                });
                if absolute {
                    breaches.push(format!("{}:{}: {prefix}…", file.path, index + 1));
                }
            }
        }
    }
    breaches
}

/// Licences that go with MIT and Apache-2.0.
fn licences(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for package in &tree.metadata.packages {
        if !package.license.as_deref().is_some_and(licence_fits) {
            breaches.push(format!(
                "{} {}: {}",
                package.name,
                package.version,
                package.license.as_deref().unwrap_or("no licence is told")
            ));
        }
    }
    breaches
}

/// Whether one alternative of an SPDX expression consists of licences that we accept.
fn licence_fits(expression: &str) -> bool {
    const ACCEPTED: &[&str] = &[
        "MIT",
        "MIT-0",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "0BSD",
        "ISC",
        "Zlib",
        "Unlicense",
        "CC0-1.0",
        "Unicode-3.0",
        "Unicode-DFS-2016",
        "BSL-1.0",
    ];
    let accepted = |name: &str| {
        let name = name.trim_matches(['(', ')', ' ']);
        ACCEPTED.contains(&name.split(" WITH ").next().unwrap_or(name))
    };
    // `(A OR B) AND C` needs one of each group; older crates write `A/B`.
    expression
        .replace('/', " OR ")
        .split(" AND ")
        .all(|group| group.split(" OR ").any(accepted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_import_table_holds() {
        let check = |path: &str, target: &str, development: bool| {
            import_breach(Layer::of(path), path, Some(target), "x", development).is_none()
        };
        for (path, target) in [
            ("kernel", "abi"),
            ("kernel", "libs/elf"),
            ("api", "abi"),
            ("api", "api/macros"),
            ("interfaces", "api"),
            ("interfaces", "libs/ring"),
            ("components/apps/hello", "interfaces"),
            ("components/drivers/virtio_net", "libs/virtio"),
            ("libs/virtio", "libs/ring"),
            ("libs/testkit", "kernel"),
            ("components/tests/buggy", "libs/wild"),
            ("tools/ftl", "tools/gen"),
        ] {
            assert!(check(path, target, false), "{path} may import {target}");
        }
        for (path, target) in [
            ("abi", "libs/elf"),
            ("libs/elf", "kernel"),
            ("libs/elf", "api"),
            ("kernel", "api"),
            ("kernel", "interfaces"),
            ("api", "kernel"),
            ("interfaces", "components/apps/hello"),
            ("components/apps/hello", "components/apps/echo"),
            ("components/apps/hello", "kernel"),
            ("components/apps/hello", "libs/testkit"),
            ("kernel", "tools/gen"),
            ("components/apps/hello", "libs/wild"),
        ] {
            assert!(
                !check(path, target, false),
                "{path} must not import {target}"
            );
        }
        assert!(check("components/apps/hello", "libs/testkit", true));
        assert!(!check("components/apps/hello", "kernel", true));
        assert!(import_breach(Layer::Abi, "abi", None, "log", false).is_some());
    }

    #[test]
    fn unsafe_has_its_places() {
        assert!(may_be_unsafe("kernel/src/main.rs"));
        assert!(may_be_unsafe("libs/testkit/src/lib.rs"));
        assert!(may_be_unsafe("components/tests/hostile/src/main.rs"));
        assert!(!may_be_unsafe("components/tests/buggy/src/main.rs"));
        assert!(!may_be_unsafe("libs/testkit_like/src/lib.rs"));
        assert!(!may_be_unsafe("libs/elf/src/lib.rs"));
        assert!(may_be_unsafe("boot/uefi/src/firmware.rs"));
        assert!(!may_be_unsafe("boot/uefi/src/tree.rs"));
        assert!(!may_be_unsafe("components/apps/hello/src/main.rs"));
    }

    #[test]
    fn broken_links_are_found() {
        let texts = BTreeMap::from([
            ("README.md", "# FTL\n## How it starts, really\n"),
            ("docs/a.md", "# A\n"),
        ]);
        let exists = |path: &str| path == "docs/picture.svg" || path == "docs";
        let breach = |from: &str, link: &str| link_breach(from, link, &texts, &exists);
        for (from, link) in [
            ("docs/a.md", "../README.md"),
            ("docs/a.md", "../README.md#how-it-starts-really"),
            ("docs/a.md", "picture.svg"),
            ("docs/a.md", "#a"),
            ("README.md", "docs/"),
            ("README.md", "https://example.org/x#y"),
        ] {
            assert_eq!(breach(from, link), None, "{from} {link}");
        }
        for (from, link) in [
            ("docs/a.md", "README.md"),
            ("docs/a.md", "../README.md#how"),
            ("README.md", "docs/b.md"),
            ("README.md", "../x"),
        ] {
            assert!(breach(from, link).is_some(), "{from} {link}");
        }
    }

    #[test]
    fn links_are_found_outside_code() {
        let text = "see [a](a.md) and [b](<b.md> \"title\")\n```\n[c](c.md)\n```\n    [d](d.md)\n[e](e.md)";
        assert_eq!(
            markdown_links(text),
            [(1, "a.md"), (1, "b.md"), (6, "e.md")]
        );
    }

    #[test]
    fn licences_are_understood() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-2.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(licence_fits(good), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-2.0", "", "MPL-2.0"] {
            assert!(!licence_fits(bad), "{bad}");
        }
    }
}

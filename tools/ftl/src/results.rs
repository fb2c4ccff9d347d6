//! The figures that long tests reach, written down in `docs/results.md` with commit and command.
//!
//! A test leaves a figure with `e2e::record`, as a line `RESULT name: value` in a file that `./ftl test` names. After
//! a run with `--long` the page gets one section for the tests that were run, in place of the section that the
//! same command has left before; the other sections stay.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::test::Selection;

/// The page.
const PAGE: &str = "docs/results.md";

/// Where tests leave their figures.
pub struct Collector(PathBuf);

impl Collector {
    /// An empty file.
    pub fn new(root: &Path) -> Result<Collector> {
        let folder = root.join("target");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join("results.txt");
        std::fs::write(&path, "").with_context(|| path.display().to_string())?;
        Ok(Collector(path))
    }

    /// Its path, for the tests.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Adds a figure of the tool's own, as `e2e::record` does it for a test.
    pub fn add(&self, name: &str, value: &str) {
        let line = format!("RESULT {name}: {value}\n");
        let file = std::fs::OpenOptions::new().append(true).open(&self.0);
        // The page is for reading; whether a test has passed is told elsewhere.
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }

    /// After a long run: writes the page, if there are figures, and answers where.
    pub fn finish(&self, root: &Path, selection: &Selection) -> Result<Option<PathBuf>> {
        let text = std::fs::read_to_string(&self.0)?;
        let figures: Vec<(&str, &str)> = text.lines().filter_map(parse).collect();
        if figures.is_empty() || !selection.long {
            return Ok(None);
        }
        let command = command(selection);
        let section = section(&command, &commit(root), &machine(), &figures);
        let page = root.join(PAGE);
        let old = std::fs::read_to_string(&page).unwrap_or_default();
        std::fs::write(&page, replace(&old, &command, &section))
            .with_context(|| page.display().to_string())?;
        Ok(Some(page))
    }
}

/// Reads `RESULT name: value`.
fn parse(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("RESULT ")?.rsplit_once(": ")
}

fn command(selection: &Selection) -> String {
    let mut command = "./ftl test".to_owned();
    if let Some(filter) = &selection.filter {
        command += &format!(" {filter}");
    }
    if let [arch] = selection.archs[..] {
        command += &format!(" --arch {}", arch.name());
    }
    command + " --long"
}

/// The commit that was tested, and whether there were changes to it.
fn commit(root: &Path) -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .current_dir(root)
            .args(arguments)
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["log", "-1", "--format=%h of %cs"]) else {
        return "unknown".to_owned();
    };
    // The page itself has changed when tests are run one after the other.
    let others = format!(":!{PAGE}");
    let changes = git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        ".",
        &others,
    ]);
    match changes.is_some_and(|changes| changes.is_empty()) {
        true => commit,
        false => format!("{commit}, with changes"),
    }
}

/// What the tests ran on.
fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let qemu = crate::doctor::qemu_version(crate::arch::Arch::Riscv64)
        .map_or("an unknown version".to_owned(), |(major, minor)| {
            format!("{major}.{minor}")
        });
    format!("QEMU {qemu}, a host with {cpus} CPUs")
}

fn section(command: &str, commit: &str, machine: &str, figures: &[(&str, &str)]) -> String {
    let mut text =
        format!("## `{command}`\n\nCommit {commit}; {machine}.\n\n| figure | |\n|---|---|\n");
    let mut figures = figures.to_vec();
    figures.sort();
    for (name, value) in figures {
        text += &format!("| {name} | {value} |\n");
    }
    text
}

/// The page with this section in the place of the one that has the same heading.
fn replace(page: &str, command: &str, section: &str) -> String {
    const HEAD: &str = "# Results of long tests\n\n\
        What `./ftl test … --long` reached last, one section for each command. The tool writes this page \
        (`tools/ftl/src/results.rs`).\n";
    let mut parts = page.split("\n## ");
    let head = parts.next().filter(|head| !head.is_empty()).unwrap_or(HEAD);
    let heading = format!("`{command}`");
    let mut sections: Vec<String> = parts
        .filter(|part| part.lines().next() != Some(&heading))
        .map(|part| format!("## {}\n", part.trim_end()))
        .collect();
    sections.push(section.to_owned());
    sections.sort();
    let mut text = head.trim_end().to_owned() + "\n";
    for section in sections {
        text += &format!("\n{section}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read() {
        assert_eq!(
            parse("RESULT chaos, user, 4 CPUs, kills: 1000"),
            Some(("chaos, user, 4 CPUs, kills", "1000"))
        );
        assert_eq!(parse("something else"), None);
    }

    #[test]
    fn a_section_takes_the_place_of_its_own_kind() {
        let one = section("./ftl test a --long", "1234567", "QEMU", &[("x", "1")]);
        let other = section("./ftl test b --long", "1234567", "QEMU", &[("y", "2")]);
        let newer = section("./ftl test a --long", "89abcde", "QEMU", &[("x", "3")]);
        let page = replace("", "./ftl test a --long", &one);
        let page = replace(&page, "./ftl test b --long", &other);
        let page = replace(&page, "./ftl test a --long", &newer);
        assert!(page.starts_with("# Results"));
        assert_eq!(page.matches("\n## ").count(), 2);
        assert!(page.contains("| x | 3 |") && page.contains("| y | 2 |"));
        assert!(!page.contains("| x | 1 |"));
        // Writing the same again changes nothing.
        assert_eq!(replace(&page, "./ftl test a --long", &newer), page);
    }
}

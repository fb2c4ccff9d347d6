//! The reading of source: what in a file is beyond safe Rust. Files that have not changed since they were last read
//! are not read again.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::graph::Crate;
use crate::sources::{self, Token};

/// What is known of files that were read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Scans {
    files: BTreeMap<PathBuf, Scan>,
    /// How many were read since this was made or loaded.
    #[serde(skip)]
    pub read: usize,
}

/// What was found in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Scan {
    stamp: Stamp,
    /// `unsafe in line 3` and the like.
    suspicious: Vec<String>,
    /// Whether it forbids `unsafe` in the whole crate that it is the first file of.
    forbids_unsafe: bool,
}

/// By which a file that has changed is known: each write moves its times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stamp {
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Scans {
    /// Everything about a crate that safe Rust alone does not vouch for.
    pub fn findings(&mut self, crate_: &Crate) -> Result<Vec<String>> {
        let mut found = crate_.declared.clone();
        let files = rust_files(&crate_.folder)?;
        for source in &crate_.sources {
            if !files.contains(source) {
                found.push(format!("source at another place ({})", source.display()));
            }
        }
        for file in files {
            let shown = file.strip_prefix(&crate_.folder).unwrap_or(&file);
            let shown = shown.display().to_string();
            let scan = self.scan(&file)?;
            found.extend(
                scan.suspicious
                    .iter()
                    .map(|what| format!("{what} ({shown})")),
            );
        }
        Ok(found)
    }

    /// Whether each of a component's programs forbids `unsafe` at its top.
    pub fn forbids_unsafe(&mut self, sources: &[PathBuf]) -> Result<bool> {
        for source in sources {
            if !self.scan(source)?.forbids_unsafe {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn scan(&mut self, file: &Path) -> Result<&Scan> {
        let metadata = std::fs::metadata(file).with_context(|| file.display().to_string())?;
        let stamp = Stamp {
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        };
        if self
            .files
            .get(file)
            .is_none_or(|known| known.stamp != stamp)
        {
            let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
            self.read += 1;
            let scan = Scan {
                stamp,
                suspicious: suspicious(&text),
                // What cannot be read is told of already.
                forbids_unsafe: sources::tokens(&text).map_or(true, |tokens| {
                    has_sequence(
                        &tokens,
                        &["#", "!", "[", "forbid", "(", "unsafe_code", ")", "]"],
                    )
                }),
            };
            self.files.insert(file.to_owned(), scan);
        }
        Ok(&self.files[file])
    }
}

fn has_sequence(tokens: &[Token], wanted: &[&str]) -> bool {
    tokens.windows(wanted.len()).any(|window| {
        window
            .iter()
            .zip(wanted)
            .all(|(token, text)| token.text == *text)
    })
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

/// How a finding about a file begins that is no Rust.
pub const UNREADABLE: &str = "what this check cannot read";

/// What in a source text is beyond safe Rust, or beyond this scan.
fn suspicious(text: &str) -> Vec<String> {
    let tokens = match sources::tokens(text) {
        Ok(tokens) => tokens,
        Err(error) => return vec![format!("{UNREADABLE}: {error}")],
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

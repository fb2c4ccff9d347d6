//! Whole directories: listing them, and copying them in and out.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Context, Result};
use files::{Kind, Node};
use indicatif::{ProgressBar, ProgressStyle};

use crate::image::{Image, told};

/// Bytes that are copied at once.
const STEP: usize = 256 * 1024;
/// Entries that are read of a directory at once.
const PAGE: usize = 256;

impl Image {
    /// A line for each name in a directory.
    pub fn list(&mut self, path: &str) -> Result<Vec<String>> {
        let directory = self.find(path)?;
        let mut lines = Vec::new();
        self.each(directory, |image, name, node, kind| {
            let attributes = image.files.attributes(node).map_err(told)?;
            lines.push(match kind {
                Kind::File => format!("{:>12}  {name}", attributes.len),
                Kind::Directory => format!("{:>12}  {name}/", ""),
                Kind::Symlink => {
                    let target = image.files.read_link(node).map_err(told)?;
                    format!("{:>12}  {name} -> {target}", "")
                }
            });
            Ok(())
        })?;
        Ok(lines)
    }

    /// Makes `/many` with so many empty files, and writes down how many in `/entries`: what `bench_files` looks for.
    pub fn fill(&mut self, count: u32) -> Result<()> {
        let bar = progress();
        let directory = self.make_directories("/many")?;
        for i in 0..count {
            let name = format!("file number {i}");
            let made = self.files.create(directory, &name, Kind::File, 0o644);
            made.map_err(told)?;
            if i % 4096 == 4095 {
                self.files.sync().map_err(told)?;
            }
            bar.inc(1);
        }
        let root = self.files.root();
        let entries = self.files.create(root, "entries", Kind::File, 0o644);
        let entries = entries.map_err(told)?;
        let text = count.to_string();
        self.files.keep(entries).map_err(told)?;
        let written = self.files.write(entries, 0, text.as_bytes());
        written.map_err(told)?;
        self.files.close(entries).map_err(told)?;
        self.files.sync().map_err(told)?;
        bar.finish_and_clear();
        Ok(())
    }

    /// Copies what is in a folder of this machine; how many files and directories that were.
    pub fn import(&mut self, folder: &Path, path: &str) -> Result<usize> {
        let bar = progress();
        let directory = self.make_directories(path)?;
        let count = self.import_into(folder, directory, &bar)?;
        self.files.sync().map_err(told)?;
        bar.finish_and_clear();
        Ok(count)
    }

    fn import_into(&mut self, folder: &Path, directory: Node, bar: &ProgressBar) -> Result<usize> {
        let mut count = 0;
        let read = fs::read_dir(folder)
            .with_context(|| format!("cannot read the folder {}", folder.display()))?;
        for entry in read {
            let entry = entry?;
            let path = entry.path();
            let context = || format!("copying {}", path.display());
            let name = entry.file_name();
            let name = name
                .to_str()
                .with_context(|| format!("the name {} is not UTF-8", path.display()))?;
            let kind = entry.file_type()?;
            let mode = entry.metadata()?.permissions().mode();
            bar.set_message(path.display().to_string());
            bar.inc(1);
            if kind.is_dir() {
                let inner = self.directory_in(directory, name).with_context(context)?;
                count += self.import_into(&path, inner, bar)?;
            } else if kind.is_symlink() {
                let target = fs::read_link(&path)?;
                let target = target.to_str().context("a link's target is not UTF-8")?;
                self.remove_old(directory, name).with_context(context)?;
                let made = self.files.symlink(directory, name, target);
                made.map_err(told).with_context(context)?;
            } else if kind.is_file() {
                self.import_file(&path, directory, name, mode)
                    .with_context(context)?;
            } else {
                let why = "neither file nor directory";
                let _ = writeln!(io::stderr(), "left out {}: {why}", path.display());
                continue;
            }
            count += 1;
        }
        Ok(count)
    }

    fn import_file(&mut self, path: &Path, directory: Node, name: &str, mode: u32) -> Result<()> {
        use std::io::Read;
        self.remove_old(directory, name)?;
        let node = self.files.create(directory, name, Kind::File, mode);
        let node = node.map_err(told)?;
        self.files.keep(node).map_err(told)?;
        let mut file = fs::File::open(path)?;
        let mut buffer = vec![0; STEP];
        let mut at = 0;
        loop {
            let len = file.read(&mut buffer)?;
            if len == 0 {
                break;
            }
            self.files.write(node, at, &buffer[..len]).map_err(told)?;
            at += len as u64;
        }
        self.files.close(node).map_err(told)
    }

    /// Copies what is in a directory to a folder of this machine; how many files and directories.
    pub fn export(&mut self, path: &str, folder: &Path) -> Result<usize> {
        let bar = progress();
        let directory = self.find(path)?;
        let count = self.export_from(directory, folder, &bar)?;
        bar.finish_and_clear();
        Ok(count)
    }

    fn export_from(&mut self, directory: Node, folder: &Path, bar: &ProgressBar) -> Result<usize> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let mut count = 0;
        self.each(directory, |image, name, node, kind| {
            let path = folder.join(name);
            bar.set_message(path.display().to_string());
            bar.inc(1);
            count += 1;
            match kind {
                Kind::Directory => count += image.export_from(node, &path, bar)?,
                Kind::Symlink => {
                    let target = image.files.read_link(node).map_err(told)?;
                    symlink(target, &path)
                        .with_context(|| format!("cannot make the link {}", path.display()))?;
                }
                Kind::File => image.export_file(node, &path)?,
            }
            Ok(())
        })?;
        Ok(count)
    }

    fn export_file(&mut self, node: Node, path: &Path) -> Result<()> {
        use std::io::Write;
        let context = || format!("cannot write {}", path.display());
        let attributes = self.files.keep(node).map_err(told)?;
        let mut file = fs::File::create(path).with_context(context)?;
        let mut buffer = vec![0; STEP];
        let mut at = 0;
        loop {
            let len = self.files.read(node, at, &mut buffer).map_err(told)?;
            if len == 0 {
                break;
            }
            file.write_all(&buffer[..len]).with_context(context)?;
            at += len as u64;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(attributes.mode))?;
        self.files.close(node).map_err(told)
    }

    fn find(&mut self, path: &str) -> Result<Node> {
        let root = self.files.root();
        self.files
            .resolve(root, path, true)
            .and_then(|place| place.node())
            .map_err(told)
            .with_context(|| format!("`{path}` in the image"))
    }

    fn make_directories(&mut self, path: &str) -> Result<Node> {
        let mut node = self.files.root();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            node = self.directory_in(node, part)?;
        }
        Ok(node)
    }

    /// The directory with this name, made if it is not there.
    fn directory_in(&mut self, directory: Node, name: &str) -> Result<Node> {
        match self.files.lookup(directory, name) {
            Ok(node) => Ok(node),
            Err(abi::Error::NotFound) => self
                .files
                .create(directory, name, Kind::Directory, 0o755)
                .map_err(told),
            Err(error) => Err(told(error)),
        }
    }

    /// Takes away a file or link that is about to be replaced.
    fn remove_old(&mut self, directory: Node, name: &str) -> Result<()> {
        match self.files.unlink(directory, name) {
            Ok(()) | Err(abi::Error::NotFound) => Ok(()),
            Err(error) => Err(told(error)),
        }
    }

    /// Does something with each name in a directory.
    fn each(
        &mut self,
        directory: Node,
        mut act: impl FnMut(&mut Image, &str, Node, Kind) -> Result<()>,
    ) -> Result<()> {
        let mut after = String::new();
        loop {
            let entries = self.files.list(directory, &after, PAGE).map_err(told)?;
            let Some(last) = entries.last() else {
                return Ok(());
            };
            after.clone_from(&last.name);
            for entry in entries {
                act(self, &entry.name, entry.node, entry.kind)?;
            }
        }
    }
}

fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} copied  {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

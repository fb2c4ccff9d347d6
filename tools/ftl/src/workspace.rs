//! Where things lie in the source tree.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::arch::Arch;

/// The source tree's top folder.
///
/// `./ftl` tells it through `FTL_ROOT`; without that it is searched for upwards from here.
pub fn root() -> Result<PathBuf> {
    if let Some(root) = std::env::var_os("FTL_ROOT") {
        return Ok(PathBuf::from(root));
    }
    let here = std::env::current_dir()?;
    for folder in here.ancestors() {
        if folder.join("abi/Cargo.toml").exists() && folder.join("Cargo.toml").exists() {
            return Ok(folder.to_owned());
        }
    }
    bail!(
        "{} is not inside FTL's source tree; change into it first",
        here.display()
    )
}

/// The folder for what `./ftl build` makes for one architecture.
pub fn build_folder(root: &Path, arch: Arch) -> PathBuf {
    root.join("build").join(arch.name())
}

/// The workspace's packages, by their folder relative to `root` and their name.
pub fn packages(root: &Path) -> Result<Vec<(String, String)>> {
    let mut command = cargo_metadata::MetadataCommand::new();
    command.current_dir(root).no_deps();
    command.cargo_path(crate::doctor::host_cargo().get_program());
    let metadata = command.exec().context("cargo metadata failed")?;
    let folder = |package: &cargo_metadata::Package| {
        let path = package.manifest_path.parent()?;
        let path = path.strip_prefix(&metadata.workspace_root).ok()?;
        Some(path.as_str().replace('\\', "/"))
    };
    Ok(metadata
        .workspace_packages()
        .into_iter()
        .filter_map(|package| Some((folder(package)?, package.name.to_string())))
        .collect())
}

/// Names of the packages that lie directly in a folder, each in a folder of its own name.
pub fn packages_in(root: &Path, folder: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).with_context(|| folder.to_owned())? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}

//! Where things lie in the source tree.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

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

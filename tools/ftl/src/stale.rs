//! Whether what was built before is older than what it was built from.
//!
//! `--no-build` boots what there is. Whoever has changed something since would wonder why that has no effect, so it says so.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders whose files go into an image.
const FOLDERS: &[&str] = &[
    "abi",
    "api",
    "boot",
    "components",
    "interfaces",
    "kernel",
    "libs",
    "systems",
];
/// What such files' names end with.
const ENDS: &[&str] = &["c", "h", "rs", "toml", "yml"];

/// The first file found, relative to the root, that was changed after `built`, which is a file as well.
pub fn changed_since(root: &Path, built: &Path) -> Option<PathBuf> {
    let time = modified(built)?;
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|name| root.join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                // Tests on this computer, which are in no image.
                if entry.file_name() != "tests" || folder_of_components(root, &path) {
                    folders.push(path);
                }
                continue;
            }
            let end = path.extension().and_then(|end| end.to_str());
            let counts = end.is_some_and(|end| ENDS.contains(&end));
            if counts && modified(&path).is_some_and(|changed| changed > time) {
                return path.strip_prefix(root).ok().map(Path::to_owned);
            }
        }
    }
    None
}

/// `components/tests` has components that tests boot.
fn folder_of_components(root: &Path, path: &Path) -> bool {
    path == root.join("components/tests")
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_later_change_is_found() {
        let root = std::env::temp_dir().join(format!("ftl-stale-{}", std::process::id()));
        let root = root.as_path();
        for name in FOLDERS {
            std::fs::create_dir_all(root.join(name).join("src/tests")).unwrap();
        }
        let built = root.join("ping.tar");
        std::fs::write(&built, "").unwrap();
        let later = modified(&built).unwrap() + Duration::from_secs(1);
        let change = |name: &str| {
            let file = std::fs::File::create(root.join(name)).unwrap();
            file.set_modified(later).unwrap();
            changed_since(root, &built)
        };
        assert_eq!(change("kernel/notes.md"), None);
        assert_eq!(change("api/src/tests/end.rs"), None);
        let found = change("libs/src/lib.rs");
        assert_eq!(found.as_deref(), Some(Path::new("libs/src/lib.rs")));
        std::fs::remove_dir_all(root).unwrap();
    }
}

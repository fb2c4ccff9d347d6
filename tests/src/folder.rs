//! A folder of this computer for a test's disks and files.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder, removed at the end.
pub struct Folder(pub PathBuf);

impl Folder {
    /// An empty one. The name is for people who find it.
    pub fn new(name: &str) -> Folder {
        let name = format!("ftl-{name}-{}-{}", crate::arch(), std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder for a test");
        Folder(folder)
    }

    /// One more in it.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.0.join(name);
        std::fs::create_dir_all(&folder).expect("a folder in a test's folder");
        folder
    }

    /// The path of a disk's image in it.
    pub fn disk(&self) -> String {
        self.0.join("disk.img").display().to_string()
    }

    /// What the host's `sqlite3` answers, asked for what is on that disk.
    pub fn ask(&self, sql: &str) -> String {
        let done = Command::new("sqlite3")
            .args([&self.disk(), sql])
            .output()
            .expect("sqlite3 is there");
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{sql}: {said}");
        String::from_utf8(done.stdout).expect("text")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `./ftl disk COMMAND IMAGE …`, for what a test needs on a disk or wants to know of it.
pub fn disk(command: &str, image: impl AsRef<Path>, others: &[impl AsRef<OsStr>]) {
    let status = Command::new(crate::tool())
        .args(["disk", command])
        .arg(image.as_ref())
        .args(others)
        .status()
        .expect("the tool can be started");
    assert!(status.success(), "./ftl disk {command}");
}

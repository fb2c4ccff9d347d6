//! Files on a disk: what one run synchronised, the next one finds.

use std::path::PathBuf;

/// A folder for disks, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder =
            std::env::temp_dir().join(format!("ftl-{name}-{}-{}", e2e::arch(), std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for disks");
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_was_synchronised_is_found_again() {
    let folder = Folder::new("files");
    let disk = folder.0.join("disk.img");
    for run in 1..=2 {
        let exit = e2e::boot("file_proof")
            .argument("--disk")
            .argument(disk.display().to_string())
            .set("file_proof.run", run)
            .start()
            .wait_exit();
        assert_eq!(exit.code, 0, "run {run}:\n{}", exit.log.join("\n"));
        let done = format!("run {run} is done");
        assert!(exit.log.iter().any(|line| line.contains(&done)));
    }
}

#[test]
fn without_a_disk_files_are_kept_in_memory_and_that_is_said() {
    let exit = e2e::boot("file_proof").start().wait_exit();
    assert_eq!(exit.code, 0, "{}", exit.log.join("\n"));
    let notice = |line: &String| line.contains("there is no disk");
    assert!(exit.log.iter().any(notice), "{}", exit.log.join("\n"));
}

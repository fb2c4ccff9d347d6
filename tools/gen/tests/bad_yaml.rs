//! Each file in `tests/bad` is a slip, and the `.txt` beside it what its author is told.
//!
//! A file's first line names the place at which it is put into a copy of the small workspace in
//! `tests/base`. `UPDATE=1 cargo test -p ftl-gen` writes what is told now; read the difference
//! before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use ftl_gen::Workspace;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A copy of the base workspace that removes itself.
struct Copy(PathBuf);

impl Copy {
    fn new(name: &str) -> Copy {
        let root = std::env::temp_dir().join(format!("ftl-gen-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        copy(&folder("base"), &root);
        Copy(root)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_base_is_right_and_generates() {
    let base = Copy::new("base");
    let workspace = Workspace::load(&base.0).unwrap_or_else(|reports| panic!("{reports}"));
    workspace.generate().unwrap();
    workspace.check_generated().unwrap();
    assert!(workspace.generate().unwrap().is_empty());
    let plan = workspace.plan("default", &Default::default()).unwrap();
    assert_eq!(plan.components(), ["echo", "nic", "pong", "tcpip"]);
    // Whoever is needed stands before whoever needs it.
    let order: Vec<&str> = plan
        .plan()
        .components
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(order, ["pong", "echo", "nic", "tcpip"]);
    assert_eq!(plan::Plan::decode(&plan.encode()).as_ref(), Ok(plan.plan()));
    assert_eq!(
        plan.notes,
        ["`echo` stays at isolation `user`: it does not support `kernel`"]
    );
}

#[test]
fn generated_files_that_are_changed_or_gone_are_noticed() {
    let base = Copy::new("stale");
    let workspace = Workspace::load(&base.0).unwrap();
    workspace.generate().unwrap();
    let generated = base.0.join("interfaces/src/generated");
    fs::write(generated.join("ping.rs"), "// changed by hand\n").unwrap();
    fs::remove_file(generated.join("net.rs")).unwrap();
    fs::write(generated.join("gone.rs"), "// its interface was removed\n").unwrap();
    let told = workspace.check_generated().unwrap_err().to_string();
    for expected in [
        "ping.rs is out of date",
        "net.rs is missing",
        "nothing generates",
        "gone.rs any more",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert_eq!(workspace.generate().unwrap().len(), 3);
    workspace.check_generated().unwrap();
}

#[test]
fn every_slip_is_told_in_words() {
    let mut names: Vec<String> = fs::read_dir(folder("bad"))
        .unwrap()
        .filter_map(|entry| {
            Some(
                entry
                    .unwrap()
                    .file_name()
                    .to_str()?
                    .strip_suffix(".yml")?
                    .to_string(),
            )
        })
        .collect();
    names.sort();
    assert!(names.len() >= 40, "only {} bad files", names.len());
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for name in &names {
        let told = tell(name);
        let expected = folder("bad").join(format!("{name}.txt"));
        if update {
            fs::write(&expected, &told).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != told {
            wrong.push(format!("{name} is told:\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn tell(name: &str) -> String {
    let text = fs::read_to_string(folder("bad").join(format!("{name}.yml"))).unwrap();
    let place = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("# "))
        .unwrap();
    let base = Copy::new(name);
    let path = base.0.join(place);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, &text).unwrap();
    match Workspace::load(&base.0) {
        Ok(_) => panic!("{name} is accepted"),
        Err(reports) => reports.to_string(),
    }
}

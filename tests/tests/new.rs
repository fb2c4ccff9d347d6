//! `./ftl new app|server|driver NAME` keeps its promise: what it makes builds, boots, and passes its own test.
//!
//! What it copies are components themselves, which the system `templates` boots. With `--long` copies are really made, in a copy
//! of the source tree, which stays in the folder for temporary files, so that only the first time takes long. Inside the
//! tree it could not be: cargo would heed the settings of both.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is made, and what it says when it runs.
const MADE: [(&str, &str, &str); 3] = [
    ("app", "tried_app", "tried_app: Hello, for 1 s now"),
    ("server", "tried_server", "tried_server: ready"),
    ("driver", "tried_driver", " s since 1970"),
];

/// Folders that are not source.
const NOT_SOURCE: [&str; 3] = ["target", "build", ".git"];

#[test]
fn the_templates_run_as_they_are() {
    let driver = match &*e2e::arch() {
        "arm64" => "template_driver_arm64",
        _ => "template_driver",
    };
    let system = e2e::boot("templates").start();
    // In whatever order.
    system.wait_for("template_app: Hello, for 1 s now");
    system.wait_for("template_server: ready");
    let time = system.wait_for(" s since 1970");
    assert!(time.contains(&format!("{driver}: ")), "{time}");
}

#[test]
fn what_is_made_builds_boots_and_passes_its_test() {
    if !e2e::is_first_variant() || !e2e::long() {
        return;
    }
    let tree = copy_of_the_source_tree();
    let arch = e2e::arch();
    for (kind, name, _) in MADE {
        let (ok, said) = ftl(&tree, &["new", kind, name, "--arch", &arch]);
        assert!(ok, "{said}");
        assert!(said.contains("component.yml  "), "{said}");
    }
    for (_, name, says) in MADE {
        let (ok, said) = ftl(&tree, &["build", name, "--arch", &arch]);
        assert!(ok && !said.contains("warning"), "{said}");
        let system = e2e::boot(name)
            .as_its_file_says()
            .in_tree(&tree)
            .argument("--no-build")
            .start();
        system.wait_for(says);
    }
    // Its own test, and nothing else: no system is built for it.
    let (ok, said) = ftl(&tree, &["test", "tried_server", "--arch", &arch]);
    assert!(ok && said.contains("1 passed, 0 failed"), "{said}");
    assert!(!said.contains("building"), "{said}");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut others = Command::new(cargo);
    others.args(["test", "-p", "tried_app", "-p", "tried_driver"]);
    let (ok, said) = run(others.current_dir(&tree));
    assert!(ok, "{said}");
    assert_eq!(said.matches("1 passed; 0 failed").count(), 2, "{said}");
}

/// Runs `./ftl` on a source tree; answers whether it ended well, and all that it said.
fn ftl(tree: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(e2e::tool());
    run(command.args(arguments).env("FTL_ROOT", tree))
}

fn run(command: &mut Command) -> (bool, String) {
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("it can be started");
    let said = [&*output.stdout, &*output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Makes a copy like the tree, or the one of the last time like it. Files that have not changed stay as old as they are.
fn copy_of_the_source_tree() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = source.parent().expect("the tests lie in the tree");
    let copy = format!("ftl-new{}", source.display()).replace('/', "-");
    let copy = std::env::temp_dir().join(copy);
    fs::create_dir_all(&copy).expect("there is room");
    let files = files(source);
    for old in files_but(&copy, &files) {
        fs::remove_file(copy.join(&old)).expect("it is ours");
        // Folders of components without files would be taken for components.
        for folder in old.ancestors().skip(1) {
            if folder == Path::new("") || fs::remove_dir(copy.join(folder)).is_err() {
                break;
            }
        }
    }
    for path in files {
        let content = fs::read(source.join(&path)).expect("it can be read");
        let to = copy.join(&path);
        if fs::read(&to).is_ok_and(|old| old == content) {
            continue;
        }
        fs::create_dir_all(to.parent().expect("it lies in the tree")).expect("there is room");
        fs::write(&to, content).expect("there is room");
    }
    copy
}

/// The files of a tree but for these.
fn files_but(tree: &Path, these: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    files(tree).difference(these).cloned().collect()
}

/// All files of a tree that may be source, by their paths in it.
fn files(tree: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(tree.join(&folder)).expect("it can be listed") {
            let entry = entry.expect("it can be listed");
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().expect("it has a type");
            if kind.is_file() {
                found.insert(path);
            } else if kind.is_dir() && !NOT_SOURCE.iter().any(|name| entry.file_name() == *name) {
                folders.push(path);
            }
        }
    }
    found
}

//! Each file in `tests/bad` is a slip, and the `.txt` beside it what its author is told.
//!
//! A file's first line names the place at which it is put into a copy of the small workspace in
//! `tests/base`. `UPDATE=1 cargo test -p ftl-gen` writes what is told now; read the difference
//! before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use ftl_gen::component::Isolation;
use ftl_gen::{Overrides, Workspace};

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
        Copy::of("base", name)
    }

    fn of(base: &str, name: &str) -> Copy {
        let root = std::env::temp_dir().join(format!("ftl-gen-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        copy(&folder(base), &root);
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
    assert!(workspace.has_network("default") && !workspace.has_network("quiet"));
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
    // That the file's `isolation: kernel` does not hold for all is no news to who boots it; what they ask for is.
    assert_eq!(plan.notes, [""; 0]);
    let asked = Overrides {
        isolation: Some(Isolation::Kernel),
        ..Overrides::default()
    };
    assert_eq!(
        workspace.plan("default", &asked).unwrap().notes,
        ["`echo` stays at isolation `user`: it does not support `kernel`"]
    );
}

#[test]
fn what_the_command_line_sets_must_be_there() {
    let base = Copy::new("set");
    let workspace = Workspace::load(&base.0).unwrap();
    let told = |owner: &str, name: &str, value: &str| {
        let overrides = Overrides {
            settings: vec![(owner.into(), name.into(), value.into())],
            ..Overrides::default()
        };
        match workspace.plan("default", &overrides) {
            Ok(_) => String::new(),
            Err(reports) => reports.to_string(),
        }
    };
    let owner = told("ecoh", "rounds", "3");
    assert!(
        owner.contains("this system has no component `ecoh`; did you mean `echo`?"),
        "{owner}"
    );
    let name = told("echo", "round", "3");
    assert!(
        name.contains("`echo` has no setting `round`; did you mean `rounds`?"),
        "{name}"
    );
    assert_eq!(told("echo", "rounds", "3"), "");
    for value in ["x", "0", "101", "", "[1", "a: b"] {
        let expected =
            format!("× `--set echo.rounds={value}`: expected a whole number from 1 to 100\n");
        let told = told("echo", "rounds", value);
        assert_eq!(told.trim_start(), expected);
    }
    let text = told("echo", "greeting", &"many\nlines".repeat(1000));
    assert!(
        text.contains("=many linesmany linesmany lines…`: expected text of at most 8"),
        "{text}"
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

proptest::proptest! {
    #![proptest_config(trials::cases(60))]

    /// Whatever is in the files, they are accepted, and then generating works, or refused in words.
    #[test]
    fn damaged_files_never_make_the_generator_panic(seed: u64) {
        let mut random = seed | 1;
        let mut below = |bound: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % bound as u64) as usize
        };
        let files = [
            ("sample", "interfaces/sample.yml"),
            ("sample", "components/servers/store/component.yml"),
            ("sample", "systems/sample.yml"),
            ("base", "interfaces/tcpip.yml"),
        ];
        let (base, file) = files[below(files.len())];
        let copied = Copy::of(base, &format!("damaged-{seed}"));
        let path = copied.0.join(file);
        let mut text: Vec<char> = fs::read_to_string(&path).unwrap().chars().collect();
        for _ in 0..=below(4) {
            let at = below(text.len());
            match below(5) {
                0 => text.truncate(at),
                1 => drop(text.remove(at)),
                // Characters that mean something, and some that are more than a byte.
                2 => text.insert(at, [':', '{', '[', '\n', '-', '"', '(', '√', '\t', '#'][below(10)]),
                3 => {
                    let other = below(text.len());
                    text.swap(at, other);
                }
                _ => {
                    let end = (at + below(40)).min(text.len());
                    let part = text[at..end].to_vec();
                    let to = below(text.len());
                    text.splice(to..to, part);
                }
            }
            if text.is_empty() {
                break;
            }
        }
        fs::write(&path, text.iter().collect::<String>()).unwrap();
        match Workspace::load(&copied.0) {
            Ok(workspace) => drop(workspace.generate().unwrap()),
            Err(reports) => assert!(!reports.to_string().trim().is_empty()),
        }
    }
}

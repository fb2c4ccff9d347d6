//! Dumps: what `./ftl run` keeps when something crashes, and what is read out of it afterwards.

use std::process::{Command, Stdio};

use e2e::device_tree::DeviceTree;
use e2e::folder::Folder;

/// What `./ftl` prints for these words.
fn ask(words: &[&str]) -> String {
    let output = Command::new(e2e::tool())
        .args(words)
        .stdin(Stdio::null())
        .output()
        .expect("./ftl can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {errors}\n{text}");
    text
}

fn check(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

/// The folder of the dump that a run says it has kept.
fn kept<'a>(log: &'a [String], what: &str) -> &'a str {
    let says = format!("ftl: kept a dump ({what}): ");
    log.iter()
        .find_map(|line| line.strip_prefix(&says))
        .unwrap_or_else(|| panic!("no dump ({what}) in\n{}", log.join("\n")))
}

fn remove(dump: &str) {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::remove_dir_all(root.join(dump)).expect("the dump is there");
}

#[test]
fn a_kernel_panic_leaves_a_dump() {
    if !e2e::is_first_variant() {
        return;
    }
    // The component `crasher` crashes, and the kernel panics because it was asked to.
    let ftl = e2e::boot("supervision")
        .argument("--dumps")
        .argument("panic")
        .argument("--append")
        .argument("ftl.crash=panic")
        .start();
    let exit = ftl.wait_exit();
    assert_eq!(exit.json["end"], "panic", "{}", exit.tail());
    let dump = kept(&exit.log, "kernel panic");
    let overview = ask(&["dump", dump]);
    check(
        &overview,
        &[
            "kernel panic (supervision",
            "kernel panic: panicked at kernel/src/fault.rs",
            "crasher           ",
            "init              ",
            "kernel/src/crash.rs",
            "in kernel_panicked",
            // With its path or without, as the compiler writes it.
            "panic_fmt",
            "kernel/src/fault.rs",
        ],
    );
    check(
        &ask(&["dump", dump, "backtrace", "crasher"]),
        &[
            "crasher, thread 0: crashed",
            "components/tests/crasher/src/main.rs:",
        ],
    );
    check(
        &ask(&["dump", dump, "handles", "crasher"]),
        &["RIGHTS", "init"],
    );
    check(
        &ask(&["dump", dump, "queues"]),
        &["CHANNEL", "QUEUE", "SOURCES", "crasher"],
    );
    // The same in gdb.
    check(
        &ask(&[
            "debug",
            "--dump",
            dump,
            "-x",
            "ftl ps",
            "-x",
            "bt 3",
            "-x",
            "ftl backtrace crasher",
        ]),
        &[
            "crasher           ",
            "kernel::crash::kernel_panicked",
            "src/main.rs:",
        ],
    );
    remove(dump);
}

/// A kernel that panics before it has memory has neither log nor components to show, and a dump of it says so.
#[test]
fn a_panic_early_in_the_boot_leaves_a_dump() {
    if !e2e::is_first_variant() {
        return;
    }
    let folder = Folder::new("early_panic");
    let tree = DeviceTree::of(&e2e::arch()).deepened(16).write(&folder);
    let ftl = e2e::boot("supervision")
        .argument("--dumps")
        .argument("panic")
        .qemu(["-dtb", tree.as_str()])
        .start();
    let exit = ftl.wait_exit();
    assert_eq!(exit.json["end"], "panic", "{}", exit.tail());
    let dump = kept(&exit.log, "kernel panic");
    let not_set_up = "the kernel had not set up its memory yet";
    let overview = ask(&["dump", dump]);
    check(
        &overview,
        &[
            "kernel panic (supervision",
            not_set_up,
            ", booting:\n",
            "in kernel_panicked",
            "panic_fmt",
            "kernel/src/arch/",
        ],
    );
    for one in ["log", "ps", "queues"] {
        check(&ask(&["dump", dump, one]), &[not_set_up]);
    }
    for one in [["handles", "init"], ["backtrace", "init"]] {
        let output = Command::new(e2e::tool())
            .args(["dump", dump])
            .args(one)
            .stdin(Stdio::null())
            .output()
            .expect("./ftl can be started");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{one:?}: {errors}");
        let expected = format!("error: {not_set_up}");
        assert!(errors.starts_with(&expected), "{one:?}: {errors}");
    }
    remove(dump);
}

#[test]
fn a_component_that_crashes_leaves_a_dump() {
    if !e2e::is_first_variant() {
        return;
    }
    let output = e2e::commands::exec("console", "crash panic; echo went on")
        .argument("--dumps")
        .argument("crash")
        .run();
    assert_eq!(output.text(), "went on\n");
    // It shares its image with other commands.
    let source = "components/commands/text/src/main.rs:";
    let lines = || output.stderr.lines();
    assert!(lines().any(|line| line.contains(" at crash+0x") && line.contains(source)));
    let log: Vec<String> = lines().map(str::to_owned).collect();
    let dump = kept(&log, "crash crashed");
    let backtrace = ask(&["dump", dump, "backtrace", "crash"]);
    check(&backtrace, &["crash, thread 0: crashed", source]);
    // Each place as the log has it, the calls and not what comes after them.
    let places = lines().filter_map(|line| {
        let at = line.find(" at crash+0x")?;
        line[at..].split_whitespace().nth(1)
    });
    let places: Vec<String> = places.map(|place| format!("at {place}  ")).collect();
    assert!(places.len() > 2, "{places:?}");
    check(
        &backtrace,
        &places.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    remove(dump);
}

//! The log on disk: see components/servers/log_keeper.

use std::collections::BTreeSet;

use e2e::commands;
use e2e::console::{PROMPT, sit_at_with};
use e2e::folder::Folder;

/// All of the log, from the oldest file on.
const ALL: &str = "select cast(content as text) from files where path like '/log/log%' \
                   order by case path when '/log/log' then 0 else cast(substr(path, 10) as int) end desc";

#[test]
fn the_log_is_kept_whole_over_kills_and_boots() {
    let folder = Folder::new("log");
    let mut said = Vec::new();
    for script in [
        // The keeper and the file server are killed; what is logged then is found all the same.
        "crash 2> /dev/null; until grep -q crashed /log/crashes 2> /dev/null; do sleep 0.05; done
         for i in 1 2 3; do kill log_keeper; kill sqlitefs; done; crash 2> /dev/null
         until test $(grep -c crashed /log/crashes) = 2; do sleep 0.05; done 2> /dev/null",
        "for i in 1 2 3 4 5 6 7 8; do crash; done; echo done",
    ] {
        let done = commands::exec("default", script)
            .argument("--disk")
            .argument(folder.disk())
            .set("log_keeper.seconds", 1)
            .set("log_keeper.file_kib", 4)
            .run()
            .ended_with(0);
        said.push(done.stderr);
    }
    // The host reads it, and each line is there once.
    let all = folder.ask(ALL);
    let mut lines = BTreeSet::new();
    for line in all.lines().filter(|line| line.starts_with('[')) {
        assert!(lines.insert(line), "twice: {line}\n{all}");
    }
    for expected in ["init: sqlitefs was killed", "crash: ERROR crashed: "] {
        let here = all.matches(expected).count();
        let there: usize = said.iter().map(|log| log.matches(expected).count()).sum();
        assert!(
            here == there && here >= 3,
            "{here} of {there}: {expected}\n{all}"
        );
    }
    assert_eq!(
        all.lines()
            .filter(|line| line.starts_with("=== 20"))
            .count(),
        2,
        "{all}"
    );
    // Reports of crashes alone, with what leads to lines of source.
    let crashes = folder.ask("select cast(content as text) from files where path = '/log/crashes'");
    let of_crash = |line: &str| !line.starts_with('[') || line.contains("crash: ERROR ");
    assert!(crashes.lines().all(of_crash), "{crashes}");
    assert!(crashes.contains("crash: ERROR   at crash+0x"), "{crashes}");
    // No file has got longer than it may, and there are older ones.
    let sizes = folder.ask("select path, size from files where path like '/log/_%' order by size");
    let size = |line: &str| line.rsplit('|').next().unwrap().parse::<u64>().unwrap();
    assert!(sizes.lines().all(|line| size(line) <= 4096), "{sizes}");
    assert!(sizes.contains("/log/log.1|"), "{sizes}");
}

#[test]
fn changes_are_told_live_until_ctrl_c() {
    let mut console = sit_at_with("default", &["--port", "0:80"]);
    console.wait_for_line(PROMPT);
    console.run("mkdir /d");
    console.enter("changes /d &");
    console.wait_for("watching /d");
    console.enter("echo x > /d/new; mv /d/new /d/moved; rm /d/moved");
    for row in ["+ new", "- new", "+ moved", "- moved"] {
        console.wait_for_row(row);
    }
    console.clear();
    console.enter("changes -n 10 /d/none; changes /d");
    console.wait_for("watching /d");
    console.keys("\x03");
    console.wait_for_line(PROMPT);
    assert_eq!(console.run("echo $?"), ["130"]);
    console.run("kill sqlitefs");
    console.wait_for("the file server was started anew");
}

/// What is watched stays so when the disk's driver was lost: that anything may have changed is told, and then what does.
#[test]
fn changes_are_told_after_the_drivers_loss() {
    let folder = Folder::new("watch");
    let disk = folder.disk();
    let mut console = sit_at_with("default", &["--disk", &disk]);
    console.wait_for_line(PROMPT);
    console.run("mkdir /d; sync");
    console.enter("changes /d &");
    console.wait_for("watching /d");
    console.enter("kill virtio_blk");
    console.wait_for_row("?");
    console.enter("echo x > /d/new");
    console.wait_for_row("+ new");
}

/// The kernel panics, because it was asked to do so when a component crashes. What it said survives the reset in memory that is
/// kept for that, the next boot repeats it, and it gets to the disk.
#[test]
fn the_report_of_a_kernel_panic_gets_to_the_disk() {
    let folder = Folder::new("panic");
    let disk = folder.disk();
    let mut arguments = Vec::from(["--disk", &disk, "--reboot"]);
    arguments.extend(["--append", "ftl.crash=panic"]);
    let mut console = sit_at_with("default", &arguments);
    console.wait_for_line(PROMPT);
    console.enter("echo before > /witness; sync; ls /log/panic || echo none");
    console.wait_for_row("none");
    console.wait_for_line(PROMPT);
    console.enter("crash");
    console.wait_for("before: kernel panic: ");
    console.wait_for_line(PROMPT);
    console.run("until grep -q 'kernel panic' /log/panic; do sleep 0.1; done 2> /dev/null");
    console.enter("grep -q before /witness && echo kept");
    console.wait_for_row("kept");
    console.enter("poweroff");
    console.wait_exit();
    let panic = folder.ask("select cast(content as text) from files where path = '/log/panic'");
    assert!(panic.contains("\nkernel panic: "), "{panic}");
    // With what the kernel said before, and where it was.
    assert!(panic.contains("kernel: FTL"), "{panic}");
    let log = folder.ask(ALL);
    assert!(log.contains("before: kernel panic: "), "{log}");
}

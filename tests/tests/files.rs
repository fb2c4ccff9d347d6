//! Files on a disk: what one run synchronised, the next one finds.

use std::process::Command;

use e2e::commands;
use e2e::console::{PROMPT, sit_at_with};
use e2e::folder::Folder;

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

/// The disk's driver comes back, and files with it. That is an error only if something is lost, and is told in one line.
/// Time is counted in instructions, so that nothing is synchronised by itself before the second kill, however busy the host is.
#[test]
fn the_loss_of_the_disks_driver_is_told_in_one_line() {
    let folder = Folder::new("driver");
    let script = "
        echo kept > /kept; sync; kill virtio_blk > /dev/null
        until test $(log | grep -c 'sqlitefs: .* MiB free') = 2; do sleep 0.05; done
        echo lost > /lost; kill virtio_blk > /dev/null
        until test $(log | grep -c 'sqlitefs: .* MiB free') = 3; do sleep 0.05; done
        cat /kept; ls /lost 2> /dev/null";
    let done = commands::exec("ledger", script)
        .argument("--disk")
        .argument(folder.disk())
        .argument("--icount")
        .argument("--smp")
        .argument("1")
        .run();
    assert_eq!(done.text(), "kept\n", "{}", done.stderr);
    let of_server = done.stderr.lines().filter_map(|line| {
        let (_, said) = line.split_once("] sqlitefs: ")?;
        (said.contains("WARN") || said.contains("ERROR")).then_some(said)
    });
    assert_eq!(
        of_server.collect::<Vec<_>>(),
        [
            "WARN the disk's driver was lost; files can be used again when it is back",
            "ERROR the disk's driver was lost, and with it what was not synchronised",
        ],
        "{}",
        done.stderr
    );
}

/// What is said in docs/tutorial/8-files.md of the ledger: it and the file server are killed in the middle of the work.
#[test]
fn the_ledger_of_the_tutorial_loses_nothing() {
    let folder = Folder::new("ledger");
    let disk = folder.0.join("disk.img").display().to_string();
    let script = "
        for i in $(seq 10); do
            until echo $i > /ledger/inbox/$i; do sleep 0.05; done
            until sync; do sleep 0.05; done
            if test $((i % 2)) = 0; then kill sqlitefs; else kill ledger; fi > /dev/null
        done 2> /dev/null
        until test $(cat /ledger/total) = 55; do sleep 0.05; done 2> /dev/null
        wc -l < /ledger/journal; ls /ledger/inbox; until sync; do sleep 0.05; done";
    let done = commands::exec("ledger", script)
        .argument("--disk")
        .argument(&disk)
        .run();
    assert_eq!(
        (done.text().as_str(), done.code),
        ("10\n", 0),
        "{}",
        done.stderr
    );
    // And from outside.
    let sql = "select cast(content as text) from files where path in ('/ledger/journal', '/ledger/total') order by path";
    let found = Command::new("sqlite3")
        .args([disk.as_str(), sql])
        .output()
        .expect("sqlite3 is there");
    let text = String::from_utf8_lossy(&found.stdout);
    let numbers: Vec<u32> = text
        .lines()
        .filter_map(|line| line.split(' ').next()?.parse().ok())
        .collect();
    let (total, entered) = numbers.split_last().expect("the sum is there");
    assert_eq!(
        (*total, entered.iter().sum::<u32>(), entered.len()),
        (55, 55, 10),
        "{text}"
    );
}

/// The first session in that chapter.
#[test]
fn the_tutorials_session_is_what_happens() {
    let chapter = include_str!("../../docs/tutorial/8-files.md");
    let block = chapter.split("```console\n").nth(1).expect("there is one");
    let block = block.split("```").next().expect("there is a first");
    let mut console = sit_at_with("ledger", &[]);
    console.wait_for_line(PROMPT);
    for entry in block.split(PROMPT).filter(|entry| !entry.is_empty()) {
        let (line, shown) = entry.split_once('\n').expect("the line has an end");
        if line.starts_with("cat /ledger/total") {
            // It works beside the shell.
            let wait = "until test $(cat /ledger/total) = 42; do sleep 0.05; done 2> /dev/null";
            console.run(wait);
        }
        // What is still logged of the boot is drawn above the prompt, and so between.
        let mut answer = console.run(line);
        answer.retain(|line| !line.starts_with("[ "));
        assert_eq!(answer.join("\n"), shown.trim_end(), "{line}");
    }
}

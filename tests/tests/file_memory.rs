//! A file server that has no memory left on a machine: whoever asks hears an error or gets what is asked for, the server may have to be
//! started again, and all files are whole. Each single allocation is made to fail on this computer: `cargo test -p files --test memory
//! --test rust_memory`.

use std::path::{Path, PathBuf};

use e2e::commands;
use e2e::folder::{self, Folder};

/// Files of a MiB: more of them than the server has MiB for SQLite.
const FILES: usize = 24;
/// A little more than the default system needs for a few commands.
const MEMORY: &str = "32M";

/// What is in a file.
fn bytes(number: usize) -> Vec<u8> {
    (0..1_u32 << 20)
        .map(|i| (i.wrapping_mul(2_654_435_761 + number as u32) >> 11) as u8)
        .collect()
}

/// Files that are there before, and their disk.
fn filled(folder: &Folder) -> PathBuf {
    let files = folder.folder("files");
    for number in 0..FILES {
        std::fs::write(files.join(number.to_string()), bytes(number)).expect("a file");
    }
    let image = folder.0.join("disk.img");
    folder::disk("import", &image, &[&files]);
    image
}

/// The disk is sound, and these copies are whole, like what was there before.
fn check(folder: &Folder, image: &Path, copies: &[usize]) {
    folder::disk("check", image, &[] as &[&Path]);
    let found = folder.0.join("found");
    folder::disk("export", image, &[&found]);
    let read = |name: String| std::fs::read(found.join(name)).expect("the file is there");
    for number in 0..FILES {
        assert!(read(number.to_string()) == bytes(number), "file {number}");
    }
    for &number in copies {
        assert!(
            read(format!("copy{number}")) == bytes(number),
            "copy {number}"
        );
    }
}

/// Questions that want more memory than the file server may have.
#[test]
fn greedy_questions_fail_and_others_go_on() {
    let folder = Folder::new("memory-questions");
    let image = filled(&folder);
    let script = "
        for i in 0 1 2 3; do cp /$i /copy$i || echo failed; sync || echo failed; done &
        sql 'select length(hex(randomblob(50000000)))' && echo answered
        sql 'select count(*) from (select content from files order by content)' && echo answered
        sql 'select length(hex(randomblob(50000000)))' && echo answered
        wait
        for i in 4 5 6 7; do cp /$i /copy$i || echo failed; done
        sync || echo failed
        sql 'select count(*) from files' | tail -n 1";
    let done = commands::exec("default", script)
        .set("sqlitefs.cache", 1)
        .argument("--disk")
        .argument(image.display().to_string())
        .run();
    // Besides those that were there and copied: the topmost directory and what the log lies in.
    let text = done.text();
    let count: Option<usize> = text.trim().parse().ok();
    assert!(
        count.is_some_and(|count| count > FILES + 8),
        "{text}\n{}",
        done.stderr
    );
    let failed = done.stderr.matches("out of memory").count();
    assert_eq!(failed, 3, "{}", done.stderr);
    assert!(!done.stderr.contains("sqlitefs crashed"), "{}", done.stderr);
    check(&folder, &image, &[0, 1, 2, 3, 4, 5, 6, 7]);
}

/// A machine that has hardly enough memory to boot: whatever fails, somebody is told, and what was said to be there is.
#[test]
fn on_a_machine_without_memory_nothing_is_lost() {
    let folder = Folder::new("memory-machine");
    let image = filled(&folder);
    let script = "
        for i in 0 1 2 3 4 5 6 7; do
            sql \"select length(hex(randomblob($((i * 600000)))))\" > /dev/null &
            cp /$i /copy$i && sync && echo $i
            wait
        done
        echo end";
    let done = commands::exec("default", script)
        .argument("--disk")
        .argument(image.display().to_string())
        .argument("--mem")
        .argument(MEMORY)
        .run();
    let text = done.text();
    assert!(text.ends_with("end\n"), "{text}\n{}", done.stderr);
    let copies: Vec<usize> = text.lines().filter_map(|line| line.parse().ok()).collect();
    // Otherwise there was enough. On one CPU the questions may be over, or were refused, before a copy begins.
    let refusals = ["out of memory", "too little for another command"];
    let was_told = refusals.iter().any(|said| done.stderr.contains(said));
    let somebody_failed = copies.len() < 8 || was_told;
    assert!(somebody_failed, "{text}\n{}", done.stderr);
    check(&folder, &image, &copies);
}

/// A cache for which there is no room is told at once, with what to do, instead of a server that finds no memory for
/// anything.
#[test]
fn a_cache_that_is_too_large_is_told() {
    let done = e2e::commands::exec("default", "ls /; why sqlitefs")
        .set("sqlitefs.cache", 600)
        .run();
    let says = "the setting `cache: 600` needs 616 MiB, more than `limits: { memory: … }` leaves";
    assert!(done.stderr.contains(says), "{}", done.stderr);
    // It is started a few times more: whoever comes in between is told that it does not run.
    let told = done
        .stderr
        .contains("shell needs sqlitefs, which does not run");
    assert!(told || done.text().contains("sqlitefs"), "{}", done.stderr);
}

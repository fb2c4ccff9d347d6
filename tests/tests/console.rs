//! The shell at the console, as a person uses it: `./ftl run console` on a terminal.

use std::time::Duration;

use e2e::console::{PROMPT, sit_at, sit_at_with};

const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

/// One machine for all of it: booting costs more than the rest.
#[test]
fn a_person_works_at_the_prompt() {
    let mut console = sit_at("console");
    console.wait_for("`help` lists the commands");
    console.wait_for_line(PROMPT);

    // Lines are edited, and remembered.
    console.enter("echo hello");
    console.wait_for_row("hello");
    console.keys(format!("echo wrld{LEFT}{LEFT}{LEFT}o"));
    console.wait_for_line("ftl> echo world");
    console.keys("\r");
    console.wait_for_row("world");
    console.keys(format!("{UP}{UP}"));
    console.wait_for_line("ftl> echo hello");
    console.keys("\x15");
    console.wait_for_line(PROMPT);
    console.keys("\u{e4}\u{f6}\u{5b57}\x7f");
    console.wait_for_line("ftl> \u{e4}\u{f6}");
    console.keys(CTRL_C);
    console.wait_for_line(PROMPT);
    let long = "x".repeat(200);
    assert_eq!(
        console
            .run(&format!("echo {long} | wc -c"))
            .pop()
            .as_deref(),
        Some("201")
    );

    // Tab completes commands and components, and lists what there is.
    console.clear();
    console.keys("upt\t");
    console.wait_for_line("ftl> uptime");
    console.keys("\x15why po\t");
    console.wait_for_line("ftl> why pong");
    console.keys("\x15hexd\t --he\t\r");
    console.wait_for("usage: hexdump");

    // A slip is told with what was meant.
    let rows = console.run("ecoh x");
    assert!(
        rows.iter().any(|row| row.contains("did you mean `echo`?")),
        "{rows:?}"
    );
    // What is not finished goes on in another row.
    console.enter("if true; then");
    console.keys("echo yes; fi\r");
    console.wait_for_row("yes");
    console.wait_for_line(PROMPT);

    // Ctrl-D ends the shell, and there is another: one.
    console.clear();
    console.keys(CTRL_D);
    console.wait_for("here is another one");
    console.wait_for_line(PROMPT);
    let rows = console.run("ps | grep -c shell");
    assert_eq!(rows.last().map(String::as_str), Some("1"));
    assert!(!console.transcript().contains("ftl> \u{1b}[0m\u{1b}[?2004h"));
}

#[test]
fn what_runs_can_be_stopped_and_what_crashes_harms_nobody() {
    let mut console = sit_at("console");
    console.wait_for_line(PROMPT);

    // Ctrl-C ends what runs, also if it prints without end; Ctrl-D ends an input, and the shell.
    console.keys("cat\rto cat\r");
    console.wait_until("its line twice", |console| {
        let rows = console.rows();
        (rows.iter().filter(|row| *row == "to cat").count() == 2).then_some(())
    });
    console.keys(CTRL_D);
    console.wait_for_line(PROMPT);
    console.enter("echo now; sleep 1000");
    console.wait_for_row("now");
    console.keys(CTRL_C);
    console.wait_for_line(PROMPT);
    console.enter("seq 100000000");
    console.wait_until("numbers", |console| {
        let rows = console.rows();
        rows.iter()
            .any(|row| row.parse::<u32>().is_ok())
            .then_some(())
    });
    console.keys(CTRL_C);
    console.wait_for_line(PROMPT);
    assert_eq!(console.run("echo $?"), ["130"]);
    // Also while it starts; nothing of it comes after the prompt.
    console.enter("seq 100000000");
    console.keys(CTRL_C);
    console.wait_for_line(PROMPT);
    assert_eq!(console.run("echo $?"), ["130"]);
    // Typed while something else runs: there for the shell afterwards.
    console.keys("sleep 0.2\recho typed ahead\r");
    console.wait_for_row("typed ahead");
    console.wait_for_line(PROMPT);

    // A pipeline whose middle crashes. Its log lines do not get into the line that is typed meanwhile.
    console.clear();
    console.enter("seq 100000 | crash 5000 | wc -l");
    console.wait_for("crash: ERROR crashed");
    // The tool says where that was, though the terminal has coloured the line.
    console.wait_until("a frame's source line", |console| {
        let window = console.rows().concat();
        let mut frames = window.split(" at crash+0x").skip(1);
        frames.any(|frame| frame.contains("main.rs:")).then_some(())
    });
    console.wait_for_row("0");
    console.wait_for_line(PROMPT);
    console.clear();
    console.enter("sleep 0.5 && crash &");
    console.keys("echo not wreck");
    console.wait_for("crash: ERROR crashed");
    console.wait_for_line("ftl> echo not wreck");
    console.keys("ed");
    console.keys("\r");
    console.wait_for_row("not wrecked");
}

/// Whatever is typed: the shell is there afterwards, and is the same one.
#[test]
fn rubbish_is_survived() {
    let len = if e2e::long() { 1 << 20 } else { 16 << 10 };
    let console = sit_at_with("console", &["--timeout", "1800"]);
    let mut console = console.patient_for(Duration::from_secs(1800));
    console.wait_for_line(PROMPT);
    let mut state = 2026u64;
    let mut random = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    let mut typed = 0;
    while typed < len {
        // Ctrl-A X would end the machine, and Ctrl-D at the begin of a line the shell, as they should.
        let piece: Vec<u8> = (0..512)
            .map(|_| random())
            .filter(|byte| ![1, 4].contains(byte))
            .collect();
        console.keys(&piece);
        typed += piece.len();
    }
    // Out of whatever it has led to: a quote, a search, a paste.
    console.keys("\x1b[201~\x03\x03\r\x03");
    console.keys("echo still $((6 * 7)) here\r");
    console.wait_for("still 42 here");
    console.enter("ps | grep -c shell");
    console.wait_for_row("1");
    e2e::record("bytes of rubbish typed at the console", typed);
}

/// As many jobs as the machine has room for; the others are refused with the reason.
#[test]
fn many_jobs_run_beside_the_prompt() {
    let count = if e2e::long() { 1000 } else { 40 };
    let patience = if e2e::long() { 1200 } else { 300 };
    let mut console = sit_at("console").patient_for(Duration::from_secs(patience));
    console.wait_for_line(PROMPT);
    // What is waited for does not stand in the line that is typed.
    console.enter(&format!(
        "for i in $(seq {count}); do sleep 3 & done; echo all 'started'"
    ));
    console.wait_for("all started");
    console.enter("wait; echo all 'ended'");
    console.wait_for("all ended");
    console.clear();
    let rows = console.run("ps | grep -c sleep");
    assert_eq!(rows.last().map(String::as_str), Some("0"));
    console.enter("poweroff 7");
    assert_eq!(console.wait_exit(), 7);
    e2e::record("jobs asked for at the prompt", count);
}

/// Who looks at the system sees a component go and come back.
#[test]
fn a_component_is_killed_while_top_looks_at_it() {
    let mut console = sit_at("console");
    console.wait_for_line(PROMPT);
    console.enter("sleep 1.5 && kill pong & top");
    console.wait_until("pong, started again, in the table of `top`", |console| {
        let rows = console.rows();
        let pong = rows.iter().find(|row| row.contains(" pong "))?;
        pong.trim_end().ends_with(" 1").then_some(())
    });
    console.keys("q");
    console.wait_for_line(PROMPT);
}

/// What docs/tutorial/7-shell.md shows.
#[test]
fn the_tutorials_session_is_what_happens() {
    let chapter = include_str!("../../docs/tutorial/7-shell.md");
    let mut console = sit_at("console");
    console.wait_for_line(PROMPT);
    let mut tried = 0;
    for block in chapter.split("```console\n").skip(1) {
        let block = block.split("```").next().expect("there is a first");
        for entry in block.split(PROMPT).filter(|entry| !entry.is_empty()) {
            let (line, shown) = entry.split_once('\n').expect("the line has an end");
            assert_eq!(console.run(line).join("\n"), shown.trim_end(), "{line}");
            tried += 1;
        }
    }
    assert_eq!(tried, 8);
}

/// Nobody is left who could see it or end it, so the run does not outlive its terminal. All is quiet meanwhile: what
/// cannot be shown any more would end it, too.
#[test]
fn a_closed_terminal_ends_the_run() {
    let status = e2e::console::close_after("components up", "console", &["--timeout", "60"]);
    assert_eq!(status.code(), Some(130));
}

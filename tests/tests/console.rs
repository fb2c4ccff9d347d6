//! The shell at the console, as a person uses it: `./ftl run console` on a terminal.

use e2e::console::{PROMPT, sit_at};

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
    console.keys("\x0cupt\t");
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
    let rows = console.run("if true; then");
    assert!(rows.is_empty() || rows[0].is_empty(), "{rows:?}");
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
    console.enter("sleep 1000");
    console.keys(CTRL_C);
    console.wait_for_line(PROMPT);
    console.enter("seq 100000000");
    console.wait_for("1000");
    console.keys(CTRL_C);
    console.wait_for_line(PROMPT);
    assert_eq!(console.run("echo $?"), ["130"]);
    // Typed while something else runs: there for the shell afterwards.
    console.keys("sleep 0.2\recho typed ahead\r");
    console.wait_for_row("typed ahead");
    console.wait_for_line(PROMPT);

    // A pipeline whose middle crashes. Its log lines do not get into the line that is typed meanwhile.
    console.keys("\x0c");
    console.wait_for_line(PROMPT);
    console.enter("seq 100000 | crash 5000 | wc -l");
    console.wait_for("crash: crashed");
    console.wait_for_row("0");
    console.wait_for_line(PROMPT);
    console.keys("\x0c");
    console.wait_for_line(PROMPT);
    console.enter("sleep 0.5 && kill pong &");
    console.keys("echo not wreck");
    console.wait_for("init: pong");
    console.wait_for_line("ftl> echo not wreck");
    console.keys("ed");
    console.keys("\r");
    console.wait_for_row("not wrecked");
}

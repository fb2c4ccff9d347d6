//! Commands that start commands without end, as a fork bomb does: starts are refused when too little memory is left, and
//! who starts too many runs out of its own. What else runs goes on, and everything comes back when the first is ended.

use std::time::{Duration, Instant};

use e2e::console::{PROMPT, sit_at_with};

/// What must be as much as before, in lines of `memory`, and how many KiB more it may be: servers' heaps keep their peaks and
/// grow by 64 KiB, and MiB are told to a tenth.
const COMES_BACK: [(&str, f64); 3] = [
    ("components and commands", 2048.0),
    ("  init", 256.0),
    ("what is being freed", 64.0),
];

/// What `memory` says in its line about this, in KiB.
fn memory(console: &mut e2e::console::Console, what: &str) -> f64 {
    let shown = console.run("memory");
    let line = shown.iter().find(|line| line.contains(what));
    let mut words = line
        .unwrap_or_else(|| panic!("no line about {what}: {shown:?}"))
        .split_whitespace();
    let amount: f64 = words.next().and_then(|n| n.parse().ok()).expect("a number");
    match words.next() {
        Some("KiB") => amount,
        Some("MiB") => amount * 1024.0,
        unit => panic!("{unit:?}: {shown:?}"),
    }
}

/// Waits until nothing runs but the components, init and the shell at the prompt: commands that have ended are taken apart in
/// steps. Channels and folios are not looked at, since the log is written to files meanwhile.
fn wait_for_the_end_of_commands(port: u16) {
    let begun = Instant::now();
    loop {
        let answer = e2e::http::get(port, "/system.json");
        assert_eq!(answer.status, 200);
        let now: serde_json::Value = serde_json::from_slice(&answer.body).expect("it is JSON");
        let components = now["components"].as_array().expect("a list");
        let restarted = components.iter().any(|one| one["restarts"] != 0);
        assert!(!restarted, "{now}");
        let threads = components.iter().map(|one| one["threads"].as_u64());
        let threads: Vec<u64> = threads.map(|count| count.expect("a number")).collect();
        let processes = threads.iter().filter(|count| **count > 0).count() as u64;
        let expected = [processes + 2, threads.iter().sum::<u64>() + 2];
        if [&now["processes"], &now["threads"]] == expected {
            return;
        }
        assert!(begun.elapsed() < e2e::PATIENCE, "{now}");
    }
}

#[test]
fn endless_starts_harm_only_those_who_start() {
    // Little memory, so that its end is reached soon.
    let console = sit_at_with("default", &["--", "-m", "64M"]);
    let mut console = console.patient_for(Duration::from_secs(300));
    console.wait_for_line(PROMPT);
    let shown = console.transcript();
    let (_, rest) = shown
        .split_once("port 127.0.0.1:")
        .expect("the port is told");
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let port: u16 = port.parse().expect("it is a number");
    // What is made once, at the first start, is there.
    console.run("shell -c 'true & wait'");
    wait_for_the_end_of_commands(port);
    let taken_before = COMES_BACK.map(|(what, _)| memory(&mut console, what));
    let free_before = memory(&mut console, "free, the largest block");
    console.enter("export bomb='while true; do shell -c \"$bomb\" & done'; shell -c \"$bomb\" &");
    console.wait_until("a limit that is reached", |console| {
        let shown = console.transcript();
        let limits = ["too little for another", "no memory is left for another"];
        limits
            .iter()
            .any(|limit| shown.contains(limit))
            .then_some(())
    });
    for _ in 0..20 {
        assert_eq!(e2e::http::get(port, "/").status, 200);
    }
    // Whoever has started all that can start what helps against it.
    console.enter("uptime && echo it 'started'");
    console.wait_for("it started");
    // All of them end with the first: whoever waits for nobody any more is not let run on.
    console.enter("kill %1; wait; echo all 'gone'");
    console.wait_for("all gone");
    wait_for_the_end_of_commands(port);
    // Whoever was refused went on.
    let shown = console.transcript();
    assert!(!shown.contains("shell crashed"), "{shown}");
    // What they had is free again, which takes steps, too.
    let begun = Instant::now();
    loop {
        let taken = COMES_BACK.map(|(what, _)| memory(&mut console, what));
        let mut lines = taken.iter().zip(&taken_before).zip(&COMES_BACK);
        if lines.all(|((after, before), (_, more))| *after <= before + more) {
            break;
        }
        assert!(
            begun.elapsed() < e2e::PATIENCE,
            "KiB: {taken_before:?} before, {taken:?} after; {COMES_BACK:?}"
        );
    }
    // The kernel keeps room for as many objects as there were, and who served them what they had bought for it.
    let free_after = memory(&mut console, "free, the largest block");
    let objects = memory(&mut console, "the kernel's objects");
    println!("free {free_before} KiB before, {free_after} KiB after; objects {objects} KiB");
}

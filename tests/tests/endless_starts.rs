//! Commands that start commands without end, as a fork bomb does: starts are refused when too little memory is left, and
//! who starts too many runs out of its own. What else runs goes on, and everything comes back when the first is ended.

use std::time::{Duration, Instant};

use e2e::console::{PROMPT, sit_at_with};

/// What must be as many as before. Channels and folios are not among it, since the log is written to files meanwhile.
const COUNTED: &[&str] = &["processes", "threads"];

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

fn counted(port: u16) -> serde_json::Value {
    let answer = e2e::http::get(port, "/system.json");
    assert_eq!(answer.status, 200);
    serde_json::from_slice(&answer.body).expect("it is JSON")
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
    let before = counted(port);
    let code_before = memory(&mut console, "set aside for code");
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
    let begun = Instant::now();
    loop {
        let after = counted(port);
        if COUNTED.iter().all(|name| after[*name] == before[*name]) {
            let components = after["components"].as_array().expect("a list");
            assert!(
                components
                    .iter()
                    .all(|component| component["restarts"] == 0),
                "{after}"
            );
            break;
        }
        // They are taken apart in steps.
        assert!(begun.elapsed() < e2e::PATIENCE, "{before} {after}");
    }
    // Whoever was refused went on.
    let shown = console.transcript();
    assert!(!shown.contains("shell crashed"), "{shown}");
    // Memory that was set aside for their code is anybody's again: at most one block is begun.
    let code_after = memory(&mut console, "set aside for code");
    assert!(
        code_after <= code_before + 2048.0,
        "{code_before} KiB before, {code_after} KiB after"
    );
    // The kernel keeps room for as many objects as there were, and who served them what they had bought for it.
    let free_after = memory(&mut console, "free, the largest block");
    let objects = memory(&mut console, "the kernel's objects");
    println!("free {free_before} KiB before, {free_after} KiB after; objects {objects} KiB");
}

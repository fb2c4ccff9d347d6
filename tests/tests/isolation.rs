//! Nothing a component does takes the system down: `hostile` attacks and `buggy` errs, led by `warden` (see
//! components/tests), which checks after each trial that the page is served and no counter has moved.

use std::time::Duration;

/// System calls with arguments at random: here, and with `--long`.
const CALLS: u32 = 100_000;
const CALLS_LONG: u32 = 10_000_000;

fn check(cpus: u32, title: &str) {
    if !e2e::is_first_variant() {
        return;
    }
    let (calls, patience) = match e2e::long() {
        true => (CALLS_LONG, Duration::from_secs(3600)),
        false => (CALLS, Duration::from_secs(600)),
    };
    let repeats = if cpus > 1 && !e2e::long() { 4 } else { 32 };
    let port = e2e::free_port();
    let exit = e2e::boot("isolation")
        .as_its_file_says()
        .smp(cpus)
        .port_at(port, 80)
        .set("warden.port", port)
        .set("warden.count", calls)
        .set("warden.repeats", repeats)
        .argument("--timeout")
        .argument(patience.as_secs().to_string())
        .start()
        .wait_exit_within(patience);
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 0, "{}", exit.tail());
    // A report names the component, and the source line where that can be known.
    for line in [
        "crashed: asked to panic",
        "components/tests/buggy/src/main.rs:",
        "components/tests/hostile/src/memory.rs:",
        "buggy did not answer its heartbeat",
        "RESULT trials: ",
    ] {
        assert!(log.contains(line), "no `{line}` in\n{log}");
    }
    exit.record(title);
}

#[test]
fn attacks_and_mistakes_on_one_cpu() {
    check(1, "isolation, 1 CPU");
}

#[test]
fn attacks_and_mistakes_on_four_cpus() {
    check(4, "isolation, 4 CPUs");
}

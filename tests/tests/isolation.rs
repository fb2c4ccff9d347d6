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
        .set("warden.targets", kernel_targets())
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
        // Reaching a limit is told with its name and the value that the system file gives.
        "hostile: WARN reached its limit `memory: 12288K`",
        "hostile: WARN reached its limit `handles: 100`",
        "hostile: WARN reached its limit `threads: 6`",
        "hostile: WARN reached its limit `messages: 1000`",
    ] {
        assert!(log.contains(line), "no `{line}` in\n{log}");
    }
    check_targets(&log);
    exit.record(title);
}

/// Addresses at which the kernel has something mapped for itself: all memory, its image, and the stack of its first CPU.
/// See the layouts in `kernel/src/arch`.
fn kernel_targets() -> String {
    let targets: [u64; 3] = match e2e::arch().as_str() {
        "arm64" => [
            0xffff_0000_4008_0000,
            0xffff_ffff_8000_0000,
            0xffff_c000_0040_0000 - 64,
        ],
        _ => [
            0xffff_ffc0_8020_0000,
            0xffff_ffff_8020_0000,
            0xffff_fff0_0040_0000 - 64,
        ],
    };
    targets.map(|target| format!("{target:x}")).join(",")
}

/// The kernel's own memory and the page of another component: mapped there for whoever is let in, and for nobody under
/// `user`.
fn check_targets(log: &str) {
    let targets: Vec<&str> = log
        .lines()
        .filter_map(|line| Some(line.split_once("a target lies at ")?.1.trim()))
        .collect();
    // Three of the kernel, and two of the component that leads.
    assert_eq!(targets.len(), 5, "{log}");
    for target in targets {
        for said in [
            format!("buggy: at {target} lies "),
            format!("reads {target}, which it may not"),
            format!("writes to {target}, which it may not"),
            format!("executes at {target}, which it may not"),
        ] {
            assert!(log.contains(&said), "no `{said}` in\n{log}");
        }
    }
}

#[test]
fn attacks_and_mistakes_on_one_cpu() {
    check(1, "isolation, 1 CPU");
}

#[test]
fn attacks_and_mistakes_on_four_cpus() {
    check(4, "isolation, 4 CPUs");
}

/// The kernel itself walks all page tables whenever a component was started and whenever one was taken apart, and
/// ends if a page can be written and executed, by whichever addresses, or is seen by somebody who was not given it.
fn check_tables(isolation: &str) {
    let port = e2e::free_port();
    let exit = e2e::boot("chaos")
        .isolation(isolation)
        .smp(1)
        .port_at(port, 80)
        .set("warden.port", port)
        .set("warden.count", 8)
        .argument("--append")
        .argument("ftl.check=tables")
        .start()
        .wait_exit_within(Duration::from_secs(300));
    assert_eq!(exit.code, 0, "{}", exit.tail());
    let line = exit
        .log
        .iter()
        .find_map(|line| line.split_once("page tables walked "));
    let (_, line) = line.unwrap_or_else(|| panic!("no walk in\n{}", exit.tail()));
    // At each start, at each end, and the first ones.
    let walks: u32 = line
        .split(' ')
        .next()
        .and_then(|count| count.parse().ok())
        .expect("a count");
    assert!(walks >= 2 * 8 + 4, "{line}");
}

#[test]
fn no_page_is_writable_and_executable_nor_seen_by_others_in_user_mode() {
    check_tables("user");
}

#[test]
fn no_page_is_writable_and_executable_nor_seen_by_others_in_the_kernel() {
    check_tables("kernel");
}

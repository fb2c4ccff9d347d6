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
    // On one CPU the kernel walks all page tables after each attack and mistake; on several, that would only keep the
    // others from running.
    let walked = cpus == 1;
    let boot = e2e::boot("isolation");
    let boot = match walked {
        true => boot.argument("--append").argument("ftl.check=tables"),
        false => boot,
    };
    let exit = boot
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
    // What went wrong may lie long before the end.
    let wrong = exit
        .log
        .iter()
        .filter(|line| line.contains("warden: ERROR"));
    let wrong: Vec<&String> = wrong.collect();
    assert_eq!(exit.code, 0, "{wrong:#?}\n{}", exit.tail());
    check_reports(&exit.log);
    for line in [
        "components/tests/hostile/src/memory.rs:",
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
    if walked {
        // At each start and each end of a subject.
        assert!(walks(&exit) > 2 * 26, "{}", exit.tail());
    }
    exit.record(title);
}

/// Where `buggy` makes its mistakes.
const BUGGY: &str = include_str!("../../components/tests/buggy/src/main.rs");

/// For each mistake what the log says of it, and what stands in the source line that it names.
const REPORTS: &[(&str, &str)] = &[
    ("crashed: asked to panic", "panic!(\"asked to panic\")"),
    ("crashed: index out of bounds", "numbers[index]"),
    ("crashed: attempt to divide by zero", "1 / zero"),
    ("crashed: it reads 0x0, which it may not", "wild::read(0)"),
    (
        "crashed: it writes to 0x10, which it may not",
        "wild::write(16, 1)",
    ),
    ("crashed: its stack overflowed", "recurse(depth + 1)"),
    ("crashed: its stack overflowed", "leap(black_box(5))"),
    ("was ended from outside, and was here:", "spin_loop"),
    ("was ended from outside, and was here:", "ftl::time::sleep("),
    ("crashed: memory allocation of ", "hoard.push("),
    ("dropped a request without an answer", "drop(request)"),
];

/// Each mistake is reported under the component's name and with the source line where it was made.
fn check_reports(log: &[String]) {
    let place = "components/tests/buggy/src/main.rs:";
    let sources: Vec<&str> = BUGGY.lines().collect();
    for (said, source) in REPORTS {
        let starts = (0..log.len()).filter(|&at| {
            let ours = log[at].contains(" buggy: ");
            ours && log[at].contains(said)
        });
        // A report ends where somebody else has something to say.
        let mut lines = starts.flat_map(|at| {
            let others = |line: &&String| line.starts_with('[') && !line.contains(" buggy: ");
            let len = log[at + 1..].iter().position(|line| others(&line));
            &log[at..at + 1 + len.unwrap_or(0)]
        });
        let named = lines.any(|line| {
            let number = line.split_once(place).map(|(_, rest)| {
                let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
                digits.and_then(|digits| digits.parse::<usize>().ok())
            });
            let text = number.flatten().and_then(|number| sources.get(number - 1));
            text.is_some_and(|text| text.contains(source))
        });
        assert!(
            named,
            "no report `{said}` names the line with `{source}` in\n{}",
            log.join("\n")
        );
    }
    let found = log
        .iter()
        .any(|line| line.contains("init: WARN buggy did not answer its heartbeat"));
    assert!(found, "{}", log.join("\n"));
}

/// The mistakes under the other isolation: the same ends, and the same reports.
#[test]
fn mistakes_in_user_mode() {
    if !e2e::is_first_variant() {
        return;
    }
    let port = e2e::free_port();
    let exit = e2e::boot("isolation")
        .isolation("user")
        .smp(4)
        .port_at(port, 80)
        .set("warden.port", port)
        .set("warden.attacks", false)
        .start()
        .wait_exit_within(Duration::from_secs(300));
    assert_eq!(exit.code, 0, "{}", exit.tail());
    check_reports(&exit.log);
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
    // At each start, at each end, and the first ones.
    assert!(walks(&exit) >= 2 * 8 + 4, "{}", exit.tail());
}

/// How often the kernel has walked its page tables.
fn walks(exit: &e2e::Exit) -> u32 {
    let line = exit
        .log
        .iter()
        .find_map(|line| line.split_once("page tables walked "));
    let (_, line) = line.unwrap_or_else(|| panic!("no walk in\n{}", exit.tail()));
    let count = line.split(' ').next().and_then(|count| count.parse().ok());
    count.expect("a count")
}

#[test]
fn no_page_is_writable_and_executable_nor_seen_by_others_in_user_mode() {
    check_tables("user");
}

#[test]
fn no_page_is_writable_and_executable_nor_seen_by_others_in_the_kernel() {
    check_tables("kernel");
}

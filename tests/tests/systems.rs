//! Systems made from YAML: their components find each other and talk, however they are isolated.

use std::time::Duration;

/// Boots the system `ping`, which ends by itself once all its calls have been answered.
fn check(isolation: Option<&str>) {
    let mut boot = e2e::boot("ping").smp(2);
    boot = match isolation {
        Some(isolation) => boot.isolation(isolation),
        None => boot.as_its_file_says(),
    };
    let exit = boot.start().wait_exit();
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 0, "{log}");
    for line in [
        "hello: Hello from FTL!",
        "3 components up",
        "pinger: 1000 calls that wait",
        "pinger: 1000 calls with events",
    ] {
        assert!(log.contains(line), "no `{line}` in\n{log}");
    }
}

#[test]
fn ping_as_its_file_says() {
    check(None);
}

#[test]
fn ping_all_in_the_kernel() {
    check(Some("kernel"));
}

#[test]
fn ping_all_in_user_mode() {
    check(Some("user"));
}

#[test]
fn settings_reach_their_component() {
    let boot = e2e::boot("ping")
        .set("pinger.rounds", 7)
        .set("hello.greeting", "Good morning");
    // With settings of its own the system is built first, which counts, and waits for whoever builds just then.
    let exit = boot.start().wait_exit_within(Duration::from_secs(180));
    let log = exit.log.join("\n");
    assert_eq!(exit.code, 0, "{log}");
    assert!(log.contains("hello: Good morning"), "{log}");
    assert!(log.contains("pinger: 7 calls that wait"), "{log}");
}

/// What the kernel is told about its log holds for all components.
#[test]
fn a_log_of_everything_has_what_components_say() {
    let line = "init: hello ended";
    let run = |arguments: &[&str]| {
        let mut boot = e2e::boot("ping").set("pinger.rounds", 7);
        for argument in arguments {
            boot = boot.argument(*argument);
        }
        let exit = boot.start().wait_exit();
        let log = exit.log.join("\n");
        assert_eq!(exit.code, 0, "{log}");
        log
    };
    let log = run(&["--append", "ftl.log=debug"]);
    assert!(log.contains(line), "no `{line}` in\n{log}");
    let log = run(&[]);
    assert!(!log.contains(line), "`{line}` in\n{log}");
}

//! Run by `./ftl test sleep` on the developer's own machine.

use testkit::System;

use super::*;

#[test]
fn times_are_read() {
    for (text, millis) in [
        ("2", 2_000),
        ("0.5", 500),
        ("2s", 2_000),
        ("1.25s", 1_250),
        ("100ms", 100),
        ("1.5m", 90_000),
        ("2h", 7_200_000),
    ] {
        assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
    }
    for text in [
        "",
        "x",
        "-1",
        "1x",
        ".5",
        "1e3",
        "99999999999999999999",
        "1.0000000001",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn it_waits_so_long() {
    let system = System::new();
    let before = Instant::now();
    let done = system.command("sleep", main).args(["1h", "30m"]).run();
    assert_eq!(done.status, 0);
    let waited = before.elapsed();
    assert!(waited >= Duration::from_secs(5400), "{waited:?}");
    assert!(waited < Duration::from_secs(5401), "{waited:?}");
}

#[test]
fn nonsense_is_refused() {
    let done = System::new().command("sleep", main).args(["soon"]).run();
    assert_eq!(done.status, 2);
    assert!(done.stderr.contains("`soon`"), "{}", done.stderr);
}

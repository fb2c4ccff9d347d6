//! Run by `./ftl test date` on the developer's own machine.

extern crate std;

use std::string::ToString;

use text_commands::Date;

fn check(seconds: u64, date: &str) {
    assert_eq!(Date(seconds).to_string(), date);
}

#[test]
fn seconds_become_dates() {
    // Compare: date -u -d @1795426800
    check(0, "1970-01-01 00:00:00 UTC");
    check(951_782_399, "2000-02-28 23:59:59 UTC");
    check(951_782_400, "2000-02-29 00:00:00 UTC");
    check(951_868_800, "2000-03-01 00:00:00 UTC");
    check(1_735_689_599, "2024-12-31 23:59:59 UTC");
    check(1_795_426_800, "2026-11-23 09:40:00 UTC");
    check(4_107_542_400, "2100-03-01 00:00:00 UTC");
}

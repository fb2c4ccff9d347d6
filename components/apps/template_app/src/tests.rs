//! Runs on your own machine: `./ftl test template_app`.

use super::*;

#[test]
fn the_seconds_are_told() {
    assert_eq!(line("Hello", 3), "Hello, for 3 s now");
}

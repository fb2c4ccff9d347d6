//! How often random tests try. For tests only: a dev-dependency.
//!
//! A run of all tests should take minutes, and a parser deserves more inputs than fit into
//! that. So each random test says how many it tries in a normal run, and the long form (`./ftl test --long`,
//! which sets `FTL_LONG`) tries [`TIMES`] as many.
//!
//! A failure prints the smallest input that still fails; nothing is written beside the sources.
#![forbid(unsafe_code)]

use proptest::test_runner::Config;

/// How many times more the long form tries.
pub const TIMES: u32 = 50;

/// For `#![proptest_config(trials::cases(600))]`: so many inputs in a normal run.
pub fn cases(few: u32) -> Config {
    let times = if is_long() { TIMES } else { 1 };
    Config {
        cases: few.saturating_mul(times),
        failure_persistence: None,
        ..Config::default()
    }
}

/// Whether the long form was asked for.
pub fn is_long() -> bool {
    std::env::var_os("FTL_LONG").is_some_and(|value| !value.is_empty())
}

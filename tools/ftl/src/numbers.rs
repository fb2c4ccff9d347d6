//! Numbers on the command line: whoever writes something else is told what is expected.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Longer than anybody waits, and far from what a [`std::time::Instant`] cannot be moved by: some 30 years.
const SECONDS_MAX: f64 = 1e9;

/// Reads seconds, such as `10` or `0.5`.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| (0.0..=SECONDS_MAX).contains(number))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "expected seconds, such as 10 or 0.5".into())
}

/// What reads a whole number within these bounds; `u64::MAX` stands for none. They must fit into `N`.
pub fn whole<N: TryFrom<u64>>(
    bounds: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        number
            .and_then(|number| N::try_from(number).ok())
            .ok_or_else(|| match (*bounds.start(), *bounds.end()) {
                (0, u64::MAX) => "expected a whole number".into(),
                (low, u64::MAX) => format!("expected a whole number, {low} or more"),
                (low, high) => format!("expected a whole number from {low} to {high}"),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_numbers_that_can_be_waited() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for wrong in ["", "abc", "-1", "nan", "inf", "1e300", "10s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whole_numbers_have_bounds_that_are_told() {
        assert_eq!(whole::<u32>(1..=64)("64"), Ok(64));
        for wrong in ["", "x", "0", "65", "-1", "1.5", "99999999999999999999"] {
            let told = whole::<u32>(1..=64)(wrong).unwrap_err();
            assert_eq!(told, "expected a whole number from 1 to 64");
        }
        let told = whole::<u64>(0..=u64::MAX)("x").unwrap_err();
        assert_eq!(told, "expected a whole number");
        let told = whole::<usize>(1..=u64::MAX)("0").unwrap_err();
        assert_eq!(told, "expected a whole number, 1 or more");
    }
}

//! Dates as people read them.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// Seconds since the beginning of 1970, shown as a date in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub u64);

impl Date {
    /// Without seconds: `2026-11-26 09:30`.
    pub fn to_minutes(self) -> String {
        let mut text = format!("{self}");
        text.truncate(text.len() - ":00 UTC".len());
        text
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut days, seconds) = (self.0 / 86_400, self.0 % 86_400);
        // No clock of a disk is further off than this, and no loop longer.
        let mut year = 1970;
        if days > 3_000_000 {
            return write!(f, "after the year 9999, 00:00:00 UTC");
        }
        while days >= days_in_year(year) {
            days -= days_in_year(year);
            year += 1;
        }
        let mut month = 1;
        while days >= days_in_month(year, month) {
            days -= days_in_month(year, month);
            month += 1;
        }
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(
            f,
            "{year}-{month:02}-{:02} {hour:02}:{minute:02}:{second:02} UTC",
            days + 1
        )
    }
}

fn is_leap_year(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_year(year: u64) -> u64 {
    365 + u64::from(is_leap_year(year))
}

fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap_year(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

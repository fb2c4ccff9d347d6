//! Time zones as POSIX writes them in `TZ`: `UTC0`, `CET-1CEST,M3.5.0,M10.5.0/3`.
//!
//! POSIX.1-2017, "Environment Variables", section 8.3. A zone is a name and what is to be added to its time to get
//! UTC (so places east of Greenwich have a minus), and perhaps the same for summer, with two rules for when that
//! begins and ends. Rules of the form `Mmonth.week.day` are read, the only ones that are in use;
//! `Jn` and `n` are refused. Deliberately absent: the history of zones, which takes a database.

use alloc::format;
use alloc::string::String;

use crate::Date;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    standard: Offset,
    summer: Option<Summer>,
}

/// What a zone's time is called, and the seconds that it is ahead of UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Offset {
    name: String,
    ahead: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Summer {
    offset: Offset,
    begin: Rule,
    end: Rule,
}

/// A moment in each year: a weekday (0 is Sunday) in some week of a month, of which 5 is the last one, and
/// seconds of local time since the day began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    month: i64,
    week: i64,
    day: i64,
    second: i64,
}

impl Zone {
    /// Reads a zone; none if it is not written as described [above](self).
    pub fn parse(text: &str) -> Option<Zone> {
        let mut rest = text;
        let standard = take_offset(&mut rest, None)?;
        if rest.is_empty() {
            return Some(Zone {
                standard,
                summer: None,
            });
        }
        let offset = take_offset(&mut rest, Some(standard.ahead + HOUR))?;
        let begin = take_rule(&mut rest)?;
        let end = take_rule(&mut rest)?;
        let summer = Some(Summer { offset, begin, end });
        rest.is_empty().then_some(Zone { standard, summer })
    }

    /// Seconds since the beginning of 1970 as the zone's clocks show them, with the zone's name.
    pub fn show(&self, seconds: u64) -> String {
        let offset = self.offset_at(seconds as i64);
        let local = (seconds as i64).saturating_add(offset.ahead).max(0);
        let text = format!("{}", Date(local as u64));
        format!("{}{}", text.trim_end_matches("UTC"), offset.name)
    }

    fn offset_at(&self, utc: i64) -> &Offset {
        let Some(summer) = &self.summer else {
            return &self.standard;
        };
        let year = year_of(utc + self.standard.ahead);
        // Each rule is told in the time that is in force until then.
        let begin = summer.begin.in_year(year) - self.standard.ahead;
        let end = summer.end.in_year(year) - summer.offset.ahead;
        let is_summer = match begin < end {
            true => (begin..end).contains(&utc),
            // South of the equator.
            false => !(end..begin).contains(&utc),
        };
        match is_summer {
            true => &summer.offset,
            false => &self.standard,
        }
    }
}

impl Rule {
    /// Seconds since the beginning of 1970, in local time.
    fn in_year(self, year: i64) -> i64 {
        let first = days_before(year, self.month);
        // 1970 began on a Thursday.
        let weekday = (first + 4).rem_euclid(7);
        let mut day = first + (self.day - weekday).rem_euclid(7) + 7 * (self.week - 1);
        let next_month = match self.month {
            12 => days_before(year + 1, 1),
            month => days_before(year, month + 1),
        };
        if day >= next_month {
            day -= 7;
        }
        day * DAY + self.second
    }
}

/// Days from the beginning of 1970 to that of a month.
fn days_before(year: i64, month: i64) -> i64 {
    // Years that begin in March have their leap day at the end.
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        month => (year, month - 3),
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leaps + (153 * month + 2) / 5 - 719_468
}

fn year_of(seconds: i64) -> i64 {
    let days = seconds.div_euclid(DAY);
    let mut year = 1970 + days / 366;
    while days_before(year + 1, 1) <= days {
        year += 1;
    }
    year
}

/// A name, and an offset unless there is a usual one.
fn take_offset(rest: &mut &str, usual: Option<i64>) -> Option<Offset> {
    let len = rest.find(|c: char| !c.is_ascii_alphabetic());
    let (name, tail) = rest.split_at(len.unwrap_or(rest.len()));
    *rest = tail;
    let has_offset = rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    let ahead = match (has_offset, usual) {
        (true, _) => -take_time(rest)?,
        (false, Some(usual)) => usual,
        (false, None) => return None,
    };
    // A day has no more, and names are no shorter, in any place.
    (name.len() >= 3 && ahead.abs() <= 24 * HOUR).then(|| Offset {
        name: name.into(),
        ahead,
    })
}

/// `,Mmonth.week.day`, and perhaps `/time`; without, it is two o'clock.
fn take_rule(rest: &mut &str) -> Option<Rule> {
    *rest = rest.strip_prefix(",M")?;
    let month = take_number(rest)?;
    *rest = rest.strip_prefix('.')?;
    let week = take_number(rest)?;
    *rest = rest.strip_prefix('.')?;
    let day = take_number(rest)?;
    let second = match rest.strip_prefix('/') {
        Some(tail) => {
            *rest = tail;
            take_time(rest)?
        }
        None => 2 * HOUR,
    };
    let is_sound = (1..=12).contains(&month) && (1..=5).contains(&week) && (0..=6).contains(&day);
    is_sound.then_some(Rule {
        month,
        week,
        day,
        second,
    })
}

/// `[+-]hours[:minutes[:seconds]]`.
fn take_time(rest: &mut &str) -> Option<i64> {
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    *rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    let mut seconds = take_number(rest)? * HOUR;
    for unit in [60, 1] {
        let Some(tail) = rest.strip_prefix(':') else {
            break;
        };
        *rest = tail;
        seconds += take_number(rest)? * unit;
    }
    Some(sign * seconds)
}

/// Up to three digits.
fn take_number(rest: &mut &str) -> Option<i64> {
    let len = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
    let (digits, tail) = rest.split_at(len);
    *rest = tail;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
    const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
    const SYDNEY: &str = "AEST-10AEDT,M10.1.0,M4.1.0/3";

    fn check(zone: &str, seconds: u64, shown: &str) {
        let read = Zone::parse(zone).unwrap_or_else(|| panic!("{zone} is refused"));
        assert_eq!(read.show(seconds), shown, "{zone}");
    }

    #[test]
    fn clocks_show_the_time_of_their_zone() {
        // Compare: TZ=Europe/Berlin date -d @1795426800
        check("UTC0", 1_795_426_800, "2026-11-23 09:40:00 UTC");
        check(BERLIN, 1_795_426_800, "2026-11-23 10:40:00 CET");
        check(BERLIN, 1_784_000_000, "2026-07-14 05:33:20 CEST");
        check(NEW_YORK, 1_795_426_800, "2026-11-23 04:40:00 EST");
        check(SYDNEY, 1_795_426_800, "2026-11-23 20:40:00 AEDT");
        check(SYDNEY, 1_784_000_000, "2026-07-14 13:33:20 AEST");
        check("IST-5:30", 1_795_426_800, "2026-11-23 15:10:00 IST");
    }

    #[test]
    fn summer_begins_and_ends_to_the_second() {
        // 2026-03-29 and 2026-10-25, at 01:00 UTC.
        check(BERLIN, 1_774_745_999, "2026-03-29 01:59:59 CET");
        check(BERLIN, 1_774_746_000, "2026-03-29 03:00:00 CEST");
        check(BERLIN, 1_792_889_999, "2026-10-25 02:59:59 CEST");
        check(BERLIN, 1_792_890_000, "2026-10-25 02:00:00 CET");
        // 2026-11-01 at 06:00 UTC.
        check(NEW_YORK, 1_793_512_799, "2026-11-01 01:59:59 EDT");
        check(NEW_YORK, 1_793_512_800, "2026-11-01 01:00:00 EST");
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        for text in [
            "",
            "UTC",
            "U0",
            "CET-1CEST",
            "CET-1CEST,M3.5.0",
            "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,M3.6.0,M10.5.0",
            "CET-1CEST,J60,J300",
            "CET-1CEST,M3.5.0,M10.5.0/3x",
            "CET-25",
            "CET-1:",
            "Europe/Berlin",
        ] {
            assert_eq!(Zone::parse(text), None, "{text}");
        }
    }
}

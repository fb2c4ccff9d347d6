//! How slow refusals are: by where they come from, and all together.
//!
//! Nobody guesses an ed25519 key. What this keeps small is the work and the noise that guessing makes, without shutting out
//! somebody who has the key and sits behind the same address as somebody who has not.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use ftl::prelude::*;

/// Addresses that are remembered; of more, the one that was quiet longest is forgotten.
const SOURCES_MAX: usize = 64;
/// In such a time half of what was refused is forgotten.
const HALF_LIFE: Duration = Duration::from_secs(30);
/// What the first refusal takes; each one more twice as long.
const FIRST: Duration = Duration::from_millis(100);
/// What a refusal takes for each one that there was, wherever from.
const FOR_EACH: Duration = Duration::from_millis(50);
/// The longest that a refusal takes.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// The longest that a connection waits to begin: it may be of somebody else at the same address.
const BEGIN_MAX: Duration = Duration::from_secs(1);
/// Lines in the log within a half-life.
const LINES_MAX: u32 = 30;

/// Something that is counted, and slowly forgotten.
#[derive(Clone, Copy)]
struct Count {
    count: u32,
    since: Instant,
}

impl Count {
    fn new(now: Instant) -> Count {
        Count {
            count: 0,
            since: now,
        }
    }

    fn now(&mut self, now: Instant) -> u32 {
        while now - self.since >= HALF_LIFE {
            self.count /= 2;
            match self.count {
                0 => self.since = now,
                _ => self.since += HALF_LIFE,
            }
        }
        self.count
    }

    fn add(&mut self, now: Instant) -> u32 {
        self.count = self.now(now).saturating_add(1);
        self.count
    }
}

/// See the [module](self).
pub struct Patience {
    sources: Vec<(Ipv4Addr, Count)>,
    all: Count,
    lines: Count,
    /// Lines that were not logged.
    unsaid: u32,
}

impl Patience {
    /// Nothing was refused yet.
    pub fn new(now: Instant) -> Patience {
        Patience {
            sources: Vec::new(),
            all: Count::new(now),
            lines: Count::new(now),
            unsaid: 0,
        }
    }

    /// Somebody was refused. Answers how long they wait to hear it.
    pub fn refused(&mut self, source: Ipv4Addr, now: Instant) -> Duration {
        let at = match self.sources.iter().position(|(known, _)| *known == source) {
            Some(at) => at,
            None => {
                if self.sources.len() >= SOURCES_MAX {
                    let quiet = (0..self.sources.len()).min_by_key(|at| self.sources[*at].1.since);
                    self.sources.swap_remove(quiet.unwrap_or(0));
                }
                self.sources.push((source, Count::new(now)));
                self.sources.len() - 1
            }
        };
        let count = self.sources[at].1.add(now);
        let of_source = FIRST * (1 << (count - 1).min(6));
        let of_all = FOR_EACH * self.all.add(now).min(100);
        of_source.max(of_all).min(ANSWER_MAX)
    }

    /// How long a new connection from there waits to begin, so that coming again is no way around waiting.
    pub fn begin(&mut self, source: Ipv4Addr, now: Instant) -> Duration {
        let mut sources = self.sources.iter_mut();
        let count = sources.find(|(known, _)| *known == source);
        let count = count.map_or(0, |(_, count)| count.now(now));
        (FIRST * count.saturating_sub(1).min(100)).min(BEGIN_MAX)
    }

    /// Somebody from there is in.
    pub fn welcome(&mut self, source: Ipv4Addr) {
        self.sources.retain(|(known, _)| *known != source);
    }

    /// Whether another line of the log may be about refusals; if so, how many there were not meanwhile.
    pub fn may_log(&mut self, now: Instant) -> Option<u32> {
        if self.lines.now(now) >= LINES_MAX {
            self.unsaid += 1;
            return None;
        }
        self.lines.add(now);
        Some(core::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const THERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    fn at(seconds: u64) -> Instant {
        Instant::default() + Duration::from_secs(seconds)
    }

    #[test]
    fn it_takes_longer_each_time_and_not_for_ever() {
        let mut patience = Patience::new(at(0));
        let waits: Vec<u128> = (0..10)
            .map(|_| patience.refused(HERE, at(0)).as_millis())
            .collect();
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]
        );
        assert_eq!(patience.begin(HERE, at(0)), Duration::from_millis(900));
        // Elsewhere it is only what all of them together have come to.
        assert_eq!(patience.refused(THERE, at(0)), Duration::from_millis(550));
        assert_eq!(patience.begin(THERE, at(0)), Duration::ZERO);
        patience.welcome(HERE);
        assert_eq!(patience.begin(HERE, at(0)), Duration::ZERO);
    }

    #[test]
    fn it_is_forgotten() {
        let mut patience = Patience::new(at(0));
        for _ in 0..20 {
            patience.refused(HERE, at(0));
        }
        assert_eq!(patience.begin(HERE, at(29)), BEGIN_MAX);
        assert_eq!(patience.begin(HERE, at(65)), Duration::from_millis(400));
        assert_eq!(patience.begin(HERE, at(400)), Duration::ZERO);
        assert_eq!(patience.refused(HERE, at(400)), FIRST);
    }

    #[test]
    fn many_sources_take_no_more_memory_and_all_of_them_wait() {
        let mut patience = Patience::new(at(0));
        for number in 0..1000u32 {
            patience.refused(Ipv4Addr::from_bits(number), at(0));
        }
        assert_eq!(patience.sources.len(), SOURCES_MAX);
        let wait = patience.refused(Ipv4Addr::from_bits(5000), at(0));
        assert_eq!(wait, ANSWER_MAX);
    }

    #[test]
    fn the_log_is_not_flooded() {
        let mut patience = Patience::new(at(0));
        let logged = (0..100).filter(|_| patience.may_log(at(0)).is_some());
        assert_eq!(logged.count(), LINES_MAX as usize);
        assert_eq!(patience.may_log(at(31)), Some(70));
    }
}

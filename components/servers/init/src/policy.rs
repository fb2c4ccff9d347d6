//! When a component that ended is started again.
//!
//! Only crashes shortly after a start count, since only they can repeat for ever: what ran for a
//! while before it crashed has done some work, and what was killed was killed on purpose.

use ftl::time::{Duration, Instant};
use plan::Restart;

/// A crash this soon after the start counts.
const SOON: Duration = Duration::from_secs(5);
/// How long the second start in a row is put off; each further one twice as long as the last.
const DELAY_FIRST: Duration = Duration::from_millis(100);
/// No start is put off longer.
const DELAY_MAX: Duration = Duration::from_secs(10);

/// How a component ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status.
    Exited(usize),
    /// By a panic, a fault, or a heartbeat that it did not answer.
    Crashed,
    /// Because somebody asked for it.
    Killed,
}

/// What is done then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is started again after this time.
    Again(Duration),
    /// It is left as it is: so it was meant.
    Ended,
    /// It is left as it is: it crashed too often.
    GivenUp,
}

/// What is remembered about one component.
#[derive(Clone, Debug)]
pub struct Policy {
    restart: Restart,
    crashes_max: u16,
    started: Instant,
    crashes: u16,
}

impl Policy {
    /// The policy that the plan gives a component.
    pub fn new(restart: Restart, crashes_max: u16) -> Policy {
        Policy {
            restart,
            crashes_max,
            started: Instant::default(),
            crashes: 0,
        }
    }

    /// Notes a start.
    pub fn started(&mut self, now: Instant) {
        self.started = now;
    }

    /// Crashes in a row so far.
    pub fn crashes(&self) -> u16 {
        self.crashes
    }

    /// Decides.
    pub fn ended(&mut self, end: End, now: Instant) -> Verdict {
        let wanted = match (self.restart, end) {
            (Restart::Never, _) => false,
            (Restart::OnFailure, End::Exited(0)) => false,
            (Restart::OnFailure | Restart::Always, _) => true,
        };
        if !wanted {
            return Verdict::Ended;
        }
        // One that ends at once by itself and is to run always would repeat for ever, too.
        let counts = end != End::Killed && now - self.started < SOON;
        if !counts {
            self.crashes = 0;
            return Verdict::Again(Duration::ZERO);
        }
        self.crashes += 1;
        if self.crashes > self.crashes_max {
            return Verdict::GivenUp;
        }
        Verdict::Again(delay(self.crashes))
    }

    /// Forgets all crashes: somebody wants it to be tried again.
    pub fn forgive(&mut self) {
        self.crashes = 0;
    }
}

/// The first start again comes at once, the others later and later.
fn delay(crashes: u16) -> Duration {
    match crashes {
        0 | 1 => Duration::ZERO,
        _ => DELAY_FIRST
            .saturating_mul(1 << (crashes - 2).min(16))
            .min(DELAY_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn crashes_in_a_row_are_put_off_longer_and_longer_and_then_given_up() {
        let mut policy = Policy::new(Restart::Always, 4);
        let mut delays = std::vec::Vec::new();
        let verdict = loop {
            policy.started(at(10));
            match policy.ended(End::Crashed, at(11)) {
                Verdict::Again(delay) => delays.push(delay.as_millis()),
                verdict => break verdict,
            }
        };
        assert_eq!(delays, [0, 100, 200, 400]);
        assert_eq!(verdict, Verdict::GivenUp);
        policy.forgive();
        assert_eq!(
            policy.ended(End::Crashed, at(11)),
            Verdict::Again(Duration::ZERO)
        );
    }

    #[test]
    fn what_ran_for_a_while_starts_anew_and_kills_do_not_count() {
        let mut policy = Policy::new(Restart::Always, 1);
        for _ in 0..10 {
            policy.started(at(10));
            assert_eq!(
                policy.ended(End::Killed, at(10)),
                Verdict::Again(Duration::ZERO)
            );
            assert_eq!(
                policy.ended(End::Crashed, at(15)),
                Verdict::Again(Duration::ZERO)
            );
        }
        policy.started(at(20));
        assert_eq!(
            policy.ended(End::Crashed, at(21)),
            Verdict::Again(Duration::ZERO)
        );
        assert_eq!(policy.ended(End::Crashed, at(22)), Verdict::GivenUp);
    }

    #[test]
    fn the_plan_says_after_which_ends() {
        let mut never = Policy::new(Restart::Never, 5);
        let mut on_failure = Policy::new(Restart::OnFailure, 5);
        let mut always = Policy::new(Restart::Always, 5);
        let again = Verdict::Again(Duration::ZERO);
        for (end, expected) in [
            (End::Exited(0), [Verdict::Ended, Verdict::Ended, again]),
            (End::Exited(3), [Verdict::Ended, again, again]),
            (End::Killed, [Verdict::Ended, again, again]),
        ] {
            let found = [&mut never, &mut on_failure, &mut always].map(|policy| {
                policy.forgive();
                policy.ended(end, at(100))
            });
            assert_eq!(found, expected, "{end:?}");
        }
    }

    #[test]
    fn no_delay_is_longer_than_the_longest() {
        assert_eq!(delay(u16::MAX), DELAY_MAX);
    }
}

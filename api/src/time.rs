//! Time: [`Instant`] without a system call.

use core::fmt;
use core::ops::{Add, AddAssign, Sub, SubAssign};

pub use core::time::Duration;

use crate::gate;
use crate::handle::Queue;

/// A point in time: nanoseconds since the machine was started. It only moves forward.
///
/// ```
/// # let _system = testkit::System::new();
/// use ftl::time::{Duration, Instant};
///
/// let begin = Instant::now();
/// let deadline = begin + Duration::from_millis(20);
/// assert!(begin < deadline);
/// assert_eq!(deadline - begin, Duration::from_millis(20));
/// assert_eq!(begin.duration_since(deadline), Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// Now.
    pub fn now() -> Instant {
        let local = gate::local();
        let ticks = gate::counter().saturating_sub(local.boot_ticks.get());
        Instant(convert(ticks, 1_000_000_000, local.ticks_per_second.get()))
    }
    /// The point that lies this many nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Instant {
        Instant(nanos)
    }
    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// How much later this is than `earlier`; zero if it is not.
    pub fn duration_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
    /// How much later this is than `earlier`, if it is.
    pub fn checked_duration_since(self, earlier: Instant) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_nanos)
    }
    /// How long ago this was.
    pub fn elapsed(self) -> Duration {
        Instant::now().duration_since(self)
    }
    /// This point moved on, unless that is beyond what can be told.
    pub fn checked_add(self, duration: Duration) -> Option<Instant> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        self.0.checked_add(nanos).map(Instant)
    }
}

impl Instant {
    /// This point moved back, unless that is before the start.
    pub fn checked_sub(self, duration: Duration) -> Option<Instant> {
        let nanos = u64::try_from(duration.as_nanos()).ok()?;
        self.0.checked_sub(nanos).map(Instant)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    /// Stops at the last point that can be told, 584 years from the start.
    fn add(self, duration: Duration) -> Instant {
        self.checked_add(duration).unwrap_or(Instant(u64::MAX))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;
    /// Stops at the start.
    fn sub(self, duration: Duration) -> Instant {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_sub(nanos))
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;
    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09}s",
            self.0 / 1_000_000_000,
            self.0 % 1_000_000_000
        )
    }
}

/// Waits for so long. What the component has printed is sent before. A component that has an event
/// loop sets a timer there instead.
pub fn sleep(duration: Duration) {
    let until = Instant::now() + duration;
    crate::stage::flush();
    match Queue::new() {
        // Nothing is attached, so it ends with the deadline.
        Ok(queue) => while queue.wait(Some(until)).is_ok() {},
        // Without memory for a queue there is still time.
        Err(_) => {
            while Instant::now() < until {
                // It cannot fail.
                let _ = crate::sys::yield_now();
            }
        }
    }
}

/// The kernel's deadline for a point in time: ticks of the counter, never 0 (which polls).
pub(crate) fn deadline_ticks(deadline: Option<Instant>) -> usize {
    match deadline {
        None => abi::call::FOREVER,
        Some(instant) => {
            let local = gate::local();
            // One tick late rather than one early: whoever waits finds the time to have come.
            let ticks = convert(instant.0, local.ticks_per_second.get(), 1_000_000_000)
                .saturating_add(1)
                .saturating_add(local.boot_ticks.get());
            (ticks as usize).min(abi::call::FOREVER - 1)
        }
    }
}

/// Instructions that the calling CPU has executed, counted from no particular point: for measuring.
/// Arm counts cycles instead, which under QEMU's `-icount shift=0` is the same.
#[inline(always)]
pub fn instructions() -> u64 {
    gate::instructions()
}

/// A number of the counter's ticks as a span of time.
pub fn ticks_to_duration(ticks: u64) -> Duration {
    let per_second = gate::local().ticks_per_second.get();
    Duration::from_nanos(convert(ticks, 1_000_000_000, per_second))
}

/// A span of time in ticks, rounded up.
pub(crate) fn duration_ticks(duration: Duration) -> usize {
    let ticks = duration
        .as_nanos()
        .saturating_mul(u128::from(gate::local().ticks_per_second.get()))
        .div_ceil(1_000_000_000);
    usize::try_from(ticks).unwrap_or(usize::MAX)
}

/// `value * numerator / denominator`, in steps that do not overflow for sensible frequencies.
fn convert(value: u64, numerator: u64, denominator: u64) -> u64 {
    let whole = value / denominator;
    let rest = value % denominator;
    // `rest` is below `denominator`; both factors stay below 2^32 for counters up to 4 GHz.
    whole
        .saturating_mul(numerator)
        .saturating_add(rest.saturating_mul(numerator) / denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds_and_back() {
        assert_eq!(
            convert(10_000_000, 1_000_000_000, 10_000_000),
            1_000_000_000
        );
        assert_eq!(convert(1, 1_000_000_000, 62_500_000), 16);
        assert_eq!(convert(u64::MAX, 1_000_000_000, 10_000_000), u64::MAX);
        let nanos = 123_456_789_012_300;
        let ticks = convert(nanos, 10_000_000, 1_000_000_000);
        assert_eq!(convert(ticks, 1_000_000_000, 10_000_000), nanos);
    }

    #[test]
    fn instants_stop_at_their_ends() {
        let end = Instant::from_nanos(u64::MAX) + Duration::from_secs(1);
        assert_eq!(end.as_nanos(), u64::MAX);
        assert_eq!(
            Instant::default() - Duration::from_secs(1),
            Instant::default()
        );
        assert_eq!(Instant::default() - end, Duration::ZERO);
    }

    #[test]
    fn a_deadline_never_polls_and_never_becomes_forever() {
        assert_ne!(deadline_ticks(Some(Instant::default())), 0);
        assert_ne!(
            deadline_ticks(Some(Instant::from_nanos(u64::MAX))),
            abi::call::FOREVER
        );
        assert_eq!(deadline_ticks(None), abi::call::FOREVER);
    }
}

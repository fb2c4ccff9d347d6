//! Timers, which cost no system call: the earliest is the deadline of the loop's next wait.

use alloc::rc::Rc;
use core::cell::Cell;

use abi::call::FOREVER;

use super::{EventLoop, Shared};
use crate::gate;
use crate::time::{self, Duration, Instant};

/// What a timer and its loop both see.
#[derive(Debug)]
pub(super) struct TimerState {
    /// In ticks; [`FOREVER`] if it is not set.
    deadline: Cell<usize>,
    /// In ticks; 0 if it fires only once.
    period: Cell<usize>,
}

/// A timer of an event loop: see [`EventLoop::timer`].
#[derive(Debug)]
pub struct Timer {
    state: Rc<TimerState>,
    shared: Rc<Shared>,
}

impl Timer {
    /// Fires once, so much later. Setting it again replaces what was set.
    pub fn set(&self, delay: Duration) {
        self.set_ticks(
            (gate::counter() as usize).saturating_add(time::duration_ticks(delay)),
            0,
        );
    }
    /// Fires once, at this point in time.
    pub fn set_at(&self, deadline: Instant) {
        self.set_ticks(time::deadline_ticks(Some(deadline)), 0);
    }
    /// Fires again and again, so far apart.
    pub fn set_every(&self, period: Duration) {
        let period = time::duration_ticks(period).max(1);
        self.set_ticks((gate::counter() as usize).saturating_add(period), period);
    }
    /// Stops it.
    pub fn cancel(&self) {
        self.state.deadline.set(FOREVER);
    }
    /// Whether it is set.
    pub fn is_set(&self) -> bool {
        self.state.deadline.get() != FOREVER
    }

    fn set_ticks(&self, deadline: usize, period: usize) {
        let deadline = deadline.min(FOREVER - 1);
        self.state.deadline.set(deadline);
        self.state.period.set(period);
        // Never 0, which stands for what was put aside.
        let nearest = &self.shared.nearest;
        nearest.set(nearest.get().min(deadline.max(1)));
    }
}

impl<S: Copy, M> EventLoop<S, M> {
    /// A timer that is not set yet; its events carry `source`. As many as wanted: they need no
    /// handle and no system call. Dropping it stops it.
    pub fn timer(&mut self, source: S) -> Timer {
        let state = Rc::new(TimerState {
            deadline: Cell::new(FOREVER),
            period: Cell::new(0),
        });
        self.timers.push((state.clone(), source));
        Timer {
            state,
            shared: self.shared.clone(),
        }
    }

    /// The source of a timer whose time has come.
    pub(super) fn fire(&mut self) -> Option<S> {
        let now = gate::counter() as usize;
        if now < self.shared.nearest.get() {
            return None;
        }
        // Timers that nobody holds any more.
        self.timers.retain(|(state, _)| Rc::strong_count(state) > 1);
        let due = self
            .timers
            .iter()
            .filter(|(state, _)| state.deadline.get() <= now)
            .min_by_key(|(state, _)| state.deadline.get())
            .map(|(state, source)| {
                state.deadline.set(match state.period.get() {
                    0 => FOREVER,
                    // Times that were missed are left out; the rhythm stays.
                    period => now - (now - state.deadline.get()) % period + period,
                });
                *source
            });
        self.look_again();
        due
    }

    /// Notes when the next timer is due.
    pub(super) fn look_again(&self) {
        let deadlines = self.timers.iter().map(|(state, _)| state.deadline.get());
        self.shared.nearest.set(deadlines.min().unwrap_or(FOREVER));
    }
}

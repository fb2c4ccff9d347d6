//! How the tool speaks: steps with their time, notes, and errors that say how to mend them.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// A step that takes long enough for a person to wonder. On a terminal it shows a moving line
/// while it runs; elsewhere it prints nothing until it ends.
pub struct Step {
    bar: Option<ProgressBar>,
    what: String,
    started: Instant,
}

impl Step {
    /// Starts a step, for example `building the kernel`.
    pub fn start(what: impl Into<String>) -> Step {
        let what = what.into();
        // Only one line can move: that of what is waited for.
        let foremost = std::thread::current().name() == Some("main");
        let bar = (foremost && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(
                ProgressStyle::with_template("{spinner} {msg}  {elapsed}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.set_message(what.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Step {
            bar,
            what,
            started: Instant::now(),
        }
    }

    /// Says what the step is busy with.
    pub fn detail(&self, detail: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}  {detail}", self.what));
        }
    }

    /// Ends the step well. A step shorter than a second leaves no line behind.
    pub fn done(self) {
        let elapsed = self.started.elapsed();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if elapsed >= Duration::from_secs(1) {
            say!("{}  {}", self.what, seconds(elapsed));
        }
    }

    /// Ends the step badly; the error itself is told by the caller.
    pub fn failed(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Tells something that nobody has to act on, once, however often it comes up.
pub fn note(text: &str) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.insert(text.to_owned()) {
        say!("note: {text}");
    }
}

/// A duration as people read it: `0.4 s`, `12.3 s`, `2 min 5 s`.
pub fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        let whole = duration.as_secs();
        format!("{} min {} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 5 s");
    }
}

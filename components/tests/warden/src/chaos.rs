//! Chaos: kills one component after the other, in turn and at random, and measures how long the system
//! needs until it serves a page again.
//!
//! A component has recovered when it runs again and a page has come.
//!
//! Init is spared, since its end is the system's, and so is this component, which measures.

use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::system;

use crate::Director;
use crate::prober::Prober;
use crate::spec::*;
use crate::statistics::{component, components, histogram, percentile};

/// So soon the system must serve again.
const RECOVERY_MAX: Duration = Duration::from_millis(100);
/// So long it is waited for before the test is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// See the [module](self).
pub struct Chaos {
    system: system::Client,
    random: Random,
    targets: Vec<String>,
    count: u32,
    pause_max: Duration,
    strict: bool,
    kills: u32,
    state: State,
    /// For each target.
    recoveries: Vec<Vec<Duration>>,
}

enum State {
    /// The first page has not come yet.
    Starting,
    /// The next kill comes then.
    Pause(Instant),
    /// This target was killed then, and whether a page has come since.
    Recovering(usize, Instant, bool),
}

impl Chaos {
    /// So many kills.
    pub fn new(mut system: system::Client, settings: &Settings, random: Random) -> Result<Chaos> {
        let only = settings.only.as_str();
        let targets: Vec<String> = components(&mut system)?
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| name != "warden" && (only.is_empty() || only == name))
            .collect();
        if targets.is_empty() {
            error!("there is no component `{only}` to kill");
            return Err(Error::NotFound);
        }
        let recoveries = targets.iter().map(|_| Vec::new()).collect();
        Ok(Chaos {
            system,
            random,
            targets,
            count: settings.count,
            pause_max: Duration::from_millis(settings.pause.into()),
            strict: settings.strict,
            kills: 0,
            state: State::Starting,
            recoveries,
        })
    }

    /// In turn and at random, one time each.
    fn choose(&mut self) -> usize {
        let targets = self.targets.len();
        match self.kills % 2 {
            0 => (self.kills / 2) as usize % targets,
            _ => self.random.below(targets as u64) as usize,
        }
    }

    fn pause(&mut self) {
        let longest = self.pause_max.as_micros() as u64;
        let pause = Duration::from_micros(self.random.below(longest));
        self.state = State::Pause(Instant::now() + pause);
    }

    /// Goes on if the target runs again, now that a page has come.
    fn recovered(&mut self, target: usize, since: Instant) -> Result<()> {
        let time = since.elapsed();
        let name = &self.targets[target];
        let status = component(&mut self.system, name)?;
        let lives = self.recoveries[target].len();
        if status.restarts as usize <= lives || status.state != system::State::Running {
            return match time > PATIENCE {
                true => Err(Error::TimedOut),
                false => Ok(()),
            };
        }
        if time > RECOVERY_MAX {
            warn!(
                "kill {} of {name}: back only after {} us",
                self.kills,
                time.as_micros()
            );
        }
        self.recoveries[target].push(time);
        self.pause();
        Ok(())
    }

    /// Says how it went; an error if a recovery took too long, or if somebody crashed.
    pub fn report(&mut self) -> Result<()> {
        let mut crashed = false;
        for (name, times) in self.targets.iter().zip(&self.recoveries) {
            let status = component(&mut self.system, name)?;
            if status.restarts != times.len() as u32 {
                error!(
                    "{name} was killed {} times and restarted {} times",
                    times.len(),
                    status.restarts
                );
                crashed = true;
            }
            let mut times = times.clone();
            times.sort_unstable();
            info!(
                "{name}: {} kills, back after {} us in the middle, {} us at most",
                times.len(),
                percentile(&times, 50).as_micros(),
                percentile(&times, 100).as_micros()
            );
        }
        let mut all: Vec<Duration> = self.recoveries.iter().flatten().copied().collect();
        all.sort_unstable();
        histogram(&all);
        info!("RESULT kills: {}", all.len());
        info!(
            "RESULT recovery_median_us: {}",
            percentile(&all, 50).as_micros()
        );
        info!(
            "RESULT recovery_p99_us: {}",
            percentile(&all, 99).as_micros()
        );
        info!(
            "RESULT recovery_max_us: {}",
            percentile(&all, 100).as_micros()
        );
        let late = all.iter().filter(|time| **time > RECOVERY_MAX).count();
        info!("RESULT recoveries_above_100_ms: {late}");
        match (crashed, late > 0 && self.strict) {
            (true, _) => Err(Error::Internal),
            (false, true) => Err(Error::TimedOut),
            (false, false) => Ok(()),
        }
    }
}

impl Director for Chaos {
    fn tick(&mut self, prober: &mut Prober) -> Result<bool> {
        match self.state {
            State::Pause(until) if Instant::now() >= until => {
                if self.kills == self.count {
                    return Ok(false);
                }
                let target = self.choose();
                match self.system.kill(&self.targets[target]) {
                    Ok(()) => {}
                    // It is between two lives just now: another time.
                    Err(Error::NotFound) => {
                        self.pause();
                        return Ok(true);
                    }
                    Err(error) => {
                        error!("cannot kill {}: {error}", self.targets[target]);
                        return Err(error);
                    }
                }
                self.state = State::Recovering(target, Instant::now(), false);
                self.kills += 1;
                prober.want();
            }
            State::Recovering(target, since, true) => self.recovered(target, since)?,
            State::Recovering(target, since, false) if since.elapsed() > PATIENCE => {
                error!(
                    "no page came any more after {} was killed",
                    self.targets[target]
                );
                return Err(Error::TimedOut);
            }
            _ => {}
        }
        Ok(true)
    }

    fn served(&mut self) -> Result<bool> {
        match self.state {
            State::Starting => {
                info!("the first page came; {} kills follow", self.count);
                self.pause();
            }
            State::Recovering(target, since, _) => {
                self.state = State::Recovering(target, since, true);
                self.recovered(target, since)?;
            }
            State::Pause(_) => {}
        }
        Ok(true)
    }
}

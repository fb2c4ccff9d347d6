//! Isolation: has `hostile` attack and `buggy` err, one thing for each of their lives, and checks after each
//! that the system serves its page and that no counter of the kernel has moved.
//!
//! Everything is done twice, in the same way. The first round lets the kernel's tables grow to the size they need, which
//! they keep; after it nothing may be lost any more.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use ftl::Transaction;
use ftl::prelude::*;
use interfaces::{system, trial};

use crate::prober::Prober;
use crate::spec::*;
use crate::statistics::{Counters, component, heap_growth, pages};
use crate::trials::{Expect, STORM_PIECE, TRIALS, Trial, What, attacks_at, look_at, storm};
use crate::{Director, Source};

/// How long what never ends by itself is let go on.
const SPELL: Duration = Duration::from_millis(30);
/// How long anything else may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long what is under way elsewhere, connections for one, may take to go.
const SETTLING: Duration = Duration::from_secs(30);

/// How many pages the heaps of servers may grow by in all rounds after the first. A heap keeps its peak, and how many connections
/// are in their last moments at once depends on how the host's time is shared; a loss would go on.
const GROWN_MAX: u64 = 80;

/// Who makes the trials.
const SUBJECTS: [&str; 2] = ["hostile", "buggy"];

/// What must not be read nor changed by anybody else: once among this component's static data, once on its heap.
const TREASURE: u64 = 0x7472_6561_7375_7265;
static TREASURY: AtomicU64 = AtomicU64::new(0);

/// Leaves values in registers that a call need not preserve, for whoever runs next on this CPU.
fn leave_traces() {
    let seen: [f64; 16] = core::array::from_fn(|i| black_box(i as f64 + 0.5));
    let product = seen.iter().fold(1.0, |product, value| product * value);
    black_box(product);
}

/// See the [module](self).
pub struct Isolation {
    system: system::Client,
    hostile: trial::Client,
    buggy: trial::Client,
    list: Vec<Trial>,
    seed: u64,
    round: u32,
    at: usize,
    time: u32,
    state: State,
    since: Instant,
    /// Counters with `hostile` ended, and with `buggy` ended.
    baseline: [Option<Counters>; 2],
    /// What each component held when counters were taken last.
    held: Vec<(String, u32)>,
    /// Pages by which heaps have grown since the first round.
    grown: u64,
    last_counters: Option<Counters>,
    trials: u64,
    calls: u64,
    treasure: Box<AtomicU64>,
    failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// The first page has not come yet.
    Starting,
    /// The component is to be back.
    Restarting,
    /// It has been asked.
    Attempting(Transaction),
    /// It hangs; whether a page came all the same, and whether it was killed.
    Hanging(Transaction, bool, bool),
    /// It is gone, and init is to say how.
    Ending,
    /// A page is to come.
    Probing,
    /// Counters are to be what they were.
    Settling,
}

impl Isolation {
    /// A storm of so many calls among it.
    pub fn new(
        system: system::Client,
        hostile: trial::Client,
        buggy: trial::Client,
        settings: &Settings,
    ) -> Isolation {
        TREASURY.store(TREASURE, Ordering::Relaxed);
        let treasure = Box::new(AtomicU64::new(TREASURE));
        let own = [&TREASURY, &*treasure].map(|place| core::ptr::from_ref(place) as usize as u64);
        let told = settings.targets.split(',').filter(|text| !text.is_empty());
        let told = told.map(|text| u64::from_str_radix(text, 16).unwrap_or(0));
        let places: Vec<u64> = told.chain(own).collect();
        let mut list: Vec<Trial> = places.iter().flat_map(|at| attacks_at(*at)).collect();
        list.extend_from_slice(TRIALS);
        let only_mistakes = !settings.attacks;
        list.retain(|trial| !only_mistakes || matches!(trial.what, What::Bug(_)));
        for trial in &mut list {
            trial.times = trial.times.min(settings.repeats);
        }
        for at in places.into_iter().filter(|_| !only_mistakes) {
            info!("a target lies at {at:#x}");
            list.push(look_at(at));
        }
        if !only_mistakes {
            list.push(storm(settings.count));
        }
        Isolation {
            system,
            hostile,
            buggy,
            list,
            seed: settings.seed,
            round: 0,
            at: 0,
            time: 0,
            state: State::Starting,
            since: Instant::now(),
            baseline: [None; 2],
            held: Vec::new(),
            grown: 0,
            last_counters: None,
            trials: 0,
            calls: 0,
            treasure,
            failed: false,
        }
    }

    /// Says how it went.
    pub fn report(&mut self) -> Result<()> {
        info!("RESULT trials: {}", self.trials);
        info!("RESULT hostile_calls: {}", self.calls);
        match self.failed {
            false => Ok(()),
            true => Err(Error::Internal),
        }
    }

    fn trial(&self) -> Trial {
        self.list[self.at]
    }

    fn subject(&self) -> (&'static str, Source) {
        match self.trial().what {
            What::Attack(_) => (SUBJECTS[0], Source::Hostile),
            What::Bug(_) => (SUBJECTS[1], Source::Buggy),
        }
    }

    fn go(&mut self, state: State) {
        self.state = state;
        self.since = Instant::now();
    }

    fn fail(&mut self, why: String) {
        error!(
            "{:?} number {} of round {}: {why}",
            self.trial().what,
            self.time,
            self.round
        );
        self.failed = true;
    }

    /// Asks for the next attempt.
    fn attempt(&mut self, prober: &mut Prober) {
        let trial = self.trial();
        let seed = match trial.what {
            What::Attack(trial::Attack::Storm) => self.seed << 32 | u64::from(self.time),
            What::Attack(
                trial::Attack::ReadAt | trial::Attack::WriteAt | trial::Attack::JumpAt,
            ) => trial.at,
            _ => self.time.into(),
        };
        let started = match trial.what {
            What::Attack(attack) => self.hostile.attack_start(attack, seed, trial.count),
            What::Bug(bug) => self.buggy.make_start(bug, trial.at),
        };
        match started {
            Ok(transaction) if matches!(trial.expect, Expect::Hangs) => {
                self.go(State::Hanging(transaction, false, false));
                prober.want();
            }
            Ok(transaction) => self.go(State::Attempting(transaction)),
            // It will be back, and then is asked again.
            Err(_) => self.go(State::Restarting),
        }
    }

    /// One attempt is over, and all is as it should be.
    fn next(&mut self) -> Result<bool> {
        for place in [&TREASURY, &*self.treasure] {
            if place.swap(TREASURE, Ordering::Relaxed) != TREASURE {
                self.failed = true;
                error!("a value of this component was changed");
            }
        }
        self.trials += 1;
        self.time += 1;
        if self.time == self.trial().times {
            self.time = 0;
            self.at += 1;
        }
        if self.at == self.list.len() {
            self.at = 0;
            self.round += 1;
            info!("round {} is over after {} trials", self.round, self.trials);
            if self.round == 2 {
                return Ok(false);
            }
            // What `buggy` left behind was counted before the storm, and tables have grown since.
            self.baseline[1] = None;
        }
        let (name, _) = self.subject();
        self.go(State::Restarting);
        self.system.restart(name)?;
        Ok(true)
    }

    fn check_end(&mut self, found: u64) {
        let expected = match self.trial().expect {
            Expect::Ends(status) => status,
            Expect::Hangs | Expect::Found => ftl::abi::ProcessState::EXIT_KILLED as u64,
            Expect::Anything => return,
            Expect::Done(..) | Expect::NoReply => {
                return self.fail(alloc::format!("it ended with status {found}"));
            }
        };
        if found != expected {
            self.fail(alloc::format!(
                "it ended with status {found}, not {expected}"
            ));
        }
    }

    fn check_answer(&mut self, answer: Result<u64>) {
        match (self.trial().expect, answer) {
            (Expect::Done(low, high), Ok(done)) if (low..=high).contains(&done) => {}
            (Expect::NoReply, Err(Error::Unsupported)) | (Expect::Anything, _) => {}
            (expect, answer) => self.fail(alloc::format!("it answered {answer:?}, not {expect:?}")),
        }
    }

    /// Goes on once the counters have settled.
    fn settle(&mut self) -> Result<bool> {
        match self.has_settled()? {
            true => self.next(),
            false => Ok(true),
        }
    }

    /// True once the counters stand still where they stood before.
    fn has_settled(&mut self) -> Result<bool> {
        let now = Counters::now(&mut self.system)?;
        let stands_still = self.last_counters.replace(now) == Some(now);
        let which = usize::from(self.subject().1 == Source::Buggy);
        if self.round == 0 {
            // Some tables still grow.
            if stands_still {
                self.baseline[which] = Some(now);
                self.held = pages(&mut self.system, &SUBJECTS)?;
            }
            return Ok(stands_still);
        }
        let Some(before) = self.baseline[which] else {
            // The first one of this round; nothing of the one before may be under way any more.
            if stands_still {
                self.baseline[which] = Some(now);
                self.held = pages(&mut self.system, &SUBJECTS)?;
            }
            return Ok(stands_still);
        };
        if now == before {
            return Ok(true);
        }
        if stands_still && now.is_less_than(&before) {
            // Something was still under way when they were taken for settled. A loss is never less.
            self.baseline[which] = Some(now);
            return Ok(true);
        }
        if self.since.elapsed() > SETTLING {
            let held = pages(&mut self.system, &SUBJECTS)?;
            match heap_growth(&before, &now, &self.held, &held) {
                Some(grown) if self.grown + grown.pages <= GROWN_MAX => {
                    info!("a server's heap has grown by {} pages", grown.pages);
                    self.grown += grown.pages;
                    // What else has changed, if anything, is known for these only.
                    let is_all = grown.add_to(before) == now;
                    for baseline in &mut self.baseline {
                        *baseline = baseline.map(|b| grown.add_to(b)).filter(|_| is_all);
                    }
                    self.baseline[which] = Some(now);
                }
                _ => {
                    self.fail(alloc::format!(
                        "{before:?} became {now:?}; components held {:?} pages, and now {held:?}",
                        self.held
                    ));
                    self.baseline[which] = Some(now);
                }
            }
            self.held = held;
            return Ok(true);
        }
        Ok(false)
    }

    /// Ends a subject. One that has ended by itself since it was last looked at is as good.
    fn end(&mut self, name: &str) -> Result<()> {
        match self.system.kill(name) {
            Err(Error::NotFound) => Ok(()),
            other => other,
        }
    }
}

impl Director for Isolation {
    fn tick(&mut self, prober: &mut Prober) -> Result<bool> {
        leave_traces();
        let waited = self.since.elapsed();
        match self.state {
            State::Hanging(transaction, true, false) if waited > SPELL => {
                let (name, _) = self.subject();
                self.end(name)?;
                self.state = State::Hanging(transaction, true, true);
            }
            State::Ending => {
                let (name, _) = self.subject();
                let found = component(&mut self.system, name)?;
                if found.state != system::State::Running {
                    self.check_end(found.status);
                    self.go(State::Probing);
                    prober.want();
                } else if waited > SPELL && matches!(self.trial().expect, Expect::Anything) {
                    // It has only cut us off.
                    self.end(name)?;
                }
            }
            State::Settling => return self.settle(),
            // Some attempts end in loops of their own making.
            State::Attempting(_)
                if waited > SPELL && matches!(self.trial().expect, Expect::Anything) =>
            {
                let (name, _) = self.subject();
                self.end(name)?;
                self.since = Instant::now();
            }
            _ if waited > PATIENCE => {
                self.fail(alloc::format!(
                    "nothing has happened since {:?}",
                    self.state
                ));
                return Err(Error::TimedOut);
            }
            _ => {}
        }
        Ok(true)
    }

    fn served(&mut self) -> Result<bool> {
        match self.state {
            State::Starting => {
                info!(
                    "the first page came; {} kinds of trials follow",
                    self.list.len()
                );
                let (name, _) = self.subject();
                self.go(State::Restarting);
                self.system.restart(name)?;
            }
            State::Probing => self.go(State::Settling),
            State::Hanging(transaction, false, killed) => {
                self.state = State::Hanging(transaction, true, killed);
            }
            _ => {}
        }
        Ok(true)
    }

    fn answered(
        &mut self,
        from: Source,
        answer: trial::ToClient,
        prober: &mut Prober,
    ) -> Result<()> {
        let (State::Attempting(expected) | State::Hanging(expected, ..)) = self.state else {
            return Ok(());
        };
        let (transaction, result) = match answer {
            trial::ToClient::Attack(transaction, result) => (transaction, result),
            trial::ToClient::Make(transaction, result) => (transaction, result.map(|()| 0)),
        };
        if transaction != expected || from != self.subject().1 {
            return Ok(());
        }
        if let (What::Attack(trial::Attack::Storm), Ok(done)) = (self.trial().what, result) {
            self.calls += done;
            // A storm goes on in the same life.
            if done == STORM_PIECE.into() && self.time + 1 < self.trial().times {
                self.time += 1;
                self.trials += 1;
                self.attempt(prober);
                return Ok(());
            }
        }
        if result == Err(Error::PeerRestarted) {
            self.go(State::Ending);
            return Ok(());
        }
        if let (Expect::NoReply, Err(Error::NoReply)) = (self.trial().expect, result)
            && let Ok(transaction) = self.buggy.attack_start(trial::Attack::Read, 0, 0)
        {
            // It says so in the log only after it has told us, and killed at once it might not come to that. What it
            // answers next, it answers afterwards.
            self.go(State::Attempting(transaction));
            return Ok(());
        }
        self.check_answer(result);
        let (name, _) = self.subject();
        // What it did is undone with its end, and that is part of the test.
        let _ = self.system.kill(name);
        self.go(State::Probing);
        prober.want();
        Ok(())
    }

    fn restarted(&mut self, from: Source, prober: &mut Prober) {
        if self.state == State::Restarting && from == self.subject().1 {
            self.attempt(prober);
        }
    }
}

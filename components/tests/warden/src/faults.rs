//! Faults: replaces the network driver with one copy after the other in which machine instructions were
//! changed (`tools/ftl/src/faults.rs`), lets each drive the device for a while, and then puts the sound one
//! back. The system must then serve its page again, and nobody but the driver may have ended.

use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::system;

use crate::Director;
use crate::prober::Prober;
use crate::spec::*;
use crate::statistics::{component, components, histogram, percentile};

const DRIVER: &str = "virtio_net";
/// How long a faulty driver may go on.
const SPELL: Duration = Duration::from_millis(60);
/// Pages that are asked for through a faulty driver that works.
const PAGES: u32 = 3;
/// How long the sound driver has to get the system to serve again.
const PATIENCE: Duration = Duration::from_secs(120);

/// See the [module](self).
pub struct Faults {
    system: system::Client,
    /// All other components, and how often they were restarted before.
    others: Vec<(String, u32)>,
    count: u32,
    copy: u32,
    state: State,
    since: Instant,
    pages: u32,
    restarts: u32,
    crashed: u32,
    silent: u32,
    worked: u32,
    recoveries: Vec<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Starting,
    /// A faulty driver drives.
    Faulty,
    /// The sound one is back, and a page is to come.
    Recovering,
}

impl Faults {
    /// So many faulty copies, which the boot archive has.
    pub fn new(mut system: system::Client, count: u32) -> Result<Faults> {
        let others = components(&mut system)?
            .into_iter()
            .filter(|(name, _)| name != DRIVER)
            .map(|(name, status)| (name, status.restarts))
            .collect();
        Ok(Faults {
            system,
            others,
            count,
            copy: 0,
            state: State::Starting,
            since: Instant::now(),
            pages: 0,
            restarts: 0,
            crashed: 0,
            silent: 0,
            worked: 0,
            recoveries: Vec::new(),
        })
    }

    fn go(&mut self, state: State) {
        self.state = state;
        self.since = Instant::now();
    }

    /// Starts the driver from this image.
    fn start(&mut self, image: &str) -> Result<()> {
        self.system.set_image(DRIVER, image)?;
        self.system.restart(DRIVER)
    }

    fn next_copy(&mut self, prober: &mut Prober) -> Result<bool> {
        if self.copy == self.count {
            return Ok(false);
        }
        let image = alloc::format!("{DRIVER}.{}", self.copy);
        info!("copy {image}");
        self.copy += 1;
        self.pages = 0;
        self.start(&image)?;
        self.restarts = component(&mut self.system, DRIVER)?.restarts;
        self.go(State::Faulty);
        prober.want();
        Ok(true)
    }

    fn end_copy(&mut self, prober: &mut Prober) -> Result<()> {
        self.start(DRIVER)?;
        self.go(State::Recovering);
        prober.want();
        Ok(())
    }

    /// Says how it went.
    pub fn report(&mut self) -> Result<()> {
        self.recoveries.sort_unstable();
        histogram(&self.recoveries);
        info!("RESULT copies: {}", self.copy);
        info!("RESULT copies_crashed: {}", self.crashed);
        info!("RESULT copies_silent: {}", self.silent);
        info!("RESULT copies_that_worked: {}", self.worked);
        info!(
            "RESULT recovery_max_us: {}",
            percentile(&self.recoveries, 100).as_micros()
        );
        let mut sound = true;
        for (name, before) in &self.others {
            let restarts = component(&mut self.system, name)?.restarts;
            if restarts != *before {
                error!("{name} was restarted {} times", restarts - before);
                sound = false;
            }
        }
        match sound {
            true => Ok(()),
            false => Err(Error::Internal),
        }
    }
}

impl Director for Faults {
    fn tick(&mut self, prober: &mut Prober) -> Result<bool> {
        match self.state {
            State::Faulty => {
                let found = component(&mut self.system, DRIVER)?;
                // `restart` ends the earlier driver first, which counts as one restart.
                if found.restarts > self.restarts + 1 || found.state != system::State::Running {
                    self.crashed += 1;
                    self.end_copy(prober)?;
                } else if self.pages >= PAGES {
                    self.worked += 1;
                    self.end_copy(prober)?;
                } else if self.since.elapsed() > SPELL {
                    self.silent += 1;
                    self.end_copy(prober)?;
                } else if self.pages > 0 && prober.is_idle() {
                    prober.want();
                }
            }
            State::Recovering if self.pages == u32::MAX => return self.next_copy(prober),
            State::Recovering if self.since.elapsed() > PATIENCE => {
                error!("no page came any more after copy {}", self.copy - 1);
                return Err(Error::TimedOut);
            }
            _ => {}
        }
        Ok(true)
    }

    fn served(&mut self) -> Result<bool> {
        match self.state {
            State::Starting => {
                info!("the first page came; {} faulty copies follow", self.count);
                self.go(State::Recovering);
                self.pages = u32::MAX;
            }
            State::Faulty => self.pages += 1,
            State::Recovering => {
                if self.pages != u32::MAX {
                    self.recoveries.push(self.since.elapsed());
                }
                self.pages = u32::MAX;
            }
        }
        Ok(true)
    }
}

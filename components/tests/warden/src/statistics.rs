//! The counters that must not move, and recovery times as a histogram.

use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::system;

use crate::spec::*;

/// Counters of the kernel that are the same whenever the same components run and nothing is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Free pages.
    pub pages_free: u64,
    /// Processes.
    pub processes: u64,
    /// Threads.
    pub threads: u64,
    /// Channels.
    pub channels: u64,
    /// Folios.
    pub folios: u64,
    /// Handles.
    pub handles: u64,
    /// Event queues.
    pub queues: u64,
    /// Sources of events.
    pub sources: u64,
    /// Mappings.
    pub mappings: u64,
    /// Timers.
    pub timers: u64,
    /// Doorbells.
    pub doorbells: u64,
}

impl Counters {
    /// As they are now.
    pub fn now(system: &mut system::Client) -> Result<Counters> {
        let found = system.statistics()?;
        Ok(Counters {
            pages_free: found.pages_free,
            processes: found.processes,
            threads: found.threads,
            channels: found.channels,
            folios: found.folios,
            handles: found.handles,
            queues: found.queues,
            sources: found.sources,
            mappings: found.mappings,
            timers: found.timers,
            doorbells: found.doorbells,
        })
    }

    /// Whether less is in use than there was, and more of nothing.
    pub fn is_less_than(&self, before: &Counters) -> bool {
        self != before
            && self.pages_free >= before.pages_free
            && self.processes <= before.processes
            && self.threads <= before.threads
            && self.channels <= before.channels
            && self.folios <= before.folios
            && self.handles <= before.handles
            && self.queues <= before.queues
            && self.sources <= before.sources
            && self.mappings <= before.mappings
            && self.timers <= before.timers
            && self.doorbells <= before.doorbells
    }

    /// The same, but for what there is less of now. Not pages, folios and mappings, which heaps have, too.
    fn lowered_to(self, now: &Counters) -> Counters {
        Counters {
            processes: self.processes.min(now.processes),
            threads: self.threads.min(now.threads),
            channels: self.channels.min(now.channels),
            handles: self.handles.min(now.handles),
            queues: self.queues.min(now.queues),
            sources: self.sources.min(now.sources),
            timers: self.timers.min(now.timers),
            doorbells: self.doorbells.min(now.doorbells),
            ..self
        }
    }
}

/// Pieces that heaps have grown by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Each is a folio that is mapped.
    pub pieces: u64,
    /// With the tables that they needed.
    pub pages: u64,
}

impl Growth {
    /// What counters become by it.
    pub fn add_to(self, before: Counters) -> Counters {
        Counters {
            pages_free: before.pages_free - self.pages,
            folios: before.folios + self.pieces,
            mappings: before.mappings + self.pieces,
            ..before
        }
    }
}

/// What heaps have grown by, if nothing else explains less than all of what has changed: each folio more is mapped, and its pages
/// are held by components that lived all the time.
pub fn heap_growth(
    before: &Counters,
    now: &Counters,
    held_before: &[(String, u32)],
    held: &[(String, u32)],
) -> Option<Growth> {
    // What was still under way when the first ones were taken may have gone, and has given pages back.
    let lowered = before.lowered_to(now);
    let has_gone = lowered != *before;
    let growth = Growth {
        pieces: now.folios.checked_sub(before.folios)?,
        pages: before.pages_free.checked_sub(now.pages_free)?,
    };
    let mut more = 0;
    for (name, pages) in held {
        let (_, pages_before) = held_before.iter().find(|(before, _)| before == name)?;
        more += u64::from(pages.checked_sub(*pages_before)?);
    }
    // A piece may need a table, which is not the component's, and one of those above it.
    let most = more + 2 * growth.pieces;
    let is_all = growth.add_to(lowered) == *now
        && growth.pages <= most
        && (has_gone || growth.pages >= more);
    (growth.pieces > 0 && is_all).then_some(growth)
}

/// What init says about one component.
pub struct Status {
    /// What it is doing.
    pub state: system::State,
    /// How often it was started again.
    pub restarts: u32,
    /// What it ended with.
    pub status: u64,
    /// Pages that it is charged for.
    pub pages: u32,
}

/// What init says about all components, by name.
pub fn components(system: &mut system::Client) -> Result<Vec<(String, Status)>> {
    let mut all = Vec::new();
    loop {
        let answer = system.components(all.len() as u16)?;
        let before = all.len();
        all.extend(answer.components.iter().map(|component| {
            let status = Status {
                state: component.state,
                restarts: component.restarts,
                status: component.status,
                pages: component.memory_pages,
            };
            (String::from(component.name), status)
        }));
        if all.len() >= usize::from(answer.total) || all.len() == before {
            return Ok(all);
        }
    }
}

/// How many pages each component holds, but those that come and go.
pub fn pages(system: &mut system::Client, but: &[&str]) -> Result<Vec<(String, u32)>> {
    let all = components(system)?.into_iter();
    let all = all.filter(|(name, _)| !but.contains(&name.as_str()));
    Ok(all.map(|(name, status)| (name, status.pages)).collect())
}

/// What init says about this one.
pub fn component(system: &mut system::Client, name: &str) -> Result<Status> {
    components(system)?
        .into_iter()
        .find(|(found, _)| found == name)
        .map(|(_, status)| status)
        .ok_or(Error::NotFound)
}

/// Prints times as bars, in steps that double.
pub fn histogram(times: &[Duration]) {
    let most = 40;
    let mut low = Duration::ZERO;
    let mut high = Duration::from_millis(1);
    let mut left = times.len();
    while left > 0 {
        let count = times
            .iter()
            .filter(|time| (low..high).contains(*time))
            .count();
        left -= count;
        let len = (count * most).div_ceil(times.len());
        let bar: String = core::iter::repeat_n('#', len).collect();
        info!(
            "{:>5} to {:>5} ms {count:>5} {bar}",
            low.as_millis(),
            high.as_millis()
        );
        low = high;
        high *= 2;
    }
}

/// The time that `percent` of all are not above. `times` are in order.
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let at = (times.len() * percent).div_ceil(100).max(1) - 1;
    times.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(pages_free: u64, folios: u64, mappings: u64) -> Counters {
        Counters {
            pages_free,
            processes: 5,
            threads: 5,
            channels: 10,
            folios,
            handles: 40,
            queues: 5,
            sources: 26,
            mappings,
            timers: 0,
            doorbells: 2,
        }
    }

    fn held(tcpip: u32) -> [(String, u32); 2] {
        [("init".into(), 50), ("tcpip".into(), tcpip)]
    }

    #[test]
    fn a_heap_that_has_grown_is_told_from_a_loss() {
        let before = counters(1000, 27, 46);
        let grown = |now: Counters, held_now: [(String, u32); 2]| {
            heap_growth(&before, &now, &held(232), &held_now)
        };
        let growth = grown(counters(982, 28, 47), held(249));
        assert_eq!(
            growth,
            Some(Growth {
                pieces: 1,
                pages: 18
            })
        );
        assert_eq!(
            growth.map(|growth| growth.add_to(before)),
            Some(counters(982, 28, 47))
        );
        // Nobody has these pages.
        assert_eq!(grown(counters(982, 28, 47), held(232)), None);
        // The folio is mapped nowhere.
        assert_eq!(grown(counters(982, 28, 46), held(249)), None);
        // Pages alone.
        assert_eq!(grown(counters(983, 27, 46), held(249)), None);
        // A connection was still there, and has given three pages back.
        let connected = Counters {
            channels: 13,
            handles: 46,
            sources: 32,
            ..before
        };
        let gone = |now: Counters| heap_growth(&connected, &now, &held(232), &held(249));
        assert!(gone(counters(985, 28, 47)).is_some());
        assert_eq!(gone(counters(980, 28, 47)), None, "more than the heap has");
        // Something else is more, too.
        let handles = Counters {
            handles: 41,
            ..counters(982, 28, 47)
        };
        assert_eq!(grown(handles, held(249)), None);
    }
}

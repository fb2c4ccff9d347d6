//! A figure: one thing that was measured, in one case.

use serde::{Deserialize, Serialize};

/// One thing that was measured. Guests write it as JSON, and `--json` prints it as such.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What: `rpc_64`.
    pub name: String,
    /// In which case: `kernel`, `kernel-user` (client and server), or empty if there is only one.
    #[serde(default)]
    pub case: String,
    /// `instructions`, `bytes`, …
    pub unit: String,
    /// How often it was measured.
    pub samples: u64,
    /// The least of all samples.
    pub min: f64,
    /// The one in the middle.
    pub median: f64,
    /// The most of all samples.
    pub max: f64,
}

/// What the names of figures begin with that are taken by the clock: they say something of the computer that took them, and of
/// what else it did, so they are shown and never checked.
const BY_THE_CLOCK: &[&str] = &["fs_time_", "http_a_second_", "scale_", "tcp_time_"];

/// Whether the figure of this name, or of this id, is taken by the clock.
pub fn is_by_the_clock(name: &str) -> bool {
    BY_THE_CLOCK.iter().any(|begin| name.starts_with(begin))
}

impl Figure {
    /// A figure out of all its samples.
    pub fn of(name: &str, case: &str, unit: &str, mut samples: Vec<f64>) -> Figure {
        samples.sort_by(f64::total_cmp);
        let at = |index: usize| samples.get(index).copied().unwrap_or(f64::NAN);
        Figure {
            name: name.to_owned(),
            case: case.to_owned(),
            unit: unit.to_owned(),
            samples: samples.len() as u64,
            min: at(0),
            median: at(samples.len() / 2),
            max: at(samples.len().wrapping_sub(1)),
        }
    }

    /// A figure that is the same each time, or measured once.
    pub fn one(name: &str, case: &str, unit: &str, value: f64) -> Figure {
        Figure::of(name, case, unit, vec![value])
    }

    /// The same as multiples of something that was measured in the same run.
    pub fn as_multiple_of(self, one: f64) -> Figure {
        Figure {
            unit: "times".to_owned(),
            min: self.min / one,
            median: self.median / one,
            max: self.max / one,
            ..self
        }
    }

    /// Name and case in one: `rpc_64/kernel-user`.
    pub fn id(&self) -> String {
        id(&self.name, &self.case)
    }
}

/// What a figure with this name in this case is called.
pub fn id(name: &str, case: &str) -> String {
    match case {
        "" => name.to_owned(),
        _ => format!("{name}/{case}"),
    }
}

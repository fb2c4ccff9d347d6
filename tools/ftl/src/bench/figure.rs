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

impl Figure {
    /// Name and case in one: `rpc_64/kernel-user`.
    pub fn id(&self) -> String {
        if self.case.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.name, self.case)
        }
    }
}

//! `./ftl bench`: how much things cost, in figures that anyone can reproduce.
//!
//! - [`figure`]: what is measured comes as figures: a name, a case, minimum, median and maximum.
//! - [`guest`]: boots a machine in which everything repeats, and reads the figures it writes.
//! - [`table`]: shows them.
//! - [`budgets`]: what they may be.
//! - [`profile`]: where one figure's instructions go, function by function.
//!
//! Instructions are counted by the guest's own CPU under QEMU's `-icount shift=0`, where they are
//! exact and the same at every run and under any load.

pub mod budgets;
pub mod figure;
pub mod guest;
pub mod profile;
pub mod table;

use std::path::Path;

use anyhow::{Result, bail};

use crate::arch::Arch;
use crate::systems::Isolation;
use figure::Figure;

/// What somebody wants to have measured.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Parts of the figures' names; all figures if there are none.
    pub names: Vec<String>,
    /// On which machine.
    pub arch: Arch,
    /// Only cases in which all components are isolated this way.
    pub isolation: Option<Isolation>,
    /// How often each thing is done, instead of what the benchmark thinks best.
    pub samples: Option<usize>,
    /// Also what takes long.
    pub long: bool,
}

impl Wanted {
    /// Whether a figure is wanted.
    pub fn wants(&self, figure: &Figure) -> bool {
        let named = self.names.is_empty()
            || self
                .names
                .iter()
                .any(|name| figure.id().contains(name.as_str()));
        let isolated = self.isolation.is_none_or(|isolation| {
            figure
                .case
                .split('-')
                .all(|one| one == isolation.name() || Isolation::from_name(one).is_none())
        });
        named && isolated
    }
}

/// Measures what is wanted.
pub fn measure(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let mut figures = guest::kernel(root, wanted)?;
    figures.retain(|figure| wanted.wants(figure));
    if figures.is_empty() {
        bail!(
            "no figure's name contains `{}`; `./ftl bench` without a name measures all",
            wanted.names.join("` or `")
        );
    }
    Ok(figures)
}

//! `./ftl bench`: how much things cost, in figures that anyone can reproduce.
//!
//! - [`figure`]: what is measured comes as figures: a name, a case, minimum, median and maximum.
//! - [`guest`]: boots a machine in which everything repeats, and reads the figures it writes.
//! - [`table`]: shows them.
//! - [`budgets`]: what they may be.
//! - [`document`], [`plot`]: `docs/performance.md` and its drawings.
//! - [`profile`]: where one figure's instructions go, function by function.
//!
//! Instructions are counted by the guest's own CPU under QEMU's `-icount shift=0`, where they are
//! exact and the same at every run and under any load.

pub mod budgets;
pub mod document;
pub mod figure;
pub mod guest;
pub mod plot;
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

/// Figures that are measured together.
struct Group {
    /// What their names begin with.
    names: &'static [&'static str],
    /// Measured only if it is asked for by name, or with `--long`.
    long: bool,
    measure: fn(&Path, &Wanted) -> Result<Vec<Figure>>,
}

const GROUPS: &[Group] = &[
    Group {
        names: &[
            "syscall",
            "send_",
            "receive_",
            "folio_",
            "page_fault",
            "timer_",
            "thread_switch",
            "rpc_",
            "handle_moved",
            "event_wake_up",
            "component_",
        ],
        long: false,
        measure: guest::kernel,
    },
    Group {
        names: &["http_request"],
        long: false,
        measure: guest::http,
    },
];

impl Group {
    /// Whether any of its figures may be wanted: part of their names, or they of a wanted name.
    fn is_wanted(&self, wanted: &Wanted) -> bool {
        if wanted.names.is_empty() {
            return wanted.long || !self.long;
        }
        wanted.names.iter().any(|wanted| {
            let name = wanted.split('/').next().unwrap_or(wanted);
            self.names
                .iter()
                .any(|own| name.starts_with(own) || own.contains(name))
        })
    }
}

/// Measures what is wanted.
pub fn measure(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for group in GROUPS {
        if group.is_wanted(wanted) {
            figures.extend((group.measure)(root, wanted)?);
        }
    }
    figures.retain(|figure| wanted.wants(figure));
    if figures.is_empty() {
        bail!(
            "no figure's name contains `{}`; `./ftl bench` without a name measures all",
            wanted.names.join("` or `")
        );
    }
    Ok(figures)
}

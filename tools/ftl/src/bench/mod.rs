//! `./ftl bench`: how much things cost, in figures that anyone can reproduce.
//!
//! - [`figure`]: what is measured comes as figures: a name, a case, minimum, median and maximum.
//! - [`guest`]: boots a machine in which everything repeats, and reads the figures it writes.
//! - [`whole`], [`outside`]: figures of whole systems, and of a web server's guests.
//! - [`bulk`]: TCP from outside, by instructions and by the clock.
//! - [`tap`]: a network of one cable between the host and a machine.
//! - [`table`]: shows them.
//! - [`budgets`]: what they may be.
//! - [`document`], [`plot`]: `docs/performance.md` and its drawings.
//! - [`explained`]: what that page says about where instructions go.
//! - [`profile`]: where one figure's instructions go, function by function.
//!
//! Instructions are counted by the guest's own CPU under QEMU's `-icount shift=0`, where they are
//! exact and the same at every run and under any load.

pub mod budgets;
pub mod bulk;
pub mod document;
pub mod explained;
pub mod figure;
pub mod guest;
pub mod outside;
pub mod plot;
pub mod profile;
pub mod table;
pub mod tap;
pub mod whole;

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

/// What was measured, and what could not be: one group that fails must not take the others' figures along.
#[derive(Debug, Default)]
pub struct Measured {
    /// The figures.
    pub figures: Vec<Figure>,
    /// Why figures are missing: their names and the reason.
    pub failed: Vec<String>,
}

impl Wanted {
    /// Whether a figure is wanted.
    pub fn wants(&self, figure: &Figure) -> bool {
        self.wants_case(&figure.name, &figure.case)
    }

    /// Whether a figure of this name in this case is wanted: for what takes long to measure.
    pub fn wants_case(&self, name: &str, case: &str) -> bool {
        let id = figure::id(name, case);
        let named =
            self.names.is_empty() || self.names.iter().any(|name| id.contains(name.as_str()));
        let isolated = self.isolation.is_none_or(|isolation| {
            case.split('-')
                .all(|one| one == isolation.name() || Isolation::from_name(one).is_none())
        });
        named && isolated
    }
}

/// When figures are measured that nobody asked for by name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// With `--long` only.
    Long,
    /// Never: they tell something only on a computer that does nothing else, or something is missing yet.
    Named,
}

/// Figures that are measured together.
struct Group {
    /// What their names begin with.
    names: &'static [&'static str],
    /// When it is measured.
    when: When,
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
            "rpc_0",
            "rpc_64",
            "rpc_1024",
            "rpc_4096",
            "rpc_typed_64",
            "interrupt",
            "handle_moved",
            "event_wake_up",
            "component_",
        ],
        when: When::Always,
        measure: guest::kernel,
    },
    Group {
        names: &["http_request", "boot_to_http_answer"],
        when: When::Always,
        measure: guest::http,
    },
    Group {
        names: &["fs_"],
        when: When::Always,
        measure: guest::files,
    },
    Group {
        names: &["fs_time_"],
        when: When::Long,
        measure: guest::files_by_the_clock,
    },
    Group {
        names: &[
            "fs_lookup_among_",
            "fs_lookup_mean_among_",
            "fs_lookup_first_among_",
        ],
        when: When::Long,
        measure: guest::large_directories,
    },
    Group {
        names: &["boot_to_components_up"],
        when: When::Always,
        measure: whole::boot,
    },
    Group {
        names: &["boot_to_prompt"],
        when: When::Always,
        measure: whole::boot_to_prompt,
    },
    Group {
        names: &["size_"],
        when: When::Always,
        measure: whole::sizes,
    },
    Group {
        names: &["idle_wake_ups"],
        when: When::Always,
        measure: whole::idle,
    },
    Group {
        names: &["rpc_among_"],
        when: When::Long,
        measure: whole::components,
    },
    Group {
        names: &["packet_among_", "packet_part_"],
        when: When::Long,
        measure: whole::sockets,
    },
    Group {
        names: &["scale_"],
        when: When::Named,
        measure: whole::scale,
    },
    Group {
        names: &["tcp_receive_kib", "tcp_send_kib"],
        when: When::Long,
        measure: bulk::at_the_cable,
    },
    Group {
        names: &["tcp_time_"],
        when: When::Long,
        measure: bulk::by_the_clock,
    },
    Group {
        names: &["http_outside_", "http_a_second_"],
        when: When::Long,
        measure: whole::http_outside,
    },
    Group {
        names: &["least_memory"],
        when: When::Long,
        measure: whole::least_memory,
    },
];

impl Group {
    /// Whether any of its figures may be wanted: part of their names, or they of a wanted name.
    fn is_wanted(&self, wanted: &Wanted) -> bool {
        if wanted.names.is_empty() {
            return self.when == When::Always || self.when == When::Long && wanted.long;
        }
        wanted.names.iter().any(|wanted| {
            let name = wanted.split('/').next().unwrap_or(wanted);
            self.names
                .iter()
                .any(|own| name.starts_with(own) || own.contains(name))
        })
    }
}

/// Measures what is wanted. Whoever wants something that does not exist is told; what exists and cannot be measured is
/// in the result.
pub fn measure(root: &Path, wanted: &Wanted) -> Result<Measured> {
    measure_groups(root, wanted, GROUPS)
}

fn measure_groups(root: &Path, wanted: &Wanted, groups: &[Group]) -> Result<Measured> {
    let mut measured = Measured::default();
    for group in groups.iter().filter(|group| group.is_wanted(wanted)) {
        let names = group.names.join(", ");
        if wanted.long {
            // Some of them take minutes.
            say!("measuring {names}");
        }
        match (group.measure)(root, wanted) {
            Ok(figures) => measured.figures.extend(figures),
            Err(error) => measured.failed.push(format!("{names}: {error:#}")),
        }
    }
    measured.figures.retain(|figure| wanted.wants(figure));
    if measured.figures.is_empty() && measured.failed.is_empty() {
        bail!(
            "no figure's name contains `{}`; `./ftl bench` without a name measures all",
            wanted.names.join("` or `")
        );
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[Group] = &[
        Group {
            names: &["broken_"],
            when: When::Always,
            measure: |_, _| bail!("the machine got stuck"),
        },
        Group {
            names: &["whole_"],
            when: When::Always,
            measure: |_, _| Ok(vec![Figure::one("whole_1", "", "instructions", 7.0)]),
        },
    ];

    fn measured(name: Option<&str>) -> Result<Measured> {
        let wanted = Wanted {
            names: name.map(str::to_owned).into_iter().collect(),
            arch: Arch::Riscv64,
            isolation: None,
            samples: None,
            long: false,
        };
        measure_groups(Path::new("."), &wanted, TWO)
    }

    #[test]
    fn a_group_that_fails_is_named_and_takes_no_other_along() {
        let measured = measured(None).unwrap();
        assert_eq!(measured.failed, ["broken_: the machine got stuck"]);
        assert_eq!(measured.figures[0].median, 7.0);
    }

    #[test]
    fn only_what_is_wanted_can_fail() {
        assert!(measured(Some("whole_1")).unwrap().failed.is_empty());
        assert_eq!(measured(Some("broken_3")).unwrap().failed.len(), 1);
        assert!(measured(Some("what")).is_err());
        assert!(measured(Some("whole_2")).is_err());
    }
}

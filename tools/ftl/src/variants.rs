//! Which machines the end-to-end tests are run on: architecture, isolation of all components, number of CPUs.
//!
//! Everything runs on riscv64 with all components in user mode on four CPUs. The other combinations get the
//! smoke test, which boots, serves and kills each component once, and one of them the console's; with `--long` they get everything,
//! too. A test that says itself how its system is isolated, or on how many CPUs it runs, is not overruled.

use std::fmt;
use std::process::Command;

use crate::arch::Arch;
use crate::test::Selection;

/// One machine, and what is run on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its architecture.
    pub arch: Arch,
    /// How all components are isolated.
    pub isolation: &'static str,
    /// How many CPUs it has.
    pub cpus: u32,
    /// The files of tests that are run; all, or those that the filter names, if there is none.
    pub only: Option<&'static [&'static str]>,
}

/// What a combination gets that does not get everything.
const SMOKE: &[&str] = &["smoke"];
/// On one CPU in the kernel's space threads come in another order than on four in user mode. At the console that has shown
/// most: keys, Ctrl-C and what is printed come on channels of their own.
const SMOKE_CONSOLE: &[&str] = &["smoke", "console"];
/// The same on Arm, whose machines differ more than others.
const SMOKE_ARM: &[&str] = &[
    "smoke",
    "ping_proof",
    "float_proof",
    "clock",
    "arm64_machines",
    "uefi",
];

/// The systems that [`SMOKE_ARM`] boots, and the packages that it boots in the place of init.
const SMOKE_ARM_BOOTS: &[&str] = &[
    "default",
    "chaos",
    "clock",
    "console",
    "file_proof",
    "ping",
    "ping_proof",
    "float_proof",
];

/// What is booted on an architecture: systems, and packages in the place of init. All that there are, if this is `None`.
pub fn boots(arch: Arch, selection: &Selection) -> Option<&'static [&'static str]> {
    let everything = of(arch, selection)
        .iter()
        .any(|variant| variant.only.is_none());
    (!everything).then_some(SMOKE_ARM_BOOTS)
}

/// The files of tests that are run on an architecture; all, if this is `None`.
pub fn files(arch: Arch, selection: &Selection) -> Option<&'static [&'static str]> {
    let few = arch == Arch::Arm64 && !selection.long && !selection.archs_chosen;
    few.then_some(SMOKE_ARM)
}

/// The machines of one architecture.
pub fn of(arch: Arch, selection: &Selection) -> Vec<Variant> {
    let mut variants = Vec::new();
    for isolation in ["user", "kernel"] {
        for cpus in [4, 1] {
            let mut variant = Variant {
                arch,
                isolation,
                cpus,
                only: None,
            };
            variant.only = match (variant.is_first(), arch) {
                (true, Arch::Riscv64) => None,
                (true, Arch::Arm64) => Some(SMOKE_ARM),
                (false, Arch::Riscv64) if isolation == "kernel" && cpus == 1 => Some(SMOKE_CONSOLE),
                (false, _) => Some(SMOKE),
            };
            variants.push(variant);
        }
    }
    if let Some(filter) = &selection.filter {
        // Whoever names tests wants these and not all machines.
        let smoke = "smoke".contains(filter.as_str());
        variants.retain(|variant| smoke || variant.is_first());
        for variant in &mut variants {
            variant.only = files(arch, selection);
        }
    } else if selection.long {
        for variant in &mut variants {
            variant.only = None;
        }
    }
    variants
}

impl Variant {
    /// Whether this is the architecture's main one.
    fn is_first(&self) -> bool {
        self.isolation == "user" && self.cpus == 4
    }

    /// Tells the tests: `e2e::Boot` reads it.
    pub fn tell(&self, command: &mut Command) {
        command
            .env("FTL_ARCH", self.arch.name())
            .env(
                "FTL_VARIANT",
                if self.is_first() { "first" } else { "other" },
            )
            .env("FTL_ISOLATION", self.isolation)
            .env("FTL_SMP", self.cpus.to_string());
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpus = match self.cpus {
            1 => "1 CPU".to_owned(),
            cpus => format!("{cpus} CPUs"),
        };
        write!(f, "{}, {}, {cpus}", self.arch, self.isolation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(filter: Option<&str>, long: bool) -> Selection {
        Selection {
            filter: filter.map(str::to_owned),
            long,
            archs: Arch::ALL.to_vec(),
            archs_chosen: false,
        }
    }

    #[test]
    fn one_machine_gets_everything_and_each_gets_something() {
        let all: Vec<Variant> = Arch::ALL
            .into_iter()
            .flat_map(|arch| of(arch, &selection(None, false)))
            .collect();
        assert_eq!(all.len(), 8);
        let everything: Vec<String> = all
            .iter()
            .filter(|variant| variant.only.is_none())
            .map(|variant| variant.to_string())
            .collect();
        assert_eq!(everything, ["riscv64, user, 4 CPUs"]);
        let long = of(Arch::Arm64, &selection(None, true));
        assert!(long.len() == 4 && long.iter().all(|variant| variant.only.is_none()));
        for (arch, filter, long, all) in [
            (Arch::Riscv64, None, false, true),
            (Arch::Arm64, None, false, false),
            (Arch::Arm64, None, true, true),
            (Arch::Arm64, Some("shell"), false, false),
            (Arch::Arm64, Some("shell"), true, true),
        ] {
            assert_eq!(boots(arch, &selection(filter, long)).is_none(), all);
        }
        let chosen = Selection {
            archs_chosen: true,
            ..selection(Some("shell"), false)
        };
        assert!(boots(Arch::Arm64, &chosen).is_none());
        assert_eq!(of(Arch::Arm64, &chosen)[0].only, None);
    }

    #[test]
    fn a_filter_runs_its_tests_once() {
        let found = of(Arch::Riscv64, &selection(Some("chaos"), false));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].only, None);
        assert_eq!(of(Arch::Riscv64, &selection(Some("smoke"), false)).len(), 4);
    }
}

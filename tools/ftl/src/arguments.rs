//! What can be said on the command line of `./ftl`. `--help` shows the comments of this file.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use ftl_tool::arch::Arch;
use ftl_tool::bench::profile::By;
use ftl_tool::dump::keeper::When;
use ftl_tool::faults::Faults;
use ftl_tool::new::Kind;
use ftl_tool::numbers::{seconds, whole};
use ftl_tool::qemu::{self, Port};
use ftl_tool::systems::{Isolation, Setting};

/// Builds, boots and tests FTL. Exit statuses: docs/reference/tool.md.
#[derive(Parser)]
#[command(
    name = "ftl",
    bin_name = "./ftl",
    version,
    disable_help_subcommand = false
)]
pub struct CommandLine {
    /// Install what is missing without asking
    #[arg(long, global = true)]
    pub yes: bool,
    /// Print the answer as one line of JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Build a system and boot it in QEMU
    Run(RunArguments),
    /// Build a system's boot archive
    Build(BuildArguments),
    /// Make a disk that UEFI firmware boots a system from
    Image(ImageArguments),
    /// Check what a compiler does not: generated files, and what may run in the kernel
    Check,
    /// Run all tests: format, lints, rules, host tests, and systems in QEMU
    Test(TestArguments),
    /// Measure what things cost
    Bench(BenchArguments),
    /// Make a component that builds, runs and has a test
    New {
        /// What it is for
        kind: Kind,
        /// Its name: lower-case letters, digits and `_`
        name: String,
        /// The machine whose device a driver is for
        #[arg(long, value_enum, default_value = "riscv64")]
        arch: Arch,
    },
    /// Generate Rust from the YAML files; every build does this by itself
    Gen {
        /// Take an interface that was changed incompatibly as it is now
        #[arg(long, value_name = "INTERFACE")]
        accept: Vec<String>,
    },
    /// Look into disk images and change them, without booting
    #[command(disable_help_flag = true)]
    Disk {
        /// `create`, `ls`, `import`, `export` or `check`; `./ftl disk --help` says more
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run a system and write down what its kernel does, for ui.perfetto.dev
    Trace(TraceArguments),
    /// Boot a system under gdb, which knows its components
    Debug(DebugArguments),
    /// Sit down at the second terminal of a system that runs
    Attach {
        /// What `./ftl run --terminal` was given
        socket: PathBuf,
    },
    /// List the dumps that were kept, or show what is in one
    Dump {
        /// Its number in the list, its folder, or `last`
        dump: Option<String>,
        /// `ps`, `backtrace [NAME]`, `handles NAME`, `queues`, `log [LINES]`, or `trace FILE`
        #[arg(trailing_var_arg = true)]
        what: Vec<String>,
    },
    /// List what this machine needs for FTL, and install what is missing
    Doctor,
    /// Remove everything that was built
    Clean,
}

#[derive(Args)]
pub struct BuildArguments {
    /// Which system: a file in systems/ without .yml
    #[arg(default_value = "default")]
    pub system: String,
    /// The CPU to build for
    #[arg(long, value_enum, default_value = "riscv64")]
    pub arch: Arch,
    /// Isolate all components this way that support it
    #[arg(long, value_enum)]
    pub isolation: Option<Isolation>,
    /// Set a component's setting, as the system file would
    #[arg(long = "set", value_name = "COMPONENT.SETTING=VALUE")]
    pub settings: Vec<Setting>,
    /// Boot this package as `init`, without a system file
    #[arg(long, hide = true, value_name = "PACKAGE", conflicts_with = "system")]
    pub init: Option<String>,
    /// Another package to put into the archive as components/PACKAGE
    #[arg(long, hide = true, value_name = "PACKAGE")]
    pub with: Vec<String>,
    /// An image that is there already, to put into the archive
    #[arg(long, hide = true, value_name = "NAME=FILE")]
    pub image: Vec<String>,
    /// Put faulty copies of a component beside it
    #[arg(long, hide = true, value_name = "COMPONENT:SEED:COPIES:EACH")]
    pub faults: Option<Faults>,
}

#[derive(Args)]
pub struct ImageArguments {
    #[command(flatten)]
    pub build: BuildArguments,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Words for the kernel's command line
    #[arg(long, value_name = "WORDS")]
    pub append: Vec<String>,
}

#[derive(Args)]
pub struct TestArguments {
    /// Only tests whose name or package contains this
    pub filter: Option<String>,
    /// The CPU to boot systems on [default: each]
    #[arg(long, value_enum)]
    pub arch: Vec<Arch>,
    /// Also what takes long: large uploads, many requests
    #[arg(long)]
    pub long: bool,
}

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArguments {
    #[command(subcommand)]
    pub command: Option<BenchCommand>,
    #[command(flatten)]
    pub measure: MeasureArguments,
}

#[derive(Subcommand)]
pub enum BenchCommand {
    /// Show where a figure's instructions go, function by function
    Profile {
        /// The figure, for example rpc_64/user-user
        figure: String,
        /// The CPU to measure on
        #[arg(long, value_enum, default_value = "riscv64")]
        arch: Arch,
        /// What instructions are added up by
        #[arg(long, value_enum, default_value = "function")]
        by: By,
        /// How many instructions to look at
        #[arg(long, value_name = "N", default_value_t = 200_000, allow_negative_numbers = true, value_parser = whole::<u64>(1..=u64::MAX))]
        instructions: u64,
        /// How many lines to show
        #[arg(long, value_name = "N", default_value_t = 60, allow_negative_numbers = true, value_parser = whole::<usize>(1..=u64::MAX))]
        lines: usize,
    },
}

#[derive(Args)]
pub struct MeasureArguments {
    /// Only figures whose name, such as `rpc_64/user-user`, contains one of these
    pub names: Vec<String>,
    /// The CPU to measure on
    #[arg(long, value_enum, default_value = "riscv64")]
    pub arch: Arch,
    /// Only cases in which all components are isolated this way
    #[arg(long, value_enum)]
    pub isolation: Option<Isolation>,
    /// How often each thing is done
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<usize>(1..=u64::MAX))]
    pub samples: Option<usize>,
    /// Compare with bench/budgets.yml; fails if something costs more than it may
    #[arg(long)]
    pub check: bool,
    /// Write the figures into bench/budgets.yml
    #[arg(long)]
    pub record: bool,
    /// Measure everything, and write it into docs/performance.md
    #[arg(long)]
    pub write_docs: bool,
    /// Also what takes long
    #[arg(long)]
    pub long: bool,
}

#[derive(Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub build: BuildArguments,
    /// Number of CPUs [default: 4, and 1 where instructions are counted]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u32>(1..=64))]
    pub smp: Option<u32>,
    /// Memory, 16M at least
    #[arg(long, default_value = "128M", allow_negative_numbers = true, value_parser = qemu::memory)]
    pub mem: String,
    /// Lead a TCP port of 127.0.0.1 into FTL; HOST 0 takes any free one [default: 8080:80, if the system has a network]
    #[arg(long, value_name = "HOST:GUEST")]
    pub port: Vec<Port>,
    /// Plug devices into PCI Express
    #[arg(long)]
    pub pci: bool,
    /// The same behind an IOMMU (arm64)
    #[arg(long)]
    pub iommu: bool,
    /// Boot by way of UEFI firmware and a disk, as servers do; devices are plugged into PCI Express (arm64)
    #[arg(long)]
    pub uefi: bool,
    /// Leave the boot archive out of that disk
    #[arg(long, hide = true, requires = "uefi")]
    pub without_archive: bool,
    /// A disk for files: FILE, and FILE-wal for its log; made if they are not there
    #[arg(long, value_name = "FILE")]
    pub disk: Option<PathBuf>,
    /// A disk with FAT or exFAT, for exchange with other systems: seen as /fat. Made, with 64 MiB, if FILE is not there
    #[arg(long, value_name = "FILE")]
    pub fat: Option<PathBuf>,
    /// Run these commands inside, with this program's standard input and output, and then shut down.
    /// The log goes to standard error; the status is the commands'
    #[arg(long, value_name = "COMMANDS", conflicts_with = "init")]
    pub exec: Option<String>,
    /// What is worth a dump, which `./ftl dump` then shows
    #[arg(long, value_enum, value_name = "WHEN", default_value = "crash")]
    pub dumps: When,
    /// Start what the system has for whoever sits at its console, such as a shell, even if standard input is no terminal
    #[arg(long, conflicts_with = "exec")]
    pub console: bool,
    /// Make a second terminal with a shell, at this socket, for `./ftl attach SOCKET`
    #[arg(long, value_name = "SOCKET", conflicts_with = "exec")]
    pub terminal: Option<PathBuf>,
    /// End the run after this many seconds, with status 243
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Count instructions as time, so that counts repeat exactly
    #[arg(long)]
    pub icount: bool,
    /// Make the run repeat: the same randomness, clocks and order of events
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<u64>(0..=u64::MAX))]
    pub seed: Option<u64>,
    /// Let the machine start again when it is reset, and reset it when the kernel panics
    #[arg(long)]
    pub reboot: bool,
    /// Show the firmware's banner
    #[arg(long, short)]
    pub verbose: bool,
    /// Boot what was built before
    #[arg(long)]
    pub no_build: bool,
    /// Words for the kernel's command line
    #[arg(long, hide = true, value_name = "WORDS")]
    pub append: Vec<String>,
    /// Arguments for QEMU
    #[arg(last = true, value_name = "QEMU ARGUMENTS")]
    pub qemu: Vec<OsString>,
}

#[derive(Args)]
pub struct TraceArguments {
    /// The file to write
    #[arg(long, short, value_name = "FILE", default_value = "out.pftrace")]
    pub output: PathBuf,
    /// Memory for each CPU's records in KiB, at most 1024; the oldest are written over
    #[arg(long, value_name = "KIB", default_value_t = 1024, allow_negative_numbers = true, value_parser = whole::<u32>(4..=1024))]
    pub buffer: u32,
    /// What `./ftl run` takes. `--exec` says what is traced; without it, two seconds are
    #[command(flatten)]
    pub run: RunArguments,
}

#[derive(Args)]
pub struct DebugArguments {
    /// Have gdb run this command and end after the last of them, instead of asking at a prompt
    #[arg(short = 'x', long = "command", value_name = "COMMAND")]
    pub commands: Vec<String>,
    /// Open this dump instead of starting a machine: its number in `./ftl dump`, its folder, or `last`
    #[arg(long, value_name = "DUMP")]
    pub dump: Option<String>,
    /// What `./ftl run` takes
    #[command(flatten)]
    pub run: RunArguments,
}

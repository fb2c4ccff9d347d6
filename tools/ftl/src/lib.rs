//! The host tool `./ftl`: sets up, builds, boots, tests and checks FTL.
//!
//! `main.rs` holds the command line; each command is a module of its own here, so that the
//! tests can use the same parts. In the order in which they are best read:
//!
//! - [`arch`], [`workspace`]: which machines there are, and where things lie.
//! - [`doctor`], [`toolchain`]: what the host has, lacks, and how that is mended.
//! - [`systems`], [`build`], [`image`], [`inspect`], [`archive`]: from YAML and Rust to the boot archive.
//! - [`test`], [`house`], [`sources`]: what `./ftl test` runs, and the rules of the house.
//! - [`qemu`], [`run`], [`screen`], [`terminal`], [`symbols`]: booting it, and reading what it says.
//! - [`uefi`]: disks that firmware boots it from.
//!
//! - [`bench`]: measuring what things cost.
//! - [`new`]: making a component.
//! - [`book`], [`drawing`]: what in `docs/` is made out of the source.
//!
//! The tool reports to people on standard error and keeps standard output for what a
//! program may read (`--json`), both by way of [`speech`].
#![forbid(unsafe_code)]
// They panic when nobody is there to hear it; see `speech`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
pub mod speech;

pub mod answer;
pub mod arch;
pub mod attach;
pub mod workspace;

pub mod crash_reports;
pub mod debug;
pub mod disk;
pub mod doctor;
pub mod dump;
pub mod fat_disk;
pub mod faults;
pub mod toolchain;
pub mod trace;

pub mod archive;
pub mod build;
pub mod image;
pub mod inspect;
pub mod pack;
pub mod stale;
pub mod systems;

pub mod qemu;
pub mod run;
pub mod screen;
pub mod symbols;
pub mod terminal;
pub mod uefi;

pub mod closure;
pub mod host_port;
pub mod house;
pub mod miri;
pub mod results;
pub mod sources;
pub mod test;
pub mod variants;

pub mod bench;
pub mod book;
pub mod drawing;
pub mod new;
pub mod numbers;
pub mod report;

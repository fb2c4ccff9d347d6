//! Systems: what `systems/*.yml` say, and the plan that comes of one.

use std::collections::BTreeMap;

use plan::Directory;

use crate::component::{Isolation, Limits, Restart};
use crate::report::Place;
use crate::settings::SettingValue;

mod providers;
mod read;
mod wiring;

pub(crate) use read::plain_member;
pub use read::read;
pub use wiring::plan;

/// Interfaces that init itself provides.
pub const FROM_INIT: &[&str] = &["boot_archive", "launcher", "system"];
/// The interface whose clients get a directory each.
const FILES: &str = "fs";
/// Most bytes of encoded settings: `interfaces/component.yml`, `start`.
const SETTINGS_LEN_MAX: usize = 2048;

/// One system.
#[derive(Clone, Debug)]
pub struct System {
    /// Its name: that of the file.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The isolation of components that do not say otherwise.
    pub isolation: Isolation,
    /// Its components, in the order of the file.
    pub members: Vec<Member>,
    /// The commands that can be started in it.
    pub commands: Commands,
    /// The component whose end ends the system.
    pub exit_when: Option<String>,
}

/// Which commands a system has.
#[derive(Clone, Debug)]
pub enum Commands {
    /// All that there are, these with details. What one of them needs may be absent from the system;
    /// then starting it says so.
    All(Vec<Member>),
    /// These.
    Some(Vec<Member>),
}

/// A component in a system.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// The component that it is: of the same name, but for further instances.
    pub component: String,
    /// Where it stands.
    pub place: Place,
    /// The only architecture that it is there on, if the file says.
    pub arch: Option<&'static str>,
    /// It is there only if somebody sits at the console.
    pub console: bool,
    /// Its isolation, if the file says.
    pub isolation: Option<Isolation>,
    /// How much it may use.
    pub limits: Limits,
    /// When it is started again.
    pub restart: Restart,
    /// Its settings, in the order of the component's file.
    pub settings: Vec<SettingValue>,
    /// Which component provides what, where the file says.
    pub needs: BTreeMap<String, String>,
    /// Which directory it gets for a need of `fs`, where the file says.
    pub directories: BTreeMap<String, Directory>,
}

/// What the command line changes about a system.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Isolation of all components that support it.
    pub isolation: Option<Isolation>,
    /// Settings by component and name, as text.
    pub settings: Vec<(String, String, String)>,
    /// The architecture, if it is known already. Otherwise all members are there.
    pub arch: Option<&'static str>,
    /// Whether commands come from outside, through a virtio console (`./ftl run --exec`).
    pub exec: bool,
    /// Whether somebody sits at the console (`./ftl run` on a terminal).
    pub console: bool,
    /// Whether there is a second terminal, on a virtio console (`./ftl run --terminal`).
    pub terminal: bool,
}

/// The architectures that a system can be built for.
pub const ARCHITECTURES: [&str; 2] = ["riscv64", "arm64"];

/// The components that let commands in from outside.
const FOR_EXEC: [&str; 2] = ["virtio_console", "exec"];

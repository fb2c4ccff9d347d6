//! Components: what `components/*/*/component.yml` say.

use std::path::PathBuf;

use plan::DirectoryRights;

use crate::report::Place;
use crate::settings::Setting;

mod devices;
mod limits;
mod read;

pub use limits::{read_limits, read_restart};
pub use read::read;

/// What a component is there for; it decides the folder and the priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The first component.
    Init,
    /// Has a device.
    Driver,
    /// Serves other components.
    Server,
    /// Everything else that runs all the time.
    App,
    /// Is started whenever somebody asks for it.
    Command,
}

impl Role {
    /// As YAML has it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Init => "init",
            Role::Driver => "driver",
            Role::Server => "server",
            Role::App => "app",
            Role::Command => "command",
        }
    }
    /// The priority of its threads: 0 runs first, 7 last.
    pub fn priority(self) -> u8 {
        match self {
            Role::Init => 0,
            Role::Driver => 2,
            Role::Server => 3,
            Role::App | Role::Command => 5,
        }
    }
}

/// One component.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name: that of its folder, which is also its package and its image.
    pub name: String,
    /// What it does.
    pub doc: String,
    /// What it is there for.
    pub role: Role,
    /// Its folder, from the workspace's root.
    pub folder: PathBuf,
    /// The isolations it supports: at least one.
    pub isolation: Vec<Isolation>,
    /// What it needs.
    pub needs: Vec<Need>,
    /// What it provides.
    pub provides: Vec<Provide>,
    /// The devices it drives.
    pub devices: Vec<Device>,
    /// What can be set.
    pub settings: Vec<Setting>,
    /// How much it may use.
    pub limits: Limits,
    /// Which class its threads' priority is of.
    pub priority: Role,
    /// When it is started again.
    pub restart: Restart,
    /// Whether it uses calls that block.
    pub blocking: bool,
    /// Whether it leaves restart state with init.
    pub keeps_state: bool,
    /// Whether it, a command, is given the terminal.
    pub terminal: bool,
    /// What it, a command, does in the directory that it is given; none if it gets none.
    pub directory: Option<DirectoryRights>,
    /// The names that it, a command, can be started under, each with what it does then. Only its own
    /// if there are none.
    pub names: Vec<(String, String)>,
    /// Whether it hears streams in its event loop; commands always do.
    pub streams: bool,
    /// Interfaces of which it makes channels itself, and is the server of those.
    pub hosts: Vec<String>,
    /// Where its file begins.
    pub place: Place,
}

impl Component {
    /// Whether it exists for tests only.
    pub fn is_for_tests(&self) -> bool {
        self.folder.starts_with("components/tests")
    }
}

/// How a component can be kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// In the kernel's address space.
    Kernel,
    /// In its own.
    User,
}

impl Isolation {
    /// All of them, as YAML has them.
    pub const NAMES: [&'static str; 2] = ["kernel", "user"];

    /// As YAML has it.
    pub fn name(self) -> &'static str {
        Isolation::NAMES[self as usize]
    }
    /// From YAML.
    pub fn from_name(name: &str) -> Option<Isolation> {
        match name {
            "kernel" => Some(Isolation::Kernel),
            "user" => Some(Isolation::User),
            _ => None,
        }
    }
}

/// Something that a component needs.
#[derive(Clone, Debug)]
pub struct Need {
    /// Its name in the component.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The interface's name.
    pub interface: String,
    /// Whether the component runs without it.
    pub optional: bool,
    /// Where it stands.
    pub place: Place,
}

/// Something that a component provides.
#[derive(Clone, Debug)]
pub struct Provide {
    /// Its name in the component.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// The interface's name.
    pub interface: String,
}

/// A device that a component drives.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name in the component.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// Which `compatible` string the device has; empty if a virtio device will do wherever it is plugged in.
    pub compatible: String,
    /// What the component's file says of it, for people.
    pub described: String,
    /// Which virtio device it is; 0 if it is none.
    pub virtio: u32,
    /// Whether the component drives all that there are, which may be none.
    pub all: bool,
}

/// How much a component may use.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Bytes of memory, all in all.
    pub memory: u64,
    /// Bytes of heap.
    pub heap: u64,
    /// Bytes of the first thread's stack.
    pub stack: u64,
    /// Handles.
    pub handles: u64,
    /// Threads.
    pub threads: u64,
    /// Messages in the queues of the channels that it makes.
    pub messages: u64,
    /// Share of a CPU in per cent.
    pub cpu: u64,
}

/// When a component is started again.
#[derive(Clone, Debug)]
pub struct Restart {
    /// After which ends: a variant of `plan::Restart`.
    pub policy: plan::Restart,
    /// How many crashes shortly after the start are borne.
    pub crashes_max: u16,
    /// Milliseconds within which a heartbeat must be answered; 0 for none.
    pub heartbeat_ms: u32,
}

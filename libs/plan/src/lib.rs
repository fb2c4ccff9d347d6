//! The wiring plan: what the build tells init about a system.
//!
//! `tools/gen` makes it out of `systems/NAME.yml` and everything that file leads to, and packs
//! it into the boot archive as `plan`; init decodes it and does what it says. Both use the types
//! of this crate, so there is one description of the layout: [`Plan::encode`] and
//! [`Plan::decode`], which stand side by side.
//!
//! 1. The host has checked everything, but init believes nothing: [`Plan::decode`] refuses
//!    what is cut off, out of range or left over, and indices that point nowhere.
//! 2. Components stand in the order in which they are to be started: nobody needs a later one.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

mod codec;
mod directory;

pub use directory::{Directory, DirectoryRights, PATH_LEN_MAX};

use codec::{Reader, Writer};

/// Name of the plan in the boot archive.
pub const FILE_NAME: &str = "plan";
/// Stands at the plan's beginning; changes with the layout.
const MAGIC: u64 = 0x0003_6e61_6c50_6c46;
/// More components than this are no system but a damaged plan.
const COMPONENTS_MAX: usize = 4096;

/// A whole system.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plan {
    /// The system's name.
    pub name: String,
    /// Its components, in the order of their start.
    pub components: Vec<Component>,
    /// Its commands, by name: they are started when somebody asks.
    pub commands: Vec<Component>,
    /// The component whose end ends the system, with its status.
    pub exit_when: Option<u16>,
}

/// One component of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// What it does, in a sentence; only commands have it.
    pub doc: String,
    /// Name of its image in the boot archive.
    pub image: String,
    /// How it is kept apart: 0 kernel, 1 user.
    pub isolation: u8,
    /// 0 runs first, 7 last.
    pub priority: u8,
    /// Share of a CPU in per cent.
    pub cpu_share_percent: u8,
    /// When it is started again.
    pub restart: Restart,
    /// Crashes shortly after the start after which it is given up.
    pub crashes_max: u16,
    /// Most handles.
    pub handles_max: u32,
    /// Most threads.
    pub threads_max: u32,
    /// Most messages in the queues of the channels that it makes.
    pub messages_max: u32,
    /// Most pages of memory.
    pub memory_pages_max: u32,
    /// Bytes of heap.
    pub heap_len: u32,
    /// Bytes of its first thread's stack.
    pub stack_len: u32,
    /// Milliseconds within which it must answer a heartbeat; 0 for none.
    pub heartbeat_ms: u32,
    /// Whether init keeps what it saves for its next life.
    pub keeps_state: bool,
    /// Whether it, a command, is given the terminal.
    pub terminal: bool,
    /// What it, a command, may do in the directory that whoever starts it gives it; nothing: it gets none.
    pub directory: Option<DirectoryRights>,
    /// Its settings, as the component decodes them.
    pub settings: Vec<u8>,
    /// What it provides.
    pub provides: Vec<Provide>,
    /// What it needs.
    pub needs: Vec<Need>,
    /// What it drives.
    pub devices: Vec<Device>,
}

/// When a component that ended is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Restart {
    /// Whenever it ends.
    Always = 0,
    /// When it ends with a status other than 0.
    OnFailure = 1,
    /// Never.
    Never = 2,
}

/// Something that a component provides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provide {
    /// Its name in the component.
    pub name: String,
    /// The interface's name.
    pub interface: String,
    /// The interface's version.
    pub hash: u64,
}

/// Something that a component needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name in the component.
    pub name: String,
    /// The interface's name.
    pub interface: String,
    /// The interface's version.
    pub hash: u64,
    /// Who provides it; none if nothing does.
    pub provider: Provider,
    /// Whether the component can do without. Only commands may lack what they cannot do without.
    pub optional: bool,
    /// Messages that wait in each direction of the channel.
    pub queue_len: u16,
    /// Bytes of the largest message.
    pub body_len_max: u16,
    /// What the provider is told about this client, if the system file says something: for `fs`, a
    /// [`Directory`].
    pub grant: Vec<u8>,
}

/// Who provides something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Nobody.
    None,
    /// Init itself.
    Init,
    /// A component, by its place in the plan, and what it provides, by its place there.
    Component(u16, u16),
}

/// A device that a component drives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name in the component.
    pub name: String,
    /// A `compatible` string that it has, of the device tree or as the PCI binding has it; empty if anything with
    /// the virtio number will do.
    pub compatible: String,
    /// The virtio device that it is; 0 if it is none.
    pub virtio_id: u32,
    /// Whether the component drives all that there are, which may be none.
    pub all: bool,
}

/// Why a plan was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It was written by another version of the build.
    WrongVersion,
    /// It ends too early.
    Truncated,
    /// A value is none that is allowed, at this byte.
    Invalid(usize),
    /// Something refers to a component that does not exist.
    BadReference,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::WrongVersion => f.write_str("the plan was made by another version of the build"),
            Error::Truncated => f.write_str("the plan ends too early"),
            Error::Invalid(at) => write!(f, "the plan is damaged at byte {at}"),
            Error::BadReference => {
                f.write_str("the plan refers to a component that it does not have")
            }
        }
    }
}

impl core::error::Error for Error {}

impl Plan {
    /// The plan as it lies in the boot archive.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u64(MAGIC);
        writer.str(&self.name);
        writer.u16(self.exit_when.unwrap_or(u16::MAX));
        for list in [&self.components, &self.commands] {
            writer.list(list, |writer, component| component.encode(writer));
        }
        writer.bytes
    }

    /// The plan that these bytes are.
    pub fn decode(bytes: &[u8]) -> Result<Plan, Error> {
        let mut reader = Reader::new(bytes);
        if reader.u64()? != MAGIC {
            return Err(Error::WrongVersion);
        }
        let name = reader.str()?;
        let exit_when = match reader.u16()? {
            u16::MAX => None,
            index => Some(index),
        };
        let components = reader.list(COMPONENTS_MAX, Component::decode)?;
        let commands = reader.list(COMPONENTS_MAX, Component::decode)?;
        reader.finish()?;
        let plan = Plan {
            name,
            components,
            commands,
            exit_when,
        };
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> Result<(), Error> {
        let known = |index: u16| usize::from(index) < self.components.len();
        if self.exit_when.is_some_and(|index| !known(index)) {
            return Err(Error::BadReference);
        }
        for (index, component) in self.components.iter().enumerate() {
            let lacks = |need: &Need| need.provider == Provider::None && !need.optional;
            if component.needs.iter().any(lacks) {
                return Err(Error::BadReference);
            }
            self.check_needs(component, index)?;
        }
        for command in &self.commands {
            self.check_needs(command, self.components.len())?;
        }
        Ok(())
    }

    /// What a component needs must be there when it starts: among the first `started` ones.
    fn check_needs(&self, component: &Component, started: usize) -> Result<(), Error> {
        for need in &component.needs {
            if let Provider::Component(provider, provide) = need.provider {
                let provides = self.components[..started]
                    .get(usize::from(provider))
                    .map(|other| &other.provides);
                let provide = provides.and_then(|provides| provides.get(usize::from(provide)));
                if provide.is_none_or(|provide| provide.interface != need.interface) {
                    return Err(Error::BadReference);
                }
            }
        }
        Ok(())
    }
}

impl Component {
    fn encode(&self, writer: &mut Writer) {
        writer.str(&self.name);
        writer.str(&self.doc);
        writer.str(&self.image);
        writer.u8(self.isolation);
        writer.u8(self.priority);
        writer.u8(self.cpu_share_percent);
        writer.u8(self.restart as u8);
        writer.u16(self.crashes_max);
        writer.u32(self.handles_max);
        writer.u32(self.threads_max);
        writer.u32(self.messages_max);
        writer.u32(self.memory_pages_max);
        writer.u32(self.heap_len);
        writer.u32(self.stack_len);
        writer.u32(self.heartbeat_ms);
        writer.u8(self.keeps_state.into());
        writer.u8(self.terminal.into());
        writer.u8(self.directory.map_or(0, |rights| rights as u8 + 1));
        writer.blob(&self.settings);
        writer.list(&self.provides, |writer, provide| {
            writer.str(&provide.name);
            writer.str(&provide.interface);
            writer.u64(provide.hash);
        });
        writer.list(&self.needs, |writer, need| {
            writer.str(&need.name);
            writer.str(&need.interface);
            writer.u64(need.hash);
            let (kind, component, provide) = match need.provider {
                Provider::None => (0, 0, 0),
                Provider::Init => (1, 0, 0),
                Provider::Component(component, provide) => (2, component, provide),
            };
            writer.u8(need.optional.into());
            writer.u8(kind);
            writer.u16(component);
            writer.u16(provide);
            writer.u16(need.queue_len);
            writer.u16(need.body_len_max);
            writer.blob(&need.grant);
        });
        writer.list(&self.devices, |writer, device| {
            writer.str(&device.name);
            writer.str(&device.compatible);
            writer.u32(device.virtio_id);
            writer.u8(device.all.into());
        });
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Component, Error> {
        Ok(Component {
            name: reader.str()?,
            doc: reader.str()?,
            image: reader.str()?,
            isolation: reader.u8_up_to(1)?,
            priority: reader.u8_up_to(7)?,
            cpu_share_percent: reader.u8_up_to(100)?,
            restart: match reader.u8_up_to(2)? {
                0 => Restart::Always,
                1 => Restart::OnFailure,
                _ => Restart::Never,
            },
            crashes_max: reader.u16()?,
            handles_max: reader.u32()?,
            threads_max: reader.u32()?,
            messages_max: reader.u32()?,
            memory_pages_max: reader.u32()?,
            heap_len: reader.u32()?,
            stack_len: reader.u32()?,
            heartbeat_ms: reader.u32()?,
            keeps_state: reader.u8_up_to(1)? == 1,
            terminal: reader.u8_up_to(1)? == 1,
            directory: match reader.u8_up_to(2)? {
                0 => None,
                1 => Some(DirectoryRights::Read),
                _ => Some(DirectoryRights::Write),
            },
            settings: reader.blob()?.into(),
            provides: reader.list(256, |reader| {
                Ok(Provide {
                    name: reader.str()?,
                    interface: reader.str()?,
                    hash: reader.u64()?,
                })
            })?,
            needs: reader.list(256, |reader| {
                Ok(Need {
                    name: reader.str()?,
                    interface: reader.str()?,
                    hash: reader.u64()?,
                    optional: reader.u8_up_to(1)? == 1,
                    provider: match (reader.u8_up_to(2)?, reader.u16()?, reader.u16()?) {
                        (0, ..) => Provider::None,
                        (1, ..) => Provider::Init,
                        (_, component, provide) => Provider::Component(component, provide),
                    },
                    queue_len: reader.u16()?,
                    body_len_max: reader.u16()?,
                    grant: reader.blob()?.into(),
                })
            })?,
            devices: reader.list(256, |reader| {
                Ok(Device {
                    name: reader.str()?,
                    compatible: reader.str()?,
                    virtio_id: reader.u32()?,
                    all: reader.u8_up_to(1)? == 1,
                })
            })?,
        })
    }
}

#[cfg(test)]
mod tests;

//! One component's start: its process, its image, and what it is given.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::abi::{Isolation, Name, ProcessParams, Rights};
use ftl::event_loop::TypedEnd;
use ftl::handle::{Folio, OwnedHandle, System};
use ftl::prelude::*;
use interfaces::{boot_archive, component};
use plan::{Component, Device};

use ftl::handle::Process;

/// Devices of one kind that a component can be given at once.
const DEVICES_MAX: usize = 32;
/// Clients that a component may not have heard of yet.
const NEW_CLIENTS_MAX: usize = 32;
/// The longest `grant` in `interfaces/component.yml`.
const GRANT_LEN_MAX: usize = 256;

/// What the machine gives init to start components with.
pub struct Machine {
    /// The right to manage it.
    pub system: System,
    /// The boot archive's folio, out of which images are loaded.
    pub folio: Folio,
    /// The boot archive's content.
    pub archive: archive::Archive<'static>,
    /// Its bytes.
    pub archive_len: usize,
}

/// Why a component could not be started.
#[derive(Debug)]
pub struct Failure {
    /// For people.
    pub reason: String,
    /// Whether trying again later makes sense.
    pub may_pass: bool,
}

impl Failure {
    /// An error, under the name of what it happened to.
    pub fn new(what: &str, error: Error) -> Failure {
        let may_pass = !matches!(
            error,
            Error::BadImage | Error::InvalidArgument | Error::Unsupported
        );
        Failure {
            reason: format!("{what}: {error}"),
            may_pass,
        }
    }
}

/// A process that is loaded but does not run yet.
pub struct Loaded {
    /// The process.
    pub process: Process,
    /// Init's end of its bootstrap channel.
    pub boot: component::Server,
    /// The component's own end, moved to it when it starts.
    pub theirs: Channel,
}

impl Machine {
    /// Makes the process of a component and loads its image, the archive's `components/IMAGE`.
    pub fn load(&self, component: &Component, image: &str) -> Result<Loaded, Failure> {
        let (queue_len, body_len_max) = first_channel(component);
        self.load_with(component, image, queue_len, body_len_max)
    }

    /// The same with room for so many messages of so many bytes on its first channel.
    pub fn load_with(
        &self,
        component: &Component,
        image: &str,
        queue_len: usize,
        body_len_max: usize,
    ) -> Result<Loaded, Failure> {
        let image = format!("components/{image}");
        let Some(entry) = self.archive.find_entry(&image) else {
            return Err(Failure {
                reason: format!("the boot archive has no image `{image}`"),
                may_pass: false,
            });
        };
        let params = ProcessParams {
            name: Name::new(&component.name),
            isolation: match component.isolation {
                0 => Isolation::Kernel as u32,
                _ => Isolation::User as u32,
            },
            priority: component.priority.into(),
            memory_pages_max: component.memory_pages_max,
            handles_max: component.handles_max,
            threads_max: component.threads_max,
            heap_len: component.heap_len,
            stack_len: component.stack_len,
            cpu_share_percent: component.cpu_share_percent.into(),
            messages_max: component.messages_max,
        };
        let process = Process::new(&self.system, &params)
            .map_err(|error| Failure::new("its process", error))?;
        process
            .load(&self.folio, entry.offset, entry.data.len())
            .map_err(|error| Failure::new("its image", error))?;
        let (theirs, ours) = Channel::pair(queue_len, body_len_max)
            .map_err(|error| Failure::new("its channel to init", error))?;
        Ok(Loaded {
            process,
            boot: component::Server::from(OwnedHandle::from(ours)),
            theirs,
        })
    }

    /// Whether the boot archive has this image.
    pub fn has_image(&self, image: &str) -> bool {
        let image = format!("components/{image}");
        self.archive.find_entry(&image).is_some()
    }

    /// Lets a component read the boot archive.
    pub fn show_archive(&self, request: boot_archive::ToServer) -> Result<()> {
        let boot_archive::ToServer::Archive(reply) = request;
        match self.folio.duplicate(Rights::READ.union(Rights::TRANSFER)) {
            // What is behind the end mark, too: a tar file has it.
            Ok(memory) => reply.ok(memory, self.archive_len as u64),
            Err(error) => reply.error(error),
        }
    }

    /// Opens the devices that a component drives under one name: one, or all that there are.
    pub fn open(&self, device: &Device) -> Result<Vec<ftl::handle::Device>, Failure> {
        let mut busy = false;
        let mut opened = Vec::new();
        for index in 0.. {
            let info = match self.system.device_info(index) {
                Ok(info) => info,
                Err(Error::NotFound) => break,
                Err(error) => return Err(Failure::new("the list of devices", error)),
            };
            let len = (info.compatible_len as usize).min(info.compatible.len());
            let mut names = info.compatible[..len].split(|byte| *byte == 0);
            let is_kind = device.virtio_id == 0 || info.virtio_id == device.virtio_id;
            let named = device.compatible.as_bytes();
            if !is_kind || !named.is_empty() && !names.any(|name| name == named) {
                continue;
            }
            match self.system.device_open(index) {
                Ok(handle) => {
                    opened.push(handle);
                    if !device.all {
                        return Ok(opened);
                    }
                }
                // Another of its kind may be free.
                Err(Error::Busy) => busy = true,
                Err(error) => return Err(Failure::new("its device", error)),
            }
        }
        if device.all {
            return Ok(opened);
        }
        Err(Failure {
            reason: match busy {
                true => format!("each {} is taken already", called(device)),
                false => format!("the machine has no {}", called(device)),
            },
            may_pass: busy,
        })
    }
}

/// Messages that may wait on a component's first channel, and the bytes of the longest. It is made for what the
/// component is sent, since memory for all of that is taken at once: what its start takes, and later a fresh channel
/// for each need, new clients if it has any, a heartbeat and the end.
fn first_channel(component: &Component) -> (usize, usize) {
    let devices = |device: &Device| if device.all { DEVICES_MAX } else { 1 };
    let devices: usize = component.devices.iter().map(devices).sum();
    let start = component.needs.len() + component.provides.len() + devices + 2;
    let clients = match component.provides.is_empty() {
        true => 0,
        false => NEW_CLIENTS_MAX,
    };
    let later = component.needs.len() + clients + 2;
    let longest = match component.keeps_state {
        true => component::BODY_LEN_MAX,
        false => component.settings.len().max(GRANT_LEN_MAX) + 32,
    };
    (start + later, longest.min(component::BODY_LEN_MAX))
}

/// What a person calls a device.
fn called(device: &Device) -> String {
    match (device.compatible.as_str(), device.virtio_id) {
        ("", id) => format!("virtio device with number {id}"),
        (name, 0) => format!("device `{name}`"),
        (name, id) => format!("device `{name}` with virtio number {id}"),
    }
}

impl Loaded {
    /// Lets it run; answers with what init keeps.
    pub fn start(self) -> Result<(Process, component::Server), Failure> {
        self.process
            .start(self.theirs)
            .map_err(|error| Failure::new("its first thread", error))?;
        debug_assert!(self.boot.end().is_connected());
        Ok((self.process, self.boot))
    }
}

//! The part in init's place: starts the others under each pair of isolations.

use alloc::vec::Vec;

use abi::{EventKind, Handle, Isolation, Name, ProcessParams, Rights, StartInfo};
use archive::Archive;
use ftl::prelude::*;
use ftl::sys::{self, Handles, NO_HANDLES};

use crate::options::Options;
use crate::protocol::{
    CLIENT, FOREVER, SERVER, SLEEPER, TYPED_SERVER, WAITER, WITH_DEVICE, isolation_name, send_begin,
};

/// The archive's entry with the words.
const OPTIONS_ENTRY: &str = "bench";

/// Starts this very image again, and the small ones.
pub struct Starter {
    info: &'static StartInfo,
    /// Where in the archive the images lie, and how long they are.
    own: (usize, usize),
    stamp: (usize, usize),
    sleeper: (usize, usize),
}

/// Measures everything that is wanted.
pub fn direct(info: &'static StartInfo) -> Result<()> {
    let (bytes, _folio) = ftl::runtime::boot_archive(info)?;
    let archive = Archive::new(bytes).map_err(|_| Error::BadImage)?;
    let place = |name| {
        let entry = archive.find_entry(name)?;
        Some((entry.offset, entry.data.len()))
    };
    let words = archive.find(OPTIONS_ENTRY).unwrap_or_default();
    let options = Options::new(core::str::from_utf8(words).map_err(|_| Error::Malformed)?);
    let starter = Starter {
        info,
        own: place("init").ok_or(Error::NotFound)?,
        stamp: place("components/bench_stamp").ok_or(Error::NotFound)?,
        sleeper: place("components/bench_sleeper").ok_or(Error::NotFound)?,
    };
    let all = [Isolation::Kernel, Isolation::User];
    if let Some(cpus) = options.cpus() {
        return crate::scale::measure(&starter, &options, cpus);
    }
    let mut sleepers = Vec::new();
    for _ in 0..options.sleepers() {
        let (ours, theirs) = sys::channel_create(1, 0)?;
        let process = starter.start(SLEEPER, starter.sleeper, Isolation::User, theirs)?;
        sleepers.push((process, ours));
    }
    for client in all {
        for server in all {
            pair(&starter, &options, client, server)?;
        }
        crate::starting::measure(&starter, &options, client)?;
    }
    Ok(())
}

impl Starter {
    /// Starts a component that ends at once; its status is when its first instruction ran.
    pub fn start_stamp(&self, isolation: Isolation) -> Result<Handle> {
        self.start("stamp", self.stamp, isolation, Handle::NONE)
    }

    fn start(
        &self,
        name: &str,
        (offset, len): (usize, usize),
        isolation: Isolation,
        bootstrap: Handle,
    ) -> Result<Handle> {
        let params = ProcessParams {
            name: Name::new(name),
            isolation: isolation as u32,
            priority: if name == WAITER { 3 } else { 4 },
            memory_pages_max: 1024,
            handles_max: 64,
            threads_max: 4,
            // There may be a thousand of those that sleep.
            heap_len: if name == SLEEPER { 4 << 10 } else { 256 << 10 },
            stack_len: if name == SLEEPER { 16 << 10 } else { 64 << 10 },
            cpu_share_percent: 100,
            messages_max: 4096,
        };
        let process = sys::process_create(self.info.system, &params)?;
        loop {
            match sys::process_load(process, self.info.archive, offset, len) {
                Err(Error::Again) => {}
                result => break result?,
            }
        }
        sys::process_start(process, bootstrap)?;
        Ok(process)
    }

    /// Starts a process and tells it what to do. Answers with its process and our end of its
    /// channel.
    pub fn begin(
        &self,
        name: &str,
        isolation: Isolation,
        text: &str,
        handles: Handles,
    ) -> Result<(Handle, Handle)> {
        let (ours, theirs) = sys::channel_create(4, 256)?;
        let process = self.start(name, self.own, isolation, theirs)?;
        send_begin(ours, text, handles)?;
        Ok((process, ours))
    }
}

/// One client and its servers, from start to end.
fn pair(starter: &Starter, options: &Options, client: Isolation, server: Isolation) -> Result<()> {
    let names = (isolation_name(client), isolation_name(server));
    let mut text = alloc::format!("{}-{} {}", names.0, names.1, options.words());
    // One that concerns a single component is measured once for each isolation.
    let wants_device =
        names.0 == names.1 && options.wants(crate::interrupt::NAME) && options.wants_case(names.0);
    let device = match wants_device {
        true => crate::interrupt::open(starter.info.system)?,
        false => None,
    };
    if device.is_some() {
        text = text + " " + WITH_DEVICE;
    }
    let with = |handles: &[Handle]| {
        let mut given = NO_HANDLES;
        given[..handles.len()].copy_from_slice(handles);
        given
    };
    let (raw, raw_end) = sys::channel_create(4, 4096)?;
    let (typed, typed_end) = sys::channel_create(4, 256)?;
    let (woken, woken_end) = sys::channel_create(4, 8)?;
    let doorbell = sys::doorbell_create()?;
    let ringer = sys::handle_duplicate(doorbell, Rights::WRITE.union(Rights::TRANSFER))?;
    let servers = [
        starter.begin(SERVER, server, "", with(&[raw_end]))?,
        starter.begin(TYPED_SERVER, server, "", with(&[typed_end]))?,
        starter.begin(WAITER, server, "", with(&[doorbell, woken_end]))?,
    ];
    let given = with(&[raw, typed, ringer, woken]);
    let (process, channel) = starter.begin(CLIENT, client, &text, given)?;
    if let Some(device) = device {
        send_begin(channel, "", with(&[device]))?;
    }
    let status = wait_exit(process)?;
    sys::handle_close(channel)?;
    if status != 0 {
        error!("the client of {text} ended with status {status}");
        return Err(Error::Internal);
    }
    // The client's ends of their channels went with it, so they are about to end, too.
    for (process, channel) in servers {
        wait_exit(process)?;
        sys::handle_close(channel)?;
    }
    Ok(())
}

/// Waits for a process to end, and closes its handle.
fn wait_exit(process: Handle) -> Result<usize> {
    let queue = sys::queue_create()?;
    sys::queue_attach(queue, process, 1)?;
    let event = sys::wait(queue, FOREVER)?;
    if event.kind != EventKind::Exited {
        return Err(Error::Internal);
    }
    sys::handle_close(process)?;
    sys::handle_close(queue)?;
    Ok(event.data)
}

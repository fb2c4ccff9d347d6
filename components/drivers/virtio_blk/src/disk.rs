//! One disk: which requests are under way, and who waits for them.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use ftl::memory::{DmaBytes, Registers};
use ftl::prelude::*;
use interfaces::block::{self, disk};
use virtio::block::{Block, Outcome, Request, SECTOR_LEN};

/// Descriptors of the device's queue: three for each request.
const QUEUE_LEN: u16 = 256;
/// Bytes of the folio that disk and client share.
const DATA_LEN: usize = 256 * 1024;
/// Requests that one client may have unanswered (rule 9): as many as its channel holds.
const WAITING_MAX: usize = 64;

type Device = Block<Registers, DmaBytes>;

/// A disk.
pub struct Disk {
    device: Device,
    interrupt: Interrupt,
    data: Folio,
    name: String,
    client: Option<disk::Server>,
    /// Whom to answer, by the number that the device knows a request by.
    replies: Vec<Option<Waiting>>,
    /// What did not fit into the device's queue.
    waiting: VecDeque<(Request, Waiting)>,
}

/// Somebody who waits for a request's end.
#[derive(Debug)]
pub enum Waiting {
    /// For sectors to be read.
    Read(disk::ReadReplier),
    /// For sectors to be written.
    Write(disk::WriteReplier),
    /// For all of that to be safe.
    Flush(disk::FlushReplier),
    /// For sectors to be given up.
    Discard(disk::DiscardReplier),
}

impl Waiting {
    fn answer(self, result: Result<()>) -> Result<()> {
        // A client that is gone does not mind.
        let sent = match (self, result) {
            (Waiting::Read(reply), Ok(())) => reply.ok(),
            (Waiting::Write(reply), Ok(())) => reply.ok(),
            (Waiting::Flush(reply), Ok(())) => reply.ok(),
            (Waiting::Discard(reply), Ok(())) => reply.ok(),
            (Waiting::Read(reply), Err(error)) => reply.error(error),
            (Waiting::Write(reply), Err(error)) => reply.error(error),
            (Waiting::Flush(reply), Err(error)) => reply.error(error),
            (Waiting::Discard(reply), Err(error)) => reply.error(error),
        };
        match sent {
            Err(Error::Closed) => Ok(()),
            sent => sent,
        }
    }
}

impl Disk {
    /// Starts a device.
    pub fn new(device: &ftl::handle::Device) -> Result<Disk> {
        let own = Folio::contiguous(Device::memory_len(QUEUE_LEN))?;
        let data = Folio::contiguous(DATA_LEN)?;
        let interrupt = device.interrupt(0)?;
        let memory = (device.dma(&own)?, device.dma(&data)?);
        let mut device =
            Block::new(device.registers(0)?, memory.0, memory.1, QUEUE_LEN).map_err(not_usable)?;
        let name = read_name(&mut device, &interrupt)?;
        device.prepare_wait().map_err(not_usable)?;
        Ok(Disk {
            device,
            interrupt,
            data,
            name,
            client: None,
            replies: Vec::new(),
            waiting: VecDeque::new(),
        })
    }

    /// Its device's interrupt.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What clients are told about it.
    pub fn info(&self) -> block::Info<'_> {
        block::Info {
            name: &self.name,
            sectors: self.device.sectors(),
            read_only: self.device.is_read_only(),
        }
    }

    /// Takes in a client, instead of the one before; both channels, the old one first, for the event
    /// loop. `None` if the new client could not be given what it needs, and has been told.
    pub fn open(
        &mut self,
        reply: block::OpenReplier,
    ) -> Result<Option<(Option<disk::Server>, disk::Server)>> {
        let shared = {
            use ftl::abi::Rights;
            Rights::READ.union(Rights::WRITE).union(Rights::TRANSFER)
        };
        let made = self
            .data
            .duplicate(shared)
            .and_then(|data| Ok((data, disk::channel()?)));
        let (data, (theirs, ours)) = match made {
            Ok(made) => made,
            Err(error) => {
                warn!("cannot open {} for a client: {error}", self.name);
                reply.error(error)?;
                return Ok(None);
            }
        };
        let before = self.client.replace(ours.clone());
        self.closed_requests();
        reply.ok(
            theirs,
            self.device.sectors(),
            self.device.is_read_only(),
            self.device.discard_max(),
            data,
            DATA_LEN as u32,
        )?;
        Ok(Some((before, ours)))
    }

    /// The client is gone. What it asked for goes on.
    pub fn closed(&mut self) {
        self.client = None;
        self.closed_requests();
    }

    fn closed_requests(&mut self) {
        // Those that the device has not heard of yet; dropping them answers with an error.
        self.waiting.clear();
    }

    /// Something that the client asks for.
    pub fn request(&mut self, request: disk::ToServer) -> Result<()> {
        let (request, waiting) = match request {
            disk::ToServer::Read(r, reply) => (
                Request::Read {
                    sector: r.sector,
                    offset: r.offset as usize,
                    len: r.len as usize,
                },
                Waiting::Read(reply),
            ),
            disk::ToServer::Write(r, reply) => (
                Request::Write {
                    sector: r.sector,
                    offset: r.offset as usize,
                    len: r.len as usize,
                },
                Waiting::Write(reply),
            ),
            disk::ToServer::Flush(reply) => (Request::Flush, Waiting::Flush(reply)),
            disk::ToServer::Discard(r, reply) => (
                Request::Discard {
                    sector: r.sector,
                    count: r.count,
                },
                Waiting::Discard(reply),
            ),
        };
        match self.check(request) {
            Ok(true) => {}
            // There is nothing to do.
            Ok(false) => return waiting.answer(Ok(())),
            Err(error) => return waiting.answer(Err(error)),
        }
        if self.waiting.len() >= WAITING_MAX {
            return waiting.answer(Err(Error::ServerLimit));
        }
        self.waiting.push_back((request, waiting));
        self.pump()
    }

    /// Whether a request can be carried out, and whether it has to be.
    fn check(&self, request: Request) -> Result<bool> {
        let fits = |sector, offset: usize, len| {
            self.device.holds(sector, len)
                && offset.is_multiple_of(SECTOR_LEN)
                && offset.checked_add(len).is_some_and(|end| end <= DATA_LEN)
        };
        match request {
            Request::Read {
                sector,
                offset,
                len,
            } if fits(sector, offset, len) => Ok(true),
            Request::Write { .. } if self.device.is_read_only() => Err(Error::ReadOnlyFilesystem),
            Request::Write {
                sector,
                offset,
                len,
            } if fits(sector, offset, len) => Ok(true),
            Request::Flush => Ok(self.device.has_cache()),
            Request::Discard { .. } if self.device.discard_max() == 0 => Err(Error::Unsupported),
            Request::Discard { sector, count }
                if count <= self.device.discard_max()
                    && self.device.holds(sector, count as usize * SECTOR_LEN) =>
            {
                Ok(true)
            }
            _ => Err(Error::InvalidArgument),
        }
    }

    /// The device has something to say.
    pub fn interrupted(&mut self) -> Result<()> {
        let interrupts = self.device.interrupts().map_err(broken)?;
        if interrupts.config {
            self.device.refresh().map_err(broken)?;
            if let Some(client) = &self.client {
                let _ = client.resized(self.device.sectors());
            }
        }
        self.pump()?;
        self.interrupt.ack()
    }

    /// Answers what has ended and starts what waits, until there is nothing left to do.
    fn pump(&mut self) -> Result<()> {
        loop {
            while let Some((number, outcome)) = self.device.poll().map_err(broken)? {
                let waiting = self.replies.get_mut(number as usize).and_then(Option::take);
                if let Some(waiting) = waiting {
                    waiting.answer(match outcome {
                        Outcome::Done => Ok(()),
                        Outcome::IoError => Err(Error::Io),
                        Outcome::Unsupported => Err(Error::Unsupported),
                    })?;
                }
            }
            while self.device.space() > 0
                && let Some((request, waiting)) = self.waiting.pop_front()
            {
                let number = self.replies.iter().position(Option::is_none);
                let number = number.unwrap_or_else(|| {
                    self.replies.push(None);
                    self.replies.len() - 1
                });
                self.device.start(request, number as u64).map_err(broken)?;
                self.replies[number] = Some(waiting);
            }
            self.device.publish();
            if self.device.prepare_wait().map_err(broken)? {
                return Ok(());
            }
        }
    }
}

/// Asks a device for its name, before it has anything else to do.
fn read_name(device: &mut Device, interrupt: &Interrupt) -> Result<String> {
    let queue = ftl::handle::Queue::new()?;
    queue.attach(interrupt, 0)?;
    device.start_name(0).map_err(not_usable)?;
    device.publish();
    let outcome = loop {
        if let Some((_, outcome)) = device.poll().map_err(not_usable)? {
            break outcome;
        }
        if device.prepare_wait().map_err(not_usable)? {
            queue.wait(Some(Instant::now() + Duration::from_secs(5)))?;
            device.interrupts().map_err(not_usable)?;
            interrupt.ack()?;
        }
    };
    device.interrupts().map_err(not_usable)?;
    ftl::handle::Queue::detach(interrupt)?;
    let (name, len) = device.name();
    Ok(match outcome {
        Outcome::Done => String::from_utf8_lossy(&name[..len]).into_owned(),
        // Without a name it is one without a name.
        _ => String::new(),
    })
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.device.sectors() * SECTOR_LEN as u64 / (1 << 20);
        let how = match self.device.is_read_only() {
            true => ", read-only",
            false => "",
        };
        write!(f, "disk `{}`, {mib} MiB{how}", self.name)
    }
}

fn not_usable(error: virtio::Error) -> Error {
    error!("{error}");
    match error {
        virtio::Error::Legacy | virtio::Error::Features => Error::Unsupported,
        _ => Error::Io,
    }
}

/// A device that breaks the protocol cannot be relied upon: the driver ends, the kernel resets the
/// device, and init starts the driver anew.
fn broken(error: virtio::Error) -> Error {
    error!("{error}");
    Error::Io
}

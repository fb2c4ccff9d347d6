//! What clients ask for, and what they have open.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use files::{Attributes, Clock, DiskStorage, Files, Kind, Node, Options, Place};
use ftl::prelude::*;
use interfaces::clock::Blocking as _;
use interfaces::fs::{self, ToServer, file};
use interfaces::{block, clock};
use ring::SharedMemory;

use crate::disks;
use crate::spec::Settings;

/// Bytes of data in one message: the bound in `interfaces/fs.yml`.
const DATA_LEN_MAX: usize = 4000;
/// Entries in one answer: as there.
const ENTRIES_MAX: usize = 14;
/// Files that one client may have open.
const OPEN_MAX: usize = 64;
/// Bytes that one request may move through shared memory.
const SHARED_LEN_MAX: usize = 1 << 20;

/// Answers a call that has nothing to tell but whether it worked.
macro_rules! answer {
    ($result:expr, $reply:ident) => {
        match $result {
            Ok(()) => $reply.ok(),
            Err(error) => $reply.error(error),
        }
    };
}

/// The file server.
pub struct Server {
    block: Option<block::Client>,
    clock: Option<clock::Client>,
    settings: Settings,
    random: Random,
    /// Not there while the disk's driver is away.
    files: Option<Files>,
    /// How often what was not synchronised was lost.
    losses: u32,
    clients: BTreeMap<Connection, Client>,
    open: Vec<Option<Open>>,
}

struct Client {
    top: Node,
    shared: Option<SharedBytes>,
    open: usize,
    /// How many losses it has been told of.
    losses_told: u32,
}

struct Open {
    client: Connection,
    node: Node,
    read: bool,
    write: bool,
    /// Keeps the server's end open.
    _channel: file::Server,
}

/// The time: the clock's, counted on from when it was asked.
struct Wall {
    unix_ns: u64,
    asked: Instant,
    random: Random,
}

impl Clock for Wall {
    fn unix_ns(&mut self) -> u64 {
        let passed = u64::try_from(self.asked.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.unix_ns.saturating_add(passed)
    }
    fn random(&mut self, bytes: &mut [u8]) {
        self.random.fill(bytes);
    }
}

impl Server {
    /// A server that has no file system yet.
    pub fn new(
        block: Option<block::Client>,
        clock: Option<clock::Client>,
        settings: Settings,
        random: Random,
    ) -> Result<Server> {
        Ok(Server {
            block,
            clock,
            settings,
            random,
            files: None,
            losses: 0,
            clients: BTreeMap::new(),
            open: Vec::new(),
        })
    }

    /// Opens the file system; files that were open stay so.
    pub fn mount(&mut self) {
        self.files = None;
        let (data, log) = match disks::open(
            self.block.as_mut(),
            (&self.settings.data, &self.settings.log),
            (self.settings.memory_disk as usize) << 20,
        ) {
            Ok(disks) => disks,
            Err(reason) => return error!("{reason}"),
        };
        let unix_ns = match &mut self.clock {
            Some(clock) => clock.now().unwrap_or(0),
            None => 0,
        };
        let mut wall = || {
            Box::new(Wall {
                unix_ns,
                asked: Instant::now(),
                random: self.random.split(),
            })
        };
        let options = Options {
            data_len: data.len(),
            log_len: log.len(),
            cache_len: (self.settings.cache as usize) << 20,
        };
        let storage = Box::new(DiskStorage::new(data, log, wall()));
        match Files::open(storage, wall(), options) {
            Ok(mut files) => {
                for open in self.open.iter_mut().flatten() {
                    if let Err(error) = files.keep(open.node) {
                        warn!("a file that was open is lost: {error}");
                    }
                }
                if let Ok((total, free)) = files.space() {
                    info!("{} MiB, {} MiB free", total >> 20, free >> 20);
                }
                self.files = Some(files);
            }
            Err(error) => error!("the file system cannot be used: {error}"),
        }
    }

    /// The disk's driver is gone, and with it what was not synchronised.
    pub fn lost_disk(&mut self) {
        if self.files.take().is_some_and(|files| files.is_dirty()) {
            self.losses += 1;
        }
    }

    /// Whether there is something to be synchronised.
    pub fn is_dirty(&self) -> bool {
        self.files.as_ref().is_some_and(Files::is_dirty)
    }

    /// Synchronises without anybody asking.
    pub fn settle(&mut self) {
        let _ = self.sync();
    }

    /// A client came.
    pub fn connected(&mut self, client: Connection) {
        let top = self.files.as_ref().map_or(Node(1), Files::root);
        let client_of = Client {
            top,
            shared: None,
            open: 0,
            losses_told: self.losses,
        };
        self.clients.insert(client, client_of);
    }

    /// A client is gone. Its open files close by themselves.
    pub fn left(&mut self, client: Connection) {
        self.clients.remove(&client);
    }

    /// A file was closed.
    pub fn closed(&mut self, place: usize) {
        let Some(open) = self.open.get_mut(place).and_then(Option::take) else {
            return;
        };
        if let Some(client) = self.clients.get_mut(&open.client) {
            client.open -= 1;
        }
        if let Some(files) = &mut self.files
            && let Err(error) = files.close(open.node)
        {
            warn!("closing a file: {error}");
        }
    }

    fn files(&mut self) -> Result<&mut Files> {
        self.files.as_mut().ok_or(Error::Io)
    }

    fn sync(&mut self) -> Result<()> {
        let result = self.files().and_then(Files::sync);
        if let Err(error) = result {
            error!("synchronising: {error}");
            self.losses += 1;
        }
        result
    }

    /// Synchronises for a client, and tells it what was lost since it asked last.
    fn sync_for(&mut self, key: Connection) -> Result<()> {
        self.sync()?;
        let losses = self.losses;
        match self.clients.get_mut(&key) {
            Some(client) if client.losses_told != losses => {
                client.losses_told = losses;
                Err(Error::Io)
            }
            _ => Ok(()),
        }
    }

    /// Answers a client. A file that was opened, for the event loop, and its place.
    pub fn client(
        &mut self,
        client: Connection,
        request: ToServer<'_>,
    ) -> Result<Option<(file::Server, usize)>> {
        let key = client;
        let top = self.clients.get(&key).map_or(Node(1), |client| client.top);
        match request {
            ToServer::Open(r, reply) => match self.open_file(key, top, &r) {
                Ok((place, theirs, ours, attributes)) => {
                    reply.ok(theirs, metadata(self.open_node(place), &attributes))?;
                    return Ok(Some((ours, place)));
                }
                Err(error) => reply.error(error)?,
            },
            ToServer::Metadata(r, reply) => {
                let found = self.files().and_then(|files| {
                    let node = files.resolve(top, r.path, r.follow)?.node()?;
                    Ok((node, files.attributes(node)?))
                });
                match found {
                    Ok((node, attributes)) => reply.ok(metadata(node, &attributes))?,
                    Err(error) => reply.error(error)?,
                }
            }
            ToServer::ReadDir(r, reply) => {
                let found = self.files().and_then(|files| {
                    let node = files.resolve(top, r.path, true)?.node()?;
                    files.list(node, r.after, ENTRIES_MAX)
                });
                match found {
                    Ok(entries) => {
                        let entries: Vec<fs::Entry<'_>> = entries
                            .iter()
                            .map(|entry| fs::Entry {
                                name: &entry.name,
                                kind: kind(entry.kind),
                                id: entry.node.0 as u64,
                            })
                            .collect();
                        reply.ok(entries.as_slice())?;
                    }
                    Err(error) => reply.error(error)?,
                }
            }
            ToServer::CreateDir(r, reply) => {
                let made = self.files().and_then(|files| {
                    let place = files.resolve(top, r.path.trim_end_matches('/'), false)?;
                    let (directory, name) = place.name()?;
                    files.create(directory, name, Kind::Directory, 0o755)
                });
                answer!(made.map(drop), reply)?;
            }
            ToServer::RemoveFile(r, reply) => {
                let done = self.remove(top, r.path, false);
                answer!(done, reply)?;
            }
            ToServer::RemoveDir(r, reply) => {
                let done = self.remove(top, r.path, true);
                answer!(done, reply)?;
            }
            ToServer::Rename(r, reply) => {
                let done = self.files().and_then(|files| {
                    let old = files.resolve(top, r.old, false)?;
                    let new = files.resolve(top, r.new, false)?;
                    let ((from, name), (to, new_name)) = (old.name()?, new.name()?);
                    files.rename(from, name, to, new_name)
                });
                answer!(done, reply)?;
            }
            ToServer::HardLink(r, reply) => {
                let done = self.files().and_then(|files| {
                    let node = files.resolve(top, r.original, false)?.node()?;
                    let place = files.resolve(top, r.link, false)?;
                    let (directory, name) = place.name()?;
                    files.link(node, directory, name)
                });
                answer!(done, reply)?;
            }
            ToServer::Symlink(r, reply) => {
                let done = self.files().and_then(|files| {
                    let place = files.resolve(top, r.link, false)?;
                    let (directory, name) = place.name()?;
                    files.symlink(directory, name, r.target)
                });
                answer!(done.map(drop), reply)?;
            }
            ToServer::ReadLink(r, reply) => {
                let found = self.files().and_then(|files| {
                    let node = files.resolve(top, r.path, false)?.node()?;
                    files.read_link(node)
                });
                match found {
                    Ok(target) => reply.ok(&target)?,
                    Err(error) => reply.error(error)?,
                }
            }
            ToServer::SetPermissions(r, reply) => {
                let done = self.files().and_then(|files| {
                    let node = files.resolve(top, r.path, true)?.node()?;
                    files.set_mode(node, r.mode)
                });
                answer!(done, reply)?;
            }
            ToServer::Sync(reply) => {
                let done = self.sync_for(key);
                answer!(done, reply)?;
            }
            ToServer::Space(reply) => match self.files().and_then(Files::space) {
                Ok((total, free)) => reply.ok(total, free)?,
                Err(error) => reply.error(error)?,
            },
            ToServer::Share(r, reply) => {
                let mapped = r.memory.map();
                match (mapped, self.clients.get_mut(&key)) {
                    (Ok(memory), Some(client)) => {
                        client.shared = Some(memory);
                        reply.ok()?;
                    }
                    (Ok(_), None) => reply.error(Error::Closed)?,
                    (Err(error), _) => reply.error(error)?,
                }
            }
        }
        Ok(None)
    }

    fn remove(&mut self, top: Node, path: &str, wants_directory: bool) -> Result<()> {
        let files = self.files()?;
        let place = files.resolve(top, path, false)?;
        let (directory, name) = place.name()?;
        let kind = files.attributes(place.node()?)?.kind;
        match (kind == Kind::Directory, wants_directory) {
            (true, false) => Err(Error::IsADirectory),
            (false, true) => Err(Error::NotADirectory),
            _ => files.unlink(directory, name),
        }
    }

    fn open_node(&self, place: usize) -> Node {
        self.open[place].as_ref().map_or(Node(0), |open| open.node)
    }

    /// Opens a file: its place, both ends of its channel, what is known about it.
    fn open_file(
        &mut self,
        key: Connection,
        top: Node,
        r: &fs::OpenRequest<'_>,
    ) -> Result<(usize, file::Client, file::Server, Attributes)> {
        let changes = r.truncate || r.create || r.create_new;
        if !r.write && (!r.read || changes) {
            return Err(Error::InvalidArgument);
        }
        if self
            .clients
            .get(&key)
            .is_none_or(|client| client.open >= OPEN_MAX)
        {
            return Err(Error::ServerLimit);
        }
        let (theirs, ours) = file::channel()?;
        let files = self.files()?;
        let place = files.resolve(top, r.path, !r.create_new)?;
        let node = match &place {
            Place::Name(_, _, Some(_)) if r.create_new => return Err(Error::AlreadyExists),
            Place::Name(directory, name, None) if r.create || r.create_new => {
                files.create(*directory, name, Kind::File, 0o644)?
            }
            place => place.node()?,
        };
        match files.attributes(node)?.kind {
            Kind::File => {}
            Kind::Directory => return Err(Error::IsADirectory),
            Kind::Symlink => return Err(Error::TooManyLinks),
        }
        files.keep(node)?;
        if r.truncate
            && let Err(error) = files.set_len(node, 0)
        {
            let _ = files.close(node);
            return Err(error);
        }
        let attributes = files.attributes(node)?;
        let open = Open {
            client: key,
            node,
            read: r.read,
            write: r.write,
            _channel: ours.clone(),
        };
        let place = match self.open.iter().position(Option::is_none) {
            Some(place) => place,
            None => {
                self.open.push(None);
                self.open.len() - 1
            }
        };
        self.open[place] = Some(open);
        if let Some(client) = self.clients.get_mut(&key) {
            client.open += 1;
        }
        Ok((place, theirs, ours, attributes))
    }

    /// Answers on an open file's channel.
    pub fn file(&mut self, place: usize, request: file::ToServer<'_>) -> Result<()> {
        use file::ToServer;
        let Some(open) = self.open.get(place).and_then(Option::as_ref) else {
            return Ok(());
        };
        let (key, node, may_read, may_write) = (open.client, open.node, open.read, open.write);
        let allowed = |may: bool| may.then_some(()).ok_or(Error::PermissionDenied);
        match request {
            ToServer::Read(r, reply) => {
                let mut data = [0; DATA_LEN_MAX];
                let len = (r.len as usize).min(DATA_LEN_MAX);
                let read = allowed(may_read)
                    .and_then(|()| self.files()?.read(node, r.offset, &mut data[..len]));
                match read {
                    Ok(len) => reply.ok(&data[..len]),
                    Err(error) => reply.error(error),
                }
            }
            ToServer::Write(r, reply) => {
                let done =
                    allowed(may_write).and_then(|()| self.files()?.write(node, r.offset, r.data));
                answer!(done, reply)
            }
            ToServer::Append(r, reply) => {
                let done = allowed(may_write).and_then(|()| {
                    let files = self.files()?;
                    let end = files.attributes(node)?.len;
                    files.write(node, end, r.data)?;
                    Ok(end)
                });
                match done {
                    Ok(offset) => reply.ok(offset),
                    Err(error) => reply.error(error),
                }
            }
            ToServer::ReadShared(r, reply) => {
                let read = allowed(may_read).and_then(|()| {
                    let memory = self.shared(key, r.at, r.len)?;
                    let mut data = vec![0; r.len as usize];
                    let len = self.files()?.read(node, r.offset, &mut data)?;
                    memory.write(r.at as usize, &data[..len]);
                    Ok(len as u32)
                });
                match read {
                    Ok(len) => reply.ok(len),
                    Err(error) => reply.error(error),
                }
            }
            ToServer::WriteShared(r, reply) => {
                let done = allowed(may_write).and_then(|()| {
                    let memory = self.shared(key, r.at, r.len)?;
                    // Copied once: the client may change it meanwhile.
                    let mut data = vec![0; r.len as usize];
                    memory.read(r.at as usize, &mut data);
                    self.files()?.write(node, r.offset, &data)
                });
                answer!(done, reply)
            }
            ToServer::SetLen(r, reply) => {
                let done = allowed(may_write).and_then(|()| self.files()?.set_len(node, r.len));
                answer!(done, reply)
            }
            ToServer::Metadata(reply) => {
                match self.files().and_then(|files| files.attributes(node)) {
                    Ok(attributes) => reply.ok(metadata(node, &attributes)),
                    Err(error) => reply.error(error),
                }
            }
            ToServer::SetModified(r, reply) => {
                let done =
                    allowed(may_write).and_then(|()| self.files()?.set_modified(node, r.unix_ns));
                answer!(done, reply)
            }
            ToServer::Sync(reply) => {
                let done = self.sync_for(key);
                answer!(done, reply)
            }
        }
    }

    /// A client's shared memory, if this part lies in it.
    fn shared(&self, key: Connection, at: u32, len: u32) -> Result<SharedBytes> {
        let client = self.clients.get(&key).ok_or(Error::Closed)?;
        let memory = client.shared.as_ref().ok_or(Error::NotConnected)?;
        let end = at as usize + len as usize;
        match len as usize <= SHARED_LEN_MAX && end <= memory.len() {
            true => Ok(memory.clone()),
            false => Err(Error::InvalidArgument),
        }
    }
}

fn kind(kind: Kind) -> fs::Kind {
    match kind {
        Kind::File => fs::Kind::File,
        Kind::Directory => fs::Kind::Directory,
        Kind::Symlink => fs::Kind::Symlink,
    }
}

fn metadata(node: Node, a: &Attributes) -> fs::Metadata {
    fs::Metadata {
        kind: kind(a.kind),
        len: a.len,
        links: a.links,
        mode: a.mode,
        created_ns: a.times.created,
        modified_ns: a.times.modified,
        changed_ns: a.times.changed,
        id: node.0 as u64,
    }
}

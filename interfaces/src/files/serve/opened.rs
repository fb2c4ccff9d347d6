//! Open files.

use alloc::vec;

use ftl::memory::SharedBytes;
use ftl::{Error, Result};
use ring::SharedMemory;

use super::names::answer;
use super::{FileServer, Key, Volume};
use crate::fs::{self, Kind, OpenRequest, ReopenRequest, file};

/// Bytes of data in one message: the bound in `interfaces/fs.yml`.
const DATA_LEN_MAX: usize = 4000;
/// Files that one client may have open.
const OPEN_MAX: usize = 64;
/// Bytes that one request may move through shared memory.
const SHARED_LEN_MAX: usize = 256 << 10;

#[derive(Clone)]
pub(super) struct Open {
    client: Key,
    node: u64,
    read: bool,
    write: bool,
}

/// A file that was just opened.
pub(super) struct JustOpened {
    pub place: usize,
    pub metadata: fs::Metadata,
    pub theirs: file::Client,
    pub ours: file::Server,
}

impl<V: Volume> FileServer<V> {
    /// A file was closed.
    pub fn closed(&mut self, place: usize) {
        let Some(open) = self.files.get_mut(place).and_then(Option::take) else {
            return;
        };
        if let Ok(client) = self.client(open.client) {
            client.open -= 1;
        }
        if let Ok(volume) = self.volume() {
            volume.closed(open.node);
        }
        self.release(open.node);
    }

    pub(super) fn open_file(&mut self, key: Key, r: &OpenRequest<'_>) -> Result<JustOpened> {
        let changes = r.truncate || r.create || r.create_new;
        if !r.write && (!r.read || changes) {
            return Err(Error::InvalidArgument);
        }
        if r.write {
            self.must_write(key)?;
        }
        let node = match self.resolve(key, r.path) {
            Ok(node) if r.create_new => {
                self.release(node);
                return Err(Error::AlreadyExists);
            }
            Err(Error::NotFound) if r.create || r.create_new => {
                let make = |volume: &mut V, directory, name: &str| {
                    volume.create(directory, name, Kind::File)
                };
                let node = self.change(key, r.path, make)?;
                self.hold_found(node);
                node
            }
            found => found?,
        };
        self.open_node(key, node, (r.read, r.write, r.truncate))
    }

    pub(super) fn reopen_file(&mut self, key: Key, r: &ReopenRequest) -> Result<JustOpened> {
        if r.write {
            self.must_write(key)?;
        }
        let path = self.search(key, r.id)?;
        let node = self.resolve(key, &path)?;
        let same = self.volume()?.metadata(node);
        let same = same.is_ok_and(|found| (found.id, found.created_ns) == (r.id, r.created_ns));
        if !same {
            self.release(node);
            return Err(Error::NotFound);
        }
        self.open_node(key, node, (r.read, r.write, false))
    }

    /// Opens what is held, and holds it until it is closed, or releases it.
    fn open_node(
        &mut self,
        key: Key,
        node: u64,
        (read, write, truncate): (bool, bool, bool),
    ) -> Result<JustOpened> {
        let opened = self.try_open(key, node, write, truncate);
        let (metadata, (theirs, ours)) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.release(node);
                return Err(error);
            }
        };
        let open = Open {
            client: key,
            node,
            read,
            write,
        };
        self.client(key)?.open += 1;
        let place = match self.files.iter().position(Option::is_none) {
            Some(place) => place,
            None => {
                self.files.push(None);
                self.files.len() - 1
            }
        };
        self.files[place] = Some(open);
        Ok(JustOpened {
            place,
            metadata,
            theirs,
            ours,
        })
    }

    fn try_open(
        &mut self,
        key: Key,
        node: u64,
        write: bool,
        truncate: bool,
    ) -> Result<(fs::Metadata, (file::Client, file::Server))> {
        if self.client(key)?.open >= OPEN_MAX {
            return Err(Error::ServerLimit);
        }
        let channel = file::channel()?;
        if self.volume()?.metadata(node)?.kind == Kind::Directory {
            return Err(Error::IsADirectory);
        }
        self.volume()?.opened(node, write)?;
        let cut = match truncate {
            true => self.changing().and_then(|volume| volume.set_len(node, 0)),
            false => Ok(()),
        };
        let found = cut.and_then(|()| self.volume()?.metadata(node));
        match found {
            Ok(metadata) => Ok((metadata, channel)),
            Err(error) => {
                self.volume()?.closed(node);
                Err(error)
            }
        }
    }

    /// Answers on an open file's channel.
    pub fn file(&mut self, place: usize, request: file::ToServer<'_>) -> Result<()> {
        use file::ToServer;
        let Some(Some(open)) = self.files.get(place).cloned() else {
            // A request that is dropped is answered with an error.
            return Ok(());
        };
        let node = open.node;
        match request {
            ToServer::Read(r, reply) => {
                let mut data = [0; DATA_LEN_MAX];
                let data = &mut data[..(r.len as usize).min(DATA_LEN_MAX)];
                let read = open
                    .must_read()
                    .and_then(|()| self.volume()?.read(node, r.offset, data));
                answer!(reply, read, len => &data[..len])
            }
            ToServer::Write(r, reply) => {
                let write = |volume: &mut V| volume.write(node, r.offset, r.data);
                answer!(reply, self.writing_to(&open, write))
            }
            ToServer::Append(r, reply) => {
                let done = self.writing_to(&open, |volume| {
                    let end = volume.metadata(node)?.len;
                    volume.write(node, end, r.data)?;
                    Ok(end)
                });
                answer!(reply, done, end => end)
            }
            ToServer::ReadShared(r, reply) => {
                let read = open.must_read().and_then(|()| {
                    let memory = self.shared(open.client, r.at, r.len)?;
                    let mut data = core::mem::take(&mut self.scratch);
                    if data.len() < r.len as usize {
                        data.resize(r.len as usize, 0);
                    }
                    let read = self.volume().and_then(|volume| {
                        volume.read(node, r.offset, &mut data[..r.len as usize])
                    });
                    if let Ok(len) = read {
                        memory.write(r.at as usize, &data[..len]);
                    }
                    self.scratch = data;
                    read.map(|len| len as u32)
                });
                answer!(reply, read, len => len)
            }
            ToServer::WriteShared(r, reply) => {
                let done = self.shared(open.client, r.at, r.len).and_then(|memory| {
                    // Copied once: the client may change it meanwhile.
                    let mut data = vec![0; r.len as usize];
                    memory.read(r.at as usize, &mut data);
                    self.writing_to(&open, |volume| volume.write(node, r.offset, &data))
                });
                answer!(reply, done)
            }
            ToServer::SetLen(r, reply) => {
                let set = |volume: &mut V| volume.set_len(node, r.len);
                answer!(reply, self.writing_to(&open, set))
            }
            ToServer::Metadata(reply) => {
                let found = self.volume().and_then(|volume| volume.metadata(node));
                answer!(reply, found, found => found)
            }
            ToServer::SetModified(r, reply) => {
                let set = |volume: &mut V| volume.set_modified(node, r.unix_ns);
                answer!(reply, self.writing_to(&open, set))
            }
            ToServer::Sync(reply) => answer!(reply, self.sync()),
        }
    }

    fn writing_to<T>(&mut self, open: &Open, what: impl FnOnce(&mut V) -> Result<T>) -> Result<T> {
        match open.write {
            true => what(self.changing()?),
            false => Err(Error::PermissionDenied),
        }
    }

    /// A client's shared memory, if this part lies in it.
    pub(super) fn shared(&mut self, key: Key, at: u32, len: u32) -> Result<SharedBytes> {
        let memory = self.client(key)?.shared.as_ref();
        let memory = memory.ok_or(Error::NotConnected)?;
        let end = at as usize + len as usize;
        match len as usize <= SHARED_LEN_MAX && end <= memory.len() {
            true => Ok(memory.clone()),
            false => Err(Error::InvalidArgument),
        }
    }
}

impl Open {
    fn must_read(&self) -> Result<()> {
        match self.read {
            true => Ok(()),
            false => Err(Error::PermissionDenied),
        }
    }
}

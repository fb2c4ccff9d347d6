//! Open files.

use alloc::vec;
use alloc::vec::Vec;

use files::{Attributes, Files, Kind, Node};
use ftl::prelude::*;
use interfaces::fs::{OpenRequest, ReopenRequest, file};
use ring::SharedMemory;

use crate::clients::Key;
use crate::names::metadata;
use crate::server::{Server, answer};

/// Bytes of data in one message: the bound in `interfaces/fs.yml`.
const DATA_LEN_MAX: usize = 4000;
/// Files that one client may have open.
const OPEN_MAX: usize = 64;
/// Bytes that one request may move through shared memory.
const SHARED_LEN_MAX: usize = 256 << 10;

/// All files that are open, each at its place.
#[derive(Default)]
pub struct Opened(Vec<Option<Open>>);

#[derive(Clone)]
struct Open {
    client: Key,
    node: Node,
    read: bool,
    write: bool,
    /// It was taken away by a restoration.
    gone: bool,
}

/// A file that was just opened.
pub struct JustOpened {
    pub place: usize,
    pub node: Node,
    pub attributes: Attributes,
    pub theirs: file::Client,
    pub ours: file::Server,
}

impl Opened {
    /// The file system was opened anew: what was open is so again.
    pub fn mounted(&mut self, files: &mut Files) {
        for open in self.0.iter_mut().flatten().filter(|open| !open.gone) {
            if let Err(error) = files.keep(open.node) {
                warn!("a file that was open is lost: {error}");
            }
        }
    }

    /// These nodes are not there any more. Whoever has them open is told so by the next answer.
    pub fn forget(&mut self, gone: &[Node]) {
        // The places stay taken: their channels are still there.
        for open in self.0.iter_mut().flatten() {
            open.gone |= gone.contains(&open.node);
        }
    }

    fn add(&mut self, open: Open) -> usize {
        let place = match self.0.iter().position(Option::is_none) {
            Some(place) => place,
            None => {
                self.0.push(None);
                self.0.len() - 1
            }
        };
        self.0[place] = Some(open);
        place
    }
}

impl Server {
    /// A file was closed.
    pub fn closed(&mut self, place: usize) {
        let Some(open) = self.opened.0.get_mut(place).and_then(Option::take) else {
            return;
        };
        if let Ok(client) = self.clients.get(open.client) {
            client.open -= 1;
        }
        if let Some(files) = &mut self.files
            && !open.gone
            && let Err(error) = files.close(open.node)
        {
            warn!("closing a file: {error}");
        }
    }

    pub(crate) fn open_file(&mut self, key: Key, r: &OpenRequest<'_>) -> Result<JustOpened> {
        let changes = r.truncate || r.create || r.create_new;
        if !r.write && (!r.read || changes) {
            return Err(Error::InvalidArgument);
        }
        let (client, files, top) = self.client_of(key)?;
        if r.write {
            client.must_write()?;
        }
        if client.open >= OPEN_MAX {
            return Err(Error::ServerLimit);
        }
        let (node, is_new) = match changes {
            true => self.changing(key, |to| {
                let node = to.file(r.path, r.create, r.create_new)?;
                Ok((node, !to.told.is_empty()))
            })?,
            false => (files.resolve(top, r.path, true)?.node()?, false),
        };
        let opened = self.open_node(key, node, (r.read, r.write, r.truncate))?;
        if r.truncate && !is_new {
            self.tell_modified(node);
        }
        Ok(opened)
    }

    pub(crate) fn reopen_file(&mut self, key: Key, r: &ReopenRequest) -> Result<JustOpened> {
        let (client, files, top) = self.client_of(key)?;
        if r.write {
            client.must_write()?;
        }
        if client.open >= OPEN_MAX {
            return Err(Error::ServerLimit);
        }
        let node = Node(i64::try_from(r.id).map_err(|_| Error::NotFound)?);
        if files.attributes(node)?.times.created != r.created_ns {
            return Err(Error::NotFound);
        }
        let directory = files.parent(node)?;
        if !files.is_within(directory, top)? {
            return Err(Error::NotFound);
        }
        self.open_node(key, node, (r.read, r.write, false))
    }

    fn open_node(
        &mut self,
        key: Key,
        node: Node,
        (read, write, truncate): (bool, bool, bool),
    ) -> Result<JustOpened> {
        let (theirs, ours) = file::channel()?;
        let files = self.files()?;
        match files.keep(node)?.kind {
            Kind::File => {}
            Kind::Directory => return files.close(node).and(Err(Error::IsADirectory)),
            Kind::Symlink => return files.close(node).and(Err(Error::TooManyLinks)),
        }
        if truncate && let Err(error) = files.set_len(node, 0) {
            let _ = files.close(node);
            return Err(error);
        }
        let attributes = files.attributes(node)?;
        self.clients.get(key)?.open += 1;
        let place = self.opened.add(Open {
            client: key,
            node,
            read,
            write,
            gone: false,
        });
        Ok(JustOpened {
            place,
            node,
            attributes,
            theirs,
            ours,
        })
    }

    /// Answers on an open file's channel.
    pub fn file(&mut self, place: usize, request: file::ToServer<'_>) -> Result<()> {
        use file::ToServer;
        let Some(Some(open)) = self.opened.0.get(place).cloned() else {
            return Ok(());
        };
        if open.gone {
            // A request that is dropped is answered with an error.
            return Ok(());
        }
        let node = open.node;
        match request {
            ToServer::Read(r, reply) => {
                let mut data = [0; DATA_LEN_MAX];
                let data = &mut data[..(r.len as usize).min(DATA_LEN_MAX)];
                let read = open
                    .must_read()
                    .and_then(|()| self.files()?.read(node, r.offset, data));
                answer!(reply, read, len => &data[..len])
            }
            ToServer::Write(r, reply) => {
                let write = |files: &mut Files| files.write(node, r.offset, r.data);
                answer!(reply, self.writing_to(&open, write))
            }
            ToServer::Append(r, reply) => {
                let done = self.writing_to(&open, |files| {
                    let end = files.attributes(node)?.len;
                    files.write(node, end, r.data)?;
                    Ok(end)
                });
                answer!(reply, done, end => end)
            }
            ToServer::ReadShared(r, reply) => {
                let read = open.must_read().and_then(|()| {
                    let memory = self.shared(open.client, r.at, r.len)?;
                    // Not made anew each time: to fill a page with zeroes takes as long as to copy it.
                    let mut data = core::mem::take(&mut self.scratch);
                    if data.len() < r.len as usize {
                        data.resize(r.len as usize, 0);
                    }
                    let read = self
                        .files()
                        .and_then(|files| files.read(node, r.offset, &mut data[..r.len as usize]));
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
                    self.writing_to(&open, |files| files.write(node, r.offset, &data))
                });
                answer!(reply, done)
            }
            ToServer::SetLen(r, reply) => {
                answer!(
                    reply,
                    self.writing_to(&open, |files| files.set_len(node, r.len))
                )
            }
            ToServer::Metadata(reply) => {
                let found = self.files().and_then(|files| files.attributes(node));
                answer!(reply, found, attributes => metadata(node, &attributes))
            }
            ToServer::SetModified(r, reply) => {
                let set = |files: &mut Files| files.set_modified(node, r.unix_ns);
                answer!(reply, self.writing_to(&open, set))
            }
            ToServer::Sync(reply) => answer!(reply, self.sync_for(open.client)),
        }
    }

    fn writing_to<T>(
        &mut self,
        open: &Open,
        what: impl FnOnce(&mut Files) -> Result<T>,
    ) -> Result<T> {
        if !open.write {
            return Err(Error::PermissionDenied);
        }
        let done = what(self.files()?)?;
        self.tell_modified(open.node);
        Ok(done)
    }

    /// A client's shared memory, if this part lies in it.
    pub(crate) fn shared(&mut self, key: Key, at: u32, len: u32) -> Result<SharedBytes> {
        let memory = self.clients.get(key)?.shared.as_ref();
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

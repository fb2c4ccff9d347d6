//! What clients ask for by path: directories, names, and files to be opened.

use alloc::vec::Vec;

use files::{Attributes, Files, Kind, Node};
use ftl::prelude::*;
use interfaces::files::{entry_len, push_entry};
use interfaces::fs::{self, ToServer, file, transaction, watch};

use crate::changes::Changing;
use crate::clients::{Client, Key};
use crate::server::{Server, answer};
use ring::SharedMemory;

/// Entries in one answer: the bound in `interfaces/fs.yml`.
const ENTRIES_MAX: usize = 14;

/// What the event loop is to listen to because of a request.
pub enum Heard {
    /// A file that was opened, and its place.
    File(file::Server, usize),
    /// A directory that was opened, and whose it is.
    Directory(fs::Server, Key),
    /// Who is told of changes, and its number.
    Watch(watch::Server, u32),
    /// A transaction, and its number.
    Transaction(transaction::Server, u32),
}

impl Server {
    /// Answers a client.
    pub fn client(&mut self, key: Key, request: ToServer<'_>) -> Result<Option<Heard>> {
        match request {
            ToServer::Open(r, reply) => match self.open_file(key, &r) {
                Ok(opened) => {
                    reply.ok(opened.theirs, metadata(opened.node, &opened.attributes))?;
                    return Ok(Some(Heard::File(opened.ours, opened.place)));
                }
                Err(error) => reply.error(error),
            },
            ToServer::Reopen(r, reply) => match self.reopen_file(key, &r) {
                Ok(opened) => {
                    reply.ok(opened.theirs, metadata(opened.node, &opened.attributes))?;
                    return Ok(Some(Heard::File(opened.ours, opened.place)));
                }
                Err(error) => reply.error(error),
            },
            ToServer::OpenDir(r, reply) => match self.open_dir(key, r.path, r.write) {
                Ok((theirs, ours, key)) => {
                    reply.ok(theirs)?;
                    return Ok(Some(Heard::Directory(ours, key)));
                }
                Err(error) => reply.error(error),
            },
            ToServer::Watch(r, reply) => match self.watch(key, r.path) {
                Ok((theirs, ours, number)) => {
                    reply.ok(theirs)?;
                    return Ok(Some(Heard::Watch(ours, number)));
                }
                Err(error) => reply.error(error),
            },
            ToServer::Transaction(reply) => match self.transaction(key) {
                Ok((theirs, ours, number)) => {
                    reply.ok(theirs)?;
                    return Ok(Some(Heard::Transaction(ours, number)));
                }
                Err(error) => reply.error(error),
            },
            ToServer::Metadata(r, reply) => {
                let found = self.reading(key, |files, top| {
                    let node = files.resolve(top, r.path, r.follow)?.node()?;
                    Ok((node, files.attributes(node)?))
                });
                answer!(reply, found, (node, attributes) => metadata(node, &attributes))
            }
            ToServer::ReadDir(r, reply) => {
                let found = self.reading(key, |files, top| {
                    let node = files.resolve(top, r.path, true)?.node()?;
                    files.list(node, r.after, ENTRIES_MAX)
                });
                let found = found.as_ref().map_err(|error| *error);
                let entries = found.map(|entries| entries.iter().map(entry).collect());
                answer!(reply, entries, entries => Vec::as_slice(&entries))
            }
            ToServer::ReadDirShared(r, reply) => {
                answer!(reply, self.read_dir_shared(key, &r), len => len)
            }
            ToServer::CreateDir(r, reply) => {
                answer!(reply, self.changing(key, |to| to.create_dir(r.path)))
            }
            ToServer::RemoveFile(r, reply) => {
                answer!(reply, self.changing(key, |to| to.remove(r.path, false)))
            }
            ToServer::RemoveDir(r, reply) => {
                answer!(reply, self.changing(key, |to| to.remove(r.path, true)))
            }
            ToServer::Rename(r, reply) => {
                answer!(reply, self.changing(key, |to| to.rename(r.old, r.new)))
            }
            ToServer::HardLink(r, reply) => {
                let link = |to: &mut Changing<'_>| to.hard_link(r.original, r.link);
                answer!(reply, self.changing(key, link))
            }
            ToServer::Symlink(r, reply) => {
                let link = |to: &mut Changing<'_>| to.symlink(r.target, r.link);
                answer!(reply, self.changing(key, link))
            }
            ToServer::ReadLink(r, reply) => {
                let found = self.reading(key, |files, top| {
                    let node = files.resolve(top, r.path, false)?.node()?;
                    files.read_link(node)
                });
                answer!(reply, found, target => &target)
            }
            ToServer::SetPermissions(r, reply) => {
                let set = |to: &mut Changing<'_>| to.set_permissions(r.path, r.mode);
                answer!(reply, self.changing(key, set))
            }
            ToServer::Sync(reply) => answer!(reply, self.sync_for(key)),
            ToServer::Space(reply) => {
                let found = self.reading(key, |files, _| files.space());
                answer!(reply, found, (total, free) => total, free)
            }
            ToServer::Share(r, reply) => {
                let done = r.memory.map().and_then(|memory| {
                    self.clients.get(key)?.shared = Some(memory);
                    Ok(())
                });
                answer!(reply, done)
            }
        }?;
        Ok(None)
    }

    /// What a client and its directory are, with the file system.
    pub(crate) fn client_of(&mut self, key: Key) -> Result<(&mut Client, &mut Files, Node)> {
        let client = self.clients.get(key)?;
        let files = self.files.as_mut().ok_or(Error::Io)?;
        let top = client.top(files)?;
        Ok((client, files, top))
    }

    /// Many entries of a directory, into a client's shared memory.
    fn read_dir_shared(&mut self, key: Key, r: &fs::ReadDirSharedRequest<'_>) -> Result<u32> {
        let memory = self.shared(key, r.at, r.len)?;
        let room = r.len as usize;
        let mut entries = core::mem::take(&mut self.scratch);
        entries.clear();
        let listed = self.reading(key, |files, top| {
            let node = files.resolve(top, r.path, true)?.node()?;
            files.list_each(node, r.after, |name, node, kind_of| {
                let fits = entries.len() + entry_len(name) <= room;
                if fits {
                    push_entry(&mut entries, node.0 as u64, kind(kind_of), name);
                }
                fits
            })
        });
        memory.write(r.at as usize, &entries);
        let len = entries.len() as u32;
        self.scratch = entries;
        match listed {
            // Otherwise a client would take it for the end.
            Ok(false) if len == 0 => Err(Error::InvalidArgument),
            listed => listed.map(|_| len),
        }
    }

    fn reading<T>(
        &mut self,
        key: Key,
        what: impl FnOnce(&mut Files, Node) -> Result<T>,
    ) -> Result<T> {
        let (_, files, top) = self.client_of(key)?;
        what(files, top)
    }

    /// Changes something, and tells those who watch.
    pub(crate) fn changing<T>(
        &mut self,
        key: Key,
        what: impl FnOnce(&mut Changing<'_>) -> Result<T>,
    ) -> Result<T> {
        let (client, files, top) = self.client_of(key)?;
        client.must_write()?;
        let mut told = Vec::new();
        let done = what(&mut Changing {
            files,
            top,
            told: &mut told,
        })?;
        self.tell(&told);
        Ok(done)
    }

    /// Makes a channel to a directory: both of its ends, and whose it is.
    fn open_dir(
        &mut self,
        key: Key,
        path: &str,
        write: bool,
    ) -> Result<(fs::Client, fs::Server, Key)> {
        let (client, files, top) = self.client_of(key)?;
        if write {
            client.must_write()?;
        }
        let node = files.resolve(top, path, true)?.node()?;
        if files.attributes(node)?.kind != Kind::Directory {
            return Err(Error::NotADirectory);
        }
        if !self.clients.has_room() {
            return Err(Error::ServerLimit);
        }
        let (theirs, ours) = fs::channel()?;
        self.files()?.keep(node)?;
        Ok((theirs, ours, self.clients.hand_on(node, write, self.losses)))
    }
}

fn entry(entry: &files::Entry) -> fs::Entry<'_> {
    fs::Entry {
        name: &entry.name,
        kind: kind(entry.kind),
        id: entry.node.0 as u64,
    }
}

fn kind(kind: Kind) -> fs::Kind {
    match kind {
        Kind::File => fs::Kind::File,
        Kind::Directory => fs::Kind::Directory,
        Kind::Symlink => fs::Kind::Symlink,
    }
}

/// What is known about a node, for a message.
pub fn metadata(node: Node, a: &Attributes) -> fs::Metadata {
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

//! What clients ask for by path: directories, names, and files to be opened.

use alloc::vec::Vec;

use files::{Attributes, Files, Kind, Node, Place};
use ftl::prelude::*;
use interfaces::fs::{self, ToServer, file};

use crate::clients::{Client, Key};
use crate::server::{Server, answer};

/// Entries in one answer: the bound in `interfaces/fs.yml`.
const ENTRIES_MAX: usize = 14;

/// What the event loop is to listen to because of a request.
pub enum Heard {
    /// A file that was opened, and its place.
    File(file::Server, usize),
    /// A directory that was opened, and whose it is.
    Directory(fs::Server, Key),
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
            ToServer::CreateDir(r, reply) => {
                let made = self.writing(key, |files, top| {
                    let place = files.resolve(top, r.path.trim_end_matches('/'), false)?;
                    let (directory, name) = place.name()?;
                    files.create(directory, name, Kind::Directory, 0o755)
                });
                answer!(reply, made.map(drop))
            }
            ToServer::RemoveFile(r, reply) => {
                let done = self.writing(key, |files, top| remove(files, top, r.path, false));
                answer!(reply, done)
            }
            ToServer::RemoveDir(r, reply) => {
                let done = self.writing(key, |files, top| remove(files, top, r.path, true));
                answer!(reply, done)
            }
            ToServer::Rename(r, reply) => {
                let done = self.writing(key, |files, top| {
                    let old = files.resolve(top, r.old, false)?;
                    let new = files.resolve(top, r.new, false)?;
                    let ((from, name), (to, new_name)) = (old.name()?, new.name()?);
                    files.rename(from, name, to, new_name)
                });
                answer!(reply, done)
            }
            ToServer::HardLink(r, reply) => {
                let done = self.writing(key, |files, top| {
                    let node = files.resolve(top, r.original, false)?.node()?;
                    let place = files.resolve(top, r.link, false)?;
                    let (directory, name) = place.name()?;
                    files.link(node, directory, name)
                });
                answer!(reply, done)
            }
            ToServer::Symlink(r, reply) => {
                let done = self.writing(key, |files, top| {
                    let place = files.resolve(top, r.link, false)?;
                    let (directory, name) = place.name()?;
                    files.symlink(directory, name, r.target)
                });
                answer!(reply, done.map(drop))
            }
            ToServer::ReadLink(r, reply) => {
                let found = self.reading(key, |files, top| {
                    let node = files.resolve(top, r.path, false)?.node()?;
                    files.read_link(node)
                });
                answer!(reply, found, target => &target)
            }
            ToServer::SetPermissions(r, reply) => {
                let done = self.writing(key, |files, top| {
                    let node = files.resolve(top, r.path, true)?.node()?;
                    files.set_mode(node, r.mode)
                });
                answer!(reply, done)
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

    fn reading<T>(
        &mut self,
        key: Key,
        what: impl FnOnce(&mut Files, Node) -> Result<T>,
    ) -> Result<T> {
        let (_, files, top) = self.client_of(key)?;
        what(files, top)
    }

    fn writing<T>(
        &mut self,
        key: Key,
        what: impl FnOnce(&mut Files, Node) -> Result<T>,
    ) -> Result<T> {
        let (client, files, top) = self.client_of(key)?;
        client.must_write()?;
        what(files, top)
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

fn remove(files: &mut Files, top: Node, path: &str, wants_directory: bool) -> Result<()> {
    let place: Place = files.resolve(top, path, false)?;
    let (directory, name) = place.name()?;
    let kind = files.attributes(place.node()?)?.kind;
    match (kind == Kind::Directory, wants_directory) {
        (true, false) => Err(Error::IsADirectory),
        (false, true) => Err(Error::NotADirectory),
        _ => files.unlink(directory, name),
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

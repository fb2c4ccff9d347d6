//! What clients ask for by path.

use alloc::string::String;
use alloc::vec::Vec;

use ftl::{Error, Result};
use ring::SharedMemory;

use super::{Client, FileServer, HANDED_ON_MAX, Heard, Key, Top, Volume, below};
use crate::files::read_dir::first_entry;
use crate::files::{entry_len, push_entry};
use crate::fs::{self, Kind, ToServer};

/// Entries in one answer: the bound in `interfaces/fs.yml`.
const ENTRIES_MAX: usize = 14;
/// Bytes of a directory's entries that are put in order at once, at most: some hundred thousand names.
const LISTED_LEN_MAX: usize = 8 << 20;
/// Names that are looked at to find a file by its number, at most.
const SEARCHED_MAX: usize = 100_000;

/// A directory's entries in the order of their names.
pub(super) struct Listed {
    directory: u64,
    /// As [`push_entry`] makes them.
    bytes: Vec<u8>,
    /// Where each of them begins.
    order: Vec<u32>,
}

impl Listed {
    fn read(volume: &mut impl Volume, directory: u64) -> Result<Listed> {
        if volume.metadata(directory)?.kind != Kind::Directory {
            return Err(Error::NotADirectory);
        }
        let (mut bytes, mut order) = (Vec::new(), Vec::new());
        volume.list(directory, &mut |name, kind, id| {
            if name.len() > 255 {
                // It cannot be said; a FAT name may have more bytes than that.
                return Ok(());
            }
            let len = entry_len(name);
            if bytes.len() + len > LISTED_LEN_MAX {
                return Err(Error::ServerLimit);
            }
            let room = bytes.try_reserve(len).and(order.try_reserve(1));
            room.map_err(|_| Error::OutOfMemory)?;
            order.push(bytes.len() as u32);
            push_entry(&mut bytes, id, kind, name);
            Ok(())
        })?;
        let name = |at: &u32| first_entry(&bytes[*at as usize..]).map(|(_, _, name, _)| name);
        order.sort_unstable_by(|a, b| name(a).cmp(&name(b)));
        Ok(Listed {
            directory,
            bytes,
            order,
        })
    }

    /// The entries behind a name.
    fn after(&self, name: &str) -> impl Iterator<Item = (u64, Kind, &str)> {
        let entry = |at: &u32| first_entry(&self.bytes[*at as usize..]);
        let first = self
            .order
            .partition_point(|at| entry(at).is_some_and(|(_, _, known, _)| known <= name));
        self.order[first..]
            .iter()
            .filter_map(move |at| entry(at).map(|(id, kind, name, _)| (id, kind, name)))
    }
}

/// Answers a call with what came of it: nothing, or what `found` makes of it.
macro_rules! answer {
    ($reply:ident, $result:expr) => {
        match $result {
            Ok(()) => $reply.ok(),
            Err(error) => $reply.error(error),
        }
    };
    ($reply:ident, $result:expr, $found:pat => $($value:expr),+) => {
        match $result {
            Ok($found) => $reply.ok($($value),+),
            Err(error) => $reply.error(error),
        }
    };
}
pub(super) use answer;

impl<V: Volume> FileServer<V> {
    /// Answers a client.
    pub fn request(&mut self, key: Key, request: ToServer<'_>) -> Result<Option<Heard>> {
        match request {
            ToServer::Open(r, reply) => match self.open_file(key, &r) {
                Ok(opened) => {
                    reply.ok(opened.theirs, opened.metadata)?;
                    return Ok(Some(Heard::File(opened.ours, opened.place)));
                }
                Err(error) => reply.error(error),
            },
            ToServer::Reopen(r, reply) => match self.reopen_file(key, &r) {
                Ok(opened) => {
                    reply.ok(opened.theirs, opened.metadata)?;
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
                answer!(reply, self.at(key, r.path, V::metadata), found => found)
            }
            ToServer::ReadDir(r, reply) => match self.listed(key, r.path) {
                Ok(listed) => {
                    let entries = listed.after(r.after).take(ENTRIES_MAX);
                    let entries: Vec<fs::Entry<'_>> = entries
                        .map(|(id, kind, name)| fs::Entry { name, kind, id })
                        .collect();
                    reply.ok(entries.as_slice())
                }
                Err(error) => reply.error(error),
            },
            ToServer::ReadDirShared(r, reply) => {
                answer!(reply, self.read_dir_shared(key, &r), len => len)
            }
            ToServer::CreateDir(r, reply) => {
                answer!(reply, self.create_dir(key, r.path))
            }
            ToServer::RemoveFile(r, reply) => {
                let remove = |volume: &mut V, directory, name: &str| {
                    volume.remove(directory, name, Kind::File)
                };
                answer!(reply, self.change(key, r.path, remove))
            }
            ToServer::RemoveDir(r, reply) => {
                let remove = |volume: &mut V, directory, name: &str| {
                    volume.remove(directory, name, Kind::Directory)
                };
                answer!(reply, self.change(key, r.path, remove))
            }
            ToServer::Rename(r, reply) => answer!(reply, self.rename(key, r.old, r.new)),
            ToServer::SetPermissions(r, reply) => {
                let done = self.must_write(key).and_then(|()| {
                    self.is_dirty = true;
                    self.at(key, r.path, |volume, node| volume.set_mode(node, r.mode))
                });
                answer!(reply, done)
            }
            ToServer::ReadLink(r, reply) => {
                // Whatever is there is no link.
                match self.at(key, r.path, |_, _| Ok(())) {
                    Ok(()) => reply.error(Error::InvalidArgument),
                    Err(error) => reply.error(error),
                }
            }
            ToServer::Sync(reply) => answer!(reply, self.sync()),
            ToServer::Space(reply) => {
                let space = self.volume().and_then(V::space);
                answer!(reply, space, (total, free) => total, free)
            }
            ToServer::Share(r, reply) => {
                let done = r.memory.map().and_then(|memory| {
                    self.client(key)?.shared = Some(memory);
                    Ok(())
                });
                answer!(reply, done)
            }
            ToServer::HardLink(_, reply) => reply.error(Error::Unsupported),
            ToServer::Symlink(_, reply) => reply.error(Error::Unsupported),
            ToServer::Watch(_, reply) => reply.error(Error::Unsupported),
            ToServer::Transaction(reply) => reply.error(Error::Unsupported),
        }?;
        Ok(None)
    }

    /// The entries of a directory.
    fn listed(&mut self, key: Key, path: &str) -> Result<&Listed> {
        let node = self.resolve(key, path)?;
        let is_known = |listed: &Listed| listed.directory == node;
        let read = match self.listed.as_ref().is_some_and(is_known) {
            true => Ok(()),
            false => self
                .volume()
                .and_then(|volume| Listed::read(volume, node))
                .map(|listed| self.listed = Some(listed)),
        };
        self.release(node);
        read?;
        self.listed.as_ref().ok_or(Error::Internal)
    }

    fn read_dir_shared(&mut self, key: Key, r: &fs::ReadDirSharedRequest<'_>) -> Result<u32> {
        let memory = self.shared(key, r.at, r.len)?;
        let room = r.len as usize;
        let mut entries = core::mem::take(&mut self.scratch);
        entries.clear();
        let listed = self.listed(key, r.path).map(|listed| {
            listed.after(r.after).all(|(id, kind, name)| {
                let fits = entries.len() + entry_len(name) <= room;
                if fits {
                    push_entry(&mut entries, id, kind, name);
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

    fn create_dir(&mut self, key: Key, path: &str) -> Result<()> {
        if path.split('/').all(|part| matches!(part, "" | ".")) {
            return Err(Error::AlreadyExists);
        }
        let node = self.change(key, path, |volume, directory, name| {
            volume.create(directory, name, Kind::Directory)
        })?;
        self.hold_found(node);
        self.release(node);
        Ok(())
    }

    fn rename(&mut self, key: Key, old: &str, new: &str) -> Result<()> {
        self.must_write(key)?;
        let (old_directory, old) = self.parent(key, old)?;
        let done = self.parent(key, new).and_then(|(new_directory, new)| {
            let done = self
                .changing()
                .and_then(|volume| volume.rename((old_directory, old), (new_directory, new)));
            self.release(new_directory);
            done
        });
        self.release(old_directory);
        done
    }

    /// Makes a channel to a directory: both of its ends, and whose it is.
    fn open_dir(
        &mut self,
        key: Key,
        path: &str,
        write: bool,
    ) -> Result<(fs::Client, fs::Server, Key)> {
        if write {
            self.must_write(key)?;
        }
        let handed_on = |key: &&Key| matches!(key, Key::HandedOn(_));
        if self.clients.keys().filter(handed_on).count() >= HANDED_ON_MAX {
            return Err(Error::ServerLimit);
        }
        let (theirs, ours) = fs::channel()?;
        let node = self.resolve(key, path)?;
        match self.volume()?.metadata(node) {
            Ok(found) if found.kind == Kind::Directory => {}
            found => {
                self.release(node);
                return found.and(Err(Error::NotADirectory));
            }
        }
        self.next_client = self.next_client.wrapping_add(1);
        let key = Key::HandedOn(self.next_client);
        let client = Client {
            top: Top::Opened(node),
            write,
            shared: None,
            open: 0,
        };
        self.clients.insert(key, client);
        Ok((theirs, ours, key))
    }

    /// The path of the file with this number, somewhere in a client's directory.
    pub(super) fn search(&mut self, key: Key, id: u64) -> Result<String> {
        let mut open = Vec::from([String::new()]);
        let mut seen = 0;
        while let Some(directory) = open.pop() {
            let mut found = None;
            self.at(key, &directory, |volume, node| {
                volume.list(node, &mut |name, kind, number| {
                    seen += 1;
                    if seen > SEARCHED_MAX {
                        return Err(Error::NotFound);
                    }
                    match kind {
                        Kind::Directory => open.push(below(&directory, name)),
                        _ if number == id => found = Some(below(&directory, name)),
                        _ => {}
                    }
                    Ok(())
                })
            })?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(Error::NotFound)
    }
}

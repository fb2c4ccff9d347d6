//! The server's half of [`fs`], for file systems that are simpler than the interface: without links, watches and
//! transactions.
//!
//! A component makes its file system a [`Volume`], and hands what its event loop hears to a [`FileServer`], which knows the clients, what
//! each may reach, and what they have open. `fat_files` and `boot_files` do. `sqlitefs` does not: it has links and
//! directories that move under its clients' feet, and answers what this one refuses.
//!
//! Paths lead nowhere but down from the directory that the client was given: there are no links, and `..` stops there.

mod names;
mod opened;
mod volume;

pub use volume::Volume;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::event_loop::Connection;
use ftl::memory::SharedBytes;
use ftl::{Error, Result};
use plan::{Directory, DirectoryRights};

use crate::fs::{self, file};
use names::Listed;
use opened::Open;
use volume::{below, parts};

/// Directories that clients have asked for, of all clients together.
const HANDED_ON_MAX: usize = 256;

/// Tells clients apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// One that init connected.
    Connected(Connection),
    /// A channel that `open_dir` answered.
    HandedOn(u32),
}

/// What the event loop is to listen to because of a request.
pub enum Heard {
    /// A file that was opened, and its place.
    File(file::Server, usize),
    /// A directory that was opened, and whose it is.
    Directory(fs::Server, Key),
}

/// Answers those who use a file system.
pub struct FileServer<V> {
    /// Not there if the disk holds none: then everything fails with `Io`.
    volume: Option<V>,
    clients: BTreeMap<Key, Client>,
    next_client: u32,
    files: Vec<Option<Open>>,
    /// How often each node is held, by open files, directories that were handed on, and requests under way.
    held: BTreeMap<u64, u32>,
    /// The directory that was listed last, until something changes.
    listed: Option<Listed>,
    /// What is on its way from a file to a client.
    scratch: Vec<u8>,
    is_dirty: bool,
}

struct Client {
    top: Top,
    write: bool,
    shared: Option<SharedBytes>,
    /// How many files it has open.
    open: usize,
}

/// A client's topmost directory.
enum Top {
    /// The one that the system's file names.
    Named(String),
    /// One that was opened, and is held.
    Opened(u64),
    /// The system's file gives it none.
    None,
}

impl<V: Volume> FileServer<V> {
    /// Serves a file system; without one, every request fails.
    pub fn new(volume: Option<V>) -> FileServer<V> {
        FileServer {
            volume,
            clients: BTreeMap::new(),
            next_client: 0,
            files: Vec::new(),
            held: BTreeMap::new(),
            listed: None,
            scratch: Vec::new(),
            is_dirty: false,
        }
    }

    /// A client came, with what the system's file says about it: [`EventLoop::grant`](ftl::event_loop::EventLoop::grant).
    pub fn connected(&mut self, connection: Connection, grant: &[u8]) {
        let directory = Directory::decode(grant);
        let client = Client {
            write: directory
                .as_ref()
                .is_some_and(|directory| directory.rights == DirectoryRights::Write),
            top: directory.map_or(Top::None, |directory| Top::Named(directory.path)),
            shared: None,
            open: 0,
        };
        self.clients.insert(Key::Connected(connection), client);
    }

    /// A client is gone. Its open files close by themselves.
    pub fn left(&mut self, key: Key) {
        if let Some(Top::Opened(node)) = self.clients.remove(&key).map(|client| client.top) {
            self.release(node);
        }
    }

    /// Whether something was changed that is not synchronised.
    pub fn is_dirty(&self) -> bool {
        self.is_dirty
    }

    /// Lets all that was changed survive a loss of power.
    pub fn sync(&mut self) -> Result<()> {
        self.volume()?.sync()?;
        self.is_dirty = false;
        Ok(())
    }

    fn volume(&mut self) -> Result<&mut V> {
        self.volume.as_mut().ok_or(Error::Io)
    }

    fn client(&mut self, key: Key) -> Result<&mut Client> {
        self.clients.get_mut(&key).ok_or(Error::Closed)
    }

    fn must_write(&mut self, key: Key) -> Result<()> {
        match self.client(key)?.write {
            true => Ok(()),
            false => Err(Error::PermissionDenied),
        }
    }

    /// Notes that something is about to be changed.
    fn changing(&mut self) -> Result<&mut V> {
        self.listed = None;
        self.is_dirty = true;
        self.volume()
    }

    /// Holds what the file system has just found: it is released there when nobody holds it any more.
    fn hold_found(&mut self, node: u64) {
        let count = self.held.entry(node).or_insert(0);
        *count += 1;
        if *count > 1
            && let Some(volume) = &mut self.volume
        {
            volume.release(node);
        }
    }

    /// Holds once more what is held, or is the topmost directory.
    fn hold(&mut self, node: u64) {
        *self.held.entry(node).or_insert(0) += 1;
    }

    fn release(&mut self, node: u64) {
        let Some(count) = self.held.get_mut(&node) else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            self.held.remove(&node);
            if let Some(volume) = &mut self.volume {
                volume.release(node);
            }
        }
    }

    /// A client's topmost directory, held.
    fn top(&mut self, key: Key) -> Result<u64> {
        let root = self.volume()?.root();
        let client = self.client(key)?;
        let path = match &client.top {
            Top::None => return Err(Error::PermissionDenied),
            Top::Opened(node) => {
                let node = *node;
                self.hold(node);
                return Ok(node);
            }
            Top::Named(path) => path.clone(),
        };
        let make = client.write;
        self.hold(root);
        let mut node = root;
        for name in parts(&path) {
            let found = match self.volume()?.lookup(node, name) {
                // Whoever may write finds it there.
                Err(Error::NotFound) if make => {
                    self.changing()?.create(node, name, fs::Kind::Directory)
                }
                found => found,
            };
            self.release(node);
            node = found?;
            self.hold_found(node);
        }
        match self.volume()?.metadata(node) {
            Ok(found) if found.kind == fs::Kind::Directory => Ok(node),
            found => {
                self.release(node);
                found.and(Err(Error::NotADirectory))
            }
        }
    }

    /// What a path leads to, held.
    fn resolve(&mut self, key: Key, path: &str) -> Result<u64> {
        // The directories on the way, all of them held.
        let mut way = Vec::from([self.top(key)?]);
        let mut step = |server: &mut Self, name: &str| -> Result<()> {
            if name == ".." {
                if way.len() > 1 {
                    let left = way.pop();
                    left.into_iter().for_each(|node| server.release(node));
                }
                return Ok(());
            }
            let directory = *way.last().ok_or(Error::Internal)?;
            let node = server.volume()?.lookup(directory, name)?;
            server.hold_found(node);
            way.push(node);
            Ok(())
        };
        let result = parts(path).try_for_each(|name| step(self, name));
        let found = way.pop();
        way.into_iter().for_each(|node| self.release(node));
        let node = found.ok_or(Error::Internal)?;
        match result {
            Ok(()) => Ok(node),
            Err(error) => {
                self.release(node);
                Err(error)
            }
        }
    }

    /// Does something with what a path leads to.
    fn at<T>(
        &mut self,
        key: Key,
        path: &str,
        what: impl FnOnce(&mut V, u64) -> Result<T>,
    ) -> Result<T> {
        let node = self.resolve(key, path)?;
        let done = self.volume().and_then(|volume| what(volume, node));
        self.release(node);
        done
    }

    /// The directory that a path's last name is in, held, and that name. It need not be there.
    fn parent<'a>(&mut self, key: Key, path: &'a str) -> Result<(u64, &'a str)> {
        let path = path.trim_end_matches('/');
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        match name {
            "" => Err(Error::Busy),
            "." | ".." => Err(Error::InvalidFilename),
            name => Ok((self.resolve(key, directory)?, name)),
        }
    }

    /// Changes something about a name in a directory.
    fn change<T>(
        &mut self,
        key: Key,
        path: &str,
        what: impl FnOnce(&mut V, u64, &str) -> Result<T>,
    ) -> Result<T> {
        self.must_write(key)?;
        let (directory, name) = self.parent(key, path)?;
        let done = self
            .changing()
            .and_then(|volume| what(volume, directory, name));
        self.release(directory);
        done
    }
}

#[cfg(test)]
mod tests;

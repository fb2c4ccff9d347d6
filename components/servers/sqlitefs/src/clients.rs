//! Clients: which directory each has, and what it may do there.
//!
//! A client comes in one of two ways: init connects it, and the system's file says which directory it gets;
//! or another client asked for a channel to one of its directories, to hand on. Both name
//! nothing outside of their directory, for every path is followed from there (`files::Files::resolve`).

use alloc::collections::BTreeMap;
use alloc::string::String;

use files::{Files, Kind, Node};
use ftl::prelude::*;
use plan::{Directory, DirectoryRights};

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

/// One client.
pub struct Client {
    top: Top,
    /// Whether it may change anything.
    pub write: bool,
    /// Its memory for large reads and writes.
    pub shared: Option<SharedBytes>,
    /// How many files it has open.
    pub open: usize,
    /// How many losses it has been told of.
    pub losses_told: u32,
}

/// A client's topmost directory.
enum Top {
    /// The directory that the system's file names; known once it was looked for.
    Named(String, Option<Node>),
    /// One that was opened.
    Opened(Node),
    /// The system's file gives it none.
    None,
}

/// All clients.
#[derive(Default)]
pub struct Clients {
    all: BTreeMap<Key, Client>,
    next: u32,
}

impl Clients {
    /// A client came, with what the system's file says about it.
    pub fn connected(&mut self, connection: Connection, grant: &[u8], losses: u32) {
        let directory = Directory::decode(grant);
        let write = directory
            .as_ref()
            .is_some_and(|directory| directory.rights == DirectoryRights::Write);
        let top = match directory {
            Some(directory) => Top::Named(directory.path, None),
            None => Top::None,
        };
        self.add(Key::Connected(connection), top, write, losses);
    }

    /// A directory that was opened, and is in use from now on, becomes a client of its own.
    pub fn hand_on(&mut self, node: Node, write: bool, losses: u32) -> Key {
        self.next = self.next.wrapping_add(1);
        let key = Key::HandedOn(self.next);
        self.add(key, Top::Opened(node), write, losses);
        key
    }

    fn add(&mut self, key: Key, top: Top, write: bool, losses_told: u32) {
        let client = Client {
            top,
            write,
            shared: None,
            open: 0,
            losses_told,
        };
        self.all.insert(key, client);
    }

    /// Whether another directory can be handed on.
    pub fn has_room(&self) -> bool {
        let handed_on = |key: &&Key| matches!(key, Key::HandedOn(_));
        self.all.keys().filter(handed_on).count() < HANDED_ON_MAX
    }

    /// A client is gone.
    pub fn left(&mut self, key: Key, files: Option<&mut Files>) {
        let top = self.all.remove(&key).map(|client| client.top);
        if let (Some(Top::Named(_, Some(node)) | Top::Opened(node)), Some(files)) = (top, files) {
            // It may have been lost with a disk's driver.
            let _ = files.close(node);
        }
    }

    /// A client.
    pub fn get(&mut self, key: Key) -> Result<&mut Client> {
        self.all.get_mut(&key).ok_or(Error::Closed)
    }

    /// These nodes are not there any more.
    pub fn forget(&mut self, gone: &[Node]) {
        for client in self.all.values_mut() {
            match &mut client.top {
                Top::Named(_, node) if node.is_some_and(|node| gone.contains(&node)) => {
                    *node = None
                }
                Top::Opened(node) if gone.contains(node) => client.top = Top::None,
                _ => {}
            }
        }
    }

    /// The file system was opened anew: directories that were in use are so again.
    pub fn mounted(&mut self, files: &mut Files) {
        for client in self.all.values_mut() {
            match &mut client.top {
                // Looked for when it is used: it may not be there yet.
                Top::Named(_, node) => *node = None,
                Top::Opened(node) => {
                    if let Err(error) = files.keep(*node) {
                        warn!("a directory that was in use is lost: {error}");
                        client.top = Top::None;
                    }
                }
                Top::None => {}
            }
        }
    }
}

impl Client {
    /// Its topmost directory. One that the system's file names and that is not there is made, if the client
    /// may write.
    pub fn top(&mut self, files: &mut Files) -> Result<Node> {
        match &mut self.top {
            Top::Opened(node) | Top::Named(_, Some(node)) => Ok(*node),
            Top::None => Err(Error::PermissionDenied),
            Top::Named(path, known) => {
                // One above it may be missing as well.
                let found = files.resolve(files.root(), path, true);
                let node = match found.and_then(|found| found.node()) {
                    Err(Error::NotFound) if self.write => make(files, path)?,
                    found => found?,
                };
                match files.keep(node)?.kind {
                    Kind::Directory => {
                        *known = Some(node);
                        Ok(node)
                    }
                    _ => files.close(node).and(Err(Error::NotADirectory)),
                }
            }
        }
    }

    /// `PermissionDenied` if it may change nothing.
    pub fn must_write(&self) -> Result<()> {
        match self.write {
            true => Ok(()),
            false => Err(Error::PermissionDenied),
        }
    }
}

/// Makes a directory, and those above it that are missing.
fn make(files: &mut Files, path: &str) -> Result<Node> {
    let mut node = files.root();
    for name in path.split('/').filter(|name| !name.is_empty()) {
        node = match files.resolve(node, name, true)?.node() {
            Err(Error::NotFound) => files.create(node, name, Kind::Directory, 0o755)?,
            found => found?,
        };
    }
    Ok(node)
}

//! Who is told of changes.
//!
//! A change is told once it was made, before the request for it is answered. Nothing is kept for a client that
//! does not listen: when its queue is full, what comes next is left out, and as soon as there is room it is told that it
//! has missed something (`other`). So nobody can make the server keep more than a flag.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use files::{Files, Node};
use ftl::prelude::*;
use interfaces::fs::{Change, watch};

use crate::changes::Told;
use crate::clients::Key;
use crate::server::Server;

/// Watches, of all clients together.
const WATCHES_MAX: usize = 128;
/// Watches of one client.
const WATCHES_OF_CLIENT_MAX: usize = 32;

/// All watches, by number.
#[derive(Default)]
pub struct Watches {
    all: BTreeMap<u32, Watch>,
    next: u32,
    /// Those whose node has gone: the event loop is to let go of them.
    ended: Vec<watch::Server>,
}

/// One client's interest in one node, which is in use as long as this is there.
struct Watch {
    client: Key,
    node: Node,
    channel: watch::Server,
    /// Its queue was full: it misses what happens until it was told so.
    missed: bool,
}

impl Watch {
    fn tell(&mut self, change: Change, name: &str) {
        if !self.missed {
            // Whoever has gone is about to be noticed.
            self.missed = self.channel.changed(change, name) == Err(Error::QueueFull);
        }
    }
}

impl Watches {
    /// Tells those who watch this node.
    fn tell(&mut self, node: Node, change: Change, name: &str) {
        for watch in self.all.values_mut().filter(|watch| watch.node == node) {
            watch.tell(change, name);
        }
    }

    /// Anything may have changed.
    fn tell_all(&mut self) {
        for watch in self.all.values_mut() {
            watch.tell(Change::Other, "");
        }
    }

    /// There is room again in the queue of one that has missed something.
    pub fn writable(&mut self, number: u32) {
        if let Some(watch) = self.all.get_mut(&number).filter(|watch| watch.missed) {
            watch.missed = false;
            watch.tell(Change::Other, "");
        }
    }

    /// The file system was opened anew: what is watched is in use again.
    pub fn mounted(&mut self, files: &mut Files) {
        self.tell_all();
        self.retain(|node| files.keep(node).is_ok());
    }

    /// A snapshot was restored, and these nodes are not there any more.
    pub fn restored(&mut self, gone: &[Node]) {
        self.tell_all();
        self.retain(|node| !gone.contains(&node));
    }

    fn retain(&mut self, mut stays: impl FnMut(Node) -> bool) {
        let gone = self.all.extract_if(.., |_, watch| !stays(watch.node));
        self.ended.extend(gone.map(|(_, watch)| watch.channel));
    }

    /// Channels to be let go of: they close, and so say that there will be no more.
    pub fn take_ended(&mut self) -> Vec<watch::Server> {
        core::mem::take(&mut self.ended)
    }
}

impl Server {
    /// Begins to watch: the client's end, ours, and its number.
    pub fn watch(&mut self, key: Key, path: &str) -> Result<(watch::Client, watch::Server, u32)> {
        let (_, files, top) = self.client_of(key)?;
        let node = files.resolve(top, path, true)?.node()?;
        let all = &self.watches.all;
        let of_client = all.values().filter(|watch| watch.client == key).count();
        if all.len() >= WATCHES_MAX || of_client >= WATCHES_OF_CLIENT_MAX {
            return Err(Error::ServerLimit);
        }
        let (theirs, ours) = watch::channel()?;
        self.files()?.keep(node)?;
        let watches = &mut self.watches;
        watches.next = watches.next.wrapping_add(1);
        let watch = Watch {
            client: key,
            node,
            channel: ours.clone(),
            missed: false,
        };
        watches.all.insert(watches.next, watch);
        Ok((theirs, ours, watches.next))
    }

    /// Nobody listens to this watch any more.
    pub fn unwatch(&mut self, number: u32) {
        if let Some(watch) = self.watches.all.remove(&number)
            && let Some(files) = &mut self.files
        {
            // It may have been lost with a disk's driver.
            let _ = files.close(watch.node);
        }
    }

    /// Tells of what was done.
    pub fn tell(&mut self, told: &[Told]) {
        for told in told {
            match told {
                Told::Name(directory, name, change) => {
                    self.watches.tell(*directory, *change, name);
                }
                Told::Unnamed(node) => self.watches.tell(*node, Change::Removed, ""),
                Told::Modified(node) => self.tell_modified(*node),
            }
        }
    }

    /// The contents or the attributes of a node have changed.
    pub fn tell_modified(&mut self, node: Node) {
        if self.watches.all.is_empty() {
            return;
        }
        self.watches.tell(node, Change::Modified, "");
        let Some(files) = &mut self.files else {
            return;
        };
        // Under all names that it has.
        for (directory, name) in files.entries_of(node).unwrap_or_default() {
            self.watches.tell(directory, Change::Modified, &name);
        }
    }
}

//! Transactions: lists of changes that are made together.
//!
//! Until `commit` a transaction is a list in memory and nothing else (docs/decisions/0305), so dropping it takes nothing
//! back, and nobody waits for it. What it costs is bounded, and a transaction that nobody goes on with makes
//! room for others.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::fs::transaction::{self, ToServer};

use crate::changes::Changing;
use crate::clients::Key;
use crate::server::{Server, answer};

/// Transactions of all clients, and of one.
const TRANSACTIONS_MAX: usize = 16;
const OF_CLIENT_MAX: usize = 4;
/// Changes in one.
const CHANGES_MAX: usize = 256;
/// Bytes of data and of names in one, and in all.
const LEN_MAX: usize = 128 << 10;
const LEN_MAX_ALL: usize = 512 << 10;
/// So long after its last change another may take its room.
const PATIENCE: Duration = Duration::from_secs(10);

/// All transactions, by number.
#[derive(Default)]
pub struct Transactions {
    all: BTreeMap<u32, Transaction>,
    next: u32,
    /// Those that had to make room: the event loop is to let go of them.
    ended: Vec<transaction::Server>,
}

struct Transaction {
    client: Key,
    channel: transaction::Server,
    /// When it was last gone on with.
    used: Instant,
    entries: Vec<Entry>,
    /// Bytes of data and of names.
    len: usize,
    /// It was committed, and its client is about to drop it.
    done: bool,
}

/// A path, and what is to happen there.
struct Entry {
    path: String,
    change: Change,
}

/// What is to happen at a path.
enum Change {
    Create { create_new: bool, truncate: bool },
    Write { offset: u64, data: Vec<u8> },
    Append { data: Vec<u8> },
    SetLen(u64),
    CreateDir,
    Remove { directory: bool },
    Rename { new: String },
    HardLink { link: String },
    Symlink { target: String },
    SetPermissions(u32),
    RequireUnchanged { id: u64, changed_ns: u64 },
}

impl Entry {
    fn len(&self) -> usize {
        let more = match &self.change {
            Change::Write { data, .. } | Change::Append { data } => data.len(),
            Change::Rename { new: name }
            | Change::HardLink { link: name }
            | Change::Symlink { target: name } => name.len(),
            _ => 0,
        };
        size_of::<Entry>() + self.path.len() + more
    }

    fn make(&self, to: &mut Changing<'_>) -> Result<()> {
        let path = &self.path;
        match &self.change {
            Change::Create {
                create_new,
                truncate,
            } => {
                let node = to.file(path, true, *create_new)?;
                match truncate {
                    true => to.contents(node, |files| files.set_len(node, 0)),
                    false => Ok(()),
                }
            }
            Change::Write { offset, data } => {
                let node = to.file(path, false, false)?;
                to.contents(node, |files| files.write(node, *offset, data))
            }
            Change::Append { data } => {
                let node = to.file(path, false, false)?;
                to.contents(node, |files| {
                    let end = files.attributes(node)?.len;
                    files.write(node, end, data)
                })
            }
            Change::SetLen(len) => {
                let node = to.file(path, false, false)?;
                to.contents(node, |files| files.set_len(node, *len))
            }
            Change::CreateDir => to.create_dir(path),
            Change::Remove { directory } => to.remove(path, *directory),
            Change::Rename { new } => to.rename(path, new),
            Change::HardLink { link } => to.hard_link(path, link),
            Change::Symlink { target } => to.symlink(target, path),
            Change::SetPermissions(mode) => to.set_permissions(path, *mode),
            Change::RequireUnchanged { id, changed_ns } => {
                let node = to.file(path, false, false)?;
                let changed = to.files.attributes(node)?.times.changed;
                match (node.0 as u64, changed) == (*id, *changed_ns) {
                    true => Ok(()),
                    false => Err(Error::Busy),
                }
            }
        }
    }
}

impl Transactions {
    /// Sees to it that so many more bytes find room in this one.
    fn make_room(&mut self, number: u32, more: usize) -> Result<()> {
        while self.all.values().map(|t| t.len).sum::<usize>() + more > LEN_MAX_ALL {
            self.end_oldest(number)?;
        }
        Ok(())
    }

    /// Ends the one that was not used for longest, but for this one.
    fn end_oldest(&mut self, but: u32) -> Result<()> {
        let others = self.all.iter().filter(|(number, _)| **number != but);
        let oldest = others.min_by_key(|(_, transaction)| transaction.used);
        match oldest.map(|(number, transaction)| (*number, transaction.used.elapsed())) {
            Some((number, idle)) if idle >= PATIENCE => {
                let ended = self.all.remove(&number);
                self.ended
                    .extend(ended.map(|transaction| transaction.channel));
                Ok(())
            }
            _ => Err(Error::ServerLimit),
        }
    }

    /// Channels to be let go of: they close, and so say that nothing will come of them.
    pub fn take_ended(&mut self) -> Vec<transaction::Server> {
        core::mem::take(&mut self.ended)
    }

    /// The client has dropped it, or is gone itself.
    pub fn dropped(&mut self, number: u32) {
        self.all.remove(&number);
    }
}

impl Server {
    /// Begins a transaction: the client's end, ours, and its number.
    pub fn transaction(
        &mut self,
        key: Key,
    ) -> Result<(transaction::Client, transaction::Server, u32)> {
        self.clients.get(key)?.must_write()?;
        let transactions = &mut self.transactions;
        let of_client = transactions.all.values().filter(|t| t.client == key);
        if of_client.count() >= OF_CLIENT_MAX {
            return Err(Error::ServerLimit);
        }
        transactions.next = transactions.next.wrapping_add(1);
        let number = transactions.next;
        if transactions.all.len() >= TRANSACTIONS_MAX {
            transactions.end_oldest(number)?;
        }
        let (theirs, ours) = transaction::channel()?;
        let transaction = Transaction {
            client: key,
            channel: ours.clone(),
            used: Instant::now(),
            entries: Vec::new(),
            len: 0,
            done: false,
        };
        transactions.all.insert(number, transaction);
        Ok((theirs, ours, number))
    }

    /// Answers on a transaction's channel.
    pub fn change(&mut self, number: u32, request: ToServer<'_>) -> Result<()> {
        match request {
            ToServer::Create(r, reply) => {
                let change = Change::Create {
                    create_new: r.create_new,
                    truncate: r.truncate,
                };
                answer!(reply, self.add(number, r.path, Ok(change)))
            }
            ToServer::Write(r, reply) => {
                let offset = r.offset;
                let change = copy(r.data).map(|data| Change::Write { offset, data });
                answer!(reply, self.add(number, r.path, change))
            }
            ToServer::Append(r, reply) => {
                let change = copy(r.data).map(|data| Change::Append { data });
                answer!(reply, self.add(number, r.path, change))
            }
            ToServer::SetLen(r, reply) => {
                answer!(reply, self.add(number, r.path, Ok(Change::SetLen(r.len))))
            }
            ToServer::CreateDir(r, reply) => {
                answer!(reply, self.add(number, r.path, Ok(Change::CreateDir)))
            }
            ToServer::RemoveFile(r, reply) => {
                let change = Change::Remove { directory: false };
                answer!(reply, self.add(number, r.path, Ok(change)))
            }
            ToServer::RemoveDir(r, reply) => {
                let change = Change::Remove { directory: true };
                answer!(reply, self.add(number, r.path, Ok(change)))
            }
            ToServer::Rename(r, reply) => {
                let change = Change::Rename { new: r.new.into() };
                answer!(reply, self.add(number, r.old, Ok(change)))
            }
            ToServer::HardLink(r, reply) => {
                let change = Change::HardLink {
                    link: r.link.into(),
                };
                answer!(reply, self.add(number, r.original, Ok(change)))
            }
            ToServer::Symlink(r, reply) => {
                let change = Change::Symlink {
                    target: r.target.into(),
                };
                answer!(reply, self.add(number, r.link, Ok(change)))
            }
            ToServer::SetPermissions(r, reply) => {
                let change = Change::SetPermissions(r.mode);
                answer!(reply, self.add(number, r.path, Ok(change)))
            }
            ToServer::RequireUnchanged(r, reply) => {
                let change = Change::RequireUnchanged {
                    id: r.id,
                    changed_ns: r.changed_ns,
                };
                answer!(reply, self.add(number, r.path, Ok(change)))
            }
            ToServer::Commit(reply) => answer!(reply, self.commit(number)),
        }
    }

    fn add(&mut self, number: u32, path: &str, change: Result<Change>) -> Result<()> {
        let entry = Entry {
            path: path.into(),
            change: change?,
        };
        let more = entry.len();
        let transaction = self.transactions.all.get(&number);
        let transaction = transaction.filter(|t| !t.done).ok_or(Error::Closed)?;
        let (count, len) = (transaction.entries.len() + 1, transaction.len + more);
        let (weight, weight_max) = self.files()?.weight(count, len);
        if count > CHANGES_MAX || len > LEN_MAX || weight > weight_max {
            return Err(Error::ServerLimit);
        }
        self.transactions.make_room(number, more)?;
        let transaction = self.transactions.all.get_mut(&number);
        let transaction = transaction.ok_or(Error::Closed)?;
        let entries = &mut transaction.entries;
        entries.try_reserve(1).map_err(|_| Error::OutOfMemory)?;
        entries.push(entry);
        transaction.len = len;
        transaction.used = Instant::now();
        Ok(())
    }

    fn commit(&mut self, number: u32) -> Result<()> {
        let transaction = self.transactions.all.get_mut(&number);
        let transaction = transaction.filter(|t| !t.done).ok_or(Error::Closed)?;
        transaction.done = true;
        let entries = core::mem::take(&mut transaction.entries);
        let (key, len) = (transaction.client, core::mem::take(&mut transaction.len));
        let (client, files, top) = self.client_of(key)?;
        client.must_write()?;
        let weight = files.weight(entries.len(), len).0;
        let mut told = Vec::new();
        files.together(weight, |files| {
            let mut changing = Changing {
                files,
                top,
                told: &mut told,
            };
            entries
                .iter()
                .try_for_each(|entry| entry.make(&mut changing))
        })?;
        self.tell(&told);
        Ok(())
    }
}

fn copy(data: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(data.len())
        .map_err(|_| Error::OutOfMemory)?;
    copy.extend_from_slice(data);
    Ok(copy)
}

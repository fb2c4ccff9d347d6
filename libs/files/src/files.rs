//! The file system itself: opening it, nodes that are open, and transactions.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use abi::{Error, Result};
use sqlite::{Blob, Connection, Storage};

use crate::attributes::{Attributes, Kind, Node, Times};
use crate::error::{OpenError, refused};
use crate::snapshot::chunks_of;
use crate::statements::{Lazy, Statements};
use crate::tidy::Tidying;
use crate::together::CHANGE_WEIGHT;
use crate::{CHUNK_LEN, FILE_LEN_MAX, schema};

/// Bytes of a page of the database.
pub(crate) const PAGE_LEN: u64 = 4096;

/// Pages of the disk that only deleting may use: SQLite takes back all since the last commit when it
/// runs out of them in the middle of a change, so what adds something is refused before.
const RESERVE: u64 = 48;
/// How many pieces of what nobody needs any more are removed at most while somebody waits for room.
const PIECES_FOR_ROOM: usize = 8;

/// Where time and randomness come from.
pub trait Clock {
    /// Nanoseconds since the beginning of 1970, in UTC.
    fn unix_ns(&mut self) -> u64;
    /// Random bytes.
    fn random(&mut self, bytes: &mut [u8]);
    /// Something that may take long goes on: called after each piece of it.
    fn go_on(&mut self) {}
}

impl<C: Clock + ?Sized> Clock for Box<C> {
    fn unix_ns(&mut self) -> u64 {
        (**self).unix_ns()
    }
    fn random(&mut self, bytes: &mut [u8]) {
        (**self).random(bytes)
    }
    fn go_on(&mut self) {
        (**self).go_on()
    }
}

/// How the file system is to use its disks and memory.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of the disk for data.
    pub data_len: u64,
    /// Bytes of the disk for the log: at least [`Options::LOG_LEN_MIN`].
    pub log_len: u64,
    /// Bytes of memory for pages of the database.
    pub cache_len: usize,
}

impl Options {
    /// The log must hold a transaction of one large write, and then some.
    pub const LOG_LEN_MIN: u64 = 1 << 20;
}

/// Memory of SQLite beside its cache, at most: what one large question may have. It cannot be the component's whole, since a heap keeps
/// what it once had, and then nobody else there would find any.
const MEMORY_MAX: usize = 16 << 20;

/// Bounds what all file systems of this program, with caches of so many bytes, take for SQLite, whatever they are asked: beyond that a
/// change or a question fails with `OutOfMemory`.
pub fn limit_memory(cache_len: usize) {
    sqlite::limit_memory(memory_max(cache_len));
}

/// The most that SQLite takes with a cache of so many bytes, if [`limit_memory`] was told.
pub fn memory_max(cache_len: usize) -> usize {
    cache_len + MEMORY_MAX
}

/// A node that somebody has open. What the table says about it is known here, and newer.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) users: u32,
    pub(crate) attributes: Attributes,
    /// Whether its bytes are in its node's row.
    pub(crate) inline: bool,
    /// Whether the table has yet to hear of `attributes`.
    pub(crate) dirty: bool,
}

/// The file system. See the [crate](crate).
pub struct Files {
    pub(crate) db: Connection,
    pub(crate) statements: Statements,
    clock: Box<dyn Clock>,
    pub(crate) open: BTreeMap<Node, Open>,
    /// A chunk that is open for reading, and its row, to be moved to others: opening one takes longer.
    /// Not while something is committed, since it would keep the log from being used again.
    pub(crate) chunk: Option<(i64, Blob)>,
    /// Whether the open transaction has changed something.
    changed: bool,
    /// Bytes written since the last commit, and how many are too many for the log.
    pub(crate) written: u64,
    pub(crate) written_max: u64,
    /// What [`Files::together`] takes at most, and whether it is under way: then nothing is committed.
    pub(crate) together_max: u64,
    pub(crate) together: bool,
    /// Bytes of contents that were removed since the disk was last told what is free: [`Files::trim`].
    pub(crate) freed: u64,
    /// What nobody needs any more, and is still there.
    pub(crate) tidying: Tidying,
    /// Pages that are free for sure.
    room: u64,
    /// The newest snapshot, for which chunks are kept before they change.
    pub(crate) newest: Option<i64>,
    /// A restoration was broken off and could not be taken back: files are partly of then and
    /// partly of now. Nobody sees them before that is mended.
    pub(crate) mixed: bool,
    /// What is known about snapshots and what is to be removed may be wrong: there was no memory to look.
    stale: bool,
    /// A transaction was lost since the last [`Files::sync`], and why.
    lost: Option<Error>,
}

impl Files {
    /// Opens the file system on `storage`, or makes an empty one if nothing is there.
    pub fn open(
        storage: Box<dyn Storage>,
        mut clock: Box<dyn Clock>,
        options: Options,
    ) -> core::result::Result<Files, OpenError> {
        if options.log_len < Options::LOG_LEN_MIN {
            return Err(OpenError {
                error: Error::InvalidArgument,
                message: "the disk for the log is too small".into(),
            });
        }
        let db = Connection::open(storage)?;
        schema::open(&db, &options, clock.unix_ns())?;
        let mut files = Files {
            statements: Statements::new(&db)?,
            db,
            clock,
            open: BTreeMap::new(),
            chunk: None,
            changed: false,
            written: 0,
            // Each byte makes less than two of log, and a commit must fit behind an earlier one.
            written_max: options.log_len / 8,
            // Of what is committed before, at most half of the log is left.
            together_max: options.log_len / 4,
            together: false,
            freed: 0,
            tidying: Tidying::default(),
            room: 0,
            newest: None,
            mixed: false,
            stale: false,
            lost: None,
        };
        files.take_back_unfinished()?;
        files.find_newest()?;
        files.find_untidy()?;
        files.tidy_at_start();
        match files.load(Node(schema::ROOT))?.kind {
            Kind::Directory => Ok(files),
            _ => Err(Error::InvalidData.into()),
        }
    }

    /// The topmost directory.
    pub fn root(&self) -> Node {
        Node(schema::ROOT)
    }

    /// Says that somebody uses this node: it stays, even without a name, until [`Files::close`].
    pub fn keep(&mut self, node: Node) -> Result<Attributes> {
        if let Some(open) = self.open.get_mut(&node) {
            open.users += 1;
            return Ok(open.attributes);
        }
        let (attributes, inline) = self.read_node(node)?;
        if attributes.links == 0 && self.tidying.nodes.contains(&node) {
            // It is going, and may have lost some of its bytes.
            return Err(Error::NotFound);
        }
        let open = Open {
            users: 1,
            attributes,
            inline,
            dirty: false,
        };
        self.open.insert(node, open);
        Ok(attributes)
    }

    /// The reverse of [`Files::keep`].
    pub fn close(&mut self, node: Node) -> Result<()> {
        let Some(open) = self.open.get_mut(&node) else {
            return Err(Error::BadHandle);
        };
        open.users -= 1;
        if open.users > 0 {
            return Ok(());
        }
        let attributes = open.attributes;
        let result = match attributes.links {
            0 if self.goes_at_once(node, &attributes) => {
                self.atomically(|files| files.remove_orphan(node))
            }
            0 => {
                self.tidying.nodes.insert(node);
                Ok(())
            }
            _ => self.write_back(node),
        };
        self.open.remove(&node);
        result
    }

    /// What is known about a node.
    pub fn attributes(&mut self, node: Node) -> Result<Attributes> {
        self.load(node)
    }

    /// Sets the permission bits.
    pub fn set_mode(&mut self, node: Node, mode: u32) -> Result<()> {
        self.change(node, |attributes| attributes.mode = mode & 0o7777)
    }

    /// Sets the time of the last change of the contents.
    pub fn set_modified(&mut self, node: Node, unix_ns: u64) -> Result<()> {
        self.change(node, |attributes| attributes.times.modified = unix_ns)
    }

    fn change(&mut self, node: Node, set: impl FnOnce(&mut Attributes)) -> Result<()> {
        self.keep(node)?;
        let now = self.now();
        let result = self.begin();
        if let (Ok(()), Some(open)) = (&result, self.open.get_mut(&node)) {
            set(&mut open.attributes);
            open.attributes.times.changed = now;
            open.dirty = true;
        }
        let closed = self.close(node);
        result.and(closed)?;
        self.changed_names()
    }

    /// Comes back when all that was changed before survives a loss of power. An error says that some
    /// of it, since the last time, is lost.
    pub fn sync(&mut self) -> Result<()> {
        let committed = self.commit();
        // Said once: what comes after this is not lost.
        let lost = self.lost.take();
        committed?;
        lost.map_or(Ok(()), Err)
    }

    /// Whether there is something that [`Files::sync`] would have to write.
    pub fn is_dirty(&self) -> bool {
        self.changed || self.lost.is_some()
    }

    /// How often SQLite had to prepare a statement again: a figure for tests, since that takes ten
    /// times as long as running it.
    pub fn reprepared(&self) -> u32 {
        self.statements.reprepared()
    }

    /// Bytes of the disk that could hold data, and how many of them are free.
    pub fn space(&mut self) -> Result<(u64, u64)> {
        let (total, free) = self.pages()?;
        Ok((total * PAGE_LEN, free.saturating_sub(RESERVE) * PAGE_LEN))
    }

    // What follows is shared with the other files of this crate.

    pub(crate) fn now(&mut self) -> u64 {
        // Rows hold signed numbers.
        self.clock.unix_ns().min(i64::MAX as u64)
    }

    /// How many pages the disk has, and how many are free.
    pub(crate) fn pages(&mut self) -> Result<(u64, u64)> {
        let number = |statement: &mut Lazy| -> Result<u64> {
            statement.run(&[]).map_err(refused)?;
            let number = statement.integer(0).max(0) as u64;
            statement.reset();
            Ok(number)
        };
        let total = number(&mut self.statements.pages_max)?;
        let used = number(&mut self.statements.pages)?;
        let free = number(&mut self.statements.pages_free)?;
        Ok((total, total.saturating_sub(used) + free))
    }

    /// Sees to it that a change which takes so many pages at most will find them.
    pub(crate) fn reserve(&mut self, pages: u64) -> Result<()> {
        if self.room < pages {
            self.room = self.pages()?.1.saturating_sub(RESERVE);
            for _ in 0..PIECES_FOR_ROOM {
                if self.room >= pages || self.together || !self.wants_tidying() {
                    break;
                }
                // What goes wrong there is nothing to whoever wants room.
                let _ = self.tidy();
                self.room = self.pages()?.1.saturating_sub(RESERVE);
            }
        }
        self.room = self.room.checked_sub(pages).ok_or(Error::StorageFull)?;
        Ok(())
    }

    /// A node's attributes, from memory or from the table.
    pub(crate) fn load(&mut self, node: Node) -> Result<Attributes> {
        match self.open.get(&node) {
            Some(open) => Ok(open.attributes),
            None => Ok(self.read_node(node)?.0),
        }
    }

    fn read_node(&mut self, node: Node) -> Result<(Attributes, bool)> {
        self.begin_reading()?;
        let row = &mut self.statements.node;
        if !row.run(&[node.0.into()]).map_err(refused)? {
            return Err(Error::NotFound);
        }
        let number = |column| u64::try_from(row.integer(column)).map_err(|_| Error::InvalidData);
        let attributes = (|| {
            let kind = Kind::from_number(row.integer(0)).ok_or(Error::InvalidData)?;
            let len = number(3)?;
            if len > FILE_LEN_MAX {
                return Err(Error::InvalidData);
            }
            let attributes = Attributes {
                kind,
                len,
                links: u32::try_from(number(2)?).map_err(|_| Error::InvalidData)?,
                mode: number(1)? as u32 & 0o7777,
                times: Times {
                    created: number(4)?,
                    modified: number(5)?,
                    changed: number(6)?,
                },
            };
            // A file without data in its row and without bytes may become either.
            let inline = row.integer(7) == 0 || len == 0;
            Ok((attributes, inline))
        })();
        row.reset();
        attributes
    }

    /// Sees to it that a transaction is open. There nearly always is one: a statement outside of any
    /// would begin and end its own, which takes as long as the statement itself.
    pub(crate) fn begin_reading(&mut self) -> Result<()> {
        self.be_whole()?;
        self.notice_loss();
        if !self.db.in_transaction() {
            self.statements.begin.execute(&[]).map_err(refused)?;
        }
        Ok(())
    }

    /// The same, to change something.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.begin_reading()?;
        if self.stale {
            self.find_newest()?;
            self.find_untidy()?;
            self.stale = false;
        }
        self.changed = true;
        Ok(())
    }

    pub(crate) fn in_transaction(&self) -> bool {
        self.db.in_transaction()
    }

    /// Runs `change` so that it happens as a whole or not at all.
    pub(crate) fn atomically<T>(
        &mut self,
        change: impl FnOnce(&mut Files) -> Result<T>,
    ) -> Result<T> {
        self.begin()?;
        let opened = self.statements.savepoint.execute(&[]).map_err(refused);
        opened.map_err(|error| self.refuse(error))?;
        let result = change(self).and_then(|value| {
            self.statements.release.execute(&[]).map_err(refused)?;
            Ok(value)
        });
        result.map_err(|error| {
            self.chunk = None;
            if self.db.in_transaction() {
                let _ = self.statements.undo.execute(&[]);
                let _ = self.statements.release.execute(&[]);
            }
            self.refuse(error)
        })
    }

    /// Something in a transaction has failed. It may be that SQLite had to take back everything since the last
    /// commit.
    pub(crate) fn refuse(&mut self, error: Error) -> Error {
        if self.changed && !self.db.in_transaction() {
            self.lose(error);
        }
        error
    }

    /// Finds out whether SQLite had to take everything back because it could not read: it does so when memory or the
    /// disk fails in the middle of a statement, whatever that was to do. The reason went to whoever asked.
    fn notice_loss(&mut self) {
        if self.changed && !self.db.in_transaction() {
            self.lose(Error::Io);
        }
    }

    /// Forgets what memory knows better than the tables: it was taken back.
    fn lose(&mut self, why: Error) {
        self.lost = Some(why);
        self.changed = false;
        self.written = 0;
        self.look_again();
        // One that was made in the transaction that was lost: whoever has it open finds out.
        self.reload_open();
    }

    /// Looks again for snapshots and for what is to be removed; if that fails, before the next change.
    pub(crate) fn look_again(&mut self) {
        let found = self.find_newest().and_then(|()| self.find_untidy());
        self.stale = found.is_err();
    }

    /// Nothing is known about a chunk that was open for reading.
    pub(crate) fn forget_chunk(&mut self) {
        self.chunk = None;
    }

    /// Reads again what is known about nodes that are open. Answers which are not there any more.
    pub(crate) fn reload_open(&mut self) -> Vec<Node> {
        self.chunk = None;
        let mut gone = Vec::new();
        let nodes: Vec<Node> = self.open.keys().copied().collect();
        for node in nodes {
            let found = self.read_node(node);
            let Some(open) = self.open.get_mut(&node) else {
                continue;
            };
            match found {
                // Numbers are given again; times of making are not.
                Ok((attributes, inline))
                    if attributes.times.created == open.attributes.times.created =>
                {
                    (open.attributes, open.inline, open.dirty) = (attributes, inline, false);
                }
                _ => {
                    self.open.remove(&node);
                    gone.push(node);
                }
            }
        }
        gone
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        self.notice_loss();
        if !self.changed {
            return Ok(());
        }
        let dirty: Vec<Node> = self
            .open
            .iter()
            .filter(|(_, open)| open.dirty)
            .map(|(node, _)| *node)
            .collect();
        for node in dirty {
            self.write_back(node)?;
        }
        // An open blob would be a statement under way.
        self.chunk = None;
        // If it could not read, SQLite has taken everything back now.
        self.notice_loss();
        if !self.changed {
            return Ok(());
        }
        self.written = 0;
        let committed = self.statements.commit.execute(&[]).map_err(refused);
        committed.map_err(|error| self.refuse(error))?;
        self.changed = false;
        self.tidying.waits = false;
        Ok(())
    }

    /// Names or attributes were changed: many such changes would be too many for the log, too.
    pub(crate) fn changed_names(&mut self) -> Result<()> {
        self.written += CHANGE_WEIGHT;
        self.commit_if_large()
    }

    pub(crate) fn commit_if_large(&mut self) -> Result<()> {
        match self.written > self.written_max && !self.together {
            true => self.commit(),
            false => Ok(()),
        }
    }

    /// The same after a piece of something during which nobody else is served.
    pub(crate) fn commit_piece(&mut self) -> Result<()> {
        self.clock.go_on();
        self.commit_if_large()
    }

    /// Tells the table what memory knows better.
    pub(crate) fn write_back(&mut self, node: Node) -> Result<()> {
        let Some(open) = self.open.get_mut(&node).filter(|open| open.dirty) else {
            return Ok(());
        };
        let a = open.attributes;
        let values = [
            node.0.into(),
            i64::from(a.mode).into(),
            i64::from(a.links).into(),
            (a.len as i64).into(),
            (a.times.modified as i64).into(),
            (a.times.changed as i64).into(),
        ];
        self.begin()?;
        let written = self.statements.node_set.execute(&values).map_err(refused);
        written.map_err(|error| self.refuse(error))?;
        if let Some(open) = self.open.get_mut(&node) {
            open.dirty = false;
        }
        Ok(())
    }

    /// Tells the tables everything: before somebody looks at them with SQL.
    pub(crate) fn write_back_all(&mut self) -> Result<()> {
        let nodes: Vec<Node> = self.open.keys().copied().collect();
        nodes.into_iter().try_for_each(|node| self.write_back(node))
    }

    /// Removes a node and its bytes.
    pub(crate) fn remove_node(&mut self, node: Node) -> Result<()> {
        self.chunk = None;
        let (first, last) = chunks_of(node);
        self.preserve(first, last)?;
        self.remove_chunks(first, last)?;
        let remove = &mut self.statements.node_remove;
        remove.execute(&[node.0.into()]).map_err(refused)
    }

    /// Removes a range of chunks.
    pub(crate) fn remove_chunks(&mut self, first: i64, last: i64) -> Result<()> {
        let remove = &mut self.statements.chunks_remove;
        remove
            .execute(&[first.into(), last.into()])
            .map_err(refused)?;
        self.freed += (self.db.changes() * CHUNK_LEN) as u64;
        Ok(())
    }

    /// The same for one that nobody has open any more, and that has no name.
    pub(crate) fn remove_orphan(&mut self, node: Node) -> Result<()> {
        self.remove_node(node)?;
        let remove = &mut self.statements.orphan_remove;
        remove.execute(&[node.0.into()]).map_err(refused)
    }
}

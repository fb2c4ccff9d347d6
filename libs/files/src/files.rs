//! The file system itself: opening it, transactions, and the contents of files.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{Error, Result};
use sqlite::{Blob, Connection, Statement, Storage, Value};

use crate::attributes::{Attributes, Kind, Node, Times};
use crate::schema::{self, CHUNK_BITS};
use crate::snapshot::chunks_of;
use crate::{CHUNK_LEN, FILE_LEN_MAX, INLINE_LEN_MAX};

/// Rows of the table `chunk` have lengths that are multiples of this, so that a file that grows
/// in small steps does not have its last row replaced at each.
const ROW_STEP: usize = 4096;

/// Bytes of a page of the database.
const PAGE_LEN: u64 = 4096;

/// Pages of the disk that only deleting may use: SQLite takes back all since the last commit when it
/// runs out of them in the middle of a change, so what adds something is refused before.
const RESERVE: u64 = 48;

/// Where time and randomness come from.
pub trait Clock {
    /// Nanoseconds since the beginning of 1970, in UTC.
    fn unix_ns(&mut self) -> u64;
    /// Random bytes.
    fn random(&mut self, bytes: &mut [u8]);
}

impl<C: Clock + ?Sized> Clock for Box<C> {
    fn unix_ns(&mut self) -> u64 {
        (**self).unix_ns()
    }
    fn random(&mut self, bytes: &mut [u8]) {
        (**self).random(bytes)
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

/// A node that somebody has open. What the table says about it is known here, and newer.
#[derive(Debug)]
pub(crate) struct Open {
    users: u32,
    pub(crate) attributes: Attributes,
    /// Whether its bytes are in its node's row.
    inline: bool,
    /// Whether the table has yet to hear of `attributes`.
    dirty: bool,
}

/// The file system. See the [crate](crate).
pub struct Files {
    pub(crate) db: Connection,
    pub(crate) statements: Statements,
    clock: Box<dyn Clock>,
    pub(crate) open: BTreeMap<Node, Open>,
    /// A chunk that is open for reading, and its row, to be moved to others: opening one takes longer.
    /// Not while something is committed, since it would keep the log from being used again.
    chunk: Option<(i64, Blob)>,
    /// Whether the open transaction has changed something.
    changed: bool,
    /// Bytes written since the last commit, and how many are too many for the log.
    written: u64,
    written_max: u64,
    /// Pages that are free for sure.
    room: u64,
    /// The newest snapshot, for which chunks are kept before they change.
    pub(crate) newest: Option<i64>,
    /// A transaction was lost since the last [`Files::sync`], and why.
    lost: Option<Error>,
}

macro_rules! statements {
    ($($name:ident: $sql:literal,)+) => {
        /// All statements, prepared once.
        pub(crate) struct Statements { $(pub(crate) $name: Statement,)+ }

        impl Statements {
            fn new(db: &Connection) -> sqlite::Result<Statements> {
                Ok(Statements { $($name: db.prepare($sql)?,)+ })
            }

            fn reprepared(&self) -> u32 {
                0 $(+ self.$name.reprepared())+
            }
        }
    };
}

statements! {
    begin: "begin",
    commit: "commit",
    savepoint: "savepoint op",
    release: "release op",
    undo: "rollback to op",
    node: "select kind, mode, links, size, created, modified, changed, data is null from node where id = ?",
    node_new: "insert into node(kind, mode, links, size, created, modified, changed, data) \
        values (?1, ?2, 1, ?3, ?4, ?4, ?4, ?5)",
    node_set: "update node set mode = ?2, links = ?3, size = ?4, modified = ?5, changed = ?6 where id = ?1",
    node_remove: "delete from node where id = ?",
    links_add: "update node set links = links + ?2, changed = ?3 where id = ?1",
    data: "select data from node where id = ?",
    data_set: "update node set data = ?2 where id = ?1",
    chunk_len: "select length(data) from chunk where id = ?",
    chunk_put: "insert or replace into chunk values (?1, ?2)",
    preserve_one: "insert into old_chunk select ?1, ?2, (select data from chunk where id = ?2) \
        where not exists (select 1 from old_chunk where snapshot = ?1 and chunk = ?2)",
    preserve: "insert or ignore into old_chunk select ?1, id, data from chunk where id between ?2 and ?3",
    chunk_get: "select data from chunk where id = ?",
    chunks_remove: "delete from chunk where id between ?1 and ?2",
    entry: "select entry.node, node.kind from entry join node on node.id = entry.node \
        where parent = ?1 and name = ?2",
    entry_new: "insert into entry values (?1, ?2, ?3)",
    entry_remove: "delete from entry where parent = ?1 and name = ?2",
    entry_any: "select 1 from entry where parent = ? limit 1",
    entries: "select entry.name, entry.node, node.kind from entry join node on node.id = entry.node \
        where entry.parent = ?1 and entry.name > ?2 order by entry.name limit ?3",
    parent: "select parent, name from entry where node = ?",
    pages_max: "pragma max_page_count",
    pages: "pragma page_count",
    pages_free: "pragma freelist_count",
}

/// An error of SQLite as one of the system.
pub(crate) fn refused(error: sqlite::Error) -> Error {
    match error.kind {
        sqlite::Kind::Constraint => Error::AlreadyExists,
        sqlite::Kind::Full => Error::StorageFull,
        sqlite::Kind::Io | sqlite::Kind::CannotOpen => Error::Io,
        sqlite::Kind::Damaged => Error::InvalidData,
        sqlite::Kind::ReadOnly => Error::ReadOnlyFilesystem,
        sqlite::Kind::OutOfMemory => Error::OutOfMemory,
        sqlite::Kind::Denied => Error::PermissionDenied,
        sqlite::Kind::Interrupted => Error::Cancelled,
        sqlite::Kind::Misuse => Error::InvalidArgument,
        sqlite::Kind::Other => Error::Internal,
    }
}

/// Why a file system could not be opened.
#[derive(Clone, Debug)]
pub struct OpenError {
    /// What kind of error: `InvalidData` if something else is on the disk, or it is damaged.
    pub error: Error,
    /// More about it, for people.
    pub message: String,
}

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for OpenError {}

impl From<Error> for OpenError {
    fn from(error: Error) -> OpenError {
        OpenError {
            error,
            message: error.describe().into(),
        }
    }
}

impl From<sqlite::Error> for OpenError {
    fn from(error: sqlite::Error) -> OpenError {
        OpenError {
            error: match refused(error.clone()) {
                // What cannot be read as ours is damaged, whatever SQLite calls it.
                Error::InvalidArgument => Error::InvalidData,
                error => error,
            },
            message: error.message,
        }
    }
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
        let statements = Statements::new(&db)?;
        let mut files = Files {
            db,
            statements,
            clock,
            open: BTreeMap::new(),
            chunk: None,
            changed: false,
            written: 0,
            // Each byte makes less than two of log, and a commit must fit behind an earlier one.
            written_max: options.log_len / 8,
            room: 0,
            newest: None,
            lost: None,
        };
        files.find_newest()?;
        files.remove_orphans()?;
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
        let nameless = open.attributes.links == 0;
        let result = match nameless {
            true => self.atomically(|files| files.remove_node(node)),
            false => self.write_back(node),
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
        result.and(closed)
    }

    /// Reads from an open file; how many bytes there were.
    pub fn read(&mut self, node: Node, offset: u64, to: &mut [u8]) -> Result<usize> {
        let (len, inline) = self.file(node)?;
        let count = usize::try_from(len.saturating_sub(offset))
            .unwrap_or(usize::MAX)
            .min(to.len());
        if count == 0 {
            return Ok(0);
        }
        let to = &mut to[..count];
        if inline {
            to.fill(0);
            let data = &mut self.statements.data;
            if data.run(&[node.0.into()]).map_err(refused)? {
                let bytes = data.blob(0).get(offset as usize..).unwrap_or(&[]);
                let there = bytes.len().min(count);
                to[..there].copy_from_slice(&bytes[..there]);
            }
            data.reset();
            return Ok(count);
        }
        let mut done = 0;
        while done < count {
            let (row, within) = place(node, offset + done as u64);
            let part = (CHUNK_LEN - within).min(count - done);
            self.read_chunk(row, within, &mut to[done..done + part])?;
            done += part;
        }
        Ok(count)
    }

    /// Writes to an open file, which grows if needed. If it fails, nothing was written.
    pub fn write(&mut self, node: Node, offset: u64, from: &[u8]) -> Result<()> {
        let (len, inline) = self.file(node)?;
        let end = offset
            .checked_add(from.len() as u64)
            .filter(|&end| end <= FILE_LEN_MAX)
            .ok_or(Error::FileTooLarge)?;
        if from.is_empty() {
            return Ok(());
        }
        let len = len.max(end);
        let stays_inline = inline && len <= INLINE_LEN_MAX as u64;
        // Each chunk may be new as a whole, and its row may split pages of the tree.
        let chunks = (from.len() / CHUNK_LEN) as u64 + 2;
        // What was there may have to be kept.
        let copies = if self.has_snapshots() { 2 } else { 1 };
        self.reserve(copies * chunks * (CHUNK_LEN as u64 / PAGE_LEN + 3))?;
        self.atomically(|files| {
            if stays_inline {
                return files.write_inline(node, offset as usize, from);
            }
            if inline {
                files.move_out(node)?;
            }
            let mut done = 0;
            while done < from.len() {
                let (row, within) = place(node, offset + done as u64);
                let part = (CHUNK_LEN - within).min(from.len() - done);
                files.write_chunk(row, within, &from[done..done + part])?;
                done += part;
            }
            Ok(())
        })?;
        self.contents_changed(node, len, stays_inline);
        self.written += from.len() as u64 + CHUNK_LEN as u64;
        self.commit_if_large()
    }

    /// Cuts an open file, or makes it longer with zeroes.
    pub fn set_len(&mut self, node: Node, len: u64) -> Result<()> {
        let (old, inline) = self.file(node)?;
        if len > FILE_LEN_MAX {
            return Err(Error::FileTooLarge);
        }
        let stays_inline = inline && len <= INLINE_LEN_MAX as u64;
        if len > old {
            self.reserve(8)?;
        }
        self.atomically(|files| {
            if inline && !stays_inline {
                files.move_out(node)?;
            } else if inline && len < old {
                files.cut_inline(node, len as usize)?;
            } else if len < old {
                files.cut_chunks(node, len)?;
            }
            Ok(())
        })?;
        self.contents_changed(node, len, stays_inline);
        Ok(())
    }

    /// Comes back when all that was changed before survives a loss of power. An error says that some
    /// of it, since the last time, is lost.
    pub fn sync(&mut self) -> Result<()> {
        self.commit()?;
        match self.lost.take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
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
    fn pages(&mut self) -> Result<(u64, u64)> {
        let number = |statement: &mut Statement| -> Result<u64> {
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
        if !self.db.in_transaction() {
            self.statements.begin.execute(&[]).map_err(refused)?;
        }
        Ok(())
    }

    /// The same, to change something.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.begin_reading()?;
        self.changed = true;
        Ok(())
    }

    /// Runs `change` so that it happens as a whole or not at all.
    pub(crate) fn atomically<T>(
        &mut self,
        change: impl FnOnce(&mut Files) -> Result<T>,
    ) -> Result<T> {
        self.begin()?;
        self.statements.savepoint.execute(&[]).map_err(refused)?;
        let result = change(self);
        match result {
            Ok(value) => {
                self.statements.release.execute(&[]).map_err(refused)?;
                Ok(value)
            }
            Err(error) => {
                self.chunk = None;
                if self.db.in_transaction() {
                    let _ = self.statements.undo.execute(&[]);
                    let _ = self.statements.release.execute(&[]);
                } else {
                    // SQLite had to take back everything since the last commit.
                    self.lose(error);
                }
                Err(error)
            }
        }
    }

    /// Forgets what memory knows better than the tables: it was taken back.
    fn lose(&mut self, why: Error) {
        self.lost = Some(why);
        self.changed = false;
        self.written = 0;
        let _ = self.find_newest();
        // One that was made in the transaction that was lost: whoever has it open finds out.
        self.reload_open();
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

    fn commit(&mut self) -> Result<()> {
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
        self.written = 0;
        let committed = self.statements.commit.execute(&[]).map_err(refused);
        match committed {
            Ok(()) => self.changed = false,
            Err(error) if !self.db.in_transaction() => self.lose(error),
            Err(_) => {}
        }
        committed
    }

    fn commit_if_large(&mut self) -> Result<()> {
        match self.written > self.written_max {
            true => self.commit(),
            false => Ok(()),
        }
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
        self.statements.node_set.execute(&values).map_err(refused)?;
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
        let statements = &mut self.statements;
        statements
            .chunks_remove
            .execute(&[first.into(), last.into()])
            .and_then(|()| statements.node_remove.execute(&[node.0.into()]))
            .map_err(refused)
    }

    /// Removes what lost its last name while it was open, when the machine went down.
    fn remove_orphans(&mut self) -> Result<()> {
        let mut orphans = Vec::new();
        let mut rows = self
            .db
            .prepare("select id from node where links <= 0")
            .map_err(refused)?;
        while rows.step().map_err(refused)? {
            orphans.push(Node(rows.integer(0)));
        }
        drop(rows);
        for &node in &orphans {
            self.atomically(|files| files.remove_node(node))?;
        }
        self.commit()
    }

    /// An open file's length, and whether its bytes are in its row.
    fn file(&self, node: Node) -> Result<(u64, bool)> {
        let open = self.open.get(&node).ok_or(Error::BadHandle)?;
        match open.attributes.kind {
            Kind::File => Ok((open.attributes.len, open.inline)),
            Kind::Directory => Err(Error::IsADirectory),
            Kind::Symlink => Err(Error::InvalidArgument),
        }
    }

    fn contents_changed(&mut self, node: Node, len: u64, inline: bool) {
        let now = self.now();
        if let Some(open) = self.open.get_mut(&node) {
            open.attributes.len = len;
            open.attributes.times.modified = now;
            open.attributes.times.changed = now;
            open.inline = inline;
            open.dirty = true;
        }
    }

    fn write_inline(&mut self, node: Node, offset: usize, from: &[u8]) -> Result<()> {
        let mut bytes = self.inline_bytes(node)?;
        let end = offset + from.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset..end].copy_from_slice(from);
        self.set_inline(node, Some(&bytes))
    }

    fn cut_inline(&mut self, node: Node, len: usize) -> Result<()> {
        let mut bytes = self.inline_bytes(node)?;
        bytes.truncate(len);
        self.set_inline(node, Some(&bytes))
    }

    /// From a node's row to the table `chunk`.
    fn move_out(&mut self, node: Node) -> Result<()> {
        let bytes = self.inline_bytes(node)?;
        if !bytes.is_empty() {
            self.write_chunk(place(node, 0).0, 0, &bytes)?;
        }
        self.set_inline(node, None)
    }

    fn inline_bytes(&mut self, node: Node) -> Result<Vec<u8>> {
        let data = &mut self.statements.data;
        data.run(&[node.0.into()]).map_err(refused)?;
        let bytes = data.blob(0);
        let result = match bytes.len() <= INLINE_LEN_MAX {
            true => Ok(bytes.to_vec()),
            false => Err(Error::InvalidData),
        };
        data.reset();
        result
    }

    fn set_inline(&mut self, node: Node, bytes: Option<&[u8]>) -> Result<()> {
        let value = bytes.map_or(Value::Null, Value::Blob);
        self.statements
            .data_set
            .execute(&[node.0.into(), value])
            .map_err(refused)
    }

    /// Opens a chunk for reading. `None` if it is not there.
    fn chunk(&mut self, row: i64) -> Result<Option<&mut Blob>> {
        let moved = match &mut self.chunk {
            Some((at, blob)) => *at == row || blob.move_to(row).map(|()| *at = row).is_ok(),
            None => false,
        };
        if !moved {
            // It is not there, or the one before was replaced and its blob is of no use any more.
            self.begin_reading()?;
            self.chunk = open_chunk(&self.db, row, false)?.map(|blob| (row, blob));
        }
        Ok(self.chunk.as_mut().map(|(_, blob)| blob))
    }

    fn read_chunk(&mut self, row: i64, within: usize, to: &mut [u8]) -> Result<()> {
        to.fill(0);
        let Some(blob) = self.chunk(row)? else {
            return Ok(());
        };
        let there = blob.len().saturating_sub(within).min(to.len());
        match there {
            0 => Ok(()),
            there => blob.read(within, &mut to[..there]).map_err(refused),
        }
    }

    fn write_chunk(&mut self, row: i64, within: usize, from: &[u8]) -> Result<()> {
        let end = within + from.len();
        self.preserve(row, row)?;
        // Not kept: a savepoint does not end while a blob is open for writing.
        if let Some(mut blob) = open_chunk(&self.db, row, true)?
            && end <= blob.len()
        {
            return blob.write(within, from).map_err(refused);
        }
        // It is not there, or too short: it is written as a whole, and longer than needed.
        self.chunk = None;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(CHUNK_LEN)
            .map_err(|_| Error::OutOfMemory)?;
        let get = &mut self.statements.chunk_get;
        if get.run(&[row.into()]).map_err(refused)? {
            bytes.extend_from_slice(get.blob(0));
            get.reset();
        }
        if bytes.len() > CHUNK_LEN {
            return Err(Error::InvalidData);
        }
        let len = end.next_multiple_of(ROW_STEP).max(bytes.len());
        bytes.resize(len.min(CHUNK_LEN), 0);
        bytes[within..end].copy_from_slice(from);
        self.statements
            .chunk_put
            .execute(&[row.into(), Value::Blob(&bytes)])
            .map_err(refused)
    }

    /// Removes what lies behind a file's new end.
    fn cut_chunks(&mut self, node: Node, len: u64) -> Result<()> {
        self.chunk = None;
        let (row, within) = place(node, len);
        let first = if within > 0 { row + 1 } else { row };
        let last = chunks_of(node).1;
        self.preserve(first, last)?;
        self.statements
            .chunks_remove
            .execute(&[first.into(), last.into()])
            .map_err(refused)?;
        if within == 0 {
            return Ok(());
        }
        // What is cut off must be zero if the file grows again.
        let kept = &mut self.statements.chunk_len;
        let there = kept.run(&[row.into()]).map_err(refused)?;
        let there = if there { kept.integer(0) as usize } else { 0 };
        kept.reset();
        if there > within && there <= CHUNK_LEN {
            let zeroes = alloc::vec![0; there - within];
            self.write_chunk(row, within, &zeroes)?;
        }
        Ok(())
    }
}

/// Opens a chunk. `None` if it is not there.
fn open_chunk(db: &Connection, row: i64, writable: bool) -> Result<Option<Blob>> {
    match db.blob(c"chunk", c"data", row, writable) {
        Ok(blob) => Ok(Some(blob)),
        // "no such rowid"
        Err(error) if error.kind == sqlite::Kind::Misuse => Ok(None),
        Err(error) => Err(refused(error)),
    }
}

/// The row of the chunk that holds this byte of a file, and where in it.
fn place(node: Node, offset: u64) -> (i64, usize) {
    let number = offset / CHUNK_LEN as u64;
    (
        (node.0 << CHUNK_BITS) + number as i64,
        (offset % CHUNK_LEN as u64) as usize,
    )
}

//! Snapshots: pictures of all files that cost nothing until something changes.
//!
//! A snapshot copies nodes and entries, which are small. Bytes in chunks are copied when they are about to be
//! changed, and only the first time after the newest snapshot: [`Files::preserve`]. Going back is in [`restore`](crate::restore). So a chunk is, for a snapshot, what the
//! first snapshot from that one on has kept of it, or else what it is now.

use alloc::string::String;
use alloc::vec::Vec;

use abi::{Error, Result};
use sqlite::Value;

use crate::attributes::Node;
use crate::error::refused;
use crate::files::{Files, PAGE_LEN};
use crate::schema::CHUNK_BITS;

/// Bytes of the longest name.
const NAME_LEN_MAX: usize = 64;
/// What the state before a restoration is kept as.
pub const UNDONE: &str = "undone";

/// Names that nobody can give or ask for: of one that is being taken or that was forgotten, and of what was there before a
/// restoration that is under way.
pub(crate) const FORGOTTEN: &str = "/forgotten";
pub(crate) const RESTORING: &str = "/restoring";

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its name.
    pub name: String,
    /// When it was made, in nanoseconds since 1970.
    pub created: u64,
    /// Bytes that are kept for it alone, or for it and older ones.
    pub kept: u64,
}

/// How a path differs from what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It was not there.
    New,
    /// It is not there any more.
    Gone,
    /// It is another file, or its contents or attributes are others.
    Changed,
}

impl Files {
    /// Takes a picture of all files as they are now. Its name must be free.
    pub fn snapshot(&mut self, name: &str) -> Result<()> {
        let plain = |c: char| c.is_alphanumeric() || "-_.: ".contains(c);
        if name.is_empty() || name.len() > NAME_LEN_MAX || !name.chars().all(plain) {
            return Err(Error::InvalidFilename);
        }
        if self.snapshot_id(name)?.is_some() {
            return Err(Error::AlreadyExists);
        }
        self.take(name).map(drop)
    }

    /// Takes one in pieces. Nobody sees it before it is whole: until then it is one that was forgotten.
    pub(crate) fn take(&mut self, name: &str) -> Result<i64> {
        self.write_back_all()?;
        // Some rows fit into a page; names and small files make them longer.
        let rows =
            self.number("select (select count(*) from node) + (select count(*) from entry)")?;
        let bytes = self.number("select coalesce(sum(length(data)), 0) from node")?;
        self.reserve((rows as u64 * 96 + bytes as u64) / PAGE_LEN + 16)?;
        let now = self.now() as i64;
        let id = self.atomically(|files| {
            files.run(
                "insert into snapshot(name, created) values (?1, ?2)",
                &[FORGOTTEN.into(), now.into()],
            )?;
            Ok(files.db.last_insert_rowid())
        })?;
        let taken = self.copy_names(id).and_then(|()| {
            self.atomically(|files| {
                let values = [id.into(), name.into()];
                files.run("update snapshot set name = ?2 where id = ?1", &values)
            })?;
            // It was the transaction's, and that may be lost.
            match self.number_of("select count(*) from snapshot where id = ?1", &[id.into()])? {
                1 => Ok(()),
                _ => Err(Error::Io),
            }
        });
        match taken {
            Ok(()) => self.newest = Some(id),
            Err(_) => self.look_again(),
        }
        taken.map(|()| id)
    }

    /// All snapshots, the oldest first.
    pub fn snapshots(&mut self) -> Result<Vec<Snapshot>> {
        self.begin_reading()?;
        let mut rows = self
            .db
            .prepare(
                "select name, created, coalesce((select sum(length(data)) from old_chunk \
                 where snapshot = snapshot.id), 0) from snapshot where name not like '/%' order by id",
            )
            .map_err(refused)?;
        let mut all = Vec::new();
        while rows.step().map_err(refused)? {
            all.push(Snapshot {
                name: rows.text(0).into(),
                created: rows.integer(1).max(0) as u64,
                kept: rows.integer(2).max(0) as u64,
            });
        }
        Ok(all)
    }

    /// Forgets a snapshot.
    pub fn remove_snapshot(&mut self, name: &str) -> Result<()> {
        let id = self.snapshot_id(name)?.ok_or(Error::NotFound)?;
        self.atomically(|files| files.forget(id))?;
        self.look_again();
        Ok(())
    }

    /// What is different from a snapshot, by path: what was there and is gone, what is new, what has changed.
    pub fn differences(
        &mut self,
        name: &str,
        mut each: impl FnMut(Difference, &str) -> Result<()>,
    ) -> Result<()> {
        let id = self.snapshot_id(name)?.ok_or(Error::NotFound)?;
        // As in `query`.
        self.forget_chunk();
        self.commit()?;
        let mut rows = self
            .db
            .prepare(
                "with recursive now(path, node) as (select '', 1 union all \
                 select now.path || '/' || entry.name, entry.node \
                 from now join entry on entry.parent = now.node), \
                 old(path, node) as (select '', 1 union all \
                 select old.path || '/' || old_entry.name, old_entry.node \
                 from old join old_entry on old_entry.snapshot = ?1 and old_entry.parent = old.node) \
                 select 0, path from now where path not in (select path from old) \
                 union all select 1, path from old where path not in (select path from now) \
                 union all select 2, now.path from now join old on old.path = now.path \
                 join node on node.id = now.node \
                 join old_node on old_node.snapshot = ?1 and old_node.id = old.node \
                 where node.kind != 2 and (node.id != old_node.id or node.changed != old_node.changed) \
                 order by 2",
            )
            .map_err(refused)?;
        rows.bind(1, id.into()).map_err(refused)?;
        while rows.step().map_err(refused)? {
            let difference = match rows.integer(0) {
                0 => Difference::New,
                1 => Difference::Gone,
                _ => Difference::Changed,
            };
            each(difference, rows.text(1))?;
        }
        Ok(())
    }

    /// Keeps chunks for the newest snapshot that are about to be changed: those of a range of rows.
    pub(crate) fn preserve(&mut self, first: i64, last: i64) -> Result<()> {
        let Some(newest) = self.newest else {
            return Ok(());
        };
        let values = [newest.into(), first.into(), last.into()];
        let result = match first == last {
            // One that is not there is kept as such.
            true => self.statements.preserve_one.execute(&values[..2]),
            false => self.statements.preserve.execute(&values),
        };
        result.map_err(refused)
    }

    /// Whether something has to be kept at each change.
    pub(crate) fn has_snapshots(&self) -> bool {
        self.newest.is_some()
    }

    /// Looks for the newest snapshot.
    pub(crate) fn find_newest(&mut self) -> Result<()> {
        // One that was forgotten still keeps what older ones look for there, but if there are no older ones.
        let newest = self.number(
            "select coalesce(max(id), 0) from snapshot \
             where exists (select 1 from snapshot where name not like '/%' or name = '/restoring')",
        )?;
        self.newest = (newest > 0).then_some(newest);
        Ok(())
    }

    pub(crate) fn snapshot_id(&mut self, name: &str) -> Result<Option<i64>> {
        if name.starts_with('/') {
            return Ok(None);
        }
        self.row_of("select id from snapshot where name = ?1", &[name.into()])
    }

    /// About how many bytes are to come back if a snapshot is restored.
    pub(crate) fn changed_since(&mut self, id: i64) -> Result<u64> {
        let sql = "select coalesce(sum(coalesce(length(data), 0) + 64), 0) from old_chunk where snapshot = \
                   (select min(snapshot) from old_chunk as other \
                   where other.chunk = old_chunk.chunk and other.snapshot >= ?1)";
        Ok(self.number_of(sql, &[id.into()])?.max(0) as u64)
    }

    pub(crate) fn number(&mut self, sql: &str) -> Result<i64> {
        self.number_of(sql, &[])
    }

    /// The answer to a question whose answer is a number.
    pub(crate) fn number_of(&mut self, sql: &str, values: &[Value<'_>]) -> Result<i64> {
        Ok(self.row_of(sql, values)?.unwrap_or(0))
    }

    /// The number in the first row, if there is one.
    pub(crate) fn row_of(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Option<i64>> {
        self.begin_reading()?;
        let mut row = self.db.prepare(sql).map_err(refused)?;
        let there = row.run(values).map_err(refused)?;
        Ok(there.then(|| row.integer(0)))
    }

    pub(crate) fn run(&mut self, sql: &str, values: &[Value<'_>]) -> Result<()> {
        let mut statement = self.db.prepare(sql).map_err(refused)?;
        statement.execute(values).map_err(refused)
    }
}

/// The rows of all chunks of a node.
pub(crate) fn chunks_of(node: Node) -> (i64, i64) {
    // A damaged disk may have nodes of any number.
    let behind = node.0.wrapping_add(1) << CHUNK_BITS;
    (node.0 << CHUNK_BITS, behind.wrapping_sub(1))
}

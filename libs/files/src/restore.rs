//! Going back to a snapshot, in pieces that each fit into the log.
//!
//! First a picture of now is taken, with a name that says that files are about to become others. Then the bytes of then are
//! put in their places, and each chunk's of now is kept in that picture; then names and nodes. The last step gives the picture the name
//! [`UNDONE`]. A start that finds the first name takes everything back from the picture, so for whoever looks at files it was one
//! step: it has happened, or it has not.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{Error, Result};
use sqlite::{Statement, Value};

use crate::attributes::Node;
use crate::error::refused;
use crate::files::Files;
use crate::schema;
use crate::snapshot::{RESTORING, UNDONE};

/// A name in a directory, and the largest of all.
type Name = (i64, String);

impl Files {
    /// Makes all files what they were. What they are now becomes the snapshot [`UNDONE`], in the place of an earlier one of this name.
    /// Answers which nodes are not there any more although somebody has them open. If it fails, files are what they were before.
    pub fn restore(&mut self, name: &str) -> Result<Vec<Node>> {
        let wanted = self.snapshot_id(name)?.ok_or(Error::NotFound)?;
        // Chunks of then take the room of those of now, which are kept; a row is some pages and a part of one. Making room
        // may move more of them.
        let mut changed = None;
        while changed != Some(self.changed_since(wanted)?) {
            let len = self.changed_since(wanted)?;
            let found = self.reserve(len / 3072 + 64);
            changed = found.is_ok().then_some(len);
            if found.is_err() && !self.wants_tidying() {
                return found.map(|()| Vec::new());
            }
        }
        self.forget_chunk();
        self.commit()?;
        let restored = self.go_back(wanted);
        if restored.is_err() {
            self.mixed = true;
            // Otherwise whoever comes next tries again.
            let _ = self.be_whole();
        }
        self.look_again();
        let gone = self.reload_open();
        restored.map(|()| gone)
    }

    /// Takes back a restoration that failed, if that was not possible when it did.
    pub(crate) fn be_whole(&mut self) -> Result<()> {
        if !self.mixed {
            return Ok(());
        }
        self.mixed = false;
        let done = self.take_back_unfinished();
        self.mixed = done.is_err();
        if done.is_ok() {
            self.look_again();
            self.reload_open();
        }
        done
    }

    fn go_back(&mut self, wanted: i64) -> Result<()> {
        let current = self.take(RESTORING)?;
        let mut after = i64::MIN;
        let sql = "select distinct chunk from old_chunk where chunk > ?1 and snapshot >= ?2 and snapshot < ?3 \
                   order by chunk limit ?4";
        loop {
            let chunks = self.chunks_max();
            let values = [after.into(), wanted.into(), current.into(), chunks.into()];
            let next = self.numbers(sql, &values)?;
            let Some(last) = next.last() else {
                break;
            };
            after = *last;
            self.atomically(|files| {
                for &chunk in &next {
                    files.preserve(chunk, chunk)?;
                    let values = [chunk.into(), wanted.into(), current.into()];
                    files.put_back(
                        chunk,
                        "insert into chunk select chunk, data from old_chunk where chunk = ?1 and data is not null \
                         and snapshot = (select min(snapshot) from old_chunk \
                         where chunk = ?1 and snapshot >= ?2 and snapshot < ?3)",
                        &values,
                    )?;
                }
                Ok(())
            })?;
            self.written += 2 * self.weight_of_chunks(next.len() as i64);
            self.commit_if_large()?;
        }
        self.names_as_in(wanted)?;
        self.atomically(|files| {
            files.find_orphans()?;
            if let Some(earlier) = files.snapshot_id(UNDONE)? {
                files.forget(earlier)?;
            }
            let values = [current.into(), UNDONE.into()];
            files.run("update snapshot set name = ?2 where id = ?1", &values)?;
            match files.db.changes() {
                1 => Ok(()),
                _ => Err(Error::Io),
            }
        })?;
        self.commit()
    }

    /// Takes back a restoration that did not come to its end, if there is one.
    pub(crate) fn take_back_unfinished(&mut self) -> Result<()> {
        let sql = "select id from snapshot where name = ?1";
        let Some(current) = self.row_of(sql, &[RESTORING.into()])? else {
            return Ok(());
        };
        self.forget_chunk();
        self.names_as_in(current)?;
        let sql = "select chunk from old_chunk where snapshot = ?1 order by chunk limit ?2";
        loop {
            let next = self.numbers(sql, &[current.into(), self.chunks_max().into()])?;
            if next.is_empty() {
                break;
            }
            self.atomically(|files| {
                for &chunk in &next {
                    let values = [chunk.into(), current.into()];
                    files.put_back(
                        chunk,
                        "insert into chunk select chunk, data from old_chunk \
                         where chunk = ?1 and snapshot = ?2 and data is not null",
                        &values,
                    )?;
                    files.run(
                        "delete from old_chunk where chunk = ?1 and snapshot = ?2",
                        &values,
                    )?;
                }
                Ok(())
            })?;
            self.written += 2 * self.weight_of_chunks(next.len() as i64);
            self.commit_if_large()?;
        }
        self.atomically(|files| {
            files.find_orphans()?;
            files.forget(current)
        })?;
        self.commit()
    }

    /// Replaces a chunk by what a statement inserts.
    fn put_back(&mut self, chunk: i64, insert: &str, values: &[Value<'_>]) -> Result<()> {
        let remove = &mut self.statements.chunks_remove;
        remove
            .execute(&[chunk.into(), chunk.into()])
            .map_err(refused)?;
        self.run(insert, values)
    }

    /// Which nodes have chunks that nobody needs depends on which state it is.
    fn find_orphans(&mut self) -> Result<()> {
        self.run("delete from orphan", &[])?;
        self.run(schema::FIND_ORPHANS, &[])?;
        self.run(schema::FIND_CUT, &[])
    }

    /// Makes the tables `node` and `entry` what they were in a snapshot, where they differ.
    fn names_as_in(&mut self, snapshot: i64) -> Result<()> {
        let max = self.rows_max();
        let mut after = Some(i64::MIN);
        while let Some(from) = after {
            // A range that has so many rows at most in either.
            let ends = [
                "select id from node where id > ?1 order by id limit 1 offset ?2",
                "select id from old_node where snapshot = ?3 and id > ?1 order by id limit 1 offset ?2",
            ];
            let mut end = None;
            for sql in ends {
                let values = [from.into(), max.into(), snapshot.into()];
                let values = &values[..if sql.contains("?3") { 3 } else { 2 }];
                end = self.row_of(sql, values)?.into_iter().chain(end).min();
            }
            let range = [from.into(), end.unwrap_or(i64::MAX).into(), snapshot.into()];
            self.replace(
                "delete from node where id > ?1 and id <= ?2 and not exists (select 1 from old_node as old \
                 where old.snapshot = ?3 and old.id = node.id and old.kind = node.kind and old.mode = node.mode \
                 and old.links = node.links and old.size = node.size and old.created = node.created \
                 and old.modified = node.modified and old.changed = node.changed and old.data is node.data)",
                "insert or ignore into node select id, kind, mode, links, size, created, modified, changed, data \
                 from old_node where snapshot = ?3 and id > ?1 and id <= ?2",
                &range,
            )?;
            after = end;
        }
        let mut after = Some((i64::MIN, String::new()));
        while let Some((parent, name)) = after {
            let ends = [
                "select parent, name from entry where (parent, name) > (?1, ?2) \
                 order by parent, name limit 1 offset ?3",
                "select parent, name from old_entry where snapshot = ?4 and (parent, name) > (?1, ?2) \
                 order by parent, name limit 1 offset ?3",
            ];
            let mut end: Option<Name> = None;
            for sql in ends {
                let values = [
                    parent.into(),
                    name.as_str().into(),
                    max.into(),
                    snapshot.into(),
                ];
                let values = &values[..if sql.contains("?4") { 4 } else { 3 }];
                let mut row = self.db.prepare(sql).map_err(refused)?;
                if row.run(values).map_err(refused)? {
                    let found = (row.integer(0), String::from(row.text(1)));
                    end = Some(found).into_iter().chain(end).min();
                }
            }
            let (last_parent, last_name) =
                end.clone().unwrap_or((i64::MAX, format!("{}", char::MAX)));
            let range = [
                parent.into(),
                name.as_str().into(),
                last_parent.into(),
                last_name.as_str().into(),
                snapshot.into(),
            ];
            self.replace(
                "delete from entry where (parent, name) > (?1, ?2) and (parent, name) <= (?3, ?4) \
                 and not exists (select 1 from old_entry as old where old.snapshot = ?5 \
                 and old.parent = entry.parent and old.name = entry.name and old.node = entry.node)",
                "insert or ignore into entry select parent, name, node from old_entry where snapshot = ?5 \
                 and (parent, name) > (?1, ?2) and (parent, name) <= (?3, ?4)",
                &range,
            )?;
            after = end;
        }
        Ok(())
    }

    /// A piece of that.
    fn replace(&mut self, remove: &str, insert: &str, values: &[Value<'_>]) -> Result<()> {
        let count = self.atomically(|files| {
            files.run(remove, values)?;
            let removed = files.db.changes();
            files.run(insert, values)?;
            Ok((removed + files.db.changes()) as i64)
        })?;
        self.count_rows(4 * count);
        self.commit_if_large()
    }

    /// The numbers in the first column of an answer.
    fn numbers(&mut self, sql: &str, values: &[Value<'_>]) -> Result<Vec<i64>> {
        self.begin_reading()?;
        let mut rows: Statement = self.db.prepare(sql).map_err(refused)?;
        let mut found = Vec::new();
        let mut more = rows.run(values).map_err(refused)?;
        while more {
            found.push(rows.integer(0));
            more = rows.step().map_err(refused)?;
        }
        Ok(found)
    }
}

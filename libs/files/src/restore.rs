//! Going back to a snapshot, in pieces that each fit into the log.
//!
//! First a picture of now is taken, with a name that says that files are about to become others. Then the bytes of then are
//! put in their places, and each chunk's of now is kept in that picture; then names and nodes. The last step gives the picture the name
//! [`UNDONE`]. A start that finds the first name takes everything back from the picture, so for whoever looks at files it was one
//! step: it has happened, or it has not.

use alloc::vec::Vec;

use abi::{Error, Result};
use sqlite::Value;

use crate::attributes::Node;
use crate::error::refused;
use crate::files::Files;
use crate::schema;
use crate::snapshot::{RESTORING, UNDONE};
use crate::statements::{Lazy, Statements};

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
        loop {
            let chunks = self.chunks_max();
            let values = [after.into(), wanted.into(), current.into(), chunks.into()];
            let next = self.numbers(|all| &mut all.chunks_differing, &values)?;
            let Some(last) = next.last() else {
                break;
            };
            after = *last;
            self.atomically(|files| {
                for &chunk in &next {
                    files.preserve(chunk, chunk)?;
                    let values = [chunk.into(), wanted.into(), current.into()];
                    files.make_way(chunk)?;
                    let insert = &mut files.statements.chunk_as_in;
                    insert.execute(&values).map_err(refused)?;
                }
                Ok(())
            })?;
            self.written += 2 * self.weight_of_chunks(next.len() as i64);
            self.commit_piece()?;
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
        loop {
            let values = [current.into(), self.chunks_max().into()];
            let next = self.numbers(|all| &mut all.chunks_kept, &values)?;
            if next.is_empty() {
                break;
            }
            self.atomically(|files| {
                for &chunk in &next {
                    let values = [chunk.into(), current.into()];
                    files.make_way(chunk)?;
                    let all = &mut files.statements;
                    all.chunk_kept.execute(&values).map_err(refused)?;
                    all.chunk_kept_remove.execute(&values).map_err(refused)?;
                }
                Ok(())
            })?;
            self.written += 2 * self.weight_of_chunks(next.len() as i64);
            self.commit_piece()?;
        }
        self.atomically(|files| {
            files.find_orphans()?;
            files.forget(current)
        })?;
        self.commit()
    }

    /// Removes a chunk that another takes the place of.
    fn make_way(&mut self, chunk: i64) -> Result<()> {
        let remove = &mut self.statements.chunks_remove;
        let range = [chunk.into(), chunk.into()];
        remove.execute(&range).map_err(refused)
    }

    /// Which nodes have chunks that nobody needs depends on which state it is.
    fn find_orphans(&mut self) -> Result<()> {
        self.run("delete from orphan", &[])?;
        self.run(schema::FIND_ORPHANS, &[])?;
        self.run(schema::FIND_CUT, &[])
    }

    /// The numbers in the first column of what a statement answers.
    fn numbers(
        &mut self,
        ask: fn(&mut Statements) -> &mut Lazy,
        values: &[Value<'_>],
    ) -> Result<Vec<i64>> {
        self.begin_reading()?;
        let rows = ask(&mut self.statements);
        let mut found = Vec::new();
        let mut more = rows.run(values).map_err(refused)?;
        while more {
            found.push(rows.integer(0));
            more = rows.step().map_err(refused)?;
        }
        Ok(found)
    }
}

//! What nobody needs any more, removed in pieces.
//!
//! A file may be larger than the log, and with a snapshot its bytes are copied before they go. So deleting one, or cutting
//! one, only notes in the table `orphan` that it has chunks which nobody needs: all of them if it has no name, those behind its end
//! if it has one. A forgotten snapshot stays in its table without a name that anybody could ask for. [`Files::tidy`] removes a
//! piece at a time, and a start goes on where the last one was when the power went. Whoever needs room has pieces removed
//! while waiting for it, and a file that grows again is rid of what lies there first.

use alloc::collections::{BTreeMap, BTreeSet};

use abi::{Error, Result};

use crate::attributes::{Attributes, Kind, Node};
use crate::contents::{first_behind, place};
use crate::error::refused;
use crate::files::{Files, PAGE_LEN};
use crate::snapshot::{FORGOTTEN, chunks_of};
use crate::{CHUNK_LEN, INLINE_LEN_MAX};

/// Chunks that a piece has at most: what is read and written before others are served.
pub(crate) const PIECE: i64 = 32;
/// Pieces that a start does before anybody is served.
const PIECES_AT_START: usize = 16;
/// Pages that must be free for a chunk to move to a snapshot. The others of the reserve are for taking names away.
const PAGES_TO_MOVE: u64 = 24;
/// What a row counts for, of which some fit into a page.
const ROW_WEIGHT: u64 = 512;

/// What is left to be removed, as far as it can go now.
#[derive(Default)]
pub(crate) struct Tidying {
    /// Nodes with chunks that nobody needs, but those that somebody has open without a name.
    pub(crate) nodes: BTreeSet<Node>,
    /// Snapshots that are forgotten, and up to which chunk each has given its own away.
    pub(crate) snapshots: BTreeMap<i64, i64>,
    /// It could not go on, for want of room or memory, until something else has happened.
    pub(crate) waits: bool,
}

impl Files {
    /// Whether there is something for [`Files::tidy`] to do.
    pub fn wants_tidying(&self) -> bool {
        let tidying = &self.tidying;
        !tidying.waits && (!tidying.nodes.is_empty() || !tidying.snapshots.is_empty())
    }

    /// Removes a piece of what nobody needs any more, after synchronising what others have changed. Answers whether there is more.
    pub fn tidy(&mut self) -> Result<bool> {
        if !self.wants_tidying() {
            return Ok(false);
        }
        // Nothing of others' is to be lost if the disk cannot read what goes.
        self.commit()?;
        // What snapshots have kept goes first: without one, nodes go more easily.
        let snapshot = self.tidying.snapshots.first_key_value();
        let snapshot = snapshot.map(|(id, after)| (*id, *after));
        let node = self
            .tidying
            .nodes
            .first()
            .copied()
            .filter(|_| snapshot.is_none());
        let done = match (node, snapshot) {
            (_, Some((snapshot, after))) => self.tidy_snapshot(snapshot, after),
            (Some(node), None) => self.tidy_node(node),
            (None, None) => Ok(()),
        };
        match done {
            Ok(()) => {}
            Err(Error::StorageFull) => self.tidying.waits = true,
            Err(error) => {
                match node {
                    // The next start tries again.
                    Some(node) if error != Error::OutOfMemory => {
                        self.tidying.nodes.remove(&node);
                    }
                    _ => self.tidying.waits = true,
                }
                return Err(error);
            }
        }
        Ok(self.wants_tidying())
    }

    /// Some pieces at a start. What cannot be removed stays, and is nothing to whoever wants to have files.
    pub(crate) fn tidy_at_start(&mut self) {
        for _ in 0..PIECES_AT_START {
            if !matches!(self.tidy(), Ok(true)) {
                break;
            }
        }
    }

    /// Looks for what is left to be done.
    pub(crate) fn find_untidy(&mut self) -> Result<()> {
        let mut tidying = Tidying::default();
        let mut rows = self
            .db
            .prepare("select node from orphan")
            .map_err(refused)?;
        while rows.step().map_err(refused)? {
            let node = Node(rows.integer(0));
            // One that somebody has open goes when it is closed.
            if self
                .open
                .get(&node)
                .is_none_or(|open| open.attributes.links > 0)
            {
                tidying.nodes.insert(node);
            }
        }
        let sql = "select id from snapshot where name = ? order by id";
        let mut rows = self.db.prepare(sql).map_err(refused)?;
        rows.bind(1, FORGOTTEN.into()).map_err(refused)?;
        while rows.step().map_err(refused)? {
            tidying.snapshots.insert(rows.integer(0), i64::MIN);
        }
        self.tidying = tidying;
        Ok(())
    }

    /// Whether a node that nobody needs is removed at once. A snapshot may need a copy of what is in chunks, for which there may
    /// be no room.
    pub(crate) fn goes_at_once(&self, node: Node, attributes: &Attributes) -> bool {
        let len_max = match self.has_snapshots() {
            true => INLINE_LEN_MAX as u64,
            false => PIECE as u64 * CHUNK_LEN as u64,
        };
        let is_small = attributes.kind != Kind::File || attributes.len <= len_max;
        is_small && !self.tidying.nodes.contains(&node)
    }

    /// Notes that a file has chunks behind its end.
    pub(crate) fn cut_later(&mut self, node: Node) -> Result<()> {
        let orphan = &mut self.statements.orphan_new;
        orphan.execute(&[node.0.into()]).map_err(refused)?;
        self.tidying.nodes.insert(node);
        Ok(())
    }

    /// Removes what a file was rid of and still lies where it grows to now.
    pub(crate) fn clear_tail(&mut self, node: Node, old: u64, new: u64) -> Result<()> {
        if new <= old || !self.tidying.nodes.contains(&node) {
            return Ok(());
        }
        let (first, last) = (first_behind(node, old), place(node, new - 1).0);
        let mut moved = 0;
        loop {
            let (count, more) = self.atomically(|files| files.remove_piece(first, last))?;
            if !more {
                break;
            }
            // A transaction of a client's is one of the disk's.
            moved += self.weight_of_chunks(count);
            if self.together && moved > self.together_max {
                return Err(Error::FileTooLarge);
            }
            self.commit_if_large()?;
        }
        Ok(())
    }

    fn tidy_node(&mut self, node: Node) -> Result<()> {
        let all = chunks_of(node);
        let (range, stays) = match self.load(node) {
            Ok(a) if a.links > 0 && a.kind == Kind::File => {
                ((first_behind(node, a.len), all.1), true)
            }
            // Only what really has no name or is too long: the table may come from elsewhere.
            Ok(a) if a.links > 0 => ((1, 0), true),
            Ok(_) if self.open.contains_key(&node) => {
                self.tidying.nodes.remove(&node);
                return Ok(());
            }
            Ok(_) | Err(Error::NotFound) => (all, false),
            Err(error) => return Err(error),
        };
        let more = self.atomically(|files| {
            let (_, more) = files.remove_piece(range.0, range.1)?;
            if !more {
                // A chunk is left of what remains, if any.
                match stays {
                    true => {
                        let remove = &mut files.statements.orphan_remove;
                        remove.execute(&[node.0.into()]).map_err(refused)?;
                    }
                    false => files.remove_orphan(node)?,
                }
            }
            Ok(more)
        })?;
        if !more {
            self.tidying.nodes.remove(&node);
        }
        self.commit_if_large()
    }

    /// Removes some chunks of a range of rows, and keeps them for the newest snapshot. Answers how many, and whether there may be more.
    fn remove_piece(&mut self, first: i64, last: i64) -> Result<(i64, bool)> {
        self.chunk = None;
        let pieces = self.chunks_max();
        if first > last {
            return Ok((0, false));
        }
        if !self.has_snapshots() {
            let behind = &mut self.statements.chunk_behind;
            let values = [first.into(), last.into(), pieces.into()];
            let more = behind.run(&values).map_err(refused)?;
            let end = if more { behind.integer(0) - 1 } else { last };
            behind.reset();
            self.remove_chunks(first, end)?;
            self.written += 4 * PAGE_LEN;
            return Ok((pieces, more));
        }
        // One by one, so that the room of one is enough.
        for count in 0..pieces {
            let next = &mut self.statements.chunk_next;
            let there = next.run(&[first.into(), last.into()]).map_err(refused)?;
            let row = next.integer(0);
            next.reset();
            if !there {
                return Ok((count, false));
            }
            if self.pages()?.1 < PAGES_TO_MOVE {
                return match count {
                    0 => Err(Error::StorageFull),
                    _ => Ok((count, true)),
                };
            }
            self.preserve(row, row)?;
            self.remove_chunks(row, row)?;
            self.written += self.weight_of_chunks(1);
        }
        Ok((pieces, true))
    }

    /// How many chunks are moved in one piece: they must fit into the log beside what is there.
    pub(crate) fn chunks_max(&self) -> i64 {
        let fit = self.written_max / self.weight_of_chunks(1);
        (fit as i64).clamp(1, PIECE)
    }

    /// What so many chunks count for that are written to another table.
    pub(crate) fn weight_of_chunks(&self, count: i64) -> u64 {
        count as u64 * (CHUNK_LEN as u64 + PAGE_LEN)
    }

    /// How many rows of the tables of names and nodes are written in one piece.
    pub(crate) fn rows_max(&self) -> i64 {
        ((self.written_max / PAGE_LEN) as i64).clamp(16, 512)
    }

    /// Counts rows of these tables.
    pub(crate) fn count_rows(&mut self, count: i64) {
        self.written += count as u64 * ROW_WEIGHT;
    }

    /// A piece of what a forgotten snapshot has kept: older ones look for it there, so it becomes the next older one's.
    fn tidy_snapshot(&mut self, id: i64, after: i64) -> Result<()> {
        let older = self.number_of(
            "select coalesce(max(id), 0) from snapshot where id < ?1 \
             and exists (select 1 from snapshot where id < ?1 and name != ?2)",
            &[id.into(), FORGOTTEN.into()],
        )?;
        let (chunks, rows) = (self.chunks_max(), self.rows_max());
        let sql = "select chunk from old_chunk where snapshot = ?1 and chunk > ?2 order by chunk limit 1 offset ?3";
        let values = [id.into(), after.into(), (chunks - 1).into()];
        let until = self.row_of(sql, &values)?;
        let range = [id.into(), after.into(), until.unwrap_or(i64::MAX).into()];
        let is_done = self.atomically(|files| {
            if older > 0 {
                files.run(
                    "update or ignore old_chunk set snapshot = ?4 \
                     where snapshot = ?1 and chunk > ?2 and chunk <= ?3",
                    &[range[0], range[1], range[2], older.into()],
                )?;
            }
            files.run(
                "delete from old_chunk where snapshot = ?1 and chunk > ?2 and chunk <= ?3",
                &range,
            )?;
            if older == 0 {
                files.freed += (files.db.changes() * CHUNK_LEN) as u64;
            }
            // As long as it is the newest, it may have kept more meanwhile.
            if until.is_some() || after > i64::MIN {
                return Ok(false);
            }
            for sql in [
                "delete from old_entry where snapshot = ?1 and (parent, name) in \
                 (select parent, name from old_entry where snapshot = ?1 limit ?2)",
                "delete from old_node where snapshot = ?1 and id in \
                 (select id from old_node where snapshot = ?1 limit ?2)",
            ] {
                files.run(sql, &[id.into(), rows.into()])?;
                if files.db.changes() > 0 {
                    return Ok(false);
                }
            }
            files.run("delete from snapshot where id = ?1", &[id.into()])?;
            Ok(true)
        })?;
        self.written += self.weight_of_chunks(chunks);
        self.count_rows(rows);
        match is_done {
            true => {
                self.tidying.snapshots.remove(&id);
                self.look_again();
            }
            false => {
                let next = until.unwrap_or(i64::MIN);
                self.tidying.snapshots.insert(id, next);
            }
        }
        self.commit_if_large()
    }

    /// Forgets a snapshot: its name now, the rest bit by bit.
    pub(crate) fn forget(&mut self, id: i64) -> Result<()> {
        self.run(
            "update snapshot set name = ?2 where id = ?1",
            &[id.into(), FORGOTTEN.into()],
        )?;
        self.tidying.snapshots.insert(id, i64::MIN);
        Ok(())
    }
}

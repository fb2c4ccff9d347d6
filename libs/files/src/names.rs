//! The tables `node` and `entry`, a range of rows at a time: copied for a snapshot, and made again what they were in one.
//!
//! Both are gone through in the order of their keys, and in the same way: a [`Table`] has the statements for it. An entry's key is its
//! directory and its name, a node's its number and no name.

use alloc::format;
use alloc::string::String;

use abi::Result;
use sqlite::Value;

use crate::error::refused;
use crate::files::Files;
use crate::statements::{Lazy, Statements};

/// Where a row is.
type Key = (i64, String);

/// One of the statements.
type Pick = fn(&mut Statements) -> &mut Lazy;

struct Table {
    /// Whether names are a part of its keys. They are the last values of each statement, so one without them gets fewer.
    has_names: bool,
    /// Copies rows to a snapshot, so many at most, and finds the last of those that are there.
    copy: Pick,
    copied: Pick,
    /// Find the row that has so many before it, now and in a snapshot.
    ends: [Pick; 2],
    /// Remove those of a range that are not as they were, and put back what is missing.
    remove: Pick,
    insert: Pick,
}

const TABLES: [Table; 2] = [
    Table {
        has_names: false,
        copy: |all| &mut all.nodes_copy,
        copied: |all| &mut all.nodes_copied,
        ends: [|all| &mut all.nodes_end, |all| &mut all.nodes_end_then],
        remove: |all| &mut all.nodes_differing_remove,
        insert: |all| &mut all.nodes_as_in,
    },
    Table {
        has_names: true,
        copy: |all| &mut all.entries_copy,
        copied: |all| &mut all.entries_copied,
        ends: [|all| &mut all.entries_end, |all| &mut all.entries_end_then],
        remove: |all| &mut all.entries_differing_remove,
        insert: |all| &mut all.entries_as_in,
    },
];

impl Table {
    /// The values that its statements have.
    fn values<'v, 's>(&self, all: &'v [Value<'s>]) -> &'v [Value<'s>] {
        match self.has_names {
            true => all,
            false => &all[..3],
        }
    }
}

/// What lies before all rows, and behind them.
fn before_all() -> Key {
    (i64::MIN, String::new())
}
fn behind_all() -> Key {
    (i64::MAX, format!("{}", char::MAX))
}

impl Files {
    /// Copies both tables to a snapshot that has nothing of them.
    pub(crate) fn copy_names(&mut self, snapshot: i64) -> Result<()> {
        TABLES
            .iter()
            .try_for_each(|table| self.copy_table(table, snapshot))
    }

    fn copy_table(&mut self, table: &Table, snapshot: i64) -> Result<()> {
        let max = self.rows_max();
        let mut last = before_all();
        loop {
            let name = last.1.as_str();
            let values = [snapshot.into(), last.0.into(), max.into(), name.into()];
            let rows = table.values(&values);
            let count = self.atomically(|files| files.change_rows(table.copy, rows))?;
            self.count_rows(count);
            self.commit_piece()?;
            if count < max {
                return Ok(());
            }
            let found = self.key(table.copied, &values[..1])?;
            last = found.unwrap_or_else(behind_all);
        }
    }

    /// Makes both tables what they were in a snapshot, where they differ.
    pub(crate) fn names_as_in(&mut self, snapshot: i64) -> Result<()> {
        TABLES
            .iter()
            .try_for_each(|table| self.table_as_in(table, snapshot))
    }

    fn table_as_in(&mut self, table: &Table, snapshot: i64) -> Result<()> {
        let max = self.rows_max();
        let mut last = Some(before_all());
        while let Some((number, name)) = last {
            // A range that has so many rows at most in either.
            let (snapshot, number) = (snapshot.into(), number.into());
            let values = [snapshot, number, max.into(), name.as_str().into()];
            let mut end: Option<Key> = None;
            for find in table.ends {
                let found = self.key(find, table.values(&values))?;
                end = found.into_iter().chain(end).min();
            }
            let to = end.clone().unwrap_or_else(behind_all);
            let (to, to_name) = (to.0.into(), to.1.as_str().into());
            let range = [snapshot, number, to, name.as_str().into(), to_name];
            let range = table.values(&range);
            let count = self.atomically(|files| {
                let removed = files.change_rows(table.remove, range)?;
                Ok(removed + files.change_rows(table.insert, range)?)
            })?;
            self.count_rows(4 * count);
            self.commit_piece()?;
            last = end;
        }
        Ok(())
    }

    /// Runs a statement that changes rows, and counts them.
    fn change_rows(&mut self, pick: Pick, values: &[Value<'_>]) -> Result<i64> {
        pick(&mut self.statements)
            .execute(values)
            .map_err(refused)?;
        Ok(self.db.changes() as i64)
    }

    /// The key of the row that a statement finds, if it does.
    fn key(&mut self, find: Pick, values: &[Value<'_>]) -> Result<Option<Key>> {
        self.begin_reading()?;
        let row = find(&mut self.statements);
        let there = row.run(values).map_err(refused)?;
        let key = there.then(|| (row.integer(0), String::from(row.text(1))));
        row.reset();
        Ok(key)
    }
}

//! The statements that are run again and again, also those that go through much in pieces. Each is prepared when it is first run: all of them at once would take a
//! large part of a start, and most starts need few.

use sqlite::{Connection, Result, Statement, Value};

/// A statement that is prepared at its first run. Until then it has no rows.
pub(crate) struct Lazy {
    db: Connection,
    sql: &'static str,
    statement: Option<Statement>,
}

impl Lazy {
    fn new(db: &Connection, sql: &'static str) -> Lazy {
        Lazy {
            db: db.clone(),
            sql,
            statement: None,
        }
    }

    fn prepared(&mut self) -> Result<&mut Statement> {
        let statement = match self.statement.take() {
            Some(statement) => statement,
            None => self.db.prepare(self.sql)?,
        };
        Ok(self.statement.insert(statement))
    }

    /// As [`Statement::run`], and so are the others.
    pub(crate) fn run(&mut self, values: &[Value<'_>]) -> Result<bool> {
        self.prepared()?.run(values)
    }

    pub(crate) fn execute(&mut self, values: &[Value<'_>]) -> Result<()> {
        self.prepared()?.execute(values)
    }

    pub(crate) fn step(&mut self) -> Result<bool> {
        self.prepared()?.step()
    }

    pub(crate) fn reset(&mut self) {
        if let Some(statement) = &mut self.statement {
            statement.reset();
        }
    }

    pub(crate) fn integer(&self, column: usize) -> i64 {
        self.statement.as_ref().map_or(0, |s| s.integer(column))
    }

    pub(crate) fn text(&self, column: usize) -> &str {
        self.statement.as_ref().map_or("", |s| s.text(column))
    }

    pub(crate) fn blob(&self, column: usize) -> &[u8] {
        self.statement.as_ref().map_or(&[], |s| s.blob(column))
    }

    fn reprepared(&self) -> u32 {
        self.statement.as_ref().map_or(0, Statement::reprepared)
    }
}

macro_rules! statements {
    ($($name:ident: $sql:literal,)+) => {
        /// All of them.
        pub(crate) struct Statements { $(pub(crate) $name: Lazy,)+ }

        impl Statements {
            /// Those that take something back are prepared at once: there may be no memory when they are needed.
            pub(crate) fn new(db: &Connection) -> Result<Statements> {
                let mut all = Statements { $($name: Lazy::new(db, $sql),)+ };
                for one in [&mut all.undo, &mut all.release, &mut all.undo_all, &mut all.release_all] {
                    one.prepared()?;
                }
                Ok(all)
            }

            /// How often SQLite had to prepare one of them again.
            pub(crate) fn reprepared(&self) -> u32 {
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
    savepoint_all: "savepoint all_of_it",
    release_all: "release all_of_it",
    undo_all: "rollback to all_of_it",
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
    chunk_next: "select id from chunk where id between ?1 and ?2 order by id limit 1",
    chunk_behind: "select id from chunk where id between ?1 and ?2 order by id limit 1 offset ?3",
    chunks_remove: "delete from chunk where id between ?1 and ?2",
    entry: "select entry.node, node.kind from entry join node on node.id = entry.node \
        where parent = ?1 and name = ?2",
    entry_new: "insert into entry values (?1, ?2, ?3)",
    entry_remove: "delete from entry where parent = ?1 and name = ?2",
    entry_any: "select 1 from entry where parent = ? limit 1",
    entries: "select entry.name, entry.node, node.kind from entry join node on node.id = entry.node \
        where entry.parent = ?1 and entry.name > ?2 order by entry.name",
    parent: "select parent, name from entry where node = ?",
    orphan_new: "insert or ignore into orphan values (?)",
    orphan_remove: "delete from orphan where node = ?",
    // What differs from a snapshot, and what was kept for one.
    chunks_differing: "select distinct chunk from old_chunk where chunk > ?1 and snapshot >= ?2 and snapshot < ?3 \
        order by chunk limit ?4",
    chunk_as_in: "insert into chunk select chunk, data from old_chunk where chunk = ?1 and data is not null \
        and snapshot = (select min(snapshot) from old_chunk \
        where chunk = ?1 and snapshot >= ?2 and snapshot < ?3)",
    chunks_kept: "select chunk from old_chunk where snapshot = ?1 order by chunk limit ?2",
    chunk_kept: "insert into chunk select chunk, data from old_chunk \
        where chunk = ?1 and snapshot = ?2 and data is not null",
    chunk_kept_remove: "delete from old_chunk where chunk = ?1 and snapshot = ?2",
    // Ranges of rows, for `names`: ?1 is a snapshot, ?2 and ?4 are the key before the first.
    nodes_copy: "insert into old_node select ?1, * from node where id > ?2 order by id limit ?3",
    nodes_copied: "select id, '' from old_node where snapshot = ?1 order by id desc limit 1",
    nodes_end: "select id, '' from node where id > ?2 order by id limit 1 offset ?3",
    nodes_end_then: "select id, '' from old_node where snapshot = ?1 and id > ?2 order by id limit 1 offset ?3",
    nodes_differing_remove: "delete from node where id > ?2 and id <= ?3 and not exists (select 1 from old_node as old \
        where old.snapshot = ?1 and old.id = node.id and old.kind = node.kind and old.mode = node.mode \
        and old.links = node.links and old.size = node.size and old.created = node.created \
        and old.modified = node.modified and old.changed = node.changed and old.data is node.data)",
    nodes_as_in: "insert or ignore into node select id, kind, mode, links, size, created, modified, changed, data \
        from old_node where snapshot = ?1 and id > ?2 and id <= ?3",
    entries_copy: "insert into old_entry select ?1, * from entry where (parent, name) > (?2, ?4) \
        order by parent, name limit ?3",
    entries_copied: "select parent, name from old_entry where snapshot = ?1 order by parent desc, name desc limit 1",
    entries_end: "select parent, name from entry where (parent, name) > (?2, ?4) \
        order by parent, name limit 1 offset ?3",
    entries_end_then: "select parent, name from old_entry where snapshot = ?1 and (parent, name) > (?2, ?4) \
        order by parent, name limit 1 offset ?3",
    entries_differing_remove: "delete from entry where (parent, name) > (?2, ?4) and (parent, name) <= (?3, ?5) \
        and not exists (select 1 from old_entry as old where old.snapshot = ?1 \
        and old.parent = entry.parent and old.name = entry.name and old.node = entry.node)",
    entries_as_in: "insert or ignore into entry select parent, name, node from old_entry where snapshot = ?1 \
        and (parent, name) > (?2, ?4) and (parent, name) <= (?3, ?5)",
    pages_max: "pragma max_page_count",
    pages: "pragma page_count",
    pages_free: "pragma freelist_count",
}

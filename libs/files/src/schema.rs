//! The tables, and the view for people.
//!
//! A *node* is a file, a directory or a symbolic link; an *entry* is a name for a node in a
//! directory; a *chunk* holds 16 KiB of a file. A chunk that is not there is zeroes, so files
//! may have holes. A node whose last name is gone has `links = 0`; it is removed when nobody has it open
//! any more, or after the next start, which finds it in the table `orphan`. A snapshot whose name begins with `/` was forgotten,
//! or belongs to a restoration that is under way.

use alloc::format;
use alloc::string::ToString;

/// The version of these tables, in the database's header (`user_version`).
pub const VERSION: i64 = 3;

/// `application_id` in the database's header: "FTLf".
pub const APPLICATION: i64 = 0x4654_4c66;

/// The node of the topmost directory.
pub const ROOT: i64 = 1;

/// A chunk's row number is its node's, shifted by this, plus its number in the file.
pub const CHUNK_BITS: u32 = 26;

/// Makes an empty file system; `?1` is replaced by the time in nanoseconds.
pub const CREATE: &str = "
create table node(
    id integer primary key,
    kind integer not null,          -- 1 file, 2 directory, 3 symbolic link
    mode integer not null,          -- permission bits, as a host shows them
    links integer not null,         -- entries that name it
    size integer not null,          -- bytes of the file, or of the link's target
    created integer not null,       -- nanoseconds since 1970, as the next two
    modified integer not null,
    changed integer not null,
    data blob                       -- the whole file if it is small; the link's target
) strict;
create table entry(
    parent integer not null,
    name text not null,
    node integer not null,
    primary key(parent, name)
) strict, without rowid;
create index entry_node on entry(node);
create table chunk(
    id integer primary key,         -- node << 26 | number
    data blob not null              -- up to 16 KiB; what is missing is zeroes
) strict;
create view files as
with recursive tree(path, node) as (
    select '/' , 1
    union all
    select case tree.path when '/' then '/' else tree.path || '/' end || entry.name, entry.node
    from tree join entry on entry.parent = tree.node
)
select
    tree.path as path,
    case node.kind when 1 then 'file' when 2 then 'directory' else 'link' end as kind,
    node.size as size,
    node.links as links,
    datetime(node.modified / 1000000000, 'unixepoch') as modified,
    datetime(node.created / 1000000000, 'unixepoch') as created,
    case
        when node.kind = 2 then null
        when node.data is not null or node.size = 0 then coalesce(node.data, x'')
        else substr(cast((
            with recursive number(i) as (
                select 0 union all select i + 1 from number where (i + 1) * 16384 < node.size
            )
            select group_concat(cast(substr(cast(coalesce(chunk.data, x'') || zeroblob(16384) as blob), 1, 16384) as text), '')
            from (select i from number order by i) left join chunk on chunk.id = (node.id << 26) + i
        ) as blob), 1, node.size)
    end as content
from tree join node on node.id = tree.node;
insert into node values (1, 2, 493, 1, 0, ?1, ?1, ?1, null);
";

/// What version 2 adds: snapshots. `old_node` and `old_entry` have the columns of `node` and `entry`.
pub const SNAPSHOTS: &str = "
create table snapshot(
    id integer primary key,
    name text not null,
    created integer not null        -- nanoseconds since 1970
) strict;
create table old_node(
    snapshot integer not null,
    id integer not null,
    kind integer not null,
    mode integer not null,
    links integer not null,
    size integer not null,
    created integer not null,
    modified integer not null,
    changed integer not null,
    data blob,
    primary key(snapshot, id)
) strict, without rowid;
create table old_entry(
    snapshot integer not null,
    parent integer not null,
    name text not null,
    node integer not null,
    primary key(snapshot, parent, name)
) strict, without rowid;
create table old_chunk(
    snapshot integer not null,      -- the newest when the chunk was first changed
    chunk integer not null,
    data blob,                      -- null: there was no such chunk
    primary key(chunk, snapshot)
) strict;
";

/// What version 3 adds: the nodes with chunks that nobody needs any more, so that a start need not look for them among
/// all nodes. Of one without a name these are all, of one with a name those behind its end. In a file system that nobody has open there are
/// some only if there was not yet time to remove them ([`Files::tidy`](crate::Files::tidy)).
pub const ORPHANS: &str = "
create table orphan(
    node integer primary key
) strict;
";

/// Finds them in a file system that did not keep that table.
pub(crate) const FIND_ORPHANS: &str =
    "insert or ignore into orphan select id from node where links <= 0";

/// Finds files with chunks behind their end.
pub(crate) const FIND_CUT: &str = "insert or ignore into orphan select id from node where kind = 1 and links > 0 \
    and exists (select 1 from chunk where chunk.id >= (node.id << 26) + (node.size + 16383) / 16384 \
    and chunk.id < (node.id + 1) << 26)";

/// Prepares a connection, and makes the tables if there are none.
pub(crate) fn open(
    db: &sqlite::Connection,
    options: &crate::Options,
    now: u64,
) -> sqlite::Result<()> {
    let number = |sql: &str| -> sqlite::Result<i64> {
        let mut statement = db.prepare(sql)?;
        statement.step()?;
        Ok(statement.integer(0))
    };
    // An image from elsewhere must not bring functions that run while we look at it.
    db.execute("pragma trusted_schema = off; pragma cell_size_check = on;")?;
    let mut mode = db.prepare("pragma journal_mode")?;
    mode.step()?;
    let has_log = mode.text(0) == "wal";
    drop(mode);
    if !has_log {
        // The change itself is a transaction of the kind before, and there is no other file for it.
        db.execute("pragma page_size = 4096; pragma journal_mode = memory;")?;
        db.execute("pragma journal_mode = wal;")?;
    }
    db.execute("pragma synchronous = full;")?;
    let pages_max = (options.data_len / 4096).min(u32::MAX as u64 - 1);
    // A quarter of the log: a commit must fit behind one that is not yet moved to its place.
    let checkpoint = (options.log_len / (4 * 4120)).clamp(16, 1000);
    db.execute(&format!(
        "pragma max_page_count = {pages_max}; pragma wal_autocheckpoint = {checkpoint}; \
         pragma cache_size = -{};",
        (options.cache_len / 1024).max(64)
    ))?;
    let (application, version) = (
        number("pragma application_id")?,
        number("pragma user_version")?,
    );
    let tables = number("select count(*) from sqlite_schema")?;
    if (application, version, tables) == (0, 0, 0) {
        db.execute("begin immediate")?;
        db.execute(&CREATE.replace("?1", &now.min(i64::MAX as u64).to_string()))?;
        db.execute(SNAPSHOTS)?;
        db.execute(ORPHANS)?;
        db.execute(&format!(
            "pragma application_id = {APPLICATION}; pragma user_version = {VERSION}; commit;"
        ))?;
        return Ok(());
    }
    // A disk of before there were snapshots, or that table.
    if application == APPLICATION && (1..VERSION).contains(&version) && is_ours(db, version)? {
        db.execute("begin immediate")?;
        if version == 1 {
            db.execute(SNAPSHOTS)?;
        }
        db.execute(ORPHANS)?;
        db.execute(FIND_ORPHANS)?;
        db.execute(&format!("pragma user_version = {VERSION}; commit;"))?;
        return Ok(());
    }
    if (application, version) != (APPLICATION, VERSION) || !is_ours(db, VERSION)? {
        return Err(sqlite::Error {
            kind: sqlite::Kind::Damaged,
            code: 0,
            message: "the disk holds another database, or another version".into(),
        });
    }
    Ok(())
}

/// Whether the tables are those of this version, letter by letter, and nothing is there that would run by
/// itself.
fn is_ours(db: &sqlite::Connection, version: i64) -> sqlite::Result<bool> {
    let mut rows = db.prepare(
        "select sql from sqlite_schema where name in ('node', 'entry', 'chunk', 'files', 'entry_node', \
         'snapshot', 'old_node', 'old_entry', 'old_chunk', 'orphan') \
         or type = 'trigger' order by rowid",
    )?;
    let parts = [CREATE, SNAPSHOTS, ORPHANS];
    let expected = parts.iter().take(version.max(0) as usize);
    let expected = expected.flat_map(|part| part.split(";\n")).map(str::trim);
    for expected in expected.filter(|sql| sql.starts_with("create ")) {
        if !rows.step()? || !same(rows.text(0), expected) {
            return Ok(false);
        }
    }
    Ok(!rows.step()?)
}

/// Whether two statements are the same but for capitals in their first words: SQLite stores
/// `CREATE TABLE` and then the rest as it was.
fn same(stored: &str, expected: &str) -> bool {
    stored.eq_ignore_ascii_case(expected)
}

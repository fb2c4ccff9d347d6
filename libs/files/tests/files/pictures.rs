//! What snapshots show, read from the tables themselves: so that all can be looked at without restoring any.

use std::collections::BTreeMap;

use files::{CHUNK_LEN, Files};

use crate::model::{Thing, Tree};

/// A chunk's number is its node's, shifted by this, plus its place in the file.
const CHUNK_BITS: u32 = 26;
/// The kind of a node that is a directory.
const DIRECTORY: i64 = 2;

type Chunks = BTreeMap<i64, Vec<u8>>;

/// All rows of an answer.
fn rows<T>(files: &mut Files, sql: &str, read: impl Fn(&sqlite::Statement) -> T) -> Vec<T> {
    let mut all = vec![];
    let each = |row: &sqlite::Statement| {
        all.push(read(row));
        Ok(true)
    };
    let words = |words: &str| panic!("{sql}: {words}");
    files.query(sql, |_| {}, each, words).unwrap();
    all
}

/// Bytes in a column, if there are any.
fn bytes(row: &sqlite::Statement, column: usize) -> Option<Vec<u8>> {
    match row.column(column) {
        sqlite::Value::Null => None,
        _ => Some(row.blob(column).to_vec()),
    }
}

/// All snapshots with what they show, the oldest first.
pub fn pictures(files: &mut Files) -> Vec<(String, Tree)> {
    let sql = "select id, name from snapshot where name not like '/%' order by id desc";
    let snapshots = rows(files, sql, |row| (row.integer(0), row.text(1).to_owned()));
    if snapshots.is_empty() {
        return vec![];
    }
    let sql = "select id, data from chunk";
    let mut chunks: Chunks = rows(files, sql, |row| (row.integer(0), row.blob(1).to_vec()))
        .into_iter()
        .collect();
    let sql = "select snapshot, chunk, data from old_chunk";
    let mut kept = rows(files, sql, |row| {
        (row.integer(0), row.integer(1), bytes(row, 2))
    });
    kept.sort_by_key(|one| std::cmp::Reverse(one.0));
    let mut kept = kept.into_iter().peekable();
    let mut all = vec![];
    // From the newest to the oldest: each shows what it has kept, and else what the one after it shows.
    for (id, name) in snapshots {
        while let Some((_, chunk, data)) = kept.next_if(|one| one.0 >= id) {
            match data {
                Some(data) => chunks.insert(chunk, data),
                None => chunks.remove(&chunk),
            };
        }
        all.push((name, picture(files, id, &chunks)));
    }
    all.reverse();
    all
}

fn picture(files: &mut Files, id: i64, chunks: &Chunks) -> Tree {
    let sql = format!("select parent, name, node from old_entry where snapshot = {id}");
    let entries = rows(files, &sql, |row| {
        (row.integer(0), row.text(1).to_owned(), row.integer(2))
    });
    let sql = format!("select id, kind, size, data from old_node where snapshot = {id}");
    let nodes: BTreeMap<i64, _> = rows(files, &sql, |row| {
        let contents = (row.integer(2) as usize, bytes(row, 3));
        (row.integer(0), (row.integer(1), contents))
    })
    .into_iter()
    .collect();
    let mut tree = Tree::new();
    let mut waiting = vec![(String::new(), files.root().0)];
    while let Some((path, directory)) = waiting.pop() {
        for (_, name, node) in entries.iter().filter(|entry| entry.0 == directory) {
            let path = match path.as_str() {
                "" => name.clone(),
                path => format!("{path}/{name}"),
            };
            let (kind, (len, data)) = &nodes[node];
            let thing = match *kind == DIRECTORY {
                true => {
                    waiting.push((path.clone(), *node));
                    Thing::Directory
                }
                false => Thing::File(contents(*node, *len, data.as_deref(), chunks)),
            };
            tree.insert(path, thing);
        }
    }
    tree
}

fn contents(node: i64, len: usize, data: Option<&[u8]>, chunks: &Chunks) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let mut put = |at: usize, part: &[u8]| {
        let count = part.len().min(len - at);
        bytes[at..at + count].copy_from_slice(&part[..count]);
    };
    if let Some(data) = data {
        put(0, data);
        return bytes;
    }
    let first = node << CHUNK_BITS;
    let behind = first + len.div_ceil(CHUNK_LEN) as i64;
    for (chunk, part) in chunks.range(first..behind) {
        put((chunk - first) as usize * CHUNK_LEN, part);
    }
    bytes
}

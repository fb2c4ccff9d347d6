//! Questions that want more memory than there may be: they fail, and nobody else loses anything by them. A test binary of its own, since the
//! bounds are those of all connections.

use abi::Error;
use files::Kind;

#[allow(dead_code)] // It is for other tests as well.
#[path = "files/common.rs"]
mod common;

use common::Disks;

/// Questions that want some 100 MB.
const GREEDY: [&str; 4] = [
    "select length(hex(randomblob(50000000)))",
    // It reads a table: if it fails within a transaction, SQLite takes that back.
    "select length(hex(randomblob(50000000 + size))) from node",
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) \
     select count(*) from (select i, randomblob(1000) as r from n order by r)",
    "select length(replace(hex(zeroblob(4000000)), '0', 'much longer than before'))",
];

#[test]
fn a_greedy_question_fails_and_takes_nothing_from_others() {
    files::limit_memory(256 * 1024);
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    let node = files.create(root, "file", Kind::File, 0o644).unwrap();
    files.keep(node).unwrap();
    let mut end = 0;
    for question in GREEDY {
        // Not synchronised when the question comes.
        files.write(node, end, &[7; 50_000]).unwrap();
        end += 50_000;
        let mut words = String::new();
        let asked = files.query(question, |_| {}, |_| Ok(true), |text| words = text.into());
        assert_eq!(asked, Err(Error::OutOfMemory), "{question}: {words}");
        assert_eq!(files.attributes(node).unwrap().len, end);
        let mut found = vec![0; 50_000];
        files.read(node, end - 50_000, &mut found).unwrap();
        assert!(found == [7; 50_000], "{question}");
        assert_eq!(files.sync(), Ok(()), "nothing was lost");
    }
    // And one that wants little is answered.
    let mut rows = 0;
    let count = |_: &sqlite::Statement| {
        rows += 1;
        Ok(true)
    };
    let sql = "select path, size from files order by size desc";
    files.query(sql, |_| {}, count, |_| {}).unwrap();
    assert_eq!(rows, 2);
    assert_eq!(files.check(), Ok(None));
}

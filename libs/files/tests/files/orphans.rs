//! Files that have lost their last name while somebody had them open, when the machine went down.

use files::{Files, Kind, Node};

use crate::common::Disks;

/// More than there is room for in the pages that a start may read.
const MANY: usize = 10_000;
/// Pages that a start may read of the database: its tables' first ones, whatever is in them.
const PAGES_AT_START: u64 = 40;

/// The answer to a question whose answer is a number.
fn number(files: &mut Files, sql: &str) -> i64 {
    let mut answer = 0;
    let each = |row: &sqlite::Statement| {
        answer = row.integer(0);
        Ok(true)
    };
    files.query(sql, |_| {}, each, |_| {}).unwrap();
    answer
}

/// Nodes beside the topmost directory, chunks, and what is remembered as having no name.
fn rows(files: &mut Files) -> [i64; 3] {
    [
        "select count(*) - 1 from node",
        "select count(*) from chunk",
        "select count(*) from orphan",
    ]
    .map(|sql| number(files, sql))
}

/// A file with some chunks and no name, which somebody has open.
fn nameless(files: &mut Files) -> Node {
    let root = files.root();
    let node = files.create(root, "going", Kind::File, 0o644).unwrap();
    files.keep(node).unwrap();
    files.write(node, 0, &[7; 40_000]).unwrap();
    files.unlink(root, "going").unwrap();
    node
}

#[test]
fn what_had_no_name_when_the_machine_went_down_goes_at_the_next_start() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let node = nameless(&mut files);
    files.sync().unwrap();
    assert_eq!(rows(&mut files), [1, 3, 1]);
    assert_eq!(files.attributes(node).unwrap().len, 40_000);
    drop(files);
    let mut files = disks.mount();
    assert_eq!(rows(&mut files), [0, 0, 0]);
    assert_eq!(files.check(), Ok(None));
}

#[test]
fn what_is_closed_in_time_leaves_nothing() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let node = nameless(&mut files);
    files.close(node).unwrap();
    assert_eq!(rows(&mut files), [0, 0, 0]);
    // Another one that is replaced by a rename.
    let root = files.root();
    let old = files.create(root, "old", Kind::File, 0o644).unwrap();
    files.create(root, "new", Kind::File, 0o644).unwrap();
    files.keep(old).unwrap();
    files.rename(root, "new", root, "old").unwrap();
    assert_eq!(rows(&mut files), [2, 0, 1]);
    files.close(old).unwrap();
    assert_eq!(rows(&mut files), [1, 0, 0]);
}

#[test]
fn a_disk_that_kept_no_table_of_them_is_looked_through_once() {
    let disks = Disks::new();
    let mut files = disks.mount();
    nameless(&mut files);
    files.sync().unwrap();
    files
        .execute_for_tests("drop table orphan; pragma user_version = 2;")
        .unwrap();
    drop(files);
    assert_eq!(rows(&mut disks.mount()), [0, 0, 0]);
}

#[test]
fn one_that_comes_back_with_a_snapshot_goes_again() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let node = nameless(&mut files);
    files.snapshot("then").unwrap();
    files.close(node).unwrap();
    files.restore("then").unwrap();
    files.sync().unwrap();
    drop(files);
    let mut files = disks.mount();
    assert_eq!(rows(&mut files), [0, 0, 0]);
}

#[test]
fn a_table_that_names_what_has_a_name_takes_nothing_away() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    let node = files.create(root, "here", Kind::File, 0o644).unwrap();
    let sql = format!(
        "insert into orphan values ({}), ({}), (12345), (-1);",
        node.0,
        i64::MAX
    );
    files.execute_for_tests(&sql).unwrap();
    files.sync().unwrap();
    drop(files);
    let mut files = disks.mount();
    assert_eq!(files.lookup(root, "here"), Ok(node));
    assert_eq!(rows(&mut files), [1, 0, 0]);
}

#[test]
fn a_start_does_not_read_all_nodes() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    for i in 0..MANY {
        files
            .create(root, &format!("{i}"), Kind::File, 0o644)
            .unwrap();
    }
    files.sync().unwrap();
    drop(files);
    let most = 1_000_000;
    *disks.data.fails_after.borrow_mut() = Some(most);
    let files = disks.mount();
    let left = disks.data.fails_after.borrow().unwrap();
    assert!(most - left < PAGES_AT_START, "{} reads", most - left);
    drop(files);
}

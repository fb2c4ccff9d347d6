//! Databases on a storage in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use sqlite::storage::{File, Storage, StorageError};
use sqlite::{Access, Connection, Kind, Value};

type Contents = Rc<RefCell<Vec<u8>>>;

/// Files in a map. Clones are the same files.
#[derive(Clone, Default)]
struct Memory {
    files: Rc<RefCell<BTreeMap<String, Contents>>>,
    len_max: Option<u64>,
}

struct Open {
    contents: Contents,
    len_max: Option<u64>,
}

impl Storage for Memory {
    fn open(&mut self, name: &str, create: bool) -> Result<Box<dyn File>, StorageError> {
        let mut files = self.files.borrow_mut();
        let contents = match files.get(name) {
            Some(contents) => contents.clone(),
            None if create => files.entry(name.to_owned()).or_default().clone(),
            None => return Err(StorageError::CannotOpen),
        };
        Ok(Box::new(Open {
            contents,
            len_max: self.len_max,
        }))
    }
    fn exists(&mut self, name: &str) -> Result<bool, StorageError> {
        Ok(self.files.borrow().contains_key(name))
    }
    fn delete(&mut self, name: &str) -> Result<(), StorageError> {
        self.files.borrow_mut().remove(name);
        Ok(())
    }
    fn random(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
    fn unix_ms(&mut self) -> u64 {
        1_000_000_000_000
    }
}

impl File for Open {
    fn len(&mut self) -> Result<u64, StorageError> {
        Ok(self.contents.borrow().len() as u64)
    }
    fn read(&mut self, offset: u64, to: &mut [u8]) -> Result<usize, StorageError> {
        let contents = self.contents.borrow();
        let there = contents.get(offset as usize..).unwrap_or(&[]);
        let len = there.len().min(to.len());
        to[..len].copy_from_slice(&there[..len]);
        Ok(len)
    }
    fn write(&mut self, offset: u64, from: &[u8]) -> Result<(), StorageError> {
        let end = offset as usize + from.len();
        if self.len_max.is_some_and(|max| end as u64 > max) {
            return Err(StorageError::Full);
        }
        let mut contents = self.contents.borrow_mut();
        if contents.len() < end {
            contents.resize(end, 0);
        }
        contents[offset as usize..end].copy_from_slice(from);
        Ok(())
    }
    fn set_len(&mut self, len: u64) -> Result<(), StorageError> {
        self.contents.borrow_mut().resize(len as usize, 0);
        Ok(())
    }
    fn sync(&mut self) -> Result<(), StorageError> {
        Ok(())
    }
}

fn open(memory: &Memory) -> Connection {
    let connection = Connection::open(Box::new(memory.clone())).unwrap();
    connection.execute("PRAGMA journal_mode=WAL;").unwrap();
    connection
}

#[test]
fn values_come_back_as_they_were_stored() {
    let memory = Memory::default();
    let db = open(&memory);
    db.execute("create table t(a, b); insert into t values (1, 'one'), (null, x'00ff');")
        .unwrap();
    let mut select = db.prepare("select a, b from t order by rowid").unwrap();
    assert_eq!((select.column_count(), select.column_name(1)), (2, "b"));
    assert!(select.step().unwrap());
    assert_eq!(select.column(0), Value::Integer(1));
    assert_eq!(select.column(1), Value::Text("one"));
    assert_eq!(select.column(9), Value::Null);
    assert!(select.step().unwrap());
    assert_eq!(select.column(0), Value::Null);
    assert_eq!(select.blob(1), [0, 255]);
    assert!(!select.step().unwrap());
    assert_eq!(select.column(0), Value::Null, "there is no row any more");

    let mut insert = db.prepare("insert into t values (?, ?)").unwrap();
    assert!(!insert.is_read_only());
    let text = "ä".repeat(10_000);
    insert.execute(&[2.into(), text.as_str().into()]).unwrap();
    assert_eq!((db.changes(), db.last_insert_rowid()), (1, 3));
    let mut select = db.prepare("select b from t where a = ?").unwrap();
    assert!(select.run(&[2.into()]).unwrap());
    assert_eq!(select.text(0), text);
}

#[test]
fn a_database_is_there_when_it_is_opened_again() {
    let memory = Memory::default();
    open(&memory)
        .execute("create table t(a); insert into t values (5)")
        .unwrap();
    assert!(
        !memory.files.borrow().contains_key("database-wal"),
        "closed in order"
    );
    let db = open(&memory);
    let mut select = db.prepare("select a from t").unwrap();
    assert!(select.step().unwrap());
    assert_eq!(select.integer(0), 5);
}

#[test]
fn what_was_committed_survives_without_an_orderly_end() {
    let memory = Memory::default();
    let db = open(&memory);
    db.execute("create table t(a); insert into t values (5); begin; insert into t values (6)")
        .unwrap();
    assert!(db.in_transaction());
    // The machine is switched off: what the files hold in this moment is all there is.
    let files = memory.files.borrow();
    let copy = Memory::default();
    for (name, contents) in files.iter() {
        let contents = Rc::new(RefCell::new(contents.borrow().clone()));
        copy.files.borrow_mut().insert(name.clone(), contents);
    }
    let again = open(&copy);
    let mut select = again.prepare("select sum(a) from t").unwrap();
    assert!(select.step().unwrap());
    assert_eq!(select.integer(0), 5);
}

#[test]
fn blobs_are_read_and_written_in_parts() {
    let memory = Memory::default();
    let db = open(&memory);
    db.execute("create table t(id integer primary key, data); begin; insert into t values (7, zeroblob(100000))")
        .unwrap();
    let mut blob = db.blob(c"t", c"data", 7, true).unwrap();
    assert_eq!(blob.len(), 100_000);
    blob.write(99_990, &[3; 10]).unwrap();
    let mut found = [0; 20];
    blob.read(99_980, &mut found).unwrap();
    assert_eq!(found[..10], [0; 10]);
    assert_eq!(found[10..], [3; 10]);
    assert!(blob.write(99_991, &[3; 10]).is_err());
    assert!(blob.read(usize::MAX, &mut found).is_err());
    assert!(blob.move_to(8).is_err());
    drop(blob);
    db.execute("commit").unwrap();
}

#[test]
fn errors_are_told_apart() {
    let memory = Memory::default();
    let db = open(&memory);
    db.execute("create table t(a unique); insert into t values (1)")
        .unwrap();
    let kind = |sql: &str| db.execute(sql).unwrap_err().kind;
    assert_eq!(kind("nonsense"), Kind::Misuse);
    assert_eq!(kind("insert into t values (1)"), Kind::Constraint);
    assert_eq!(
        db.execute("select * from nowhere").unwrap_err().message,
        "no such table: nowhere"
    );
    db.set_access(Access::Read);
    for forbidden in [
        "delete from t",
        "pragma page_size",
        "attach 'x' as x",
        "begin",
        "create view v as select 1",
    ] {
        assert_eq!(
            db.execute(forbidden).unwrap_err().kind,
            Kind::Denied,
            "{forbidden}"
        );
    }
    db.execute("select a, count(*) from t where a like 'x' group by a")
        .unwrap();
    db.set_access(Access::Full);
    db.set_steps_max(1000);
    let endless =
        "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";
    assert_eq!(db.execute(endless).unwrap_err().kind, Kind::Interrupted);
    db.set_steps_max(0);
    assert!(db.prepare("select 1; select 2").is_err());
    assert!(db.prepare("-- nothing").is_err());
    db.prepare("select 1; ").unwrap();
}

#[test]
fn a_full_storage_and_a_damaged_database_are_errors() {
    let memory = Memory {
        len_max: Some(100_000),
        ..Memory::default()
    };
    let db = open(&memory);
    db.execute("create table t(a)").unwrap();
    let mut insert = db
        .prepare("insert into t values (zeroblob(10000))")
        .unwrap();
    let error = (0..1000).find_map(|_| insert.execute(&[]).err()).unwrap();
    assert_eq!(error.kind, Kind::Full);
    drop((insert, db));

    let memory = Memory::default();
    open(&memory).execute("create table t(a)").unwrap();
    memory.files.borrow()["database"].borrow_mut()[100..2000].fill(0xaa);
    let db = Connection::open(Box::new(memory)).unwrap();
    assert_eq!(
        db.execute("select * from t").unwrap_err().kind,
        Kind::Damaged
    );
}

#[test]
fn a_statement_is_prepared_once() {
    let memory = Memory::default();
    let db = open(&memory);
    db.execute("create table t(a text, b int, primary key(a)) without rowid; insert into t values ('x', 1)")
        .unwrap();
    let mut select = db.prepare("select b from t where a = ?").unwrap();
    for _ in 0..10 {
        assert!(select.run(&["x".into()]).unwrap());
        select.reset();
    }
    db.execute("begin").unwrap();
    for _ in 0..10 {
        assert!(select.run(&["x".into()]).unwrap());
        select.reset();
    }
    db.execute("commit").unwrap();
    assert_eq!(select.reprepared(), 0);
}

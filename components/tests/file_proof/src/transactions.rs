//! Transactions: all of their changes happen, or none, and nobody sees a part of them.

use alloc::format;
use alloc::vec;

use ftl::prelude::*;
use interfaces::files::Dir;

use crate::spec::*;

pub fn check(all: &Dir) -> Result<()> {
    all.create_dir("/t")?;
    all.write("/t/a", "old")?;
    all.write("/t/gone", "")?;
    let watch = all.watch("/t")?;

    // Nothing happens before `commit`; then all of it.
    let mut transaction = all.transaction()?;
    transaction.write("/t/a", "new")?;
    transaction.append("/t/a", b" and more")?;
    transaction.create_dir("/t/d")?;
    transaction.create_new("/t/d/b", vec![b'b'; 5000])?;
    transaction.write_at("/t/d/b", b"B", 4999)?;
    transaction.hard_link("/t/d/b", "/t/d/c")?;
    transaction.symlink("a", "/t/link")?;
    transaction.rename("/t/d", "/t/e")?;
    transaction.remove_file("/t/gone")?;
    assert_eq!(names(all)?, "a gone");
    assert_eq!(all.read_to_string("/t/a")?, "old");
    transaction.commit()?;
    assert_eq!(names(all)?, "a e link");
    assert_eq!(all.read_to_string("/t/link")?, "new and more");
    let b = all.read("/t/e/c")?;
    assert_eq!((b.len(), &b[4998..]), (5000, &b"bB"[..]));
    told(&watch)?;

    // If one cannot be made, none is: not for those either who have a file open.
    let open = all.open("/t/a")?;
    let before = open.metadata()?;
    let mut transaction = all.transaction()?;
    transaction.write("/t/a", "never")?;
    transaction.remove_file("/t/link")?;
    transaction.rename("/t/a", "/t/z")?;
    transaction.create_dir("/t/e")?;
    assert_eq!(transaction.commit(), Err(Error::AlreadyExists));
    assert_eq!(names(all)?, "a e link");
    let mut found = [0; 20];
    let len = open.read_at(&mut found, 0)?;
    assert_eq!(&found[..len], b"new and more");
    assert_eq!(open.metadata()?.modified(), before.modified());

    // What is dropped has never been.
    let mut transaction = all.transaction()?;
    transaction.remove_file("/t/a")?;
    drop(transaction);
    let mut transaction = all.transaction()?;
    transaction.remove_file("/t/a")?;
    transaction.rollback();
    assert_eq!(names(all)?, "a e link");

    // Two read, and both want to write what follows from it: the second is told.
    let read = all.metadata("/t/a")?;
    for expected in [Ok(()), Err(Error::Busy)] {
        let mut transaction = all.transaction()?;
        transaction.require_unchanged("/t/a", &read)?;
        transaction.append("/t/a", b"!")?;
        assert_eq!(transaction.commit(), expected);
    }
    assert_eq!(all.read_to_string("/t/a")?, "new and more!");

    // Nobody can keep more than this in the server.
    let mut transaction = all.transaction()?;
    let refused = (0..1000).find_map(|i| transaction.create_dir(&format!("/t/{i}")).err());
    assert_eq!(refused, Some(Error::ServerLimit));
    let mut large = all.transaction()?;
    let error = large.write("/t/large", vec![0; 200_000]).err();
    assert_eq!(error, Some(Error::ServerLimit));
    let more = [all.transaction()?, all.transaction()?];
    assert_eq!(all.transaction().err(), Some(Error::ServerLimit));
    drop((transaction, large, more));
    assert_eq!(names(all)?, "a e link");
    // And what it cannot do itself it cannot do in a transaction.
    let reader = all.open_dir("/t", false)?;
    assert_eq!(reader.transaction().err(), Some(Error::PermissionDenied));
    let writer = all.open_dir("/t/e", true)?;
    let mut transaction = writer.transaction()?;
    transaction.remove_file("../a")?;
    assert_eq!(transaction.commit(), Err(Error::NotFound));
    all.remove_dir_all("/t")
}

/// What is in the directory, in order.
fn names(all: &Dir) -> Result<ftl::String> {
    let mut names = ftl::String::new();
    for entry in all.read_dir("/t")? {
        if !names.is_empty() {
            names.push(' ');
        }
        names += entry?.file_name();
    }
    Ok(names)
}

/// Whoever watches has heard of what was committed, in order.
fn told(watch: &fs::watch::Client) -> Result<()> {
    let mut events: EventLoop<()> = EventLoop::new()?;
    events.add(watch, ())?;
    let expected = [
        (fs::Change::Modified, "a"),
        (fs::Change::Modified, "a"),
        (fs::Change::Modified, "a"),
        (fs::Change::Created, "d"),
        (fs::Change::Created, "link"),
        (fs::Change::Removed, "d"),
        (fs::Change::Created, "e"),
        (fs::Change::Removed, "gone"),
    ];
    for expected in expected {
        match events.next()? {
            Event::Message((), Message::Watch(fs::watch::ToClient::Changed(changed))) => {
                assert_eq!((changed.change, changed.name), expected);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    events.remove_channel(watch)
}

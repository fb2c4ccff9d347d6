//! Changes are told, in order, to whoever watches.

use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::files::{Dir, Permissions};

use crate::spec::*;

/// More changes than the queue of a watch holds: `interfaces/fs.yml` says 32.
const MANY: usize = 50;

/// Changes things in a directory and in a file that are watched, and looks what is told.
pub fn check(all: &Dir) -> Result<()> {
    all.create_dir("/watched")?;
    all.write("/watched/old", "")?;
    let (directory, file) = (all.watch("/watched")?, all.watch("/watched/old")?);
    let mut events: EventLoop<bool> = EventLoop::new()?;
    events.add(&directory, true)?;
    events.add(&file, false)?;
    all.write("/watched/a", "1")?;
    all.rename("/watched/a", "/watched/b")?;
    all.set_permissions("/watched/old", Permissions::from_mode(0o600))?;
    all.write("/elsewhere", "nobody looks")?;
    all.create_dir("/watched/d")?;
    all.remove_file("/watched/b")?;
    all.remove_file("/watched/old")?;
    let expected = [
        (fs::Change::Created, "a"),
        (fs::Change::Modified, "a"),
        (fs::Change::Removed, "a"),
        (fs::Change::Created, "b"),
        (fs::Change::Modified, "old"),
        (fs::Change::Created, "d"),
        (fs::Change::Removed, "b"),
        (fs::Change::Removed, "old"),
    ];
    let (mut told, mut of_file) = (Vec::new(), Vec::new());
    while told.len() < expected.len() || of_file.len() < 2 {
        match events.next()? {
            Event::Message(true, Message::Watch(fs::watch::ToClient::Changed(changed))) => {
                told.push((changed.change, ftl::String::from(changed.name)));
            }
            Event::Message(false, Message::Watch(fs::watch::ToClient::Changed(changed))) => {
                assert_eq!(changed.name, "");
                of_file.push(changed.change);
            }
            other => {
                error!("unexpected: {other:?}");
                return Err(Error::InvalidData);
            }
        }
    }
    let found = told.iter().map(|(change, name)| (*change, name.as_str()));
    assert!(found.eq(expected), "{told:?}");
    assert_eq!(of_file, [fs::Change::Modified, fs::Change::Removed]);
    drop(file);
    overflow(all, &directory, &mut events)
}

/// Whoever does not listen is told that it has missed something, and hears of what comes then.
fn overflow(all: &Dir, watch: &fs::watch::Client, events: &mut EventLoop<bool>) -> Result<()> {
    for _ in 0..MANY {
        all.set_permissions("/watched/d", Permissions::from_mode(0o700))?;
    }
    let (mut told, mut missed) = (0, false);
    loop {
        match events.next()? {
            Event::Message(true, Message::Watch(fs::watch::ToClient::Changed(changed))) => {
                match (changed.change, missed) {
                    (fs::Change::Modified, false) => told += 1,
                    (fs::Change::Other, false) => {
                        missed = true;
                        all.remove_dir("/watched/d")?;
                    }
                    (fs::Change::Removed, true) => break,
                    other => panic!("{other:?} after {told}"),
                }
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert!((1..MANY).contains(&told), "{told} of {MANY} were told");
    events.remove_channel(watch)
}

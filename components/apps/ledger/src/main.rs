//! Adds up the numbers in files that are put into its inbox.
//!
//! What belongs together happens in one transaction, so the journal, the sum and the inbox agree whenever somebody
//! looks, and whoever was killed in between.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;

use ftl::prelude::*;
use interfaces::files::{Dir, OpenOptions};

#[rustfmt::skip]
mod spec;

use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Files,
    Inbox,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.fs, Source::Files)?;
    let files = Dir::new(env.fs);
    let mut begun = begin(&files, &mut events);
    loop {
        if let Err(error) = begun {
            // Nothing is half done. What is left lies in the inbox until the file server is back.
            info!("waits: {error}");
        }
        begun = match events.next()? {
            Event::Message(Source::Inbox, Message::Watch(_)) => enter_all(&files),
            // The watch has ended with the server, and the channel to that is a new one.
            Event::Restarted(Source::Files) => begin(&files, &mut events),
            Event::Shutdown => return Ok(()),
            _ => Ok(()),
        }
    }
}

/// Watches the inbox, and sees to what came before that.
fn begin(files: &Dir, events: &mut EventLoop<Source>) -> Result<()> {
    files.create_dir_all("inbox")?;
    let mut journal = OpenOptions::new();
    journal.append(true).create(true).open(files, "journal")?;
    events.add(&files.watch("inbox")?, Source::Inbox)?;
    enter_all(files)
}

/// Enters everything that is in the inbox.
fn enter_all(files: &Dir) -> Result<()> {
    for entry in files.read_dir("inbox")? {
        enter(files, entry?.file_name())?;
    }
    // What was entered survives a loss of power from here on.
    files.sync()
}

/// Enters one file: a number, and the end of the line.
fn enter(files: &Dir, name: &str) -> Result<()> {
    let path = format!("inbox/{name}");
    let text = files.read_to_string(&path)?;
    let Some(line) = text.strip_suffix('\n') else {
        // Somebody is still writing it. When more is there, the watch tells.
        return Ok(());
    };
    let Ok(amount) = line.trim().parse::<i64>() else {
        warn!("{name}: `{line}` is no number");
        return files.rename(&path, &format!("rejected-{name}"));
    };
    let total = read_total(files)? + amount;
    let mut transaction = files.transaction()?;
    transaction.append("journal", format!("{amount} {name}\n").as_bytes())?;
    transaction.write("total", format!("{total}\n"))?;
    transaction.remove_file(&path)?;
    transaction.commit()
}

fn read_total(files: &Dir) -> Result<i64> {
    match files.read_to_string("total") {
        Err(Error::NotFound) => Ok(0),
        text => text?.trim().parse().map_err(|_| Error::InvalidData),
    }
}

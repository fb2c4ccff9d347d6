//! The boot archive as files: answers `fs`, and lets nobody change anything.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

use ftl::prelude::*;
use interfaces::boot_archive::Blocking as _;
use interfaces::files::serve::{FileServer, Heard, Key};

#[rustfmt::skip]
mod spec;
mod tree;

use spec::*;
use tree::Tree;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Client(Key),
    /// An open file, by its place.
    File(usize),
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut archive = env.boot_archive;
    let found = archive.archive()?;
    let len = found.len as usize;
    let tree = match found.memory.map_read_only() {
        Ok(memory) => Tree::read(memory, len),
        Err(error) => Err(error),
    };
    let tree = tree.inspect_err(|error| error!("the boot archive cannot be read: {error}"));
    let mut server = FileServer::new(tree.ok());
    let mut events = EventLoop::new()?;
    events.add_each(env.fs, |client| Source::Client(Key::Connected(client)))?;
    loop {
        match events.next()? {
            Event::Message(Source::Client(client), Message::Fs(request)) => {
                match server.request(client, request)? {
                    Some(Heard::File(file, place)) => events.add(&file, Source::File(place))?,
                    Some(Heard::Directory(directory, key)) => {
                        events.add(&directory, Source::Client(key))?
                    }
                    None => {}
                }
            }
            Event::Message(Source::File(place), Message::File(request)) => {
                server.file(place, request)?;
            }
            Event::Connected(Source::Client(Key::Connected(client))) => {
                server.connected(client, events.grant(client));
            }
            Event::Connected(_) => {}
            Event::Closed(Source::Client(client)) => server.left(client),
            Event::Closed(Source::File(place)) => server.closed(place),
            Event::Writable(_) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

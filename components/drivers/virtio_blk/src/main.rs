//! Drives the machine's virtio disks: passes requests from clients to the devices, and back.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;

use ftl::prelude::*;

mod disk;
#[rustfmt::skip]
mod spec;

use disk::Disk;
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// Somebody who looks for a disk.
    Client,
    /// The client of the disk with this number.
    Disk(usize),
    /// The device with this number.
    Interrupt(usize),
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(env.block, Source::Client)?;
    let mut disks = Vec::new();
    for (number, device) in env.disks.iter().enumerate() {
        match Disk::new(device) {
            Ok(disk) => {
                info!("{disk}");
                events.add(disk.interrupt(), Source::Interrupt(number))?;
                disks.push(Some(disk));
            }
            Err(error) => {
                error!("disk {number} cannot be used: {error}");
                disks.push(None);
            }
        }
    }
    loop {
        match events.next()? {
            Event::Message(Source::Client, Message::Block(request)) => {
                use block::ToServer;
                match request {
                    ToServer::Disks(reply) => {
                        let infos: Vec<_> = disks.iter().flatten().map(Disk::info).collect();
                        reply.ok(infos.as_slice())?;
                    }
                    ToServer::Open(request, reply) => {
                        let found = disks.iter_mut().enumerate().find_map(|(number, disk)| {
                            let disk = disk.as_mut()?;
                            (disk.name() == request.name).then_some((number, disk))
                        });
                        let Some((number, disk)) = found else {
                            reply.error(Error::NotFound)?;
                            continue;
                        };
                        let opened = disk.open(reply)?;
                        if let Some((before, channel)) = opened {
                            if let Some(before) = before {
                                let _ = events.remove_channel(&before);
                            }
                            events.add(&channel, Source::Disk(number))?;
                        }
                    }
                }
            }
            Event::Message(Source::Disk(number), Message::Disk(request)) => {
                if let Some(disk) = &mut disks[number] {
                    disk.request(request)?;
                }
            }
            Event::Interrupt(Source::Interrupt(number), _) => {
                if let Some(disk) = &mut disks[number] {
                    disk.interrupted()?;
                }
            }
            Event::Closed(Source::Disk(number)) => {
                if let Some(disk) = &mut disks[number] {
                    disk.closed();
                }
            }
            Event::Closed(Source::Client) | Event::Writable(_) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

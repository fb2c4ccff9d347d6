//! The first component: starts, connects, watches and restarts all others.
//!
//! See its README for what it does and which file does it.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

use ftl::abi::StartInfo;
use ftl::handle::{OwnedHandle, System};
use ftl::prelude::*;
use plan::Plan;

#[rustfmt::skip]
mod spec;

mod connections;
mod crashes;
mod ends;
mod jobs;
mod launcher;
mod policy;
mod service;
mod shares;
mod shutdown;
mod starting;
mod supervisor;
mod trace;

use spec::*;
use starting::Machine;
use supervisor::{Source, Supervisor};

#[ftl::main]
fn main(info: &'static StartInfo) -> Result<()> {
    let (machine, plan) = read(info)?;
    let mut events = EventLoop::new()?;
    let mut supervisor = Supervisor::new(machine, plan, &mut events);
    supervisor.start_all(&mut events);
    loop {
        let todo = match events.next()? {
            Event::Exited(Source::Process(index), status) => {
                supervisor.crashes.look(&supervisor.machine.system);
                supervisor.exited(index.into(), status, &mut events);
                continue;
            }
            Event::Exited(Source::Job(index), status) => {
                supervisor.crashes.look(&supervisor.machine.system);
                supervisor.job_exited(index.into(), status, &mut events);
                continue;
            }
            Event::Timer(Source::Again(index)) => {
                supervisor.again(index.into(), &mut events);
                continue;
            }
            Event::Timer(Source::Heartbeat(index)) => {
                supervisor.beat(index.into());
                continue;
            }
            Event::Timer(Source::Grace) => {
                supervisor.grace_over();
                continue;
            }
            Event::Closed(Source::Boot(index)) => {
                supervisor.boot_closed(index.into(), &mut events);
                continue;
            }
            Event::Message(Source::Boot(index), Message::Component(message)) => {
                supervisor.heard(index.into(), message);
                continue;
            }
            Event::Message(Source::Client, Message::System(request)) => {
                service::serve(request, &mut supervisor)?
            }
            Event::Message(Source::Starter(client), Message::Launcher(request)) => {
                launcher::serve(client, request, &mut supervisor)?
            }
            Event::Closed(Source::Starter(client)) => {
                supervisor.jobs.starter_left(client);
                continue;
            }
            Event::Message(Source::Job(index), Message::Running(message)) => {
                supervisor.job_heard(index.into(), message);
                continue;
            }
            Event::Closed(Source::Job(index)) => {
                supervisor.job_abandoned(index.into());
                continue;
            }
            Event::Message(Source::Reader, Message::BootArchive(request)) => {
                supervisor.machine.show_archive(request)?;
                continue;
            }
            Event::Closed(Source::Client | Source::Reader) | Event::Writable(_) => continue,
            other => {
                warn!("unexpected: {other:?}");
                continue;
            }
        };
        service::finish(todo, &mut supervisor, &mut events)?;
    }
}

/// What the kernel gave: the archive, and in it the plan.
fn read(info: &'static StartInfo) -> Result<(Machine, Plan)> {
    if info.random_seed == [0; 32] {
        warn!("the machine gave no random seed: random numbers can be foreseen");
    }
    let (bytes, folio) = ftl::runtime::boot_archive(info)?;
    let archive = archive::Archive::new(bytes).map_err(|error| {
        error!("{error}");
        Error::InvalidData
    })?;
    let plan = archive.find(plan::FILE_NAME).ok_or_else(|| {
        error!("the boot archive has no wiring plan");
        Error::NotFound
    })?;
    let plan = Plan::decode(plan).map_err(|error| {
        error!("{error}");
        Error::InvalidData
    })?;
    let system = System::from(OwnedHandle::from_raw(info.system));
    Ok((
        Machine {
            system,
            folio,
            archive,
            archive_len: bytes.len(),
        },
        plan,
    ))
}

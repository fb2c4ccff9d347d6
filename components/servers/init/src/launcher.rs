//! The interface `launcher`: which commands there are, which run, and starting one.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ftl::abi::Handle;
use ftl::prelude::*;
use interfaces::launcher::{self, ToServer};
use plan::DirectoryRights;

use crate::jobs::{Job, Start};
use crate::service::{Todo, nanos};
use crate::spec::EventLoop;
use crate::supervisor::{Source, Supervisor};

/// Commands and jobs in one answer, and bytes of a reason: the bounds in `interfaces/launcher.yml`.
const COMMANDS_MAX: usize = 8;
const JOBS_MAX: usize = 16;
const REASON_LEN_MAX: usize = 240;

/// Answers one request of the client with this channel.
pub fn serve(client: Handle, request: ToServer<'_>, supervisor: &mut Supervisor) -> Result<Todo> {
    match request {
        ToServer::Commands(request, reply) => {
            let all = &supervisor.plan.commands;
            let commands: Vec<launcher::Command<'_>> = all
                .iter()
                .skip(request.first.into())
                .take(COMMANDS_MAX)
                .map(|command| launcher::Command {
                    name: &command.name,
                    doc: &command.doc,
                    directory: match command.directory {
                        None => launcher::Directory::None,
                        Some(DirectoryRights::Read) => launcher::Directory::Read,
                        Some(DirectoryRights::Write) => launcher::Directory::Write,
                    },
                })
                .collect();
            reply.ok(all.len() as u16, commands.as_slice())?;
        }
        ToServer::Jobs(request, reply) => {
            let jobs: Vec<launcher::Job<'_>> = supervisor
                .jobs
                .iter()
                .skip(request.first.into())
                .take(JOBS_MAX)
                .map(|job| describe(supervisor, job))
                .collect();
            reply.ok(supervisor.jobs.iter().count() as u16, jobs.as_slice())?;
        }
        ToServer::LongWords(request, reply) => {
            reply.ok(supervisor
                .jobs
                .words
                .keep(client, (request.folio, request.len)))?;
        }
        ToServer::Directory(request, reply) => {
            reply.ok(supervisor.jobs.directories.keep(client, request.directory))?;
        }
        ToServer::Start(request, reply) => {
            return Ok(Todo::Start(Box::new(Start {
                client,
                command: request.command.into(),
                words: request.words.into(),
                token: request.token,
                directory: request.directory,
                streams: [
                    request.stdin,
                    request.stdout,
                    request.stderr,
                    request.terminal,
                ],
                reply,
            })));
        }
    }
    Ok(Todo::Nothing)
}

/// Starts a command, and answers whether that worked.
pub fn start(
    mut start: Start,
    supervisor: &mut Supervisor,
    events: &mut EventLoop<Source>,
) -> Result<()> {
    let result = supervisor.start_job(&mut start, events);
    let reply = start.reply;
    match result {
        Ok((owner, number)) => reply.ok(Some(owner), number, 0, ""),
        Err(refusal) => {
            let mut len = refusal.reason.len().min(REASON_LEN_MAX);
            while !refusal.reason.is_char_boundary(len) {
                len -= 1;
            }
            reply.ok(None, 0, refusal.error.code(), &refusal.reason[..len])
        }
    }
}

fn describe<'a>(supervisor: &'a Supervisor, job: &Job) -> launcher::Job<'a> {
    let info = job.process.info().ok();
    let info = info.as_ref();
    launcher::Job {
        number: job.number,
        name: &supervisor.plan.commands[job.command].name,
        memory_pages: info.map_or(0, |info| info.memory_pages),
        handles: info.map_or(0, |info| info.handles),
        started_ns: job.started.as_nanos(),
        cpu_ns: info.map_or(0, |info| nanos(info.cpu_ticks)),
        messages_sent: info.map_or(0, |info| info.messages_sent),
    }
}

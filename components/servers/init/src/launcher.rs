//! The interface `launcher`: which commands there are, which run, and starting one.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::abi::{Handle, ProcessInfo};
use ftl::prelude::*;
use interfaces::launcher::{self, ToServer};
use interfaces::system::Activity;
use plan::DirectoryRights;

use crate::jobs::{Given, Job, MOUNTS_MAX, Start};
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
            let page = || {
                let jobs = supervisor.jobs.iter().skip(request.first.into());
                jobs.take(JOBS_MAX)
            };
            let seen: Vec<Seen> = page().map(|job| look_at(supervisor, job)).collect();
            let jobs: Vec<launcher::Job<'_>> = page()
                .zip(&seen)
                .map(|(job, seen)| describe(supervisor, job, seen))
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
            let directory = Given {
                directory: request.directory,
                mounts: Vec::new(),
            };
            reply.ok(supervisor.jobs.directories.keep(client, directory))?;
        }
        ToServer::Mount(request, reply) => {
            match supervisor.jobs.directories.get(client, request.token) {
                None => reply.error(Error::NotFound)?,
                Some(given) if given.mounts.len() >= MOUNTS_MAX => {
                    reply.error(Error::ServerLimit)?
                }
                Some(given) => {
                    given.mounts.push((request.name.into(), request.directory));
                    reply.ok()?;
                }
            }
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

/// What the kernel tells of a command that runs, and what that says of its doings.
type Seen = (Option<ProcessInfo>, (Activity, String));

fn look_at(supervisor: &Supervisor, job: &Job) -> Seen {
    let info = job.process.info().ok();
    let command = &supervisor.plan.commands[job.command].name;
    let name = alloc::format!("{command}#{}", job.number);
    let activity = supervisor.activity(&name, info.as_ref());
    (info, activity)
}

fn describe<'a>(supervisor: &'a Supervisor, job: &Job, seen: &'a Seen) -> launcher::Job<'a> {
    let (info, (activity, calls)) = seen;
    let info = info.as_ref();
    let command = &supervisor.plan.commands[job.command];
    launcher::Job {
        number: job.number,
        name: &command.name,
        memory_pages: info.map_or(0, |info| info.memory_pages),
        handles: info.map_or(0, |info| info.handles),
        started_ns: job.started.as_nanos(),
        cpu_ns: info.map_or(0, |info| nanos(info.cpu_ticks)),
        messages_sent: info.map_or(0, |info| info.messages_sent),
        isolation: match command.isolation {
            0 => launcher::Isolation::Kernel,
            _ => launcher::Isolation::User,
        },
        activity: match activity {
            Activity::Nothing | Activity::Running => launcher::Activity::Running,
            Activity::Waiting => launcher::Activity::Waiting,
            Activity::Calling => launcher::Activity::Calling,
        },
        calls,
    }
}

//! The interface `system`: what init tells and does for shells and status pages.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use ftl::abi::ProcessInfo;
use ftl::prelude::*;
use ftl::time::ticks_to_duration;
use interfaces::system::{self, Activity, ToServer};

use crate::jobs::Start;
use crate::launcher;
use crate::spec::EventLoop;
use crate::supervisor::{Off, Source, State, Supervisor};

/// Components in one answer, and needs: the bounds in `interfaces/system.yml`.
const COMPONENTS_MAX: usize = 16;
const NEEDS_MAX: usize = 24;
const CONNECTIONS_MAX: usize = 20;
/// Bytes of log in one answer.
const LOG_LEN_MAX: usize = 2048;

/// What is left to do after the event has been let go of.
pub enum Todo {
    /// Nothing.
    Nothing,
    /// To restart a component, and to answer whether that worked.
    Restart(usize, system::RestartReplier),
    /// To start a command, and to answer whether that worked.
    Start(Box<Start>),
}

/// Answers one request.
pub fn serve(request: ToServer<'_>, supervisor: &mut Supervisor) -> Result<Todo> {
    match request {
        ToServer::Components(request, reply) => {
            let found: Vec<(usize, Option<ProcessInfo>, (Activity, String))> =
                (0..supervisor.members.len())
                    .skip(request.first.into())
                    .take(COMPONENTS_MAX)
                    .map(|index| {
                        let info = supervisor.process_info(index);
                        let name = &supervisor.plan.components[index].name;
                        let activity = supervisor.activity(name, info.as_ref());
                        (index, info, activity)
                    })
                    .collect();
            let components: Vec<system::Component<'_>> = found
                .iter()
                .map(|(index, info, activity)| {
                    describe(supervisor, *index, info.as_ref(), activity)
                })
                .collect();
            reply.ok(supervisor.members.len() as u16, components.as_slice())?;
        }
        ToServer::Needs(request, reply) => match supervisor.find(request.name) {
            Some(index) => {
                let needs: Vec<system::Need<'_>> = supervisor.plan.components[index]
                    .needs
                    .iter()
                    .take(NEEDS_MAX)
                    .map(|need| system::Need {
                        name: &need.name,
                        interface: &need.interface,
                        provider: supervisor.provider_name(need),
                    })
                    .collect();
                reply.ok(needs.as_slice())?;
            }
            None => reply.error(Error::NotFound)?,
        },
        ToServer::Connections(request, reply) => {
            let first = usize::from(request.first);
            if first == 0 {
                supervisor.look_at_connections();
            }
            let all = supervisor.connections.all();
            let part: Vec<system::Connection<'_>> = all
                .iter()
                .skip(first)
                .take(CONNECTIONS_MAX)
                .map(|connection| system::Connection {
                    component: &connection.from,
                    peer: &connection.to,
                    channels: connection.channels,
                    queued: connection.queued,
                    sent: connection.sent,
                    received: connection.received,
                })
                .collect();
            reply.ok(all.len() as u16, part.as_slice())?;
        }
        ToServer::Statistics(reply) => match supervisor.machine.system.statistics() {
            Ok(found) => reply.ok(
                Instant::now().as_nanos(),
                found.pages_total,
                found.pages_free,
                found.cpus,
                found.processes,
                found.threads,
                found.channels,
                found.folios,
                found.calls,
                found.messages,
                found.interrupts,
                found.switches,
                found.page_faults,
                nanos(found.idle_ticks),
                found.handles,
                found.queues,
                found.sources,
                found.mappings,
                found.timers,
                found.doorbells,
            )?,
            Err(error) => reply.error(error)?,
        },
        ToServer::Memory(reply) => match supervisor.machine.system.statistics() {
            Ok(found) => {
                let archive = supervisor.machine.archive_len.div_ceil(ftl::abi::PAGE_SIZE) as u64;
                let taken = found.pages_total - found.pages_free;
                let known = found.pages_charged + found.pages_objects;
                reply.ok(
                    found.pages_machine,
                    archive,
                    (found.pages_machine - found.pages_total).saturating_sub(archive),
                    found.pages_charged - found.pages_init,
                    found.pages_init,
                    found.pages_promised,
                    found.pages_objects,
                    taken.saturating_sub(known),
                    found.pages_free,
                    found.pages_largest,
                )?
            }
            Err(error) => reply.error(error)?,
        },
        ToServer::Kill(request, reply) => {
            let result = supervisor.find(request.name).ok_or(Error::NotFound);
            match result.and_then(|index| supervisor.kill(index)) {
                Ok(()) => reply.ok()?,
                Err(error) => reply.error(error)?,
            }
        }
        ToServer::Restart(request, reply) => match supervisor.find(request.name) {
            Some(index) => return Ok(Todo::Restart(index, reply)),
            None => reply.error(Error::NotFound)?,
        },
        ToServer::SetImage(request, reply) => {
            match (
                supervisor.find(request.name),
                supervisor.machine.has_image(request.image),
            ) {
                (Some(index), true) => {
                    supervisor.members[index].image = Some(request.image.into());
                    reply.ok()?;
                }
                _ => reply.error(Error::NotFound)?,
            }
        }
        ToServer::Log(request, reply) => {
            let mut text = vec![0; LOG_LEN_MAX];
            match supervisor
                .machine
                .system
                .log_read(request.position, &mut text)
            {
                Ok((next, len)) => reply.ok(next, &text[..len])?,
                Err(error) => reply.error(error)?,
            }
        }
        ToServer::Crash(request, reply) => {
            let (after, wait) = (request.after, request.wait);
            let system = &supervisor.machine.system;
            supervisor.crashes.ask(system, after, wait, reply)?;
        }
        ToServer::TraceStart(request, reply) => {
            let trace = &mut supervisor.trace;
            match trace.start(&supervisor.machine.system, request.len as usize) {
                Ok(cpus) => reply.ok(cpus as u32)?,
                Err(error) => reply.error(error)?,
            }
        }
        ToServer::TraceStop(reply) => {
            supervisor.trace.stop(&supervisor.machine.system);
            reply.ok()?;
        }
        ToServer::TraceRing(request, reply) => match supervisor.trace.ring(request.cpu as usize) {
            Ok(ring) => reply.ok(ring)?,
            Err(error) => reply.error(error)?,
        },
        ToServer::Shutdown(request, reply) => {
            reply.ok()?;
            supervisor.shut_down(Off::Power(request.status as usize));
        }
        ToServer::Reboot(request, reply) => {
            reply.ok()?;
            supervisor.shut_down(Off::Reset { cold: request.cold });
        }
    }
    Ok(Todo::Nothing)
}

/// Does what was left to do.
pub fn finish(
    todo: Todo,
    supervisor: &mut Supervisor,
    events: &mut EventLoop<Source>,
) -> Result<()> {
    match todo {
        Todo::Nothing => Ok(()),
        Todo::Restart(index, reply) => match supervisor.restart(index, events) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        },
        Todo::Start(start) => launcher::start(*start, supervisor, events),
    }
}

fn describe<'a>(
    supervisor: &'a Supervisor,
    index: usize,
    info: Option<&ProcessInfo>,
    (activity, calls): &'a (Activity, String),
) -> system::Component<'a> {
    let component = &supervisor.plan.components[index];
    let member = &supervisor.members[index];
    system::Component {
        name: &component.name,
        state: match member.state {
            State::Running => system::State::Running,
            State::Waiting => system::State::Waiting,
            State::Restarting => system::State::Restarting,
            State::Ended => system::State::Ended,
            State::Failed => system::State::Failed,
        },
        isolation: match component.isolation {
            0 => system::Isolation::Kernel,
            _ => system::Isolation::User,
        },
        restarts: member.restarts,
        status: member.status as u64,
        started_ns: member.started.as_nanos(),
        memory_pages: info.map_or(0, |info| info.memory_pages),
        memory_pages_max: component.memory_pages_max,
        handles: info.map_or(0, |info| info.handles),
        threads: info.map_or(0, |info| info.threads),
        cpu_ns: info.map_or(0, |info| nanos(info.cpu_ticks)),
        messages_sent: info.map_or(0, |info| info.messages_sent),
        activity: *activity,
        calls,
    }
}

/// A number of ticks in nanoseconds.
pub fn nanos(ticks: u64) -> u64 {
    u64::try_from(ticks_to_duration(ticks).as_nanos()).unwrap_or(u64::MAX)
}

//! All components of the system, and what becomes of them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::abi::Handle;
use ftl::event_loop::TypedEnd;
use ftl::handle::{AsHandle, OwnedHandle, Process};
use ftl::prelude::*;
use interfaces::{boot_archive, component, launcher, system};
use plan::{Component, Need, Plan, Provider};

use crate::connections::Connections;
use crate::crashes::Crashes;
use crate::jobs::Jobs;
use crate::policy::{End, Policy, Verdict};
use crate::shares::Starter;
use crate::spec::EventLoop;
use crate::starting::{Failure, Machine};
use crate::trace::Trace;

/// Whom an event comes from. Numbers are places in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A component's process.
    Process(u16),
    /// A component's bootstrap channel.
    Boot(u16),
    /// The time to start a component again, or to take it for ended.
    Again(u16),
    /// The time to look whether a component answers.
    Heartbeat(u16),
    /// A client of the interface `system`.
    Client,
    /// A client of the interface `boot_archive`.
    Reader,
    /// A client of the interface `launcher`, by its channel.
    Starter(Handle),
    /// A command that runs: its process, or whoever started it. Numbers are places among the jobs.
    Job(u16),
    /// The time at which those are killed that were asked to end and did not.
    Grace,
}

/// What init knows about one component.
pub struct Member {
    /// What it is doing.
    pub state: State,
    /// How often it was started again.
    pub restarts: u32,
    /// What it ended with last.
    pub status: usize,
    /// When it was started last.
    pub started: Instant,
    /// Why it could not be started, if so.
    pub reason: String,
    /// The image that it is loaded from, if not the plan's.
    pub image: Option<String>,
    pub(crate) policy: Policy,
    pub(crate) running: Option<Running>,
    /// What it wants to find again after a crash.
    pub(crate) saved: Vec<u8>,
    /// Set while init itself ends it.
    pub(crate) killing: Option<End>,
    /// Set when it is to be started again whatever its policy says.
    pub(crate) wanted: bool,
    /// Its process's status, while its channel to init is still to be read to the end.
    pub(crate) ended: Option<usize>,
    /// Whether that channel is closed.
    pub(crate) boot_closed: bool,
    pub(crate) again: Timer,
    pub(crate) heartbeat: Timer,
    /// Whether the last heartbeat is still unanswered, and its number.
    pub(crate) unanswered: bool,
    pub(crate) beats: u32,
    /// Whether it was asked to end because the machine goes off, and whether it was killed then.
    pub(crate) asked: bool,
    pub(crate) killed_at_off: bool,
}

/// What init holds of a component that runs.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) boot: component::Server,
}

/// See `interfaces/system.yml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// Something that it needs is not there.
    Waiting,
    /// It is started again soon.
    Restarting,
    /// It ended, and that is all right.
    Ended,
    /// It could not be started, or crashed too often.
    Failed,
}

/// How the machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// It is switched off, with this status.
    Power(usize),
    /// It is reset and starts anew.
    Reset {
        /// Whether memory may be lost.
        cold: bool,
    },
}

/// All components of the system.
pub struct Supervisor {
    /// The machine.
    pub machine: Machine,
    /// The plan.
    pub plan: Plan,
    /// One for each component of the plan.
    pub members: Vec<Member>,
    /// The commands that run.
    pub jobs: Jobs,
    /// What the kernel traces into.
    pub trace: Trace,
    /// Who is connected to whom.
    pub connections: Connections,
    /// Who is to be told of crashes.
    pub crashes: Crashes,
    /// Set once the machine is to go off, with how.
    pub(crate) going_off: Option<Off>,
    pub(crate) grace: Timer,
    /// Components that have ended since then.
    pub(crate) ended_in_order: Vec<usize>,
}

impl Supervisor {
    /// Nothing runs yet.
    pub fn new(machine: Machine, plan: Plan, events: &mut EventLoop<Source>) -> Supervisor {
        let members = plan
            .components
            .iter()
            .enumerate()
            .map(|(index, component)| Member {
                state: State::Waiting,
                restarts: 0,
                status: 0,
                started: Instant::default(),
                reason: String::new(),
                policy: Policy::new(component.restart, component.crashes_max),
                image: None,
                running: None,
                saved: Vec::new(),
                killing: None,
                wanted: false,
                ended: None,
                boot_closed: false,
                again: events.timer(Source::Again(index as u16)),
                heartbeat: events.timer(Source::Heartbeat(index as u16)),
                unanswered: false,
                beats: 0,
                asked: false,
                killed_at_off: false,
            })
            .collect();
        let grace = events.timer(Source::Grace);
        Supervisor {
            machine,
            plan,
            members,
            trace: Trace::default(),
            connections: Connections::default(),
            crashes: Crashes::default(),
            jobs: Jobs::default(),
            going_off: None,
            grace,
            ended_in_order: Vec::new(),
        }
    }

    /// Starts everything, in the plan's order.
    pub fn start_all(&mut self, events: &mut EventLoop<Source>) {
        for index in 0..self.members.len() {
            self.start(index, events);
        }
        let up = self
            .members
            .iter()
            .filter(|member| member.running.is_some())
            .count();
        let all = self.members.len();
        let after = Instant::now()
            .duration_since(Instant::default())
            .as_millis();
        match up == all {
            true => info!(
                "{}: {all} component{} up after {after} ms",
                self.plan.name,
                if all == 1 { "" } else { "s" }
            ),
            false => warn!(
                "{}: {up} of {all} components up after {after} ms",
                self.plan.name
            ),
        }
    }

    /// Starts a component, unless something that it needs does not run.
    pub(crate) fn start(&mut self, index: usize, events: &mut EventLoop<Source>) {
        if self.going_off.is_some() || self.members[index].running.is_some() {
            return;
        }
        if let Some(missing) = self.missing(index) {
            info!("{} waits for {missing}", self.plan.components[index].name);
            self.members[index].state = State::Waiting;
            return;
        }
        match self.try_start(index, events) {
            Ok(()) => {
                self.reconnect_clients(index);
                self.start_waiting(index, events);
            }
            Err(failure) => self.start_failed(index, failure),
        }
    }

    /// The first component that this one cannot do without and that does not run.
    fn missing(&self, index: usize) -> Option<&str> {
        self.missing_for(&self.plan.components[index])
    }

    /// The same for a component or a command.
    pub fn missing_for(&self, component: &Component) -> Option<&str> {
        component.needs.iter().find_map(|need| match need.provider {
            Provider::Component(..) if self.is_absent(need) => None,
            Provider::Component(provider, _) => {
                let provider = usize::from(provider);
                let there = self.members[provider].running.is_some();
                (!there).then_some(self.plan.components[provider].name.as_str())
            }
            Provider::Init | Provider::None => None,
        })
    }

    /// Whether something that may be absent will not be there any more: its provider has ended, or is given up.
    pub fn is_absent(&self, need: &Need) -> bool {
        let is_over = |provider| {
            let member: &Member = &self.members[usize::from(provider)];
            matches!(member.state, State::Ended | State::Failed)
        };
        matches!(need.provider, Provider::Component(provider, _) if need.optional && is_over(provider))
    }

    fn try_start(&mut self, index: usize, events: &mut EventLoop<Source>) -> Result<(), Failure> {
        let component = &self.plan.components[index];
        let image = self.members[index].image.as_ref();
        let loaded = self
            .machine
            .load(component, image.unwrap_or(&component.image))?;
        let boot = &loaded.boot;
        let failed = |error: Error| Failure {
            reason: format!("what it is given: {error}"),
            may_pass: true,
        };

        let ends = give_needs(component, boot, &|need| self.is_absent(need)).map_err(failed)?;
        for (place, provide) in component.provides.iter().enumerate() {
            boot.provide(place as u16, provide.hash).map_err(failed)?;
        }
        for (place, device) in component.devices.iter().enumerate() {
            for handle in self.machine.open(device)? {
                boot.device(place as u16, handle).map_err(failed)?;
            }
        }
        let member = &mut self.members[index];
        if !member.saved.is_empty() {
            boot.state(&member.saved).map_err(failed)?;
        }
        boot.start(&component.settings).map_err(failed)?;

        let (process, boot) = loaded.start()?;
        let source = index as u16;
        events
            .add(&process, Source::Process(source))
            .map_err(failed)?;
        events.add(&boot, Source::Boot(source)).map_err(failed)?;
        if component.heartbeat_ms > 0 {
            member
                .heartbeat
                .set_every(Duration::from_millis(component.heartbeat_ms.into()));
            member.unanswered = false;
        }
        member.running = Some(Running { process, boot });
        member.state = State::Running;
        member.killing = None;
        member.wanted = false;
        member.ended = None;
        member.boot_closed = false;
        member.started = Instant::now();
        member.policy.started(member.started);
        member.reason.clear();

        let clients = self.connect_needs(ends, events);
        self.jobs.starts(&clients, Starter::Component(source));
        Ok(())
    }

    /// Hands the providers' ends of what [`give_needs`] has made to the providers. Returns those with which commands
    /// can be started.
    pub fn connect_needs(
        &self,
        ends: Vec<(&Need, Channel)>,
        events: &mut EventLoop<Source>,
    ) -> Vec<Handle> {
        let mut clients = Vec::new();
        for (need, end) in ends {
            // A provider that ends in this moment closes the channel, and gets its clients back when
            // it is started again.
            if let Ok(Some(client)) = connect(&self.members, need, end, events) {
                clients.push(client);
            }
        }
        clients
    }

    fn start_failed(&mut self, index: usize, failure: Failure) {
        let name = &self.plan.components[index].name;
        error!("could not start {name}: {}", failure.reason);
        let member = &mut self.members[index];
        member.reason = failure.reason;
        let verdict = match failure.may_pass {
            true => {
                member.policy.started(Instant::now());
                member.policy.ended(End::Crashed, Instant::now())
            }
            false => Verdict::GivenUp,
        };
        self.obey(index, verdict);
    }

    /// Gives everyone who needs this component, and runs already, a fresh channel to it.
    fn reconnect_clients(&mut self, index: usize) {
        for (other, component) in self.plan.components.iter().enumerate() {
            let Some(running) = &self.members[other].running else {
                continue;
            };
            for (place, need) in component.needs.iter().enumerate() {
                let Provider::Component(provider, provide) = need.provider else {
                    continue;
                };
                if usize::from(provider) != index {
                    continue;
                }
                let Some(server) = &self.members[index].running else {
                    continue;
                };
                let result = pair(need).and_then(|(ours, theirs)| {
                    server.boot.new_client(provide, theirs, &need.grant)?;
                    running.boot.restarted(place as u16, ours)
                });
                if let Err(error) = result {
                    warn!(
                        "could not connect {} to {} again: {error}",
                        component.name, self.plan.components[index].name
                    );
                }
            }
        }
        self.reconnect_jobs(index);
    }

    /// The same for the commands that run. One that cannot be told finds its calls ended.
    fn reconnect_jobs(&self, index: usize) {
        let Some(server) = &self.members[index].running else {
            return;
        };
        for (command, boot) in self.jobs.running() {
            let needs = &self.plan.commands[command].needs;
            for (place, need) in needs.iter().enumerate() {
                if let Provider::Component(provider, provide) = need.provider
                    && usize::from(provider) == index
                {
                    let _ = pair(need).and_then(|(ours, theirs)| {
                        server.boot.new_client(provide, theirs, &need.grant)?;
                        boot.restarted(place as u16, ours)
                    });
                }
            }
        }
    }

    /// Starts those who waited for this component.
    fn start_waiting(&mut self, index: usize, events: &mut EventLoop<Source>) {
        // Only later ones can need it, and starting one may start others.
        for other in index + 1..self.members.len() {
            let needs_it = self.plan.components[other].needs.iter().any(|need| {
                matches!(need.provider, Provider::Component(provider, _) if usize::from(provider) == index)
            });
            let first_round = self.members[other].started == Instant::default()
                && self.members[other].restarts == 0;
            if needs_it
                && self.members[other].state == State::Waiting
                && self.missing(other).is_none()
                && !first_round
            {
                self.start(other, events);
            }
        }
    }

    /// The place of a component with this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.plan
            .components
            .iter()
            .position(|component| component.name == name)
    }

    /// What the kernel tells about a component's process.
    pub fn process_info(&self, index: usize) -> Option<ftl::abi::ProcessInfo> {
        self.members[index].running.as_ref()?.process.info().ok()
    }

    /// Whether the machine is being shut down.
    pub fn is_going_off(&self) -> bool {
        self.going_off.is_some()
    }

    /// Who provides something to a component, as a name for people.
    pub fn provider_name(&self, need: &Need) -> &str {
        match need.provider {
            Provider::None => "",
            Provider::Init => "init",
            Provider::Component(provider, _) => &self.plan.components[usize::from(provider)].name,
        }
    }
}

/// Makes a channel for each need and gives it the client's end. The providers' ends are handed out
/// once it runs: if it does not, they are dropped, and nobody hears of it.
pub fn give_needs<'a>(
    component: &'a Component,
    boot: &component::Server,
    absent: &dyn Fn(&Need) -> bool,
) -> Result<Vec<(&'a Need, Channel)>> {
    let mut ends = Vec::new();
    for (place, need) in component.needs.iter().enumerate() {
        if need.provider == Provider::None || absent(need) {
            continue;
        }
        let (ours, theirs) = pair(need)?;
        boot.need(place as u16, need.hash, ours)?;
        ends.push((need, theirs));
    }
    Ok(ends)
}

/// A channel for a need: the client's end and the provider's.
fn pair(need: &Need) -> Result<(Channel, Channel)> {
    Channel::pair(need.queue_len.into(), need.body_len_max.into())
}

/// Hands the provider's end of a channel to the provider. Returns it if commands are started with it.
fn connect(
    members: &[Member],
    need: &Need,
    end: Channel,
    events: &mut EventLoop<Source>,
) -> Result<Option<Handle>> {
    match need.provider {
        Provider::None => {}
        Provider::Init if need.interface == "launcher" => {
            let server = launcher::Server::from(OwnedHandle::from(end));
            let client = server.end().handle();
            events.add(&server, Source::Starter(client))?;
            return Ok(Some(client));
        }
        Provider::Init if need.interface == "boot_archive" => {
            let server = boot_archive::Server::from(OwnedHandle::from(end));
            events.add(&server, Source::Reader)?;
        }
        Provider::Init => {
            let server = system::Server::from(OwnedHandle::from(end));
            events.add(&server, Source::Client)?;
        }
        Provider::Component(provider, provide) => match &members[usize::from(provider)].running {
            Some(running) => running.boot.new_client(provide, end, &need.grant)?,
            None => return Err(Error::NotFound),
        },
    }
    Ok(None)
}

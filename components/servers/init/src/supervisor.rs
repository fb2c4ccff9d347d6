//! All components of the system, and what becomes of them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ftl::abi::ProcessState;
use ftl::handle::{OwnedHandle, Process};
use ftl::prelude::*;
use interfaces::{component, system};
use plan::{Need, Plan, Provider};

use crate::policy::{End, Policy, Verdict};
use crate::spec::EventLoop;
use crate::starting::{Failure, Machine};

/// How long components have to end by themselves when the machine shuts down.
const GRACE: Duration = Duration::from_millis(200);

/// Whom an event comes from. Numbers are places in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A component's process.
    Process(u16),
    /// A component's bootstrap channel.
    Boot(u16),
    /// The time to start a component again.
    Again(u16),
    /// The time to look whether a component answers.
    Heartbeat(u16),
    /// A client of the interface `system`.
    Client,
    /// The time at which the machine goes off.
    Off,
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
    policy: Policy,
    running: Option<Running>,
    /// What it wants to find again after a crash.
    saved: Vec<u8>,
    /// Set while init itself ends it.
    killing: Option<End>,
    again: Timer,
    heartbeat: Timer,
    /// Whether the last heartbeat is still unanswered, and its number.
    unanswered: bool,
    beats: u32,
}

struct Running {
    process: Process,
    boot: component::Server,
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

/// All components of the system.
pub struct Supervisor {
    /// The machine.
    pub machine: Machine,
    /// The plan.
    pub plan: Plan,
    /// One for each component of the plan.
    pub members: Vec<Member>,
    /// Set once the machine is to go off, with its status.
    going_off: Option<usize>,
    off: Timer,
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
                running: None,
                saved: Vec::new(),
                killing: None,
                again: events.timer(Source::Again(index as u16)),
                heartbeat: events.timer(Source::Heartbeat(index as u16)),
                unanswered: false,
                beats: 0,
            })
            .collect();
        let off = events.timer(Source::Off);
        Supervisor {
            machine,
            plan,
            members,
            going_off: None,
            off,
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
            true => info!("{}: {all} components up after {after} ms", self.plan.name),
            false => warn!(
                "{}: {up} of {all} components up after {after} ms",
                self.plan.name
            ),
        }
    }

    /// Starts a component, unless something that it needs does not run.
    fn start(&mut self, index: usize, events: &mut EventLoop<Source>) {
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
        self.plan.components[index]
            .needs
            .iter()
            .find_map(|need| match need.provider {
                Provider::Component(provider, _) => {
                    let provider = usize::from(provider);
                    let there = self.members[provider].running.is_some();
                    (!there).then_some(self.plan.components[provider].name.as_str())
                }
                Provider::Init | Provider::None => None,
            })
    }

    fn try_start(&mut self, index: usize, events: &mut EventLoop<Source>) -> Result<(), Failure> {
        let component = &self.plan.components[index];
        let loaded = self.machine.load(component)?;
        let boot = &loaded.boot;
        let failed = |error: Error| Failure {
            reason: format!("what it is given: {error}"),
            may_pass: true,
        };

        // The servers' ends, handed out only once this component runs: if it does not, they are
        // dropped, and nobody hears of it.
        let mut ends: Vec<(&Need, Channel)> = Vec::new();
        for (place, need) in component.needs.iter().enumerate() {
            if need.provider == Provider::None {
                continue;
            }
            let (ours, theirs) = pair(need).map_err(failed)?;
            boot.need(place as u16, need.hash, ours).map_err(failed)?;
            ends.push((need, theirs));
        }
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
        member.started = Instant::now();
        member.policy.started(member.started);
        member.reason.clear();

        for (need, end) in ends {
            // A provider that ends in this moment closes the channel, and gets its clients back when
            // it is started again.
            let _ = connect(&self.members, need, end, events);
        }
        Ok(())
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
                    server.boot.new_client(provide, theirs)?;
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

    /// A component's process has ended.
    pub fn exited(&mut self, index: usize, status: usize, events: &mut EventLoop<Source>) {
        let member = &mut self.members[index];
        let Some(running) = member.running.take() else {
            return;
        };
        let _ = events.remove(&running.process);
        let _ = events.remove_channel(&running.boot);
        drop(running);
        member.heartbeat.cancel();
        member.status = status;
        let end = match (member.killing.take(), status) {
            (Some(end), _) => end,
            (
                None,
                ProcessState::EXIT_PANIC
                | ProcessState::EXIT_FAULT
                | ProcessState::EXIT_STACK_OVERFLOW,
            ) => End::Crashed,
            (None, ProcessState::EXIT_KILLED) => End::Killed,
            (None, status) => End::Exited(status),
        };
        if self.going_off.is_some() {
            self.off_if_all_ended();
            return;
        }
        let verdict = self.members[index].policy.ended(end, Instant::now());
        let name = &self.plan.components[index].name;
        match (end, verdict) {
            (End::Exited(0), Verdict::Ended) => debug!("{name} ended"),
            (End::Exited(status), _) => info!("{name} ended with status {status}"),
            (End::Crashed, _) => warn!("{name} crashed ({})", crash_name(status)),
            (End::Killed, _) => info!("{name} was killed"),
        }
        if verdict == Verdict::Again(Duration::ZERO) {
            self.again(index, events);
        } else {
            self.obey(index, verdict);
        }
    }

    /// Does what the policy says, other than starting it at once.
    fn obey(&mut self, index: usize, verdict: Verdict) {
        let waiting = self.waiting_for(index);
        let name = &self.plan.components[index].name;
        let member = &mut self.members[index];
        match verdict {
            Verdict::Again(delay) => {
                member.state = State::Restarting;
                member.again.set(delay);
                info!(
                    "{name} is started again in {} ms ({} of {})",
                    delay.as_millis(),
                    member.policy.crashes(),
                    self.plan.components[index].crashes_max
                );
            }
            Verdict::Ended => member.state = State::Ended,
            Verdict::GivenUp => {
                member.state = State::Failed;
                error!("{name} is given up");
                if !waiting.is_empty() {
                    error!("{waiting} cannot run without {name}");
                }
            }
        }
        if self.plan.exit_when == Some(index as u16)
            && matches!(verdict, Verdict::Ended | Verdict::GivenUp)
        {
            let status = match (verdict, self.members[index].status) {
                // It never ran, so it has no status of its own.
                (Verdict::GivenUp, 0) => 1,
                (_, status) => status,
            };
            self.shut_down(status);
        }
    }

    /// The time has come to start a component again.
    pub fn again(&mut self, index: usize, events: &mut EventLoop<Source>) {
        if self.members[index].running.is_some() || self.going_off.is_some() {
            return;
        }
        let begin = Instant::now();
        self.members[index].restarts += 1;
        self.start(index, events);
        if self.members[index].running.is_some() {
            let name = &self.plan.components[index].name;
            info!("{name} restarted in {} ms", begin.elapsed().as_millis());
        }
    }

    /// Who needs this component, directly or not, as a list for people.
    fn waiting_for(&self, index: usize) -> String {
        let mut waiting: Vec<usize> = Vec::new();
        for (other, component) in self.plan.components.iter().enumerate().skip(index + 1) {
            let needs_it = component.needs.iter().any(|need| match need.provider {
                Provider::Component(provider, _) => {
                    let provider = usize::from(provider);
                    provider == index || waiting.contains(&provider)
                }
                Provider::Init | Provider::None => false,
            });
            if needs_it {
                waiting.push(other);
            }
        }
        let names: Vec<&str> = waiting
            .iter()
            .map(|other| self.plan.components[*other].name.as_str())
            .collect();
        names.join(", ")
    }

    /// Something came over a component's bootstrap channel.
    pub fn heard(&mut self, index: usize, message: component::ToServer<'_>) {
        let member = &mut self.members[index];
        match message {
            component::ToServer::Alive(alive) if alive.serial == member.beats => {
                member.unanswered = false
            }
            component::ToServer::Alive(_) => {}
            component::ToServer::SaveState(saved) => member.saved = saved.state.to_vec(),
        }
    }

    /// The time has come to ask a component whether it still handles events.
    pub fn beat(&mut self, index: usize) {
        let name = &self.plan.components[index].name;
        let member = &mut self.members[index];
        let Some(running) = &member.running else {
            return;
        };
        if member.unanswered {
            warn!("{name} did not answer its heartbeat");
            member.killing = Some(End::Crashed);
            let _ = running.process.kill(ProcessState::EXIT_KILLED);
            member.heartbeat.cancel();
            return;
        }
        member.beats = member.beats.wrapping_add(1);
        member.unanswered = running.boot.heartbeat(member.beats).is_ok();
    }

    /// The place of a component with this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.plan
            .components
            .iter()
            .position(|component| component.name == name)
    }

    /// Ends a component because somebody asks for it.
    pub fn kill(&mut self, index: usize) -> Result<()> {
        let member = &mut self.members[index];
        let running = member.running.as_ref().ok_or(Error::NotFound)?;
        running.process.kill(ProcessState::EXIT_KILLED)?;
        member.killing = Some(End::Killed);
        Ok(())
    }

    /// Ends a component if it runs, and starts it, whatever its policy is.
    pub fn restart(&mut self, index: usize, events: &mut EventLoop<Source>) -> Result<()> {
        self.members[index].policy.forgive();
        if self.members[index].running.is_some() {
            // Its end is an event, and the policy might leave it at that.
            self.members[index].again.set(Duration::from_millis(1));
            return self.kill(index);
        }
        self.again(index, events);
        match self.members[index].running.is_some() {
            true => Ok(()),
            false => Err(Error::Unsupported),
        }
    }

    /// What the kernel tells about a component's process.
    pub fn process_info(&self, index: usize) -> Option<ftl::abi::ProcessInfo> {
        self.members[index].running.as_ref()?.process.info().ok()
    }

    /// Asks all components to end, and then shuts the machine down.
    pub fn shut_down(&mut self, status: usize) {
        if self.going_off.is_some() {
            return;
        }
        self.going_off = Some(status);
        let mut any = false;
        for member in self.members.iter().rev() {
            if let Some(running) = &member.running {
                any |= running.boot.shutdown().is_ok();
            }
        }
        match any {
            true => self.off.set(GRACE),
            false => self.off(),
        }
    }

    /// Shuts the machine down now.
    pub fn off(&self) -> ! {
        self.machine.system.shutdown(self.going_off.unwrap_or(0))
    }

    fn off_if_all_ended(&self) {
        if self.members.iter().all(|member| member.running.is_none()) {
            self.off();
        }
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

/// A channel for a need: the client's end and the provider's.
fn pair(need: &Need) -> Result<(Channel, Channel)> {
    Channel::pair(need.queue_len.into(), need.body_len_max.into())
}

/// Hands the provider's end of a channel to the provider.
fn connect(
    members: &[Member],
    need: &Need,
    end: Channel,
    events: &mut EventLoop<Source>,
) -> Result<()> {
    match need.provider {
        Provider::None => Ok(()),
        Provider::Init => {
            let server = system::Server::from(OwnedHandle::from(end));
            events.add(&server, Source::Client)
        }
        Provider::Component(provider, provide) => match &members[usize::from(provider)].running {
            Some(running) => running.boot.new_client(provide, end),
            None => Err(Error::NotFound),
        },
    }
}

fn crash_name(status: usize) -> String {
    match status {
        ProcessState::EXIT_PANIC => "panic".into(),
        ProcessState::EXIT_FAULT => "fault".into(),
        ProcessState::EXIT_STACK_OVERFLOW => "stack overflow".into(),
        ProcessState::EXIT_KILLED => "no heartbeat".into(),
        status => status.to_string(),
    }
}

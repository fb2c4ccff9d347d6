//! What init tells, as plain data.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ftl::prelude::*;

use crate::spec::*;

/// A component, or a command that runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// A command's number; components have none.
    pub number: Option<u32>,
    pub name: String,
    pub state: Option<State>,
    pub isolation: &'static str,
    pub restarts: u32,
    pub status: u64,
    pub started_ns: u64,
    pub memory_pages: u32,
    pub handles: u32,
    pub cpu_ns: u64,
    pub messages: u64,
    /// What it does while it runs.
    pub activity: Activity,
    /// Who owes it the reply that it waits for.
    pub calls: String,
    /// Whom its start waits for, if it does.
    pub waits_for: Option<String>,
    /// What it needs: the interface, and who provides it.
    pub needs: Vec<(String, String)>,
}

/// What a component is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Running,
    Waiting,
    Restarting,
    Ended,
    Failed,
}

/// What a component that runs does at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// It uses a CPU, or would.
    #[default]
    Running,
    /// It waits for events.
    Idle,
    /// It waits for a reply.
    Calling,
}

impl Known {
    /// What it is doing, in a few words.
    pub fn state_text(&self) -> String {
        match self.state {
            // Of a command, only this is told.
            Some(State::Running) | None => match self.activity {
                Activity::Running => "running".into(),
                Activity::Idle => "idle".into(),
                Activity::Calling => alloc::format!("calls {}", self.calls),
            },
            Some(State::Waiting) => match &self.waits_for {
                Some(name) => alloc::format!("waits for {name}"),
                None => "waits".into(),
            },
            Some(State::Restarting) => "restarts".into(),
            Some(State::Ended) => alloc::format!("ended ({})", self.status),
            Some(State::Failed) => alloc::format!("failed ({})", self.status),
        }
    }
}

/// All components.
pub fn components(env: &mut Environ) -> Result<Vec<Known>> {
    let mut all: Vec<Known> = Vec::new();
    loop {
        let reply = env.system.components(all.len() as u16)?;
        let before = all.len();
        all.extend(reply.components.iter().map(|component| Known {
            number: None,
            name: component.name.to_string(),
            state: Some(match component.state {
                system::State::Running => State::Running,
                system::State::Waiting => State::Waiting,
                system::State::Restarting => State::Restarting,
                system::State::Ended => State::Ended,
                system::State::Failed => State::Failed,
            }),
            isolation: match component.isolation {
                system::Isolation::Kernel => "kernel",
                system::Isolation::User => "user",
            },
            restarts: component.restarts,
            status: component.status,
            started_ns: component.started_ns,
            memory_pages: component.memory_pages,
            handles: component.handles,
            cpu_ns: component.cpu_ns,
            messages: component.messages_sent,
            activity: match component.activity {
                system::Activity::Nothing | system::Activity::Running => Activity::Running,
                system::Activity::Waiting => Activity::Idle,
                system::Activity::Calling => Activity::Calling,
            },
            calls: component.calls.to_string(),
            ..Known::default()
        }));
        if all.len() == before || all.len() >= usize::from(reply.total) {
            return Ok(all);
        }
    }
}

/// Finds out whom those wait for that have not been started.
pub fn look_for_causes(env: &mut Environ, all: &mut [Known]) -> Result<()> {
    for index in 0..all.len() {
        if all[index].state == Some(State::Waiting) {
            let needs = env.system.needs(&all[index].name)?;
            let missing = needs.iter().map(|need| need.provider).find(|provider| {
                let mut others = all.iter();
                others.any(|other| other.name == *provider && other.state != Some(State::Running))
            });
            all[index].waits_for = missing.map(String::from);
        }
    }
    Ok(())
}

/// All components, with what they need.
pub fn components_with_needs(env: &mut Environ) -> Result<Vec<Known>> {
    let mut all = components(env)?;
    for component in &mut all {
        let reply = env.system.needs(&component.name)?;
        let needs = reply.iter();
        component.needs = needs
            .map(|need| (need.interface.to_string(), need.provider.to_string()))
            .collect();
    }
    Ok(all)
}

/// Two that have channels to each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connection {
    pub component: String,
    pub peer: String,
    pub channels: u32,
    pub sent: u64,
    pub received: u64,
}

/// Who is connected to whom.
pub fn connections(env: &mut Environ) -> Result<Vec<Connection>> {
    let mut all: Vec<Connection> = Vec::new();
    loop {
        let reply = env.system.connections(all.len() as u16)?;
        let before = all.len();
        all.extend(reply.connections.iter().map(|connection| Connection {
            component: connection.component.to_string(),
            peer: connection.peer.to_string(),
            channels: connection.channels,
            sent: connection.sent,
            received: connection.received,
        }));
        if all.len() == before || all.len() >= usize::from(reply.total) {
            return Ok(all);
        }
    }
}

/// All commands that run.
pub fn jobs(env: &mut Environ) -> Result<Vec<Known>> {
    let mut all: Vec<Known> = Vec::new();
    loop {
        let reply = env.launcher.jobs(all.len() as u16)?;
        let before = all.len();
        all.extend(reply.jobs.iter().map(|job| Known {
            number: Some(job.number),
            name: job.name.to_string(),
            started_ns: job.started_ns,
            memory_pages: job.memory_pages,
            handles: job.handles,
            cpu_ns: job.cpu_ns,
            messages: job.messages_sent,
            isolation: match job.isolation {
                launcher::Isolation::Kernel => "kernel",
                launcher::Isolation::User => "user",
            },
            activity: match job.activity {
                launcher::Activity::Running => Activity::Running,
                launcher::Activity::Waiting => Activity::Idle,
                launcher::Activity::Calling => Activity::Calling,
            },
            calls: job.calls.to_string(),
            ..Known::default()
        }));
        // Those that end in between move the others: then some are missing, for this once.
        if all.len() == before || all.len() >= usize::from(reply.total) {
            return Ok(all);
        }
    }
}

//! What becomes of a component that ended, hung, or is to be ended.
//!
//! Two things tell of an end: its process is gone, and its channel to init is closed. Nothing is
//! promised about their order, and what the component said last, its saved state for one, lies in the
//! channel. So an end counts once both have come; a component that gave its end of the channel
//! away keeps nobody waiting for longer than [`LAST_WORDS`].

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ftl::abi::ProcessState;
use ftl::prelude::*;
use interfaces::component;
use plan::Provider;

use crate::policy::{End, Verdict};
use crate::spec::EventLoop;
use crate::supervisor::{Off, Source, State, Supervisor};

/// How long the channel of a process that is gone may stay open.
const LAST_WORDS: Duration = Duration::from_millis(10);

impl Supervisor {
    /// A component's process has ended.
    pub fn exited(&mut self, index: usize, status: usize, events: &mut EventLoop<Source>) {
        let member = &mut self.members[index];
        if member.running.is_none() || member.ended.is_some() {
            return;
        }
        member.ended = Some(status);
        if member.boot_closed {
            self.bury(index, events);
        } else {
            member.again.set(LAST_WORDS);
        }
    }

    /// A component's channel to init is closed.
    pub fn boot_closed(&mut self, index: usize, events: &mut EventLoop<Source>) {
        let member = &mut self.members[index];
        let Some(running) = &member.running else {
            return;
        };
        member.boot_closed = true;
        if member.ended.is_some() {
            self.bury(index, events);
            return;
        }
        // Mostly it has ended, and this changes nothing. Otherwise it broke the rules of the channel
        // or gave it up, and can be told nothing any more.
        member.killing.get_or_insert(End::Crashed);
        let _ = running.process.kill(ProcessState::EXIT_KILLED);
    }

    /// Everything of the component is gone, and all that it said was heard.
    fn bury(&mut self, index: usize, events: &mut EventLoop<Source>) {
        let member = &mut self.members[index];
        let (Some(running), Some(status)) = (member.running.take(), member.ended.take()) else {
            return;
        };
        let _ = events.remove(&running.process);
        let _ = events.remove_channel(&running.boot);
        drop(running);
        member.again.cancel();
        member.heartbeat.cancel();
        member.status = status;
        let end = how_it_ended(status, member.killing.take());
        let wanted = core::mem::take(&mut member.wanted);
        if self.going_off.is_some() {
            self.one_less(index);
            return;
        }
        let verdict = match wanted {
            true => Verdict::Again(Duration::ZERO),
            false => self.members[index].policy.ended(end, Instant::now()),
        };
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
    pub fn obey(&mut self, index: usize, verdict: Verdict) {
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
            self.shut_down(Off::Power(status));
        }
    }

    /// A component's time has come: to be started again, or to count as ended.
    pub fn again(&mut self, index: usize, events: &mut EventLoop<Source>) {
        if self.members[index].ended.is_some() {
            self.bury(index, events);
            return;
        }
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
            let _ = running.process.kill_and_tell(ProcessState::EXIT_KILLED);
            member.heartbeat.cancel();
            return;
        }
        member.beats = member.beats.wrapping_add(1);
        member.unanswered = running.boot.heartbeat(member.beats).is_ok();
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
            self.members[index].wanted = true;
            return self.kill(index);
        }
        self.again(index, events);
        match self.members[index].running.is_some() {
            true => Ok(()),
            false => Err(Error::Unsupported),
        }
    }
}

/// What a status means, and init's own reason to end the component, if that is how it ended.
fn how_it_ended(status: usize, killing: Option<End>) -> End {
    match status {
        ProcessState::EXIT_PANIC | ProcessState::EXIT_FAULT | ProcessState::EXIT_STACK_OVERFLOW => {
            End::Crashed
        }
        // Nobody but init can kill it: without a reason of init's it has made this number up, to be
        // started again for ever.
        ProcessState::EXIT_KILLED => killing.unwrap_or(End::Crashed),
        status => End::Exited(status),
    }
}

fn crash_name(status: usize) -> String {
    match status {
        ProcessState::EXIT_PANIC => "panic".into(),
        ProcessState::EXIT_FAULT => "fault".into(),
        ProcessState::EXIT_STACK_OVERFLOW => "stack overflow".into(),
        ProcessState::EXIT_KILLED => "killed by init".into(),
        status => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_cannot_be_made_up() {
        let killed = ProcessState::EXIT_KILLED;
        assert_eq!(how_it_ended(killed, Some(End::Killed)), End::Killed);
        assert_eq!(how_it_ended(killed, None), End::Crashed);
        // It crashed by itself just before it would have been killed.
        let panicked = how_it_ended(ProcessState::EXIT_PANIC, Some(End::Killed));
        assert_eq!(panicked, End::Crashed);
        assert_eq!(how_it_ended(3, Some(End::Killed)), End::Exited(3));
    }
}

//! The machine's orderly end: components end in the reverse of the order in which they were started.
//!
//! Those that no running component needs are asked to end; when they have, those are that only they
//! needed, and so on. So a server is there until its last client has said its last word. Who
//! does not end within [`GRACE`] is killed.

use alloc::string::String;

use ftl::abi::ProcessState;
use ftl::prelude::*;
use plan::Provider;

use crate::supervisor::{Off, Supervisor};

/// How long a component has to end by itself.
const GRACE: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Asks all components to end, one after the other, and then shuts the machine down.
    pub fn shut_down(&mut self, how: Off) {
        if self.going_off.is_some() {
            return;
        }
        self.going_off = Some(how);
        for member in &self.members {
            member.heartbeat.cancel();
            if member.ended.is_none() {
                member.again.cancel();
            }
        }
        self.ask_next();
    }

    /// Asks those that nobody needs any more; if nothing runs, the machine goes off.
    fn ask_next(&mut self) {
        if self.members.iter().all(|member| member.running.is_none()) {
            self.off();
        }
        let mut any = false;
        for index in (0..self.members.len()).rev() {
            if self.members[index].asked || self.is_needed(index) {
                continue;
            }
            let member = &mut self.members[index];
            let Some(running) = &member.running else {
                continue;
            };
            member.asked = true;
            any = true;
            if running.boot.shutdown().is_err() {
                let _ = running.process.kill(ProcessState::EXIT_KILLED);
            }
        }
        if any {
            self.grace.set(GRACE);
        }
    }

    /// Whether a component that runs needs this one.
    fn is_needed(&self, index: usize) -> bool {
        let components = self.plan.components.iter().zip(&self.members);
        components
            .filter(|(_, member)| member.running.is_some())
            .flat_map(|(component, _)| &component.needs)
            .any(|need| {
                matches!(need.provider, Provider::Component(provider, _) if usize::from(provider) == index)
            })
    }

    /// A component has ended on the way.
    pub fn one_less(&mut self, index: usize) {
        self.ended_in_order.push(index);
        self.ask_next();
    }

    /// Those that were asked have had their time.
    pub fn grace_over(&mut self) {
        let mut killed = false;
        for (component, member) in self.plan.components.iter().zip(&mut self.members) {
            let Some(running) = member.running.as_ref().filter(|_| member.asked) else {
                continue;
            };
            if member.killed_at_off {
                // The kernel has not ended it either: do not wait for ever.
                error!("{} does not end", component.name);
                self.off();
            }
            member.killed_at_off = true;
            killed = true;
            // One whose channel is closed has ended by itself, and the kernel is still taking it apart. On a
            // busy machine with much memory to give back that alone has taken a second.
            if !member.boot_closed {
                info!("{} did not end by itself", component.name);
                let _ = running.process.kill(ProcessState::EXIT_KILLED);
            }
        }
        if killed {
            self.grace.set(GRACE);
        }
    }

    /// Shuts the machine down now.
    fn off(&self) -> ! {
        let names: alloc::vec::Vec<&str> = self
            .ended_in_order
            .iter()
            .map(|index| self.plan.components[*index].name.as_str())
            .collect();
        let names: String = names.join(", ");
        match names.is_empty() {
            true => info!("off"),
            false => info!("off, after {names}"),
        }
        match self.going_off.unwrap_or(Off::Power(0)) {
            Off::Power(status) => self.machine.system.shutdown(status),
            Off::Reset { cold } => self.machine.system.reset(cold),
        }
    }
}

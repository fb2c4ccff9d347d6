//! Shares of a CPU (rule 14): a component that has used up its share of the current 10 ms has the CPU
//! only while nobody else wants it.
//!
//! A share counts only while somebody else waits for the CPU, and is looked at just then: when
//! somebody starts to wait, when the CPU goes straight on to a receiver although others wait, and when
//! what was left at the last look must be over. So a component that is alone is not interrupted, and the
//! message path pays nothing as long as nobody waits.
//!
//! A component's threads share its share, on whichever CPUs they run. A thread that is found to have
//! none left goes to the level [`SPENT`], below all priorities, until the 10 ms are over. Nothing is
//! taken from anybody without need: if the CPU has nothing else to do, it goes on.
//!
//! Deliberately absent: looking for those that wait on other CPUs as long as a component is alone on its
//! own. And inheritance: who calls a component that has spent its share waits with it, at
//! most for the rest of its 10 ms.

use crate::kernel::Kernel;
use crate::memory::Id;
use crate::object::{Process, Thread};
use crate::scheduler::PRIORITIES;

/// The level of threads whose component has used up its share.
pub const SPENT: u8 = PRIORITIES as u8;
/// The time of which components have a share.
const WINDOW_NS: u64 = 10_000_000;
/// Looks at a component with several threads in that time, about.
const LOOKS_MAX: u64 = 32;
/// Threads that one look lets back to their priority at most.
const RETURN_STEP: usize = 16;

impl Kernel {
    /// Puts a thread, which is on no run queue, on the level that its component's share allows.
    /// Returns in how many ticks that has to be looked at again. `waited_for`: whether somebody has waited
    /// for the CPU since the last look; a look that comes late then carries over what was used too much.
    #[cold]
    #[inline(never)]
    pub fn look_at_share(&mut self, thread: Id<Thread>, waited_for: bool) -> u64 {
        let process = self.threads[thread].process;
        let share = u64::from(self.processes[process].cpu_share_percent);
        if share >= 100 {
            return u64::MAX;
        }
        let now = self.memory.machine.now();
        let window = self.ticks(WINDOW_NS);
        let all = self.process_cpu_ticks(process);
        let account = &mut self.processes[process];
        let elapsed = now.saturating_sub(account.share_since);
        if elapsed >= window {
            let debt = match waited_for {
                true => (all - account.share_mark).saturating_sub(elapsed * share / 100),
                false => 0,
            };
            (account.share_since, account.share_mark) = (now, all - debt.min(window));
        }
        let (used, budget) = (all - account.share_mark, window * share / 100);
        let over = account.share_since + window - now;
        let others = account.thread_count.min(self.cpu_count as u32);
        let node = &mut self.threads[thread];
        if used >= budget {
            node.priority = SPENT;
            return over;
        }
        node.priority = node.own_priority;
        let left = budget - used;
        if others <= 1 {
            return left;
        }
        // They may all use it at once; then it is over sooner.
        left.min((left / u64::from(others)).max(window / LOOKS_MAX))
    }

    /// In how many ticks a thread that waits on the level [`SPENT`] gets its priority back.
    fn ticks_until_share(&self, thread: Id<Thread>) -> u64 {
        let account = &self.processes[self.threads[thread].process];
        (account.share_since + self.ticks(WINDOW_NS)).saturating_sub(self.memory.machine.now())
    }

    /// In how many ticks the first thread of the level [`SPENT`] of a CPU gets its priority back.
    pub fn next_return(&self, cpu: usize) -> u64 {
        self.cpus[cpu]
            .first_ready(SPENT)
            .map_or(u64::MAX, |first| self.ticks_until_share(first))
    }

    /// Lets those back to their priorities whose 10 ms are over.
    pub fn return_spent(&mut self, cpu: usize) {
        for _ in 0..RETURN_STEP {
            match self.cpus[cpu].first_ready(SPENT) {
                Some(first) if self.ticks_until_share(first) == 0 => {
                    self.dequeue(first);
                    // It was overtaken all the while, so what it had too much counts.
                    self.look_at_share(first, true);
                    self.enqueue(first, cpu, false);
                }
                _ => return,
            }
        }
    }

    /// A thread sends a message, or tries to, in the general way.
    #[inline(always)]
    pub fn count_message(&mut self, thread: Id<Thread>) {
        self.statistics.messages += 1;
        let sent = &mut self.threads[thread].general_messages;
        *sent = sent.wrapping_add(1);
    }

    /// Messages that a process has sent, or tried to.
    pub fn process_messages_sent(&self, id: Id<Process>) -> u64 {
        let mut sent = self.processes[id].messages_sent;
        let mut next = self.processes[id].threads;
        while let Some(thread) = next {
            let node = &self.threads[thread];
            sent += node.direct_messages + node.general_messages;
            next = node.sibling;
        }
        sent
    }

    /// Ticks that a process has had a CPU, up to now.
    pub fn process_cpu_ticks(&self, id: Id<Process>) -> u64 {
        let now = self.memory.machine.now();
        let mut ticks = self.processes[id].cpu_ticks;
        let mut next = self.processes[id].threads;
        while let Some(thread) = next {
            let node = &self.threads[thread];
            ticks += node.cpu_ticks;
            if self.cpus[node.cpu as usize].current == Some(thread) {
                ticks += now.saturating_sub(node.running_since);
            }
            next = node.sibling;
        }
        ticks
    }
}

//! Which thread runs where, and when something is due.
//!
//! Each CPU has a list of ready threads per priority. A thread that wakes goes to an idle CPU
//! if there is one, otherwise to the CPU that woke it; a CPU with nothing to do takes from the
//! others. The hardware timer of a CPU is set only when something is due: a deadline, or, while
//! other threads are ready, the end of a slice or of a component's share of the CPU
//! ([`crate::share`]). Nothing ticks.
//!
//! A deadline for a thread's wait is set at nearly every call and hardly ever comes: the answer
//! is there before. So the heap of deadlines is not told of each. A thread's entry stays there
//! after the wait, and serves the next one if that ends later; when its moment comes, the entry
//! is moved to the real one, or goes. A CPU that is about to sleep sorts out what is in front
//! first, so that nothing wakes it in vain.

use crate::kernel::{CPUS_MAX, Exit, Kernel};
use crate::memory::Id;
use crate::object::{Deadline, Space, Thread, ThreadState};
use crate::share::SPENT;

/// Priorities: 0 runs first.
pub const PRIORITIES: usize = 8;
/// The priorities, and below them the level of those that have spent their share of the CPU.
const LEVELS: usize = PRIORITIES + 1;
/// How long a thread runs while others of its priority are ready.
pub const SLICE_NS: u64 = 10_000_000;

/// Deadlines that one timer interrupt handles at most.
const DUE_STEP: usize = 64;
/// The first and the last of a list of threads.
type ThreadList = (Option<Id<Thread>>, Option<Id<Thread>>);

/// What a CPU is doing. Aligned so that finding one by its number is a shift.
#[repr(align(256))]
pub struct CpuState {
    /// The thread on it.
    pub current: Option<Id<Thread>>,
    /// Ready threads: first and last for each level.
    ready: [ThreadList; LEVELS],
    /// Bit n: there are ready threads on level n.
    ready_mask: u32,
    /// The address space whose user half is visible.
    pub active_space: Option<Id<Space>>,
    /// Whether it was interrupted to let go of that, and has not handled the interrupt yet.
    pub asked_to_let_go: bool,
    /// When it has to be looked at whether the current thread goes on although others are ready: at
    /// the end of its slice or of its component's share. `u64::MAX` while nobody waits for that.
    slice_end: u64,
    /// When the slice began that equals wait for the end of, or `u64::MAX`.
    slice_began: u64,
    /// What the hardware timer is set to.
    pub armed: u64,
    /// Whether it takes part.
    pub online: bool,
    /// Since when it has been idle, in ticks.
    idle_since: u64,
}

impl CpuState {
    /// A CPU that has not started.
    pub const fn new() -> CpuState {
        CpuState {
            current: None,
            ready: [(None, None); LEVELS],
            ready_mask: 0,
            active_space: None,
            asked_to_let_go: false,
            slice_end: u64::MAX,
            slice_began: u64::MAX,
            armed: u64::MAX,
            online: false,
            idle_since: 0,
        }
    }

    /// The best level among the ready threads; a number beyond all levels if there are none.
    #[inline]
    pub fn best_ready(&self) -> u32 {
        // Without any, 32.
        self.ready_mask.trailing_zeros()
    }

    /// Whether no thread is ready.
    pub fn none_ready(&self) -> bool {
        self.ready_mask == 0
    }

    /// The first ready thread of a level.
    pub fn first_ready(&self, level: u8) -> Option<Id<Thread>> {
        self.ready[level as usize].0
    }
}

impl Kernel {
    /// Puts a runnable thread on a run queue. `cpu` is the CPU that this happens on.
    pub fn make_ready(&mut self, thread: Id<Thread>, cpu: usize) {
        let last = self.threads[thread].cpu as usize;
        let idle = self.idle_cpus;
        let target = match idle {
            0 => cpu,
            _ if idle >> last & 1 == 1 => last,
            _ => idle.trailing_zeros() as usize,
        };
        self.enqueue(thread, target, false);
        if target != cpu {
            self.idle_cpus &= !(1 << target);
            self.memory.machine.interrupt_cpu(target);
        } else {
            self.idle_cpus &= !(1 << cpu);
            let woken = self.threads[thread].priority;
            match self.cpus[cpu].current {
                // It is overtaken when the kernel is left: there is no end of its slice to wait for.
                Some(current) if woken < self.threads[current].priority => self.woke_first = true,
                _ => self.start_slice(cpu),
            }
        }
    }

    /// Lets the current thread's slice begin if somebody waits for its end.
    fn start_slice(&mut self, cpu: usize) {
        let state = &self.cpus[cpu];
        if state.slice_end == u64::MAX
            && state.ready_mask != 0
            && let Some(current) = state.current
        {
            self.start_contended_slice(cpu, current);
        }
    }

    #[cold]
    #[inline(never)]
    fn start_contended_slice(&mut self, cpu: usize, current: Id<Thread>) {
        let node = &mut self.threads[current];
        // Who was overtaken goes on with what was left of its slice.
        let (before, used) = (node.priority, core::mem::take(&mut node.slice_used));
        let mut share = self.look_at_share(current, false);
        let now = self.memory.machine.now();
        let level = self.threads[current].priority;
        if level == SPENT && before != SPENT {
            // It should not have been chosen: the timer says so at once.
            share = 0;
        }
        let slice_len = self.slice_ticks;
        let state = &mut self.cpus[cpu];
        if state.slice_began == u64::MAX {
            state.slice_began = now.saturating_sub(used);
        }
        let slice_end = match state.ready_mask >> level & 1 {
            1 => state.slice_began + slice_len,
            _ => u64::MAX,
        };
        let look = share.min(self.next_return(cpu));
        let end = slice_end.min(now.saturating_add(look));
        if end != u64::MAX {
            self.cpus[cpu].slice_end = end;
            self.arm_timer(cpu);
        }
    }

    /// Puts a thread on a run queue, as its first or its last.
    pub fn enqueue(&mut self, thread: Id<Thread>, cpu: usize, first: bool) {
        if self.threads[thread].priority == SPENT {
            self.look_at_share(thread, false);
        }
        let node = &mut self.threads[thread];
        node.state = ThreadState::Ready;
        node.cpu = cpu as u16;
        let priority = node.priority as usize;
        let (head, tail) = self.cpus[cpu].ready[priority];
        if first {
            (node.previous, node.next) = (None, head);
            self.cpus[cpu].ready[priority] = (Some(thread), tail.or(Some(thread)));
            if let Some(head) = head {
                self.threads[head].previous = Some(thread);
            }
        } else {
            (node.previous, node.next) = (tail, None);
            self.cpus[cpu].ready[priority] = (head.or(Some(thread)), Some(thread));
            if let Some(tail) = tail {
                self.threads[tail].next = Some(thread);
            }
        }
        self.cpus[cpu].ready_mask |= 1 << priority;
    }

    /// Takes a ready thread off its run queue.
    pub fn dequeue(&mut self, thread: Id<Thread>) {
        let node = &mut self.threads[thread];
        let (previous, next) = (node.previous.take(), node.next.take());
        let (cpu, priority) = (node.cpu as usize, node.priority as usize);
        match previous {
            Some(previous) => self.threads[previous].next = next,
            None => self.cpus[cpu].ready[priority].0 = next,
        }
        match next {
            Some(next) => self.threads[next].previous = previous,
            None => self.cpus[cpu].ready[priority].1 = previous,
        }
        if self.cpus[cpu].ready[priority].0.is_none() {
            self.cpus[cpu].ready_mask &= !(1 << priority);
        }
    }

    /// The CPU has no current thread: chooses one, its own or another CPU's, or idles.
    pub fn pick(&mut self, cpu: usize) -> Exit {
        let own = self.cpus[cpu].best_ready();
        if own >= u32::from(SPENT) {
            let busiest = (0..CPUS_MAX)
                .filter(|&other| self.cpus[other].best_ready() < own)
                .min_by_key(|&other| self.cpus[other].best_ready());
            match busiest {
                Some(other) => return self.run_best_of(other, cpu),
                None if self.cpus[cpu].ready_mask == 0 => return self.go_idle(cpu),
                None => {}
            }
        }
        self.run_best_of(cpu, cpu)
    }

    fn run_best_of(&mut self, from: usize, cpu: usize) -> Exit {
        let priority = self.cpus[from].best_ready() as usize;
        let thread = self.cpus[from].ready[priority]
            .0
            .expect("the mask says that one is ready");
        self.dequeue(thread);
        self.woke_first = false;
        self.end_slice(cpu);
        let exit = self.run(thread, cpu);
        if self.cpus[cpu].ready_mask == 0 {
            // Nobody waits for its end: what it used before does not count.
            self.threads[thread].slice_used = 0;
        } else {
            self.start_slice(cpu);
        }
        exit
    }

    fn end_slice(&mut self, cpu: usize) {
        let state = &mut self.cpus[cpu];
        (state.slice_end, state.slice_began) = (u64::MAX, u64::MAX);
    }

    /// Puts a thread on the CPU. Whoever was there has been put down elsewhere already.
    #[inline(always)]
    pub fn run(&mut self, thread: Id<Thread>, cpu: usize) -> Exit {
        let now = self.memory.machine.now();
        let state = &mut self.cpus[cpu];
        match state.current.replace(thread) {
            Some(previous) => {
                if let Some(previous) = self.threads.get_mut(previous) {
                    previous.cpu_ticks += now - previous.running_since;
                }
            }
            None => {
                self.idle_cpus &= !(1 << cpu);
                if state.idle_since != 0 {
                    self.statistics.idle_ticks += now - state.idle_since;
                    state.idle_since = 0;
                }
            }
        }
        let node = &mut self.threads[thread];
        node.state = ThreadState::Running;
        node.cpu = cpu as u16;
        node.running_since = now;
        self.statistics.switches += 1;
        Exit::Run(thread)
    }

    /// Ticks since boot during which a CPU had nothing to do, over all CPUs; those that have nothing to do now included,
    /// which may sleep for long.
    pub fn idle_ticks(&self) -> u64 {
        let now = self.memory.machine.now();
        let idle = self.cpus.iter().filter(|state| state.idle_since != 0);
        let going_on = idle.map(|state| now.saturating_sub(state.idle_since));
        self.statistics.idle_ticks + going_on.sum::<u64>()
    }

    fn go_idle(&mut self, cpu: usize) -> Exit {
        let now = self.memory.machine.now();
        let state = &mut self.cpus[cpu];
        if let Some(previous) = state.current.take()
            && let Some(previous) = self.threads.get_mut(previous)
        {
            previous.cpu_ticks += now - previous.running_since;
        }
        if state.idle_since == 0 {
            state.idle_since = now;
        }
        self.end_slice(cpu);
        self.idle_cpus |= 1 << cpu;
        self.tidy_deadlines(now);
        Exit::Idle
    }

    /// The current thread has blocked or ended. If it made `woken` runnable, that one goes on
    /// straight away unless somebody more important is ready (rule 14).
    #[inline(always)]
    pub fn switch_from_blocked(&mut self, cpu: usize, woken: Option<Id<Thread>>) -> Exit {
        match woken {
            Some(thread)
                if u32::from(self.threads[thread].priority) <= self.cpus[cpu].best_ready() =>
            {
                if self.cpus[cpu].ready_mask != 0 {
                    return self.switch_contended(cpu, thread);
                }
                self.run(thread, cpu)
            }
            Some(thread) => {
                self.make_ready(thread, cpu);
                self.pick(cpu)
            }
            None => self.pick(cpu),
        }
    }

    /// Goes on with a receiver although others are ready, unless its component has spent its share.
    #[cold]
    #[inline(never)]
    fn switch_contended(&mut self, cpu: usize, thread: Id<Thread>) -> Exit {
        let waited_for = self.cpus[cpu].slice_end != u64::MAX;
        let share = self.look_at_share(thread, waited_for);
        if u32::from(self.threads[thread].priority) > self.cpus[cpu].best_ready() {
            self.make_ready(thread, cpu);
            return self.pick(cpu);
        }
        let exit = self.run(thread, cpu);
        let end = self.memory.machine.now().saturating_add(share);
        if self.cpus[cpu].slice_end == u64::MAX {
            // Others may wait for the end of its slice who did not for the sender's.
            self.start_slice(cpu);
        } else if end < self.cpus[cpu].slice_end {
            self.cpus[cpu].slice_end = end;
            self.arm_timer(cpu);
        }
        exit
    }

    /// Chooses between the current thread, which can go on, and the ready ones. `None`: it goes on.
    #[inline]
    pub fn preemption(&mut self, cpu: usize) -> Option<Exit> {
        let Some(current) = self.cpus[cpu].current else {
            return Some(self.pick(cpu));
        };
        let state = &self.cpus[cpu];
        if state.ready_mask == 0 {
            // Nobody to share with: whoever waited for the slice's end is gone, perhaps to another
            // CPU. A slice that is over would keep the timer firing without end.
            self.end_slice(cpu);
            return None;
        }
        if state.best_ready() < u32::from(self.threads[current].priority) {
            self.overtaken(cpu, current);
            return Some(self.run_best_of(cpu, cpu));
        }
        if state.slice_end == u64::MAX || self.memory.machine.now() < state.slice_end {
            return None;
        }
        self.slice_over(cpu, current)
    }

    /// The slice or the share of the current thread is over, or somebody's 10 ms are.
    #[cold]
    #[inline(never)]
    fn slice_over(&mut self, cpu: usize, current: Id<Thread>) -> Option<Exit> {
        let began = self.cpus[cpu].slice_began;
        let ran = self.memory.machine.now().saturating_sub(began);
        self.cpus[cpu].slice_end = u64::MAX;
        self.return_spent(cpu);
        self.look_at_share(current, true);
        let level = u32::from(self.threads[current].priority);
        let best = self.cpus[cpu].best_ready();
        let spent = level == u32::from(SPENT);
        if best > level || best == level && !spent && ran < self.slice_ticks {
            // Those that wait are less important and its share is not spent, or its slice is not over.
            self.start_slice(cpu);
            return None;
        }
        if best < level && !spent {
            self.overtaken(cpu, current);
        } else {
            self.enqueue(current, cpu, false);
        }
        Some(self.pick(cpu))
    }

    /// The current thread leaves the CPU to a more important one. It stays the first of its equals for what
    /// is left of its slice, and no longer: however often that happens, they get their turn.
    #[inline(never)]
    fn overtaken(&mut self, cpu: usize, current: Id<Thread>) {
        let began = self.cpus[cpu].slice_began;
        if began == u64::MAX {
            // Nobody has waited: there is no slice, and nothing of it is used.
            return self.enqueue(current, cpu, true);
        }
        let used = self.memory.machine.now().saturating_sub(began);
        let is_over = used >= self.slice_ticks;
        self.threads[current].slice_used = if is_over { 0 } else { used };
        self.enqueue(current, cpu, !is_over);
    }

    /// The current thread lets others of its priority run first.
    pub fn yield_now(&mut self, cpu: usize) -> Option<Exit> {
        let current = self.cpus[cpu].current?;
        if self.cpus[cpu].best_ready() > u32::from(self.threads[current].priority) {
            return None;
        }
        self.enqueue(current, cpu, false);
        Some(self.run_best_of(cpu, cpu))
    }

    /// Handles what is due.
    pub fn timer_interrupt(&mut self, cpu: usize) {
        self.cpus[cpu].armed = u64::MAX;
        let now = self.memory.machine.now();
        // What is left after so many fires the timer again at once: each entry is bounded.
        for _ in 0..DUE_STEP {
            let Some((at, whose)) = self.deadlines.first(&self.memory) else {
                break;
            };
            if at > now {
                break;
            }
            self.cancel_deadline(1);
            match whose {
                Deadline::Thread(thread) => {
                    if self.due_thread(thread, now) {
                        self.fail_waiting(thread, abi::Error::TimedOut);
                        self.make_ready(thread, cpu);
                    }
                }
                Deadline::Timer(id) => {
                    let timer = &mut self.timers[id];
                    timer.fire(at, now);
                    let source = timer.source;
                    self.notify_and_wake(source, cpu);
                }
            }
        }
        if self.cpus[cpu].slice_end <= now {
            // That is answered when the kernel is left; the timer must not fire again for it.
            self.deadlines_changed = false;
            self.arm_timer_for(cpu, self.first_deadline());
        } else {
            self.arm_timer(cpu);
        }
    }

    /// A thread's entry has left the heap of deadlines. Whether its wait is over; if it ends later
    /// the entry goes back in.
    fn due_thread(&mut self, thread: Id<Thread>, now: u64) -> bool {
        let node = &mut self.threads[thread];
        node.heap_at = u64::MAX;
        let deadline = node.deadline;
        if deadline != u64::MAX && deadline > now {
            self.set_deadline(deadline, Deadline::Thread(thread));
            self.threads[thread].heap_at = deadline;
        }
        deadline <= now
    }

    /// Lets a thread's wait end at some moment. The heap is told only if it would look too late.
    #[inline]
    pub fn limit_wait(&mut self, thread: Id<Thread>, deadline: u64) {
        let node = &mut self.threads[thread];
        node.deadline = deadline;
        if node.heap_at > deadline {
            self.advance_deadline(thread);
        }
    }

    #[inline(never)]
    fn advance_deadline(&mut self, thread: Id<Thread>) {
        let (place, deadline) = (
            self.threads[thread].heap_place,
            self.threads[thread].deadline,
        );
        if place != 0 {
            self.cancel_deadline(place);
        }
        self.set_deadline(deadline, Deadline::Thread(thread));
        self.threads[thread].heap_at = deadline;
    }

    /// A thread ends: nothing of it stays in the heap.
    pub fn end_deadline(&mut self, thread: Id<Thread>) {
        let place = self.threads[thread].heap_place;
        if place != 0 {
            self.cancel_deadline(place);
            self.threads[thread].heap_at = u64::MAX;
        }
    }

    /// Sorts out entries of threads that do not wait so early any more, as far as they are in front.
    fn tidy_deadlines(&mut self, now: u64) {
        for _ in 0..DUE_STEP {
            match self.deadlines.first(&self.memory) {
                Some((at, Deadline::Thread(thread)))
                    if at > now && self.threads[thread].deadline != at =>
                {
                    self.cancel_deadline(1);
                    self.due_thread(thread, now);
                }
                _ => return,
            }
        }
    }

    /// Adds a deadline; it must not be in the heap already.
    pub fn set_deadline(&mut self, at: u64, whose: Deadline) {
        let Kernel {
            deadlines,
            memory,
            threads,
            timers,
            ..
        } = self;
        deadlines.insert(memory, at, whose, &mut |whose, place| match whose {
            Deadline::Thread(id) => threads[id].heap_place = place,
            Deadline::Timer(id) => timers[id].heap_place = place,
        });
        self.deadlines_changed = true;
    }

    /// Removes a deadline by its place in the heap.
    pub fn cancel_deadline(&mut self, place: u32) {
        let Kernel {
            deadlines,
            memory,
            threads,
            timers,
            ..
        } = self;
        deadlines.remove(memory, place, &mut |whose, place| match whose {
            Deadline::Thread(id) => threads[id].heap_place = place,
            Deadline::Timer(id) => timers[id].heap_place = place,
        });
    }

    /// Sets this CPU's timer to the next thing due, if that is sooner than what it is set to.
    /// Invariant: whoever makes a deadline the first one arms its own timer for it, so some
    /// CPU is always armed for the first deadline or earlier.
    pub fn arm_timer(&mut self, cpu: usize) {
        self.deadlines_changed = false;
        let first = self.first_deadline();
        let slice_end = self.cpus[cpu].slice_end;
        if first.min(slice_end) >= self.cpus[cpu].armed {
            return;
        }
        // One CPU is enough for it: if each were armed, all would wake up for each deadline, and wait
        // for each other at the kernel's door.
        let covered = self.cpus[..].iter().any(|other| other.armed <= first);
        self.arm_timer_for(
            cpu,
            if covered {
                slice_end
            } else {
                first.min(slice_end)
            },
        );
    }

    fn first_deadline(&self) -> u64 {
        self.deadlines
            .first(&self.memory)
            .map_or(u64::MAX, |(at, _)| at)
    }

    fn arm_timer_for(&mut self, cpu: usize, due: u64) {
        let state = &self.cpus[cpu];
        // A CPU that sleeps is not to be woken for what has become void.
        if due < state.armed || (due != state.armed && state.current.is_none()) {
            self.cpus[cpu].armed = due;
            self.memory.machine.set_timer(due);
        }
    }

    /// Nanoseconds in ticks of the counter.
    pub fn ticks(&self, nanoseconds: u64) -> u64 {
        nanoseconds * self.memory.machine.ticks_per_second() / 1_000_000_000
    }
}

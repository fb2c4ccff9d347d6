//! Waiting for events: what a queue's sources have to say, and who is told.
//!
//! Nobody sleeps through an event: a thread is put down as a queue's waiter only after the
//! queue's list was seen empty, and everything that happens between two entries into the
//! kernel happens under the one lock (rule 5), so between the look and the sleep nothing can.

use abi::{Error, EventKind, Handle, MessageInfo, Result, Rights};

use crate::kernel::Kernel;
use crate::memory::Id;
use crate::object::{
    Channel, Deadline, Object, Queue, Side, SlotHeader, Source, Thread, ThreadState,
};

/// What `wait` came to.
pub enum Waited {
    /// An event is there; these go to the thread's result registers.
    Now([usize; 6]),
    /// The thread is put down as waiting.
    Blocked,
}

impl Kernel {
    /// Sets a waiting thread's results and makes it runnable, on no run queue yet.
    #[inline(always)]
    pub(super) fn finish_waiting(&mut self, thread: Id<Thread>, results: [usize; 6]) {
        let thread = &mut self.threads[thread];
        thread.deadline = u64::MAX;
        thread.state = ThreadState::Ready;
        thread.context.set_results(results);
    }

    /// Something happened at a source: lists it, or hands the event straight to the queue's
    /// waiter, which is then runnable and on no run queue.
    pub fn notify(&mut self, source: Id<Source>, cpu: usize) -> Option<Id<Thread>> {
        let queue = self.sources[source].queue;
        if !self.sources[source].listed {
            self.list_source(source, queue);
        }
        // Taken out while its event is: what that sets off must not serve the same thread again.
        let waiter = self.queues[queue].waiter.take()?;
        let results = match self.next_event(waiter, queue, cpu) {
            Ok(Some(results)) => results,
            Ok(None) => {
                self.queues[queue].waiter = Some(waiter);
                return None;
            }
            Err(error) => abi::event::wait_failed(error),
        };
        self.finish_waiting(waiter, results);
        Some(waiter)
    }

    /// [`Kernel::notify`], and the waiter goes on a run queue.
    pub fn notify_and_wake(&mut self, source: Option<Id<Source>>, cpu: usize) {
        if let Some(source) = source
            && let Some(thread) = self.notify(source, cpu)
        {
            self.make_ready(thread, cpu);
        }
    }

    /// Waits for the next event of a queue.
    #[inline(always)]
    pub fn wait(&mut self, thread: Id<Thread>, queue: Handle, deadline: usize) -> Result<Waited> {
        let (process, cpu) = (
            self.threads[thread].process,
            self.threads[thread].cpu as usize,
        );
        let entry = self.processes[process].handles.get(queue)?;
        let Object::Queue(id) = entry.object else {
            return Err(Error::WrongKind);
        };
        if !entry.rights.contains(Rights::WAIT) {
            return Err(Error::MissingRight);
        }
        let queue = self.queues.get_mut(id).ok_or(Error::BadHandle)?;
        if queue.waiter.is_some() {
            return Err(Error::Busy);
        }
        if queue.head.is_none() && deadline == abi::call::FOREVER {
            queue.waiter = Some(thread);
            self.threads[thread].state = ThreadState::Waiting(id);
            return Ok(Waited::Blocked);
        }
        if queue.head.is_some()
            && let Some(results) = self.next_event(thread, id, cpu)?
        {
            return Ok(Waited::Now(results));
        }
        if deadline == 0 {
            return Err(Error::TimedOut);
        }
        self.limit_wait(thread, deadline as u64);
        self.queues[id].waiter = Some(thread);
        self.threads[thread].state = ThreadState::Waiting(id);
        Ok(Waited::Blocked)
    }

    /// Puts `thread` down as waiting for the reply to a request that was just sent.
    #[inline(always)]
    pub fn await_reply(
        &mut self,
        thread: Id<Thread>,
        channel: Id<Channel>,
        side: Side,
        transaction: u32,
        deadline: usize,
    ) {
        self.limit_wait(thread, deadline as u64);
        self.channels[channel].end(side).caller = Some((thread, transaction));
        self.threads[thread].state = ThreadState::Calling(channel, side);
    }

    /// Takes the first source of a queue that has something to say, and what it says.
    fn next_event(
        &mut self,
        thread: Id<Thread>,
        queue: Id<Queue>,
        cpu: usize,
    ) -> Result<Option<[usize; 6]>> {
        while let Some(source) = self.queues[queue].head {
            self.unlist_source(source, queue);
            match self.take_event(thread, source, cpu) {
                Ok(Some((results, more))) => {
                    // Taking the event may have made room that the same source waits for.
                    if more && !self.sources[source].listed {
                        self.list_source(source, queue);
                    }
                    return Ok(Some(results));
                }
                Ok(None) => {}
                Err(error) => {
                    self.list_source(source, queue);
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    /// What a source has to say now, and whether it has more to say after that.
    fn take_event(
        &mut self,
        thread: Id<Thread>,
        source: Id<Source>,
        cpu: usize,
    ) -> Result<Option<([usize; 6], bool)>> {
        let Source { key, object, .. } = self.sources[source];
        let counted = |kind: EventKind, count: u32| {
            (count > 0).then_some(([kind as usize, key, count as usize, 0, 0, 0], false))
        };
        Ok(match object {
            Object::Channel(side, id) => {
                return self.take_channel_event(thread, cpu, key, id, side);
            }
            Object::Timer(id) => {
                let now = self.memory.machine.now();
                let Some(timer) = self.timers.get_mut(id).filter(|timer| timer.count > 0) else {
                    return Ok(None);
                };
                let (count, due) = timer.take(now);
                if let Some(due) = due {
                    self.set_deadline(due, Deadline::Timer(id));
                }
                counted(EventKind::Timer, count)
            }
            Object::Doorbell(id) => self
                .doorbells
                .get_mut(id)
                .and_then(|bell| counted(EventKind::Doorbell, core::mem::take(&mut bell.count))),
            Object::Interrupt(id) => self
                .interrupts
                .get_mut(id)
                .and_then(|line| counted(EventKind::Interrupt, core::mem::take(&mut line.count))),
            Object::Process(id) => self.processes.get_mut(id).and_then(|process| {
                let ended = process.state == abi::ProcessState::Ended && !process.end_reported;
                process.end_reported |= ended;
                ended.then_some((
                    [EventKind::Exited as usize, key, process.status, 0, 0, 0],
                    false,
                ))
            }),
            _ => None,
        })
    }

    fn take_channel_event(
        &mut self,
        thread: Id<Thread>,
        cpu: usize,
        key: usize,
        id: Id<Channel>,
        side: Side,
    ) -> Result<Option<([usize; 6], bool)>> {
        let simple = |kind: EventKind| [kind as usize, key, 0, 0, 0, 0];
        let channel = &mut self.channels[id];
        if channel.ended {
            return Ok(Some((simple(EventKind::Closed), false)));
        }
        let peer_open = channel.end(side.other()).open;
        let slots = channel.slots;
        let end = channel.end(side);
        if core::mem::take(&mut end.writable) && peer_open {
            let more = end.count > 0;
            return Ok(Some((simple(EventKind::Writable), more)));
        }
        if end.count == 0 {
            return Ok((!peer_open).then_some((simple(EventKind::Closed), false)));
        }
        let slot = channel.slot(side, channel.ends[side as usize].head);
        let from = self.memory.machine.memory(slot);
        // SAFETY: `count` says that the slot holds a message, so a header was written there.
        let header = unsafe { from.cast::<SlotHeader>().read() };
        let info = MessageInfo::from_bits(header.info);
        if info.handle_count() > 0 {
            self.receive_handles(thread, header.sender, info.handle_count())?;
        }
        let end = self.channels[id].end(side);
        end.head = (end.head + 1) % slots;
        end.count -= 1;
        let more = end.count > 0 || !peer_open;
        let to = self
            .memory
            .machine
            .memory(self.threads[thread].receive_page());
        self.memory
            .copy_body(from.wrapping_add(size_of::<SlotHeader>()), to, info.len());
        let packed = if info.handle_count() > 0 {
            self.install_handles(thread, info.handle_count(), &header.handles)
        } else {
            [EventKind::Message as usize, 0, 0]
        };
        if self.tracing {
            let transaction = header.transaction as usize;
            self.record_received(cpu, thread, id, info, transaction);
        }
        self.note_room(id, cpu);
        let results = [
            packed[0],
            key,
            header.info as usize,
            header.transaction as usize,
            packed[1],
            packed[2],
        ];
        Ok(Some((results, more)))
    }

    /// A slot came free in one of the queues. That can be what either side's send was refused
    /// for: its message needs room there, or the reply needs room here.
    #[inline(always)]
    pub(super) fn note_room(&mut self, id: Id<Channel>, cpu: usize) {
        let ends = &self.channels[id].ends;
        if ends[0].writable_armed || ends[1].writable_armed {
            self.note_writable(id, Side::A, cpu);
            self.note_writable(id, Side::B, cpu);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_writable(&mut self, id: Id<Channel>, side: Side, cpu: usize) {
        let channel = &mut self.channels[id];
        if channel.end(side).writable_armed
            && channel.has_room(side.other())
            && channel.has_room(side)
        {
            let end = channel.end(side);
            end.writable_armed = false;
            end.writable = true;
            let source = end.source;
            channel.review();
            self.notify_and_wake(source, cpu);
        }
    }

    /// A thread gives up waiting: its time is over, or it is being ended.
    pub fn stop_waiting(&mut self, thread: Id<Thread>) {
        match self.threads[thread].state {
            ThreadState::Waiting(queue) => {
                self.queues[queue].waiter = None;
                // Its last handle may have been closed while somebody waited.
                self.drop_queue_if_unused(queue);
            }
            ThreadState::Calling(channel, side) => {
                if let Some(channel) = self.channels.get_mut(channel) {
                    channel.end(side).caller = None;
                }
            }
            _ => {}
        }
        self.threads[thread].deadline = u64::MAX;
    }

    /// Ends a thread's wait with an error. It is runnable then, on no run queue.
    pub fn fail_waiting(&mut self, thread: Id<Thread>, error: Error) {
        self.stop_waiting(thread);
        let thread = &mut self.threads[thread];
        thread.state = ThreadState::Ready;
        thread.context.set_results(abi::event::wait_failed(error));
    }
}

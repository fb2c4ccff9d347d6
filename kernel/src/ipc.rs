//! Messages and events: send, wait, call.
//!
//! A message goes straight to its receiver if that one is waiting, from message buffer to
//! message buffer; otherwise through a slot of the channel's queue. Either way a refused send
//! has changed nothing: everything that can fail is checked first.
//!
//! Nobody sleeps through an event: a thread is put down as a queue's waiter only after the
//! queue's list was seen empty, and everything that happens between two entries into the
//! kernel happens under the one lock (rule 5), so between the look and the sleep nothing can.

use abi::{
    Error, EventKind, HANDLES_MAX, Handle, HandleTypes, MessageInfo, MessageKind, Result, Rights,
};

use crate::kernel::Kernel;
use crate::memory::{Id, PhysAddr};
use crate::object::{
    Channel, Deadline, Entry, Object, Process, Queue, Side, SlotHeader, Source, Thread, ThreadState,
};

/// What `wait` came to.
pub enum Waited {
    /// An event is there; these go to the thread's result registers.
    Now([usize; 6]),
    /// The thread is put down as waiting.
    Blocked,
}

impl Kernel {
    /// Sends the message in `sender`'s send page. Returns the thread that got it straight away,
    /// if one was waiting: it is runnable and on no run queue, so the caller may switch to it.
    #[inline(always)]
    pub fn send(
        &mut self,
        sender: Id<Thread>,
        channel: Handle,
        info: usize,
        transaction: usize,
        handles: [usize; 2],
    ) -> Result<Option<Id<Thread>>> {
        let end = self.sending_end(sender, channel)?;
        self.send_from(sender, end, info, transaction, handles)
    }

    /// The channel end behind a handle that allows to send there.
    #[inline(always)]
    pub fn sending_end(&self, thread: Id<Thread>, handle: Handle) -> Result<(Id<Channel>, Side)> {
        let table = &self.processes[self.threads[thread].process].handles;
        let entry = table.get(handle)?;
        let Object::Channel(side, id) = entry.object else {
            return Err(Error::WrongKind);
        };
        if !entry.rights.contains(Rights::WRITE) {
            return Err(Error::MissingRight);
        }
        Ok((id, side))
    }

    /// [`Kernel::send`] from an end that was looked up.
    #[inline(always)]
    pub fn send_from(
        &mut self,
        sender: Id<Thread>,
        (id, side): (Id<Channel>, Side),
        info: usize,
        transaction: usize,
        handles: [usize; 2],
    ) -> Result<Option<Id<Thread>>> {
        let node = &self.threads[sender];
        let (cpu, from) = (node.cpu as usize, node.send_page());
        let info = MessageInfo::from_bits(info as u64);
        if info.handle_count() > 0 {
            return self.send_with_handles(sender, (id, side), info, transaction, handles);
        }
        let there = side.other();
        let channel = &mut self.channels[id];
        channel.accept(side, info)?;
        if self.tracing {
            self.record_sent(sender, id, info, transaction);
        }
        let channel = &mut self.channels[id];
        let armed = channel.is_writable_armed();

        // Who, if anyone, takes it without a detour, and under which key? That thread does not
        // wait any more after this.
        let end = channel.end(there);
        let receiver = match end.caller {
            Some((caller, awaited))
                if info.kind() == Some(MessageKind::Reply) && awaited == transaction as u32 =>
            {
                end.caller = None;
                Some((caller, 0))
            }
            _ if end.count == 0 => end.source.and_then(|source| {
                let source = &self.sources[source];
                let waiter = &mut self.queues[source.queue].waiter;
                // A queue with a waiter has nothing on its list, so not this source either.
                waiter.take().map(|waiter| (waiter, source.key))
            }),
            _ => None,
        };
        let Some((receiver, key)) = receiver else {
            let no_handles = [NO_ENTRY; HANDLES_MAX];
            return Ok(self.enqueue_message(sender, id, there, info, transaction, no_handles));
        };
        let node = &mut self.threads[receiver];
        let machine = &self.memory.machine;
        let (from, to) = (machine.memory(from), machine.memory(node.receive_page()));
        self.memory.copy_body(from, to, info.len());
        node.state = ThreadState::Ready;
        let message = EventKind::Message as usize;
        node.deadline = u64::MAX;
        node.context
            .set_results([message, key, info.bits() as usize, transaction, 0, 0]);
        if self.tracing {
            self.record_received(cpu, receiver, id, info, transaction);
        }
        if armed {
            // The slot that was kept for a reply is free again.
            self.note_room(id, cpu);
        }
        Ok(Some(receiver))
    }

    /// The slower way of a message that carries handles.
    #[inline(never)]
    fn send_with_handles(
        &mut self,
        sender: Id<Thread>,
        (id, side): (Id<Channel>, Side),
        info: MessageInfo,
        transaction: usize,
        handles: [usize; 2],
    ) -> Result<Option<Id<Thread>>> {
        let process = self.threads[sender].process;
        let mut moved = [None; HANDLES_MAX];
        let count = info.handle_count();
        self.check_handles(process, count, handles, &mut moved)?;
        self.channels[id].accept(side, info)?;
        if self.tracing {
            self.record_sent(sender, id, info, transaction);
        }
        let entries = self.take_handles(process, &moved);
        // Through the queue, so that a receiver whose table is full leaves the message there.
        Ok(self.enqueue_message(sender, id, side.other(), info, transaction, entries))
    }

    /// Puts a message into the queue towards `side`; there is room by [`Kernel::commit`]. If
    /// somebody waits for it, he is runnable after and returned.
    #[inline(never)]
    fn enqueue_message(
        &mut self,
        sender: Id<Thread>,
        id: Id<Channel>,
        side: Side,
        info: MessageInfo,
        transaction: usize,
        handles: [Entry; HANDLES_MAX],
    ) -> Option<Id<Thread>> {
        let cpu = self.threads[sender].cpu as usize;
        // A caller waits for this very reply: it gets it although others may be queued.
        if let Some((receiver, _)) = self.take_caller(id, side, info, transaction) {
            match self.hand_to_caller(sender, receiver, info, transaction, &handles) {
                Ok(()) => {
                    if self.tracing {
                        self.record_received(cpu, receiver, id, info, transaction);
                    }
                    self.note_room(id, cpu);
                    return Some(receiver);
                }
                // No room for the handles: the caller hears of its limit, and the reply stays, as one
                // that comes late does. Its slot is there (rule 9).
                Err(error) => {
                    self.finish_waiting(receiver, abi::event::wait_failed(error));
                    self.make_ready(receiver, cpu);
                }
            }
        }
        let from = self.threads[sender].send_page();
        let channel = &mut self.channels[id];
        let slots = channel.slots;
        let end = channel.end(side);
        let number = (end.head + end.count) % slots;
        end.count += 1;
        let source = end.source;
        let slot = channel.slot(side, number);
        let header = SlotHeader {
            info: info.bits(),
            transaction: transaction as u64,
            sender: (info.handle_count() > 0).then_some(self.threads[sender].process),
            handles,
        };
        let machine = &self.memory.machine;
        let (from, to) = (machine.memory(from), machine.memory(slot));
        // SAFETY: the slot belongs to the channel, is 8-aligned and large enough for a header
        // and a body of `body_max` bytes, which `info.len()` was compared with.
        unsafe { to.cast::<SlotHeader>().write(header) };
        let body = to.wrapping_add(size_of::<SlotHeader>());
        self.memory.copy_body(from, body, info.len());
        source.and_then(|source| self.notify(source, cpu))
    }

    /// The thread that waits at this end for just this reply. It does not wait any more after.
    fn take_caller(
        &mut self,
        id: Id<Channel>,
        side: Side,
        info: MessageInfo,
        transaction: usize,
    ) -> Option<(Id<Thread>, u32)> {
        let end = self.channels[id].end(side);
        let is_reply = info.kind() == Some(MessageKind::Reply);
        end.caller
            .take_if(|(_, awaited)| is_reply && *awaited == transaction as u32)
    }

    /// Buffer to buffer, with handles, if there is room for those in the caller's table.
    fn hand_to_caller(
        &mut self,
        sender: Id<Thread>,
        receiver: Id<Thread>,
        info: MessageInfo,
        transaction: usize,
        handles: &[Entry; HANDLES_MAX],
    ) -> Result<()> {
        let count = info.handle_count();
        if count > 0 {
            let from = Some(self.threads[sender].process);
            self.receive_handles(receiver, from, count)?;
        }
        let machine = &self.memory.machine;
        let from = machine.memory(self.threads[sender].send_page());
        let to = machine.memory(self.threads[receiver].receive_page());
        self.memory.copy_body(from, to, info.len());
        let packed = self.install_handles(receiver, count, handles);
        let info = info.bits() as usize;
        let results = [packed[0], 0, info, transaction, packed[1], packed[2]];
        self.finish_waiting(receiver, results);
        Ok(())
    }

    /// Sets a waiting thread's results and makes it runnable, on no run queue yet.
    #[inline(always)]
    fn finish_waiting(&mut self, thread: Id<Thread>, results: [usize; 6]) {
        let thread = &mut self.threads[thread];
        thread.deadline = u64::MAX;
        thread.state = ThreadState::Ready;
        thread.context.set_results(results);
    }

    /// Looks the handles up that a message is to carry.
    fn check_handles(
        &self,
        process: Id<crate::object::Process>,
        count: usize,
        packed: [usize; 2],
        moved: &mut [Option<Handle>; HANDLES_MAX],
    ) -> Result<()> {
        if count > HANDLES_MAX {
            return Err(Error::InvalidArgument);
        }
        let all = [
            abi::unpack_handles(packed[0]).0,
            abi::unpack_handles(packed[0]).1,
            abi::unpack_handles(packed[1]).0,
            abi::unpack_handles(packed[1]).1,
        ];
        for (i, handle) in all[..count].iter().enumerate() {
            let entry = self.processes[process].handles.get(*handle)?;
            if !entry.rights.contains(Rights::TRANSFER) {
                return Err(Error::MissingRight);
            }
            if all[..i].contains(handle) {
                return Err(Error::InvalidArgument);
            }
            moved[i] = Some(*handle);
        }
        Ok(())
    }

    /// Takes checked handles out of the sender's table.
    #[inline]
    fn take_handles(
        &mut self,
        process: Id<crate::object::Process>,
        moved: &[Option<Handle>; HANDLES_MAX],
    ) -> [Entry; HANDLES_MAX] {
        let mut entries = [NO_ENTRY; HANDLES_MAX];
        for (entry, handle) in entries.iter_mut().zip(moved.iter().flatten()) {
            let table = &mut self.processes[process].handles;
            *entry = table.remove(*handle).expect("checked just before");
            self.handle_leaves(entry.object);
        }
        self.processes[process].handles.in_flight += moved.iter().flatten().count();
        entries
    }

    /// Makes room for the handles of a message, which from now on count against their sender no
    /// more. If there is none, nothing has changed.
    fn receive_handles(
        &mut self,
        thread: Id<Thread>,
        sender: Option<Id<Process>>,
        count: usize,
    ) -> Result<()> {
        let process = self.threads[thread].process;
        // First, because the receiver may have sent them himself.
        self.handles_arrived(sender, count);
        let result = self.reserve_process_handles(process, count);
        if result.is_err()
            && let Some(sender) = sender.and_then(|id| self.processes.get_mut(id))
        {
            sender.handles.in_flight += count;
        }
        result
    }

    /// Puts a message's handles into the receiver's table, which has room. Answers with the
    /// registers of the event that tell of them: the first, which says what they are, and the
    /// last two.
    fn install_handles(
        &mut self,
        thread: Id<Thread>,
        count: usize,
        entries: &[Entry; HANDLES_MAX],
    ) -> [usize; 3] {
        let process = self.threads[thread].process;
        let mut handles = [Handle::NONE; HANDLES_MAX];
        let mut types = HandleTypes::NONE;
        for (i, (handle, entry)) in handles.iter_mut().zip(&entries[..count]).enumerate() {
            let table = &mut self.processes[process].handles;
            *handle = table.insert(entry.object, entry.rights);
            if let Some(kind) = entry.object.kind() {
                types = types.with(i, kind, entry.rights);
            }
        }
        [
            EventKind::Message as usize | types.to_register(),
            abi::pack_handles(handles[0], handles[1]),
            abi::pack_handles(handles[2], handles[3]),
        ]
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
    fn note_room(&mut self, id: Id<Channel>, cpu: usize) {
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

    /// Puts a source at the end of its queue's list.
    fn list_source(&mut self, source: Id<Source>, queue: Id<Queue>) {
        let tail = self.queues[queue].tail.replace(source);
        let node = &mut self.sources[source];
        node.listed = true;
        node.next = None;
        node.previous = tail;
        match tail {
            Some(tail) => self.sources[tail].next = Some(source),
            None => self.queues[queue].head = Some(source),
        }
    }

    fn unlist_source(&mut self, source: Id<Source>, queue: Id<Queue>) {
        let node = &mut self.sources[source];
        node.listed = false;
        let (next, previous) = (node.next.take(), node.previous.take());
        match previous {
            Some(previous) => self.sources[previous].next = next,
            None => self.queues[queue].head = next,
        }
        match next {
            Some(next) => self.sources[next].previous = previous,
            None => self.queues[queue].tail = previous,
        }
    }

    /// Takes a source off its queue's list: it has nothing to say any more.
    pub fn silence(&mut self, source: Option<Id<Source>>) {
        if let Some(source) = source
            && self.sources[source].listed
        {
            self.unlist_source(source, self.sources[source].queue);
        }
    }

    /// Attaches an object to a queue.
    pub fn attach(
        &mut self,
        queue: Id<Queue>,
        object: Object,
        key: usize,
        cpu: usize,
    ) -> Result<()> {
        self.sources
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        let slot = self.source_of(object)?;
        if slot.is_some() {
            return Err(Error::AlreadyExists);
        }
        let source = self.sources.insert(Source {
            queue,
            key,
            object,
            listed: false,
            next: None,
            previous: None,
        });
        *self.source_of(object)? = Some(source);
        self.queues[queue].attached += 1;
        if self.has_something_to_say(object) {
            self.notify_and_wake(Some(source), cpu);
        }
        Ok(())
    }

    /// Whether a source with this object has to be on its queue's list.
    fn has_something_to_say(&self, object: Object) -> bool {
        match object {
            Object::Channel(side, id) => self.channels.get(id).is_some_and(|channel| {
                let end = &channel.ends[side as usize];
                channel.ended
                    || end.count > 0
                    || end.writable
                    || !channel.ends[side.other() as usize].open
            }),
            Object::Timer(id) => self.timers.get(id).is_some_and(|timer| timer.count > 0),
            Object::Doorbell(id) => self.doorbells.get(id).is_some_and(|bell| bell.count > 0),
            Object::Interrupt(id) => self.interrupts.get(id).is_some_and(|line| line.count > 0),
            Object::Process(id) => self
                .processes
                .get(id)
                .is_some_and(|p| p.state == abi::ProcessState::Ended && !p.end_reported),
            _ => false,
        }
    }

    /// Where an object notes its source. Errors: `WrongKind` if it cannot be attached,
    /// `Closed` if it is gone.
    fn source_of(&mut self, object: Object) -> Result<&mut Option<Id<Source>>> {
        let slot = match object {
            Object::Channel(side, id) => self
                .channels
                .get_mut(id)
                .map(|c| &mut c.ends[side as usize].source),
            Object::Timer(id) => self.timers.get_mut(id).map(|timer| &mut timer.source),
            Object::Doorbell(id) => self.doorbells.get_mut(id).map(|bell| &mut bell.source),
            Object::Interrupt(id) => self.interrupts.get_mut(id).map(|line| &mut line.source),
            Object::Process(id) => self
                .processes
                .get_mut(id)
                .map(|process| &mut process.source),
            _ => return Err(Error::WrongKind),
        };
        slot.ok_or(Error::Closed)
    }

    /// Detaches an object from its queue, if it is on one.
    pub fn detach(&mut self, object: Object) -> Result<()> {
        let source = self.source_of(object)?.take().ok_or(Error::NotFound)?;
        self.remove_source(source);
        Ok(())
    }

    /// Detaches a channel end, if it is attached.
    pub fn detach_end(&mut self, channel: Id<Channel>, side: Side) {
        let _ = self.detach(Object::Channel(side, channel));
    }

    /// Removes the node itself. The object must not name it any more.
    pub fn remove_source(&mut self, source: Id<Source>) {
        let queue = self.sources[source].queue;
        if self.sources[source].listed {
            self.unlist_source(source, queue);
        }
        self.sources.remove(source);
        self.queues[queue].attached -= 1;
        self.drop_queue_if_unused(queue);
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

    /// Reads the header in a slot: for taking handles out of a dead channel.
    pub fn slot_header(&self, slot: PhysAddr) -> SlotHeader {
        // SAFETY: callers pass slots that hold a message.
        unsafe { self.memory.machine.memory(slot).cast::<SlotHeader>().read() }
    }
}

/// Stands for "no handle" in a message's slot.
const NO_ENTRY: Entry = Entry {
    object: Object::Free(0),
    rights: Rights::NONE,
    handle: Handle::NONE,
};

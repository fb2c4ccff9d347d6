//! The end of things: threads, processes, channels, folios (rules 10 and 11).
//!
//! Nothing here recurses. What dies is put on a list, and each entry into the kernel works
//! a bounded part of the lists off; an idle CPU works until they are empty. A process is taken
//! apart only after no CPU runs it or has its address space loaded.

use abi::{MessageInfo, ProcessState, Rights, TraceKind};

use crate::kernel::{CPUS_MAX, Kernel, Shutdown};
use crate::memory::Id;
use crate::object::mapping;
use crate::object::{Channel, Folio, LoadStage, Object, Process, Queue, Side, Thread, ThreadState};

/// Handles closed, and pages given back, in one step.
const STEP: usize = 64;

/// How far a step of taking something apart has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nothing is left to do.
    Done,
    /// There is more to do.
    More,
    /// Another CPU has to come first, and was told.
    Waits,
}

impl Kernel {
    /// Ends a process: its threads stop, and it is put on the list to be taken apart.
    pub fn end_process(&mut self, id: Id<Process>, status: usize, cpu: usize) {
        let process = &mut self.processes[id];
        if matches!(process.state, ProcessState::Ending | ProcessState::Ended) {
            return;
        }
        process.state = ProcessState::Ending;
        process.status = status;
        if self.tracing {
            self.record(cpu, TraceKind::Ended, 0, id.number(), status as u64);
        }
        if self.init == Some(id) && self.shutdown.is_none() {
            self.shutdown = Some(Shutdown::InitEnded(status));
            self.machine_off();
        }
        if self.processes[id].threads.is_none() {
            self.condemn(id);
        }
        let mut next = self.processes[id].threads;
        while let Some(thread) = next {
            next = self.threads[thread].sibling;
            self.end_thread(thread, cpu);
        }
    }

    /// Ends a thread. If it runs on a CPU, that CPU forgets it when it leaves the kernel.
    pub fn end_thread(&mut self, id: Id<Thread>, cpu: usize) {
        let state = self.threads[id].state;
        match state {
            ThreadState::Dead => return,
            ThreadState::Running => {
                let runs_on = self.threads[id].cpu as usize;
                self.threads[id].state = ThreadState::Dead;
                self.condemned_threads += 1;
                self.attention = true;
                if runs_on != cpu {
                    self.memory.machine.interrupt_cpu(runs_on);
                }
                return;
            }
            ThreadState::Ready => self.dequeue(id),
            ThreadState::Waiting(_) | ThreadState::Calling(..) => self.stop_waiting(id),
            ThreadState::New => {}
        }
        self.threads[id].state = ThreadState::Dead;
        self.forget_thread(id);
    }

    /// A dead thread is on no CPU: takes it out of its process.
    pub fn forget_thread(&mut self, id: Id<Thread>) {
        let process_id = self.threads[id].process;
        self.show_end(process_id, id);
        let sibling = self.threads[id].sibling;
        if self.processes[process_id].threads == Some(id) {
            self.processes[process_id].threads = sibling;
        } else {
            let mut previous = self.processes[process_id]
                .threads
                .expect("the thread is listed");
            while self.threads[previous].sibling != Some(id) {
                previous = self.threads[previous]
                    .sibling
                    .expect("the thread is listed");
            }
            self.threads[previous].sibling = sibling;
        }
        self.end_deadline(id);
        let process = &mut self.processes[process_id];
        process.cpu_ticks += self.threads[id].cpu_ticks;
        // Taken out: a handle may keep the dead thread, and the sum over all threads must not find them again.
        let directly = core::mem::take(&mut self.threads[id].direct_messages);
        process.messages_sent += directly + self.threads[id].general_messages;
        self.direct_messages += directly;
        process.thread_count -= 1;
        let last = process.thread_count == 0;
        let alive = process.state == ProcessState::Running;
        self.deadlines.unreserve();
        let (buffer, folio) = (
            self.threads[id].buffer_address,
            self.threads[id].buffer_folio,
        );
        self.release(Object::Folio(folio), 0);
        if alive && !last {
            // The process lives on, without this thread's stack and buffer.
            for address in [self.threads[id].stack_top - 1, buffer] {
                if let Some(mapping) = self.mapping_at(process_id, address) {
                    while !self.unmap_step(process_id, mapping, 0) {}
                }
            }
        }
        if self.threads[id].references == 0 {
            self.threads.remove(id);
        }
        if last {
            if alive {
                self.processes[process_id].state = ProcessState::Ending;
                if self.init == Some(process_id) && self.shutdown.is_none() {
                    self.shutdown = Some(Shutdown::InitEnded(0));
                    self.machine_off();
                }
            }
            self.condemn(process_id);
        }
    }

    fn condemn(&mut self, id: Id<Process>) {
        self.processes[id].next_dead = self.dead_processes.replace(id);
        self.attention = true;
    }

    /// One more reference to what a handle refers to.
    pub fn retain(&mut self, object: Object) {
        match object {
            Object::Queue(id) => self.queues[id].references += 1,
            Object::Folio(id) => self.folios[id].references += 1,
            Object::Process(id) => self.processes[id].references += 1,
            Object::Thread(id) => {
                if let Some(thread) = self.threads.get_mut(id) {
                    thread.references += 1;
                }
            }
            Object::Timer(id) => self.timers[id].references += 1,
            Object::Doorbell(id) => self.doorbells[id].references += 1,
            Object::Interrupt(id) => {
                if let Some(line) = self.interrupts.get_mut(id) {
                    line.references += 1;
                }
            }
            Object::Free(_) | Object::System | Object::Channel(..) | Object::Device(_) => {}
        }
    }

    /// One reference less; what nobody refers to goes.
    pub fn release(&mut self, object: Object, cpu: usize) {
        match object {
            Object::Free(_) | Object::System => {}
            Object::Channel(side, id) => self.close_end(id, side, cpu),
            Object::Queue(id) => {
                self.queues[id].references -= 1;
                self.drop_queue_if_unused(id);
            }
            Object::Folio(id) => {
                self.folios[id].references -= 1;
                if self.folios[id].references == 0 {
                    self.retire_folio(id);
                }
            }
            Object::Process(id) => {
                self.processes[id].references -= 1;
                self.drop_process_if_unused(id);
            }
            Object::Thread(id) => {
                if let Some(thread) = self.threads.get_mut(id) {
                    thread.references -= 1;
                    // One that was ended while it ran stays until its CPU has forgotten it.
                    let on_cpu = self.cpus[thread.cpu as usize].current == Some(id);
                    if thread.references == 0 && thread.state == ThreadState::Dead && !on_cpu {
                        self.threads.remove(id);
                    }
                }
            }
            Object::Timer(id) => {
                self.timers[id].references -= 1;
                if self.timers[id].references == 0 {
                    let _ = self.detach(object);
                    let place = self.timers[id].heap_place;
                    if place != 0 {
                        self.cancel_deadline(place);
                    }
                    self.deadlines.unreserve();
                    self.timers.remove(id);
                }
            }
            Object::Doorbell(id) => {
                self.doorbells[id].references -= 1;
                if self.doorbells[id].references == 0 {
                    let _ = self.detach(object);
                    self.doorbells.remove(id);
                }
            }
            Object::Interrupt(id) => {
                if let Some(line) = self.interrupts.get_mut(id) {
                    line.references -= 1;
                    if line.references == 0 {
                        self.interrupt_ended(id);
                    }
                }
            }
            Object::Device(id) => self.device_released(id, cpu),
        }
    }

    /// Removes a queue that nobody can name, wait on or list anything on.
    pub fn drop_queue_if_unused(&mut self, id: Id<Queue>) {
        let queue = &self.queues[id];
        if queue.references == 0 && queue.attached == 0 && queue.waiter.is_none() {
            self.queues.remove(id);
        }
    }

    fn drop_process_if_unused(&mut self, id: Id<Process>) {
        let process = &self.processes[id];
        if process.references > 0 {
            return;
        }
        match process.state {
            ProcessState::Ended => {
                let _ = self.detach(Object::Process(id));
                self.processes.remove(id);
            }
            // Created and never started: nobody can start it any more.
            ProcessState::New => self.end_process(id, ProcessState::EXIT_KILLED, 0),
            ProcessState::Running | ProcessState::Ending => {}
        }
    }

    /// The last handle to one end of a channel is gone.
    fn close_end(&mut self, id: Id<Channel>, side: Side, cpu: usize) {
        let channel = &mut self.channels[id];
        channel.end(side).open = false;
        channel.calm = false;
        let (here, peer, ended) = (
            *channel.end(side),
            *channel.end(side.other()),
            channel.ended,
        );
        self.detach_end(id, side);
        self.fail_caller(here.caller, cpu);
        if !ended && peer.open {
            self.fail_caller(peer.caller, cpu);
            self.notify_and_wake(peer.source, cpu);
        } else if !ended {
            self.retire_channel(id);
        } else if !peer.open && self.channels[id].memory.is_none() {
            self.channels.remove(id);
        }
    }

    fn fail_caller(&mut self, caller: Option<(Id<Thread>, u32)>, cpu: usize) {
        if let Some((caller, _)) = caller {
            self.fail_waiting(caller, abi::Error::Closed);
            self.make_ready(caller, cpu);
        }
    }

    /// A channel ends with the process that paid for it, whoever holds its ends: they are told,
    /// and the husk stays until they have closed their handles.
    fn end_owned_channel(&mut self, id: Id<Channel>, cpu: usize) {
        self.retire_channel(id);
        for end in self.channels[id].ends {
            self.fail_caller(end.caller, cpu);
            self.notify_and_wake(end.source, cpu);
        }
    }

    /// Nothing can be sent on the channel any more: off its owner's list, and onto that of the
    /// dead, where its messages and its memory are given back.
    fn retire_channel(&mut self, id: Id<Channel>) {
        let channel = &mut self.channels[id];
        channel.ended = true;
        channel.calm = false;
        let (owner, next, previous) = (channel.owner, channel.next_owned, channel.previous_owned);
        let (pages, slots) = (1 << channel.order, 2 * channel.slots as usize);
        // The memory comes back in steps, but its owner is done with it.
        self.uncharge(Some(owner), pages);
        self.processes[owner].messages -= slots;
        match previous {
            Some(previous) => self.channels[previous].next_owned = next,
            None => self.processes[owner].channels = next,
        }
        if let Some(next) = next {
            self.channels[next].previous_owned = previous;
        }
        self.channels[id].next_dead = self.dead_channels.replace(id);
        self.attention = true;
    }

    /// Works off a bounded part of what is dead.
    pub fn collect_garbage(&mut self, cpu: usize) {
        if self.log.shown.has_news() {
            self.tell_of_log(cpu);
        }
        if let Some(id) = self.dead_folios {
            self.collect_folio(id);
        }
        if let Some(id) = self.dead_channels {
            self.collect_channel(id, cpu);
        }
        if let Some(id) = self.dead_processes {
            self.dead_processes = self.processes[id].next_dead.take();
            let progress = self.collect_process(id, cpu);
            match progress {
                Progress::Done => self.check_tables(),
                Progress::More | Progress::Waits => self.condemn(id),
            }
            let others = self.dead_folios.is_some() || self.dead_channels.is_some();
            self.garbage_waits = progress == Progress::Waits && !others;
        } else {
            self.garbage_waits = false;
        }
        self.review_attention();
    }

    /// Nobody has the folio any more. Its owner is not charged from now on, and what was promised is
    /// free; the frames that it has come back in steps.
    fn retire_folio(&mut self, id: Id<Folio>) {
        let folio = &mut self.folios[id];
        folio.next_dead = self.dead_folios.replace(id);
        self.attention = true;
        let (promised, charged) = (folio.promised(), folio.charged_pages());
        let owner = folio.charged_to;
        self.memory.unreserve(promised);
        self.uncharge(owner, charged);
    }

    fn collect_folio(&mut self, id: Id<Folio>) {
        let folio = &mut self.folios[id];
        let mut cursor = folio.freed_pages;
        let done = folio.free_pages(&mut self.memory, &mut cursor, STEP);
        let folio = &mut self.folios[id];
        folio.freed_pages = cursor;
        if done {
            self.dead_folios = folio.next_dead;
            self.folios.remove(id);
        }
    }

    fn collect_channel(&mut self, id: Id<Channel>, cpu: usize) {
        // Off the list first: releasing handles may put other channels on it.
        self.dead_channels = self.channels[id].next_dead.take();
        for side in [Side::A, Side::B] {
            for _ in 0..STEP {
                let channel = &mut self.channels[id];
                let slots = channel.slots;
                let end = channel.end(side);
                if end.count == 0 {
                    break;
                }
                let number = end.head;
                end.head = (end.head + 1) % slots;
                end.count -= 1;
                let slot = channel.slot(side, number);
                let header = self.slot_header(slot);
                let count = MessageInfo::from_bits(header.info).handle_count();
                self.handles_arrived(header.sender, count);
                for entry in &header.handles[..count] {
                    self.release(entry.object, cpu);
                }
            }
        }
        let channel = &mut self.channels[id];
        if channel.ends.iter().any(|end| end.count > 0) {
            channel.next_dead = self.dead_channels.replace(id);
            return;
        }
        let memory = channel.memory.take();
        let held = channel.ends.iter().any(|end| end.open);
        self.memory
            .free(memory.expect("a channel is taken apart once"));
        if !held {
            self.channels.remove(id);
        }
    }

    /// One step of taking a process apart.
    fn collect_process(&mut self, id: Id<Process>, cpu: usize) -> Progress {
        if self.processes[id].thread_count > 0 {
            return Progress::Waits;
        }
        // Handles first: peers learn of the end as early as possible.
        let mut cursor = self.processes[id].teardown_cursor;
        if cursor < self.processes[id].handles.capacity() {
            for _ in 0..STEP {
                let table = &mut self.processes[id].handles;
                let Some(entry) = table.take_next(&mut cursor, STEP) else {
                    break;
                };
                self.release(entry.object, cpu);
            }
            self.processes[id].teardown_cursor = cursor;
            return Progress::More;
        }
        if let Some(channel) = self.processes[id].channels {
            self.end_owned_channel(channel, cpu);
            return Progress::More;
        }
        if !self.unlink_step(id) {
            return Progress::More;
        }
        // From the highest down: the lowest part of an image gives back the addresses of all of it.
        if let Some(mapping) = mapping::highest(&self.mappings, self.processes[id].mappings) {
            self.unmap_step(id, mapping, cpu);
            return Progress::More;
        }
        if let Some(zeroing) = self.processes[id].zeroing.take() {
            self.memory.free(zeroing.block);
            self.uncharge(Some(id), zeroing.pages);
        }
        if let Some((base, len)) = self.unfinished_image(id) {
            self.release_range(id, base, len);
            self.processes[id].load.base = 0;
            return Progress::More;
        }
        if let Some(folio) = self.processes[id].load.folio.take() {
            self.release(Object::Folio(folio), cpu);
            return Progress::More;
        }
        let space = self.processes[id].space;
        if space != self.kernel_space && !self.drop_space(space, cpu) {
            return Progress::Waits;
        }
        // What is still charged are folios that others hold: nobody's charge once this record goes. That
        // is rare, and what keeps them is counted in the holder's handles.
        let frames = self.processes[id].handles.frame_count();
        self.processes[id].handles.free_frames(&mut self.memory);
        let process = &mut self.processes[id];
        process.memory_pages -= frames + process.space_pages;
        process.space = self.kernel_space;
        process.state = ProcessState::Ended;
        let source = process.source;
        self.notify_and_wake(source, cpu);
        self.drop_process_if_unused(id);
        Progress::Done
    }

    /// The range of an image whose loading was not finished, so that no mapping owns it.
    fn unfinished_image(&self, id: Id<Process>) -> Option<(usize, usize)> {
        let load = &self.processes[id].load;
        let unfinished = match load.stage {
            LoadStage::Gather | LoadStage::Relocate => true,
            LoadStage::Map => load.progress == 0,
            LoadStage::Empty | LoadStage::Done => false,
        };
        (unfinished && load.base != 0).then_some((load.base, load.len))
    }

    /// Gives an address space back, once no CPU has it loaded.
    fn drop_space(&mut self, space: Id<crate::object::Space>, cpu: usize) -> bool {
        let mut elsewhere = false;
        for other in 0..CPUS_MAX {
            if self.cpus[other].active_space == Some(space) {
                if other == cpu {
                    self.memory.machine.load_kernel_space();
                    self.cpus[cpu].active_space = None;
                } else {
                    // Once: it is sure to come, and each interrupt keeps that CPU longer in firmware.
                    if !self.cpus[other].asked_to_let_go {
                        self.cpus[other].asked_to_let_go = true;
                        self.memory.machine.interrupt_cpu(other);
                    }
                    elsewhere = true;
                }
            }
        }
        if elsewhere {
            return false;
        }
        let space = self.spaces.remove(space).expect("its process held it");
        // Nobody has it loaded, so nobody need be told at once.
        space.table.flush_all(&self.memory.machine, 0);
        self.memory.free(space.regions.bitmap());
        space.table.destroy(&mut self.memory);
        true
    }

    /// A CPU was interrupted: if the address space it has loaded belongs to nobody any more, it
    /// lets go of it.
    pub fn let_go_of_space(&mut self, cpu: usize) {
        self.cpus[cpu].asked_to_let_go = false;
        let Some(space) = self.cpus[cpu].active_space else {
            return;
        };
        let runs_there = self.cpus[cpu]
            .current
            .and_then(|thread| self.threads.get(thread))
            .is_some_and(|t| self.processes[t.process].space == space);
        if !runs_there {
            self.memory.machine.load_kernel_space();
            self.cpus[cpu].active_space = None;
            // An idle CPU goes on by itself.
            if self.cpus[cpu].current.is_some() {
                self.have_garbage_collected();
            }
        }
    }

    /// What was waited for has come: an idle CPU goes on with what is dead, if there is one.
    pub fn have_garbage_collected(&mut self) {
        if self.has_garbage() && self.collector.is_none() && self.idle_cpus != 0 {
            let idle = self.idle_cpus.trailing_zeros() as usize;
            self.memory.machine.interrupt_cpu(idle);
        }
    }

    /// [`abi::Call::ChannelCreate`].
    pub fn channel_create(
        &mut self,
        process: Id<Process>,
        slots: usize,
        body_max: usize,
    ) -> abi::Result<usize> {
        if slots == 0 || slots > 1024 || body_max > abi::MESSAGE_LEN_MAX {
            return Err(abi::Error::InvalidArgument);
        }
        let bytes = 2 * slots * Channel::slot_len(body_max);
        let order = bytes
            .div_ceil(abi::PAGE_SIZE)
            .next_power_of_two()
            .trailing_zeros() as usize;
        if order > crate::memory::ORDER_MAX {
            return Err(abi::Error::InvalidArgument);
        }
        self.charge_messages(process, 2 * slots)?;
        let made = self.channel_make(process, slots, body_max, order);
        if made.is_err() {
            self.processes[process].messages -= 2 * slots;
        }
        made
    }

    fn channel_make(
        &mut self,
        process: Id<Process>,
        slots: usize,
        body_max: usize,
        order: usize,
    ) -> abi::Result<usize> {
        self.channels
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        self.reserve_process_handles(process, 2)?;
        self.charge(process, 1 << order)?;
        let memory = match self.memory.allocate(order) {
            Ok(memory) => memory,
            Err(error) => {
                self.uncharge(Some(process), 1 << order);
                return Err(error);
            }
        };
        let next_owned = self.processes[process].channels;
        let id = self.channels.insert(Channel {
            owner: process,
            next_owned,
            previous_owned: None,
            next_dead: None,
            ended: false,
            calm: true,
            memory: Some(memory),
            order: order as u8,
            slots: slots as u16,
            body_max: body_max as u16,
            ends: [crate::object::End::new(); 2],
        });
        if let Some(next) = next_owned {
            self.channels[next].previous_owned = Some(id);
        }
        self.processes[process].channels = Some(id);
        let a = self.add_handle(process, Object::Channel(Side::A, id), Rights::ALL)?;
        let b = self.add_handle(process, Object::Channel(Side::B, id), Rights::ALL)?;
        Ok(abi::pack_handles(a, b))
    }
}

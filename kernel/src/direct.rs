//! The direct way of a message: from a thread that then waits straight to one that waits for it.
//!
//! Nearly every call and every reply goes this way, and so do the last event and the last ring of a doorbell before
//! their sender rests: its length is what talking costs on FTL.
//! All checks come before anything changes. Whatever is out of the ordinary (an error, a handle that
//! cannot simply move, nobody who waits, others who are ready and whose turn it may be) makes it answer `None` with nothing
//! changed, and the general way in [`crate::syscall`] and [`crate::ipc`] does the call from its
//! beginning. So what a call means is decided there, and this is the same in fewer instructions.
//!
//! What keeps them few: each object is looked up once, and held by reference until the end; there
//! is no function call between entry and exit, so nothing is put aside in memory; counters are
//! bounded by checks that come before, so adding to them needs none. Messages with handles go the
//! same way in functions of their own, so that the others need not ask at each step whether there are any.

use abi::{Call, EventKind, HANDLES_MAX, Handle, HandleTypes, MessageInfo, MessageKind};

use crate::arch::Context;
use crate::kernel::{CPUS_MAX, Kernel};
use crate::memory::{Id, Slab};
use crate::object::{Channel, HandleTable, Place, Process, Queue, Space, Thread, ThreadState};

/// A thread that goes on: what the architecture needs of it.
pub struct Resume {
    /// Its registers.
    pub context: *mut Context,
    /// Its address space, if it is not the kernel's.
    pub space: Option<Id<Space>>,
}

/// Whether it is a call with a plain request, or a reply and then a wait.
#[inline(always)]
pub fn may_go_directly(number: usize, info: usize) -> bool {
    const CALL: usize = Call::Call as usize;
    const SEND_WAIT: usize = Call::SendWait as usize;
    let info = MessageInfo::from_bits(info as u64);
    match number {
        CALL => info.is_plain(MessageKind::Request),
        SEND_WAIT => info.is_plain(MessageKind::Reply),
        _ => false,
    }
}

/// The same with a message that carries handles.
#[inline(always)]
pub fn may_carry_directly(number: usize, info: usize) -> bool {
    const CALL: usize = Call::Call as usize;
    const SEND_WAIT: usize = Call::SendWait as usize;
    let info = MessageInfo::from_bits(info as u64);
    match number {
        CALL => info.carries(MessageKind::Request),
        SEND_WAIT => info.carries(MessageKind::Reply),
        _ => false,
    }
}

impl Kernel {
    /// [`abi::Call::Call`], for a message that [`may_go_directly`] or, with `HANDLES`,
    /// [`may_carry_directly`].
    #[inline(always)]
    pub fn call_directly<const HANDLES: bool>(
        &mut self,
        cpu: usize,
        a: [usize; 6],
    ) -> Option<Resume> {
        let [handle, info, transaction, first, second, deadline] = a;
        let info = MessageInfo::from_bits(info as u64);
        if self.attention {
            return None;
        }
        let state = &mut self.cpus[cpu % CPUS_MAX];
        let sender_id = state.current?;
        let sender = self.threads.get(sender_id)?;
        let handles = &self.processes.get(sender.process)?.handles;
        let (channel_id, side) = handles.sending_end(Handle::from_raw(handle as u32))?;
        let mut carried = Carried::new(info, first, second);
        if HANDLES && !carried.may_go(handles, &self.channels, channel_id) {
            return None;
        }
        let channel = self.channels.get_mut(channel_id)?;
        let room = channel.has_room(side) && channel.has_room(side.other());
        if !channel.calm
            || !room
            || info.len() > channel.body_max as usize
            || channel.end(side).caller.is_some()
        {
            return None;
        }
        let there = channel.end(side.other());
        if there.count > 0 {
            return None;
        }
        let source = self.sources.get(there.source?)?;
        let queue = self.queues.get_mut(source.queue)?;
        let receiver_id = queue.waiter?;
        let (sender, receiver) = self.threads.get_two_mut(sender_id, receiver_id)?;
        if sender.heap_at > deadline as u64 || !state.none_ready() {
            return None;
        }
        let tables = match HANDLES {
            true => Some(carried.tables(&mut self.processes, sender, receiver)?),
            false => None,
        };

        // Point of no return. Room in both queues bounds these two.
        there.owed = there.owed.wrapping_add(1);
        let here = channel.end(side);
        here.reserved = here.reserved.wrapping_add(1);
        here.sent = here.sent.wrapping_add(1);
        here.caller = Some((sender_id, transaction as u32));
        queue.waiter = None;
        sender.deadline = deadline as u64;
        sender.direct_messages = sender.direct_messages.wrapping_add(1);
        sender.state = ThreadState::Calling(channel_id, side);
        let machine = &self.memory.machine;
        let from = machine.memory(sender.send_page());
        let to = machine.memory(receiver.receive_page());
        self.memory.copy_body(from, to, info.len());
        let arrived = tables.map_or(Arrived::NOTHING, |tables| carried.go(tables));
        receiver.receive(source.key, info, transaction, arrived);
        let now = self.memory.machine.now();
        state.current = Some(receiver_id);
        Some(hand_over(sender, receiver, cpu, now))
    }

    /// [`abi::Call::SendWait`] with a reply, for a message that [`may_go_directly`] or, with `HANDLES`,
    /// [`may_carry_directly`].
    #[inline(always)]
    pub fn reply_directly<const HANDLES: bool>(
        &mut self,
        cpu: usize,
        a: [usize; 6],
    ) -> Option<Resume> {
        let [handles, info, transaction, first, second, deadline] = a;
        let (handle, own_queue) = abi::unpack_handles(handles);
        let info = MessageInfo::from_bits(info as u64);
        if self.attention {
            return None;
        }
        let state = &mut self.cpus[cpu % CPUS_MAX];
        let sender_id = state.current?;
        let sender = self.threads.get(sender_id)?;
        let handles = &self.processes.get(sender.process)?.handles;
        let (channel_id, side) = handles.sending_end(handle)?;
        let own_queue_id = handles.waiting_queue(own_queue)?;
        let own_queue = self.queues.get(own_queue_id)?;
        if own_queue.waiter.is_some() || own_queue.head.is_some() {
            return None;
        }
        let mut carried = Carried::new(info, first, second);
        if HANDLES && !carried.may_go(handles, &self.channels, channel_id) {
            return None;
        }
        let channel = self.channels.get_mut(channel_id)?;
        if !channel.calm || channel.end(side).owed == 0 || info.len() > channel.body_max as usize {
            return None;
        }
        let there = channel.end(side.other());
        let (receiver_id, key, queue) = match there.caller {
            Some((caller, awaited)) if awaited == transaction as u32 => (caller, 0, None),
            _ if there.count > 0 => return None,
            _ => {
                let source = self.sources.get(there.source?)?;
                let waiter = self.queues.get(source.queue)?.waiter?;
                (waiter, source.key, Some(source.queue))
            }
        };
        let (sender, receiver) = self.threads.get_two_mut(sender_id, receiver_id)?;
        if sender.heap_at > deadline as u64 || !state.none_ready() {
            return None;
        }
        let tables = match HANDLES {
            true => Some(carried.tables(&mut self.processes, sender, receiver)?),
            false => None,
        };

        // Point of no return. Each request that is owed an answer has reserved a slot for it.
        match queue {
            Some(queue) => self.queues[queue].waiter = None,
            None => there.caller = None,
        }
        there.reserved = there.reserved.wrapping_sub(1);
        let here = channel.end(side);
        here.owed = here.owed.wrapping_sub(1);
        self.queues[own_queue_id].waiter = Some(sender_id);
        sender.deadline = deadline as u64;
        sender.direct_messages = sender.direct_messages.wrapping_add(1);
        sender.state = ThreadState::Waiting(own_queue_id);
        let machine = &self.memory.machine;
        let from = machine.memory(sender.send_page());
        let to = machine.memory(receiver.receive_page());
        self.memory.copy_body(from, to, info.len());
        let arrived = tables.map_or(Arrived::NOTHING, |tables| carried.go(tables));
        receiver.receive(key, info, transaction, arrived);
        let now = self.memory.machine.now();
        state.current = Some(receiver_id);
        Some(hand_over(sender, receiver, cpu, now))
    }

    /// [`abi::Call::SendWait`] with what nobody answers, if it is one: a plain one-way message, or a ring.
    #[inline(always)]
    pub fn tell_directly(
        &mut self,
        cpu: usize,
        number: usize,
        arguments: [usize; 6],
    ) -> Option<Resume> {
        if number != Call::SendWait as usize {
            return None;
        }
        let info = MessageInfo::from_bits(arguments[1] as u64);
        match info.is_ring() {
            true => self.ring_directly(cpu, arguments),
            false if info.is_plain(MessageKind::OneWay) => self.event_directly(cpu, arguments),
            false => None,
        }
    }

    /// A plain one-way message, and then a wait.
    #[inline(always)]
    fn event_directly(&mut self, cpu: usize, a: [usize; 6]) -> Option<Resume> {
        let [handles, info, transaction, .., deadline] = a;
        let (handle, own_queue) = abi::unpack_handles(handles);
        let info = MessageInfo::from_bits(info as u64);
        let (sender_id, own_queue_id) = self.may_rest(cpu, own_queue)?;
        let sender = self.threads.get(sender_id)?;
        let (channel_id, side) = self
            .processes
            .get(sender.process)?
            .handles
            .sending_end(handle)?;
        let channel = self.channels.get_mut(channel_id)?;
        let there = side.other();
        if !channel.calm || !channel.has_room(there) || info.len() > channel.body_max as usize {
            return None;
        }
        let there = channel.end(there);
        if there.count > 0 {
            return None;
        }
        let source = self.sources.get(there.source?)?;
        let receiver_id = self.queues.get(source.queue)?.waiter?;
        let state = &mut self.cpus[cpu % CPUS_MAX];
        let (sender, receiver) = self.threads.get_two_mut(sender_id, receiver_id)?;
        if sender.heap_at > deadline as u64 || !state.none_ready() {
            return None;
        }

        // Point of no return.
        self.queues[source.queue].waiter = None;
        self.queues[own_queue_id].waiter = Some(sender_id);
        sender.rest(own_queue_id, deadline);
        sender.direct_messages = sender.direct_messages.wrapping_add(1);
        let machine = &self.memory.machine;
        let from = machine.memory(sender.send_page());
        let to = machine.memory(receiver.receive_page());
        self.memory.copy_body(from, to, info.len());
        receiver.receive(source.key, info, transaction, Arrived::NOTHING);
        let now = self.memory.machine.now();
        state.current = Some(receiver_id);
        Some(hand_over(sender, receiver, cpu, now))
    }

    /// A ring, and then a wait.
    #[inline(always)]
    fn ring_directly(&mut self, cpu: usize, a: [usize; 6]) -> Option<Resume> {
        let [handles, .., deadline] = a;
        let (handle, own_queue) = abi::unpack_handles(handles);
        let (sender_id, own_queue_id) = self.may_rest(cpu, own_queue)?;
        let sender = self.threads.get(sender_id)?;
        let bell_id = self.processes.get(sender.process)?.handles.bell(handle)?;
        let bell = self.doorbells.get(bell_id)?;
        if bell.count > 0 {
            return None;
        }
        let source = self.sources.get(bell.source?)?;
        let receiver_id = self.queues.get(source.queue)?.waiter?;
        let state = &mut self.cpus[cpu % CPUS_MAX];
        let (sender, receiver) = self.threads.get_two_mut(sender_id, receiver_id)?;
        if sender.heap_at > deadline as u64 || !state.none_ready() {
            return None;
        }

        // Point of no return. It was rung and is heard at once, so its count stays 0.
        self.queues[source.queue].waiter = None;
        self.queues[own_queue_id].waiter = Some(sender_id);
        sender.rest(own_queue_id, deadline);
        receiver
            .context
            .set_results([EventKind::Doorbell as usize, source.key, 1, 0, 0, 0]);
        receiver.deadline = u64::MAX;
        let now = self.memory.machine.now();
        state.current = Some(receiver_id);
        Some(hand_over(sender, receiver, cpu, now))
    }

    /// The thread on this CPU and the queue that it wants to wait on, if it would sleep there.
    #[inline(always)]
    fn may_rest(&self, cpu: usize, queue: Handle) -> Option<(Id<Thread>, Id<Queue>)> {
        if self.attention {
            return None;
        }
        let thread = self.cpus[cpu % CPUS_MAX].current?;
        let process = self.threads.get(thread)?.process;
        let id = self.processes.get(process)?.handles.waiting_queue(queue)?;
        let queue = self.queues.get(id)?;
        (queue.waiter.is_none() && queue.head.is_none()).then_some((thread, id))
    }
}

impl Thread {
    /// It waits from now on.
    #[inline(always)]
    fn rest(&mut self, queue: Id<Queue>, deadline: usize) {
        self.deadline = deadline as u64;
        self.state = ThreadState::Waiting(queue);
    }

    /// A message ends this thread's wait.
    #[inline(always)]
    fn receive(&mut self, key: usize, info: MessageInfo, transaction: usize, with: Arrived) {
        let message = EventKind::Message as usize | with.types.to_register();
        let [first, second] = with.handles;
        let info = info.bits() as usize;
        self.context
            .set_results([message, key, info, transaction, first, second]);
        self.deadline = u64::MAX;
    }
}

/// The handles that a message is to carry.
#[derive(Clone, Copy)]
struct Carried {
    handles: [Handle; HANDLES_MAX],
    places: [Place; HANDLES_MAX],
    count: usize,
}

/// What the receiver is told of the handles that came.
struct Arrived {
    types: HandleTypes,
    handles: [usize; 2],
}

impl Arrived {
    const NOTHING: Arrived = Arrived {
        types: HandleTypes::NONE,
        handles: [0; 2],
    };
}

impl Carried {
    #[inline(always)]
    fn new(info: MessageInfo, first: usize, second: usize) -> Carried {
        let ((a, b), (c, d)) = (abi::unpack_handles(first), abi::unpack_handles(second));
        Carried {
            handles: [a, b, c, d],
            places: [Place::NONE; HANDLES_MAX],
            count: info.handle_count().min(HANDLES_MAX),
        }
    }

    /// Whether all can simply move: they are the sender's to give, each is named once, and none is an
    /// end that somebody listens to, or an end of the channel `over` that they go over.
    #[inline(always)]
    fn may_go(&mut self, table: &HandleTable, channels: &Slab<Channel>, over: Id<Channel>) -> bool {
        // Written out here and below, so that what belongs to each handle is in registers.
        const { assert!(HANDLES_MAX == 4) };
        self.may_one_go(0, table, channels, over)
            && self.may_one_go(1, table, channels, over)
            && self.may_one_go(2, table, channels, over)
            && self.may_one_go(3, table, channels, over)
    }

    #[inline(always)]
    fn may_one_go(
        &mut self,
        i: usize,
        table: &HandleTable,
        channels: &Slab<Channel>,
        over: Id<Channel>,
    ) -> bool {
        if i >= self.count {
            return true;
        }
        let handle = self.handles[i];
        let Some((place, end)) = table.travels(handle) else {
            return false;
        };
        self.places[i] = place;
        if let Some((id, side)) = end {
            let listened = channels
                .get(id)
                .is_none_or(|channel| channel.ends[side as usize].source.is_some());
            if listened || id == over {
                return false;
            }
        }
        !self.handles[..i].contains(&handle)
    }

    /// The sender's and the receiver's table, if there is room in the latter.
    #[inline(always)]
    fn tables<'a>(
        &self,
        processes: &'a mut Slab<Process>,
        sender: &Thread,
        receiver: &Thread,
    ) -> Option<(&'a mut HandleTable, &'a mut HandleTable)> {
        let (from, to) = processes.get_two_mut(sender.process, receiver.process)?;
        to.handles
            .has_place_for(self.count)
            .then_some((&mut from.handles, &mut to.handles))
    }

    /// Moves them.
    #[inline(always)]
    fn go(&self, (from, to): (&mut HandleTable, &mut HandleTable)) -> Arrived {
        let (a, a_type) = self.one_goes(0, from, to);
        let (b, b_type) = self.one_goes(1, from, to);
        let (c, c_type) = self.one_goes(2, from, to);
        let (d, d_type) = self.one_goes(3, from, to);
        let types = HandleTypes::NONE
            .with_bits(0, a_type)
            .with_bits(1, b_type)
            .with_bits(2, c_type)
            .with_bits(3, d_type);
        Arrived {
            types,
            handles: [abi::pack_handles(a, b), abi::pack_handles(c, d)],
        }
    }

    #[inline(always)]
    fn one_goes(&self, i: usize, from: &mut HandleTable, to: &mut HandleTable) -> (Handle, u64) {
        if i >= self.count {
            return (Handle::NONE, 0);
        }
        // SAFETY: `may_go` has looked at all of them, and found each once; `tables` has found
        // room for all.
        unsafe { from.move_to(self.handles[i], self.places[i], to) }
    }
}

/// The CPU passes from one thread to the other.
#[inline(always)]
fn hand_over(from: &mut Thread, to: &mut Thread, cpu: usize, now: u64) -> Resume {
    let ran = now.wrapping_sub(from.running_since);
    from.cpu_ticks = from.cpu_ticks.wrapping_add(ran);
    to.state = ThreadState::Running;
    to.cpu = cpu as u16;
    to.running_since = now;
    Resume {
        context: &raw mut to.context,
        space: to.space,
    }
}

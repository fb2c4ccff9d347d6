//! Messages and events: send, wait, call.
//!
//! A message goes straight to its receiver if that one is waiting, from message buffer to
//! message buffer; otherwise through a slot of the channel's queue. Either way a refused send
//! has changed nothing: everything that can fail is checked first.
//!
//! Here is sending. `waiting` is the other side, `sources` the list of those that have something to say, and
//! `handles` moves the handles of a message.

use abi::{Error, EventKind, HANDLES_MAX, Handle, MessageInfo, MessageKind, Result, Rights};

use crate::kernel::Kernel;
use crate::memory::{Id, PhysAddr};
use crate::object::{Channel, Entry, Object, Side, SlotHeader, Thread, ThreadState};

mod handles;
mod sources;
mod waiting;

use handles::NO_ENTRY;
pub use waiting::Waited;

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

    /// Puts a message into the queue towards `side`; there is room by [`Channel::accept`]. If
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

    /// Reads the header in a slot: for taking handles out of a dead channel.
    pub fn slot_header(&self, slot: PhysAddr) -> SlotHeader {
        // SAFETY: callers pass slots that hold a message.
        unsafe { self.memory.machine.memory(slot).cast::<SlotHeader>().read() }
    }
}

//! Sources of events: objects that are attached to a queue, and the list of those that have something to say.

use abi::{Error, Result};

use crate::kernel::Kernel;
use crate::memory::Id;
use crate::object::{Channel, Object, Queue, Side, Source};

impl Kernel {
    /// Puts a source at the end of its queue's list.
    pub(super) fn list_source(&mut self, source: Id<Source>, queue: Id<Queue>) {
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

    pub(super) fn unlist_source(&mut self, source: Id<Source>, queue: Id<Queue>) {
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
    pub(super) fn has_something_to_say(&self, object: Object) -> bool {
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
    pub(super) fn source_of(&mut self, object: Object) -> Result<&mut Option<Id<Source>>> {
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
}

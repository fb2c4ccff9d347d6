//! The places of a loop's sources: an event's key is the number of one.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::{Index, IndexMut};

use super::source::Kind;
use crate::end::Transaction;

/// A source, or a place for one.
pub struct Slot<S> {
    pub kind: Kind,
    pub source: Option<S>,
    /// Tells it from those that had this place before.
    pub serial: u32,
    /// What the system file says about this client.
    pub grant: Option<Box<[u8]>>,
}

/// All places; those that are free are a list.
pub struct Slots<S> {
    slots: Vec<Slot<S>>,
    first_free: usize,
    serial: u32,
}

/// Events that the loop makes itself.
pub enum Ready<S> {
    Ended {
        source: S,
        tag: u16,
        ordinal: u32,
        transaction: Transaction,
    },
    Closed(S),
    Restarted(S),
    Connected(S),
    Shutdown,
}

impl<S> Slots<S> {
    /// None.
    pub fn new() -> Slots<S> {
        Slots {
            slots: Vec::new(),
            first_free: usize::MAX,
            serial: 0,
        }
    }

    /// The place at this key.
    #[inline(always)]
    pub fn get(&self, key: usize) -> Option<&Slot<S>> {
        self.slots.get(key)
    }

    /// All of them.
    pub fn iter(&self) -> core::slice::Iter<'_, Slot<S>> {
        self.slots.iter()
    }

    /// A place for a source; its key.
    pub fn take(&mut self, kind: Kind, source: Option<S>) -> usize {
        self.serial = self.serial.wrapping_add(1);
        let slot = Slot {
            kind,
            source,
            serial: self.serial,
            grant: None,
        };
        match self.slots.get(self.first_free).map(|slot| &slot.kind) {
            Some(Kind::Free { next }) => {
                let key = core::mem::replace(&mut self.first_free, *next);
                self.slots[key] = slot;
                key
            }
            _ => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        }
    }

    /// Gives a place up.
    pub fn free(&mut self, key: usize) {
        if let Some(slot) = self.slots.get_mut(key) {
            slot.kind = Kind::Free {
                next: self.first_free,
            };
            slot.source = None;
            slot.grant = None;
            self.first_free = key;
        }
    }

    /// What the end of a channel leads to: each call under way ends, then `Closed`. A channel that
    /// will not come back gives up its slot.
    pub fn close(&mut self, key: usize) -> Vec<Ready<S>>
    where
        S: Copy,
    {
        let mut ready = Vec::new();
        let Some(Slot {
            kind: Kind::Channel { end, tag },
            source: Some(source),
            ..
        }) = self.get(key)
        else {
            return ready;
        };
        let (source, tag, inner) = (*source, *tag, end.inner.clone());
        for (ordinal, transaction) in inner.end_all() {
            ready.push(Ready::Ended {
                source,
                tag,
                ordinal,
                transaction,
            });
        }
        ready.push(Ready::Closed(source));
        if !inner.will_return() {
            inner.settle(None, usize::MAX);
            self.free(key);
        }
        ready
    }
}

impl<S> Index<usize> for Slots<S> {
    type Output = Slot<S>;
    fn index(&self, key: usize) -> &Slot<S> {
        &self.slots[key]
    }
}

impl<S> IndexMut<usize> for Slots<S> {
    fn index_mut(&mut self, key: usize) -> &mut Slot<S> {
        &mut self.slots[key]
    }
}

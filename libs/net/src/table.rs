//! A table whose entries are named by index and generation, so that a stale name finds nothing.

use alloc::vec::Vec;

/// Names an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub index: u32,
    generation: u32,
}

struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

/// A table of at most `max` entries.
pub(crate) struct Table<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    max: usize,
}

impl<T> Table<T> {
    pub fn new(max: usize) -> Table<T> {
        Table {
            slots: Vec::new(),
            free: Vec::new(),
            max,
        }
    }

    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub fn is_full(&self) -> bool {
        self.len() >= self.max
    }

    /// `None` if the table, or memory, is full.
    pub fn insert(&mut self, value: T) -> Option<Id> {
        if self.is_full() {
            return None;
        }
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.value = Some(value);
            return Some(Id {
                index,
                generation: slot.generation,
            });
        }
        self.slots.try_reserve(1).ok()?;
        // So that `remove` never has to allocate.
        self.free.try_reserve(self.slots.len() + 1).ok()?;
        self.slots.push(Slot {
            generation: 0,
            value: Some(value),
        });
        Some(Id {
            index: self.slots.len() as u32 - 1,
            generation: 0,
        })
    }

    pub fn get(&self, id: Id) -> Option<&T> {
        let slot = self.slots.get(id.index as usize)?;
        if slot.generation == id.generation {
            slot.value.as_ref()
        } else {
            None
        }
    }

    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.index as usize)?;
        if slot.generation == id.generation {
            slot.value.as_mut()
        } else {
            None
        }
    }

    /// The full name of the entry that has this index now.
    pub fn id_at(&self, index: u32) -> Option<Id> {
        let slot = self.slots.get(index as usize)?;
        slot.value.as_ref()?;
        Some(Id {
            index,
            generation: slot.generation,
        })
    }

    pub fn remove(&mut self, id: Id) -> Option<T> {
        let slot = self.slots.get_mut(id.index as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.index);
        Some(value)
    }

    pub fn ids(&self) -> impl Iterator<Item = Id> + '_ {
        (0..self.slots.len() as u32).filter_map(|index| self.id_at(index))
    }
}

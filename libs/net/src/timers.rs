//! One heap of deadlines. Each entry of a table has at most one, and it can be moved, so the heap
//! is never longer than the table.

use alloc::vec::Vec;
use smoltcp::time::Instant;

const NOWHERE: u32 = u32::MAX;

/// Deadlines by the index of their table entry.
#[derive(Default)]
pub(crate) struct Timers {
    heap: Vec<(Instant, u32)>,
    position: Vec<u32>,
    /// Steps taken up and down the heap, for the tests that count work.
    pub steps: u64,
}

impl Timers {
    /// The earliest deadline, and whose it is.
    pub fn first(&self) -> Option<(Instant, u32)> {
        self.heap.first().copied()
    }

    /// Sets, moves or removes the deadline of `index`.
    pub fn set(&mut self, index: u32, deadline: Option<Instant>) {
        let at = self
            .position
            .get(index as usize)
            .copied()
            .unwrap_or(NOWHERE);
        match (deadline, at) {
            (None, NOWHERE) => {}
            (None, at) => self.remove(at as usize),
            (Some(deadline), NOWHERE) => {
                if self.position.len() <= index as usize {
                    self.position.resize(index as usize + 1, NOWHERE);
                }
                self.heap.push((deadline, index));
                self.position[index as usize] = self.heap.len() as u32 - 1;
                self.up(self.heap.len() - 1);
            }
            (Some(deadline), at) => {
                let old = core::mem::replace(&mut self.heap[at as usize].0, deadline);
                if deadline < old {
                    self.up(at as usize);
                } else if deadline > old {
                    self.down(at as usize);
                }
            }
        }
    }

    fn remove(&mut self, at: usize) {
        self.position[self.heap[at].1 as usize] = NOWHERE;
        let last = self.heap.len() - 1;
        self.heap.swap_remove(at);
        if at < last {
            self.position[self.heap[at].1 as usize] = at as u32;
            self.up(at);
            self.down(at);
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.steps += 1;
        self.heap.swap(a, b);
        self.position[self.heap[a].1 as usize] = a as u32;
        self.position[self.heap[b].1 as usize] = b as u32;
    }

    fn up(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent].0 <= self.heap[at].0 {
                return;
            }
            self.swap(parent, at);
            at = parent;
        }
    }

    fn down(&mut self, mut at: usize) {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.heap[child].0 < self.heap[least].0 {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.swap(least, at);
            at = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(trials::cases(256))]

        #[test]
        fn the_heap_agrees_with_a_map(steps in proptest::collection::vec((0u32..40, proptest::option::of(0i64..100)), 1..300)) {
            let mut timers = Timers::default();
            let mut model = BTreeMap::new();
            for (index, deadline) in steps {
                let deadline = deadline.map(Instant::from_millis);
                timers.set(index, deadline);
                match deadline {
                    Some(deadline) => { model.insert(index, deadline); }
                    None => { model.remove(&index); }
                }
                prop_assert_eq!(timers.first().map(|first| first.0), model.values().min().copied());
                prop_assert_eq!(timers.heap.len(), model.len());
            }
            while let Some((deadline, index)) = timers.first() {
                prop_assert_eq!(model.remove(&index), Some(deadline));
                timers.set(index, None);
            }
            prop_assert!(model.is_empty());
        }
    }
}

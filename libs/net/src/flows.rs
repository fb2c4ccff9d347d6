//! Whom a TCP segment concerns, by both its ends.
//!
//! Segments come in trains: the next one is often for the connection of the one before, so that one is at hand without a
//! look into the table (as in 4.3BSD-Reno).

use hashbrown::HashMap;

use crate::hash::Keyed;
use crate::table::Id;
use crate::tcp::Tuple;

/// What a TCP 4-tuple stands for.
#[derive(Clone, Copy)]
pub(crate) enum Flow {
    Connection(Id),
    HalfOpen(Id),
    TimeWait(Id),
}

/// The table of all 4-tuples.
pub(crate) struct Flows {
    table: HashMap<Tuple, Flow, Keyed>,
    /// The one that was found last, as long as nothing was changed.
    recent: Option<(Tuple, Flow)>,
}

impl Flows {
    pub fn new(hash: Keyed) -> Flows {
        Flows {
            table: HashMap::with_hasher(hash),
            recent: None,
        }
    }

    /// Whom a segment concerns that has come.
    #[inline]
    pub fn find(&mut self, tuple: &Tuple) -> Option<Flow> {
        match self.recent {
            Some((recent, flow)) if recent == *tuple => Some(flow),
            _ => {
                let flow = *self.table.get(tuple)?;
                self.recent = Some((*tuple, flow));
                Some(flow)
            }
        }
    }

    pub fn get(&self, tuple: &Tuple) -> Option<&Flow> {
        self.table.get(tuple)
    }

    pub fn contains_key(&self, tuple: &Tuple) -> bool {
        self.table.contains_key(tuple)
    }

    pub fn insert(&mut self, tuple: Tuple, flow: Flow) {
        self.recent = None;
        self.table.insert(tuple, flow);
    }

    pub fn remove(&mut self, tuple: &Tuple) {
        self.recent = None;
        self.table.remove(tuple);
    }
}

//! The calls that are under way on an end.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;

use abi::{Error, Result};

use super::{Inner, Transaction};

/// Calls that may be under way on one end at once.
const CALLS_MAX: usize = 64;

/// The calls under way: a table with a list of its free places.
pub(super) struct Calls {
    first_free: Cell<u32>,
    places: [Cell<Place>; CALLS_MAX],
}

#[derive(Clone, Copy)]
struct Place {
    ordinal: u32,
    /// Serial number of the call here; 0 if there is none, and then `ordinal` is the next free place.
    serial: u32,
}

impl Inner {
    /// Finds a place for a call and makes its transaction number.
    #[inline]
    pub(super) fn begin(&self, ordinal: u32) -> Result<usize> {
        let calls = self.calls.get_or_init(Calls::new);
        let index = calls.first_free.get();
        let Some(place) = calls.places.get(index as usize) else {
            return Err(Error::QueueFull);
        };
        calls.first_free.set(place.get().ordinal);
        // Never 0, and never the bit that `BLOCKING` is.
        let serial = self.serial.get().wrapping_add(1).max(1);
        self.serial.set(serial);
        place.set(Place { ordinal, serial });
        Ok((index as usize) | (serial as usize & 0x7fff_ffff) << 32)
    }

    /// Ends a call; answers whether there was one.
    #[inline]
    pub(crate) fn end(&self, transaction: usize, ordinal: u32) -> bool {
        let Some(calls) = self.calls.get() else {
            return false;
        };
        let index = transaction & 0xffff_ffff;
        let Some(place) = calls.places.get(index) else {
            return false;
        };
        let call = place.get();
        if call.serial == 0
            || call.serial as usize & 0x7fff_ffff != transaction >> 32
            || call.ordinal != ordinal
        {
            return false;
        }
        place.set(Place {
            ordinal: calls.first_free.get(),
            serial: 0,
        });
        calls.first_free.set(index as u32);
        true
    }

    /// Ends all calls; answers which there were.
    pub(crate) fn end_all(&self) -> Vec<(u32, Transaction)> {
        let Some(calls) = self.calls.get() else {
            return Vec::new();
        };
        let mut ended = Vec::new();
        for (index, place) in calls.places.iter().enumerate() {
            let call = place.get();
            if call.serial != 0 {
                let transaction = index | (call.serial as usize & 0x7fff_ffff) << 32;
                ended.push((call.serial, call.ordinal, Transaction(transaction)));
                self.end(transaction, call.ordinal);
            }
        }
        // In the order in which they were started.
        ended.sort_by_key(|(serial, ..)| *serial);
        ended
            .into_iter()
            .map(|(_, ordinal, transaction)| (ordinal, transaction))
            .collect()
    }
}

impl Calls {
    fn new() -> Box<Calls> {
        Box::new(Calls {
            first_free: Cell::new(0),
            places: core::array::from_fn(|i| {
                Cell::new(Place {
                    ordinal: i as u32 + 1,
                    serial: 0,
                })
            }),
        })
    }
}

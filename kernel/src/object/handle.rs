//! A process's handle table.
//!
//! Entries lie in frames that are added as the table grows, up to the process's limit. Free
//! entries form a list. An entry's generation changes when it is freed, so that a handle that
//! was closed is refused even if its place is in use again.

use core::mem::offset_of;

use abi::{Error, Handle, HandleTypes, ObjectKind, Result, Rights};

use crate::memory::{FRAME_LEN, Id, Memory, PhysAddr};
use crate::object::{Channel, Doorbell, Object, Queue, Side};

/// What one handle refers to and allows.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The object.
    pub object: Object,
    /// What may be done with it.
    pub rights: Rights,
    /// The handle that names this place, with its generation.
    pub handle: Handle,
}

/// An entry as the table keeps it: [`Entry`], laid out so that telling
/// whether a handle is good for something takes as few instructions as possible.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Stored {
    /// The handle that names this place, with its generation; a free place's next one.
    handle: u32,
    /// The rights; the number of the next free place in a free one.
    rights: u16,
    kind: Kind,
    /// What each message asks, answered when the handle is made: [`SIDE_B`], [`SENDS`], [`WAITS`],
    /// [`TRAVELS`].
    uses: u8,
    /// The object; none in a free place.
    id: Option<Id<Anything>>,
}

const _: () = assert!(size_of::<Stored>() == 16 && offset_of!(Stored, rights) == 4);
const _: () = assert!(offset_of!(Stored, kind) == 6 && offset_of!(Stored, uses) == 7);

/// One end of a channel.
pub type ChannelEnd = (Id<Channel>, Side);

/// Where a handle is in its table: see [`HandleTable::travels`].
#[derive(Clone, Copy)]
pub struct Place(*mut Stored);

impl Place {
    /// None.
    pub const NONE: Place = Place(core::ptr::null_mut());
}

/// It is end B of a channel.
const SIDE_B: u8 = 1;
/// It is an end of a channel that may be sent from.
const SENDS: u8 = 2;
/// It is a queue that may be waited on.
const WAITS: u8 = 4;
/// A message may carry it, and nothing else has to be done when it leaves: it is no device's.
const TRAVELS: u8 = 8;

/// Stands for the type of an object of which [`Kind`] tells the type.
enum Anything {}

/// What kind of [`Object`] an id names: numbered as components know them.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Free = 0,
    System = ObjectKind::System as u8,
    Channel = ObjectKind::Channel as u8,
    Queue = ObjectKind::Queue as u8,
    Folio = ObjectKind::Folio as u8,
    Process = ObjectKind::Process as u8,
    Thread = ObjectKind::Thread as u8,
    Timer = ObjectKind::Timer as u8,
    Doorbell = ObjectKind::Doorbell as u8,
    Interrupt = ObjectKind::Interrupt as u8,
    Device = ObjectKind::Device as u8,
}

impl Stored {
    /// No handle at all.
    pub const NONE: Stored = Stored {
        handle: u32::MAX,
        rights: 0,
        kind: Kind::Free,
        uses: 0,
        id: None,
    };

    fn set(&mut self, object: Object, rights: Rights) {
        // SAFETY: `object` casts it back to the type that `kind` tells.
        unsafe {
            (self.kind, self.id) = match object {
                Object::Free(next) => {
                    (self.rights, self.uses) = (next, 0);
                    (self.kind, self.id) = (Kind::Free, None);
                    return;
                }
                Object::System => (Kind::System, None),
                Object::Channel(_, id) => (Kind::Channel, Some(id.cast())),
                Object::Queue(id) => (Kind::Queue, Some(id.cast())),
                Object::Folio(id) => (Kind::Folio, Some(id.cast())),
                Object::Process(id) => (Kind::Process, Some(id.cast())),
                Object::Thread(id) => (Kind::Thread, Some(id.cast())),
                Object::Timer(id) => (Kind::Timer, Some(id.cast())),
                Object::Doorbell(id) => (Kind::Doorbell, Some(id.cast())),
                Object::Interrupt(id) => (Kind::Interrupt, Some(id.cast())),
                Object::Device(id) => (Kind::Device, Some(id.cast())),
            }
        }
        self.rights = rights.bits();
        self.uses = match object {
            Object::Channel(side, _) => {
                let sends = rights.contains(Rights::WRITE);
                (side as u8 * SIDE_B) | (u8::from(sends) * SENDS)
            }
            Object::Queue(_) => u8::from(rights.contains(Rights::WAIT)) * WAITS,
            _ => 0,
        };
        if rights.contains(Rights::TRANSFER) && !matches!(object, Object::Device(_)) {
            self.uses |= TRAVELS;
        }
    }

    #[inline(always)]
    fn side(&self) -> Side {
        match self.uses & SIDE_B {
            0 => Side::A,
            _ => Side::B,
        }
    }

    /// What it refers to.
    #[inline(always)]
    pub fn object(&self) -> Object {
        let Some(id) = self.id else {
            return match self.kind {
                Kind::System => Object::System,
                _ => Object::Free(self.rights),
            };
        };
        // SAFETY: `set` made kind and id of one object.
        unsafe {
            match self.kind {
                Kind::Channel => Object::Channel(self.side(), id.cast()),
                Kind::Queue => Object::Queue(id.cast()),
                Kind::Folio => Object::Folio(id.cast()),
                Kind::Process => Object::Process(id.cast()),
                Kind::Thread => Object::Thread(id.cast()),
                Kind::Timer => Object::Timer(id.cast()),
                Kind::Doorbell => Object::Doorbell(id.cast()),
                Kind::Interrupt => Object::Interrupt(id.cast()),
                Kind::Device => Object::Device(id.cast()),
                Kind::Free | Kind::System => Object::Free(self.rights),
            }
        }
    }

    /// What the handle allows.
    #[inline(always)]
    pub fn rights(&self) -> Rights {
        Rights::from_bits(self.rights)
    }
}

const PER_FRAME: usize = FRAME_LEN / size_of::<Stored>();
/// Frames in the largest table.
const FRAMES_MAX: usize = HandleTable::LIMIT / PER_FRAME;
const NONE: u16 = u16::MAX;

/// Stands in for the frames that a table does not have, so that looking a handle up need not ask
/// whether there is one.
static NOTHING: [Stored; PER_FRAME] = [Stored::NONE; PER_FRAME];

/// The name that the place of a closed handle has next.
#[inline(always)]
fn after(handle: Handle) -> Handle {
    const ONE: u32 = 1 << Handle::INDEX_BITS;
    let next = handle.raw().wrapping_add(ONE);
    // Never generation 0, so that no handle is `Handle::NONE`; 15 bits, as many as a handle shows.
    Handle::from_raw(match next >> 31 {
        0 => next,
        _ => (next % ONE) | ONE,
    })
}

/// All handles of a process.
pub struct HandleTable {
    /// Where the frames are seen; [`NOTHING`] from the capacity on.
    frames: [*mut Stored; FRAMES_MAX],
    /// Where they are.
    addresses: [PhysAddr; FRAMES_MAX],
    capacity: usize,
    free: u16,
    used: usize,
    /// Handles that were moved out of the table in messages which nobody has received yet: they count
    /// against the limit as if they were still here (rule 9).
    pub in_flight: usize,
    limit: usize,
}

// SAFETY: the frames belong to the table alone, and nobody writes to `NOTHING`.
unsafe impl Send for HandleTable {}

impl HandleTable {
    /// No process can have more handles than this.
    pub const LIMIT: usize = 16384;

    /// An empty table that may grow to `limit` handles.
    pub const fn new(limit: usize) -> HandleTable {
        HandleTable {
            frames: [NOTHING.as_ptr().cast_mut(); FRAMES_MAX],
            addresses: [PhysAddr(0); FRAMES_MAX],
            capacity: 0,
            free: NONE,
            used: 0,
            in_flight: 0,
            limit: if limit < HandleTable::LIMIT {
                limit
            } else {
                HandleTable::LIMIT
            },
        }
    }

    /// The end of a channel that a handle names and that may be sent from.
    #[inline(always)]
    pub fn sending_end(&self, handle: Handle) -> Option<(Id<Channel>, Side)> {
        let stored = self.named(handle);
        let fits = stored.handle == handle.raw() && stored.uses & SENDS != 0;
        // SAFETY: only channels have that bit, and an id.
        fits.then(|| unsafe { (stored.id.unwrap_unchecked().cast(), stored.side()) })
    }

    /// The doorbell that a handle names and that may be rung.
    #[inline(always)]
    pub fn bell(&self, handle: Handle) -> Option<Id<Doorbell>> {
        let stored = self.named(handle);
        let fits = stored.handle == handle.raw()
            && stored.kind == Kind::Doorbell
            && stored.rights().contains(Rights::WRITE);
        // SAFETY: the kind says whose id it is, and only the system has none.
        fits.then(|| unsafe { stored.id.unwrap_unchecked().cast() })
    }

    /// The queue that a handle names and that may be waited on.
    #[inline(always)]
    pub fn waiting_queue(&self, handle: Handle) -> Option<Id<Queue>> {
        let stored = self.named(handle);
        let fits = stored.handle == handle.raw() && stored.uses & WAITS != 0;
        // SAFETY: only queues have that bit, and an id.
        fits.then(|| unsafe { stored.id.unwrap_unchecked().cast() })
    }

    /// Where a handle is that a message can carry without a detour; if it is the end of a channel,
    /// which.
    #[inline(always)]
    pub fn travels(&self, handle: Handle) -> Option<(Place, Option<ChannelEnd>)> {
        let stored = self.named(handle);
        if stored.handle != handle.raw() || stored.uses & TRAVELS == 0 {
            return None;
        }
        let end = match (stored.kind, stored.id) {
            // SAFETY: the kind says whose id it is.
            (Kind::Channel, Some(id)) => Some(unsafe { (id.cast(), stored.side()) }),
            _ => None,
        };
        Some((Place(core::ptr::from_ref(stored).cast_mut()), end))
    }

    /// Whether so many handles more can come without the table growing.
    #[inline(always)]
    pub fn has_place_for(&self, count: usize) -> bool {
        // None of them is near the largest number, so nothing overflows.
        let used = self.used.wrapping_add(count);
        used <= self.capacity && used.wrapping_add(self.in_flight) <= self.limit
    }

    /// Moves a handle to another table. Answers what it is called there, and what it is.
    ///
    /// # Safety
    /// `place` is what [`HandleTable::travels`] has said of this handle in this table, which has not
    /// changed since, and the other table [`HandleTable::has_place_for`] it.
    #[inline(always)]
    pub unsafe fn move_to(
        &mut self,
        handle: Handle,
        place: Place,
        other: &mut HandleTable,
    ) -> (Handle, u64) {
        let free = u64::from(self.free);
        let from = place.0;
        let to =
            core::ptr::from_ref(other.named(Handle::from_raw(u32::from(other.free)))).cast_mut();
        self.free = handle.index() as u16;
        // No overflow: the one has this handle, the other a place for it.
        self.used = self.used.wrapping_sub(1);
        other.used = other.used.wrapping_add(1);
        // SAFETY: `from` is this table's own, as the caller vouches, and `to` the other's, since it has
        // a free place; both tables are borrowed. `rights`, `kind` and `uses` are one word together,
        // at the offset that is asserted above, and move as one.
        unsafe {
            let what = (&raw const (*from).rights).cast::<u32>().read();
            let id = (*from).id;
            // `rights` of a free place is the next free one; its kind, uses and id are all 0.
            from.cast::<u64>()
                .write(u64::from(after(handle).raw()) | free << 32);
            (*from).id = None;
            let name = Handle::from_raw((*to).handle);
            other.free = (*to).rights;
            (&raw mut (*to).rights).cast::<u32>().write(what);
            (*to).id = id;
            (name, HandleTypes::bits_of((what >> 16) as u8, what as u16))
        }
    }

    /// Handles in use.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether no handle is in use.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Frames that hold the table.
    pub fn frame_count(&self) -> usize {
        self.capacity / PER_FRAME
    }

    /// Frames that have to be added before `count` more handles fit.
    pub fn frames_needed(&self, count: usize) -> Result<usize> {
        if self.used + self.in_flight + count > self.limit {
            return Err(Error::HandleLimit);
        }
        let free = self.capacity - self.used;
        Ok(count.saturating_sub(free).div_ceil(PER_FRAME))
    }

    /// The most handles that it may have.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Adds a frame.
    pub fn grow(&mut self, memory: &mut Memory) -> Result<()> {
        let address = memory.allocate(0)?;
        let frame = memory.machine.memory(address).cast::<Stored>();
        self.frames[self.capacity / PER_FRAME] = frame;
        self.addresses[self.capacity / PER_FRAME] = address;
        for i in (self.capacity..self.capacity + PER_FRAME).rev() {
            let stored = Stored {
                handle: Handle::new(i as u16, 1).raw(),
                rights: self.free,
                ..Stored::NONE
            };
            // SAFETY: the frame was just allocated for the table and `i` lies in it.
            unsafe { frame.add(i % PER_FRAME).write(stored) };
            self.free = i as u16;
        }
        self.capacity += PER_FRAME;
        Ok(())
    }

    /// Adds a handle. There must be room: see [`HandleTable::frames_needed`].
    pub fn insert(&mut self, object: Object, rights: Rights) -> Handle {
        let stored = self.stored_mut(self.free as usize).expect("there is room");
        let Object::Free(next) = stored.object() else {
            panic!("the free list holds a used entry")
        };
        stored.set(object, rights);
        let handle = Handle::from_raw(stored.handle);
        self.free = next;
        self.used += 1;
        handle
    }

    /// What a handle refers to.
    #[inline(always)]
    pub fn get(&self, handle: Handle) -> Result<Entry> {
        let stored = self.named(handle);
        if stored.handle != handle.raw() || stored.kind == Kind::Free {
            return Err(Error::BadHandle);
        }
        Ok(Entry {
            object: stored.object(),
            rights: stored.rights(),
            handle: Handle::from_raw(stored.handle),
        })
    }

    /// Takes a handle out of the table.
    pub fn remove(&mut self, handle: Handle) -> Result<Entry> {
        let taken = self.get(handle)?;
        let free = self.free;
        let stored = self.stored_mut(handle.index()).expect("get found it");
        stored.set(Object::Free(free), Rights::NONE);
        stored.handle = after(handle).raw();
        self.free = handle.index() as u16;
        self.used -= 1;
        Ok(taken)
    }

    /// Takes out any one handle at or after `*cursor`, looking at no more than `steps` entries.
    /// For tearing a table down; `None` with the cursor at the end means that it is empty.
    pub fn take_next(&mut self, cursor: &mut usize, steps: usize) -> Option<Entry> {
        for _ in 0..steps {
            let stored = *self.stored_mut(*cursor)?;
            *cursor += 1;
            if stored.kind != Kind::Free {
                return self.remove(Handle::from_raw(stored.handle)).ok();
            }
        }
        None
    }

    /// What is at a place of the table, `Object::Free` for nothing; `None` past its end.
    pub fn at(&self, index: usize) -> Option<Entry> {
        if index >= self.capacity {
            return None;
        }
        let stored = self.named(Handle::new(index as u16, 0));
        Some(Entry {
            object: stored.object(),
            rights: stored.rights(),
            handle: Handle::from_raw(stored.handle),
        })
    }

    /// How many entries there are, used or not.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Gives the table's frames back.
    pub fn free_frames(&mut self, memory: &mut Memory) {
        for index in 0..self.capacity / PER_FRAME {
            self.frames[index] = NOTHING.as_ptr().cast_mut();
            memory.free(self.addresses[index]);
        }
        self.capacity = 0;
    }

    /// The place that a handle's index names, or one of [`NOTHING`]'s.
    #[inline(always)]
    fn named(&self, handle: Handle) -> &Stored {
        let index = handle.index();
        // SAFETY: all frames, `NOTHING` too, hold PER_FRAME entries; the table owns those that
        // anybody writes to, and is borrowed.
        unsafe { &*self.frames[index / PER_FRAME % FRAMES_MAX].add(index % PER_FRAME) }
    }

    fn stored_mut(&mut self, index: usize) -> Option<&mut Stored> {
        if index >= self.capacity {
            return None;
        }
        // SAFETY: below the capacity the frames are the table's own; the mutable borrow makes it
        // the only reference.
        Some(unsafe { &mut *self.frames[index / PER_FRAME].add(index % PER_FRAME) })
    }
}

//! What has been written but not sent yet: a reply, and what a command has printed.
//!
//! A server answers a request and then waits for the next one. As two system calls that would
//! cost half as much again as one, so [`crate::Replier`] leaves its answer in the send page, and
//! the event loop's next wait sends it along. Whoever else wants the send page before that calls
//! [`flush`] first, which sends the answer on its own.
//!
//! What a command prints is collected likewise (`crate::io`), and goes out before its thread sends or
//! waits: otherwise somebody would wait for words that nobody has been told. So both have the same
//! two places to be looked for, and one look finds out that there is neither.
//!
//! Each thread that serves has one [`Stage`], found by its message buffer's address. Stages are
//! never freed, because a reply may be kept for as long as its server likes.

extern crate alloc;

use alloc::boxed::Box;
use alloc::rc::Weak;
use core::cell::Cell;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use abi::{Error, Handle, MessageInfo, MessageKind};

use crate::end::{Inner, OnFull};
use crate::sys::{self, Handles, NO_HANDLES, RawEvent, SendWaitFailed};
use crate::{gate, wire};

/// How many replies are staged, over all threads, and one more while output is pending. While it is zero nobody has to look further.
static STAGED: AtomicUsize = AtomicUsize::new(0);
/// The stages of all threads: a list that only grows.
static STAGES: AtomicPtr<Stage> = AtomicPtr::new(null_mut());

/// One thread's place for a reply that waits in the send page. Its cells belong to that thread
/// alone; other threads look at `owner` and `next`, which never change.
pub(crate) struct Stage {
    owner: *mut u8,
    next: *mut Stage,
    /// [`MESSAGE`] and [`OUTPUT`], as far as they are there.
    pending: Cell<u8>,
    message: Cell<Staged>,
    /// Which end an event that is staged goes out from, and what becomes of it if there is no room.
    teller: Cell<(Weak<Inner>, OnFull)>,
}

/// A message or a ring is staged.
const MESSAGE: u8 = 1;
/// Something was printed: see [`output_pending`].
const OUTPUT: u8 = 2;

#[derive(Clone, Copy)]
pub(crate) struct Staged {
    channel: Handle,
    info: MessageInfo,
    transaction: usize,
    handles: Handles,
}

impl Stage {
    /// The calling thread's stage.
    pub fn of_thread() -> &'static Stage {
        let owner = gate::message_buffer();
        if let Some(stage) = Stage::find(owner) {
            return stage;
        }
        let stage = Box::leak(Box::new(Stage {
            owner,
            next: null_mut(),
            pending: Cell::new(0),
            message: Cell::new(Staged {
                channel: Handle::NONE,
                info: MessageInfo::from_bits(0),
                transaction: 0,
                handles: NO_HANDLES,
            }),
            teller: Cell::new((Weak::new(), OnFull::Coalesce)),
        }));
        let mut first = STAGES.load(Ordering::Acquire);
        loop {
            stage.next = first;
            match STAGES.compare_exchange(first, stage, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return stage,
                Err(other) => first = other,
            }
        }
    }

    fn find(owner: *mut u8) -> Option<&'static Stage> {
        let mut stage = STAGES.load(Ordering::Acquire);
        // SAFETY: the list holds leaked stages only, whose `owner` and `next` do not change any
        // more once they are in it. That a reference to one reaches just its own thread follows
        // from the comparison: a message buffer belongs to one thread.
        while let Some(candidate) = unsafe { stage.as_ref() } {
            if candidate.owner == owner {
                return Some(candidate);
            }
            stage = candidate.next;
        }
        None
    }

    /// Leaves a message, which has been written into the send page, for the next wait.
    #[inline(always)]
    pub fn put(&self, channel: Handle, info: MessageInfo, transaction: usize, handles: Handles) {
        self.message.set(Staged {
            channel,
            info,
            transaction,
            handles,
        });
        self.pending.set(self.pending.get() | MESSAGE);
        STAGED.fetch_add(1, Ordering::Relaxed);
    }

    /// [`Stage::put`] for a one-way event of this end.
    #[inline]
    pub fn put_event(
        &self,
        teller: Weak<Inner>,
        on_full: OnFull,
        channel: Handle,
        info: MessageInfo,
    ) {
        self.teller.set((teller, on_full));
        self.put(channel, info, 0, NO_HANDLES);
    }

    /// What was taken last could not be sent.
    #[cold]
    #[inline(never)]
    pub fn failed(&self, error: Error) {
        let staged = self.message.get();
        let (teller, on_full) = self.teller.replace((Weak::new(), OnFull::Coalesce));
        match (staged.info.kind(), teller.upgrade()) {
            (Some(MessageKind::OneWay), Some(end)) => {
                // Whoever sent it has not waited to hear how that went.
                let _ = end.event_failed(error, staged.info, staged.handles, on_full);
            }
            // A reply that could not be sent, which only its caller could mind.
            _ => wire::close_all(staged.handles),
        }
    }

    /// Sends what was printed, and takes the staged message, if there is one.
    #[inline(always)]
    pub fn take(&self) -> Option<Staged> {
        match self.pending.get() {
            0 => None,
            MESSAGE => {
                self.pending.set(0);
                STAGED.fetch_sub(1, Ordering::Relaxed);
                Some(self.message.get())
            }
            _ => self.take_slowly(),
        }
    }

    /// [`Stage::take`] when something was printed. Sending that sends the reply first.
    #[cold]
    #[inline(never)]
    fn take_slowly(&self) -> Option<Staged> {
        self.pending.set(self.pending.get() & !OUTPUT);
        STAGED.fetch_sub(1, Ordering::Relaxed);
        crate::io::flush_output();
        self.take()
    }
}

impl Staged {
    /// Sends it on its own.
    pub fn send(self, stage: &Stage) {
        let result = match self.info.is_ring() {
            true => sys::doorbell_ring(self.channel),
            false => sys::send(self.channel, self.info, self.transaction, self.handles),
        };
        if let Err(error) = result {
            stage.failed(error);
        }
    }

    /// Sends it and waits, in one system call.
    #[inline(always)]
    pub fn send_wait(self, queue: Handle, deadline: usize) -> Result<RawEvent, SendWaitFailed> {
        sys::send_wait_apart(
            self.channel,
            queue,
            self.info,
            self.transaction,
            self.handles,
            deadline,
        )
    }
}

/// Rings a doorbell when the calling thread waits next, or sends anything.
pub(crate) fn ring_soon(bell: Handle) {
    flush();
    Stage::of_thread().put(bell, MessageInfo::RING, 0, NO_HANDLES);
}

/// Notes that the calling thread has printed something that is to go out before it waits.
pub(crate) fn output_pending() {
    let stage = Stage::of_thread();
    if stage.pending.get() & OUTPUT == 0 {
        stage.pending.set(stage.pending.get() | OUTPUT);
        STAGED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends the calling thread's staged reply, if there is one, and what it has printed.
#[inline(always)]
pub(crate) fn flush() {
    if STAGED.load(Ordering::Relaxed) != 0 {
        flush_slowly();
    }
}

#[cold]
#[inline(never)]
fn flush_slowly() {
    if let Some(stage) = Stage::find(gate::message_buffer())
        && let Some(staged) = stage.take()
    {
        staged.send(stage);
    }
}

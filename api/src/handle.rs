//! Objects of the kernel as owned values: dropping one closes it.
//!
//! Each type here is a handle that is known to name one kind of object. Methods do what the
//! system call of the same name does; what can go wrong is listed there ([`abi::Call`]).

use alloc::boxed::Box;
use core::fmt;
use core::mem::ManuallyDrop;

use abi::{
    CrashReport, DeviceInfo, Error, Handle, KernelStatistics, MessageInfo, ObjectKind, ProcessInfo,
    ProcessParams, Result, Rights,
};

use crate::sys::{self, Handles, RawEvent};
use crate::time::Instant;

/// A handle that is closed when dropped.
#[derive(PartialEq, Eq)]
pub struct OwnedHandle(Handle);

impl OwnedHandle {
    /// Takes over a handle, which must not be [`Handle::NONE`].
    ///
    /// This is safe: a wrong number closes or uses something else *of this component*, which
    /// is a bug, but memory safety never hangs on what a handle names.
    pub const fn from_raw(handle: Handle) -> OwnedHandle {
        OwnedHandle(handle)
    }
    /// The handle, which stays owned here.
    #[inline(always)]
    pub const fn raw(&self) -> Handle {
        self.0
    }
    /// Gives the handle away: it will not be closed here.
    #[inline(always)]
    pub fn into_raw(self) -> Handle {
        ManuallyDrop::new(self).0
    }
    /// Another handle to the same object, with the same rights or fewer.
    ///
    /// ```
    /// # let _system = testkit::System::new();
    /// use ftl::abi::Rights;
    /// use ftl::handle::{Folio, OwnedHandle};
    /// use ftl::prelude::*;
    ///
    /// let folio = OwnedHandle::from(Folio::new(4096)?);
    /// let to_look_at = Folio::from(folio.duplicate(Rights::READ)?);
    /// assert!(to_look_at.map_read_only().is_ok());
    /// assert_eq!(to_look_at.map().unwrap_err(), Error::MissingRight);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn duplicate(&self, rights: Rights) -> Result<OwnedHandle> {
        sys::handle_duplicate(self.0, rights).map(OwnedHandle)
    }
}

impl Drop for OwnedHandle {
    fn drop(&mut self) {
        // An error means that the object has gone already, which is what was wanted.
        let _ = sys::handle_close(self.0);
    }
}

impl fmt::Debug for OwnedHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value that stands for an object of the kernel.
pub trait AsHandle {
    /// Its handle.
    fn handle(&self) -> Handle;
}

/// A value that a received handle becomes. The decoder makes one only of a handle to such an
/// object, with such rights.
pub trait Object: From<OwnedHandle> {
    /// The kind of object.
    const KIND: ObjectKind;
    /// The rights that it is of no use without.
    const RIGHTS: Rights;
}

macro_rules! objects {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ident [$($right:ident)*],)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, PartialEq, Eq)]
            pub struct $name(OwnedHandle);

            impl From<OwnedHandle> for $name {
                fn from(handle: OwnedHandle) -> $name {
                    $name(handle)
                }
            }
            impl From<$name> for OwnedHandle {
                fn from(object: $name) -> OwnedHandle {
                    object.0
                }
            }
            impl Object for $name {
                const KIND: ObjectKind = ObjectKind::$kind;
                const RIGHTS: Rights = Rights::NONE$(.union(Rights::$right))*;
            }
            impl AsHandle for $name {
                #[inline(always)]
                fn handle(&self) -> Handle {
                    self.0.raw()
                }
            }
        )+
    };
}

objects! {
    /// One end of a channel, before it is known what messages travel on it. Generated types
    /// (`ping::Client` and so on) wrap it.
    Channel: Channel [WRITE WAIT],
    /// An event queue. [`crate::EventLoop`] has one inside.
    Queue: Queue [WAIT],
    /// A memory object, which can be shared with another component. To read and write it, map
    /// it: [`Folio::map`].
    Folio: Folio [READ WRITE],
    /// A kernel timer. Most components want [`crate::EventLoop::timer`] instead, which needs no
    /// handle and no system call.
    KernelTimer: Timer [WRITE WAIT],
    /// A counter that wakes the event queue it is attached to.
    Doorbell: Doorbell [WRITE],
    /// A device's interrupt.
    Interrupt: Interrupt [WRITE WAIT],
    /// A process started by this one.
    Process: Process [READ],
    /// The right to manage the system: processes, devices, shutdown. Only init has it.
    System: System [MANAGE],
    /// A device that this component drives.
    Device: Device [WRITE],
    /// A thread of this component.
    Thread: Thread [],
}

impl Channel {
    /// A connected pair. Interfaces have a `channel()` of their own, which is this with the right
    /// bounds and typed ends.
    ///
    /// ```
    /// # let _system = testkit::System::new();
    /// use ftl::abi::{MessageInfo, MessageKind};
    /// use ftl::handle::{Channel, Queue};
    ///
    /// let (left, right) = Channel::pair(4, 64)?;
    /// let events = Queue::new()?;
    /// events.attach(&right, 7)?;
    /// let len = ftl::buffer::write_send(b"hello");
    /// let info = MessageInfo::new(MessageKind::OneWay, 1, len, 0);
    /// left.send(info, 0, ftl::sys::NO_HANDLES)?;
    ///
    /// let event = events.wait(None)?;
    /// assert_eq!((event.key, event.info().len()), (7, 5));
    /// # Ok::<(), ftl::Error>(())
    /// ```
    ///
    /// Each queue holds `messages_max` messages of up to `body_len_max` bytes.
    pub fn pair(messages_max: usize, body_len_max: usize) -> Result<(Channel, Channel)> {
        let (a, b) = sys::channel_create(messages_max, body_len_max)?;
        Ok((Channel(OwnedHandle(a)), Channel(OwnedHandle(b))))
    }
    /// Sends the send page's first bytes. The handles are moved if it succeeds.
    #[inline]
    pub fn send(&self, info: MessageInfo, transaction: usize, handles: Handles) -> Result<()> {
        sys::send(self.handle(), info, transaction, handles)
    }
}

impl Queue {
    /// A new queue.
    pub fn new() -> Result<Queue> {
        sys::queue_create().map(|handle| Queue(OwnedHandle(handle)))
    }
    /// Attaches a source; its events carry `key`.
    pub fn attach(&self, source: &impl AsHandle, key: usize) -> Result<()> {
        sys::queue_attach(self.handle(), source.handle(), key)
    }
    /// Detaches a source from whatever queue it is on.
    pub fn detach(source: &impl AsHandle) -> Result<()> {
        sys::queue_detach(source.handle())
    }
    /// Waits for the next event, until `deadline` if there is one.
    pub fn wait(&self, deadline: Option<Instant>) -> Result<RawEvent> {
        // A reply that waits for the event loop's next wait must not wait for this one.
        crate::stage::flush();
        sys::wait(self.handle(), crate::time::deadline_ticks(deadline))
    }
}

impl Folio {
    /// Zeroed memory of at least `len` bytes, in whole pages.
    ///
    /// ```
    /// # let _system = testkit::System::new();
    /// use ftl::prelude::*;
    ///
    /// let folio = Folio::new(8_000)?;
    /// assert_eq!(folio.len()?, 8_192);
    /// let bytes = folio.map()?;
    /// bytes.write(7_000, b"far in");
    /// let mut copy = [0; 6];
    /// bytes.read(7_000, &mut copy);
    /// assert_eq!(&copy, b"far in");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn new(len: usize) -> Result<Folio> {
        sys::folio_create(len, 0).map(|handle| Folio(OwnedHandle(handle)))
    }
    /// The same, physically contiguous, as devices need it.
    pub fn contiguous(len: usize) -> Result<Folio> {
        sys::folio_create(len, abi::call::FOLIO_CONTIGUOUS).map(|handle| Folio(OwnedHandle(handle)))
    }
    /// Its size in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> Result<usize> {
        sys::folio_size(self.handle())
    }
    /// Another handle to the same memory.
    pub fn duplicate(&self, rights: Rights) -> Result<Folio> {
        self.0.duplicate(rights).map(Folio)
    }
}

impl KernelTimer {
    /// A timer that is not set.
    pub fn new() -> Result<KernelTimer> {
        sys::timer_create().map(|handle| KernelTimer(OwnedHandle(handle)))
    }
    /// Sets it; both are in ticks, and 0 means "stop" and "only once".
    pub fn set_ticks(&self, deadline: usize, period: usize) -> Result<()> {
        sys::timer_set(self.handle(), deadline, period)
    }
}

impl Doorbell {
    /// A doorbell that nobody has rung.
    ///
    /// ```
    /// # let _system = testkit::System::new();
    /// use ftl::handle::{Doorbell, Queue};
    ///
    /// let bell = Doorbell::new()?;
    /// let events = Queue::new()?;
    /// events.attach(&bell, 1)?;
    /// bell.ring()?;
    /// // What is given to whoever is to ring it: it allows that and nothing else.
    /// bell.ringer()?.ring()?;
    /// assert_eq!(events.wait(None)?.data, 2, "rung twice, heard once");
    /// # Ok::<(), ftl::Error>(())
    /// ```
    pub fn new() -> Result<Doorbell> {
        sys::doorbell_create().map(|handle| Doorbell(OwnedHandle(handle)))
    }
    /// Adds one to its count and wakes whoever waits for it.
    #[inline]
    pub fn ring(&self) -> Result<()> {
        sys::doorbell_ring(self.handle())
    }
    /// [`Doorbell::ring`] when this thread waits next, or sends anything: no entry into the kernel of its own. For
    /// those who are about to go back to their event loop. How it goes is not told.
    ///
    /// ```
    /// # let _system = testkit::System::new();
    /// use ftl::handle::{Doorbell, Queue};
    ///
    /// let bell = Doorbell::new()?;
    /// let events = Queue::new()?;
    /// events.attach(&bell, 1)?;
    /// bell.ring_soon();
    /// // The first one goes before the second, and that before the wait.
    /// bell.ring_soon();
    /// assert_eq!(events.wait(None)?.data, 2);
    /// # Ok::<(), ftl::Error>(())
    /// ```
    #[inline]
    pub fn ring_soon(&self) {
        crate::stage::ring_soon(self.handle());
    }
    /// Another handle to the same doorbell, to give to the one who is to ring it.
    pub fn ringer(&self) -> Result<Doorbell> {
        self.0
            .duplicate(Rights::WRITE.union(Rights::TRANSFER))
            .map(Doorbell)
    }
}

impl Interrupt {
    /// Lets it fire again.
    #[inline]
    pub fn ack(&self) -> Result<()> {
        sys::interrupt_ack(self.handle())
    }
}

impl Process {
    /// An empty process.
    pub fn new(system: &System, params: &ProcessParams) -> Result<Process> {
        sys::process_create(system.handle(), params).map(|handle| Process(OwnedHandle(handle)))
    }
    /// Loads an ELF image out of a folio, however many steps that takes.
    pub fn load(&self, folio: &Folio, offset: usize, len: usize) -> Result<()> {
        loop {
            match sys::process_load(self.handle(), folio.handle(), offset, len) {
                Err(Error::Again) => {}
                result => return result,
            }
        }
    }
    /// Starts it, with its first handle.
    pub fn start(&self, bootstrap: Channel) -> Result<()> {
        sys::process_start(self.handle(), bootstrap.handle())?;
        // It is the new process's now.
        OwnedHandle::from(bootstrap).into_raw();
        Ok(())
    }
    /// Starts it without any handle.
    pub fn start_alone(&self) -> Result<()> {
        sys::process_start(self.handle(), Handle::NONE)
    }
    /// Ends it.
    pub fn kill(&self, status: usize) -> Result<()> {
        sys::process_kill(self.handle(), status)
    }
    /// Ends it, and has the log say where its threads were: it hangs, and somebody will want to know.
    pub fn kill_and_tell(&self, status: usize) -> Result<()> {
        sys::process_kill_and_tell(self.handle(), status)
    }
    /// What it is doing.
    pub fn info(&self) -> Result<ProcessInfo> {
        sys::process_info(self.handle())
    }
    /// Calls a function with each end of a channel that it holds now.
    pub fn for_each_channel(&self, mut tell: impl FnMut(&abi::ChannelEnd)) -> Result<()> {
        let mut position = 0;
        loop {
            let (next, found) = sys::process_channels(self.handle(), position)?;
            let count = (found.count as usize).min(found.ends.len());
            found.ends[..count].iter().for_each(&mut tell);
            if next == 0 {
                return Ok(());
            }
            position = next;
        }
    }
}

impl System {
    /// The machine's device with this index; [`Error::NotFound`] past the last.
    pub fn device_info(&self, index: usize) -> Result<DeviceInfo> {
        sys::device_info(self.handle(), index)
    }
    /// A handle to the machine's device with this index.
    pub fn device_open(&self, index: usize) -> Result<Device> {
        sys::device_open(self.handle(), index).map(|handle| Device(OwnedHandle(handle)))
    }
    /// Counters of the whole system.
    pub fn statistics(&self) -> Result<KernelStatistics> {
        sys::system_statistics(self.handle())
    }
    /// From now on what happens on a CPU is written into a contiguous folio, as
    /// [`abi::TraceHeader`] says; without one that ends.
    pub fn trace(&self, cpu: usize, folio: Option<&Folio>) -> Result<()> {
        let folio = folio.map_or(Handle::NONE, Folio::handle);
        sys::trace(self.handle(), cpu, folio)
    }
    /// Copies a part of the kernel's log, from `position` on or from the oldest byte there still
    /// is. Answers with the position after it, and how much of `text` is filled.
    pub fn log_read(&self, position: u64, text: &mut [u8]) -> Result<(u64, usize)> {
        let len = sys::log_read(
            self.handle(),
            usize::try_from(position).unwrap_or(usize::MAX),
        )?;
        // The page begins with the position of what follows it.
        let mut page = [0; abi::MESSAGE_LEN_MAX];
        crate::buffer::read_received(&mut page);
        let (start, rest) = page.split_at(8);
        let mut start_bytes = [0; 8];
        start_bytes.copy_from_slice(start);
        let len = len.min(text.len()).min(rest.len());
        text[..len].copy_from_slice(&rest[..len]);
        Ok((
            u64::from_le_bytes(start_bytes).saturating_add(len as u64),
            len,
        ))
    }
    /// What is remembered of the first crash after the one that was numbered `after`, of those that still are;
    /// [`Error::NotFound`] if there was none after it.
    pub fn crash_report(&self, after: u64) -> Result<CrashReport> {
        sys::crash_read(self.handle(), after)
    }
    /// Resets the machine, which then starts anew. The log survives unless `cold`.
    pub fn reset(&self, cold: bool) -> ! {
        sys::system_reset(self.handle(), cold)
    }
    /// Shuts the machine down.
    pub fn shutdown(&self, status: usize) -> ! {
        sys::system_shutdown(self.handle(), status)
    }
}

impl Thread {
    /// Another thread of this component. Threads share nothing but what is `Send`: they talk
    /// through channels, each with its own [`crate::EventLoop`]. The limit `threads` in the
    /// component's file must allow it.
    pub fn spawn(stack_len: usize, main: impl FnOnce() + Send + 'static) -> Result<Thread> {
        /// What crosses to the new thread: a thin pointer to a pointer with its type's table.
        type Main = Box<dyn FnOnce() + Send>;

        extern "C" fn enter(main: *mut Main) -> ! {
            // SAFETY: the pointer that `spawn` made for this thread alone.
            let main = unsafe { Box::from_raw(main) };
            main();
            crate::stage::flush();
            sys::thread_exit()
        }

        let main: *mut Main = Box::into_raw(Box::new(Box::new(main)));
        let entry = enter as extern "C" fn(*mut Main) -> ! as usize;
        match sys::thread_create(entry, main as usize, stack_len) {
            Ok(handle) => Ok(Thread(OwnedHandle(handle))),
            Err(error) => {
                // SAFETY: made above, and no thread has been given it.
                drop(unsafe { Box::from_raw(main) });
                Err(error)
            }
        }
    }
}

impl Device {
    /// Its interrupt number `which`, counted from 0.
    pub fn interrupt(&self, which: usize) -> Result<Interrupt> {
        sys::device_interrupt(self.handle(), which).map(|handle| Interrupt(OwnedHandle(handle)))
    }
}

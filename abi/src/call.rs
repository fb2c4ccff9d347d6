//! The system calls.
//!
//! A call has a number and up to six arguments, and answers with one register, or, for
//! [`Call::Wait`] and its kin, with six. A first register in the topmost 64 KiB of numbers is an error
//! ([`crate::Error::from_register`]). The comment on each call gives arguments, in order, and
//! answer. "Send page" and "receive page" are the two halves of the calling thread's message
//! buffer ([`crate::MESSAGE_BUFFER_LEN`]).

macro_rules! calls {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// The number of a system call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Call { $($(#[doc = $doc])+ $name = $number,)+ }

        impl Call {
            /// How many numbers are in use, from 0 on.
            pub const COUNT: usize = [$($number),+].len();

            /// All calls, in the order of their numbers.
            pub const ALL: [Call; Call::COUNT] = [$(Call::$name),+];

            /// The call with this number.
            #[inline]
            pub const fn from_number(number: usize) -> Option<Call> {
                match number { $($number => Some(Call::$name),)+ _ => None }
            }
        }
    };
}

calls! {
    /// Does nothing. `()` → 0.
    Nop = 0,
    /// Waits for the next event of a queue.
    /// `(queue, deadline)` → six registers, see [`crate::EventKind`].
    /// The deadline is in ticks of the counter (see `StartInfo::ticks_per_second`); 0 polls,
    /// `usize::MAX` never ends. Errors: `TimedOut`, `Busy` (another thread waits on it).
    Wait = 1,
    /// Sends a message; the body lies in the send page. Handles are moved.
    /// `(channel, info, transaction, handles 0 and 1, handles 2 and 3)` → 0.
    /// Errors: `QueueFull` (then `Writable` is armed), `Closed`, `MessageTooLong`,
    /// `UnexpectedReply`, and what is wrong with a handle.
    Send = 2,
    /// [`Call::Send`], then [`Call::Wait`], in one entry. If the send fails nothing is waited for;
    /// register 1 tells which of the two failed. With [`crate::MessageInfo::RING`] for `info` it is
    /// [`Call::DoorbellRing`] and a wait, and a doorbell stands in the channel's place.
    /// `(channel | queue << 32, info, transaction, handles 0 and 1, handles 2 and 3, deadline)`
    /// → six registers.
    SendWait = 3,
    /// Sends a request and waits for the reply to just that transaction. Everything else that
    /// arrives stays queued. `(channel, info, transaction, handles 0 and 1, handles 2 and 3,
    /// deadline)` → six registers, the kind always `Message`.
    /// Errors: those of `Send`, `TimedOut`, `HandleLimit` or `MemoryLimit` (no room for the reply's
    /// handles; as after `TimedOut`, the reply then comes as an ordinary message),
    /// `Busy` (another thread is calling on this channel).
    Call = 4,

    /// Ends the calling process. `(status)` → never.
    ProcessExit = 5,
    /// Ends the calling process because of a panic. The send page holds the report in UTF-8:
    /// message, then file and line. `(length, frame pointer to begin a backtrace with)` → never.
    ProcessPanic = 6,
    /// Writes a line to the kernel's log under the caller's name; the text lies in the send
    /// page. `(level 1 error to 5 trace, length, frame pointer to show a backtrace from or 0)` → 0.
    Log = 7,
    /// Gives up the rest of the time slice. `()` → 0.
    Yield = 8,

    /// Closes a handle. `(handle)` → 0.
    HandleClose = 9,
    /// Another handle to the same object, with the same or fewer rights. `(handle, rights)` → handle.
    HandleDuplicate = 10,

    /// A connected pair of channel ends. Both queues are charged to the caller, and the channel
    /// ends with the caller's process, whoever holds the ends.
    /// `(messages per queue 1 to 1024, most bytes in a body 0 to 4096)` →
    /// two handles, see [`crate::pack_handles`].
    ChannelCreate = 11,

    /// An event queue. `()` → handle.
    QueueCreate = 12,
    /// Attaches a source (channel end, interrupt, timer, doorbell, process) to a queue. Its
    /// events carry `key`. `(queue, source, key)` → 0. Errors: `AlreadyExists`.
    QueueAttach = 13,
    /// Detaches a source from whatever queue it is on. `(source)` → 0.
    QueueDetach = 14,

    /// A memory object of zeroed pages, charged to the caller. `(bytes, flags)` → handle.
    /// Flag 1: physically contiguous, at most 1 MiB; `Again` while it is zeroed.
    FolioCreate = 15,
    /// Maps part of a folio into the caller's address space.
    /// `(folio, offset, bytes, 0 read-only or 1 writable)` → address.
    FolioMap = 16,
    /// Removes a mapping made by [`Call::FolioMap`] or [`Call::DeviceMap`]. `(address)` → 0.
    FolioUnmap = 17,
    /// Size of a folio in bytes. `(folio)` → bytes.
    FolioSize = 18,

    /// A one-shot or periodic timer, not yet set. `()` → handle.
    TimerCreate = 19,
    /// Sets a timer. `(timer, deadline in ticks or 0 to stop, period in ticks or 0)` → 0.
    TimerSet = 20,

    /// A doorbell: a counter that wakes its queue. `()` → handle.
    DoorbellCreate = 21,
    /// Adds one to a doorbell's count. `(doorbell)` → 0.
    DoorbellRing = 22,

    /// Lets an interrupt fire again after its event. `(interrupt)` → 0. Errors: `Closed` (its device
    /// was given away).
    InterruptAck = 23,

    /// What a device is. `(system, index)` → 0, and a [`crate::DeviceInfo`] in the receive page.
    /// Errors: `NotFound` past the last device.
    DeviceInfo = 24,
    /// A handle to a device. `(system, index)` → handle. Errors: `Busy` (another process has it, or it
    /// has not been reset yet).
    DeviceOpen = 25,
    /// Maps the device's registers, each range once and for as long as the caller has the device.
    /// `(device, which range)` → address, and a [`crate::DeviceRange`] in the receive page. Errors: `NotFound`,
    /// `AlreadyExists`, `Unsupported` (more than 2 MiB).
    DeviceMap = 26,
    /// The device's interrupt, for as long as the caller has the device. `(device, which)` →
    /// interrupt handle.
    DeviceInterrupt = 27,
    /// Allows the device to reach a contiguous folio until the device handle is closed.
    /// `(device, folio)` → the address that the device is to use. Errors: `Unsupported` (a device that the
    /// kernel cannot reset).
    DeviceDma = 28,

    /// A process without content. `(system)` and a [`crate::ProcessParams`] in the send page → handle.
    ProcessCreate = 29,
    /// Loads an ELF image that lies in a folio. `(process, folio, offset, bytes)` → 0.
    /// Errors: `Again` while there is more to do, `BadImage`.
    ProcessLoad = 30,
    /// Starts a loaded process; its first handle is moved to it. `(process, handle or 0)` → 0.
    ProcessStart = 31,
    /// Ends another process. `(process, status, 1 to log where its threads are or 0)` → 0.
    ProcessKill = 32,
    /// What a process is doing. `(process)` → 0, and a [`crate::ProcessInfo`] in the receive page.
    ProcessInfo = 33,

    /// Another thread of the caller. `(entry address, argument, stack bytes)` → thread handle.
    /// The thread is called with `(argument, address of its message buffer)`.
    ThreadCreate = 34,
    /// Ends the calling thread. `()` → never.
    ThreadExit = 35,

    /// Counters of the whole system. `(system)` → 0, and a [`crate::KernelStatistics`] in the receive page.
    SystemStatistics = 36,
    /// Shuts the machine down, or resets it. `(system, status, 0 off, 1 warm reset, 2 cold reset)` →
    /// never.
    SystemShutdown = 37,
    /// 32 bytes from the kernel's random generator, into the receive page. `()` → 32.
    /// Errors: `Unsupported` if the machine gave no seed.
    Random = 38,
    /// Copies kernel log lines into the receive page. `(system, position)` → bytes copied;
    /// the next position is this one plus the bytes. A position that has been overwritten
    /// already moves to the oldest byte there is, which the first 8 bytes of the page tell.
    LogRead = 39,
    /// Copies the log lines that the machine's serial line has not shown yet into the receive page.
    /// `(device)` → bytes copied. From the first call on, and until the device is given back, its driver shows
    /// the log, and not the kernel; the device's first interrupt also tells that there are lines.
    /// Errors: `Unsupported` if the kernel does not report on this device.
    ConsoleLog = 40,
    /// From now on what happens on a CPU is written into a folio, as [`crate::TraceHeader`] says; without
    /// a folio (0) that ends. `(system, cpu, folio or 0)` → 0. Errors: `Unsupported` (the folio is not
    /// contiguous).
    Trace = 41,
    /// Which ends of channels a process has handles to. `(process, position)` → where to go on, or 0 after
    /// the last, and a [`crate::ChannelEnds`] in the receive page. Begin with position 0. What changes in between may be
    /// missed, or told twice.
    ProcessChannels = 42,
    /// What is remembered of the first crash after number `after` that still is. `(system, after)` → 0, and a
    /// [`crate::CrashReport`] in the receive page. Errors: `NotFound` if there was none after it.
    CrashRead = 43,
}

/// No deadline.
pub const FOREVER: usize = usize::MAX;
/// [`Call::FolioCreate`]'s flag: physically contiguous.
pub const FOLIO_CONTIGUOUS: usize = 1;

//! One typed function for each system call.
//!
//! They take plain [`Handle`]s, close nothing and keep nothing; [`crate::handle`] builds owned
//! objects on them. Bodies of messages lie in the [send page](crate::buffer) before `send`, and
//! in the receive page after `wait`.

use abi::{
    Call, ChannelEnds, CrashReport, DeviceInfo, DeviceRange, Error, EventKind, Handle, HandleTypes,
    KernelStatistics, MessageInfo, ProcessInfo, ProcessParams, Result, Rights, pack_handles,
    unpack_handles,
};

use crate::{buffer, gate};

/// The handles of a message; those not used are [`Handle::NONE`].
pub type Handles = [Handle; abi::HANDLES_MAX];
/// No handles.
pub const NO_HANDLES: Handles = [Handle::NONE; abi::HANDLES_MAX];

/// What `wait` answers with, not yet interpreted: see [`EventKind`] for the registers.
#[derive(Clone, Copy, Debug)]
pub struct RawEvent {
    /// What happened.
    pub kind: EventKind,
    /// The key given to [`queue_attach`].
    pub key: usize,
    /// A message's header, a count, or a status.
    pub data: usize,
    /// A message's transaction number.
    pub transaction: usize,
    /// A message's handles.
    pub handles: Handles,
    /// What the handles are.
    pub types: HandleTypes,
}

impl RawEvent {
    /// The header, if this is a message.
    #[inline(always)]
    pub fn info(&self) -> MessageInfo {
        MessageInfo::from_bits(self.data as u64)
    }
}

#[inline(always)]
fn call(number: Call, arguments: [usize; 6]) -> Result<usize> {
    Error::from_register(gate::syscall(number as usize, arguments)[0])
}

#[inline(always)]
fn call_for_handle(number: Call, arguments: [usize; 6]) -> Result<Handle> {
    call(number, arguments).map(|raw| Handle::from_raw(raw as u32))
}

/// A call that does not come back; if it should, there is nothing sensible left to do.
fn call_forever(number: Call, arguments: [usize; 6]) -> ! {
    loop {
        gate::syscall(number as usize, arguments);
    }
}

#[inline(always)]
fn event(registers: [usize; 6]) -> Result<RawEvent> {
    let [status, key, data, transaction, first, second] = registers;
    let Some(kind) = EventKind::from_register(status) else {
        return Err(Error::from_register(status)
            .err()
            .unwrap_or(Error::Internal));
    };
    let (h0, h1) = unpack_handles(first);
    let (h2, h3) = unpack_handles(second);
    Ok(RawEvent {
        kind,
        key,
        data,
        transaction,
        handles: [h0, h1, h2, h3],
        types: HandleTypes::from_register(status),
    })
}

#[inline(always)]
fn raw(handle: Handle) -> usize {
    handle.raw() as usize
}

/// Any call at all, with any arguments; the answer is all six registers. For tests of the kernel.
///
/// # Safety
/// The caller answers for what the call does to this component: a mapping that goes while something
/// points there, a thread that starts anywhere.
pub unsafe fn raw_call(number: usize, arguments: [usize; 6]) -> [usize; 6] {
    gate::syscall(number, arguments)
}

/// Where the gate is, for whoever goes through it with registers of its own choice. For tests of the kernel.
pub fn gate_address() -> usize {
    gate::address()
}

/// [`Call::Nop`].
pub fn nop() -> Result<()> {
    call(Call::Nop, [0; 6]).map(drop)
}

/// [`Call::Wait`]: the deadline is in ticks.
#[inline(always)]
pub fn wait(queue: Handle, deadline: usize) -> Result<RawEvent> {
    event(gate::syscall(
        Call::Wait as usize,
        [raw(queue), deadline, 0, 0, 0, 0],
    ))
}

/// [`Call::Send`].
#[inline(always)]
pub fn send(
    channel: Handle,
    info: MessageInfo,
    transaction: usize,
    handles: Handles,
) -> Result<()> {
    let [h0, h1, h2, h3] = handles;
    let arguments = [
        raw(channel),
        info.bits() as usize,
        transaction,
        pack_handles(h0, h1),
        pack_handles(h2, h3),
        0,
    ];
    call(Call::Send, arguments).map(drop)
}

/// [`Call::SendWait`].
#[inline(always)]
pub fn send_wait(
    channel: Handle,
    queue: Handle,
    info: MessageInfo,
    transaction: usize,
    handles: Handles,
    deadline: usize,
) -> Result<RawEvent> {
    send_wait_apart(channel, queue, info, transaction, handles, deadline)
        .map_err(|failed| failed.error)
}

/// What has failed of a [`Call::SendWait`].
#[derive(Clone, Copy, Debug)]
pub struct SendWaitFailed {
    /// Why.
    pub error: Error,
    /// Whether the message was sent all the same, and its handles with it.
    pub sent: bool,
}

/// [`Call::SendWait`], telling a send that failed from a wait that did.
#[inline(always)]
pub fn send_wait_apart(
    channel: Handle,
    queue: Handle,
    info: MessageInfo,
    transaction: usize,
    handles: Handles,
    deadline: usize,
) -> core::result::Result<RawEvent, SendWaitFailed> {
    let [h0, h1, h2, h3] = handles;
    let registers = gate::syscall(
        Call::SendWait as usize,
        [
            pack_handles(channel, queue),
            info.bits() as usize,
            transaction,
            pack_handles(h0, h1),
            pack_handles(h2, h3),
            deadline,
        ],
    );
    event(registers).map_err(|error| SendWaitFailed {
        error,
        sent: registers[1] == abi::event::WAIT_FAILED,
    })
}

/// [`Call::Call`].
#[inline(always)]
pub fn call_and_wait(
    channel: Handle,
    info: MessageInfo,
    transaction: usize,
    handles: Handles,
    deadline: usize,
) -> Result<RawEvent> {
    let [h0, h1, h2, h3] = handles;
    event(gate::syscall(
        Call::Call as usize,
        [
            raw(channel),
            info.bits() as usize,
            transaction,
            pack_handles(h0, h1),
            pack_handles(h2, h3),
            deadline,
        ],
    ))
}

/// [`Call::ProcessExit`].
pub fn process_exit(status: usize) -> ! {
    call_forever(Call::ProcessExit, [status, 0, 0, 0, 0, 0])
}

/// [`Call::ProcessPanic`]: `len` bytes of report are in the send page.
pub fn process_panic(len: usize) -> ! {
    call_forever(Call::ProcessPanic, [len, gate::frame_pointer(), 0, 0, 0, 0])
}

/// [`Call::Log`]: `len` bytes of text are in the send page.
pub fn log(level: usize, len: usize) -> Result<()> {
    call(Call::Log, [level, len, 0, 0, 0, 0]).map(drop)
}

/// [`Call::Log`] with a backtrace that begins with who called the function that has this frame.
pub fn log_callers(level: usize, len: usize, frame: usize) -> Result<()> {
    call(Call::Log, [level, len, frame, 0, 0, 0]).map(drop)
}

/// [`Call::Yield`].
pub fn yield_now() -> Result<()> {
    call(Call::Yield, [0; 6]).map(drop)
}

/// [`Call::HandleClose`].
#[inline]
pub fn handle_close(handle: Handle) -> Result<()> {
    call(Call::HandleClose, [raw(handle), 0, 0, 0, 0, 0]).map(drop)
}

/// [`Call::HandleDuplicate`].
pub fn handle_duplicate(handle: Handle, rights: Rights) -> Result<Handle> {
    call_for_handle(
        Call::HandleDuplicate,
        [raw(handle), rights.bits() as usize, 0, 0, 0, 0],
    )
}

/// [`Call::ChannelCreate`].
pub fn channel_create(messages_max: usize, body_len_max: usize) -> Result<(Handle, Handle)> {
    call(
        Call::ChannelCreate,
        [messages_max, body_len_max, 0, 0, 0, 0],
    )
    .map(unpack_handles)
}

/// [`Call::QueueCreate`].
pub fn queue_create() -> Result<Handle> {
    call_for_handle(Call::QueueCreate, [0; 6])
}

/// [`Call::QueueAttach`].
pub fn queue_attach(queue: Handle, source: Handle, key: usize) -> Result<()> {
    call(Call::QueueAttach, [raw(queue), raw(source), key, 0, 0, 0]).map(drop)
}

/// [`Call::QueueDetach`].
pub fn queue_detach(source: Handle) -> Result<()> {
    call(Call::QueueDetach, [raw(source), 0, 0, 0, 0, 0]).map(drop)
}

/// [`Call::FolioCreate`].
pub fn folio_create(len: usize, flags: usize) -> Result<Handle> {
    loop {
        match call_for_handle(Call::FolioCreate, [len, flags, 0, 0, 0, 0]) {
            Err(Error::Again) => {}
            other => return other,
        }
    }
}

/// [`Call::FolioMap`].
pub fn folio_map(folio: Handle, offset: usize, len: usize, writable: bool) -> Result<usize> {
    call(
        Call::FolioMap,
        [raw(folio), offset, len, writable as usize, 0, 0],
    )
}

/// [`Call::FolioUnmap`]. Not for everybody: [`crate::SharedBytes`](crate::memory::SharedBytes)
/// relies on its mapping being there, and under `kernel` isolation the address may be
/// another component's next.
pub(crate) fn folio_unmap(address: usize) -> Result<()> {
    call(Call::FolioUnmap, [address, 0, 0, 0, 0, 0]).map(drop)
}

/// [`Call::FolioSize`].
pub fn folio_size(folio: Handle) -> Result<usize> {
    call(Call::FolioSize, [raw(folio), 0, 0, 0, 0, 0])
}

/// [`Call::TimerCreate`].
pub fn timer_create() -> Result<Handle> {
    call_for_handle(Call::TimerCreate, [0; 6])
}

/// [`Call::TimerSet`].
pub fn timer_set(timer: Handle, deadline: usize, period: usize) -> Result<()> {
    call(Call::TimerSet, [raw(timer), deadline, period, 0, 0, 0]).map(drop)
}

/// [`Call::DoorbellCreate`].
pub fn doorbell_create() -> Result<Handle> {
    call_for_handle(Call::DoorbellCreate, [0; 6])
}

/// [`Call::DoorbellRing`].
#[inline]
pub fn doorbell_ring(doorbell: Handle) -> Result<()> {
    call(Call::DoorbellRing, [raw(doorbell), 0, 0, 0, 0, 0]).map(drop)
}

/// [`Call::InterruptAck`].
#[inline]
pub fn interrupt_ack(interrupt: Handle) -> Result<()> {
    call(Call::InterruptAck, [raw(interrupt), 0, 0, 0, 0, 0]).map(drop)
}

/// [`Call::DeviceInfo`].
pub fn device_info(system: Handle, index: usize) -> Result<DeviceInfo> {
    call(Call::DeviceInfo, [raw(system), index, 0, 0, 0, 0])?;
    Ok(buffer::read_struct())
}

/// [`Call::DeviceOpen`].
pub fn device_open(system: Handle, index: usize) -> Result<Handle> {
    call_for_handle(Call::DeviceOpen, [raw(system), index, 0, 0, 0, 0])
}

/// [`Call::DeviceMap`].
pub fn device_map(device: Handle, range: usize) -> Result<(usize, DeviceRange)> {
    let address = call(Call::DeviceMap, [raw(device), range, 0, 0, 0, 0])?;
    Ok((address, buffer::read_struct()))
}

/// [`Call::DeviceInterrupt`].
pub fn device_interrupt(device: Handle, which: usize) -> Result<Handle> {
    call_for_handle(Call::DeviceInterrupt, [raw(device), which, 0, 0, 0, 0])
}

/// [`Call::DeviceDma`].
pub fn device_dma(device: Handle, folio: Handle) -> Result<usize> {
    call(Call::DeviceDma, [raw(device), raw(folio), 0, 0, 0, 0])
}

/// [`Call::ProcessCreate`].
pub fn process_create(system: Handle, params: &ProcessParams) -> Result<Handle> {
    crate::stage::flush();
    buffer::write_struct(params);
    call_for_handle(Call::ProcessCreate, [raw(system), 0, 0, 0, 0, 0])
}

/// [`Call::ProcessLoad`], one step of it: [`Error::Again`] asks for the next.
pub fn process_load(process: Handle, folio: Handle, offset: usize, len: usize) -> Result<()> {
    call(
        Call::ProcessLoad,
        [raw(process), raw(folio), offset, len, 0, 0],
    )
    .map(drop)
}

/// [`Call::ProcessStart`].
pub fn process_start(process: Handle, bootstrap: Handle) -> Result<()> {
    call(
        Call::ProcessStart,
        [raw(process), raw(bootstrap), 0, 0, 0, 0],
    )
    .map(drop)
}

/// [`Call::ProcessKill`].
pub fn process_kill(process: Handle, status: usize) -> Result<()> {
    call(Call::ProcessKill, [raw(process), status, 0, 0, 0, 0]).map(drop)
}

/// [`Call::ProcessKill`], and the log says where its threads were.
pub fn process_kill_and_tell(process: Handle, status: usize) -> Result<()> {
    call(Call::ProcessKill, [raw(process), status, 1, 0, 0, 0]).map(drop)
}

/// [`Call::ProcessInfo`].
pub fn process_info(process: Handle) -> Result<ProcessInfo> {
    call(Call::ProcessInfo, [raw(process), 0, 0, 0, 0, 0])?;
    Ok(buffer::read_struct())
}

/// [`Call::ProcessChannels`]: where to go on, or 0, and a part of the ends.
pub fn process_channels(process: Handle, position: usize) -> Result<(usize, ChannelEnds)> {
    let next = call(Call::ProcessChannels, [raw(process), position, 0, 0, 0, 0])?;
    Ok((next, buffer::read_struct()))
}

/// [`Call::ThreadCreate`]. Not public: the entry may be no function at all. See
/// [`crate::handle::Thread::spawn`].
pub(crate) fn thread_create(entry: usize, argument: usize, stack_len: usize) -> Result<Handle> {
    call_for_handle(Call::ThreadCreate, [entry, argument, stack_len, 0, 0, 0])
}

/// [`Call::ThreadExit`].
pub fn thread_exit() -> ! {
    call_forever(Call::ThreadExit, [0; 6])
}

/// [`Call::SystemStatistics`].
pub fn system_statistics(system: Handle) -> Result<KernelStatistics> {
    call(Call::SystemStatistics, [raw(system), 0, 0, 0, 0, 0])?;
    Ok(buffer::read_struct())
}

/// [`Call::Trace`]. Without a folio (`Handle::NONE`) the trace of this CPU ends.
pub fn trace(system: Handle, cpu: usize, folio: Handle) -> Result<()> {
    call(Call::Trace, [raw(system), cpu, raw(folio), 0, 0, 0]).map(drop)
}

/// [`Call::SystemShutdown`].
pub fn system_shutdown(system: Handle, status: usize) -> ! {
    call_forever(Call::SystemShutdown, [raw(system), status, 0, 0, 0, 0])
}

/// [`Call::SystemShutdown`], as a reset. `cold`: memory may be lost, and the log that is in it.
pub fn system_reset(system: Handle, cold: bool) -> ! {
    let how = 1 + usize::from(cold);
    call_forever(Call::SystemShutdown, [raw(system), 0, how, 0, 0, 0])
}

/// [`Call::Random`].
pub fn random() -> Result<[u8; 32]> {
    call(Call::Random, [0; 6])?;
    let mut bytes = [0; 32];
    buffer::read_received(&mut bytes);
    Ok(bytes)
}

/// [`Call::LogRead`]: answers how many bytes of the receive page are log.
pub fn log_read(system: Handle, position: usize) -> Result<usize> {
    call(Call::LogRead, [raw(system), position, 0, 0, 0, 0])
}

/// [`Call::CrashRead`].
pub fn crash_read(system: Handle, after: u64) -> Result<CrashReport> {
    call(Call::CrashRead, [raw(system), after as usize, 0, 0, 0, 0])?;
    Ok(buffer::read_struct())
}

/// [`Call::ConsoleLog`]: answers how many bytes of the receive page are log.
pub fn console_log(device: Handle) -> Result<usize> {
    call(Call::ConsoleLog, [raw(device), 0, 0, 0, 0, 0])
}

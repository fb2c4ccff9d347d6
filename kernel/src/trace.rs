//! The trace: what happens, written down in one ring for each CPU.
//!
//! Off, it costs a look at [`Kernel::tracing`] in ways that are not the shortest: while it is on,
//! [`Kernel::attention`] is set, so that no message goes the direct way ([`crate::direct`]), which thus knows
//! nothing of it. On, each entry into the kernel writes two or three records.
//!
//! The rings are folios that who traces has made: they are charged to him, he reads them, and the
//! kernel only writes (layout: [`abi::TraceHeader`]). Which thread runs is written when an entry ends, if it
//! is another one than after the last entry.

use core::sync::atomic::{AtomicU64, Ordering};

use abi::{
    Error, Handle, MessageInfo, Result, Rights, TRACE_MAGIC, TraceHeader, TraceKind, TraceMessage,
    TraceRecord,
};

use crate::kernel::{CPUS_MAX, Exit, Kernel};
use crate::memory::{FRAME_LEN, Id, Memory, PhysAddr};
use crate::object::{Backing, Channel, Folio, Object, Process, Thread};

/// Where the records of a CPU go.
struct Ring {
    folio: Id<Folio>,
    base: PhysAddr,
    capacity: u64,
    written: u64,
    /// The thread that runs there by what is written.
    running: u64,
}

/// The state of the trace.
pub struct Trace {
    rings: [Option<Ring>; CPUS_MAX],
    /// Goes up with each half of a ring: a process that was named under an earlier number is named
    /// again, since that may have been written over.
    epoch: u32,
}

impl Trace {
    /// No trace.
    pub const fn new() -> Trace {
        Trace {
            rings: [const { None }; CPUS_MAX],
            epoch: 0,
        }
    }

    /// The folios that are written into.
    pub fn folios(&self) -> impl Iterator<Item = Id<Folio>> {
        self.rings.iter().flatten().map(|ring| ring.folio)
    }

    fn write(&mut self, memory: &Memory, cpu: usize, record: TraceRecord) {
        let Some(ring) = &mut self.rings[cpu] else {
            return;
        };
        let place = (ring.written % ring.capacity) as usize;
        let base = memory.machine.memory(ring.base);
        let at = base.wrapping_add(size_of::<TraceHeader>() + place * size_of::<TraceRecord>());
        ring.written += 1;
        let written = base.wrapping_add(core::mem::offset_of!(TraceHeader, written));
        // SAFETY: both lie in the folio's block, which the ring's reference keeps, 8-aligned and
        // within its length by the choice of `capacity`. Whoever maps the folio meanwhile shares no reference
        // with the kernel; the count is an atomic, stored after the record.
        unsafe {
            at.cast::<TraceRecord>().write_volatile(record);
            AtomicU64::from_ptr(written.cast::<u64>()).store(ring.written, Ordering::Release);
        }
        if ring.written.is_multiple_of(ring.capacity / 2) {
            self.epoch = self.epoch.wrapping_add(1);
        }
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel {
    /// [`abi::Call::Trace`]: from now on a CPU's records go into this folio; without one they end.
    pub fn trace_into(
        &mut self,
        process: Id<Process>,
        cpu: usize,
        handle: Handle,
        own_cpu: usize,
    ) -> Result<()> {
        if cpu >= CPUS_MAX {
            return Err(Error::InvalidArgument);
        }
        let ring = if handle == Handle::NONE {
            None
        } else {
            let Object::Folio(folio) = self.lookup(process, handle, Rights::WRITE)?.object else {
                return Err(Error::WrongKind);
            };
            Some(self.new_ring(folio, cpu)?)
        };
        let old = core::mem::replace(&mut self.trace.rings[cpu], ring);
        if let Some(old) = old {
            self.release(Object::Folio(old.folio), own_cpu);
        }
        self.tracing = self.trace.rings.iter().any(Option::is_some);
        self.trace.epoch = self.trace.epoch.wrapping_add(1);
        self.review_attention();
        self.record_switch(cpu);
        Ok(())
    }

    fn new_ring(&mut self, folio: Id<Folio>, cpu: usize) -> Result<Ring> {
        let Folio { backing, pages, .. } = self.folios[folio];
        let Backing::Block(base) = backing else {
            return Err(Error::Unsupported);
        };
        let room = pages as usize * FRAME_LEN - size_of::<TraceHeader>();
        let capacity = (room / size_of::<TraceRecord>()) as u64;
        let header = TraceHeader {
            magic: TRACE_MAGIC,
            written: 0,
            capacity,
            cpu: cpu as u64,
            ticks_per_second: self.memory.machine.ticks_per_second(),
            started: self.memory.machine.now(),
            reserved: [0; 2],
        };
        let at = self.memory.machine.memory(base).cast::<TraceHeader>();
        // SAFETY: the beginning of the folio's block, which has at least a page.
        unsafe { at.write_volatile(header) };
        self.retain(Object::Folio(folio));
        Ok(Ring {
            folio,
            base,
            capacity,
            written: 0,
            running: 0,
        })
    }

    /// Writes a record, if there is a ring for this CPU.
    #[cold]
    #[inline(never)]
    pub fn record(&mut self, cpu: usize, kind: TraceKind, extra: u64, subject: u64, value: u64) {
        let record = TraceRecord {
            ticks: self.memory.machine.now(),
            what: extra << 8 | kind as u64,
            subject,
            value,
        };
        self.trace.write(&self.memory, cpu, record);
    }

    /// The number under which the thread on this CPU is recorded; 0 without one.
    pub fn traced_current(&self, cpu: usize) -> u64 {
        self.cpus[cpu].current.map_or(0, Id::number)
    }

    /// Records a message that is sent.
    #[cold]
    #[inline(never)]
    pub fn record_sent(
        &mut self,
        sender: Id<Thread>,
        channel: Id<Channel>,
        info: MessageInfo,
        transaction: usize,
    ) {
        let cpu = self.threads[sender].cpu as usize;
        self.record_message(cpu, TraceKind::Sent, sender, channel, (info, transaction));
    }

    /// Records a message that a thread gets, on the CPU where it is given to it.
    #[cold]
    #[inline(never)]
    pub fn record_received(
        &mut self,
        cpu: usize,
        receiver: Id<Thread>,
        channel: Id<Channel>,
        info: MessageInfo,
        transaction: usize,
    ) {
        let kind = TraceKind::Received;
        self.record_message(cpu, kind, receiver, channel, (info, transaction));
    }

    fn record_message(
        &mut self,
        cpu: usize,
        kind: TraceKind,
        thread: Id<Thread>,
        channel: Id<Channel>,
        (info, transaction): (MessageInfo, usize),
    ) {
        let message = TraceMessage {
            transaction: transaction as u32,
            len: info.len() as u16,
            kind: info.kind().map_or(0, |kind| kind as u8),
        };
        let (subject, value) = (thread.number(), channel.number());
        self.record(cpu, kind, message.to_extra(), subject, value);
    }

    /// An entry ends: records who goes on, if that is somebody else.
    #[cold]
    #[inline(never)]
    pub fn record_switch(&mut self, cpu: usize) {
        let running = self.traced_current(cpu);
        match &mut self.trace.rings[cpu] {
            Some(ring) if ring.running != running => ring.running = running,
            _ => return,
        }
        let thread = self.cpus[cpu].current.and_then(|id| self.threads.get(id));
        let process = thread.map(|thread| thread.process);
        if let Some(id) = process {
            self.record_name(cpu, id);
        }
        let process = process.map_or(0, Id::number);
        self.record(cpu, TraceKind::Switch, 0, running, process);
    }

    /// Names a process, if it was not named lately.
    fn record_name(&mut self, cpu: usize, id: Id<Process>) {
        let epoch = self.trace.epoch;
        let process = &mut self.processes[id];
        if core::mem::replace(&mut process.traced_epoch, epoch) == epoch {
            return;
        }
        let name = process.name;
        for (i, part) in name.as_str().as_bytes().chunks(8).enumerate() {
            let mut bytes = [0; 8];
            bytes[..part.len()].copy_from_slice(part);
            let value = u64::from_le_bytes(bytes);
            self.record(cpu, TraceKind::Name, i as u64, id.number(), value);
        }
    }

    /// Around a call, while tracing: what was called, what it answered, who goes on.
    pub fn record_call(&mut self, cpu: usize, number: usize) {
        let thread = self.traced_current(cpu);
        self.record(cpu, TraceKind::Call, 0, thread, number as u64);
    }

    /// See [`Kernel::record_call`]. `caller` is the thread that made it.
    pub fn record_return(&mut self, cpu: usize, caller: u64, exit: Exit) {
        if let Exit::Value(value) = exit {
            self.record(cpu, TraceKind::Return, 0, caller, value as u64);
        }
        self.record_switch(cpu);
    }
}

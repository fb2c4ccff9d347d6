//! Making processes and threads.

use abi::{
    CHANNEL_ENDS_MAX, ChannelEnd, ChannelEnds, Doing, Error, Handle, Isolation, PAGE_SIZE,
    ProcessInfo, ProcessParams, ProcessState, Result, Rights, StartInfo,
};

use crate::arch::{Context, PageTable, Permission};
use crate::kernel::Kernel;
use crate::limits::Limit;
use crate::log::Level;
use crate::memory::{Id, Regions};
use crate::object::{
    HandleTable, Load, LoadStage, Object, Process, Purpose, Space, Thread, ThreadState,
};
use crate::scheduler::PRIORITIES;
use crate::vm::MapRequest;

/// Places of a table that are looked at in one call.
const PLACES_MAX: usize = 256;
/// Limits of the limits: what no system file can raise.
const HEAP_LEN_MAX: usize = 64 << 20;
const STACK_LEN_MAX: usize = 1 << 20;
/// Threads are walked through when their process's CPU time is added up, and when it ends.
const THREADS_MAX: u32 = 64;
const STACK_LEN_MIN: usize = 4 * PAGE_SIZE;

/// What the first process gets beyond what every process gets.
#[derive(Default)]
pub struct InitExtras {
    /// The right to manage the system.
    pub system: OptionalHandle,
    /// The boot archive.
    pub archive: OptionalHandle,
    /// Bytes of the boot archive.
    pub archive_len: u32,
}

/// What [`Kernel::prepare_start`] made.
pub struct FirstThread {
    /// The thread, not yet running.
    pub thread: Id<Thread>,
    /// Address of the heap, or 0.
    pub heap: usize,
}

/// A handle or none; none by default.
#[derive(Clone, Copy)]
pub struct OptionalHandle(pub Handle);

impl Default for OptionalHandle {
    fn default() -> Self {
        OptionalHandle(Handle::NONE)
    }
}

/// A place where a debugger stops to learn of a component before its first instruction
/// (tools/ftl/gdb/ftl.py).
#[inline(never)]
pub fn component_starts() {
    core::hint::black_box(());
}

impl Kernel {
    /// [`abi::Call::ProcessCreate`].
    pub fn process_create_call(
        &mut self,
        process: Id<Process>,
        thread: Id<Thread>,
    ) -> Result<usize> {
        let page = self.memory.machine.memory(self.threads[thread].send_page());
        // SAFETY: the send page is a whole page and page-aligned; every field is an integer or
        // an array of bytes, for which any content is valid.
        let params = unsafe { page.cast::<ProcessParams>().read() };
        self.reserve_process_handles(process, 1)?;
        let new = self.process_create(&params)?;
        Ok(self
            .add_handle(process, Object::Process(new), Rights::ALL)?
            .raw() as usize)
    }

    /// A process without threads, with one reference.
    pub fn process_create(&mut self, params: &ProcessParams) -> Result<Id<Process>> {
        let isolation = match params.isolation {
            0 => Isolation::Kernel,
            1 => Isolation::User,
            _ => return Err(Error::InvalidArgument),
        };
        let (heap_len, stack_len) = (params.heap_len as usize, params.stack_len as usize);
        if params.priority as usize >= PRIORITIES
            || heap_len > HEAP_LEN_MAX
            || !(STACK_LEN_MIN..=STACK_LEN_MAX).contains(&stack_len)
            || params.handles_max == 0
            || params.threads_max == 0
            || !(1..=100).contains(&params.cpu_share_percent)
        {
            return Err(Error::InvalidArgument);
        }
        self.processes
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        let space_pages = match isolation {
            Isolation::Kernel => 0,
            // With the bitmap of its addresses.
            Isolation::User => PageTable::OWN_FRAMES + 1,
        };
        if space_pages > params.memory_pages_max as usize {
            return Err(Error::MemoryLimit);
        }
        let space = match isolation {
            Isolation::Kernel => self.kernel_space,
            Isolation::User => self.user_space_create()?,
        };
        Ok(self.processes.insert(Process {
            name: params.name,
            isolation,
            state: ProcessState::New,
            status: 0,
            priority: params.priority as u8,
            space,
            handles: HandleTable::new(params.handles_max as usize),
            memory_pages: space_pages,
            memory_pages_max: params.memory_pages_max as usize,
            space_pages,
            addresses: 0,
            messages: 0,
            messages_max: params.messages_max as usize,
            limits_reported: 0,
            zeroing: None,
            threads: None,
            thread_count: 0,
            ends_to_show: 0,
            threads_max: params.threads_max.min(THREADS_MAX),
            mappings: None,
            channels: None,
            source: None,
            end_reported: false,
            references: 1,
            heap_len,
            stack_len,
            load: Load::EMPTY,
            cpu_ticks: 0,
            cpu_share_percent: params.cpu_share_percent as u8,
            share_since: 0,
            share_mark: 0,
            messages_sent: 0,
            traced_epoch: 0,
            teardown_cursor: 0,
            unlinked_below: 0,
            next_dead: None,
        }))
    }

    fn user_space_create(&mut self) -> Result<Id<Space>> {
        self.spaces
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        let (area, area_len) = crate::arch::USER_AREA;
        let start = self.random.next() as usize;
        let table = PageTable::new_user(&mut self.memory)?;
        let Some(regions) = Regions::new(
            &self.memory.machine,
            &mut self.memory.frames,
            area,
            area_len,
            start,
        ) else {
            table.destroy(&mut self.memory);
            return Err(Error::OutOfMemory);
        };
        let space = self.spaces.insert(Space { table, regions });
        // Its index tells spaces apart in the TLB, too.
        let number = self.spaces.number(space).expect("inserted just now");
        if number >= self.memory.machine.identifiers() {
            // The TLB would take it for another one.
            let space = self.spaces.remove(space).expect("inserted just now");
            self.memory.free(space.regions.bitmap());
            space.table.destroy(&mut self.memory);
            return Err(Error::OutOfMemory);
        }
        self.spaces[space].table.set_identifier(number);
        Ok(space)
    }

    /// [`abi::Call::ProcessStart`].
    pub fn process_start_call(
        &mut self,
        caller: Id<Process>,
        target: Handle,
        bootstrap: Handle,
        cpu: usize,
    ) -> Result<usize> {
        let target = self.managed_process(caller, target)?;
        let process = &self.processes[target];
        if process.state != ProcessState::New || process.load.stage != LoadStage::Done {
            return Err(Error::InvalidArgument);
        }
        if !bootstrap.is_none() {
            self.lookup(caller, bootstrap, Rights::TRANSFER)?;
            self.reserve_process_handles(target, 1)?;
        }
        let first = self.prepare_start(target)?;
        // Point of no return.
        let mut given = Handle::NONE;
        if !bootstrap.is_none() {
            let table = &mut self.processes[caller].handles;
            let entry = table.remove(bootstrap)?;
            self.handle_leaves(entry.object);
            given = self.add_handle(target, entry.object, entry.rights)?;
        }
        self.process_start(target, first, given, InitExtras::default(), cpu);
        Ok(0)
    }

    /// All that starting a loaded process needs and that can fail: heap, stack, first thread.
    pub fn prepare_start(&mut self, process: Id<Process>) -> Result<FirstThread> {
        let heap_pages = self.processes[process].heap_len.div_ceil(PAGE_SIZE);
        let mut heap = 0;
        if heap_pages > 0 {
            let folio = self.new_folio(Some(process), heap_pages, false)?;
            let request = MapRequest {
                folio,
                first_page: 0,
                pages: heap_pages,
                permission: Permission::ReadWrite,
                purpose: Purpose::Kernel,
            };
            let mapped = self.map(process, request);
            self.release(Object::Folio(folio), 0);
            heap = mapped?;
        }
        match self.new_main_thread(process) {
            Ok(thread) => Ok(FirstThread { thread, heap }),
            Err(error) => {
                if let Some(mapping) = self.mapping_at(process, heap) {
                    while !self.unmap_step(process, mapping, 0) {}
                }
                Err(error)
            }
        }
    }

    /// The first thread of a process: its stack and message buffer, not yet its registers.
    pub fn new_main_thread(&mut self, process: Id<Process>) -> Result<Id<Thread>> {
        let stack_len = self.processes[process].stack_len;
        self.thread_create(process, stack_len)
    }

    /// Starts a process that was prepared.
    pub fn process_start(
        &mut self,
        process: Id<Process>,
        first: FirstThread,
        bootstrap: Handle,
        extras: InitExtras,
        cpu: usize,
    ) {
        let FirstThread { thread, heap } = first;
        let info = StartInfo {
            abi_version: abi::ABI_VERSION,
            isolation: self.processes[process].isolation as u32,
            gate: match self.processes[process].isolation {
                Isolation::Kernel => crate::arch::kernel_gate(),
                Isolation::User => crate::arch::USER_GATE,
            },
            message_buffer: self.threads[thread].buffer_address,
            heap,
            heap_len: self.processes[process].heap_len.next_multiple_of(PAGE_SIZE),
            image_base: self.processes[process].load.base,
            ticks_per_second: self.memory.machine.ticks_per_second(),
            boot_ticks: self.memory.machine.boot_ticks(),
            bootstrap,
            system: extras.system.0,
            archive: extras.archive.0,
            archive_len: extras.archive_len,
            log_level: self.log.level as u32,
            memory_len: self.statistics.pages_total * PAGE_SIZE as u64,
            name: self.processes[process].name,
            random_seed: self.random.seed(),
        };
        let stack_top = self.threads[thread].stack_top;
        let address = (stack_top - size_of::<StartInfo>()) & !63;
        let mapping = self
            .mapping_at(process, address)
            .expect("the stack was just mapped");
        let (folio, base) = (self.mappings[mapping].folio, self.mappings[mapping].address);
        let index = (address - base) / PAGE_SIZE;
        let page = self.folios[folio].touch(&mut self.memory, index);
        let user = self.processes[process].isolation == Isolation::User;
        let table = &mut self.spaces[self.processes[process].space].table;
        table.map(
            &self.memory,
            base + index * PAGE_SIZE,
            page.frame,
            Permission::ReadWrite,
            user,
        );
        let at = self
            .memory
            .machine
            .memory(page.frame.offset(address % PAGE_SIZE));
        // SAFETY: the frame belongs to the new stack, which nobody uses yet; the structure
        // fits between `address` and the end of the page, and 64 is more than its alignment.
        unsafe { at.cast::<StartInfo>().write(info) };
        let entry = self.processes[process].load.entry;
        self.processes[process].state = ProcessState::Running;
        self.thread_start(thread, entry, address, address);
        self.make_ready(thread, cpu);
        component_starts();
        // For who has nothing but addresses, such as a debugger or `./ftl bench profile`.
        let name = self.processes[process].name;
        let base = self.processes[process].load.base;
        self.log_line(
            Level::Debug,
            name.as_str(),
            format_args!("FTL-IMAGE {base:#x}"),
        );
        self.check_tables();
    }

    /// A thread with stack and message buffer, in state `New`.
    pub fn thread_create(&mut self, process: Id<Process>, stack_len: usize) -> Result<Id<Thread>> {
        let owner = &self.processes[process];
        if owner.thread_count >= owner.threads_max {
            return Err(self.limit_reached(process, Limit::Threads));
        }
        if !(STACK_LEN_MIN..=STACK_LEN_MAX).contains(&stack_len) {
            return Err(Error::InvalidArgument);
        }
        self.threads
            .reserve(&self.memory.machine, &mut self.memory.frames)?;
        self.deadlines.reserve(&mut self.memory)?;
        let made = self.thread_memory(process, stack_len);
        let (stack, buffer_folio, buffer_address) = match made {
            Ok(made) => made,
            Err(error) => {
                self.deadlines.unreserve();
                return Err(error);
            }
        };
        let crate::object::Backing::Block(buffer) = self.folios[buffer_folio].backing else {
            unreachable!("message buffers are contiguous")
        };
        let owner = &mut self.processes[process];
        let thread = self.threads.insert(Thread {
            context: Context::new(),
            state: ThreadState::New,
            process,
            space: (owner.isolation == Isolation::User).then_some(owner.space),
            priority: owner.priority,
            own_priority: owner.priority,
            cpu: 0,
            buffer,
            buffer_folio,
            buffer_address,
            stack_top: stack + stack_len.next_multiple_of(PAGE_SIZE),
            deadline: u64::MAX,
            heap_place: 0,
            heap_at: u64::MAX,
            running_since: 0,
            cpu_ticks: 0,
            slice_used: 0,
            direct_messages: 0,
            general_messages: 0,
            next: None,
            previous: None,
            sibling: owner.threads,
            references: 0,
        });
        owner.threads = Some(thread);
        owner.thread_count += 1;
        Ok(thread)
    }

    /// Maps a stack and a message buffer; the buffer's folio comes with a reference.
    fn thread_memory(
        &mut self,
        process: Id<Process>,
        stack_len: usize,
    ) -> Result<(usize, Id<crate::object::Folio>, usize)> {
        let pages = stack_len.div_ceil(PAGE_SIZE);
        let folio = self.new_folio(Some(process), pages, false)?;
        let request = MapRequest {
            folio,
            first_page: 0,
            pages,
            permission: Permission::ReadWrite,
            purpose: Purpose::Stack,
        };
        let stack = self.map(process, request);
        self.release(Object::Folio(folio), 0);
        let stack = stack?;
        let made = self
            .new_folio(Some(process), abi::MESSAGE_BUFFER_LEN / PAGE_SIZE, true)
            .and_then(|folio| {
                let request = MapRequest {
                    folio,
                    first_page: 0,
                    pages: abi::MESSAGE_BUFFER_LEN / PAGE_SIZE,
                    permission: Permission::ReadWrite,
                    purpose: Purpose::Kernel,
                };
                match self.map(process, request) {
                    Ok(address) => Ok((folio, address)),
                    Err(error) => {
                        self.release(Object::Folio(folio), 0);
                        Err(error)
                    }
                }
            });
        match made {
            Ok((folio, address)) => Ok((stack, folio, address)),
            Err(error) => {
                let mapping = self.mapping_at(process, stack).expect("mapped above");
                while !self.unmap_step(process, mapping, 0) {}
                Err(error)
            }
        }
    }

    /// Gives a new thread its first registers.
    pub fn thread_start(&mut self, id: Id<Thread>, entry: usize, argument: usize, stack: usize) {
        let thread = &mut self.threads[id];
        let buffer = thread.buffer_address;
        let user = thread.space.is_some();
        thread
            .context
            .start(entry, stack & !15, [argument, buffer], user);
    }

    /// [`abi::Call::ThreadCreate`].
    pub fn thread_create_call(
        &mut self,
        process: Id<Process>,
        entry: usize,
        argument: usize,
        stack_len: usize,
        cpu: usize,
    ) -> Result<usize> {
        self.reserve_process_handles(process, 1)?;
        let thread = self.thread_create(process, stack_len)?;
        let stack_top = self.threads[thread].stack_top;
        self.thread_start(thread, entry, argument, stack_top);
        self.threads[thread].references = 1;
        let handle = self.add_handle(process, Object::Thread(thread), Rights::ALL)?;
        self.make_ready(thread, cpu);
        Ok(handle.raw() as usize)
    }

    /// What [`abi::Call::ProcessInfo`] tells.
    pub fn process_info(&self, id: Id<Process>) -> ProcessInfo {
        let process = &self.processes[id];
        // New threads come first in the list.
        let next = |thread: &Id<Thread>| self.threads[*thread].sibling;
        let first = core::iter::successors(process.threads, next).last();
        let first = first.map(|first| self.threads[first].state);
        let (doing, calls_over) = match first {
            None | Some(ThreadState::New | ThreadState::Dead) => (Doing::Nothing, 0),
            Some(ThreadState::Ready | ThreadState::Running) => (Doing::Running, 0),
            Some(ThreadState::Waiting(_)) => (Doing::Waiting, 0),
            Some(ThreadState::Calling(channel, _)) => (Doing::Calling, channel.number()),
        };
        ProcessInfo {
            name: process.name,
            state: process.state as u32,
            isolation: process.isolation as u32,
            status: process.status as u64,
            memory_pages: process.memory_pages as u32,
            handles: process.handles.len() as u32,
            threads: process.thread_count,
            doing: doing as u32,
            cpu_ticks: self.process_cpu_ticks(id),
            messages_sent: self.process_messages_sent(id),
            image_base: process.load.base as u64,
            calls_over,
        }
    }

    /// [`abi::Call::ProcessChannels`]: tells a thread which channels a process has.
    pub fn process_channels(&mut self, thread: Id<Thread>, of: Id<Process>, from: usize) -> usize {
        let table = &self.processes[of].handles;
        let mut found = ChannelEnds {
            count: 0,
            ends: [ChannelEnd::default(); CHANNEL_ENDS_MAX],
        };
        let mut index = from;
        let until = from.saturating_add(PLACES_MAX).min(table.capacity());
        while index < until && (found.count as usize) < CHANNEL_ENDS_MAX {
            let place = table.at(index).map(|entry| entry.object);
            index += 1;
            let Some(Object::Channel(side, id)) = place else {
                continue;
            };
            let channel = &self.channels[id];
            let end = &channel.ends[side as usize];
            found.ends[found.count as usize] = ChannelEnd {
                channel: id.number(),
                side: side as u16,
                queued: end.count,
                sent: end.sent,
                came: channel.ends[side.other() as usize].sent,
                reserved: 0,
            };
            found.count += 1;
        }
        let is_last = index >= table.capacity();
        self.answer(thread, found);
        if is_last { 0 } else { index }
    }

    /// Writes an answer into a thread's receive page.
    pub fn answer<T: Copy>(&mut self, thread: Id<Thread>, value: T) {
        const { assert!(size_of::<T>() <= abi::MESSAGE_LEN_MAX) };
        let page = self
            .memory
            .machine
            .memory(self.threads[thread].receive_page());
        // SAFETY: the page is the thread's message buffer, page-aligned and large enough by the
        // assertion above.
        unsafe { page.cast::<T>().write(value) };
    }

    /// Frames that the kernel's own objects take.
    pub fn object_frames(&self) -> usize {
        let slabs = [
            self.processes.frame_count(),
            self.threads.frame_count(),
            self.channels.frame_count(),
            self.queues.frame_count(),
            self.sources.frame_count(),
            self.folios.frame_count(),
            self.mappings.frame_count(),
            self.spaces.frame_count(),
            self.timers.frame_count(),
            self.doorbells.frame_count(),
            self.interrupts.frame_count(),
            self.devices.frame_count(),
            self.crashes.frame_count(),
        ];
        slabs.iter().sum::<usize>() + self.deadlines.frame_count()
    }

    /// The system's counters now.
    pub fn current_statistics(&self) -> abi::KernelStatistics {
        let threads = self.threads.ids();
        let directly = threads.map(|id| self.threads[id].direct_messages);
        let directly = self.direct_messages + directly.sum::<u64>();
        let processes = self.processes.ids();
        let handles = processes.map(|id| self.processes[id].handles.len());
        let processes = self.processes.ids();
        let charged = processes.map(|id| self.processes[id].memory_pages);
        abi::KernelStatistics {
            pages_free: self.memory.available() as u64,
            cpus: self.cpu_count as u64,
            processes: self.processes.len() as u64,
            threads: self.threads.len() as u64,
            channels: self.channels.len() as u64,
            folios: self.folios.len() as u64,
            handles: handles.sum::<usize>() as u64,
            queues: self.queues.len() as u64,
            sources: self.sources.len() as u64,
            mappings: self.mappings.len() as u64,
            timers: self.timers.len() as u64,
            doorbells: self.doorbells.len() as u64,
            pages_machine: self.memory.frames.machine_count() as u64,
            pages_charged: charged.sum::<usize>() as u64,
            pages_init: self
                .init
                .and_then(|id| self.processes.get(id))
                .map_or(0, |init| init.memory_pages as u64),
            pages_promised: self.memory.frames.promised() as u64,
            pages_objects: self.object_frames() as u64,
            pages_largest: self.memory.frames.largest() as u64,
            calls: self.statistics.calls + directly,
            messages: self.statistics.messages + directly,
            switches: self.statistics.switches + directly,
            idle_ticks: self.idle_ticks(),
            ..self.statistics
        }
    }
}

//! The system calls: from registers to operations and back.
//!
//! What each call takes and answers is written down in [`abi::Call`]. The calls of the message
//! path come first, since their length is what everything on FTL pays; the others are rare.

use abi::{Call, Error, Handle, MessageInfo, MessageKind, Result, Rights};

use crate::direct::{Resume, may_carry_directly, may_go_directly};
use crate::ipc::Waited;
use crate::kernel::{Exit, Kernel, Shutdown};
use crate::log::Level;
use crate::memory::Id;
use crate::object::{Deadline, Doorbell, Object, Process, Queue, ThreadState, Timer};

const NOP: usize = Call::Nop as usize;
const WAIT: usize = Call::Wait as usize;
const SEND: usize = Call::Send as usize;
const SEND_WAIT: usize = Call::SendWait as usize;
const CALL: usize = Call::Call as usize;

fn handle(register: usize) -> Handle {
    Handle::from_raw(register as u32)
}

impl Kernel {
    /// A call by the thread on this CPU.
    pub fn syscall(&mut self, cpu: usize, number: usize, arguments: [usize; 6]) -> Exit {
        let plain = may_go_directly(number, arguments[1]);
        let resume = match (plain, number) {
            (true, CALL) => self.call_directly::<false>(cpu, arguments),
            (true, _) => self.reply_directly::<false>(cpu, arguments),
            (false, _) => self
                .tell_directly(cpu, number, arguments)
                .or_else(|| self.carry_directly(cpu, number, arguments)),
        };
        match resume {
            Some(_) => Exit::Run(self.current(cpu)),
            None => self.syscall_generally(cpu, number, arguments),
        }
    }

    /// The direct way of a message with handles, if this is one and can go it.
    #[inline(always)]
    pub fn carry_directly(
        &mut self,
        cpu: usize,
        number: usize,
        arguments: [usize; 6],
    ) -> Option<Resume> {
        match (may_carry_directly(number, arguments[1]), number) {
            (true, CALL) => self.call_directly::<true>(cpu, arguments),
            (true, _) => self.reply_directly::<true>(cpu, arguments),
            (false, _) => None,
        }
    }

    /// The way that any call can go.
    #[inline(always)]
    pub fn syscall_generally(&mut self, cpu: usize, number: usize, arguments: [usize; 6]) -> Exit {
        if self.tracing {
            return self.syscall_traced(cpu, number, arguments);
        }
        self.syscall_untraced(cpu, number, arguments)
    }

    /// Writes down what is called and how it ends.
    #[cold]
    #[inline(never)]
    fn syscall_traced(&mut self, cpu: usize, number: usize, arguments: [usize; 6]) -> Exit {
        let caller = self.traced_current(cpu);
        self.record_call(cpu, number);
        let exit = self.syscall_untraced(cpu, number, arguments);
        self.record_return(cpu, caller, exit);
        exit
    }

    #[inline(always)]
    fn syscall_untraced(&mut self, cpu: usize, number: usize, arguments: [usize; 6]) -> Exit {
        self.statistics.calls += 1;
        if self.current_is_condemned(cpu) {
            // It was ended between its last look at the kernel and this call.
            return self.after_own_end(cpu);
        }
        let exit = match number {
            SEND_WAIT => self.send_wait(cpu, arguments),
            CALL => self.call(cpu, arguments),
            WAIT => {
                let thread = self.current(cpu);
                let waited = self.wait(thread, handle(arguments[0]), arguments[1]);
                self.finish_wait(cpu, None, waited)
            }
            SEND => self.send_only(cpu, arguments),
            NOP => Exit::Value(0),
            number => self.rare_call(cpu, number, &arguments),
        };
        if self.has_garbage() || self.deadlines_changed || self.woke_first {
            return self.finish_call(cpu, exit);
        }
        exit
    }

    /// What a call leaves behind for its end: garbage, a new first deadline.
    #[cold]
    #[inline(never)]
    fn finish_call(&mut self, cpu: usize, exit: Exit) -> Exit {
        self.collect_garbage(cpu);
        if self.deadlines_changed {
            self.arm_timer(cpu);
        }
        // Collecting may have ended the thread that was to go on.
        let exit = match exit {
            Exit::Run(thread)
                if self
                    .threads
                    .get(thread)
                    .is_none_or(|t| t.state == ThreadState::Dead) =>
            {
                self.end_condemned(cpu);
                self.pick(cpu)
            }
            exit => exit,
        };
        // Events on the side, "writable" or the end of a peer, may have woken somebody who goes
        // before the one that was chosen.
        match (core::mem::take(&mut self.woke_first), exit) {
            (true, Exit::Value(value)) => self.value_or_preempt(cpu, value),
            (true, Exit::Run(_)) => self.preemption(cpu).unwrap_or(exit),
            _ => exit,
        }
    }

    #[inline(always)]
    fn send_wait(&mut self, cpu: usize, a: [usize; 6]) -> Exit {
        let thread = self.current(cpu);
        let (channel, queue) = abi::unpack_handles(a[0]);
        let info = MessageInfo::from_bits(a[1] as u64);
        if info.is_ring() {
            return self.ring_wait(cpu, channel, queue, a[5]);
        }
        self.count_message(thread);
        match self.send(thread, channel, a[1], a[2], [a[3], a[4]]) {
            Ok(woken) => {
                let is_reply = info.kind() == Some(MessageKind::Reply);
                let woken = if is_reply {
                    woken
                } else {
                    self.line_up(woken, cpu)
                };
                let waited = self.wait(thread, queue, a[5]);
                self.finish_wait(cpu, woken, waited)
            }
            Err(error) => Exit::Value(error.to_register()),
        }
    }

    /// [`Call::SendWait`] of a ring.
    #[inline(never)]
    fn ring_wait(&mut self, cpu: usize, bell: Handle, queue: Handle, deadline: usize) -> Exit {
        let thread = self.current(cpu);
        match self.ring(self.threads[thread].process, bell, cpu) {
            Ok(woken) => {
                let woken = self.line_up(woken, cpu);
                let waited = self.wait(thread, queue, deadline);
                self.finish_wait(cpu, woken, waited)
            }
            Err(error) => Exit::Value(error.to_register()),
        }
    }

    /// Nobody has waited for this sender, so if others are ready, whom it woke queues up behind them: two that wake
    /// each other in turn must not keep a third from running. Returns who need not.
    #[inline]
    fn line_up(
        &mut self,
        woken: Option<Id<crate::object::Thread>>,
        cpu: usize,
    ) -> Option<Id<crate::object::Thread>> {
        let woken = woken?;
        if self.cpus[cpu].none_ready() {
            return Some(woken);
        }
        self.make_ready(woken, cpu);
        None
    }

    /// Rings a doorbell. Returns the thread that waited for it: it is runnable, and on no run queue.
    fn ring(
        &mut self,
        process: Id<Process>,
        bell: Handle,
        cpu: usize,
    ) -> Result<Option<Id<crate::object::Thread>>> {
        let entry = self.lookup(process, bell, Rights::WRITE)?;
        let Object::Doorbell(id) = entry.object else {
            return Err(Error::WrongKind);
        };
        let bell = &mut self.doorbells[id];
        bell.count = bell.count.saturating_add(1);
        let source = bell.source;
        Ok(source.and_then(|source| self.notify(source, cpu)))
    }

    #[inline(always)]
    fn call(&mut self, cpu: usize, a: [usize; 6]) -> Exit {
        let thread = self.current(cpu);
        let info = MessageInfo::from_bits(a[1] as u64);
        self.count_message(thread);
        let sent = self.sending_end(thread, handle(a[0])).and_then(|end| {
            let channel = self.channels.get(end.0).ok_or(Error::Closed)?;
            if channel.ends[end.1 as usize].caller.is_some() {
                return Err(Error::Busy);
            }
            if info.kind() != Some(MessageKind::Request) {
                return Err(Error::InvalidArgument);
            }
            if a[5] == 0 {
                return Err(Error::TimedOut);
            }
            Ok((end, self.send_from(thread, end, a[1], a[2], [a[3], a[4]])?))
        });
        match sent {
            Ok(((channel, side), woken)) => {
                self.await_reply(thread, channel, side, a[2] as u32, a[5]);
                self.switch_from_blocked(cpu, woken)
            }
            Err(error) => Exit::Value(error.to_register()),
        }
    }

    #[inline(always)]
    fn send_only(&mut self, cpu: usize, a: [usize; 6]) -> Exit {
        let thread = self.current(cpu);
        self.count_message(thread);
        match self.send(thread, handle(a[0]), a[1], a[2], [a[3], a[4]]) {
            Ok(None) => Exit::Value(0),
            Ok(Some(woken)) => {
                self.make_ready(woken, cpu);
                self.value_or_preempt(cpu, 0)
            }
            Err(error) => Exit::Value(error.to_register()),
        }
    }

    /// The call is done with `value`; but somebody more important may have become ready.
    fn value_or_preempt(&mut self, cpu: usize, value: usize) -> Exit {
        let thread = self.current(cpu);
        match self.preemption(cpu) {
            None => Exit::Value(value),
            Some(exit) => {
                self.threads[thread]
                    .context
                    .set_results([value, 0, 0, 0, 0, 0]);
                exit
            }
        }
    }

    #[inline(always)]
    fn finish_wait(
        &mut self,
        cpu: usize,
        woken: Option<Id<crate::object::Thread>>,
        waited: Result<Waited>,
    ) -> Exit {
        let results = match waited {
            Ok(Waited::Blocked) => return self.switch_from_blocked(cpu, woken),
            Ok(Waited::Now(results)) => results,
            Err(error) => abi::event::wait_failed(error),
        };
        let thread = self.current(cpu);
        self.threads[thread].context.set_results(results);
        if let Some(woken) = woken {
            self.make_ready(woken, cpu);
            if let Some(exit) = self.preemption(cpu) {
                return exit;
            }
        }
        Exit::Run(thread)
    }

    /// Everything that is not on the message path.
    #[inline(never)]
    fn rare_call(&mut self, cpu: usize, number: usize, a: &[usize; 6]) -> Exit {
        let Some(call) = Call::from_number(number) else {
            return Exit::Value(Error::UnknownCall.to_register());
        };
        let thread = self.current(cpu);
        let process = self.threads[thread].process;
        match call {
            Call::ProcessExit => {
                self.end_process(process, a[0], cpu);
                return self.after_own_end(cpu);
            }
            Call::ProcessPanic => {
                self.report_panic(process, thread, a[0], a[1]);
                self.end_process(process, abi::ProcessState::EXIT_PANIC, cpu);
                return self.after_own_end(cpu);
            }
            Call::ThreadExit => {
                self.end_thread(thread, cpu);
                return self.after_own_end(cpu);
            }
            Call::SystemShutdown => {
                if let Err(error) = self.system(process, a[0]) {
                    return Exit::Value(error.to_register());
                }
                self.shutdown = Some(match a[2] {
                    0 => Shutdown::Ordered(a[1]),
                    1 => Shutdown::Reset { cold: false },
                    2 => Shutdown::Reset { cold: true },
                    _ => return Exit::Value(Error::InvalidArgument.to_register()),
                });
                crate::log::kept::ended_in_order();
                self.machine_off();
                return Exit::Value(0);
            }
            Call::Yield => {
                self.threads[thread].context.set_results([0; 6]);
                return self.yield_now(cpu).unwrap_or(Exit::Value(0));
            }
            _ => {}
        }
        let result = self.plain_call(cpu, thread, process, call, *a);
        let value = result.unwrap_or_else(Error::to_register);
        if self.cpus[cpu].current.is_none() || self.threads[thread].state == ThreadState::Dead {
            return self.after_own_end(cpu);
        }
        self.value_or_preempt(cpu, value)
    }

    /// The calling thread is no more.
    fn after_own_end(&mut self, cpu: usize) -> Exit {
        self.end_condemned(cpu);
        self.pick(cpu)
    }

    /// Checks that a handle is the right to manage the system.
    fn system(&self, process: Id<Process>, register: usize) -> Result<()> {
        match self
            .lookup(process, handle(register), Rights::MANAGE)?
            .object
        {
            Object::System => Ok(()),
            _ => Err(Error::WrongKind),
        }
    }

    /// Calls that answer at once with one value.
    fn plain_call(
        &mut self,
        cpu: usize,
        thread: Id<crate::object::Thread>,
        process: Id<Process>,
        call: Call,
        a: [usize; 6],
    ) -> Result<usize> {
        match call {
            Call::Log => {
                let level = Level::from_number(a[0]).ok_or(Error::InvalidArgument)?;
                self.log_from(process, thread, level, a[1], a[2])
            }
            Call::HandleClose => {
                let table = &mut self.processes[process].handles;
                let entry = table.remove(handle(a[0]))?;
                self.release(entry.object, cpu);
                Ok(0)
            }
            Call::HandleDuplicate => {
                let entry = self.lookup(process, handle(a[0]), Rights::DUPLICATE)?;
                if matches!(entry.object, Object::Channel(..) | Object::Device(_)) {
                    return Err(Error::WrongKind);
                }
                let rights = entry.rights.intersection(Rights::from_bits(a[1] as u16));
                let new = self.add_handle(process, entry.object, rights)?;
                self.retain(entry.object);
                Ok(new.raw() as usize)
            }
            Call::ChannelCreate => self.channel_create(process, a[0], a[1]),
            Call::QueueCreate => {
                self.queues
                    .reserve(&self.memory.machine, &mut self.memory.frames)?;
                self.reserve_process_handles(process, 1)?;
                let object = Object::Queue(self.queues.insert(Queue::new()));
                Ok(self.add_handle(process, object, Rights::ALL)?.raw() as usize)
            }
            Call::QueueAttach => {
                let queue = self.lookup(process, handle(a[0]), Rights::WAIT)?;
                let Object::Queue(queue) = queue.object else {
                    return Err(Error::WrongKind);
                };
                let source = self.lookup(process, handle(a[1]), Rights::WAIT)?;
                self.attach(queue, source.object, a[2], cpu)?;
                Ok(0)
            }
            Call::QueueDetach => {
                let source = self.lookup(process, handle(a[0]), Rights::WAIT)?;
                self.detach(source.object)?;
                Ok(0)
            }
            Call::FolioCreate => self.folio_create(process, a[0], a[1]),
            Call::FolioMap => self.folio_map(process, handle(a[0]), a[1], a[2], a[3]),
            Call::FolioUnmap => self.folio_unmap(process, a[0], cpu),
            Call::FolioSize => {
                let entry = self.lookup(process, handle(a[0]), Rights::NONE)?;
                let Object::Folio(id) = entry.object else {
                    return Err(Error::WrongKind);
                };
                Ok(self.folios[id].pages as usize * abi::PAGE_SIZE)
            }
            Call::TimerCreate => {
                self.timers
                    .reserve(&self.memory.machine, &mut self.memory.frames)?;
                self.reserve_process_handles(process, 1)?;
                self.deadlines.reserve(&mut self.memory)?;
                let object = Object::Timer(self.timers.insert(Timer {
                    period: 0,
                    count: 0,
                    resume_at: 0,
                    heap_place: 0,
                    source: None,
                    references: 1,
                }));
                Ok(self.add_handle(process, object, Rights::ALL)?.raw() as usize)
            }
            Call::TimerSet => {
                let entry = self.lookup(process, handle(a[0]), Rights::WRITE)?;
                let Object::Timer(id) = entry.object else {
                    return Err(Error::WrongKind);
                };
                let place = self.timers[id].heap_place;
                if place != 0 {
                    self.cancel_deadline(place);
                }
                self.timers[id].count = 0;
                self.timers[id].resume_at = 0;
                self.timers[id].period = a[2] as u64;
                // What it had to say before is void.
                self.silence(self.timers[id].source);
                if a[1] != 0 {
                    self.set_deadline(a[1] as u64, Deadline::Timer(id));
                }
                Ok(0)
            }
            Call::DoorbellCreate => {
                self.doorbells
                    .reserve(&self.memory.machine, &mut self.memory.frames)?;
                self.reserve_process_handles(process, 1)?;
                let bell = Doorbell {
                    count: 0,
                    source: None,
                    references: 1,
                };
                let object = Object::Doorbell(self.doorbells.insert(bell));
                Ok(self.add_handle(process, object, Rights::ALL)?.raw() as usize)
            }
            Call::DoorbellRing => {
                if let Some(woken) = self.ring(process, handle(a[0]), cpu)? {
                    self.make_ready(woken, cpu);
                }
                Ok(0)
            }
            Call::InterruptAck => self.interrupt_ack(process, handle(a[0])),
            Call::DeviceInfo => {
                self.system(process, a[0])?;
                self.device_info(thread, a[1])
            }
            Call::DeviceOpen => {
                self.system(process, a[0])?;
                self.device_open(process, a[1])
            }
            Call::DeviceMap => self.device_map(process, thread, handle(a[0]), a[1]),
            Call::DeviceInterrupt => self.device_interrupt_handle(process, handle(a[0]), a[1]),
            Call::DeviceDma => self.device_dma(process, handle(a[0]), handle(a[1])),
            Call::ProcessCreate => {
                self.system(process, a[0])?;
                self.process_create_call(process, thread)
            }
            Call::ProcessLoad => self.process_load(process, handle(a[0]), handle(a[1]), a[2], a[3]),
            Call::ProcessStart => self.process_start_call(process, handle(a[0]), handle(a[1]), cpu),
            Call::ProcessKill => {
                let target = self.managed_process(process, handle(a[0]))?;
                if self.processes[target].state != abi::ProcessState::Ended {
                    if a[2] == 1 {
                        self.processes[target].ends_to_show = crate::fault::ENDS_SHOWN_MAX;
                    }
                    self.end_process(target, a[1], cpu);
                }
                Ok(0)
            }
            Call::ProcessInfo => {
                let entry = self.lookup(process, handle(a[0]), Rights::READ)?;
                let Object::Process(target) = entry.object else {
                    return Err(Error::WrongKind);
                };
                let info = self.process_info(target);
                self.answer(thread, info);
                Ok(0)
            }
            Call::ProcessChannels => {
                let entry = self.lookup(process, handle(a[0]), Rights::READ)?;
                let Object::Process(target) = entry.object else {
                    return Err(Error::WrongKind);
                };
                Ok(self.process_channels(thread, target, a[1]))
            }
            Call::ThreadCreate => self.thread_create_call(process, a[0], a[1], a[2], cpu),
            Call::SystemStatistics => {
                self.system(process, a[0])?;
                let statistics = self.current_statistics();
                self.answer(thread, statistics);
                Ok(0)
            }
            Call::Random => {
                if !self.random.is_seeded() {
                    return Err(Error::Unsupported);
                }
                let seed = self.random.seed();
                self.answer(thread, seed);
                Ok(seed.len())
            }
            Call::LogRead => {
                self.system(process, a[0])?;
                Ok(self.log_read(thread, a[1] as u64))
            }
            Call::CrashRead => {
                self.system(process, a[0])?;
                self.crash_read(thread, a[1] as u64)
            }
            Call::ConsoleLog => self.console_log(process, thread, handle(a[0])),
            Call::Trace => {
                self.system(process, a[0])?;
                self.trace_into(process, a[1], handle(a[2]), cpu)?;
                Ok(0)
            }
            // The message path and the calls that do not return were handled before.
            Call::Nop | Call::Wait | Call::Send | Call::SendWait | Call::Call => Ok(0),
            Call::ProcessExit
            | Call::ProcessPanic
            | Call::ThreadExit
            | Call::SystemShutdown
            | Call::Yield => Ok(0),
        }
    }

    /// The process behind a handle that allows to manage it.
    pub fn managed_process(&self, process: Id<Process>, handle: Handle) -> Result<Id<Process>> {
        match self.lookup(process, handle, Rights::MANAGE)?.object {
            Object::Process(target) => Ok(target),
            _ => Err(Error::WrongKind),
        }
    }
}

//! Faults of components: first touches of pages, and mistakes.
//!
//! A first touch is answered with a page and cannot fail (rule 12). Anything else ends the
//! component and is reported with what a developer needs: what happened, where in which image,
//! the registers and how it came there (rule 28).

use core::fmt;

use abi::{CRASH_FRAMES_MAX, CrashFrame, Isolation, PAGE_SIZE, ProcessState, TraceKind};

use crate::arch::Permission;
use crate::crash::LastCrash;
use crate::kernel::{Exit, Kernel};
use crate::log::Level;
use crate::memory::Id;
use crate::object::{Process, Purpose, Thread};

/// Threads that are shown at most when a process is ended by somebody who wants to know where they were.
pub const ENDS_SHOWN_MAX: u8 = 4;

/// What a component did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Read from an address.
    Read(usize),
    /// Wrote to an address.
    Write(usize),
    /// Executed at an address.
    Execute(usize),
    /// Executed an instruction that is not allowed or does not exist.
    Instruction(usize),
    /// A breakpoint instruction.
    Breakpoint,
    /// Something else that the machine reports by a number.
    Other(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Read(at) => write!(f, "reads {at:#x}, which it may not"),
            Fault::Write(at) => write!(f, "writes to {at:#x}, which it may not"),
            Fault::Execute(at) => write!(f, "executes at {at:#x}, which it may not"),
            Fault::Instruction(what) => write!(f, "executes an illegal instruction ({what:#x})"),
            Fault::Breakpoint => write!(f, "executes a breakpoint"),
            Fault::Other(cause) => write!(f, "causes the exception {cause}"),
        }
    }
}

impl Kernel {
    /// The thread on this CPU has faulted; its registers are in its context.
    pub fn fault(&mut self, cpu: usize, fault: Fault) -> Exit {
        if self.current_is_condemned(cpu) {
            return self.leave(cpu);
        }
        let thread = self.current(cpu);
        let process = self.threads[thread].process;
        if self.answer_page_fault(process, fault) {
            self.statistics.page_faults += 1;
            if self.tracing
                && let Fault::Read(at) | Fault::Write(at) | Fault::Execute(at) = fault
            {
                self.record(cpu, TraceKind::PageFault, 0, thread.number(), at as u64);
            }
            return self.leave(cpu);
        }
        let overflow = match fault {
            Fault::Read(at) | Fault::Write(at) => self.is_below_stack(process, at),
            _ => false,
        };
        self.report_fault(process, thread, fault, overflow);
        let status = if overflow {
            ProcessState::EXIT_STACK_OVERFLOW
        } else {
            ProcessState::EXIT_FAULT
        };
        self.end_process(process, status, cpu);
        self.leave(cpu)
    }

    /// Makes the page that was touched, if the process may touch it.
    fn answer_page_fault(&mut self, process: Id<Process>, fault: Fault) -> bool {
        let (address, needed) = match fault {
            Fault::Read(at) => (at, Permission::Read),
            Fault::Write(at) => (at, Permission::ReadWrite),
            Fault::Execute(at) => (at, Permission::Execute),
            _ => return false,
        };
        let Some(id) = self.mapping_at(process, address) else {
            return false;
        };
        let mapping = &self.mappings[id];
        if mapping.revoked || !mapping.permission.allows(needed) {
            return false;
        }
        let index = (address - mapping.address) / PAGE_SIZE;
        let at = mapping.address + index * PAGE_SIZE;
        let (permission, folio_page) = (mapping.permission, mapping.first_page + index);
        let page = self.folios[mapping.folio].touch(&mut self.memory, folio_page);
        let user = self.processes[process].isolation == Isolation::User;
        let table = &mut self.spaces[self.processes[process].space].table;
        table.map(&self.memory, at, page.frame, permission, user);
        true
    }

    /// Whether an address lies in the unmapped range below one of the process's stacks.
    fn is_below_stack(&self, process: Id<Process>, address: usize) -> bool {
        self.mapping_above(process, address).is_some_and(|id| {
            let mapping = &self.mappings[id];
            mapping.purpose == Purpose::Stack && mapping.address - address <= 1 << 20
        })
    }

    fn report_fault(
        &mut self,
        process: Id<Process>,
        thread: Id<Thread>,
        fault: Fault,
        overflow: bool,
    ) {
        let name = self.processes[process].name;
        let context = &self.threads[thread].context;
        let (pc, frame) = (context.program_counter(), context.frame_pointer());
        let registers = context.registers();
        let name = name.as_str();
        let fault: &dyn fmt::Display = match overflow {
            true => &"its stack overflowed",
            false => &format_args!("it {fault}"),
        };
        self.log_line(Level::Error, name, format_args!("crashed: {fault}"));
        let backtrace = self.log_backtrace(process, name, Level::Error, pc, frame);
        for row in registers.chunks(4) {
            self.log_line(Level::Error, name, format_args!("  {}", Row(row)));
        }
        let status = match overflow {
            true => ProcessState::EXIT_STACK_OVERFLOW,
            false => ProcessState::EXIT_FAULT,
        };
        let reason = format_args!("{fault}");
        self.remember_crash(process, status, reason, backtrace.frames(), &registers);
        self.crashed(name, thread, pc, frame);
    }

    /// A component has crashed, and that is reported.
    fn crashed(&mut self, name: &str, thread: Id<Thread>, pc: usize, frame: usize) {
        self.last_crash = LastCrash {
            thread: Some(thread),
            pc,
            frame,
        };
        crate::crash::component_crashed(name.as_ptr(), name.len());
        if self.panics_at_crash {
            panic!("{name} crashed, and the kernel was started with ftl.crash=panic");
        }
    }

    /// Shows where the thread is and how it came there, by its chain of frame pointers.
    fn log_backtrace(
        &mut self,
        process: Id<Process>,
        name: &str,
        level: Level,
        pc: usize,
        frame: usize,
    ) -> Backtrace {
        let (mut pc, mut frame) = (pc, frame);
        let (base, len) = (
            self.processes[process].load.base,
            self.processes[process].load.len,
        );
        let mut backtrace = Backtrace::default();
        while backtrace.count < CRASH_FRAMES_MAX {
            let offset = pc.wrapping_sub(base);
            if offset < len {
                self.log_line(level, name, format_args!("  at {name}+{offset:#x}"));
                backtrace.push(offset, true);
            } else {
                self.log_line(level, name, format_args!("  at {pc:#x}"));
                backtrace.push(pc, false);
            }
            let (link, back) = crate::arch::frame_links(frame);
            let (Some(next_pc), Some(next_frame)) =
                (self.peek(process, link), self.peek(process, back))
            else {
                break;
            };
            // Frames lie above one another; anything else is a chain gone wrong.
            if next_frame <= frame || next_pc == 0 {
                break;
            }
            (pc, frame) = (call_before(next_pc), next_frame);
        }
        backtrace
    }

    /// Reads a word of a process's memory, if it is mapped there.
    fn peek(&self, process: Id<Process>, address: usize) -> Option<usize> {
        if !address.is_multiple_of(8) {
            return None;
        }
        let mapping = &self.mappings[self.mapping_at(process, address)?];
        if matches!(
            mapping.permission,
            Permission::Device | Permission::DeviceRead
        ) {
            return None;
        }
        let index = mapping.first_page + (address - mapping.address) / PAGE_SIZE;
        let page = self.folios[mapping.folio].page(&self.memory, index)?;
        Some(self.memory.read_u64(page.frame.offset(address % PAGE_SIZE)) as usize)
    }

    /// [`abi::Call::ProcessPanic`]: the report lies in the send page.
    pub fn report_panic(
        &mut self,
        process: Id<Process>,
        thread: Id<Thread>,
        len: usize,
        frame: usize,
    ) {
        let name = self.processes[process].name;
        let mut text = [0; 1024];
        let len = self.copy_send_page(thread, len, &mut text);
        let text = core::str::from_utf8(&text[..len]).unwrap_or("(not UTF-8)");
        self.log_line(Level::Error, name.as_str(), format_args!("crashed: {text}"));
        let (backtrace, pc, frame) = self.log_callers(process, name.as_str(), Level::Error, frame);
        let (status, reason) = (ProcessState::EXIT_PANIC, format_args!("{text}"));
        self.remember_crash(process, status, reason, backtrace.frames(), &[]);
        self.crashed(name.as_str(), thread, pc, frame);
    }

    /// Shows who called the function that has this frame; answers that, and the caller's place and frame.
    fn log_callers(
        &mut self,
        process: Id<Process>,
        name: &str,
        level: Level,
        frame: usize,
    ) -> (Backtrace, usize, usize) {
        let (link, back) = crate::arch::frame_links(frame);
        match (self.peek(process, link), self.peek(process, back)) {
            (Some(pc @ 1..), Some(frame)) => {
                let pc = call_before(pc);
                let backtrace = self.log_backtrace(process, name, level, pc, frame);
                (backtrace, pc, frame)
            }
            _ => (Backtrace::default(), 0, frame),
        }
    }

    /// A thread is about to be forgotten: shows where it was, if its process was ended by somebody who wants to know.
    /// What loops for ever, or waits for what never comes, is found that way.
    pub fn show_end(&mut self, process: Id<Process>, thread: Id<Thread>) {
        let Some(left) = self.processes[process].ends_to_show.checked_sub(1) else {
            return;
        };
        self.processes[process].ends_to_show = left;
        let context = &self.threads[thread].context;
        let (pc, frame) = (context.program_counter(), context.frame_pointer());
        let name = self.processes[process].name;
        self.log_line(
            Level::Error,
            name.as_str(),
            format_args!("was ended from outside, and was here:"),
        );
        let backtrace = self.log_backtrace(process, name.as_str(), Level::Error, pc, frame);
        let status = self.processes[process].status;
        let reason = format_args!("was ended from outside");
        self.remember_crash(process, status, reason, backtrace.frames(), &[]);
    }

    /// [`abi::Call::Log`]. With a frame pointer, also who called the function that has that frame.
    pub fn log_from(
        &mut self,
        process: Id<Process>,
        thread: Id<Thread>,
        level: Level,
        len: usize,
        frame: usize,
    ) -> abi::Result<usize> {
        let name = self.processes[process].name;
        let mut text = [0; 1024];
        let len = self.copy_send_page(thread, len, &mut text);
        let text = text.get(..len).unwrap_or(&[]);
        let text = match core::str::from_utf8(text) {
            Ok(text) => text,
            // Cut in the middle of a character, or not text: what is valid up to there.
            Err(error) => core::str::from_utf8(&text[..error.valid_up_to()]).unwrap_or(""),
        };
        self.log_line(level, name.as_str(), format_args!("{text}"));
        if frame != 0 {
            self.log_callers(process, name.as_str(), level, frame);
        }
        Ok(0)
    }

    fn copy_send_page(&self, thread: Id<Thread>, len: usize, to: &mut [u8]) -> usize {
        let len = len.min(to.len());
        let from = self.memory.machine.memory(self.threads[thread].send_page());
        // SAFETY: the send page is longer than any `to` that callers pass; under another
        // alias it may change meanwhile, but bytes have no invalid values and are copied once.
        unsafe { from.copy_to_nonoverlapping(to.as_mut_ptr(), len) };
        len
    }

    /// [`abi::Call::LogRead`]: the start of the copy in the first 8 bytes, then the bytes.
    pub fn log_read(&mut self, thread: Id<Thread>, position: u64) -> usize {
        let page = self
            .memory
            .machine
            .memory(self.threads[thread].receive_page());
        // SAFETY: the receive page is a whole page that belongs to the thread, which is in the
        // kernel now; nothing else refers to it.
        let page = unsafe { core::slice::from_raw_parts_mut(page, abi::MESSAGE_LEN_MAX) };
        let (start, len) = self.log.read(position, &mut page[8..]);
        page[..8].copy_from_slice(&start.to_le_bytes());
        len
    }
}

/// By which way a thread came to where it is, innermost first.
#[derive(Default)]
struct Backtrace {
    frames: [CrashFrame; CRASH_FRAMES_MAX],
    count: usize,
}

impl Backtrace {
    fn push(&mut self, place: usize, in_image: bool) {
        self.frames[self.count] = CrashFrame {
            place: place as u64,
            in_image: in_image.into(),
        };
        self.count += 1;
    }

    fn frames(&self) -> &[CrashFrame] {
        &self.frames[..self.count]
    }
}

/// An address within the call that returns here. What is shown is looked up in tables of source lines, and what
/// follows a call may belong to another line, even to another function.
const fn call_before(return_address: usize) -> usize {
    return_address - 1
}

/// Registers in a row.
struct Row<'a>(&'a [(&'static str, usize)]);

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.0 {
            write!(f, "{name:>4} {value:016x} ")?;
        }
        Ok(())
    }
}

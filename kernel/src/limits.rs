//! Limits: what a process may have at most, and what is said when it has that.
//!
//! Reaching a limit is an error to the process whose limit it is, and to nobody else. The first time a
//! process reaches one of them, a line in the log names the limit and how to raise it.

use abi::{Error, Isolation, Result};

use crate::kernel::Kernel;
use crate::log::Level;
use crate::memory::Id;
use crate::object::{Object, Process};

/// What is limited. The names are those in the system file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Limit {
    /// Pages of memory.
    Memory = 1,
    /// Handles, held and in messages under way.
    Handles = 2,
    /// Threads.
    Threads = 4,
    /// Messages that the queues of its channels can hold.
    Messages = 8,
}

/// How much of the addresses for components under `kernel` isolation one of them can take.
const KERNEL_ADDRESSES_MAX: usize = crate::arch::KERNEL_COMPONENT_AREA.1 / 4;

impl Kernel {
    /// Says so, the first time, and answers with the error.
    #[cold]
    #[inline(never)]
    pub fn limit_reached(&mut self, id: Id<Process>, limit: Limit) -> Error {
        let process = &mut self.processes[id];
        let (name, most) = match limit {
            Limit::Memory => ("memory", (process.memory_pages_max * abi::PAGE_SIZE) >> 10),
            Limit::Handles => ("handles", process.handles.limit()),
            Limit::Threads => ("threads", process.threads_max as usize),
            Limit::Messages => ("messages", process.messages_max),
        };
        if process.limits_reported & limit as u8 == 0 {
            process.limits_reported |= limit as u8;
            let unit = if limit == Limit::Memory { "K" } else { "" };
            let whose = process.name;
            self.log_line(
                Level::Warn,
                whose.as_str(),
                format_args!(
                    "reached its limit `{name}: {most}{unit}`; `limits` in the system file raises it"
                ),
            );
        }
        match limit {
            Limit::Memory => Error::MemoryLimit,
            Limit::Handles => Error::HandleLimit,
            Limit::Threads => Error::ThreadLimit,
            Limit::Messages => Error::MessageLimit,
        }
    }

    /// Charges pages to a process, up to its limit.
    pub fn charge(&mut self, id: Id<Process>, pages: usize) -> Result<()> {
        let process = &mut self.processes[id];
        if process.memory_pages + pages > process.memory_pages_max {
            return Err(self.limit_reached(id, Limit::Memory));
        }
        process.memory_pages += pages;
        Ok(())
    }

    /// The reverse of [`Kernel::charge`]; the process may be gone.
    pub fn uncharge(&mut self, process: Option<Id<Process>>, pages: usize) {
        if let Some(process) = process.and_then(|id| self.processes.get_mut(id)) {
            process.memory_pages -= pages;
        }
    }

    /// Makes sure that `count` handles more fit in a process's table, and charges for it.
    pub fn reserve_process_handles(&mut self, id: Id<Process>, count: usize) -> Result<()> {
        let Ok(frames) = self.processes[id].handles.frames_needed(count) else {
            return Err(self.limit_reached(id, Limit::Handles));
        };
        for _ in 0..frames {
            self.charge(id, 1)?;
            if let Err(error) = self.processes[id].handles.grow(&mut self.memory) {
                self.uncharge(Some(id), 1);
                return Err(error);
            }
        }
        Ok(())
    }

    /// A message with handles was taken out of its queue, or ended with it: they do not count
    /// against its sender any more, who may be gone.
    pub fn handles_arrived(&mut self, sender: Option<Id<Process>>, count: usize) {
        if let Some(sender) = sender.and_then(|id| self.processes.get_mut(id)) {
            sender.handles.in_flight -= count;
        }
    }

    /// Charges the queues of a new channel to a process.
    pub fn charge_messages(&mut self, id: Id<Process>, slots: usize) -> Result<()> {
        let process = &mut self.processes[id];
        if process.messages + slots > process.messages_max {
            return Err(self.limit_reached(id, Limit::Messages));
        }
        process.messages += slots;
        Ok(())
    }

    /// Charges addresses to a process. Those of one under `user` isolation are its own; the
    /// others share an area, of which each may have a part.
    pub fn charge_addresses(&mut self, id: Id<Process>, len: usize) -> Result<()> {
        let process = &mut self.processes[id];
        if process.isolation == Isolation::Kernel && process.addresses + len > KERNEL_ADDRESSES_MAX
        {
            return Err(Error::OutOfAddresses);
        }
        process.addresses += len;
        Ok(())
    }

    /// What moving a handle out of a process's table takes with it.
    pub fn handle_leaves(&mut self, object: Object) {
        match object {
            // An end under way belongs to nobody's queue.
            Object::Channel(side, channel) => self.detach_end(channel, side),
            Object::Device(device) => self.device_left(device),
            _ => {}
        }
    }
}

//! The handles of a message: looked up, taken out of the sender's table, put into the receiver's.

use abi::{Error, EventKind, HANDLES_MAX, Handle, HandleTypes, Result, Rights};

use crate::kernel::Kernel;
use crate::memory::Id;
use crate::object::{Entry, Object, Process, Thread};

impl Kernel {
    /// Looks the handles up that a message is to carry.
    pub(super) fn check_handles(
        &self,
        process: Id<Process>,
        count: usize,
        packed: [usize; 2],
        moved: &mut [Option<Handle>; HANDLES_MAX],
    ) -> Result<()> {
        if count > HANDLES_MAX {
            return Err(Error::InvalidArgument);
        }
        let all = [
            abi::unpack_handles(packed[0]).0,
            abi::unpack_handles(packed[0]).1,
            abi::unpack_handles(packed[1]).0,
            abi::unpack_handles(packed[1]).1,
        ];
        for (i, handle) in all[..count].iter().enumerate() {
            let entry = self.processes[process].handles.get(*handle)?;
            if !entry.rights.contains(Rights::TRANSFER) {
                return Err(Error::MissingRight);
            }
            if all[..i].contains(handle) {
                return Err(Error::InvalidArgument);
            }
            moved[i] = Some(*handle);
        }
        Ok(())
    }

    /// Takes checked handles out of the sender's table.
    #[inline]
    pub(super) fn take_handles(
        &mut self,
        process: Id<Process>,
        moved: &[Option<Handle>; HANDLES_MAX],
    ) -> [Entry; HANDLES_MAX] {
        let mut entries = [NO_ENTRY; HANDLES_MAX];
        for (entry, handle) in entries.iter_mut().zip(moved.iter().flatten()) {
            let table = &mut self.processes[process].handles;
            *entry = table.remove(*handle).expect("checked just before");
            self.handle_leaves(entry.object);
        }
        self.processes[process].handles.in_flight += moved.iter().flatten().count();
        entries
    }

    /// Makes room for the handles of a message, which from now on count against their sender no
    /// more. If there is none, nothing has changed.
    pub(super) fn receive_handles(
        &mut self,
        thread: Id<Thread>,
        sender: Option<Id<Process>>,
        count: usize,
    ) -> Result<()> {
        let process = self.threads[thread].process;
        // First, because the receiver may have sent them himself.
        self.handles_arrived(sender, count);
        let result = self.reserve_process_handles(process, count);
        if result.is_err()
            && let Some(sender) = sender.and_then(|id| self.processes.get_mut(id))
        {
            sender.handles.in_flight += count;
        }
        result
    }

    /// Puts a message's handles into the receiver's table, which has room. Answers with the
    /// registers of the event that tell of them: the first, which says what they are, and the
    /// last two.
    pub(super) fn install_handles(
        &mut self,
        thread: Id<Thread>,
        count: usize,
        entries: &[Entry; HANDLES_MAX],
    ) -> [usize; 3] {
        let process = self.threads[thread].process;
        let mut handles = [Handle::NONE; HANDLES_MAX];
        let mut types = HandleTypes::NONE;
        for (i, (handle, entry)) in handles.iter_mut().zip(&entries[..count]).enumerate() {
            let table = &mut self.processes[process].handles;
            *handle = table.insert(entry.object, entry.rights);
            if let Some(kind) = entry.object.kind() {
                types = types.with(i, kind, entry.rights);
            }
        }
        [
            EventKind::Message as usize | types.to_register(),
            abi::pack_handles(handles[0], handles[1]),
            abi::pack_handles(handles[2], handles[3]),
        ]
    }
}

/// Stands for "no handle" in a message's slot.
pub(super) const NO_ENTRY: Entry = Entry {
    object: Object::Free(0),
    rights: Rights::NONE,
    handle: Handle::NONE,
};

//! The shell's ends of streams.
//!
//! An end is *whole* as long as the shell has not touched it: then it can be handed to a command as it
//! is. Once the shell reads or writes itself, it stays here, and bytes are passed on (see
//! [`machine`](crate::machine)).

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use ftl::io::{Inlet, Outlet};
use ftl::stream::{Receiver, Sender};
use interfaces::files::File;

/// What the language's machine knows as a stream.
#[derive(Clone)]
pub enum Stream {
    /// Empty, or vanishing.
    Null,
    /// The keyboard: each command that reads it opens an input of its own.
    Keyboard,
    /// What is to be read.
    Reader(Rc<Reader>),
    /// What can be written to.
    Writer(Rc<Writer>),
    /// An open file.
    DiskFile(Rc<DiskFile>),
    /// A file that lies in the shell's memory: what is written to it.
    File(Rc<RefCell<Vec<u8>>>),
    /// What is still to be read of one.
    FileReader(Rc<RefCell<VecDeque<u8>>>),
}

/// A file that is open, and how it was named.
pub struct DiskFile {
    pub path: String,
    pub file: RefCell<File>,
}

/// Ends that were dropped, to be taken out of the event loop.
pub type Graveyard = Rc<RefCell<Vec<Dead>>>;

/// An end that was dropped.
pub enum Dead {
    Inlet(Inlet),
    Outlet(Outlet),
}

/// The receiver's end of a stream.
pub struct Reader {
    pub id: u32,
    pub state: RefCell<ReaderState>,
    pub graveyard: Graveyard,
}

/// What has become of it.
pub enum ReaderState {
    /// Untouched.
    Whole(Receiver),
    /// Read here.
    Open {
        inlet: Inlet,
        bytes: VecDeque<u8>,
        ended: bool,
    },
    /// Handed to a command.
    Gone,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let ReaderState::Open { inlet, ended, .. } = self.state.replace(ReaderState::Gone)
            && !ended
        {
            self.graveyard.borrow_mut().push(Dead::Inlet(inlet));
        }
    }
}

/// The sender's end of a stream.
pub struct Writer {
    pub id: u32,
    pub state: RefCell<WriterState>,
    pub graveyard: Graveyard,
}

/// What has become of it.
pub enum WriterState {
    /// Untouched.
    Whole(Sender),
    /// Written here.
    Open { outlet: Outlet, closed: bool },
    /// Handed to a command.
    Gone,
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let WriterState::Open { outlet, closed } = self.state.replace(WriterState::Gone)
            && !closed
        {
            self.graveyard.borrow_mut().push(Dead::Outlet(outlet));
        }
    }
}

//! One channel to the file server, shared by a directory and the files that were opened through it.

use core::cell::{Cell, RefCell};

use ftl::abi::Rights;
use ftl::handle::Folio;
use ftl::memory::SharedBytes;
use ftl::{Error, Result};

use crate::fs::{self, Blocking as _};

/// Bytes of memory that are shared with the server for large reads and writes.
const SHARED_LEN: usize = 64 * 1024;

/// A channel to the file server, and what is known about it.
pub(super) struct Server {
    fs: RefCell<fs::Client>,
    shared: RefCell<Option<SharedBytes>>,
    /// Something was changed since the last synchronisation.
    changed: Cell<bool>,
    /// The server went away when something was: the next synchronisation has to say so.
    lost: Cell<bool>,
}

impl Server {
    pub(super) fn new(fs: fs::Client) -> Server {
        Server {
            fs: RefCell::new(fs),
            shared: RefCell::new(None),
            changed: Cell::new(false),
            lost: Cell::new(false),
        }
    }

    /// Asks the server something.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(&mut fs::Client) -> Result<T>) -> Result<T> {
        // Taken out, since whatever `ask` does may use this directory again.
        let mut fs = self.fs.borrow().clone();
        let result = ask(&mut fs);
        if let Err(error) = &result {
            self.failed(*error);
        }
        result
    }

    /// The same for what may be asked twice: if the server went away, it is asked again.
    pub(super) fn ask_again<T>(
        &self,
        mut ask: impl FnMut(&mut fs::Client) -> Result<T>,
    ) -> Result<T> {
        match self.ask(&mut ask) {
            Err(Error::PeerRestarted | Error::Closed) => self.ask(&mut ask),
            Err(error) if self.has_forgotten(error) => self.ask(&mut ask),
            result => result,
        }
    }

    /// The same for what changes something.
    pub(super) fn change<T>(&self, ask: impl FnOnce(&mut fs::Client) -> Result<T>) -> Result<T> {
        self.changed.set(true);
        self.ask(ask)
    }

    /// Notes that something will have to be synchronised.
    pub(super) fn changing(&self) {
        self.changed.set(true);
    }

    /// Whether an error means that the server does not know the shared memory: it was started anew, and the channel to it
    /// replaced before anybody asked. Nothing has happened then, and with memory that is shared anew it can be asked again.
    pub(super) fn has_forgotten(&self, error: Error) -> bool {
        error == Error::NotConnected && self.shared.borrow_mut().take().is_some()
    }

    /// Looks whether an error means that the server went away.
    pub(super) fn failed(&self, error: Error) -> bool {
        let gone = matches!(error, Error::PeerRestarted | Error::Closed);
        if gone {
            self.shared.borrow_mut().take();
            if self.changed.replace(false) {
                self.lost.set(true);
            }
        }
        gone
    }

    /// Waits until everything that was changed survives a loss of power.
    pub(super) fn sync(&self, sync: impl FnOnce(&mut fs::Client) -> Result<()>) -> Result<()> {
        self.ask(sync)?;
        self.synchronised()
    }

    /// Everything has been synchronised, unless it was lost before.
    pub(super) fn synchronised(&self) -> Result<()> {
        self.changed.set(false);
        match self.lost.replace(false) {
            true => Err(Error::Io),
            false => Ok(()),
        }
    }

    /// The memory that is shared with the server.
    pub(super) fn memory(&self) -> Result<SharedBytes> {
        if let Some(memory) = &*self.shared.borrow() {
            return Ok(memory.clone());
        }
        let folio = Folio::new(SHARED_LEN)?;
        let memory = folio.map()?;
        let rights = Rights::READ.union(Rights::WRITE).union(Rights::TRANSFER);
        self.ask_again(|fs| fs.share(folio.duplicate(rights)?))?;
        *self.shared.borrow_mut() = Some(memory.clone());
        Ok(memory)
    }
}

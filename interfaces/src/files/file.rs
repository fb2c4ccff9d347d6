//! Open files.

use alloc::rc::Rc;
use core::cell::RefCell;

use ftl::io::{Read, Write};
use ftl::time::Duration;
use ftl::{Error, Result};
use ring::SharedMemory;

use super::{Dir, Metadata, OpenOptions, Server};
use crate::fs::{Blocking as _, file, file::Blocking as _};

/// Bytes that travel in a message: the bound in `interfaces/fs.yml`.
const MESSAGE_LEN: usize = 4000;

/// An open file, as `std::fs::File`. Dropping it closes it.
///
/// It has a place at which reading and writing go on ([`File::seek_to`]); [`File::read_at`] and
/// [`File::write_at`] leave that alone.
pub struct File {
    server: Rc<Server>,
    /// Replaced when the server went away and is back.
    file: RefCell<file::Client>,
    options: OpenOptions,
    /// What it takes to open it again.
    id: u64,
    created_ns: u64,
    position: u64,
}

impl core::fmt::Debug for File {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "File({} at {})", self.id, self.position)
    }
}

impl File {
    /// Bytes that are moved at once, if there are as many.
    pub(super) const PART_LEN: usize = 32 * 1024;

    pub(super) fn open_in(dir: &Dir, path: &str, options: OpenOptions) -> Result<File> {
        let (server, path) = dir.route(path);
        let write = options.write || options.append;
        let changes = options.truncate || options.create || options.create_new;
        if changes {
            server.changing();
        }
        let opened = server.ask(|fs| {
            fs.open(
                &path,
                options.read,
                write,
                options.create,
                options.create_new,
                options.truncate,
            )
        })?;
        Ok(File {
            server,
            file: RefCell::new(opened.file),
            options,
            id: opened.metadata.id,
            created_ns: opened.metadata.created_ns,
            position: 0,
        })
    }

    /// What is known about it.
    pub fn metadata(&self) -> Result<Metadata> {
        self.asking(|file| file.metadata().map(Metadata))
    }

    /// Cuts it, or makes it longer with zeroes.
    pub fn set_len(&self, len: u64) -> Result<()> {
        self.changing(|file| file.set_len(len))
    }

    /// Sets when its contents changed last: time since the beginning of 1970, UTC.
    pub fn set_modified(&self, time: Duration) -> Result<()> {
        let unix_ns = u64::try_from(time.as_nanos()).map_err(|_| Error::InvalidArgument)?;
        self.changing(|file| file.set_modified(unix_ns))
    }

    /// Waits until what was written to it, and all that was changed before, survives a loss of power.
    pub fn sync_all(&self) -> Result<()> {
        // Asked again if the server went away: what was lost with it is known here.
        self.asking(|file| file.sync())?;
        self.server.synchronised()
    }

    /// Where reading and writing go on.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Sets where reading and writing go on, from the beginning.
    pub fn seek_to(&mut self, position: u64) {
        self.position = position;
    }

    /// Reads at a place; answers how many bytes. 0 is the end.
    pub fn read_at(&self, to: &mut [u8], offset: u64) -> Result<usize> {
        if to.len() <= MESSAGE_LEN {
            return self.asking(|file| {
                let bytes = file.read(offset, to.len() as u32)?;
                let len = bytes.len().min(to.len());
                to[..len].copy_from_slice(&bytes[..len]);
                Ok(len)
            });
        }
        let part = to.len().min(Self::PART_LEN);
        self.asking(|file| {
            let memory = self.server.memory()?;
            let len = file.read_shared(offset, 0, part as u32)? as usize;
            let len = len.min(part);
            memory.read(0, &mut to[..len]);
            Ok(len)
        })
    }

    /// Writes all bytes at a place.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        for (i, part) in bytes.chunks(Self::PART_LEN).enumerate() {
            let offset = offset + (i * Self::PART_LEN) as u64;
            if part.len() <= MESSAGE_LEN {
                self.changing(|file| file.write(offset, part))?;
                continue;
            }
            self.changing(|file| {
                self.server.memory()?.write(0, part);
                file.write_shared(offset, 0, part.len() as u32)
            })?;
        }
        Ok(())
    }

    /// Asks what may be asked twice: if the server went away, the file is opened again.
    fn asking<T>(&self, mut ask: impl FnMut(&mut file::Client) -> Result<T>) -> Result<T> {
        match self.once(&mut ask) {
            Err(Error::PeerRestarted | Error::Closed) => self.once(&mut ask),
            result => result,
        }
    }

    /// Asks for a change. If the server went away, nobody knows whether it happened: that is an error, and the
    /// next call finds the file open again.
    fn changing<T>(&self, mut ask: impl FnMut(&mut file::Client) -> Result<T>) -> Result<T> {
        self.server.changing();
        self.once(&mut ask)
    }

    fn once<T>(&self, ask: &mut impl FnMut(&mut file::Client) -> Result<T>) -> Result<T> {
        let mut file = self.file.borrow().clone();
        let mut result = ask(&mut file);
        if let Err(error) = &result
            && self.server.has_forgotten(*error)
        {
            result = ask(&mut file);
        }
        if let Err(error) = &result
            && self.server.failed(*error)
        {
            self.reopen()?;
        }
        result
    }

    fn reopen(&self) -> Result<()> {
        let write = self.options.write || self.options.append;
        let opened = self
            .server
            .ask_again(|fs| fs.reopen(self.id, self.created_ns, self.options.read, write))?;
        *self.file.borrow_mut() = opened.file;
        Ok(())
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let len = self.read_at(buffer, self.position)?;
        self.position += len as u64;
        Ok(len)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if !self.options.append {
            let part = &bytes[..bytes.len().min(Self::PART_LEN)];
            self.write_at(part, self.position)?;
            self.position += part.len() as u64;
            return Ok(part.len());
        }
        let part = &bytes[..bytes.len().min(MESSAGE_LEN)];
        let offset = self.changing(|file| file.append(part))?;
        self.position = offset + part.len() as u64;
        Ok(part.len())
    }

    /// Does nothing: nothing is collected here. See [`File::sync_all`].
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

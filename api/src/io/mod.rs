//! Bytes in and out: `std::io` as far as a component has it.
//!
//! - [`Stdin`], [`Stdout`] and [`Stderr`] are what commands get in their `Environ`;
//!   [`print!`](crate::print) and its kin write there.
//! - [`pipe`] makes a stream; its ends, [`PipeReader`] and [`PipeWriter`], wait when they must.
//! - [`Inlet`] and [`Outlet`] are the same ends for an event loop: they never wait.
//!
//! All of them speak `interfaces/stream.yml`. Errors are [`Error`]s: here is no
//! second type for them. A receiver that went away is [`Error::Closed`].
//!
//! Absent: seeking, and reading or writing several buffers at once.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use abi::{Error, Result};

mod buffered;
mod ends;
mod pipe;
mod standard;

pub use buffered::{BufReader, Lines};
pub use ends::{Inlet, Outlet, PIECE_LEN};
pub use pipe::{PipeReader, PipeWriter, pipe, pipe_on_demand};
pub(crate) use standard::{Output, complain, flush_output};
pub use standard::{Stderr, Stdin, Stdout};
#[doc(hidden)]
pub use standard::{print_stderr, print_stdout};

/// Something that bytes can be read from.
pub trait Read {
    /// Reads some bytes, waiting for the first; answers how many. 0 is the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;

    /// Reads until `buffer` is full. [`Error::UnexpectedEof`] if the end comes first.
    fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<()> {
        while !buffer.is_empty() {
            match self.read(buffer)? {
                0 => return Err(Error::UnexpectedEof),
                len => buffer = &mut buffer[len..],
            }
        }
        Ok(())
    }

    /// Appends everything up to the end; answers how many bytes that were.
    fn read_to_end(&mut self, to: &mut Vec<u8>) -> Result<usize> {
        let before = to.len();
        loop {
            let len = to.len();
            to.try_reserve(PIECE_LEN).map_err(|_| Error::OutOfMemory)?;
            to.resize(len + PIECE_LEN, 0);
            let read = self.read(&mut to[len..]);
            to.truncate(len + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                return Ok(to.len() - before);
            }
        }
    }

    /// Appends everything up to the end. [`Error::InvalidData`] if it is not UTF-8.
    fn read_to_string(&mut self, to: &mut String) -> Result<usize> {
        let mut bytes = Vec::new();
        let len = self.read_to_end(&mut bytes)?;
        to.push_str(core::str::from_utf8(&bytes).map_err(|_| Error::InvalidData)?);
        Ok(len)
    }
}

/// Something that bytes can be written to.
pub trait Write {
    /// Writes some bytes, waiting for room for the first; answers how many.
    fn write(&mut self, bytes: &[u8]) -> Result<usize>;

    /// Sends on what was collected.
    fn flush(&mut self) -> Result<()>;

    /// Writes all bytes.
    fn write_all(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            bytes = &bytes[self.write(bytes)?..];
        }
        Ok(())
    }

    /// Writes formatted text: `write!` and `writeln!` call this.
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<()> {
        struct Adapter<'a, W: ?Sized> {
            to: &'a mut W,
            error: Result<()>,
        }
        impl<W: Write + ?Sized> fmt::Write for Adapter<'_, W> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.error = self.to.write_all(text.as_bytes());
                self.error.map_err(|_| fmt::Error)
            }
        }
        let mut adapter = Adapter {
            to: self,
            error: Ok(()),
        };
        match fmt::write(&mut adapter, text) {
            Ok(()) => Ok(()),
            // What was to be written says itself that it cannot be.
            Err(fmt::Error) => adapter.error.and(Err(Error::InvalidData)),
        }
    }
}

/// A reader with a buffer inside, which can be looked at.
pub trait BufRead: Read {
    /// What is in the buffer, after waiting for some bytes if there are none. Empty at the end.
    fn fill_buf(&mut self) -> Result<&[u8]>;

    /// Takes so many bytes out of the buffer.
    fn consume(&mut self, len: usize);

    /// Appends bytes up to and with the next `delimiter`, or the end; answers how many.
    fn read_until(&mut self, delimiter: u8, to: &mut Vec<u8>) -> Result<usize> {
        let before = to.len();
        loop {
            let available = self.fill_buf()?;
            let (len, done) = match available.iter().position(|byte| *byte == delimiter) {
                Some(at) => (at + 1, true),
                None => (available.len(), available.is_empty()),
            };
            to.try_reserve(len).map_err(|_| Error::OutOfMemory)?;
            to.extend_from_slice(&available[..len]);
            self.consume(len);
            if done {
                return Ok(to.len() - before);
            }
        }
    }

    /// Appends the next line, with its line break; answers how many bytes it has, 0 at the end.
    /// [`Error::InvalidData`] if it is not UTF-8.
    fn read_line(&mut self, to: &mut String) -> Result<usize> {
        let mut bytes = Vec::new();
        let len = self.read_until(b'\n', &mut bytes)?;
        to.push_str(core::str::from_utf8(&bytes).map_err(|_| Error::InvalidData)?);
        Ok(len)
    }

    /// All further lines, without their line breaks.
    fn lines(self) -> Lines<Self>
    where
        Self: Sized,
    {
        Lines::new(self)
    }
}

impl<R: Read + ?Sized> Read for &mut R {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        (**self).read(buffer)
    }
}

impl<W: Write + ?Sized> Write for &mut W {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        (**self).write(bytes)
    }
    fn flush(&mut self) -> Result<()> {
        (**self).flush()
    }
}

impl<R: BufRead + ?Sized> BufRead for &mut R {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        (**self).fill_buf()
    }
    fn consume(&mut self, len: usize) {
        (**self).consume(len);
    }
}

impl Read for &[u8] {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let len = buffer.len().min(self.len());
        let (now, later) = self.split_at(len);
        buffer[..len].copy_from_slice(now);
        *self = later;
        Ok(len)
    }
}

impl BufRead for &[u8] {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        Ok(self)
    }
    fn consume(&mut self, len: usize) {
        *self = &self[len..];
    }
}

impl Write for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.try_reserve(bytes.len())
            .map_err(|_| Error::OutOfMemory)?;
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Copies everything from `from` to `to`; answers how many bytes that were.
pub fn copy(from: &mut (impl BufRead + ?Sized), to: &mut (impl Write + ?Sized)) -> Result<u64> {
    let mut all = 0;
    loop {
        let piece = from.fill_buf()?;
        let len = piece.len();
        if len == 0 {
            return Ok(all);
        }
        to.write_all(piece)?;
        from.consume(len);
        all += len as u64;
    }
}

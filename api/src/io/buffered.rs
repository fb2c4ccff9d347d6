//! Reading line by line.

use alloc::string::String;
use alloc::vec::Vec;

use abi::Result;

use super::{BufRead, PIECE_LEN, Read};

/// Gives a reader a buffer. What this crate offers for reading has one inside already.
pub struct BufReader<R> {
    inner: R,
    buffer: Vec<u8>,
    position: usize,
}

impl<R: Read> BufReader<R> {
    /// A buffer of one piece's length in front of `inner`.
    pub fn new(inner: R) -> BufReader<R> {
        BufReader {
            inner,
            buffer: Vec::new(),
            position: 0,
        }
    }
}

impl<R: Read> Read for BufReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let available = self.fill_buf()?;
        let len = available.len().min(buffer.len());
        buffer[..len].copy_from_slice(&available[..len]);
        self.consume(len);
        Ok(len)
    }
}

impl<R: Read> BufRead for BufReader<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.position == self.buffer.len() {
            self.position = 0;
            self.buffer.resize(PIECE_LEN, 0);
            let read = self.inner.read(&mut self.buffer);
            self.buffer.truncate(*read.as_ref().unwrap_or(&0));
            read?;
        }
        Ok(&self.buffer[self.position..])
    }
    fn consume(&mut self, len: usize) {
        self.position = (self.position + len).min(self.buffer.len());
    }
}

/// See [`BufRead::lines`].
pub struct Lines<R> {
    reader: R,
}

impl<R> Lines<R> {
    pub(super) fn new(reader: R) -> Lines<R> {
        Lines { reader }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => {
                if line.ends_with('\n') {
                    line.pop();
                    if line.ends_with('\r') {
                        line.pop();
                    }
                }
                Some(Ok(line))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

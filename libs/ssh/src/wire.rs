//! The types of RFC 4251, section 5, out of bytes and into them.

use alloc::vec::Vec;

use crate::fault::Fault;

/// Reads one value after the other.
#[derive(Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// What is read, for the reason if that fails.
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, which are a `what`.
    pub fn new(bytes: &'a [u8], what: &'static str) -> Reader<'a> {
        Reader { rest: bytes, what }
    }

    /// The next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], Fault> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(Fault::Malformed(self.what))?;
        self.rest = rest;
        Ok(bytes)
    }

    pub fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.bytes(1)?[0])
    }

    /// Any value but 0 is true.
    pub fn boolean(&mut self) -> Result<bool, Fault> {
        Ok(self.byte()? != 0)
    }

    pub fn u32(&mut self) -> Result<u32, Fault> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub fn string(&mut self) -> Result<&'a [u8], Fault> {
        let len = self.u32()?;
        self.bytes(len as usize)
    }

    /// A string that is UTF-8.
    pub fn text(&mut self) -> Result<&'a str, Fault> {
        core::str::from_utf8(self.string()?).map_err(|_| Fault::Malformed(self.what))
    }

    /// A string of exactly so many bytes.
    pub fn array<const LEN: usize>(&mut self) -> Result<[u8; LEN], Fault> {
        let string = self.string()?;
        string.try_into().map_err(|_| Fault::Malformed(self.what))
    }

    /// Nothing may be left.
    pub fn finish(self) -> Result<(), Fault> {
        match self.rest {
            [] => Ok(()),
            _ => Err(Fault::Malformed(self.what)),
        }
    }
}

/// Writes one value after the other.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A message with this number.
    pub fn message(number: u8) -> Writer {
        Writer {
            bytes: Vec::from([number]),
        }
    }

    pub fn byte(mut self, value: u8) -> Writer {
        self.bytes.push(value);
        self
    }

    pub fn boolean(self, value: bool) -> Writer {
        self.byte(value.into())
    }

    pub fn u32(self, value: u32) -> Writer {
        self.bytes(&value.to_be_bytes())
    }

    /// As they are, without a length before.
    pub fn bytes(mut self, bytes: &[u8]) -> Writer {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub fn string(self, bytes: &[u8]) -> Writer {
        self.u32(bytes.len() as u32).bytes(bytes)
    }

    /// A positive number, given by its bytes, the highest first.
    pub fn positive(self, bytes: &[u8]) -> Writer {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let bytes = &bytes[zeros..];
        // A highest bit would be a sign.
        match bytes.first() {
            Some(0x80..) => self.u32(bytes.len() as u32 + 1).byte(0).bytes(bytes),
            _ => self.string(bytes),
        }
    }

    pub fn done(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_in_the_standard() {
        let mpint = |bytes: &[u8]| Writer::default().positive(bytes).done();
        assert_eq!(mpint(&[0, 0]), [0, 0, 0, 0]);
        assert_eq!(
            mpint(&[0, 0x09, 0xa3, 0x78]),
            [0, 0, 0, 3, 0x09, 0xa3, 0x78]
        );
        assert_eq!(mpint(&[0x80]), [0, 0, 0, 2, 0, 0x80]);
    }

    #[test]
    fn what_is_cut_off_is_malformed() {
        let whole = Writer::message(7).string(b"abc").u32(5).done();
        let read = |bytes: &[u8]| -> Result<(), Fault> {
            let mut reader = Reader::new(bytes, "test");
            reader.byte()?;
            reader.string()?;
            reader.u32()?;
            reader.finish()
        };
        assert_eq!(read(&whole), Ok(()));
        for len in 0..whole.len() {
            assert_eq!(read(&whole[..len]), Err(Fault::Malformed("test")));
        }
        let mut reader = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1], "test");
        assert!(reader.string().is_err());
    }
}

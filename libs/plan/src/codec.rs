//! Writing and reading the plan's bytes: integers little-endian and unaligned, everything with
//! a length preceded by it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;

#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
    pub fn blob(&mut self, value: &[u8]) {
        // The host's tool bounds all lengths far below this.
        self.u32(value.len() as u32);
        self.bytes.extend_from_slice(value);
    }
    pub fn str(&mut self, value: &str) {
        self.blob(value.as_bytes());
    }
    pub fn list<T>(&mut self, items: &[T], mut encode: impl FnMut(&mut Writer, &T)) {
        self.u32(items.len() as u32);
        for item in items {
            encode(self, item);
        }
    }
}

pub struct Reader<'a> {
    all: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub fn new(all: &'a [u8]) -> Reader<'a> {
        Reader { all, position: 0 }
    }
    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let end = self.position.checked_add(len).ok_or(Error::Truncated)?;
        let bytes = self.all.get(self.position..end).ok_or(Error::Truncated)?;
        self.position = end;
        Ok(bytes)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.take(N)?.try_into().map_err(|_| Error::Truncated)
    }
    pub fn u8_up_to(&mut self, most: u8) -> Result<u8, Error> {
        let at = self.position;
        let [value] = self.array()?;
        if value > most {
            Err(Error::Invalid(at))
        } else {
            Ok(value)
        }
    }
    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }
    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }
    pub fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(u64::from_le_bytes)
    }
    pub fn blob(&mut self) -> Result<&'a [u8], Error> {
        let len = self.u32()? as usize;
        self.take(len)
    }
    pub fn str(&mut self) -> Result<String, Error> {
        let at = self.position;
        let text = core::str::from_utf8(self.blob()?).map_err(|_| Error::Invalid(at))?;
        Ok(text.into())
    }
    pub fn list<T>(
        &mut self,
        most: usize,
        mut decode: impl FnMut(&mut Reader<'a>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let at = self.position;
        let count = self.u32()? as usize;
        if count > most {
            return Err(Error::Invalid(at));
        }
        // Not with the capacity that the plan claims: a damaged one must not use up the memory.
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(decode(self)?);
        }
        Ok(items)
    }
    pub fn finish(self) -> Result<(), Error> {
        if self.position == self.all.len() {
            Ok(())
        } else {
            Err(Error::Invalid(self.position))
        }
    }
}

//! Rows of a database as bytes: what the interface `sql` carries.
//!
//! An answer is a series of values: the columns' names, and then row after row. Each value is a byte that says what
//! it is, and its bytes: of numbers 8, of texts and blobs their length in 4 bytes before them. All numbers
//! are little-endian.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// Another number.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl Value<'_> {
    /// Adds the value to an answer.
    pub fn encode(&self, bytes: &mut Vec<u8>) {
        let (tag, content) = match self {
            Value::Null => return bytes.push(0),
            Value::Integer(number) => {
                bytes.push(1);
                return bytes.extend(number.to_le_bytes());
            }
            Value::Real(number) => {
                bytes.push(2);
                return bytes.extend(number.to_le_bytes());
            }
            Value::Text(text) => (3, text.as_bytes()),
            Value::Blob(content) => (4, *content),
        };
        bytes.push(tag);
        bytes.extend((content.len() as u32).to_le_bytes());
        bytes.extend_from_slice(content);
    }

    /// How many bytes it takes.
    pub fn encoded_len(&self) -> usize {
        match self {
            Value::Null => 1,
            Value::Integer(_) | Value::Real(_) => 9,
            Value::Text(text) => 5 + text.len(),
            Value::Blob(bytes) => 5 + bytes.len(),
        }
    }
}

/// The values of an answer. Ends early if the bytes are none.
#[derive(Clone, Debug)]
pub struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    /// The values that these bytes are.
    pub fn new(bytes: &'a [u8]) -> Values<'a> {
        Values(bytes)
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<[u8; 8]> {
        self.take(8)?.try_into().ok()
    }

    fn content(&mut self) -> Option<&'a [u8]> {
        let len = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.take(len as usize)
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        match self.take(1)?[0] {
            0 => Some(Value::Null),
            1 => Some(Value::Integer(i64::from_le_bytes(self.number()?))),
            2 => Some(Value::Real(f64::from_le_bytes(self.number()?))),
            3 => core::str::from_utf8(self.content()?).ok().map(Value::Text),
            4 => self.content().map(Value::Blob),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_damage_ends_them() {
        let all = [
            Value::Null,
            Value::Integer(-5),
            Value::Real(0.25),
            Value::Text("ü"),
            Value::Blob(&[1, 0, 255]),
        ];
        let mut bytes = Vec::new();
        for value in &all {
            let before = bytes.len();
            value.encode(&mut bytes);
            assert_eq!(bytes.len() - before, value.encoded_len());
        }
        assert!(Values::new(&bytes).eq(all));
        for len in 0..bytes.len() {
            assert!(Values::new(&bytes[..len]).count() < all.len());
        }
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0xff;
            let _ = Values::new(&bad).count();
        }
    }
}

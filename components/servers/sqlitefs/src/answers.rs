//! Answers that are too long for a message: kept for each client until it asks something else, and fetched in parts.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ftl::prelude::*;
use rows::Value;

/// Bytes of one answer.
const ANSWER_LEN_MAX: usize = 256 << 10;
/// Bytes of a part: the bound in `interfaces/sql.yml` and `interfaces/snapshots.yml`.
const PART_LEN_MAX: usize = 4000;

/// The answers that clients may still fetch.
#[derive(Default)]
pub struct Answers(BTreeMap<Connection, Vec<u8>>);

impl Answers {
    /// Keeps an answer, and answers how long it is.
    pub fn keep(&mut self, client: Connection, bytes: Vec<u8>) -> u32 {
        let len = bytes.len() as u32;
        self.0.insert(client, bytes);
        len
    }

    /// A part of a client's answer; nothing behind its end.
    pub fn part(&self, client: Connection, at: u32) -> Result<&[u8]> {
        let bytes = self.0.get(&client).ok_or(Error::NotFound)?;
        let rest = bytes.get(at as usize..).unwrap_or(&[]);
        Ok(&rest[..rest.len().min(PART_LEN_MAX)])
    }

    /// A client is gone, or asks something else.
    pub fn left(&mut self, client: Connection) {
        self.0.remove(&client);
    }
}

/// Adds a value to an answer. `OutOfMemory` if that makes it too long.
pub fn add(bytes: &mut Vec<u8>, value: Value<'_>) -> Result<()> {
    let len = value.encoded_len();
    if bytes.len() + len > ANSWER_LEN_MAX || bytes.try_reserve(len).is_err() {
        return Err(Error::OutOfMemory);
    }
    value.encode(bytes);
    Ok(())
}

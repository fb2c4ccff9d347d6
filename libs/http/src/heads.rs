//! A head that is made once and sent again: most answers are like the one before.

use alloc::vec::Vec;

use crate::response::{Framing, KeepAlive, Response, write_head};
use crate::{Length, Status};

/// The head of the last answer of known length, for all connections of a server together. See
/// [`crate::Connection::respond_alike`].
#[derive(Default)]
pub struct Heads {
    last: Option<Key>,
    bytes: Vec<u8>,
}

/// All that a head without further fields depends on.
#[derive(Clone, Copy)]
struct Key {
    status: Status,
    content_type: &'static str,
    len: u64,
    keep_alive: KeepAlive,
}

impl Key {
    /// Texts that are alike but lie elsewhere count as different: then the head is made anew.
    fn is(&self, other: &Key) -> bool {
        self.len == other.len
            && self.status == other.status
            && self.keep_alive == other.keep_alive
            && core::ptr::eq(self.content_type, other.content_type)
    }
}

impl Heads {
    /// The head of this answer, so long that it and the body together fill whole words of eight bytes.
    ///
    /// The next answer on the connection then begins at a whole word, and all who copy the two on their way copy
    /// words and not bytes.
    pub(crate) fn of(
        &mut self,
        response: &Response<'_>,
        framing: Framing,
        keep_alive: KeepAlive,
    ) -> &[u8] {
        let key = match (response.length, response.headers) {
            (Length::Fixed(len), []) if framing == Framing::Length(len) => Some(Key {
                status: response.status,
                content_type: response.content_type,
                len,
                keep_alive,
            }),
            _ => None,
        };
        let is_same = match (&key, &self.last) {
            (Some(key), Some(last)) => key.is(last),
            _ => false,
        };
        if !is_same {
            self.bytes.clear();
            write_head(response, framing, keep_alive, true, &mut self.bytes);
            self.last = key;
        }
        &self.bytes
    }
}

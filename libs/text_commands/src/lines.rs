//! From pieces of bytes to lines.

use alloc::format;
use alloc::vec::Vec;

use crate::options::{Failure, Result};

/// No line may be longer, where a whole one is needed.
pub const LINE_LEN_MAX: usize = 64 * 1024;

/// Gathers pieces until a line is whole.
#[derive(Default)]
pub struct Lines {
    line: Vec<u8>,
}

impl Lines {
    /// Hands each line that the piece completes to a function, without its end, until that wants no more.
    pub fn piece(
        &mut self,
        mut piece: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<bool>,
    ) -> Result<bool> {
        while let Some(at) = piece.iter().position(|byte| *byte == b'\n') {
            let more = match self.line.is_empty() {
                true => each(&piece[..at])?,
                false => {
                    self.line.extend_from_slice(&piece[..at]);
                    let more = each(&self.line)?;
                    self.line.clear();
                    more
                }
            };
            if !more {
                return Ok(false);
            }
            piece = &piece[at + 1..];
        }
        self.line.extend_from_slice(piece);
        match self.line.len() > LINE_LEN_MAX {
            true => Err(Failure::new(format!(
                "a line is longer than {LINE_LEN_MAX} bytes"
            ))),
            false => Ok(true),
        }
    }

    /// The last line, if it has no end.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        let line = core::mem::take(&mut self.line);
        (!line.is_empty()).then_some(line)
    }
}

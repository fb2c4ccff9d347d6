//! What goes through the port `ftl.host`, between the tool `./ftl` outside and the component
//! `exec` inside (rule 27): commands and input go in; output, complaints, reports of crashes and the status come out.
//!
//! A port carries plain bytes, so they travel in frames: a kind, the length of what follows, and that.
//! Both sides use [`write`] and [`Reader`], so there is one description of the layout.
//!
//! ```text
//! kind: u8 · 0: u8 · length: u16, little-endian · so many bytes
//! ```
//!
//! Absent on purpose: any notion of time, retries and acknowledgements. The port loses nothing, and
//! holds the sender back while the other side does not read.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;
use core::fmt;

/// The port's name.
pub const PORT_NAME: &str = "ftl.host";
/// Most bytes in a frame; longer things come in several.
pub const FRAME_LEN_MAX: usize = 4096;
/// Bytes in front of each frame.
pub const HEADER_LEN: usize = 4;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Inwards: a part of the commands, as text.
    Commands = 1,
    /// Inwards: that were all commands; they are to be run.
    Run = 2,
    /// Inwards: a part of their standard input.
    Input = 3,
    /// Inwards: the end of it.
    InputEnd = 4,
    /// Outwards: a part of their standard output.
    Output = 16,
    /// Outwards: a part of their standard error.
    Errors = 17,
    /// Outwards: they have ended. Eight bytes: the status, little-endian. The last frame.
    Status = 18,
    /// Outwards: a part of a report, for programs: a JSON object.
    Report = 19,
    /// Outwards: that was all of the report.
    ReportEnd = 20,
}

impl Kind {
    fn from_number(number: u8) -> Option<Kind> {
        Some(match number {
            1 => Kind::Commands,
            2 => Kind::Run,
            3 => Kind::Input,
            4 => Kind::InputEnd,
            16 => Kind::Output,
            17 => Kind::Errors,
            18 => Kind::Status,
            19 => Kind::Report,
            20 => Kind::ReportEnd,
            _ => return None,
        })
    }
}

/// Appends frames with these bytes: as many as it takes, and one at least.
pub fn write(kind: Kind, bytes: &[u8], to: &mut Vec<u8>) {
    let mut rest = bytes;
    loop {
        let (now, later) = rest.split_at(rest.len().min(FRAME_LEN_MAX));
        to.extend_from_slice(&[kind as u8, 0]);
        // At most FRAME_LEN_MAX.
        to.extend_from_slice(&(now.len() as u16).to_le_bytes());
        to.extend_from_slice(now);
        if later.is_empty() {
            return;
        }
        rest = later;
    }
}

/// The other side sent something that is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other side of the port `ftl.host` speaks another language")
    }
}

impl core::error::Error for Malformed {}

/// Takes frames out of bytes that come in any pieces.
#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
    /// How much of `bytes` has been read.
    position: usize,
}

impl Reader {
    /// Adds bytes that came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.position);
        self.position = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next frame, if all of it is there.
    pub fn next_frame(&mut self) -> Result<Option<(Kind, &[u8])>, Malformed> {
        let rest = &self.bytes[self.position..];
        let Some((&[kind, zero, low, high], behind)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let len = usize::from(u16::from_le_bytes([low, high]));
        let kind = Kind::from_number(kind).ok_or(Malformed)?;
        if zero != 0 || len > FRAME_LEN_MAX {
            return Err(Malformed);
        }
        if behind.len() < len {
            return Ok(None);
        }
        let start = self.position + HEADER_LEN;
        self.position = start + len;
        Ok(Some((kind, &self.bytes[start..start + len])))
    }

    /// How many bytes are here that have not been read.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn all_frames(reader: &mut Reader) -> Vec<(Kind, Vec<u8>)> {
        let mut frames = Vec::new();
        while let Some((kind, bytes)) = reader.next_frame().unwrap() {
            frames.push((kind, bytes.to_vec()));
        }
        frames
    }

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let long: Vec<u8> = (0..FRAME_LEN_MAX + 10).map(|i| i as u8).collect();
        let mut bytes = Vec::new();
        write(Kind::Output, &long, &mut bytes);
        write(Kind::InputEnd, &[], &mut bytes);
        write(Kind::Status, &7_u64.to_le_bytes(), &mut bytes);
        let expected = vec![
            (Kind::Output, long[..FRAME_LEN_MAX].to_vec()),
            (Kind::Output, long[FRAME_LEN_MAX..].to_vec()),
            (Kind::InputEnd, vec![]),
            (Kind::Status, 7_u64.to_le_bytes().to_vec()),
        ];
        for piece in [1, 2, 3, 5, 1000, 4099, bytes.len()] {
            let mut reader = Reader::default();
            let mut frames = Vec::new();
            for part in bytes.chunks(piece) {
                reader.push(part);
                frames.extend(all_frames(&mut reader));
            }
            assert_eq!(frames, expected, "in pieces of {piece}");
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        for bad in [
            [0, 0, 0, 0],
            [5, 0, 0, 0],
            [16, 1, 0, 0],
            [16, 0, 1, 16],
            [255; 4],
        ] {
            let mut reader = Reader::default();
            reader.push(&bad);
            assert_eq!(reader.next_frame(), Err(Malformed), "{bad:?}");
        }
    }
}

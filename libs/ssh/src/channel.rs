//! A channel: one session of a client, with its two windows (RFC 4254, section 5).

use alloc::string::String;
use alloc::vec::Vec;

use crate::fault::Fault;
use crate::wire::{Reader, Writer};

pub const OPEN: u8 = 90;
pub const OPEN_CONFIRMATION: u8 = 91;
pub const OPEN_FAILURE: u8 = 92;
pub const WINDOW_ADJUST: u8 = 93;
pub const DATA: u8 = 94;
pub const EXTENDED_DATA: u8 = 95;
pub const EOF: u8 = 96;
pub const CLOSE: u8 = 97;
pub const REQUEST: u8 = 98;
pub const SUCCESS: u8 = 99;
pub const FAILURE: u8 = 100;

/// Channels of a connection at once.
pub const CHANNELS_MAX: usize = 4;
/// Bytes that a client may send on a channel before its owner has taken any.
pub const WINDOW: u32 = 16 * 1024;
/// Bytes of a piece that we take.
pub const DATA_MAX: u32 = 16 * 1024;

/// Where output belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output, or the terminal.
    Out,
    /// Standard error.
    Errors,
}

/// A channel's state.
pub struct Channel {
    /// The client's number for it.
    pub theirs: u32,
    /// What we may still send, and how much of it at once.
    pub window: u32,
    pub piece_max: u32,
    /// What the client may still send, and what was taken and is not granted again yet.
    pub granted: u32,
    pub taken: u32,
    /// A shell or a command was asked for.
    pub has_started: bool,
    pub has_terminal: bool,
    /// The client sends no more.
    pub has_ended: bool,
    pub close_sent: bool,
}

impl Channel {
    /// Takes so many bytes out of what the client may send.
    pub fn received(&mut self, len: usize) -> Result<(), Fault> {
        self.granted = u32::try_from(len)
            .ok()
            .and_then(|len| self.granted.checked_sub(len))
            .ok_or(Fault::Limit("bytes on a channel"))?;
        Ok(())
    }

    /// So many bytes were taken. Answers the message that lets the client send more, when it is worth one.
    pub fn took(&mut self, len: usize) -> Option<Vec<u8>> {
        self.taken += len as u32;
        if self.taken < WINDOW / 2 || self.has_ended {
            return None;
        }
        let more = core::mem::take(&mut self.taken);
        self.granted += more;
        Some(self.message(WINDOW_ADJUST).u32(more).done())
    }

    /// A message about this channel.
    pub fn message(&self, number: u8) -> Writer {
        Writer::message(number).u32(self.theirs)
    }

    /// A request that wants no answer.
    pub fn request(&self, kind: &[u8]) -> Writer {
        self.message(REQUEST).string(kind).boolean(false)
    }
}

/// What a client asks for on a channel.
#[derive(Debug, PartialEq)]
pub enum Request {
    Terminal {
        kind: String,
        columns: u32,
        rows: u32,
    },
    Resized {
        columns: u32,
        rows: u32,
    },
    Shell,
    Command(String),
    Signal(String),
    Other,
}

/// Reads what is behind a request's channel: the request, and whether it wants an answer.
pub fn read_request(reader: &mut Reader<'_>) -> Result<(Request, bool), Fault> {
    let kind = reader.string()?;
    let wants_answer = reader.boolean()?;
    let request = match kind {
        b"pty-req" => {
            let kind = reader.text()?.into();
            let (columns, rows) = (reader.u32()?, reader.u32()?);
            Request::Terminal {
                kind,
                columns,
                rows,
            }
        }
        b"window-change" => {
            let (columns, rows) = (reader.u32()?, reader.u32()?);
            Request::Resized { columns, rows }
        }
        b"shell" => Request::Shell,
        b"exec" => match core::str::from_utf8(reader.string()?) {
            Ok(command) => Request::Command(command.into()),
            Err(_) => Request::Other,
        },
        b"signal" => Request::Signal(reader.text()?.into()),
        _ => Request::Other,
    };
    Ok((request, wants_answer))
}

//! How the body of a request is cut out of the stream (RFC 9112, sections 6 and 7).

use crate::Status;
use crate::limits::{CHUNK_LINE_MAX, TRAILERS_MAX};

/// Where in a body we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// So many bytes are still to come.
    Fixed(u64),
    /// In the line with a chunk's size: what was read of the number, whether there was a digit,
    /// bytes of the line so far, and what part of the line we are in.
    Size {
        value: u64,
        digits: bool,
        len: usize,
        part: LinePart,
    },
    /// So many bytes of the chunk are still to come.
    Data(u64),
    /// Behind a chunk's data: CR or LF.
    DataEnd { cr: bool },
    /// In the trailers: bytes so far, and whether the current line is empty so far.
    Trailers { len: usize, empty: bool, cr: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinePart {
    Number,
    Extension,
    Cr,
}

/// What a piece of input held.
pub(crate) enum Piece<'a> {
    /// Bytes of the body.
    Data(&'a [u8]),
    /// The body is complete.
    End,
    /// More input is needed.
    More,
    /// The client broke the rules.
    Error(Status),
}

impl Body {
    pub const CHUNKED: Body = Body::Size {
        value: 0,
        digits: false,
        len: 0,
        part: LinePart::Number,
    };

    /// Goes on with `input`: how much of it was used, and what it was.
    pub fn receive<'a>(&mut self, input: &'a [u8]) -> (usize, Piece<'a>) {
        let mut used = 0;
        loop {
            if *self == Body::Fixed(0) {
                return (used, Piece::End);
            }
            let Some(&byte) = input.get(used) else {
                return (used, Piece::More);
            };
            match self {
                Body::Fixed(left) | Body::Data(left) => {
                    let len = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(input.len() - used);
                    *left -= len as u64;
                    if *self == Body::Data(0) {
                        *self = Body::DataEnd { cr: false };
                    }
                    return (used + len, Piece::Data(&input[used..used + len]));
                }
                Body::Size {
                    value,
                    digits,
                    len,
                    part,
                } => {
                    *len += 1;
                    if *len > CHUNK_LINE_MAX {
                        return (used, Piece::Error(Status::BAD_REQUEST));
                    }
                    match (*part, byte) {
                        (LinePart::Number, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                            let digit = (byte as char).to_digit(16).unwrap_or(0) as u64;
                            // Room for the sum of all chunks, too.
                            if *value >= 1 << 55 {
                                return (used, Piece::Error(Status::CONTENT_TOO_LARGE));
                            }
                            *value = *value << 4 | digit;
                            *digits = true;
                        }
                        (LinePart::Number, b';' | b' ' | b'\t') if *digits => {
                            *part = LinePart::Extension
                        }
                        (LinePart::Number | LinePart::Extension, b'\r') if *digits => {
                            *part = LinePart::Cr
                        }
                        (LinePart::Cr, b'\n') => {
                            *self = match *value {
                                0 => Body::Trailers {
                                    len: 0,
                                    empty: true,
                                    cr: false,
                                },
                                value => Body::Data(value),
                            };
                        }
                        (LinePart::Extension, b' '..=b'~' | b'\t' | 0x80..) => {}
                        // A bare LF, too: not every proxy agrees that it ends the line.
                        _ => return (used, Piece::Error(Status::BAD_REQUEST)),
                    }
                }
                Body::DataEnd { cr } => match (*cr, byte) {
                    (false, b'\r') => *cr = true,
                    (true, b'\n') => *self = Body::CHUNKED,
                    _ => return (used, Piece::Error(Status::BAD_REQUEST)),
                },
                Body::Trailers { len, empty, cr } => {
                    *len += 1;
                    if *len > TRAILERS_MAX {
                        return (used, Piece::Error(Status::HEADER_FIELDS_TOO_LARGE));
                    }
                    match (*cr, byte) {
                        (false, b'\r') => *cr = true,
                        (true, b'\n') if *empty => {
                            *self = Body::Fixed(0);
                        }
                        (true, b'\n') => (*empty, *cr) = (true, false),
                        (false, b' '..=b'~' | b'\t' | 0x80..) => *empty = false,
                        _ => return (used, Piece::Error(Status::BAD_REQUEST)),
                    }
                }
            }
            used += 1;
        }
    }
}

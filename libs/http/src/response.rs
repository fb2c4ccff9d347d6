//! The head of a response, and how its body is framed.

use alloc::vec::Vec;

use crate::Status;

/// How long a response's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// So many bytes.
    Fixed(u64),
    /// Not known when it begins: it is sent in chunks, or to an old client until the connection closes.
    Unknown,
}

/// The head of a response.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// The status.
    pub status: Status,
    /// What the body is. Empty: no such field.
    pub content_type: &'static str,
    /// How long the body is.
    pub length: Length,
    /// Further header fields. Those that say how the body is framed, or how the connection goes
    /// on, are written by [`crate::Connection::respond`] and do not belong here.
    pub headers: &'a [(&'a str, &'a str)],
}

impl Response<'_> {
    /// A response with a body of this kind and length, and nothing special.
    pub const fn new(status: Status, content_type: &'static str, len: u64) -> Response<'static> {
        Response {
            status,
            content_type,
            length: Length::Fixed(len),
            headers: &[],
        }
    }
}

/// Writes the head. Line breaks in what came from elsewhere would begin a new field, or a
/// response of someone else's making: they are left out. `whole_words` says that head and body together are to be a
/// multiple of eight bytes long, for which spaces are put in front of the length (RFC 9110, section 5.5, allows them).
pub(crate) fn write_head(
    response: &Response<'_>,
    framing: Framing,
    keep_alive: KeepAlive,
    whole_words: bool,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    // Enough for most heads, so that it grows once.
    out.reserve(192);
    out.extend_from_slice(b"HTTP/1.1 ");
    write_decimal(response.status.0 as u64, out);
    out.push(b' ');
    out.extend_from_slice(response.status.reason().as_bytes());
    out.extend_from_slice(b"\r\n");
    if !response.content_type.is_empty() {
        out.extend_from_slice(b"content-type: ");
        out.extend_from_slice(response.content_type.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    for &(name, value) in response.headers {
        write_clean(name, |b| b.is_ascii_graphic() && b != b':', out);
        out.extend_from_slice(b": ");
        write_clean(value, |b| b >= b' ' && b != 0x7f || b == b'\t', out);
        out.extend_from_slice(b"\r\n");
    }
    match keep_alive {
        KeepAlive::No => out.extend_from_slice(b"connection: close\r\n"),
        // RFC 9112, appendix C.2.2: a client of version 1.0 waits for the end of the connection
        // unless it is told that there will be none.
        KeepAlive::Told => out.extend_from_slice(b"connection: keep-alive\r\n"),
        KeepAlive::Understood => {}
    }
    match framing {
        Framing::Length(len) => {
            out.extend_from_slice(b"content-length: ");
            let at = out.len();
            write_decimal(len, out);
            out.extend_from_slice(b"\r\n");
            if whole_words {
                const END: usize = 2;
                let all = (out.len() - start + END) as u64 + len % 8;
                let missing = all.next_multiple_of(8) - all;
                out.splice(at..at, (0..missing).map(|_| b' '));
            }
        }
        Framing::Chunks => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::UntilClose | Framing::None => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes a text without the bytes that may not stand there. Mostly there are none.
fn write_clean(text: &str, allowed: impl Fn(u8) -> bool, out: &mut Vec<u8>) {
    if text.bytes().all(&allowed) {
        out.extend_from_slice(text.as_bytes());
    } else {
        out.extend(text.bytes().filter(|&b| allowed(b)));
    }
}

/// Whether the connection goes on after the response, and whether that has to be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeepAlive {
    No,
    Told,
    Understood,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunks,
    UntilClose,
    None,
}

pub(crate) fn write_chunk(data: &[u8], out: &mut Vec<u8>) {
    let mut digits = [0; 16];
    let mut at = digits.len();
    let mut len = data.len();
    while at == digits.len() || len > 0 {
        at -= 1;
        digits[at] = b"0123456789abcdef"[len & 15];
        len >>= 4;
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

fn write_decimal(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while at == digits.len() || value > 0 {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

//! The head of a request.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use crate::Status;
use crate::body::Body;
use crate::limits::{HEADERS_MAX, Limits};

/// Where a piece of the head lies in the buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    fn of(part: &[u8], whole: &[u8]) -> Span {
        // `part` is always a part of `whole`; both addresses are only compared.
        Span {
            start: (part.as_ptr() as usize - whole.as_ptr() as usize) as u32,
            len: part.len() as u32,
        }
    }
    fn get(self, whole: &[u8]) -> &[u8] {
        &whole[self.start as usize..][..self.len as usize]
    }
}

/// What was found in a head, as places in its bytes.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub method: Span,
    pub target: Span,
    pub headers: Vec<(Span, Span)>,
    /// The connection goes on after this request, as far as the client is concerned.
    pub keep_alive: bool,
    /// The client speaks HTTP/1.1, so chunks may be sent to it.
    pub version_1_1: bool,
    pub is_head: bool,
    /// It waits to be told that its body is wanted.
    pub expects_continue: bool,
}

/// A request, as far as it is known once its head is there.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub(crate) head: &'a Head,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Request<'a> {
    /// The method, `GET` for example.
    pub fn method(&self) -> &'a str {
        // Those that most requests have need not be looked through.
        match self.head.method.get(self.bytes) {
            b"GET" => "GET",
            b"HEAD" => "HEAD",
            b"POST" => "POST",
            other => text(other),
        }
    }
    /// The target as it was sent, with its query and still encoded.
    pub fn target(&self) -> &'a str {
        text(self.head.target.get(self.bytes))
    }
    /// The target up to its query, still encoded (see [`percent_decode`]).
    pub fn path(&self) -> &'a str {
        let target = self.target();
        let end = target.bytes().position(|b| b == b'?' || b == b'#');
        &target[..end.unwrap_or(target.len())]
    }
    /// The same as bytes, for those who only compare it.
    pub fn path_bytes(&self) -> &'a [u8] {
        let target = self.head.target.get(self.bytes);
        let end = target.iter().position(|&b| b == b'?' || b == b'#');
        &target[..end.unwrap_or(target.len())]
    }
    /// What follows the `?`.
    pub fn query(&self) -> Option<&'a str> {
        self.target()
            .split_once('?')
            .map(|(_, query)| query.split('#').next().unwrap_or(""))
    }
    /// The value of a parameter of the query, still encoded.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query()?.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then_some(value)
        })
    }
    /// The value of a header field, if it is there and is text. Names are compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| core::str::from_utf8(value).ok())
    }
    /// All header fields in order.
    pub fn headers(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let bytes = self.bytes;
        self.head
            .headers
            .iter()
            .map(move |(name, value)| (text(name.get(bytes)), value.get(bytes)))
    }
}

/// httparse lets only ASCII through in these places.
fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap_or("")
}

/// Parses the head that the bytes begin with, and tells how long it is; `None` if its end is not there. `spans` is an empty
/// list that may have room already.
pub(crate) fn parse(
    bytes: &[u8],
    limits: &Limits,
    spans: Vec<(Span, Span)>,
) -> Result<Option<(Head, Body, usize)>, Status> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let len = match request.parse_with_uninit_headers(bytes, &mut headers) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Status::HEADER_FIELDS_TOO_LARGE),
        Err(httparse::Error::Version) => {
            // "HTTP/2.0" is a version that we do not speak; "HTTQ/1.1" is nonsense.
            let line = bytes
                .split(|&b| b == b'\n')
                .find(|line| line.len() > 1)
                .unwrap_or(&[]);
            let known = line
                .windows(6)
                .any(|w| w[..5] == *b"HTTP/" && w[5].is_ascii_digit());
            return Err(if known {
                Status::VERSION_NOT_SUPPORTED
            } else {
                Status::BAD_REQUEST
            });
        }
        Err(_) => return Err(Status::BAD_REQUEST),
    };
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(Status::BAD_REQUEST);
    };
    if target.len() > limits.target_max {
        return Err(Status::URI_TOO_LONG);
    }
    if !target.starts_with('/') && target != "*" && !target.starts_with("http://") {
        return Err(Status::BAD_REQUEST);
    }

    let version_1_1 = minor == 1;
    let mut head = Head {
        method: Span::of(method.as_bytes(), bytes),
        target: Span::of(target.as_bytes(), bytes),
        headers: spans,
        keep_alive: version_1_1,
        version_1_1,
        is_head: method == "HEAD",
        expects_continue: false,
    };
    head.headers.reserve(request.headers.len());
    let mut hosts = 0;
    let mut length: Option<u64> = None;
    let mut chunked = false;
    for header in request.headers.iter() {
        head.headers.push((
            Span::of(header.name.as_bytes(), bytes),
            Span::of(header.value, bytes),
        ));
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("host") {
            hosts += 1;
        } else if is("content-length") {
            // Digits only: "+5" and "5, 5" are read differently by different programs.
            let digits = !header.value.is_empty() && header.value.iter().all(u8::is_ascii_digit);
            let value = core::str::from_utf8(header.value)
                .ok()
                .filter(|_| digits && header.value.len() < 19);
            let value: u64 = value
                .and_then(|value| value.parse().ok())
                .ok_or(Status::BAD_REQUEST)?;
            if length.replace(value).is_some() {
                return Err(Status::BAD_REQUEST);
            }
        } else if is("transfer-encoding") {
            if chunked || !version_1_1 {
                return Err(Status::BAD_REQUEST);
            }
            if !header.value.eq_ignore_ascii_case(b"chunked") {
                return Err(Status::NOT_IMPLEMENTED);
            }
            chunked = true;
        } else if is("connection") {
            for option in header.value.split(|&b| b == b',') {
                let option = option.trim_ascii();
                if option.eq_ignore_ascii_case(b"close") {
                    head.keep_alive = false;
                } else if option.eq_ignore_ascii_case(b"keep-alive") && !version_1_1 {
                    head.keep_alive = true;
                }
            }
        } else if is("expect") {
            if !header.value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Status::EXPECTATION_FAILED);
            }
            head.expects_continue = version_1_1;
        }
    }
    // RFC 9112, section 3.2.
    if hosts > 1 || (hosts == 0 && version_1_1) {
        return Err(Status::BAD_REQUEST);
    }
    let body = match (length, chunked) {
        (Some(_), true) => return Err(Status::BAD_REQUEST),
        (Some(length), false) if length > limits.body_max => return Err(Status::CONTENT_TOO_LARGE),
        (Some(length), false) => Body::Fixed(length),
        (None, true) => Body::CHUNKED,
        (None, false) => Body::Fixed(0),
    };
    head.expects_continue &= body != Body::Fixed(0);
    Ok(Some((head, body, len)))
}

/// Decodes `%41` to `A` (RFC 3986, section 2.1). `None` if the result is not UTF-8, or a `%` is not
/// followed by two digits.
pub fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || (rest.next()? as char).to_digit(16);
        bytes.push((digit()? << 4 | digit()?) as u8);
    }
    String::from_utf8(bytes).ok()
}

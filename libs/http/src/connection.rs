//! One connection: requests in, responses out, one after the other.

use alloc::vec::Vec;
use core::time::Duration;

use crate::body::{Body, Piece};
use crate::request::{Head, parse};
use crate::response::{Framing, KeepAlive, write_chunk, write_head};
use crate::{Heads, Length, Limits, Request, Response, Status};

/// Bytes that a connection may keep between requests: as many as most heads have.
const BUFFER_KEPT: usize = 512;
/// Header fields for whose places it may keep room.
const HEADERS_KEPT: usize = 16;

/// What the input held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A request's head is there: see [`Connection::request`].
    Request,
    /// A piece of its body.
    Body(&'a [u8]),
    /// It is complete. A response may have been begun before.
    End,
    /// The client broke the rules or a limit. If nothing of a response was written yet, answer with this
    /// status; in any case close then.
    Error(Status),
}

/// The server's side of a connection.
pub struct Connection {
    limits: Limits,
    state: State,
    bytes: Vec<u8>,
    head: Head,
    /// How the end of the head is recognised: what the last bytes were.
    line: Line,
    requests: u32,
    response: Writing,
    /// When the current state, or the current pause, began.
    since: Duration,
    /// When the body began, and how much of it has come.
    body_since: Duration,
    /// Before a request: how many bytes of empty lines.
    body_len: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing of a request has come.
    Idle,
    Head,
    /// The head is there; the caller has been told.
    Body(Body),
    /// The request is complete; waiting for the response.
    Complete,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Within a line.
    Within,
    /// At its beginning, that is, behind a line feed.
    Start,
    /// Behind a line feed and a carriage return.
    StartCr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// No response has begun.
    Nothing,
    /// So many bytes are still to be written, in this framing. `bodyless`: they are left out.
    Body {
        framing: Framing,
        left: u64,
        bodyless: bool,
    },
    Done,
}

impl Connection {
    /// A connection that was just accepted.
    pub fn new(limits: Limits, now: Duration) -> Connection {
        Connection {
            limits,
            state: State::Idle,
            bytes: Vec::new(),
            head: Head::default(),
            line: Line::Start,
            requests: 0,
            response: Writing::Nothing,
            since: now,
            body_since: now,
            body_len: 0,
        }
    }

    /// Goes on with `input`: how many of its bytes were used, and what they held. To be called again
    /// with the rest until the answer is `None`; then more input is needed, or the
    /// response must be finished first ([`Connection::wants_input`] tells).
    pub fn receive<'a>(&mut self, input: &'a [u8], now: Duration) -> (usize, Option<Event<'a>>) {
        match self.state {
            State::Idle | State::Head => {
                if self.state == State::Idle
                    && let Some(used) = self.whole_head(input, now)
                {
                    return (used, Some(Event::Request));
                }
                self.receive_head(input, now)
            }
            State::Body(mut body) => {
                let (used, piece) = body.receive(input);
                self.state = State::Body(body);
                if used > 0 {
                    self.since = now;
                }
                let event = match piece {
                    Piece::Data(data) => {
                        self.body_len += data.len() as u64;
                        if self.body_len > self.limits.body_max {
                            return (used, Some(self.fail(Status::CONTENT_TOO_LARGE)));
                        }
                        Some(Event::Body(data))
                    }
                    Piece::End => {
                        self.state = State::Complete;
                        self.since = now;
                        Some(Event::End)
                    }
                    Piece::More => None,
                    Piece::Error(status) => Some(self.fail(status)),
                };
                (used, event)
            }
            State::Complete | State::Failed => (0, None),
        }
    }

    /// A good head that comes as a whole need not be looked through for its end first: how long it is. Whatever is not like
    /// that is left to [`Connection::receive_head`].
    #[inline]
    fn whole_head(&mut self, input: &[u8], now: Duration) -> Option<usize> {
        if self.body_len > 0 || matches!(input.first(), None | Some(b'\r' | b'\n')) {
            return None;
        }
        let spans = core::mem::take(&mut self.head.headers);
        let (head, body, len) = parse(input, &self.limits, spans).ok().flatten()?;
        if len > self.limits.head_max || self.bytes.try_reserve(len).is_err() {
            return None;
        }
        self.bytes.extend_from_slice(&input[..len]);
        self.begin_body(head, body, now);
        Some(len)
    }

    /// Collects the bytes of a head up to its end, in whatever pieces they come.
    #[inline(never)]
    fn receive_head(&mut self, input: &[u8], now: Duration) -> (usize, Option<Event<'static>>) {
        let used = match self.collect_head(input, now) {
            Ok((used, false)) => return (used, None),
            Ok((used, true)) => used,
            Err(status) => return (0, Some(self.fail(status))),
        };
        let spans = core::mem::take(&mut self.head.headers);
        match parse(&self.bytes, &self.limits, spans) {
            Ok(Some((head, body, _))) => {
                self.begin_body(head, body, now);
                (used, Some(Event::Request))
            }
            // There is an empty line at the end, so it should be complete.
            Ok(None) => (used, Some(self.fail(Status::BAD_REQUEST))),
            Err(status) => (used, Some(self.fail(status))),
        }
    }

    /// The head is there.
    fn begin_body(&mut self, head: Head, body: Body, now: Duration) {
        self.head = head;
        self.requests += 1;
        self.state = State::Body(body);
        (self.since, self.body_since, self.body_len) = (now, now, 0);
    }

    /// The request that is being received or answered. Empty before its head is there.
    pub fn request(&self) -> Request<'_> {
        Request {
            head: &self.head,
            bytes: &self.bytes,
        }
    }

    /// Whether input would be used now.
    pub fn wants_input(&self) -> bool {
        !matches!(self.state, State::Complete | State::Failed)
    }

    /// Whether the current request is complete, so that a client that closes its side now has cut nothing off.
    pub fn is_between_requests(&self) -> bool {
        self.state == State::Idle
    }

    /// Writes the interim response that the client waits for before it sends its body, if it does.
    /// To be called when the body is wanted.
    pub fn accept_body(&mut self, out: &mut Vec<u8>) {
        if self.head.expects_continue
            && self.response == Writing::Nothing
            && matches!(self.state, State::Body(_))
        {
            self.head.expects_continue = false;
            out.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    /// Writes the head of the response. The body follows with [`Connection::write`], then
    /// [`Connection::finish`].
    pub fn respond(&mut self, response: &Response<'_>, now: Duration, out: &mut Vec<u8>) {
        let (framing, keep_alive) = self.begin_response(response, now);
        write_head(response, framing, keep_alive, false, out);
    }

    /// The same for an answer that is likely to be like the one before, whose head is then taken once more. The caller
    /// sends the head by itself, and the body as well ([`Connection::count`]).
    #[inline]
    pub fn respond_alike<'a>(
        &mut self,
        response: &Response<'_>,
        now: Duration,
        heads: &'a mut Heads,
    ) -> &'a [u8] {
        let (framing, keep_alive) = self.begin_response(response, now);
        heads.of(response, framing, keep_alive)
    }

    /// Finds out how a response is framed, and how the connection goes on after it.
    fn begin_response(&mut self, response: &Response<'_>, now: Duration) -> (Framing, KeepAlive) {
        debug_assert_eq!(
            self.response,
            Writing::Nothing,
            "one response for each request"
        );
        let bodyless = self.head.is_head || response.status.is_bodyless();
        let framing = match response.length {
            _ if response.status.is_bodyless() => Framing::None,
            Length::Fixed(len) => Framing::Length(len),
            Length::Unknown if self.head.version_1_1 => Framing::Chunks,
            Length::Unknown => Framing::UntilClose,
        };
        if framing == Framing::UntilClose || self.requests >= self.limits.requests_max {
            self.head.keep_alive = false;
        }
        // A client that was never told to send its body will not send it, or will: nobody can tell
        // where the next request begins.
        if self.state == State::Failed || self.head.expects_continue {
            self.head.keep_alive = false;
        }
        let keep_alive = match (self.head.keep_alive, self.head.version_1_1) {
            (false, _) => KeepAlive::No,
            (true, false) => KeepAlive::Told,
            (true, true) => KeepAlive::Understood,
        };
        let left = match framing {
            Framing::Length(len) => len,
            _ => u64::MAX,
        };
        self.response = Writing::Body {
            framing,
            left,
            bodyless,
        };
        self.since = now;
        (framing, keep_alive)
    }

    /// Writes bytes of the response's body; for `HEAD` it writes none. More than was announced is cut off.
    pub fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        let Writing::Body {
            framing,
            left,
            bodyless,
        } = &mut self.response
        else {
            return;
        };
        let len = usize::try_from(*left).unwrap_or(usize::MAX).min(data.len());
        *left -= len as u64;
        if *bodyless || len == 0 {
            return;
        }
        match framing {
            Framing::Chunks => write_chunk(&data[..len], out),
            _ => out.extend_from_slice(&data[..len]),
        }
    }

    /// Counts bytes of the response's body that the caller has sent by itself. Only for a body of
    /// known length, whose bytes stand in the stream as they are.
    pub fn count(&mut self, len: u64) {
        if let Writing::Body {
            left,
            framing: Framing::Length(_),
            ..
        } = &mut self.response
        {
            *left = left.saturating_sub(len);
        }
    }

    /// Whether the bytes of a body are to be written at all: not for `HEAD`, `204` and the like.
    pub fn wants_body(&self) -> bool {
        matches!(
            self.response,
            Writing::Body {
                bodyless: false,
                ..
            }
        )
    }

    /// Ends the response. True if the connection goes on; otherwise it is to be closed when everything
    /// was sent.
    #[must_use]
    pub fn finish(&mut self, now: Duration, out: &mut Vec<u8>) -> bool {
        let Writing::Body {
            framing,
            left,
            bodyless,
        } = self.response
        else {
            return false;
        };
        if framing == Framing::Chunks && !bodyless {
            out.extend_from_slice(b"0\r\n\r\n");
        }
        // A body shorter than announced cannot be mended: closing is how the client learns.
        let cut_short = matches!(framing, Framing::Length(_)) && left > 0 && !bodyless;
        self.response = Writing::Done;
        let goes_on = self.head.keep_alive && self.state == State::Complete && !cut_short;
        if goes_on {
            self.state = State::Idle;
            self.response = Writing::Nothing;
            let mut headers = core::mem::take(&mut self.head.headers);
            headers.clear();
            headers.shrink_to(HEADERS_KEPT);
            self.head = Head {
                headers,
                ..Head::default()
            };
            // Between requests there is at most a small buffer.
            self.bytes.clear();
            self.bytes.shrink_to(BUFFER_KEPT);
            self.line = Line::Start;
            self.body_len = 0;
            self.since = now;
        } else {
            self.state = State::Failed;
        }
        goes_on
    }

    /// Tells that the client took something of the response.
    pub fn wrote(&mut self, now: Duration) {
        if matches!(self.response, Writing::Body { .. }) {
            self.since = now;
        }
    }

    /// Until when something must have happened; see [`Connection::expire`].
    pub fn deadline(&self) -> Option<Duration> {
        match (self.state, self.response) {
            (_, Writing::Body { .. }) => Some(self.since + self.limits.write_pause),
            (State::Idle, _) => Some(self.since + self.limits.idle_time),
            (State::Head, _) => Some(self.since + self.limits.head_time),
            (State::Body(_), _) => {
                let pause = self.since + self.limits.body_pause;
                let rate = self.limits.body_rate_min.max(1) as u64;
                let earned = Duration::from_secs(self.body_len / rate);
                Some(pause.min(self.body_since + self.limits.body_pause + earned))
            }
            (State::Complete | State::Failed, _) => None,
        }
    }

    /// What to do if the deadline has passed: answer with the status, then close; or, for `Some(None)`,
    /// close without a word. `None`: it has not passed.
    pub fn expire(&mut self, now: Duration) -> Option<Option<Status>> {
        if self.deadline()? > now {
            return None;
        }
        let answer = match (self.state, self.response) {
            (State::Head | State::Body(_), Writing::Nothing) => Some(Status::REQUEST_TIMEOUT),
            _ => None,
        };
        let _ = self.fail(Status::REQUEST_TIMEOUT);
        Some(answer)
    }

    fn fail(&mut self, status: Status) -> Event<'static> {
        self.state = State::Failed;
        self.head.keep_alive = false;
        Event::Error(status)
    }

    /// Copies input into the buffer up to the end of the head. True if that is there.
    fn collect_head(&mut self, input: &[u8], now: Duration) -> Result<(usize, bool), Status> {
        let mut used = 0;
        if self.state == State::Idle {
            // RFC 9112, section 2.2: an empty line before a request is overlooked. Just a few, though.
            let blank = input
                .iter()
                .take_while(|&&b| b == b'\r' || b == b'\n')
                .count();
            if blank > 0 {
                self.body_len += blank as u64;
                if self.body_len > 16 {
                    return Err(Status::BAD_REQUEST);
                }
                used = blank;
            }
            if used == input.len() {
                return Ok((used, false));
            }
            self.state = State::Head;
            self.since = now;
            self.line = Line::Within;
        }
        let mut end = None;
        let rest = &input[used..];
        let mut at = 0;
        while let Some(len) = rest[at..].iter().position(|&byte| byte == b'\n') {
            let line = &rest[at..at + len];
            at += len + 1;
            let is_empty = match self.line {
                Line::Start => line.is_empty() || line == b"\r",
                Line::StartCr => line.is_empty(),
                Line::Within => false,
            };
            self.line = Line::Start;
            if is_empty {
                end = Some(at);
                break;
            }
        }
        if end.is_none() {
            self.line = match (self.line, &rest[at..]) {
                (line, []) => line,
                (Line::Start, b"\r") => Line::StartCr,
                _ => Line::Within,
            };
        }
        let take = end.unwrap_or(rest.len());
        if self.bytes.len() + take > self.limits.head_max {
            // Which limit it was: the first line's, or the fields'.
            let room = self.limits.head_max - self.bytes.len();
            let long_line =
                !self.bytes.contains(&b'\n') && !rest[..room.min(take)].contains(&b'\n');
            return Err(if long_line {
                Status::URI_TOO_LONG
            } else {
                Status::HEADER_FIELDS_TOO_LARGE
            });
        }
        if self.bytes.try_reserve(take).is_err() {
            return Err(Status::SERVICE_UNAVAILABLE);
        }
        self.bytes.extend_from_slice(&rest[..take]);
        Ok((used + take, end.is_some()))
    }
}

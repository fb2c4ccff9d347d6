//! A client: its two streams, the state of HTTP on them, and the answer that is under way.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ftl::prelude::*;
use http::{Event, Heads, Limits, Response, Status};
use interfaces::tcpip::tcp_connection;
use ring::{Malformed, StreamConsumer, StreamLayout, StreamProducer};

use crate::directory::Part;
use crate::server::now;
use crate::site::{Answer, Counts, Site, Upload, computed_byte, fill_computed};

/// How long to wait for the other side to close, too.
const FAREWELL: Duration = Duration::from_secs(5);
/// Input that is looked at in one piece.
const PIECE: usize = 4096;
/// Bytes of a file that are read at once.
const FILE_PIECE: usize = 4000;

/// Whether a client stays.
pub enum Outcome {
    Open,
    Drop,
}

pub struct Client {
    pub channel: tcp_connection::Client,
    received: StreamConsumer<SharedBytes>,
    to_send: StreamProducer<SharedBytes>,
    http: http::Connection,
    /// What did not fit into the stream, and how much of it has gone since.
    pending: Vec<u8>,
    pending_at: usize,
    task: Task,
    /// The other side has closed: there is no more than what is in the stream.
    ended: bool,
    /// Nothing is answered any more; since when we wait for the other side to close, too.
    farewell: Option<Duration>,
    /// `tcpip` was told that nothing more will be sent.
    finished: bool,
    /// When its turn began.
    now: Duration,
}

/// Buffers that clients use in turn: one at rest has none of its own.
pub struct Scratch {
    /// A piece of what was received.
    piece: Vec<u8>,
    /// What is about to be sent.
    pending: Vec<u8>,
    /// The head of the last answer.
    heads: Heads,
}

impl Scratch {
    pub fn new() -> Scratch {
        Scratch {
            piece: alloc::vec![0; PIECE],
            pending: Vec::new(),
            heads: Heads::default(),
        }
    }
}

/// What is under way.
enum Task {
    /// A request is coming in.
    Receive(Option<Box<Upload>>),
    /// A computed body is being sent: its next byte, and its length.
    Send { at: u64, len: u64 },
    /// A file is: its next byte, and the one behind the last.
    SendFile(Box<Part>),
}

impl Client {
    /// A client whose connection is there.
    pub fn new(
        channel: tcp_connection::Client,
        memory: &SharedBytes,
        received: StreamLayout,
        to_send: StreamLayout,
    ) -> Client {
        Client {
            channel,
            received: StreamConsumer::new(memory.clone(), received),
            to_send: StreamProducer::new(memory.clone(), to_send),
            http: http::Connection::new(Limits::default(), now()),
            pending: Vec::new(),
            pending_at: 0,
            task: Task::Receive(None),
            ended: false,
            farewell: None,
            finished: false,
            now: now(),
        }
    }

    /// The other side has closed.
    pub fn ended(&mut self) {
        self.ended = true;
    }

    /// Ends what takes too long. True if there is something to be sent, or the client is to be dropped.
    pub fn expire(&mut self, now: Duration, counts: &mut Counts) -> bool {
        if let Some(since) = self.farewell {
            return now >= since + FAREWELL;
        }
        self.now = now;
        match self.http.expire(now) {
            None => return false,
            Some(Some(status)) => self.refuse(status),
            Some(None) => self.leave(),
        }
        counts.late += 1;
        true
    }

    /// Goes on with everything that can go on.
    pub fn pump(&mut self, site: &mut Site, scratch: &mut Scratch) -> Outcome {
        self.now = now();
        if self
            .farewell
            .is_some_and(|since| self.now >= since + FAREWELL)
        {
            return Outcome::Drop;
        }
        if self.pending.capacity() == 0 {
            core::mem::swap(&mut self.pending, &mut scratch.pending);
        }
        let result = self.work(site, &mut scratch.piece, &mut scratch.heads);
        if self.pending.is_empty() {
            scratch.pending = core::mem::take(&mut self.pending);
            scratch.pending.shrink_to(PIECE);
        }
        // One message for all of it: either the streams have room and bytes again, or not.
        let wake = self.received.release() | self.to_send.publish();
        if wake {
            let _ = self.channel.more_soon();
        }
        match result {
            Ok(()) => Outcome::Open,
            Err(error) => {
                warn!("{error}");
                Outcome::Drop
            }
        }
    }

    fn work(
        &mut self,
        site: &mut Site,
        piece: &mut [u8],
        heads: &mut Heads,
    ) -> core::result::Result<(), Malformed> {
        loop {
            if !self.flush()? {
                return Ok(());
            }
            if let Task::Send { at, len } = self.task {
                if at < len {
                    self.send_computed(at, len)?;
                } else {
                    self.finish_response();
                }
                continue;
            }
            if let Task::SendFile(part) = &self.task {
                if part.from < part.to {
                    self.send_file(piece)?;
                } else {
                    self.finish_response();
                }
                continue;
            }
            let count = self.received.peek(piece)?;
            if self.farewell.is_some() {
                // What comes now is not read, but taken: a reset would take our last words away.
                self.received.skip(count);
                if count == 0 && self.received.prepare_wait()? {
                    return Ok(());
                }
                continue;
            }
            let (used, event) = self.http.receive(&piece[..count], self.now);
            let event = match event {
                Some(Event::Body(data)) => {
                    if let Task::Receive(Some(upload)) = &mut self.task {
                        upload.update(data);
                    }
                    self.received.skip(used);
                    continue;
                }
                other => other,
            };
            self.received.skip(used);
            match event {
                Some(Event::Request) => self.begin(site),
                Some(Event::End) => self.answer(site, heads)?,
                Some(Event::Error(status)) => {
                    site.counts.refused += 1;
                    self.refuse(status);
                }
                Some(Event::Body(_)) => {}
                None if used > 0 => {}
                None => {
                    if self.ended && self.received.available()? == 0 {
                        // Between requests that is the usual end; else somebody has changed his mind.
                        site.counts.cut_off += u64::from(!self.http.is_between_requests());
                        self.leave();
                        continue;
                    }
                    if self.received.prepare_wait()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The head of a request is there.
    fn begin(&mut self, site: &mut Site) {
        site.counts.requests += 1;
        let wants_upload = site.is_upload(self.http.request());
        if wants_upload {
            self.http.accept_body(&mut self.pending);
        }
        self.task = Task::Receive(wants_upload.then(|| Box::new(Upload::new())));
    }

    /// A request is complete.
    fn answer(
        &mut self,
        site: &mut Site,
        heads: &mut Heads,
    ) -> core::result::Result<(), Malformed> {
        let upload = match core::mem::replace(&mut self.task, Task::Receive(None)) {
            Task::Receive(upload) => upload,
            Task::Send { .. } | Task::SendFile(_) => None,
        };
        match site.answer(self.http.request(), upload.map(|upload| *upload)) {
            Answer::Bytes {
                status,
                content_type,
                body,
                headers,
            } => {
                let len = body.len() as u64;
                let response = Response {
                    headers,
                    ..Response::new(status, content_type, len)
                };
                let head = self.http.respond_alike(&response, self.now, heads);
                let body = match self.http.wants_body() {
                    true => body,
                    false => &[],
                };
                self.http.count(body.len() as u64);
                // Straight into the stream, as far as it fits.
                for part in [head, body] {
                    let sent = match self.pending.is_empty() {
                        true => self.to_send.write(part)?,
                        false => 0,
                    };
                    self.pending.extend_from_slice(&part[sent..]);
                }
                self.finish_response();
                Ok(())
            }
            other => {
                self.answer_otherwise(other);
                Ok(())
            }
        }
    }

    /// Begins an answer that is not one piece.
    #[inline(never)]
    fn answer_otherwise(&mut self, answer: Answer<'_>) {
        match answer {
            // Answered already.
            Answer::Bytes { .. } => {}
            Answer::Told { status, header } => {
                let response = Response {
                    headers: &[header],
                    ..Response::new(status, "", 0)
                };
                self.http.respond(&response, self.now, &mut self.pending);
                self.finish_response();
            }
            Answer::File(mut part) => {
                let mut headers = alloc::vec![
                    ("accept-ranges", "bytes"),
                    ("cache-control", "no-cache"),
                    ("etag", part.tag.as_str()),
                ];
                if let Some(range) = &part.range {
                    headers.push(("content-range", range));
                }
                let response = Response {
                    headers: &headers,
                    ..Response::new(part.status, part.content_type, part.to - part.from)
                };
                self.http.respond(&response, self.now, &mut self.pending);
                if !self.http.wants_body() {
                    part.from = part.to;
                }
                self.task = Task::SendFile(part);
            }
            Answer::Computed(len) => {
                let response = Response::new(Status::OK, "application/octet-stream", len);
                self.http.respond(&response, self.now, &mut self.pending);
                let at = if self.http.wants_body() { 0 } else { len };
                self.task = Task::Send { at, len };
            }
        }
    }

    fn finish_response(&mut self) {
        self.task = Task::Receive(None);
        if !self.http.finish(self.now, &mut self.pending) {
            self.leave_after_pending();
        }
    }

    /// Answers that it will not do, and closes.
    #[inline(never)]
    fn refuse(&mut self, status: Status) {
        let now = self.now;
        let body = status.reason().as_bytes();
        self.http.respond(
            &Response::new(status, "text/plain", body.len() as u64),
            now,
            &mut self.pending,
        );
        self.http.write(body, &mut self.pending);
        let _ = self.http.finish(now, &mut self.pending);
        self.leave_after_pending();
    }

    fn leave_after_pending(&mut self) {
        self.task = Task::Receive(None);
        self.farewell = Some(self.now);
    }

    /// Closes without a word.
    fn leave(&mut self) {
        self.pending.clear();
        self.pending_at = 0;
        self.leave_after_pending();
    }

    /// Moves what is pending into the stream. False if there is no room: tcpip tells when there is.
    fn flush(&mut self) -> core::result::Result<bool, Malformed> {
        while self.pending_at < self.pending.len() {
            let written = self.to_send.write(&self.pending[self.pending_at..])?;
            self.pending_at += written;
            if written > 0 {
                self.http.wrote(self.now);
            } else if self.wait_for_room()? {
                return Ok(false);
            }
        }
        if self.pending_at > 0 {
            self.pending.clear();
            self.pending_at = 0;
        }
        if self.farewell.is_some() && !self.finished {
            self.finished = true;
            let _ = self.to_send.publish();
            let _ = self.channel.finish();
        }
        Ok(true)
    }

    fn wait_for_room(&mut self) -> core::result::Result<bool, Malformed> {
        if self.to_send.publish() {
            let _ = self.channel.more();
        }
        self.to_send.prepare_wait(4096)
    }

    /// Sends a piece of a file.
    #[inline(never)]
    fn send_file(&mut self, piece: &mut [u8]) -> core::result::Result<(), Malformed> {
        let Task::SendFile(part) = &mut self.task else {
            return Ok(());
        };
        let left = usize::try_from(part.to - part.from).unwrap_or(usize::MAX);
        let space = self.to_send.space()?.max(1);
        // What fits into a message of the file server.
        let len = left.min(space).min(FILE_PIECE);
        let read = part.file.read_at(&mut piece[..len], part.from);
        let count = match read {
            Ok(count) if count > 0 => count,
            // It was cut meanwhile, or cannot be read: the length was told already.
            _ => {
                warn!("a file that was being sent cannot be read on: {read:?}");
                self.leave();
                return Ok(());
            }
        };
        part.from += count as u64;
        self.http.count(count as u64);
        let written = self.to_send.write(&piece[..count])?;
        if written > 0 {
            self.http.wrote(self.now);
        }
        // `flush` waits for room if something is pending.
        self.pending.extend_from_slice(&piece[written..count]);
        Ok(())
    }

    /// Sends a piece of a computed body straight into the stream.
    #[inline(never)]
    fn send_computed(&mut self, at: u64, len: u64) -> core::result::Result<(), Malformed> {
        let mut bytes = [0; PIECE];
        let space = self.to_send.space()?.min(PIECE) as u64;
        if space == 0 {
            // `flush` waits for room if something is pending: one byte will do.
            self.pending.push(computed_byte(at));
            self.http.count(1);
            self.task = Task::Send { at: at + 1, len };
            return Ok(());
        }
        let count = space.min(len - at) as usize;
        fill_computed(&mut bytes[..count], at);
        let written = self.to_send.write(&bytes[..count])? as u64;
        self.http.count(written);
        self.http.wrote(self.now);
        self.task = Task::Send {
            at: at + written,
            len,
        };
        Ok(())
    }
}
